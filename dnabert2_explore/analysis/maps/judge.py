"""What a map of embeddings is: how much composition explains, and what its labels are worth."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence as Items
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...common.arrays import check_each, check_rows
from ...common.costs import says_cost
from ...common.progress import Progress, quiet
from ...errors import InputError
from ...results.origins import recorded
from ...results.rich_display import RichDisplay, counted
from ...sequences import Sequence
from ...sequences.given import as_sequences
from .explained import composition_features, share_explained
from .neighbours import centred_unit, label_purity, nearest, plane_keeps
from .probe import Difference, Probe, difference, probe

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LabelScore", "MapJudgement", "judge_map"]


_MOST = 5000  # sequences looked at; more are drawn by the seed
_CLASSES = 100  # that a probe can tell apart
_SHUFFLES = 20


@dataclass(frozen=True, slots=True)
class LabelScore:
    """What a label is worth in one space.

    Attributes
    ----------
    space : str
        ``"model"``, ``"4-mers"``, ``"GC content"``, ``"untrained twin"`` or ``"shuffled labels"``.
    purity : float
        Share of the nearest neighbours, in all dimensions, that have a sequence's label.
    probe : Probe
    """

    space: str
    purity: float
    probe: Probe


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MapJudgement(RichDisplay):
    """What a map is, in numbers from all dimensions.

    Attributes
    ----------
    axes : mapping of str to (shares of the axes, share of the map)
        Cross-validated R² of GC content, CpG, length, 4-mers and the label.
    axis_variance : tuple of float or None
        Share of the variance of all dimensions that each axis of a PCA holds.
    trustworthiness, kept : float
        See :func:`plane_keeps`.
    scores : tuple of LabelScore
        The model first; empty where labels cannot be told.
    label : str
        Name of the label; empty without one.
    groups : str
        What neighbours and folds are kept apart by; empty where nothing is.
    left_out : str
        Why sequences or numbers are missing, in a sentence; empty where none are.
    n, n_classes, n_neighbors : int
    """

    axes: Mapping[str, tuple[tuple[float, ...], float]]
    axis_variance: tuple[float, ...] | None
    trustworthiness: float
    kept: float
    scores: tuple[LabelScore, ...]
    label: str
    groups: str
    left_out: str
    n: int
    n_classes: int
    n_neighbors: int

    @property
    def headline(self) -> str:
        """What explains the map best, in a sentence."""
        simple = {name: share for name, (_, share) in self.axes.items() if name != self.label}
        best = max(simple, key=lambda name: simple[name])
        # One number alone first: 4-mers hold it, and do not beat it by a hair.
        single = max((n for n in simple if n != "4-mers"), key=lambda name: simple[name])
        if simple[single] >= 0.9 * simple[best]:
            best = single
        verb = "explain" if best == "4-mers" else "explains"
        if not self.label or self.label not in self.axes:
            return f"{best} {verb} {simple[best]:.0%} of this map's variance."
        own = self.axes[self.label][1]
        if simple[best] > own:
            return (
                f"{best} {verb} more of this map than {self.label}: {simple[best]:.0%} of its "
                f"variance beside {own:.0%}."
            )
        return f"{self.label} explains {own:.0%} of this map's variance, {best} {simple[best]:.0%}."

    @property
    def verdict(self) -> str:
        """What the label is worth beside simple counting and a twin that learnt nothing."""
        if not self.scores:
            return ""
        by = {score.space: score for score in self.scores}
        others = ", ".join(
            f"{name} {score.probe.score:.2f}" for name, score in by.items() if name != "model"
        )
        own = by["model"].probe
        if not math.isfinite(own.score):
            return f"There are too few sequences of each {self.label} for a probe."
        unseen = f", of {self.groups} it has not seen," if self.groups else ""
        beyond = ""
        gains = self.gains
        if gains:
            # What is hardest to beat: the least that is sure of a gain.
            best = min(gains, key=lambda name: gains[name].low)
            gain = gains[best]
            verb = "tell" if best == "4-mers" else "tells"
            between = f"({_signed(gain.low)} to {_signed(gain.high)})"
            by_how = f"by {abs(gain.score):.2f} {between}"
            if gain.low > 0:
                beyond = f" It goes beyond {best}, {by_how}."
            elif gain.high < 0:
                beyond = f" {best} {verb} it better, {by_how}."
            else:
                beyond = f" It does not go beyond {best} {between}."
        return (
            f"A linear probe tells {self.label}{unseen} with balanced accuracy {own.score:.2f} "
            f"({own.low:.2f}–{own.high:.2f}; {others})." + beyond
        )

    @property
    def gains(self) -> dict[str, Difference]:
        """What the model tells more than each other space, in paired draws; no shuffled labels."""
        by = {score.space: score.probe for score in self.scores}
        return {
            name: difference(by["model"], found)
            for name, found in by.items()
            if name not in ("model", "shuffled labels")
        }

    @property
    def neighbourhood(self) -> str:
        """How many of a sequence's neighbours share its label, beside what they are compared with.

        Empty where labels cannot be told.
        """
        if not self.scores:
            return ""
        own, *others = self.scores
        beside = ", ".join(f"{s.space} {s.purity:.0%}" for s in others)
        apart = f", of other {self.groups}," if self.groups else ""
        return (
            f"Of a sequence's {self.n_neighbors} nearest neighbours{apart} {own.purity:.0%} share "
            f"its {self.label} ({beside})."
        )

    def __str__(self) -> str:
        lines = [self.headline, self.neighbourhood, self.verdict]
        shape = f"Trustworthiness {self.trustworthiness:.2f}: {self.kept:.0%} of the nearest "
        shape += f"{self.n_neighbors} in all dimensions are neighbours on the page."
        if self.axis_variance is not None:
            held = " and ".join(f"{v:.0%}" for v in self.axis_variance)
            shape += f" The axes hold {held} of the variance."
        lines += [shape, self.left_out]
        return "\n".join(line for line in lines if line)

    def _line(self) -> str:
        return f"{counted(self.n, 'sequence')}; {self.headline}".rstrip(".")

    def table(self) -> pd.DataFrame:
        """Return all numbers, one a row.

        Returns
        -------
        pandas.DataFrame
            ``what``, ``of`` (a space or a covariate), ``value``, ``low``, ``high`` (NaN where
            there is no interval).
        """
        import pandas as pd

        nan = math.nan
        rows: list[tuple[str, str, float, float, float]] = []
        for name, (each, whole) in self.axes.items():
            rows += [(f"R² of axis {i + 1}", name, share, nan, nan) for i, share in enumerate(each)]
            rows.append(("R² of the map", name, whole, nan, nan))
        for i, share in enumerate(self.axis_variance or ()):
            rows.append((f"variance held by axis {i + 1}", "model", share, nan, nan))
        rows.append(("trustworthiness", "map", self.trustworthiness, nan, nan))
        rows.append(("neighbours kept", "map", self.kept, nan, nan))
        for s in self.scores:
            rows.append(("neighbours of the same label", s.space, s.purity, nan, nan))
            rows.append(
                ("balanced accuracy of a probe", s.space, s.probe.score, s.probe.low, s.probe.high)
            )
        table = pd.DataFrame(rows, columns=["what", "of", "value", "low", "high"])
        table.attrs["about"] = self.headline
        return table


@recorded
@says_cost
def judge_map(
    plane: ArrayLike,
    vectors: ArrayLike,
    sequences: Iterable[str | Sequence],
    labels: Items[str] | None = None,
    *,
    label: str = "label",
    groups: Items[str] | None = None,
    grouped_by: str = "group",
    beside: Mapping[str, ArrayLike] | None = None,
    pca: bool = False,
    n_neighbors: int = 15,
    seed: int = 0,
    progress: Progress | None = None,
) -> MapJudgement:
    """Judge a map of sequences by what lies behind it.

    Everything is computed in all dimensions, by cosine similarity about the mean, of up to 5,000
    sequences (drawn by `seed` where there are more). Beside the model's vectors stand 4-mer
    frequencies, GC content, what is given as `beside`, and the model's with labels shuffled.

    Parameters
    ----------
    plane : array_like, shape (n, axes)
        Of `project`.
    vectors : array_like, shape (n, hidden)
    sequences : iterable of str or Sequence, or a table with a ``sequence`` column
    labels : sequence of str, optional
        "" where a sequence has none: it is left out of what concerns the label.
    label : str
        What labels are, for the words.
    groups : sequence of str, optional
        Such as species or locus: neighbours of the same group do not count, and no group is both
        learnt from and told. Classes of one group alone are then left out.
    grouped_by : str
        What groups are, for the words.
    beside : mapping of str to array_like, optional
        Other vectors of the same sequences, such as
        ``{"untrained twin": random_twin(enc).embed(sequences)}``.
    pca : bool
        Whether `plane` is a PCA, whose axes hold a share of the variance.
    n_neighbors : int
    seed : int
    progress : callable, optional
        Called as progress(steps done, steps in all); may raise `Cancelled`.

    Returns
    -------
    MapJudgement

    Raises
    ------
    InputError
        If lengths differ, there are fewer than 10 sequences, or a number is not finite.

    Examples
    --------
    >>> from dnabert2_explore import demo, project
    >>> from dnabert2_explore.sequences.kmers import kmer_frequencies
    >>> windows = demo.windows()[::5]
    >>> vectors = kmer_frequencies([s.bases for s in windows], 3)
    >>> plane = project(vectors, method="pca")
    >>> found = judge_map(plane, vectors, windows, [s.label for s in windows])
    >>> found.axes["GC content"][1] > 0.5
    True
    """
    flat, wide = np.asarray(plane, dtype=np.float64), np.asarray(vectors, dtype=np.float32)
    texts = [one.bases for one in as_sequences(sequences)]
    _check(flat, wide, texts, labels, groups, beside or {})
    report = progress or quiet
    others = {name: np.asarray(v, dtype=np.float32) for name, v in (beside or {}).items()}
    rng = np.random.default_rng(seed)
    n_all = len(texts)
    kept = np.sort(rng.permutation(n_all)[:_MOST])
    flat, wide, texts = flat[kept], wide[kept], [texts[i] for i in kept]
    others = {name: v[kept] for name, v in others.items()}
    said = [f"{_MOST:,} of {n_all:,} sequences, drawn at random."] if n_all > _MOST else []
    steps = 3 + (3 + len(others) if labels is not None else 0)
    report(0, steps)

    features = composition_features(texts)
    axes: dict[str, tuple[tuple[float, ...], float]] = {}
    for name, numbers in features.items():
        each, whole = share_explained(numbers, flat, seed)
        axes[name] = tuple(map(float, each)), whole
    report(1, steps)
    k = min(n_neighbors, (len(texts) - 1) // 2)
    unit = centred_unit(wide)
    trust, stayed = plane_keeps(unit, flat, k)
    report(2, steps)
    variance = None
    if pca:
        total = float(wide.var(axis=0, dtype=np.float64).sum())
        variance = tuple(float(v) / total if total > 0 else 0.0 for v in flat.var(axis=0))

    scores: tuple[LabelScore, ...] = ()
    n_classes, by = 0, ""
    if labels is not None:
        own = [labels[i] for i in kept]
        parts = None if groups is None else [groups[i] for i in kept]
        rows, codes, group_codes, why = _labelled(own, parts)
        n_classes, by = len(np.unique(codes)), grouped_by if group_codes is not None else ""
        said += why
        if 1 < n_classes <= _CLASSES:
            hot = np.eye(n_classes)[codes]
            each, whole = share_explained(hot, flat[rows], seed)
            axes[label] = tuple(map(float, each)), whole
            spaces = {
                "model": wide,
                "4-mers": features["4-mers"].astype(np.float32),
                "GC content": features["GC content"].astype(np.float32),
                **others,
            }
            found = []
            for number, (name, values) in enumerate(spaces.items()):
                found.append(_score(name, values[rows], codes, group_codes, k, seed))
                report(3 + number, steps)
            found.append(_shuffled(wide[rows], codes, group_codes, k, rng, seed))
            scores = tuple(found)
    report(steps, steps)
    return MapJudgement(
        axes=axes,
        axis_variance=variance,
        trustworthiness=trust,
        kept=stayed,
        scores=scores,
        label=label if labels is not None else "",
        groups=by,
        left_out=" ".join(said),
        n=len(texts),
        n_classes=n_classes,
        n_neighbors=k,
    )


def _signed(value: float) -> str:
    """Write a difference; what rounds to nothing has no sign."""
    return f"{value:+.2f}" if abs(value) >= 0.005 else "0.00"


def _check(
    plane: NDArray[np.float64],
    vectors: NDArray[np.float32],
    texts: list[str],
    labels: Items[str] | None,
    groups: Items[str] | None,
    beside: Mapping[str, ArrayLike],
) -> None:
    n = len(texts)
    if n < 10:
        raise InputError(f"A map of {counted(n, 'sequence')} cannot be judged: give 10 or more.")
    arrays: dict[str, Any] = {"plane": plane, "vectors": vectors, **beside}
    given = arrays | {"labels": labels, "groups": groups}
    check_each("sequences", n, **{f"rows of {name}": one for name, one in given.items()})
    for name, values in arrays.items():
        check_rows(np.asarray(values, dtype=np.float64), name)


def _labelled(
    labels: list[str], groups: list[str] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64] | None, list[str]]:
    """Rows whose label can be told, their classes and groups as numbers, and what is left out."""
    said = []
    each = np.array(labels, dtype=object)
    unit = np.arange(len(each)) if groups is None else np.unique(groups, return_inverse=True)[1]
    members: dict[str, set[int]] = {}
    for value, one in zip(labels, unit.tolist(), strict=True):
        members.setdefault(value, set()).add(one)
    enough = [c for c, units in members.items() if c and len(units) > 1]
    if groups is not None and len(enough) < 2:
        # No class is in two groups: without groups there is at least something to tell.
        return _labelled(labels, None)
    few = [c for c in members if c and c not in set(enough)]
    if "" in members:
        said.append(f"{labels.count(''):,} sequences have no label.")
    if few:
        named = ", ".join(sorted(few)[:3]) + (" …" if len(few) > 3 else "")
        of = "one sequence" if groups is None else "one group"
        said.append(f"Classes of {of} alone are left out ({len(few):,}: {named}).")
    rows = np.flatnonzero(np.isin(each, enough)) if enough else np.zeros(0, dtype=np.int64)
    codes = np.unique(each[rows].astype(str), return_inverse=True)[1] if len(rows) else rows
    if len(enough) == 1:
        said.append("There is one class, so that no label can be told.")
    if len(enough) > _CLASSES:
        said.append(f"{len(enough):,} classes are too many for a probe ({_CLASSES} at most).")
    return rows, codes, None if groups is None else unit[rows], said


def _score(
    name: str,
    values: NDArray[np.float32],
    codes: NDArray[np.int64],
    groups: NDArray[np.int64] | None,
    k: int,
    seed: int,
) -> LabelScore:
    if values.shape[1] == 1:  # one number has no direction: beside itself it has one
        spread = np.abs(values - values.mean()).max() or 1.0
        unit = centred_unit(np.c_[np.sin(values / spread), np.cos(values / spread)])
    else:
        unit = centred_unit(values)
    near = nearest(unit, min(k, len(values) - 1), groups)
    return LabelScore(name, label_purity(near, codes), probe(values, codes, groups, seed))


def _shuffled(
    values: NDArray[np.float32],
    codes: NDArray[np.int64],
    groups: NDArray[np.int64] | None,
    k: int,
    rng: np.random.Generator,
    seed: int,
) -> LabelScore:
    near = nearest(centred_unit(values), min(k, len(values) - 1), groups)
    purities = [label_purity(near, rng.permutation(codes)) for _ in range(_SHUFFLES)]
    return LabelScore(
        "shuffled labels",
        float(np.mean(purities)),
        probe(values, rng.permutation(codes), None, seed),
    )
