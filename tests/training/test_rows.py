from __future__ import annotations

import numpy as np
import pytest

from dnabert2_explore.errors import CheckpointError, InputError
from dnabert2_explore.training.rows import RowSampler, load_backend, special_id


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
