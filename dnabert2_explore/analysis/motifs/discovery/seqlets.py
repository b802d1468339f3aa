"""Seqlets: short stretches whose bases contribute more than their order by chance would give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ....common.names import check_name
from ....common.progress import Progress, quiet
from ....errors import InputError
from ....results.origins import recorded
from ....results.rich_display import RichDisplay, counted

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NULLS", "Seqlets", "call_seqlets", "check_calling", "scaled"]

#: What is shuffled within each sequence to learn what chance gives.
NULLS = ("bases", "tokens")

_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Seqlets(RichDisplay):
    """Stretches with high contributions, the most significant first.

    Attributes
    ----------
    sequence : numpy.ndarray, shape (n,), int64
        Index of the sequence.
    start, end : numpy.ndarray, shape (n,), int64
        0-based half-open.
    score : numpy.ndarray, shape (n,), float64
        Sum of the contributions, each in multiples of its sequence's mean absolute contribution.
    p_value : numpy.ndarray, shape (n,), float64
        Share of positions of the shuffled scores at which some width is as extreme.
    q_value : numpy.ndarray, shape (n,), float64
        False discovery rate of this and all stronger seqlets, against the calls in shuffled scores.
    sign : numpy.ndarray, shape (n,), int64
        1 where bases speak for the output, -1 where they speak against it.
    n_sequences : int
        Sequences looked at.
    null : str
        What the null is, in words, with its seed.
    """

    sequence: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    score: _Floats
    p_value: _Floats
    q_value: _Floats
    sign: NDArray[np.int64]
    n_sequences: int
    null: str

    def _line(self) -> str:
        return f"{len(self):,} in {counted(self.n_sequences, 'sequence')}; null: {self.null}"

    def __len__(self) -> int:
        return len(self.start)

    @recorded
    def take(self, rows: NDArray[Any]) -> Seqlets:
        """Keep some seqlets, in the order of `rows`: indices or a mask."""
        return replace(self, **{name: getattr(self, name)[rows] for name in _COLUMNS})

    def table(self) -> pd.DataFrame:
        """Return the seqlets as a table, one row each.

        Returns
        -------
        pandas.DataFrame
            ``sequence`` (its index), ``start``, ``end`` (0-based half-open), ``score``,
            ``p_value``, ``q_value``, ``sign``.
        """
        import pandas as pd

        return pd.DataFrame({name: getattr(self, name) for name in _COLUMNS})


_COLUMNS = ("sequence", "start", "end", "score", "p_value", "q_value", "sign")


def scaled(contributions: Sequence[ArrayLike]) -> list[_Floats]:
    """Divide each sequence's contributions by their mean absolute value.

    A sequence of which the model is very sure would drown the others otherwise. Sequences whose
    contributions are all 0 stay as they are. Raises InputError where there is no sequence, or one
    has contributions that are not one finite number per base.
    """
    if not len(contributions):
        raise InputError("There are no contributions: give one array for each sequence.")
    arrays = [np.asarray(values, dtype=np.float64) for values in contributions]
    for number, values in enumerate(arrays):
        if values.ndim != 1 or not values.size:
            raise InputError(
                f"The contributions of sequence {number} (0-based) have shape {values.shape}; "
                "expected (n_bases,): give one number for each base."
            )
        if not np.isfinite(values).all():
            raise InputError(
                f"The contributions of sequence {number} (0-based) hold NaN or infinity: leave it "
                "out, or compute them in float32."
            )
    return [values / (np.abs(values).mean() or 1.0) for values in arrays]


def check_calling(
    longest: int, widths: tuple[int, int], null: str, p_value: float, fdr: float
) -> None:
    """Raise InputError for settings that `call_seqlets` cannot use, or where no sequence is wide.

    `longest` is the length of the longest sequence in bases, which the least width has to fit.
    """
    low, high = widths
    check_name("Null", null, NULLS)
    if not 1 <= low <= high:
        raise InputError(f"Widths {low} to {high} are no range: give 1 <= least <= largest.")
    for name, value in (("p_value", p_value), ("fdr", fdr)):
        if not 0 < value <= 1:
            raise InputError(f"{name} is {value}: give a share above 0 and up to 1.")
    if longest < low:
        raise InputError(
            f"The longest sequence has {longest} bp, less than the least width, {low} bp: give "
            "longer sequences or a smaller width."
        )


def call_seqlets(
    contributions: Sequence[ArrayLike],
    widths: tuple[int, int] = (5, 14),
    null: str = "bases",
    p_value: float = 0.01,
    fdr: float = 0.05,
    shuffles: int = 10,
    seed: int = 0,
    progress: Progress | None = None,
) -> Seqlets:
    """Find stretches whose contributions sum to more than shuffled contributions do.

    Sums over windows of every width, in bp, are standardised by the mean and the standard deviation
    of sums of that width in shuffled scores, so that widths can be compared. Each position keeps
    its best width; positions with `p_value` or better become seqlets, the most extreme first,
    unless they overlap one. The same is done with each shuffle, and the false discovery rate, at
    the most `fdr`, is the number of seqlets per shuffle beside the number in the data. Nothing is
    padded or cut to a common length: sequences may be short and of mixed lengths.

    The null says what is shuffled within each sequence. ``"bases"``: single bases; a seqlet then
    has neighbours that score alike. Where scores were spread over tokens, one strong token passes:
    a candidate, to be judged by what its bases have in common with others. ``"tokens"``: runs of
    equal scores stay whole, so that a seqlet needs several strong tokens side by side; in short
    sequences that are mostly motif this finds little. Raises InputError where contributions or
    settings cannot be used as they are.
    """
    low, high = widths
    if shuffles < 1:
        raise InputError(f"shuffles is {shuffles}: give at least 1.")
    scores = scaled(contributions)
    check_calling(max(map(len, scores)), widths, null, p_value, fdr)
    track = _Track.of(scores, null)
    rng = np.random.default_rng(seed)
    sizes = np.arange(low, min(high, max(track.lengths)) + 1)
    scale = _Scale.of(track.sums(track.shuffled(rng), sizes))
    shuffled = []
    for done in range(shuffles):
        shuffled.append(scale.best(track.sums(track.shuffled(rng), sizes)))
        (progress or quiet)(done + 1, shuffles)
    chance = [np.sort(np.concatenate([s.z[:, side] for s in shuffled])) for side in (0, 1)]
    chance = [values[np.isfinite(values)] for values in chance]
    real = _greedy(scale.best(track.sums(track.scores, sizes)), sizes, chance, p_value)
    calls = np.sort(np.concatenate([_greedy(s, sizes, chance, p_value).p for s in shuffled]))
    q = _discovery_rate(real.p, calls, shuffles)
    kept = q <= fdr
    start, size = real.start[kept], real.size[kept]
    owner = track.owner[start]
    sums = np.append(0.0, np.cumsum(track.scores))
    return Seqlets(
        sequence=owner,
        start=start - track.first[owner],
        end=start + size - track.first[owner],
        score=sums[start + size] - sums[start],
        p_value=real.p[kept],
        q_value=q[kept],
        sign=real.sign[kept],
        n_sequences=len(contributions),
        null=(
            f"{'bases' if null == 'bases' else 'runs of equal scores'} shuffled within each "
            f"sequence, {shuffles} times, seed {seed}"
        ),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Track:
    """All sequences' scores end to end, and the runs that a shuffle moves."""

    scores: _Floats
    owner: NDArray[np.int64]
    first: NDArray[np.int64]
    lengths: NDArray[np.int64]
    runs: NDArray[np.int64]  # where each begins
    spans: NDArray[np.int64]  # how long each is

    @classmethod
    def of(cls, scores: list[_Floats], null: str) -> _Track:
        lengths = np.array([len(values) for values in scores])
        flat = np.concatenate(scores)
        owner = np.repeat(np.arange(len(scores)), lengths)
        fresh = np.ones(len(flat), dtype=bool)
        if null == "tokens":
            fresh[1:] = (flat[1:] != flat[:-1]) | (owner[1:] != owner[:-1])
        runs = np.flatnonzero(fresh)
        first = np.cumsum(lengths) - lengths
        return cls(flat, owner, first, lengths, runs, np.diff(runs, append=len(flat)))

    def shuffled(self, rng: np.random.Generator) -> _Floats:
        order = np.lexsort((rng.random(len(self.runs)), self.owner[self.runs]))
        return np.repeat(self.scores[self.runs][order], self.spans[order])

    def sums(self, scores: _Floats, sizes: NDArray[np.int64]) -> _Floats:
        """Sum windows by width and start, shape (widths, bases); NaN past a sequence's end."""
        total = np.append(0.0, np.cumsum(scores))
        result = np.full((len(sizes), len(scores)), np.nan)
        for row, size in zip(result, sizes, strict=True):
            count = max(len(scores) - size + 1, 0)
            inside = self.owner[:count] == self.owner[size - 1 :][:count]
            row[:count] = np.where(inside, total[size:] - total[: len(total) - size], np.nan)
        return result


