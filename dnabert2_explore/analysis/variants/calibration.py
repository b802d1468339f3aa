"""How well each score tells labelled variants apart, beside what is known without a model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence as Items
from dataclasses import asdict, dataclass, field
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...common.arrays import check_each
from ...common.stats import Ranking, interval
from ...errors import InputError
from ...results.origins import recorded
from ...results.rich_display import RichDisplay, counted
from .labels import Key
from .scores import VariantScores

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Calibration", "Comparison", "calibrate", "calibrate_table"]

#: Weights held at once: 16 MB.
_AT_ONCE = 2_000_000

#: How a score is turned before it is compared: larger must mean "more likely positive". Said before
#: the labels are looked at; a score that tells them apart the other way round stays below 0.5.
_TURNS: dict[str, tuple[str, str]] = {
    "llr": ("-llr", "model"),
    "llr_per_base": ("-llr_per_base", "model"),
    "context": ("-context", "model"),
    "content": ("-content", "model"),
    "retokenisation": ("-retokenisation", "model"),
    "pll": ("-pll", "model"),
    "gc_change": ("|gc_change|", "baseline"),
    "cpg_change": ("-cpg_change", "baseline"),
    "length_change": ("|length_change|", "baseline"),
    "change": ("change", "model"),
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One score on labelled variants.

    Attributes
    ----------
    score : str
        As it was turned: ``"-llr"`` says that low values should mean positive.
    kind : str
        ``"model"`` or ``"baseline"``.
    positives, negatives : int
        Variants with a label and this score.
    auroc, low, high : float
        Area under the ROC curve and its 95% bootstrap interval.
    gain, gain_low, gain_high : float
        AUROC minus that of the best baseline, on the same variants and the same resamples; NaN for
        baselines.
    """

    score: str
    kind: str
    positives: int
    negatives: int
    auroc: float
    low: float
    high: float
    gain: float
    gain_low: float
    gain_high: float


@dataclass(frozen=True, slots=True, repr=False)
class Calibration(RichDisplay):
    """Scores beside baselines on labelled variants; `str` of it is a table to print.

    Attributes
    ----------
    rows : tuple of Comparison
        Best first, models and baselines together.
    baseline : str
        The best baseline, to which gains refer. It was chosen on the same variants, which
        flatters it.
    unlabelled : int
        Variants without a label or without any score.
    bootstrap, seed : int
    """

    rows: tuple[Comparison, ...]
    baseline: str
    unlabelled: int
    bootstrap: int
    seed: int

    def _line(self) -> str:
        best = self.rows[0]
        return (
            f"{len(self.rows)} scores and baselines on labelled variants; best {best.score}, "
            f"AUROC {best.auroc:.3f} ({best.low:.3f} to {best.high:.3f})"
        )

    def __str__(self) -> str:
        lines = [
            f"{'score':<24} {'kind':<9} {'n+':>6} {'n-':>6}  AUROC (95%)          gain over "
            f"{self.baseline} (95%)"
        ]
        for row in self.rows:
            gain = (
                ""
                if np.isnan(row.gain)
                else f"{row.gain:+.3f} ({row.gain_low:+.3f} to {row.gain_high:+.3f})"
            )
            lines.append(
                f"{row.score:<24} {row.kind:<9} {row.positives:>6,} {row.negatives:>6,}  "
                f"{row.auroc:.3f} ({row.low:.3f}-{row.high:.3f})  {gain}".rstrip()
            )
        lines.append(
            f"{counted(self.unlabelled, 'variant')} without label or score; "
            f"intervals: {self.bootstrap:,} "
            "bootstrap resamples of the variants within each class"
        )
        return "\n".join(lines)

    def to_json(self) -> str:
        """Write everything as JSON."""
        return json.dumps(asdict(self), indent=2)

    def table(self) -> pd.DataFrame:
        """Return scores and baselines as a table, best first, one row each.

        Returns
        -------
        pandas.DataFrame
            The attributes of `Comparison`.
        """
        import pandas as pd

        return pd.DataFrame([asdict(row) for row in self.rows])


