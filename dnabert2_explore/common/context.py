"""Values that hold for a stretch of a program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

__all__ = ["held"]

Value = TypeVar("Value")


@contextmanager
def held(variable: ContextVar[Value], value: Value) -> Iterator[Value]:
    """Give a variable a value meanwhile, in this thread or task."""
    before = variable.set(value)
    try:
        yield value
    finally:
        variable.reset(before)
