"""NaN and infinity are refused with their cause, whatever is asked of a model."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dnabert2_explore import Sequence, attend, attribute, load
from dnabert2_explore.errors import InputError
from dnabert2_explore.stores import StoreError

BASES = "ACGTACGTAAGTGGCATTACG"


def spoiled(folder, value=float("nan"), dtype="float32", every=False):
    enc = load(folder, dtype=dtype, cache=False)
    weight = enc.body.encoder.layer[1].mlp.wo.weight
    with torch.no_grad():
        if every:
            for one in enc.body.encoder.parameters():
                one.mul_(value)
        else:
            weight[3, 4] = value
    return enc


ASKED = {
    "embed": lambda enc: enc.embed(BASES),
    "embed several": lambda enc: enc.embed([BASES, "ACGT"], layer=(0, 2), pooling="max"),
    "embed_long": lambda enc: enc.embed_long(BASES * 20, window=100, overlap=10),
    "hidden_states": lambda enc: enc.hidden_states(BASES),
}
OF_CLASSIFIERS = {
    "predict": lambda enc: enc.predict([BASES]),
    "attribute": lambda enc: attribute(enc, BASES, "donor", n_steps=2),
    "occlusion": lambda enc: attribute(enc, BASES, "donor", method="occlusion"),
    "mutagenesis": lambda enc: attribute(enc, BASES, "donor", method="saturation_mutagenesis"),
}
OF_LANGUAGE_MODELS = {
    "masked": lambda enc: enc.masked_log_probs([enc.tokenize(BASES).ids], [np.array([1, 2])]),
    "attribute": lambda enc: attribute(enc, BASES, (0, 6), n_steps=2),
}


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED.keys())
def test_a_weight_that_is_nan_is_named(model_folder, asked) -> None:
    where = r"1 weights are NaN or infinite, the first in bert\.encoder\.layer\.1\.mlp\.wo\.weight;"
    with pytest.raises(InputError, match=where):
        asked(spoiled(model_folder))


@pytest.mark.parametrize("asked", OF_CLASSIFIERS.values(), ids=OF_CLASSIFIERS.keys())
def test_so_it_is_by_what_classifiers_answer(classifier_folder, asked) -> None:
    with pytest.raises(InputError, match="NaN or infinite: 1 weights are"):
        asked(spoiled(classifier_folder))


@pytest.mark.parametrize("asked", OF_LANGUAGE_MODELS.values(), ids=OF_LANGUAGE_MODELS.keys())
def test_so_it_is_by_what_language_models_answer(model_folder, asked) -> None:
    with pytest.raises(InputError, match="NaN or infinite: 1 weights are"):
        asked(spoiled(model_folder))


def test_attention_of_a_later_layer(model_folder) -> None:
    enc = load(model_folder, cache=False)
    with torch.no_grad():
        enc.body.encoder.layer[0].mlp.wo.weight[0, 0] = float("inf")
    with pytest.raises(InputError, match="values of queries and keys are NaN or infinite"):
        attend(enc, BASES)


def test_half_precision_that_overflows_is_told_as_that(model_folder) -> None:
    # Weights that float16 can hold, and products that it cannot.
    enc = spoiled(model_folder, 3e4, "float16", every=True)
    assert all(torch.isfinite(one).all() for one in enc.network.parameters())
    with pytest.raises(InputError, match="float16 overflows in this model: use dtype='bfloat16'"):
        enc.embed(BASES)


def test_what_neither_weights_nor_type_explain(model_folder) -> None:
    enc = load(model_folder, cache=False)
    for module in enc.body.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.eps = -1e9
    with pytest.raises(InputError, match="computation overflows in float32 although all weights"):
        enc.embed(BASES)


def test_a_store_tells_the_same_cause(model_folder, tmp_path) -> None:
    with pytest.raises(StoreError, match=r"a:0-21 in layer 2 is not finite: 1 weights are NaN"):
        spoiled(model_folder).embed_to(tmp_path / "a.zarr", Sequence("a", BASES))


def test_what_is_refused_is_not_cached(model_folder, tmp_path) -> None:
    enc = load(model_folder, cache=tmp_path)
    whole = enc.body.packed_states

    def broken(*arguments):
        return {layer: state * float("nan") for layer, state in whole(*arguments).items()}

    enc.body.packed_states = broken
    with pytest.raises(InputError, match="NaN"):
        enc.embed(BASES)
    del enc.body.packed_states
    assert np.isfinite(enc.embed(BASES)).all()
