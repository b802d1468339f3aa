"""Sequences that two splits share, exactly, nearly or as shuffles: what makes test scores too good.

Four kinds: copies; near-copies, which share 16-base words; and counterparts, of which one was made
of the other: composition counterparts, which share no word, but are what a dinucleotide shuffle
could have made, and positional counterparts, with some stretches left in their places and the rest
replaced (see :mod:`~dnabert2_explore.training.counterparts`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...common.progress import Progress
from ...results.plain import from_plain, to_plain
from ...results.rich_display import RichDisplay
from ...sequences import reverse_complement
from ..counterparts import (
    CompositionIndex,
    PositionalIndex,
    label_of_counterparts,
    with_counterpart,
)
from ..scores.metrics import score
from .near import WORD, near_duplicates
from .tables import Labelled

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LeakageReport", "SplitOverlap", "check_leakage", "copied_rows", "counterparts_tell"]

_EXAMPLES = 3


def counterparts_tell(twins: int, opposite: int, total: int) -> bool:
    """Whether counterparts give labels away: half have one, nine in ten of another label only."""
    return bool(twins) and 2 * twins >= total and 10 * opposite >= 9 * twins


@dataclass(frozen=True, slots=True)
class SplitOverlap:
    """What two splits share; `str` is a sentence.

    Attributes
    ----------
    first, second : str
        Names of the splits; counted are sequences of `second` found in `first`.
    exact : int
        Sequences of `second` that are in `first` too, on either strand.
    near : int
        Of the `checked` ones that are not: those that share at least `threshold` of their 16-base
        words (of either strand) with one sequence of `first`, such as windows of one genome that
        overlap, or copies with a few changes.
    checked : int
        Sequences of `second` looked at for `near`.
    total : int
        Sequences of `second`.
    examples : tuple of str
        Names of some that were found, with that of their partner.
    threshold : float
    twins : int or None
        Sequences of `second` with a composition counterpart in `first`: another sequence with the
        same end bases and the same dinucleotide counts. None in files of before counterparts were
        counted.
    opposite : int or None
        Those of them whose counterparts all have another label; None without classes.
    twin_mcc : float or None
        What "the label opposite to my counterpart's, or else the commoner one" reaches on `second`
        (Matthews correlation); None without counterparts, or for other than two classes.
    positional, positional_opposite : int or None
        As `twins` and `opposite`, for positional counterparts: another sequence as long, with 15
        bases in a row and at least 40% of all bases the same in the same places. None for pairs.
    positional_mcc : float or None
        As `twin_mcc`.
    """

    first: str
    second: str
    exact: int
    near: int
    checked: int
    total: int
    examples: tuple[str, ...]
    threshold: float
    twins: int | None = None
    opposite: int | None = None
    twin_mcc: float | None = None
    positional: int | None = None
    positional_opposite: int | None = None
    positional_mcc: float | None = None

    def __str__(self) -> str:
        parts = [self._copies()]
        if self.twins:
            what = "a composition twin", "same ends, same dinucleotide counts, as a shuffle has"
            parts.append(self._told(self.twins, *what, self.opposite, self.twin_mcc))
        if self.positional:
            what = "a positional twin", "stretches of 15 bases and more in the same places"
            counts = self.positional_opposite, self.positional_mcc
            parts.append(self._told(self.positional, *what, *counts))
        return "; ".join(parts)

    @property
    def giveaway(self) -> str:
        """Say that counterparts tell the labels of `second` without a model; "" if they do not."""
        for count, opposite, words in (
            (
                self.twins,
                self.opposite,
                "a composition twin in {} (as a shuffle of the same bases)",
            ),
            (self.positional, self.positional_opposite, "a positional twin in {}"),
        ):
            if count and opposite is not None and counterparts_tell(count, opposite, self.total):
                which = "all" if opposite == count else f"{opposite:,} of them"
                return (
                    f"{count:,} of {self.total:,} {self.second} sequences have "
                    f"{words.format(self.first)}, {which} of another label"
                )
        return ""

    @property
    def summary(self) -> str:
        """Say in one short sentence what was found."""
        found = {"copy": self.exact, "near-copy": self.near}
        if self.twins is not None:
            found["composition twin"] = self.twins
        if self.positional is not None:
            found["positional twin"] = self.positional
        if not any(found.values()):
            return str(self)
        parts = [f"a {what} of {count:,}" for what, count in found.items()]
        return (
            f"of {self.total:,} {self.second} sequences, {self.first} holds "
            f"{', '.join(parts[:-1])} and {parts[-1]}"
        )

    def _told(
        self, count: int, twin: str, meaning: str, opposite: int | None, mcc: float | None
    ) -> str:
        text = (
            f"{count:,} ({count / self.total:.1%}) of {self.total:,} {self.second} sequences "
            f"have {twin} in {self.first} ({meaning})"
        )
        if opposite is not None:
            text += f", {opposite:,} of them of another label only"
        if mcc is not None and mcc > 0:
            text += (
                ": to answer the label opposite to the twin's, or else the commoner one, takes no "
                f"model and has MCC {mcc:.3f} on {self.second}"
            )
        return text

    def _copies(self) -> str:
        if not self.exact and not self.near:
            sample = f" a sample of {self.checked:,} of" if self.checked < self.total else ""
            return f"no sequence of{sample} {self.second} is in {self.first}, exactly or nearly"
        share = f" ({self.exact / self.total:.1%})" if self.exact else ""
        checked = "" if self.checked == self.total else f" of {self.checked:,} checked"
        return (
            f"{self.exact:,}{share} of {self.total:,} {self.second} sequences are in {self.first} "
            f"too, and {self.near:,}{checked} more share at least {self.threshold:.0%} of their "
            f"{WORD}-base words with one there (such as {'; '.join(self.examples)}): scores on "
            f"{self.second} may be too good by what was learnt by heart"
        )


@dataclass(frozen=True, slots=True, repr=False)
class LeakageReport(RichDisplay):
    """What each two splits share; `str` is a sentence or more.

    Attributes
    ----------
    pairs : tuple of SplitOverlap
        Empty where nothing was checked.
    """

    pairs: tuple[SplitOverlap, ...]

    def __str__(self) -> str:
        if not self.pairs:
            return "Duplicates between the files were not looked for."
        text = "; ".join(map(str, self.pairs))
        return f"{text[0].upper()}{text[1:]}."

    @property
    def giveaway(self) -> str:
        """Say that counterparts tell the labels of the last split without a model; else ""."""
        last = self.pairs[-1].second if self.pairs else ""
        told = (pair.giveaway for pair in self.pairs if pair.second == last)
        return next(filter(None, told), "")

    def caution(self, score: str, rule: str, reached: str) -> str:
        """Say that a test score is not what it seems; "" where counterparts do not tell the labels.

        Parameters
        ----------
        score, reached : str
            Scores of the model and of the best rule, such as "MCC 0.79".
        rule : str
            That rule in words.
        """
        if not self.giveaway:
            return ""
        return (
            f"{score} is not what it seems: {self.giveaway}. A rule without a model ({rule}) has "
            f"{reached}, so that these sequences cannot tell what a model has learnt of DNA: score "
            "those that have no twin, or deal twins to one file."
        )

    @property
    def clean(self) -> bool:
        """Whether it was looked for duplicates and counterparts, and none were found."""
        return bool(self.pairs) and not any(
            pair.exact or pair.near or pair.twins or pair.positional for pair in self.pairs
        )

    def to_json(self) -> list[dict[str, Any]]:
        """Plain values for a JSON file."""
        content: list[dict[str, Any]] = to_plain(self.pairs)
        return content

    @classmethod
    def from_json(cls, content: list[Mapping[str, Any]]) -> LeakageReport:
        """Read what `to_json` made."""
        return cls(from_plain(tuple[SplitOverlap, ...], content))

    def table(self) -> pd.DataFrame:
        """Return what splits share as a table, a row for each two.

        Returns
        -------
        pandas.DataFrame
            The attributes of `SplitOverlap`.
        """
        import pandas as pd

        return pd.DataFrame([asdict(pair) for pair in self.pairs])


def check_leakage(
    splits: Mapping[str, Labelled],
    threshold: float = 0.5,
    most: int = 5000,
    seed: int = 0,
    progress: Progress | None = None,
) -> LeakageReport:
    """Count sequences of later splits that are in earlier ones, exactly, nearly or as shuffles.

    Splits come in the order train, dev, test. Both sequences of a pair have to be found; for
    near-duplicates, which share at least `threshold` of their words, their words are taken
    together. Of a split with more than `most` sequences a sample, by seed, is checked for these.
    Copies and counterparts are looked for in time that grows with the number of bases. `progress`
    counts comparisons.
    """
    names = list(splits)
    keys = {name: _keys(data) for name, data in splits.items()}
    indices = {
        name: (CompositionIndex((data,)), None if data.second else PositionalIndex((data,)))
        for name, data in splits.items()
    }
    pairs = [(names[i], names[j]) for j in range(len(names)) for i in range(j)]
    found = []
    for number, (first, second) in enumerate(pairs):
        if progress is not None:
            progress(number, len(pairs))
        found.append(
            _compare(first, splits[first], keys[first], second, splits[second], keys[second],
                     threshold, most, seed, indices[first])
        )  # fmt: skip
    return LeakageReport(tuple(found))


def copied_rows(
    known: Sequence[Labelled], data: Labelled, threshold: float = 0.5
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which rows are among known ones, (n,) bool each: exactly, and nearly (`check_leakage`).

    No row is both. `threshold` is the share of words that makes a near-duplicate.
    """
    keys = {key for one in known for key in _keys(one)}
    exact = np.array([key in keys for key in _keys(data)], dtype=bool)
    near = np.zeros(len(data), dtype=bool)
    fresh = np.flatnonzero(~exact)
    texts = data.joined("N")
    for one in known:
        found = near_duplicates([texts[row] for row in fresh], one.joined("N"), threshold)
        near[fresh[list(found)]] = True
    return exact, near


