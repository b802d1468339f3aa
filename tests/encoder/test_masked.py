"""Masked positions, packed, against the model called one sequence at a time."""

import numpy as np
import pytest
import torch

from dnabert2_explore import InputError, load

BASES = ("ACGTTGCATTAGCATGCAATGGCTAGCTTAGC", "TTGACA", "GGGCGCGTATAAAGGCCCATTTAGAGAGACCCA")


@pytest.fixture(scope="module")
def enc():
    return load("pocket", cache=False)


def alone(enc, ids, places):
    masked = torch.from_numpy(ids).clone()
    masked[torch.from_numpy(places)] = enc.tokenizer.mask_id
    with torch.inference_mode():
        logits = enc.network(masked[None]).logits[0]
    return logits[torch.from_numpy(places)].log_softmax(-1).numpy()


def test_equals_the_model_called_alone(enc):
    ids = [enc.tokenize(bases).ids for bases in BASES]
    positions = [np.array([1, 3]), np.array([1]), np.array([2, 4, 5])]
    kept = [one.copy() for one in ids]
    seen = []
    found = enc.masked_log_probs(ids, positions, progress=lambda *n: seen.append(n))
    assert seen[-1] == (3, 3)
    for rows, one, places in zip(found, ids, positions, strict=True):
        assert rows.shape == (len(places), len(enc.tokenizer))
        np.testing.assert_allclose(rows, alone(enc, one, places), atol=2e-4)
        np.testing.assert_allclose(np.exp(rows.astype(float)).sum(-1), 1, atol=1e-4)
    assert all(np.array_equal(a, b) for a, b in zip(ids, kept, strict=True))  # not changed


def test_the_cut_into_passes_does_not_matter(enc, monkeypatch):
    ids = [enc.tokenize(bases).ids for bases in BASES] * 3
    positions = [np.arange(1, len(one) - 1) for one in ids]
    whole = enc.masked_log_probs(ids, positions)
    monkeypatch.setattr("dnabert2_explore.encoder.passes.masked._ROWS", 4)
    parts = enc.masked_log_probs(ids, positions, batch_tokens=20)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-4)


def test_nothing_masked_is_nothing_found(enc):
    ids = enc.tokenize(BASES[0]).ids
    none = np.zeros(0, np.int64)
    first, second = enc.masked_log_probs([ids, ids], [none, np.array([1])])
    assert first.shape == (0, len(enc.tokenizer))
    assert second.shape == (1, len(enc.tokenizer))
    assert enc.masked_log_probs([], []) == []


def test_refuses_what_cannot_be_asked(enc):
    ids = enc.tokenize(BASES[1]).ids
    with pytest.raises(InputError, match="expected 0 to"):
        enc.masked_log_probs([ids], [np.array([len(ids)])])
    with pytest.raises(InputError, match="2 sequences and 1 arrays of positions"):
        enc.masked_log_probs([ids, ids], [np.array([1])])
    with pytest.raises(InputError, match="no masked-LM head"):
        load("pocket-splice", cache=False).masked_log_probs([ids], [np.array([1])])
