"""Seeded numbers are the same whatever other threads draw at the time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import torch

import dnabert2_explore as dx
from dnabert2_explore.common.randomness import seeded


def test_twins_made_at_once_are_equal():
    enc = dx.load("pocket-splice")

    def weights(_number):
        network = dx.random_twin(enc, seed=3).network
        return torch.cat([one.detach().flatten() for one in network.parameters()])

    want = weights(0)
    with ThreadPoolExecutor(4) as pool:
        assert all(torch.equal(one, want) for one in pool.map(weights, range(12)))


def test_two_that_seed_at_once_get_their_own_numbers():
    want = {}
    for seed in (0, 1):
        with seeded(seed):
            want[seed] = torch.rand(4), np.random.rand(4)
    meeting = threading.Barrier(2, timeout=30)
    found = {}

    def draw(seed):
        meeting.wait()
        with seeded(seed):
            found[seed] = torch.rand(4), np.random.rand(4)

    threads = [threading.Thread(target=draw, args=(seed,)) for seed in want]
    for one in threads:
        one.start()
    for one in threads:
        one.join(timeout=30)
    for seed, (torches, numpies) in want.items():
        assert torch.equal(found[seed][0], torches)
        np.testing.assert_array_equal(found[seed][1], numpies)


def test_the_callers_generators_stay_as_they_were():
    torch.manual_seed(5)
    np.random.seed(5)
    want = torch.rand(3), np.random.rand(3)
    torch.manual_seed(5)
    np.random.seed(5)
    with suppress(KeyError), seeded(0):
        torch.rand(9)
        np.random.rand(9)
        raise KeyError
    assert torch.equal(torch.rand(3), want[0])
    np.testing.assert_array_equal(np.random.rand(3), want[1])
