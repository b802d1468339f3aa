"""The masked-LM head at every layer, against plain transformers calls."""

import copy

import numpy as np
import pytest
import torch

import dnabert2_explore as dx
from dnabert2_explore import InputError
from dnabert2_explore.encoder.loading.twin import random_twin

BASES = "ACGTTGCATTAGCATGCAATGGCTAGCTTAGCGGATATAAAGGC"


@pytest.fixture(scope="module")
def enc():
    return dx.load("pocket", cache=False)


def test_equals_plain_calls_in_double_precision(enc):
    found = dx.lens(enc, BASES)
    network = copy.deepcopy(enc.network).double()
    ids = enc.tokenize(BASES).ids
    assert found.places.tolist() == list(range(1, len(ids) - 1))
    for column, place in enumerate(found.places):
        masked = torch.from_numpy(ids).clone()
        masked[place] = enc.tokenizer.mask_id
        with torch.no_grad():
            states = network(masked[None], output_hidden_states=True).hidden_states
            rows = torch.stack([network.cls(s[0, place]) for s in states]).log_softmax(-1).numpy()
        truth = rows[:, ids[place]]
        np.testing.assert_allclose(found.log_prob[:, column], truth, atol=2e-4)
        np.testing.assert_allclose(
            found.entropy[:, column], -(np.exp(rows) * rows).sum(-1), atol=2e-3
        )
        rank = (rows > truth[:, None]).sum(-1) + 1
        # Entries that differ by less than rounding may change places.
        near = (np.abs(rows - truth[:, None]) < 1e-4).sum(-1)
        assert (np.abs(found.rank[:, column] - rank) < near).all()


def test_only_the_tokens_of_the_region(enc):
    seen = []
    found = dx.lens(enc, BASES, (10, 12), twin=True, progress=lambda *n: seen.append(n))
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1]
    assert ((found.spans[:, 0] < 12) & (found.spans[:, 1] > 10)).all()
    whole = dx.lens(enc, BASES)
    at = np.isin(whole.places, found.places)
    np.testing.assert_allclose(found.log_prob, whole.log_prob[:, at], atol=1e-4)
    alone = dx.lens(random_twin(enc), BASES, (10, 12))
    np.testing.assert_allclose(found.twin.log_prob, alone.log_prob, atol=1e-4)
    assert len(found.table()) == found.rank.size
    assert "untrained" in repr(found)
    assert (found.common >= 1).all()


@pytest.mark.filterwarnings("ignore::dnabert2_explore.sequences.UnknownBasesWarning")
def test_what_cannot_be_asked_is_refused(enc):
    with pytest.raises(InputError, match="no masked-LM head"):
        dx.lens(dx.load("pocket-splice"), BASES)
    with pytest.raises(InputError, match="hold no token of A, C, G and T"):
        dx.lens(enc, "NNNN" + BASES, (0, 3))
    with pytest.raises(InputError, match="not a stretch"):
        dx.lens(enc, BASES, (3, 3))
