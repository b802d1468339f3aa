"""Features that are active in annotated stretches, or at hits of motifs, more than elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence as Items
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...common.arrays import check_each
from ...common.progress import Progress, split
from ...errors import InputError
from ...results.rich_display import RichDisplay, counted

if TYPE_CHECKING:
    import pandas as pd

    from ..motifs import Hits
    from .readings import FeatureReadings

__all__ = ["FeatureEnrichment", "Stretches", "enrich"]

#: Stretches [start, end) of each sequence.
Stretches = Items[Iterable[tuple[int, int]]]

#: Tokens at which a feature has to be active to be asked.
_LEAST = 10
#: Kinds of stretches that are turned at once: their sums take 30 MB of 768 features and 200 turns.
_AT_ONCE = 24


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FeatureEnrichment(RichDisplay):
    """Activation of features in stretches beside that in the same stretches turned round.

    The null turns the stretches round each sequence, by other numbers of tokens each time: it keeps
    how many, how long and how close they are, and parts them from what stands there.

    Attributes
    ----------
    names : tuple of str
        Of the kinds of stretches: motifs, kinds of annotation, or ``"stretches"``.
    feature : numpy.ndarray, shape (features asked,), int64
        Those active at ten tokens or more.
    fold : numpy.ndarray, shape (names, features asked), float64
        Activation in the stretches over its mean in the turned ones.
    p_value, q_value : numpy.ndarray, shape (names, features asked), float64
        One-sided, by a Pearson III distribution with mean, variance and skewness of the turned
        ones; q by Benjamini and Hochberg over all.
    tokens : numpy.ndarray, shape (names,), int64
        Tokens that overlap the stretches.
    turns : int
    model : str
    twin : FeatureEnrichment or None
        Of the untrained network's features.
    """

    names: tuple[str, ...]
    feature: NDArray[np.int64]
    fold: NDArray[np.float64]
    p_value: NDArray[np.float64]
    q_value: NDArray[np.float64]
    tokens: NDArray[np.int64]
    turns: int
    model: str
    twin: FeatureEnrichment | None

    def _line(self) -> str:
        found = int((self.q_value < 0.05).sum())
        what = self.names[0] if len(self.names) == 1 else f"{len(self.names):,} kinds of stretches"
        told = (
            f"{counted(len(self.feature), 'feature')}, {what}: "
            f"{counted(found, 'pair')} with q < 0.05"
        )
        if self.twin is not None:
            theirs = int((self.twin.q_value < 0.05).sum())
            told += (
                f"; {theirs:,} of an untrained network's "
                f"{counted(len(self.twin.feature), 'feature')}"
            )
        return told

    def table(self) -> pd.DataFrame:
        """List features and stretches, the least likely by chance first.

        Returns
        -------
        pandas.DataFrame
            ``stretches``, ``feature``, ``fold``, ``p``, ``q``; ``twin_fold``, the largest fold of a
            feature of the untrained network with q < 0.05 there (NaN for none).
        """
        import pandas as pd

        kinds, columns = np.indices(self.fold.shape).reshape(2, -1)
        data = pd.DataFrame(
            {
                "stretches": [self.names[i] for i in kinds],
                "feature": self.feature[columns],
                "fold": self.fold.ravel(),
                "p": self.p_value.ravel(),
                "q": self.q_value.ravel(),
            }
        )
        if self.twin is not None:
            known = np.where(self.twin.q_value < 0.05, self.twin.fold, -np.inf)
            best = known.max(axis=1, initial=-np.inf)
            data["twin_fold"] = np.where(np.isfinite(best), best, np.nan)[kinds]
        order = np.lexsort((-data["fold"], data["p"]))
        return data.iloc[order].reset_index(drop=True)


def enrich(
    readings: FeatureReadings,
    where: Stretches | Mapping[str, Stretches] | Hits,
    turns: int,
    seed: int,
    progress: Progress | None,
) -> FeatureEnrichment:
    """See `FeatureReadings.enrichment`."""
    if turns < 20:
        raise InputError(f"turns is {turns}: a null needs at least 20.")
    kinds = _stretches(readings, where)
    marked = np.stack([_marked(readings, one) for _, one in kinds])
    if not marked.any():
        raise InputError("No token lies in any of the stretches: check that they are 0-based.")
    names = tuple(name for name, _ in kinds)
    both = [readings] if readings.twin is None else [readings, readings.twin]
    own, *rest = [
        _test(one, names, marked, turns, seed, part)
        for one, part in zip(both, split(progress, [1] * len(both)), strict=True)
    ]
    return replace(own, twin=rest[0]) if rest else own


def _stretches(
    readings: FeatureReadings, where: Stretches | Mapping[str, Stretches] | Hits
) -> list[tuple[str, list[list[tuple[int, int]]]]]:
    """Stretches of every sequence, for every name."""
    from ..motifs import Hits

    count = len(readings.sequences)
    if not isinstance(where, Hits):
        several = where if isinstance(where, Mapping) else {"stretches": where}
        if not several:
            raise InputError("There are no stretches: name at least one kind of them.")
        given = {name: [list(one) for one in some] for name, some in several.items()}
        check_each("sequences", count, **{f"lists of {name}": one for name, one in given.items()})
        return list(given.items())
    lengths = [len(one.bases) for one in readings.sequences]
    if where.lengths.tolist() != lengths:
        raise InputError(
            "The hits are of other sequences than the features were read in: scan the same ones."
        )
    found: list[tuple[str, list[list[tuple[int, int]]]]] = []
    for number, motif in enumerate(where.motifs):
        mine = where.motif == number
        if not mine.any():
            continue
        by: list[list[tuple[int, int]]] = [[] for _ in range(count)]
        for one, start, end in zip(
            where.sequence[mine], where.start[mine], where.end[mine], strict=True
        ):
            by[int(one)].append((int(start), int(end)))
        found.append((motif.name, by))
    if not found:
        raise InputError("There are no hits: scan with a less strict threshold.")
    return found


def _marked(readings: FeatureReadings, where: list[list[tuple[int, int]]]) -> NDArray[np.bool_]:
    """Tokens that overlap stretches of their sequence."""
    marked = np.zeros(len(readings.owner), dtype=bool)
    bounds = np.searchsorted(readings.owner, np.arange(len(where) + 1))
    for number, some in enumerate(where):
        first, last = bounds[number], bounds[number + 1]
        spans = readings.spans[first:last]
        for start, end in some:
            marked[first:last] |= (spans[:, 0] < end) & (spans[:, 1] > start)
    return marked


def _test(
    readings: FeatureReadings,
    names: tuple[str, ...],
    marked: NDArray[np.bool_],
    turns: int,
    seed: int,
    progress: Progress,
) -> FeatureEnrichment:
    from scipy.sparse import csr_array
    from scipy.stats import false_discovery_control, pearson3, skew

    rng = np.random.default_rng(seed)
    count = np.asarray((readings.values > 0).sum(axis=0)).ravel()
    asked = np.flatnonzero(count >= _LEAST)
    values = readings.values[:, asked].astype(np.float64)
    bounds = np.searchsorted(readings.owner, np.arange(len(readings.sequences) + 1))
    # Where each token goes when the sequences are turned.
    turned = np.tile(np.arange(len(readings.owner)), (turns, 1))
    for turn in range(turns):
        for first, last in pairwise(bounds):
            if last > first + 1:
                part = turned[turn, first:last]
                part[:] = np.roll(part, -int(rng.integers(last - first)))
    true, mean, spread, lean = (np.zeros((len(names), len(asked))) for _ in range(4))
    for done, start in enumerate(range(0, len(names), _AT_ONCE), start=1):
        some = slice(start, start + _AT_ONCE)
        flags = csr_array(marked[some].astype(np.float64))
        true[some] = (flags @ values).toarray()
        sums = np.stack(
            [
                (csr_array((flags.data, to[flags.indices], flags.indptr), flags.shape) @ values)
                .toarray()
                for to in turned
            ]
        )  # fmt: skip
        mean[some], spread[some] = sums.mean(axis=0), sums.std(axis=0, ddof=1)
        lean[some] = np.nan_to_num(skew(sums, axis=0))
        progress(done, -(-len(names) // _AT_ONCE))
    # A distribution that leans to the left would end somewhere, and give p = 0 beyond.
    lean = np.maximum(lean, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        fold = np.where(mean > 0, true / mean, np.nan)
        p = pearson3.sf(true, lean, loc=mean, scale=np.maximum(spread, 1e-12))
    p = np.where(spread > 0, np.clip(np.nan_to_num(p, nan=1.0), 0, 1), 1.0)
    q = false_discovery_control(p.ravel(), method="bh").reshape(p.shape) if p.size else p
    return FeatureEnrichment(
        names=names,
        feature=asked.astype(np.int64),
        fold=fold,
        p_value=p,
        q_value=q,
        tokens=marked.sum(axis=1).astype(np.int64),
        turns=turns,
        model=readings.model,
        twin=None,
    )
