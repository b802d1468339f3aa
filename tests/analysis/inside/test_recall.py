"""In-context recall: against a loop over masked passes, and where there is nothing to recall."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import dnabert2_explore as dx
from dnabert2_explore.figures import recall_curve


@pytest.fixture(scope="module")
def enc():
    return dx.load("pocket", cache=False)


@pytest.fixture(scope="module")
def windows():
    return dx.demo.windows()[:6]


def test_the_gain_is_that_of_a_loop_over_masked_passes(enc, windows, monkeypatch):
    kept = {}
    original = enc.tokenizer.encode_batch
    monkeypatch.setattr(
        type(enc.tokenizer), "encode_batch",
        lambda self, texts, **more: kept.setdefault("texts", texts) and original(texts, **more),
    )  # fmt: skip
    found = dx.recall(enc, windows, distances=(60, 120), length=30, places=2, seed=4)
    monkeypatch.undo()
    texts, total = kept["texts"], 0
    gains = []
    for whole, control in zip(texts[::2], texts[1::2], strict=True):
        distance = (60, 120)[len(gains) // 2]
        start = 60 + distance  # behind the flank and the copy
        word = whole[start : start + 30]
        assert whole[60:90] == word  # the copy
        assert sorted(control[60:90]) == sorted(word)  # the shuffled one
        assert whole[:60] + whole[90:] == control[:60] + control[90:]
        by = []
        for text in (whole, control):
            tokens = enc.tokenize(text)
            values = {}
            for at, (a, b) in enumerate(tokens.spans.tolist()):
                if start <= a < b <= start + 30:
                    ids = torch.from_numpy(tokens.ids.copy())[None]
                    ids[0, at] = enc.tokenizer.mask_id
                    with torch.inference_mode():
                        logits = enc.network(input_ids=ids).logits[0, at].double()
                    values[a, b] = float(logits.log_softmax(-1)[int(tokens.ids[at])])
            by.append(values)
        both = set(by[0]) & set(by[1])
        total += len(both)
        gains.append(np.mean([by[0][span] - by[1][span] for span in both]))
    np.testing.assert_allclose(found.gain.ravel(), gains, atol=1e-4)
    assert found.tokens == total


def test_a_copy_that_is_no_other_than_the_shuffled_one_gains_nothing(enc):
    """A stretch of one letter stays what it is when it is shuffled."""
    found = dx.recall(enc, "A" * 400, distances=(40, 80), length=30, places=2, twin=True)
    assert (found.gain == 0).all()
    assert found.twin is not None
    assert (found.twin.gain == 0).all()


def test_table_figure_and_progress(enc, windows):
    seen = []
    found = dx.recall(
        enc, windows, distances=(50, 100), length=30, places=3, twin=True,
        progress=lambda *at: seen.append(at),
    )  # fmt: skip
    data = found.table()
    assert data["distance"].tolist() == [50, 100]
    np.testing.assert_allclose(data["gain"], found.gain.mean(axis=1))
    assert (data["low"] <= data["gain"]).all()
    assert (data["gain"] <= data["high"]).all()
    assert seen[-1] == (4 * found.tokens, 4 * found.tokens)
    figure = recall_curve(found, theme="dark")
    np.testing.assert_allclose(figure.data[0].y, data["gain"])
    np.testing.assert_allclose(figure.data[1].y, data["twin"])
    assert "50 bp" in repr(found)


def test_bad_input_is_said(enc, windows):
    for settings, words in (
        ({"distances": (20,)}, "overlap"),
        ({"distances": ()}, "at least one distance"),
        ({"distances": (5000,)}, "5,160 bases"),
        ({"distances": (50,), "length": 3}, "10 bases"),
    ):
        with pytest.raises(dx.InputError, match=words):
            dx.recall(enc, windows, **settings)
    with pytest.raises(dx.InputError, match="masked-LM"):
        dx.recall(dx.load("pocket-splice", cache=False), windows)
