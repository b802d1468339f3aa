"""Properties of heads on attention whose answers are known, and the nulls beside them."""

import dataclasses

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore import InputError
from dnabert2_explore.analysis.inside import measured_heads as module

N = 120


@pytest.fixture(scope="module")
def enc():
    return dx.load("pocket", cache=False)


@pytest.fixture
def made(enc, monkeypatch):
    """Let `attend` return attention of our making: one layer, heads as given by their scores."""

    def make(scores, spans=None):
        template = dx.attend(enc, "ACGT")
        n = len(scores[0])
        spans = np.stack([np.arange(n), np.arange(n) + 1], axis=1) if spans is None else spans
        tokens = dataclasses.replace(
            template.tokens,
            ids=np.zeros(n, np.int64),
            tokens=("A",) * n,
            spans=spans,
            special=np.arange(n) == 0,
            unknown=np.zeros(n, bool),
        )
        heads = len(scores)
        # queries · keys = scores, whatever they are: one dimension a key.
        queries = np.stack(scores)[None].astype(np.float32) * np.float32(n**0.5)
        keys = np.broadcast_to(np.eye(n, dtype=np.float32), (1, heads, n, n)).copy()
        attention = dx.Attention(tokens, queries, keys, np.zeros(heads, np.float32), "made")
        monkeypatch.setattr(module, "attend", lambda _enc, _bases: attention)

        class Shape:
            num_hidden_layers, num_attention_heads = 1, heads

        class Fake:
            config, info = Shape(), "made"

        return Fake(), attention

    return make


def test_a_uniform_head_and_one_that_looks_back(made):
    back = np.full((N, N), -1e9)
    back[np.arange(1, N), np.arange(0, N - 1)] = 0.0
    back[0, 0] = 0.0
    back[1, :2] = [-1e9, 0.0]  # the first token after [CLS] keeps to itself
    fake, _ = made([np.zeros((N, N)), back])
    found = dx.head_atlas(fake, "ACGT", permutations=5)
    uniform, looking = (found.values["entropy"][0, head] for head in (0, 1))
    assert uniform == pytest.approx(np.log2(N))
    assert looking == pytest.approx(0, abs=1e-6)
    assert found.values["special"][0].tolist() == pytest.approx([1 / N, 0], abs=1e-6)
    inner = np.arange(1, N)
    mean = np.abs(inner[:, None] - inner).mean()
    assert found.values["distance"][0, 0] == pytest.approx(mean)
    assert found.values["distance"][0, 1] == pytest.approx((N - 2) / (N - 1))
    assert found.offset[0, 1] == -1
    assert found.values["offset_excess"][0, 1] == pytest.approx(1, abs=0.02)
    # What looks back by content does so no more when the keys are permuted; a uniform head is its
    # own null.
    assert found.p["distance"][0, 1] == 1 / 6
    assert found.null["distance"][0, 1] > 20
    assert found.p["distance"][0, 0] == 1
    assert found.null["entropy"][0, 0] == pytest.approx(uniform)


def test_a_period_of_three_bases_is_found(made):
    distance = np.arange(N)[None, :] - np.arange(N)[:, None]
    # Weights 1 + 0.5 cos(…), up to the sum of a row.
    three, five = (np.log1p(0.5 * np.cos(2 * np.pi * distance / k)) for k in (3, 5))
    fake, _ = made([three, five])
    found = dx.head_atlas(fake, "ACGT", permutations=9)
    assert found.values["period3"][0, 0] == pytest.approx(0.5, abs=0.02)
    assert found.values["period3"][0, 1] < 0.05
    assert found.p["period3"][0, 0] == 1 / 10
    assert found.null["period3"][0, 0] < 0.1


def test_a_track_that_is_looked_at(made):
    scores = np.zeros((N, N))
    scores[:, 40:50] = 2.0
    fake, _ = made([scores, np.zeros((N, N))])
    found = dx.head_atlas(fake, "ACGT", tracks=[[(40, 50)]], permutations=19)
    ratio, flat = found.values["track"][0]
    assert ratio > 3
    assert flat == pytest.approx(1)
    assert found.p["track"][0, 0] == 1 / 20
    assert found.null["track"][0, 0] == pytest.approx(1)


def test_real_heads_table_and_twin(enc):
    seen = []
    sites = dx.demo.splice()[:2]
    found = dx.head_atlas(enc, sites, permutations=3, twin=True, progress=lambda *n: seen.append(n))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    attention = dx.attend(enc, sites[0])
    rows = attention.head(2, 4)[~attention.tokens.special].astype(float)
    alone = dx.head_atlas(enc, sites[0], permutations=0)
    truth = -(rows * np.log2(np.maximum(rows, 1e-30))).sum(axis=1).mean()
    assert alone.values["entropy"][2, 4] == pytest.approx(truth, rel=1e-4)
    share = rows[:, attention.tokens.special].sum(axis=1).mean()
    assert alone.values["special"][2, 4] == pytest.approx(share, rel=1e-4)
    assert np.isnan(alone.p["entropy"]).all()
    table = found.table()
    assert len(table) == 24
    assert {"entropy", "entropy_null", "entropy_p", "entropy_twin", "offset"} <= set(table.columns)
    # The head with the steepest ALiBi looks least far where nothing was learnt; training may turn
    # another head to its neighbours in some layer.
    steep = int(found.slopes.argmax())
    assert (found.twin["distance"].argmin(axis=1) == steep).all()
    assert (found.values["distance"].argmin(axis=1) == steep).mean() > 0.5


def test_what_does_not_fit_is_refused(enc):
    with pytest.raises(InputError, match="1 sequences and 2 tracks"):
        dx.head_atlas(enc, "ACGTACGT", tracks=[[], []])
    with pytest.raises(InputError, match="at least 0 and 1"):
        dx.head_atlas(enc, "ACGTACGT", permutations=-1)