@recorded
def calibrate(
    scores: VariantScores | pd.DataFrame,
    labels: Items[bool | None],
    *,
    distance: Items[float] | None = None,
    bootstrap: int = 1000,
    seed: int = 0,
) -> Calibration:
    """Say how well each score tells positive from negative variants.

    Parameters
    ----------
    scores : VariantScores, or a table as its `table` makes
    labels : sequence of (bool or None)
        For each variant whether it is positive (pathogenic, functional, ...); None is left out.
    distance : sequence of float, optional
        In bp, to the nearest site that matters (a gene, a splice site): a baseline; near is
        positive.
    bootstrap : int
        Resamples for the intervals, of the variants within each class.
    seed : int

    Returns
    -------
    Calibration
        Beside the scores of the model: change of the GC content, CpGs lost, change of the length,
        and `distance`.

    Raises
    ------
    InputError
        If labels or distances are not one for each variant, or a class is empty.
    """
    table = scores.table() if isinstance(scores, VariantScores) else scores
    if bootstrap < 1:
        raise InputError(f"bootstrap is {bootstrap}: give at least 1 resample.")
    check_each("variants", len(table), labels=labels, distances=distance)
    known = np.array([label is not None for label in labels])
    truth = np.array([bool(label) for label in labels])
    known &= (table["skipped"] == "").to_numpy()
    for name, count in (("positive", (truth & known).sum()), ("negative", (~truth & known).sum())):
        if not count:
            raise InputError(
                f"No {name} variant has scores: both classes are needed to compare them."
            )
    columns = _turned(table)
    if distance is not None:
        columns["-distance"] = (-np.asarray(distance, dtype=np.float64), "baseline")
    compared: dict[str, _Drawn] = {}
    for name, (values, kind) in columns.items():
        rows = known & np.isfinite(values)
        if (truth & rows).any() and (~truth & rows).any():
            compared[name] = _Drawn(values, kind, rows, float(_auroc(truth, values, rows)))
    best = max(
        (n for n, d in compared.items() if d.kind == "baseline"),
        key=lambda name: compared[name].value,
    )
    reference = compared[best].values
    rng = np.random.default_rng(seed)
    for weights in _resamples(truth, known, bootstrap, rng):
        for one in compared.values():
            one.draw(truth, reference, weights)
    rows_of = [one.compare(name, truth, reference) for name, one in compared.items()]
    return Calibration(
        rows=tuple(sorted(rows_of, key=lambda row: -row.auroc)),
        baseline=best,
        unlabelled=int((~known).sum()),
        bootstrap=bootstrap,
        seed=seed,
    )


@dataclass(slots=True)
class _Drawn:
    """A score, and its AUROC over the resamples so far."""

    values: NDArray[np.float64]
    kind: str
    rows: NDArray[np.bool_]
    value: float
    drawn: list[NDArray[np.float64]] = field(default_factory=list)
    gained: list[NDArray[np.float64]] = field(default_factory=list)

    def draw(
        self, truth: NDArray[np.bool_], reference: NDArray[np.float64], weights: NDArray[Any]
    ) -> None:
        """Add resamples; the baseline is taken on the same variants."""
        rows = self.rows
        values = _auroc(truth, self.values, rows, weights)
        self.drawn.append(values)
        if self.kind == "model":
            self.gained.append(values - _auroc(truth, reference, rows, weights))

    def compare(
        self, name: str, truth: NDArray[np.bool_], reference: NDArray[np.float64]
    ) -> Comparison:
        """Sum up."""
        rows = self.rows
        gain = gain_low = gain_high = float("nan")
        if self.kind == "model":
            gain = self.value - float(_auroc(truth, reference, rows))
            gain_low, gain_high = map(float, interval(np.concatenate(self.gained)))
        low, high = map(float, interval(np.concatenate(self.drawn)))
        return Comparison(
            score=name,
            kind=self.kind,
            positives=int((truth & rows).sum()),
            negatives=int((~truth & rows).sum()),
            auroc=self.value,
            low=low,
            high=high,
            gain=gain,
            gain_low=gain_low,
            gain_high=gain_high,
        )


def _auroc(
    truth: NDArray[np.bool_],
    values: NDArray[np.float64],
    rows: NDArray[np.bool_],
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Area under the ROC curve of some variants, for each row of weights."""
    times = None if weights is None else weights[:, rows]
    return Ranking(values[rows], truth[rows]).areas(times)[0]


def _resamples(
    truth: NDArray[np.bool_], known: NDArray[np.bool_], count: int, rng: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    """How often each variant is drawn, some resamples (m, n) at a time: within its class."""
    classes = [np.flatnonzero(truth & known), np.flatnonzero(~truth & known)]
    size = max(1, _AT_ONCE // len(truth))
    for start in range(0, count, size):
        weights = np.zeros((min(size, count - start), len(truth)))
        for rows in classes:
            even = np.full(len(rows), 1 / len(rows))
            weights[:, rows] = rng.multinomial(len(rows), even, size=len(weights))
        yield weights


def calibrate_table(path: str | PathLike[str], labels: Mapping[Key, bool]) -> Calibration:
    """Do as `calibrate` with a Parquet table that `score_vcf` wrote, and labels by `Key`."""
    import pandas as pd

    table = pd.read_parquet(path)
    keys = zip(table.contig, table.position, table.ref, table.alt, strict=True)
    return calibrate(table, [labels.get(key) for key in keys])


def _turned(table: pd.DataFrame) -> dict[str, tuple[NDArray[np.float64], str]]:
    columns: dict[str, tuple[NDArray[np.float64], str]] = {}
    for name in table.columns:
        turn, kind = _TURNS.get(name, ("", ""))
        if name.startswith(("cosine_", "euclidean_")):
            turn, kind = name, "model"
        if not turn:
            continue
        values = table[name].to_numpy(dtype=np.float64, na_value=np.nan)
        if turn.startswith("-"):
            values = -values
        elif turn.startswith("|"):
            values = np.abs(values)
        columns[turn] = (values, kind)
    return columns
