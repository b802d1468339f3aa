"""Lesson 05: why did it say that, and would an untrained network say it too."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..analysis.attribution import Mutagenesis, Scorecard
from .answers import number, require, whole, word

__all__ = ["CHECKS"]


def _top(mutants: Mutagenesis) -> int:
    return int(np.nanargmax(mutants.importance))


def _base(answer: object, *, mutants: Mutagenesis) -> str:
    given, right = whole(answer), _top(mutants) + 1
    n = len(mutants.tokens.bases)
    require(1 <= given <= n, f"There is no base {given}: on screen they are 1 to {n}.")
    require(given != right - 1, "That is its index in Python: on screen bases count from 1.")
    require(given == right, f"Another base than {given} adds more to {mutants.target_name}.")
    return f"Base {given}, {mutants.tokens.bases[given - 1]}, speaks loudest."


def _louder(answer: object, *, trained: Mutagenesis, untrained: Mutagenesis) -> str:
    given = number(answer)
    ratio = float(np.nanmax(np.abs(trained.importance)) / np.nanmax(np.abs(untrained.importance)))
    require(
        abs(given * ratio - 1) > 0.02 or abs(ratio - 1) < 0.02,
        "That is untrained over trained: turn it round.",
    )
    require(
        abs(given / ratio - 1) <= 0.02,
        f"{given:.3g} is not the largest |importance| of one divided by that of the other.",
    )
    return f"{ratio:.0f} times louder. A picture is scaled to itself and hides that: read the axis."


def _agree(answer: object, *, one: ArrayLike, other: ArrayLike) -> str:
    given = number(answer)
    require(abs(given) <= 1, f"{given:g} is no correlation: those lie between -1 and 1.")
    right = float(np.corrcoef(np.asarray(one, float), np.asarray(other, float))[0, 1])
    require(
        abs(given - right) <= 0.01,
        f"{given:.2f} is not the Pearson correlation of the two arrays (np.corrcoef(a, b)[0, 1]).",
    )
    return f"{right:.2f}: two methods, one question, and not quite the same answer."


def _tells(answer: object, *, trained: Scorecard, untrained: Scorecard) -> str:
    given = word(answer).lower()
    mine = {one.title: one.passed for one in trained.checks}
    twins = {one.title: one.passed for one in untrained.checks}
    require(given in mine, f"{given!r} is no check of this card: they are {', '.join(mine)}.")
    require(
        mine[given] is True, f"The trained model did not pass {given}: look for one that it did."
    )
    require(twins[given] is not True, f"The untrained network passed {given} too.")
    return f"{given}: passed by the trained model, not by the network that has learnt nothing."


def _rule(answer: object, *, mutants: list[Mutagenesis], start: int, end: int) -> str:
    """How many have their loudest base in [start, end), 0-based."""
    given = whole(answer)
    right = sum(start <= _top(one) < end for one in mutants)
    require(given <= len(mutants), f"There are only {len(mutants)} sites.")
    require(given == right, f"{given} is too {'many' if given > right else 'few'}.")
    return f"{given} of {len(mutants)} sites: one is an anecdote, all together are a finding."


CHECKS = {"base": _base, "louder": _louder, "agree": _agree, "tells": _tells, "sites": _rule}
