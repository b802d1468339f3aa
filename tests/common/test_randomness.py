"""Seeded numbers are the same whatever other threads draw at the time."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import torch

import dnabert2_explore as dx
from dnabert2_explore.common.randomness import RandomStream, _Turns, seeded


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


def test_a_stream_goes_on_where_it_was_whatever_is_drawn_between():
    stream, parts = RandomStream(3), []
    for _ in range(3):
        with stream.drawing():
            parts.append(torch.rand(2))
        torch.rand(5)
        with seeded(9):
            torch.rand(1)
    with suppress(KeyError), stream.drawing():
        parts.append(torch.rand(2))
        raise KeyError
    with seeded(3):
        assert torch.equal(torch.cat(parts), torch.rand(8))


def test_a_stream_leaves_numpys_generator_alone():
    np.random.seed(4)
    want = np.random.rand(3)
    np.random.seed(4)
    with RandomStream(0).drawing():
        found = np.random.rand(3)
    np.testing.assert_array_equal(found, want)


def test_who_draws_again_and_again_lets_others_in():
    """Of an RLock, training had the generators for many steps before a view came in."""
    turns, entered, order = _Turns(), threading.Event(), []

    def trains():
        for step in range(5):
            with turns.turn(), turns.turn():  # re-entrant
                order.append(step)
                entered.set()
                while step == 0 and not turns._gate.locked():  # by who waits
                    time.sleep(0.001)

    thread = threading.Thread(target=trains)
    thread.start()
    assert entered.wait(10)
    with turns.turn():
        order.append("view")
    thread.join(10)
    assert order == [0, "view", 1, 2, 3, 4]


def test_a_turn_that_fails_is_given_on():
    turns = _Turns()
    with suppress(KeyError), turns.turn(), turns.turn():
        raise KeyError

    def enter():
        with turns.turn():
            return "in"

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(enter).result(10) == "in"
    assert enter() == "in"
