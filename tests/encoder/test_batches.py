"""Which sequences a pass takes, and what happens when memory runs out between two of them."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import pairwise

import numpy as np
import pytest
import torch

from dnabert2_explore import InputError
from dnabert2_explore.encoder.passes.batches import Budget, run_passes

CPU = torch.device("cpu")


def passes(lengths: list[int], budget: Budget, fitting: int = 10**9) -> list[list[int]]:
    done: list[list[int]] = []
    sizes = np.array(lengths)

    def compute(members: np.ndarray) -> None:
        if sizes[members].sum() > fitting:
            raise RuntimeError("not enough memory")
        done.append(sizes[members].tolist())

    run_passes(sizes, compute, CPU, nullcontext(), budget)
    return done


def test_longest_first_and_as_many_as_fit() -> None:
    assert passes([1, 9, 3, 4, 3], Budget(7)) == [[9], [4, 3], [3, 1]]
    assert passes([2] * 5, Budget(4)) == [[2, 2], [2, 2], [2]]
    assert passes([5], Budget(1)) == [[5]]


@pytest.mark.parametrize("seed", range(5))
def test_every_sequence_is_computed_once_in_passes_within_the_budget(seed) -> None:
    lengths = np.random.default_rng(seed).integers(1, 30, size=200).tolist()
    done = passes(lengths, Budget(64))
    assert [n for one in done for n in one] == sorted(lengths, reverse=True)
    assert all(sum(one) <= 64 for one in done)
    # A pass ends only where the next sequence would not have fitted.
    assert all(sum(one) + after[0] > 64 for one, after in pairwise(done))


def test_after_memory_ran_out_passes_are_smaller() -> None:
    budget = Budget(16)
    with pytest.warns(UserWarning, match="did not fit in memory"):
        done = passes([4] * 7, budget, fitting=8)
    assert done == [[4, 4], [4, 4], [4, 4], [4]]
    assert budget.tokens == 8
    with pytest.raises(InputError, match="12 tokens does not fit"):
        passes([12], Budget(4), fitting=8)
