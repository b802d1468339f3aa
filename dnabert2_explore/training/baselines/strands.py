"""Both strands: a baseline learns from each, and answers with the mean of the two."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError
from ...sequences import reverse_complement

if TYPE_CHECKING:
    from ..labelled.tables import Labelled
    from .fitted import Probabilities

__all__ = ["STRANDS", "averaged", "both_strands", "check_strands", "other_strand", "titled"]

#: "given": sequences as they are; "both": of each row its reverse complement as well.
STRANDS = ("given", "both")


def check_strands(strands: str) -> None:
    """Raise an InputError for anything but the names in `STRANDS`."""
    if strands not in STRANDS:
        raise InputError(f"strands is {strands!r}; expected {' or '.join(STRANDS)}.")


def other_strand(data: Labelled) -> Labelled:
    """Reverse-complement every row; the sequences of a pair keep their order."""
    return replace(
        data,
        bases=tuple(map(reverse_complement, data.bases)),
        second=None if data.second is None else tuple(map(reverse_complement, data.second)),
    )


def both_strands(data: Labelled, strands: str) -> Labelled:
    """Return the rows, and after them their reverse complements where `strands` is "both"."""
    check_strands(strands)
    if strands == "given":
        return data
    turned = other_strand(data)
    bases, *second = (ours + theirs for ours, theirs in zip(data.parts, turned.parts, strict=True))
    return replace(
        data,
        bases=bases,
        second=second[0] if second else None,
        labels=np.concatenate([data.labels, data.labels]),
        names=data.names * 2,
    )


def averaged(probabilities: Probabilities, strands: str) -> Probabilities:
    """Let a function of rows answer with the mean of both strands where `strands` is "both"."""
    if strands == "given":
        return probabilities
    return lambda data: (probabilities(data) + probabilities(other_strand(data))) / 2


def titled(title: str, strands: str) -> str:
    """Name a baseline, with its strands where they are both."""
    return title if strands == "given" else f"{title}, both strands"
