"""Answers averaged over strands and segmentations: the mean of readings made one by one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from dnabert2_explore import InputError, load
from dnabert2_explore.encoder import SHIPPED
from dnabert2_explore.encoder.passes.readings import CUTS, Readings, explained_line
from dnabert2_explore.sequences import reverse_complement
from dnabert2_explore.tokens.segmentation import random_cuts

from ..conftest import random_bases


@pytest.fixture(scope="module")
def texts():
    return [random_bases(n, seed=n) for n in (60, 31, 120, 9)]


def changed(folder, out, **settings):
    """A model with other settings in its config.json."""
    shutil.copytree(folder, out)
    content = json.loads((out / "config.json").read_text()) | settings
    (out / "config.json").write_text(json.dumps(content))
    return out


def by_hand(enc, texts, strands, segmentations):
    """The mean over readings, each of them asked for on its own."""
    found = []
    for strand in (texts, [reverse_complement(one) for one in texts])[: 1 + (strands == "both")]:
        found.append(enc.predict(strand, strands="one", segmentations=0))
        for number in range(1, 1 + segmentations):
            found.append(enc.predict_ids(random_cuts(enc.tokenizer, strand, CUTS, number)))
    return np.mean(found, axis=0)


@pytest.mark.parametrize(("strands", "segmentations"), [("both", 0), ("one", 3), ("both", 2)])
def test_the_answer_is_the_mean_of_the_readings(classifier, texts, strands, segmentations) -> None:
    found = classifier.predict(texts, strands=strands, segmentations=segmentations)
    expected = by_hand(classifier, texts, strands, segmentations)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.dtype == np.float32
    assert np.abs(found - classifier.predict(texts)).max() > 1e-4


def test_both_strands_get_one_answer(classifier, texts) -> None:
    turned = [reverse_complement(one) for one in texts]
    for segmentations in (0, 2):
        np.testing.assert_allclose(
            classifier.predict(texts, strands="both", segmentations=segmentations),
            classifier.predict(turned, strands="both", segmentations=segmentations),
            atol=1e-6,
        )


def test_what_it_is_batched_with_changes_nothing(classifier, texts) -> None:
    settings = {"strands": "both", "segmentations": 2}
    together = classifier.predict(texts, **settings)
    small = classifier.predict(texts, batch_tokens=1, **settings)
    np.testing.assert_allclose(small, together, atol=1e-6)
    for text, row in zip(texts, together, strict=True):
        np.testing.assert_allclose(classifier.predict(text, **settings)[0], row, atol=1e-6)


SCRIPT = """
import sys
from dnabert2_explore import load
found = load(sys.argv[1]).predict(sys.argv[2].split(","), strands="both", segmentations=3)
print([value.hex() for value in found.astype(float).ravel()])
"""


def test_another_process_gives_the_same_answer(classifier_folder, texts) -> None:
    said = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT, str(classifier_folder), ",".join(texts)],
            env=dict(os.environ, PYTHONHASHSEED=seed, OMP_NUM_THREADS="1"),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
    assert said != {""}


def test_saved_settings_are_used_unless_told_otherwise(classifier_folder, texts, tmp_path) -> None:
    folder = changed(
        classifier_folder, tmp_path / "m", prediction_strands="both", prediction_segmentations=2
    )
    enc = load(folder)
    assert str(Readings.of(enc)) == "mean over both strands, 3 segmentations each"
    plain = load(classifier_folder)
    np.testing.assert_array_equal(
        enc.predict(texts), plain.predict(texts, strands="both", segmentations=2)
    )
    np.testing.assert_array_equal(
        enc.predict(texts, strands="one", segmentations=0), plain.predict(texts)
    )
    np.testing.assert_array_equal(
        enc.predict(texts, segmentations=0), plain.predict(texts, strands="both")
    )


def test_what_explains_one_reading_says_so(classifier, classifier_folder, texts, tmp_path) -> None:
    from dnabert2_explore import attribute, saturation_mutagenesis

    enc = load(changed(classifier_folder, tmp_path / "m", prediction_strands="both"))
    line = explained_line(enc)
    assert line.startswith(str(enc.info))
    assert line.endswith(
        "explains one reading, where its predictions are the mean over both strands"
    )
    assert explained_line(classifier) == str(classifier.info)
    assert attribute(enc, texts[1], target=0, method="saliency").model == line
    mutants = saturation_mutagenesis(enc, texts[1], 0, region=(3, 5))
    assert mutants.model == line


@pytest.fixture
def anchored(classifier_folder, tmp_path):
    """A model that reads sites: with a tokenizer that joins two parts."""
    folder = changed(classifier_folder, tmp_path / "sites", anchor="middle", vocab_size=4096)
    shutil.copy(SHIPPED["pocket"] / "tokenizer.json", folder)
    import torch
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    name = next(one for one in weights if one.endswith("word_embeddings.weight"))
    torch.manual_seed(0)
    weights[name] = torch.randn(4096, weights[name].shape[1]) * 0.2
    save_file(weights, folder / "model.safetensors")
    return load(folder)


def test_an_anchored_model_reads_one_strand(anchored, texts) -> None:
    assert anchored.tokenizer.anchor == "middle"
    with pytest.raises(InputError, match="reads sites of one strand, at an anchor"):
        anchored.predict(texts, strands="both")
    found = anchored.predict(texts, segmentations=2)
    np.testing.assert_allclose(found, by_hand(anchored, texts, "one", 2), atol=1e-6)


def test_packed_and_padded_sites_agree(anchored, texts) -> None:
    import torch

    ids = [anchored.tokenize(text).ids for text in texts]
    longest = max(map(len, ids))
    padded = torch.full((len(ids), longest), anchored.tokenizer.pad_id)
    for row, one in zip(padded, ids, strict=True):
        row[: len(one)] = torch.from_numpy(one)
    mask = (padded != anchored.tokenizer.pad_id).long()
    types = anchored.body.part_types(padded)
    for row, one in zip(types.tolist(), ids, strict=True):
        first = one.tolist().index(anchored.tokenizer.sep_id)
        assert row[: first + 1] == [0] * (first + 1)
        assert row[first + 1 : len(one)] == [1] * (len(one) - first - 1)
    with torch.inference_mode():
        logits = anchored.network(padded, mask).logits
        said = anchored.network(padded, mask, token_type_ids=types).logits
        other = anchored.network(padded, mask, token_type_ids=torch.zeros_like(types)).logits
    packed = anchored.logits_ids(ids)
    np.testing.assert_allclose(logits.numpy(), packed, atol=1e-5)
    np.testing.assert_array_equal(said.numpy(), logits.numpy())
    assert (other - logits).abs().max() > 1e-4  # parts are told apart


def test_an_exported_site_model_answers_the_same(anchored, texts, tmp_path) -> None:
    import torch

    from dnabert2_explore.network.export.standalone import standalone_network

    theirs = standalone_network(anchored.network)
    for text in texts:
        ids = torch.from_numpy(anchored.tokenize(text).ids)[None]
        with torch.inference_mode():
            found = theirs(ids).logits.numpy()
        np.testing.assert_allclose(found, anchored.logits_ids([ids[0].numpy()]), atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"strands": "two"}, "strands is 'two'; expected 'one' or 'both'"),
        ({"segmentations": -1}, "segmentations is -1; expected 0 or more"),
    ],
)
def test_bad_settings(classifier, texts, settings, message) -> None:
    with pytest.raises(InputError, match=message):
        classifier.predict(texts, **settings)


def test_no_head_no_readings(enc, texts) -> None:
    with pytest.raises(InputError, match="no classification head"):
        enc.predict(texts, strands="both")


def test_progress_counts_sequences(classifier, texts) -> None:
    ticks = []
    classifier.predict(
        texts, strands="both", segmentations=1, progress=lambda *tick: ticks.append(tick)
    )
    assert {total for _, total in ticks} == {len(texts)}
    assert ticks == sorted(ticks)
    assert ticks[-1] == (len(texts), len(texts))
