from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from dnabert2_explore.errors import CheckpointError, InputError
from dnabert2_explore.training.corpus.rows import (
    RowSampler,
    attention_mask,
    load_backend,
    special_id,
)
from dnabert2_explore.training.corpus.windows import Corpus


@pytest.fixture
def sampler(corpus, backend):
    return RowSampler(corpus, backend, row_tokens=32, longest=200, seed=5)


def test_rows_are_full_and_depend_on_the_step_alone(sampler, corpus, backend):
    rows = sampler.rows(3, 16)
    assert rows.shape == (16, 32)
    assert set(rows[:, 0]) == {1}
    assert set(rows[:, -1]) == {2}
    assert rows[:, 1:-1].min() >= 5
    sampler.rows(4, 16)
    np.testing.assert_array_equal(sampler.rows(3, 16), rows)
    assert not np.array_equal(sampler.rows(4, 16), rows)
    other = RowSampler(corpus, backend, row_tokens=32, longest=200, seed=6)
    assert not np.array_equal(other.rows(3, 16), rows)


def test_batches_are_those_of_the_first_version(sampler, corpus, backend):
    """Runs of the first release resume with the batches they would have had."""
    rng = np.random.default_rng([5, 7, 0])
    species = [corpus.choose(rng) for _ in range(6)]
    expected, open_rows = np.zeros((6, 32), dtype=np.int64), list(range(6))
    expected[:, 0], expected[:, -1] = 1, 2
    while open_rows:
        texts = [corpus.window(rng, 200, species[row]).bases for row in open_rows]
        tokens = [backend.encode(text, add_special_tokens=False).ids for text in texts]
        for row, ids in zip(open_rows, tokens, strict=True):
            expected[row, 1:-1] = (ids + [0] * 30)[:30]
        open_rows = [r for r, ids in zip(open_rows, tokens, strict=True) if len(ids) < 30]
    np.testing.assert_array_equal(sampler.rows(7, 6), expected)


@pytest.mark.parametrize("draw", ["batch", "row"])
def test_a_part_of_a_batch_is_what_the_whole_has_there(corpus, backend, draw):
    sampler = RowSampler(corpus, backend, row_tokens=32, longest=200, seed=5, draw=draw)
    whole = sampler.rows(3, 9)
    for part in (slice(0, 3), slice(3, 6), slice(6, 9)):
        np.testing.assert_array_equal(sampler.rows(3, 9, part=part), whole[part])
    assert len(np.unique(whole, axis=0)) == 9


def test_rows_drawn_one_by_one_do_not_depend_on_the_batch(corpus, backend):
    sampler = RowSampler(corpus, backend, row_tokens=32, longest=200, seed=5, draw="row")
    np.testing.assert_array_equal(sampler.rows(3, 4), sampler.rows(3, 9)[:4])


def test_records_keep_their_ends_and_leave_padding(tmp_path, backend):
    (tmp_path / "a.fa").write_text(">x\nACGTA\n>y\n" + "ACGTTGCA" * 40 + "\n")
    corpus = Corpus.load(tmp_path / "a.fa", "", shortest=4, cut="records", strands="forward")
    sampler = RowSampler(corpus, backend, row_tokens=24, longest=400, seed=0)
    rows = sampler.rows(0, 40)
    short = backend.encode("ACGTA").ids
    tokens = backend.encode("ACGTTGCA" * 40, add_special_tokens=False).ids
    runs = {tuple(tokens[i : i + 22]) for i in range(len(tokens) - 21)}
    seen = Counter()
    for row in rows.tolist():
        if row[len(short)] == sampler.pad_id:
            assert row == short + [sampler.pad_id] * (24 - len(short))
            seen["short"] += 1
        else:
            assert (row[0], row[-1]) == (1, 2)
            assert tuple(row[1:-1]) in runs
            seen["long"] += 1
    assert seen["short"] > 5
    assert seen["long"] > 5
    mask = attention_mask(rows, sampler.pad_id)
    np.testing.assert_array_equal(mask, rows != 3)
    assert attention_mask(rows[mask.all(axis=1)], 3) is None


def test_unknown_draw(corpus, backend):
    with pytest.raises(InputError, match="draw is 'epoch'"):
        RowSampler(corpus, backend, row_tokens=32, longest=200, seed=0, draw="epoch")


def test_windows_that_do_not_fill_a_row_are_an_error_in_the_end(corpus, backend):
    sampler = RowSampler(corpus, backend, row_tokens=190, longest=110, seed=0)
    with pytest.raises(InputError, match="gave fewer than 188 tokens"):
        sampler.rows(0, 2)


def test_rows_too_short(corpus, backend):
    with pytest.raises(InputError, match="rows of 2 tokens"):
        RowSampler(corpus, backend, row_tokens=2, longest=110, seed=0)


def test_tokenizer_that_is_none(tmp_path):
    with pytest.raises(CheckpointError, match="no tokenizer at"):
        load_backend(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(CheckpointError, match="is not a tokenizer file"):
        load_backend(tmp_path)


def test_special_ids(backend):
    assert special_id(backend, "[MASK]") == 4
    with pytest.raises(InputError, match=r"no \[HIDE\]"):
        special_id(backend, "[HIDE]")