def _keys(data: Labelled) -> list[str]:
    """Write each row one way for both of its strands."""
    return [min(text, reverse_complement(text)) for text in data.joined("N")]


def _compare(
    first: str, one: Labelled, one_keys: list[str],
    second: str, other: Labelled, other_keys: list[str],
    threshold: float, most: int, seed: int,
    indices: tuple[CompositionIndex, PositionalIndex | None],
) -> SplitOverlap:  # fmt: skip
    places: dict[str, int] = {}
    for row, key in enumerate(one_keys):
        places.setdefault(key, row)
    exact = [row for row, key in enumerate(other_keys) if key in places]
    rows = np.arange(len(other))
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(seed).choice(len(rows), most, replace=False))
    fresh = [int(row) for row in rows if other_keys[row] not in places]
    texts = other.joined("N")
    near = near_duplicates([texts[row] for row in fresh], one.joined("N"), threshold)
    matches = [(row, places[other_keys[row]]) for row in exact[:_EXAMPLES]]
    matches += [(fresh[query], partner) for query, partner in near.items()]
    twins, opposite, twin_mcc = _counterparts(one, other, indices[0])
    positional: tuple[int | None, int | None, float | None] = (None, None, None)
    if indices[1] is not None:
        positional = _counterparts(one, other, indices[1])
    return SplitOverlap(
        first=first,
        second=second,
        exact=len(exact),
        near=len(near),
        checked=len(rows),
        total=len(other),
        examples=tuple(
            f"{other.names[row]} and {one.names[partner]}" for row, partner in matches[:_EXAMPLES]
        ),
        threshold=threshold,
        twins=twins,
        opposite=opposite,
        twin_mcc=twin_mcc,
        positional=positional[0],
        positional_opposite=positional[1],
        positional_mcc=positional[2],
    )


def _counterparts(
    one: Labelled, other: Labelled, index: CompositionIndex | PositionalIndex
) -> tuple[int, int | None, float | None]:
    found = index.labels(other)
    if other.task != "classification":
        return int(found.any(axis=1).sum()), None, None
    some, opposite = with_counterpart(found, other.labels)
    mcc = None
    if some.any() and len(other.classes) == 2:
        frequencies = one.class_counts / len(one)
        outputs = label_of_counterparts(found, frequencies, opposite=True)
        value = score(other.task, other.labels, outputs, other.classes, bootstrap=0)["mcc"]
        mcc = None if np.isnan(value) else value
    return int(some.sum()), int(opposite.sum()), mcc
