"""Reading what a learner gave: a number, a word, an array; or a sentence that says what it is."""

from __future__ import annotations

import math
from collections.abc import Sequence as Items

import numpy as np
from numpy.typing import NDArray

__all__ = ["Right", "Wrong", "array", "items", "number", "require", "whole", "word", "yes"]


class Right(str):
    """What is right about an answer, in a sentence; a notebook shows it without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Right. {self}"


class Wrong(AssertionError):  # noqa: N818 - of an answer, not a fault
    """What is not right about an answer, in a sentence; notebooks show it without a traceback."""

    def _render_traceback_(self) -> list[str]:
        """Lines that IPython prints in place of the stack, which would say nothing to a learner."""
        return [f"Not yet. {self}"]


def require(holds: object, otherwise: str) -> None:
    """Raise `Wrong` with a sentence unless something holds."""
    if not holds:
        raise Wrong(otherwise)


def number(answer: object) -> float:
    """Return an answer as a finite number; `Wrong` if it is none, or a truth value."""
    if isinstance(answer, np.ndarray | np.generic) and np.ndim(answer) == 0:
        answer = answer.item()
    if isinstance(answer, bool) or not isinstance(answer, int | float):
        raise Wrong(f"{_formatted(answer)} is no number: give one number.")
    try:
        value = float(answer)
    except OverflowError:
        value = math.inf
    require(math.isfinite(value), f"{value} is not finite: give a finite number.")
    return value


def whole(answer: object) -> int:
    """Return an answer as a whole number."""
    value = number(answer)
    require(value == int(value), f"{value:g} is not whole: give a count or a place.")
    return int(value)


def word(answer: object) -> str:
    """Return an answer as a text that is not empty."""
    require(isinstance(answer, str), f"{_formatted(answer)} is no text: write it between quotes.")
    text = str(answer).strip()
    require(text, "The text is empty: write something between the quotes.")
    return text


def yes(answer: object) -> bool:
    """Return an answer to a question of yes or no."""
    if isinstance(answer, bool | np.bool_):
        return bool(answer)
    text = word(answer).lower()
    require(text in {"yes", "no"}, f"{_formatted(answer)} is neither 'yes' nor 'no': write one.")
    return text == "yes"


def items(answer: object, length: int | None = None) -> list[object]:
    """Return an answer as a list, of so many things if that is known."""
    if isinstance(answer, str) or not hasattr(answer, "__len__") or not hasattr(answer, "__iter__"):
        raise Wrong(f"{_formatted(answer)} is no list and no pair: give several things.")
    listed = list(answer)
    require(
        length is None or len(listed) == length,
        f"There are {len(listed)} things in the list, and {length} are asked for.",
    )
    return listed


def array(answer: object, shape: Items[int]) -> NDArray[np.float64]:
    """Return an answer as an array of finite numbers of one shape."""
    try:
        values = np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise Wrong(f"{_formatted(answer)} is no array of numbers.") from None
    require(
        values.shape == tuple(shape),
        f"The array has the shape {values.shape}, and {tuple(shape)} is asked for.",
    )
    require(np.isfinite(values).all(), "Some numbers of the array are not finite.")
    return values


def _formatted(answer: object) -> str:
    """Write an answer in a sentence, however long it is."""
    if answer is None or isinstance(answer, bool | int | float | str):
        text = repr(answer)
        return text if len(text) <= 40 else f"{text[:37]}..."
    return f"What was given (of type {type(answer).__name__})"
