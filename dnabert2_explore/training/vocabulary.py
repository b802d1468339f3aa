"""How large a vocabulary to train: compression and use of byte-pair encodings of every size."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence as Items
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..common.costs import expect_cost, says_cost
from ..common.progress import Progress, quiet
from ..errors import InputError
from ..results.origins import recorded
from ..results.rich_display import RichDisplay
from ..sequences import Sequence, clean, reverse_complement
from ..sequences.given import listed
from ..sequences.shuffle import shuffle_dinucleotides
from .tokenizer import SPECIAL_TOKENS, blank_tokenizer, trainer_of

if TYPE_CHECKING:
    import pandas as pd
    from tokenizers import Tokenizer

__all__ = ["VocabularyCurve", "vocabulary_cost", "vocabulary_curve"]

SIZES = tuple(2**power for power in range(8, 16))
#: Bases of a word of the trainer, and of a stretch that is held out or not.
_WORD, _STRETCH = 250, 500
#: A shorter sequence is a stretch of its own, if it has so many.
_LEAST = 100
#: One stretch in so many is held out.
_HELD = 10
#: Bases that are trained on at most, and seconds that a million of them takes.
_MOST, _SECONDS = 4_000_000, 2.5


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class VocabularyCurve(RichDisplay):
    """Byte-pair encodings of growing vocabularies, each read on bases it was not trained on.

    Attributes
    ----------
    sizes : tuple of int
        Entries, special tokens among them.
    compression : numpy.ndarray, shape (sizes,), float64
        Bases a token, held out.
    shuffled : numpy.ndarray, shape (sizes,), float64
        The same of the held-out bases with their dinucleotides shuffled: what composition gives.
    used : numpy.ndarray, shape (sizes,), float64
        Share of the entries of bases that occur in what was held out.
    trained_on, held_out : int
        Bases.
    seed : int
    """

    sizes: tuple[int, ...]
    compression: NDArray[np.float64]
    shuffled: NDArray[np.float64]
    used: NDArray[np.float64]
    trained_on: int
    held_out: int
    seed: int

    def _line(self) -> str:
        told = ", ".join(
            f"{size:,} entries {bases:.2f} bases a token"
            for size, bases in zip(self.sizes[:: len(self.sizes) - 1 or 1],
                                   self.compression[:: len(self.sizes) - 1 or 1], strict=True)
        )  # fmt: skip
        return (
            f"trained on {self.trained_on:,} bases, read on {self.held_out:,} others: {told} "
            f"(shuffled {self.shuffled[-1]:.2f}); of the largest {self.used[-1]:.0%} are used"
        )

    def table(self) -> pd.DataFrame:
        """Return a row a size: ``entries``, ``compression``, ``shuffled``, ``used``."""
        import pandas as pd

        return pd.DataFrame(
            {
                "entries": self.sizes,
                "compression": self.compression,
                "shuffled": self.shuffled,
                "used": self.used,
            }
        )


@recorded
@says_cost
def vocabulary_curve(
    sequences: str | Sequence | Iterable[str | Sequence],
    *,
    sizes: Items[int] = SIZES,
    most: int = _MOST,
    seed: int = 0,
    progress: Progress | None = None,
) -> VocabularyCurve:
    """Train byte-pair encodings of growing vocabularies and see what more entries bring.

    One training makes them all: an encoding of fewer entries is the first merges of a larger one.
    Each stretch is read on either strand, as in `train-tokenizer`. Cost: about 2.5 s a million
    bases.

    Parameters
    ----------
    sequences : str, Sequence, or iterable of them
        Such as ``dx.read_sequences("genome.fa")``. One stretch in ten is held out: of 500 bases, or
        a whole sequence of 100 to 499; letters other than A, C, G and T part stretches.
    sizes : sequence of int
        Entries, 5 special tokens and 4 bases among them. Those that the sequences do not hold
        enough words for are left out.
    most : int
        Bases that are trained on at most, stretches drawn evenly.
    seed : int
        Of strands and shuffles.
    progress : callable, optional
        Called as progress(steps done, steps in all); raise `Cancelled` from it to stop between
        them.

    Returns
    -------
    VocabularyCurve

    Raises
    ------
    InputError
        If there are fewer than ten stretches, a size is too small, or none can be learnt.

    Examples
    --------
    >>> import dnabert2_explore as dx
    >>> found = dx.vocabulary_curve(dx.demo.windows()[::10], sizes=(16, 64, 256))
    >>> bool((found.compression[1:] > found.compression[:-1]).all())
    True
    """
    smallest = len(SPECIAL_TOKENS) + 4
    wanted = sorted(set(sizes))
    if not wanted or wanted[0] < smallest:
        raise InputError(f"sizes are {tuple(sizes)}; expected at least {smallest} entries each.")
    stretches = _stretches(sequences)
    if len(stretches) < _HELD:
        raise InputError(
            f"The sequences hold {len(stretches)} stretches of {_LEAST} clean bases or more; "
            f"expected at least {_HELD}: give longer or more of them."
        )
    stretches = stretches[:: max(1, -(-sum(map(len, stretches)) // most))]
    rng = np.random.default_rng(seed)
    kept = [one for i, one in enumerate(stretches) if i % _HELD]
    held = stretches[::_HELD]
    bases = sum(map(len, kept))
    expect_cost(progress, _SECONDS * bases / 1e6)
    report = progress or quiet
    steps = len(wanted) + 2
    report(0, steps)
    words = [
        (one if rng.random() < 0.5 else reverse_complement(one))[at : at + _WORD]
        for one in kept
        for at in range(0, len(one), _WORD)
    ]
    total = sum(map(len, held))
    whole = blank_tokenizer()
    whole.train_from_iterator(words, trainer_of(wanted[-1]))
    report(1, steps)
    shuffled = [shuffle_dinucleotides(one, rng) for one in held]
    report(2, steps)
    rows = []
    learnt = whole.get_vocab_size()
    for number, size in enumerate(wanted, start=3):
        if size <= learnt:
            smaller = first_entries(whole, size)
            ids = [one.ids for one in smaller.encode_batch(held, add_special_tokens=False)]
            blind = smaller.encode_batch(shuffled, add_special_tokens=False)
            rows.append(
                (
                    size,
                    total / sum(map(len, ids)),
                    total / sum(len(one.ids) for one in blind),
                    len({token for one in ids for token in one}) / (size - len(SPECIAL_TOKENS)),
                )
            )
        report(number, steps)
    if not rows:
        raise InputError(
            f"Only {learnt:,} entries could be learnt from {bases:,} bases: ask for smaller sizes, "
            "or give more sequences."
        )
    entries, compression, chance, used = zip(*rows, strict=True)
    return VocabularyCurve(
        sizes=entries,
        compression=np.array(compression),
        shuffled=np.array(chance),
        used=np.array(used),
        trained_on=bases,
        held_out=total,
        seed=seed,
    )


def vocabulary_cost(sequences: Items[str | Sequence], *, most: int = _MOST) -> float:
    """Estimate the seconds of a processor that `vocabulary_curve` takes.

    Examples
    --------
    >>> vocabulary_cost(["ACGT" * 250_000])
    2.5
    """
    bases = sum(len(one.bases if isinstance(one, Sequence) else one) for one in sequences)
    return _SECONDS * min(bases, most) / 1e6


def _stretches(sequences: str | Sequence | Iterable[str | Sequence]) -> list[str]:
    """Cut sequences into stretches of clean bases."""
    found = []
    for one in listed(sequences):
        text = clean(one.bases if isinstance(one, Sequence) else str(one)).bases
        text = "".join(letter if letter in "ACGT" else " " for letter in text)
        for part in text.split():
            if _LEAST <= len(part) < _STRETCH:
                found.append(part)
            found += [
                part[at : at + _STRETCH] for at in range(0, len(part) - _STRETCH + 1, _STRETCH)
            ]
    return found


def first_entries(tokenizer: Tokenizer, size: int) -> Tokenizer:
    """Make the encoding that training for `size` entries would have made: the first merges."""
    from tokenizers import Tokenizer as Made

    spec = json.loads(tokenizer.to_str())
    model = spec["model"]
    model["vocab"] = {entry: i for entry, i in model["vocab"].items() if i < size}
    last = 0
    for number, pair in enumerate(model["merges"], start=1):
        left, right = pair.split(" ") if isinstance(pair, str) else pair
        if left + right not in model["vocab"]:
            break
        last = number
    model["merges"] = model["merges"][:last]
    made: Tokenizer = Made.from_str(json.dumps(spec))
    return made
