"""What a caller hands in, as text; token ids as a classifier reads them: pairs joined, cut."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, warn
from ..sequences import (
    Cleaned,
    Composition,
    Sequence,
    UnknownBasesWarning,
    clean,
    warn_unknown,
)
from ..sequences.given import bases_of, listed
from ..tokens import Tokens

if TYPE_CHECKING:
    from .model import Bases, Model

__all__ = [
    "bases_of",
    "check_bases",
    "cleaned",
    "cut_ids",
    "far_lengths",
    "listed",
    "texts_of",
    "tokens_of",
]

#: Sequences this many times shorter or longer than any of training are called far from it.
FAR = 2.0


def tokens_of(enc: Model, bases: Bases | Tokens) -> Tokens:
    """Return the tokens of a sequence that has bases; what is cut already stays as it is.

    Raises InputError where there are none.
    """
    if isinstance(bases, Tokens):
        return bases
    tokens = enc.tokenize(bases)
    if tokens.special.all():
        raise InputError("The sequence has no bases: give at least one.")
    return tokens


def texts_of(batch: list[Any]) -> list[str]:
    """Return the bases of `listed` sequences; an InputError of `bases_of` says which it is."""
    texts = []
    for number, one in enumerate(batch, start=1):
        try:
            texts.append(bases_of(one))
        except InputError as error:
            which = f"Sequence {number} of {len(batch)}: " if len(batch) > 1 else ""
            raise InputError(f"{which}{error}") from None
    return texts


def cut_ids(
    first: list[NDArray[np.int64]],
    second: list[NDArray[np.int64]] | None,
    max_tokens: int | None,
) -> list[NDArray[np.int64]]:
    """Join pairs of ids, [CLS] a [SEP] b [SEP], and cut what is too long.

    Both have [CLS] and [SEP]; `second` is None where there are no pairs. `max_tokens` counts
    special tokens. Longer input is cut at the end; of a pair, the longer sequence first (the
    tokenizers' "longest first").
    """
    if second is None:
        return [_cut(one, len(one) if max_tokens is None else max_tokens) for one in first]
    pairs = []
    for a, b in zip(first, second, strict=True):
        long_a, long_b = len(a), len(b) - 1  # [CLS] stands once
        if max_tokens is not None and long_a + long_b > max_tokens:
            room = max_tokens - 3
            bases_a, bases_b = long_a - 2, long_b - 1
            # The shorter keeps all it has, up to half; an odd place goes to the longer.
            if bases_a <= bases_b:
                bases_a = min(bases_a, room // 2)
                bases_b = room - bases_a
            else:
                bases_b = min(bases_b, room // 2)
                bases_a = room - bases_b
            long_a, long_b = bases_a + 2, bases_b + 1
        pairs.append(np.concatenate([_cut(a, long_a), _cut(b, long_b + 1)[1:]]))
    return pairs


def _cut(ids: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    return ids if len(ids) <= length else np.concatenate([ids[: length - 1], ids[-1:]])


def far_lengths(lengths: Iterable[int], trained: tuple[int, int]) -> str | None:
    """Say which sequences are much shorter or longer than any a classifier was trained on.

    Lengths, and the shortest and longest of training, are in bases. A sentence; None where all are
    within a factor of `FAR`.
    """
    every = list(lengths)
    far = [n for n in every if n * FAR < trained[0] or n > FAR * trained[1]]
    if not far:
        return None
    return (
        f"{len(far):,} of {len(every):,} sequences ({_range(min(far), max(far))}) are far from the "
        f"lengths this model was trained on ({_range(*trained)}), so that its answers for them are "
        "guesses: give windows of those lengths."
    )


def _range(shortest: int, longest: int) -> str:
    return f"{shortest:,} bp" if shortest == longest else f"{shortest:,} to {longest:,} bp"


def cleaned(batch: list[str | Sequence]) -> list[Cleaned]:
    """Read each sequence; warn once of all that is no A, C, G, T or U."""
    read = [clean(text) for text in texts_of(batch)]
    check_bases(batch, read)
    warn_unknown(Composition.total(c.composition for c in read))
    blank = [
        _called(number, batch)
        for number, c in enumerate(read)
        if c.composition.ambiguous == c.composition.length
    ]
    if blank:
        more = f" and {len(blank) - 3:,} more" if len(blank) > 3 else ""
        warn(
            f"{', '.join(blank[:3])}{more}: no A, C, G or T at all, so that what is computed "
            "says nothing about DNA: leave such sequences out.",
            UnknownBasesWarning,
        )
    return read


def check_bases(batch: list[str | Sequence], read: list[Cleaned]) -> None:
    """Refuse a sequence that has no bases."""
    for number, one in enumerate(read):
        if not one.bases:
            raise InputError(f"{_called(number, batch)} has no bases: remove it or give its bases.")


def _called(number: int, batch: list[str | Sequence]) -> str:
    item = batch[number]
    name = f" ({item.name})" if isinstance(item, Sequence) else ""
    return f"Sequence {number + 1} of {len(batch)}{name}"
