"""What is known of sparse features: what was trained, read, listed, looked up, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ....analysis.features import FeatureEnrichment, FeatureReadings, Features
from ....common.progress import Progress
from ...core.kept import Last
from ...core.state import Selection

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["KeptFeatures", "annotated_stretches", "enrichment", "enrichment_cost"]

#: Threshold on p of the hits that are asked about.
THRESHOLD = 1e-4
#: Seconds of a processor, about: to scan 1,000 bases for all motifs, and to turn all their hits
#: round for one feature.
_SCAN, _TURNS = 0.03, 0.007

#: Stretches [start, end) of every sequence.
Stretches = list[list[tuple[int, int]]]


class KeptFeatures:
    """Features and readings by layer; what is derived from readings is kept as long as they are.

    `members` are the sequences that were read; `alone` has layer, bases and readings of one
    sequence that is not among them.
    """

    def __init__(self, features: Features | None) -> None:
        self.given = features is not None
        self.trained: dict[int, Features] = {} if features is None else {features.layer: features}
        self.members: dict[int, tuple[int, ...]] = {}
        self.enriched: dict[int, FeatureEnrichment] = {}
        self.alone: tuple[int, str, FeatureReadings] | None = None
        self._read: dict[int, FeatureReadings] = {}
        self._turned: Last[FeatureReadings, FeatureReadings] = Last()
        self._table: Last[FeatureReadings, pd.DataFrame] = Last()
        self._nearest: Last[FeatureReadings, NDArray[Any]] = Last()

    def put(self, layer: int, members: tuple[int, ...], found: FeatureReadings) -> None:
        """Keep what was read."""
        self.members[layer], self._read[layer] = members, found

    def readings(self, layer: int, untrained: bool = False) -> FeatureReadings | None:
        """Return the readings of a layer, the untrained network's with the model's beside them."""
        found = self._read.get(layer)
        if found is None or not untrained:
            return found
        # Kept: what is known of readings (their table, who is alike) is kept by which they are.
        return self._turned.of(found, FeatureReadings.turned)

    def holding(self, layer: int, index: int, bases: str) -> tuple[FeatureReadings, int] | None:
        """Find the model's readings that hold a sequence, and its place among them."""
        readings = self._read.get(layer)
        if readings is None:
            return None
        members = self.members[layer]
        if index in members:
            place = members.index(index)
            if readings.sequences[place].bases == bases:
                return readings, place
        if self.alone is not None and self.alone[:2] == (layer, bases):
            return self.alone[2], 0
        return None

    def table(self, readings: FeatureReadings) -> pd.DataFrame:
        """List the features beside their nulls."""
        return self._table.of(readings, FeatureReadings.table)

    def nearest(self, readings: FeatureReadings) -> NDArray[Any]:
        """Name the other network's feature that is most like each, shape (n_features,)."""
        return self._nearest.of(readings, lambda found: found.correlations().argmax(axis=1))


def annotated_stretches(selection: Selection, members: tuple[int, ...]) -> dict[str, Stretches]:
    """Gather what is annotated on some sequences, by its kind."""
    kinds: dict[str, Stretches] = {}
    for place, index in enumerate(members):
        for one in selection.annotations.get(index, ()):
            blank = kinds.setdefault(one.kind, [[] for _ in members])
            blank[place].append((int(one.start), int(one.end)))
    return kinds


def enrichment(
    readings: FeatureReadings, kinds: dict[str, Stretches], progress: Progress
) -> FeatureEnrichment:
    """Compare features with annotation and with the hits of JASPAR's motifs."""
    from ....analysis.motifs import scan_motifs
    from ....analysis.motifs.scan import out_of_reach
    from ....sequences.motifs.jaspar import jaspar

    motifs = jaspar()
    lost = set(out_of_reach(motifs, THRESHOLD))
    hits = scan_motifs(
        readings.sequences,
        [one for i, one in enumerate(motifs) if i not in lost],
        threshold=THRESHOLD,
        progress=progress,
    )
    where: dict[str, Any] = dict(kinds)
    for number, motif in enumerate(hits.motifs):
        mine = np.flatnonzero(hits.motif == number)
        by: Stretches = [[] for _ in readings.sequences]
        for i in mine.tolist():
            by[int(hits.sequence[i])].append((int(hits.start[i]), int(hits.end[i])))
        if len(mine):
            where[motif.label] = by
    return readings.enrichment(where, progress=progress)


def enrichment_cost(readings: FeatureReadings) -> float:
    """Return the seconds that `enrichment` takes, about."""
    twin = readings.twin
    count = len(readings.features) + (0 if twin is None else len(twin.features))
    return _SCAN * sum(len(one.bases) for one in readings.sequences) / 1000 + _TURNS * count