@dataclass(frozen=True, slots=True, eq=False)
class _Best:
    """Each position's most extreme window: high in column 0, low (turned) in column 1."""

    z: _Floats  # (bases, 2)
    row: NDArray[np.int64]  # (bases, 2), which width


@dataclass(frozen=True, slots=True, eq=False)
class _Scale:
    """What sums of each width are like by chance."""

    mean: _Floats
    deviation: _Floats

    @classmethod
    def of(cls, sums: _Floats) -> _Scale:
        # A width that only a few sequences hold may have no spread: it then has no say.
        deviation = np.nanstd(sums, axis=1, keepdims=True)
        floor = 1e-9 * float(np.nanmax(np.abs(sums), initial=1.0))
        deviation[~(deviation > floor)] = np.inf
        return cls(np.nanmean(sums, axis=1, keepdims=True), deviation)

    def best(self, sums: _Floats) -> _Best:
        z = (sums - self.mean) / self.deviation
        sides = [np.where(np.isnan(z), -np.inf, side) for side in (z, -z)]
        return _Best(
            np.stack([side.max(axis=0) for side in sides], axis=1),
            np.stack([side.argmax(axis=0) for side in sides], axis=1),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Calls:
    start: NDArray[np.int64]
    size: NDArray[np.int64]
    sign: NDArray[np.int64]
    p: _Floats


def _greedy(best: _Best, sizes: NDArray[np.int64], chance: list[_Floats], p_value: float) -> _Calls:
    """Take positions from the most extreme down, unless they overlap one taken before."""
    z, size = best.z.T.ravel(), sizes[best.row.T.ravel()]
    p = np.concatenate([_tail(chance[side], best.z[:, side]) for side in (0, 1)])
    good = np.flatnonzero((p <= p_value) & np.isfinite(z) & (z > 0))
    good = good[np.lexsort((-z[good], p[good]))]
    bases = len(best.z)
    taken = np.zeros(bases, dtype=bool)
    kept = []
    for at in good:
        begin = at % bases
        if not taken[begin : begin + size[at]].any():
            taken[begin : begin + size[at]] = True
            kept.append(at)
    rows = np.array(kept, dtype=np.int64)
    return _Calls(rows % bases, size[rows], np.where(rows < bases, 1, -1), p[rows])


def _tail(chance: _Floats, values: _Floats) -> _Floats:
    """Share of chance at least as large; never 0."""
    above = len(chance) - np.searchsorted(chance, values)
    return np.asarray((above + 1) / (len(chance) + 1))


def _discovery_rate(p: _Floats, calls: _Floats, shuffles: int) -> _Floats:
    """Put calls per shuffle beside calls in the data, at each p-value or better."""
    if not len(p):
        return np.zeros(0)
    found = np.searchsorted(np.sort(p), p, side="right")
    rate = (np.searchsorted(calls, p, side="right") + 1) / shuffles / found
    # p is sorted: the rate of a seqlet is the best at which it would be called.
    return np.minimum(np.minimum.accumulate(rate[::-1])[::-1], 1.0)
