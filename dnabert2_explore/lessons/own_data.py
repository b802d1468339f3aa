"""Lesson 08: your own data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence as Items

import numpy as np

from ..encoder import Encoder
from ..sequences import Sequence, clean, gc_content, read_sequences
from .answers import items, number, require, word

__all__ = ["CHECKS"]


def _file(answer: object) -> str:
    path = word(answer)
    require("\n" not in path, "That is the text of a file: give its name.")
    sequences = read_sequences(path)
    require(
        len(sequences) >= 10,
        f"{path} holds {len(sequences)} sequences, and 10 are asked for.",
    )
    return f"{path}: {len(sequences)} sequences, {sum(map(len, sequences)):,} bases."


def _unknown(answer: object, *, sequences: Items[Sequence]) -> str:
    given = number(answer)
    require(0 <= given <= 1, f"{given:g} is no share: write it as a number between 0 and 1.")
    known = sum(one.bases.upper().count(letter) for one in sequences for letter in "ACGTU")
    total = sum(len(clean(one.bases).bases) for one in sequences)
    right = 1 - known / total
    require(
        abs(given - known / total) > 1e-3 or abs(right - 0.5) < 1e-3,
        "That is the share of letters that are bases: the others are asked for.",
    )
    require(
        abs(given - right) <= 1e-4,
        f"{given:.5f} is not the share of letters that are none of A, C, G, T and U.",
    )
    return f"{right:.3%} of the letters are read as unknown."


def _windows(answer: object, *, bases: str, size: int, step: int) -> str:
    given = [word(one) for one in items(answer)]
    odd = next((one for one in given if len(one) != size), None)
    require(
        odd is None,
        f"One window has {len(odd or '')} bases, and all should have {size}: leave the rest at the "
        "end out.",
    )
    right = [bases[i : i + size] for i in range(0, len(bases) - size + 1, step)]
    require(
        len(given) == len(right),
        f"There are {len(given)} windows, {'fewer' if len(given) < len(right) else 'more'} than "
        f"{len(bases)} bases give at a step of {step}.",
    )
    require(given == right, f"The windows do not begin {step} bases after one another.")
    return f"{len(right)} windows of {size} bases, each of which the model can read whole."


def _p_value(answer: object, *, first: Items[Sequence], second: Items[Sequence]) -> str:
    """Of the difference in mean GC content, by shuffling which sequence is in which set."""
    given = number(answer)
    require(0 <= given <= 1, f"{given:g} is no p-value: that lies between 0 and 1.")
    require(given > 0, "No shuffle was as large is not p = 0: add one above and below.")
    share = np.array([gc_content(one.bases) for one in (*first, *second)])
    n = len(first)
    rng = np.random.default_rng(0)
    orders = rng.permuted(np.tile(share, (4000, 1)), axis=1)
    drawn = np.abs(orders[:, :n].mean(axis=1) - orders[:, n:].mean(axis=1))
    seen = abs(share[:n].mean() - share[n:].mean())
    right = (1 + int((drawn >= seen - 1e-12).sum())) / (1 + len(drawn))
    # What two runs of some hundred shuffles may differ by.
    slack = 4 * (right * (1 - right) / 500) ** 0.5 + 0.005
    require(
        abs(given - right) <= slack,
        f"{given:.3f} is far from what 4,000 shuffles of the labels give: shuffle which sequence "
        "is in which set, not its bases, and compare sizes.",
    )
    meaning = "no more than chance gives" if right > 0.05 else "more than chance gives"
    return f"p = {given:.3g}: the sets differ in GC by {seen:.3f}, {meaning}."


def _plan(answer: object, *, models: Mapping[str, Encoder]) -> str:
    """Which model for which question; a model can answer what its head is for."""
    require(isinstance(answer, dict), "That is no dictionary: write {'question': 'model', …}.")
    assert isinstance(answer, dict)
    asked = ("likelihood", "neighbours", "donor")
    for question in asked:
        require(question in answer, f"The question {question!r} has no model yet.")
        require(answer[question] is not ..., f"The question {question!r} has no model yet.")
        name = word(answer[question])
        require(name in models, f"{name!r} is none of {', '.join(models)}.")
        enc = models[name]
        require(
            question != "likelihood" or enc.has_masked_lm,
            f"{name} does not predict masked tokens, so it knows no likelihood.",
        )
        require(
            question != "donor" or "donor" in enc.classes,
            f"{name} has no class 'donor'.",
        )
        require(
            question != "neighbours" or bool(enc.config.embedding_layers),
            f"{name} was not made to embed: its card says what for.",
        )
    return "Each question has a model that was trained for it."


CHECKS = {
    "file": _file,
    "unknown": _unknown,
    "windows": _windows,
    "p_value": _p_value,
    "plan": _plan,
}
