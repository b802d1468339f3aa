"""Sequences that hold no base a model knows, named before any work is put into a set."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import InputError
from .clean import clean
from .given import bases_of
from .sequence import Sequence

__all__ = ["check_known"]


def check_known(sequences: Iterable[str | Sequence]) -> None:
    """Refuse a set with a sequence in which there is nothing to attribute to: no A, C, G, T or U.

    Examples
    --------
    >>> check_known(["ACGT", Sequence("probe", "NNNN")])
    Traceback (most recent call last):
        ...
    dnabert2_explore.errors.InputError: Sequence 2 ('probe') has no A, C, G or T, so that there is
    nothing to attribute to: leave it out.
    """
    for number, one in enumerate(sequences, start=1):
        composition = clean(bases_of(one)).composition
        if composition.ambiguous == composition.length:
            name = f" ({one.name!r})" if isinstance(one, Sequence) else ""
            raise InputError(
                f"Sequence {number}{name} has no A, C, G or T, so "
                "that there is nothing to attribute to: leave it out."
            )
