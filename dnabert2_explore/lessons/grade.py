"""Grading one answer."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from ..common.costs import untold
from ..errors import ExploreError, InputError, silenced
from .answers import Right, Wrong

__all__ = ["LESSONS", "check", "exercises"]

#: Number of a lesson -> the module of its checks, loaded when first asked.
LESSONS = {
    "01": "tokens",
    "02": "attention",
    "03": "embeddings",
    "04": "finetuning",
    "05": "attribution",
    "06": "motifs",
    "07": "variants",
    "08": "own_data",
}


def exercises(lesson: str) -> tuple[str, ...]:
    """Return the names of a lesson's exercises, in their order.

    Parameters
    ----------
    lesson : str
        Its number, ``"01"`` to ``"08"``.

    Examples
    --------
    >>> exercises("01")[0]
    '01.count'
    """
    return tuple(f"{lesson}.{name}" for name in _checks(lesson))


def check(exercise: str, answer: object, **given: Any) -> Right:
    """Grade the answer to an exercise of a lesson.

    Parameters
    ----------
    exercise : str
        Its name, such as ``"01.count"``.
    answer : object
        ``...`` is none.
    **given
        What the question is about, by name: the truth is computed from it. Change the sequence,
        and the right answer changes with it.

    Returns
    -------
    Right
        What the answer means, in a sentence.

    Raises
    ------
    Wrong
        An AssertionError that says what is wrong in a sentence, and not what is right.
    InputError
        If there is no such exercise.

    Examples
    --------
    >>> import dnabert2_explore as dx
    >>> cut = dx.load("pocket").tokenize("ACGTTGCATTAGCATGCAAT")
    >>> check("01.count", len(cut), tokens=cut)
    Traceback (most recent call last):
    dnabert2_explore.lessons.answers.Wrong: That counts [CLS] and [SEP] too, which hold no bases...
    """
    lesson, _, name = exercise.partition(".")
    checks = _checks(lesson)
    if name not in checks:
        raise InputError(
            f"There is no exercise {exercise!r} in lesson {lesson}: it has "
            f"{', '.join(exercises(lesson))}."
        )
    if answer is ...:
        raise Wrong(
            "There is no answer yet: put yours in place of the three dots and run both cells."
        )
    try:
        # nbgrader takes what a check writes to stderr for a failure; a learner has seen it before.
        with silenced(), untold():
            return Right(checks[name](answer, **given))
    except ExploreError as error:  # what an answer such as 'ACGX' leads to further down
        raise Wrong(str(error)) from error


def _checks(lesson: str) -> Mapping[str, Callable[..., str]]:
    if lesson not in LESSONS:
        raise InputError(f"There is no lesson {lesson!r}: expected one of {', '.join(LESSONS)}.")
    module = importlib.import_module(f".{LESSONS[lesson]}", __package__)
    checks: Mapping[str, Callable[..., str]] = module.CHECKS
    return checks
