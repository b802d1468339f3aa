"""What the feature view computes: training, reading, looking up, colouring the atlas."""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import replace
from typing import TYPE_CHECKING

from ipywidgets import Dropdown, ToggleButtons

from ....analysis.features import FeatureEnrichment, FeatureReadings, Features, train, training_cost
from ....common.costs import duration
from ....common.progress import Progress
from ....encoder import Encoder
from ....encoder.loading.twin import random_twin
from ....errors import InputError
from ....sequences import Sequence
from ...core.controls import UNTRAINED, show
from ...core.explorer import LONGEST, guarded
from ...core.live import LiveExplorer
from ...core.state import Selection
from .kept import KeptFeatures, annotated_stretches, enrichment

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ReadingExplorer"]

#: Bases that are trained on at most.
MOST = 500_000


class ReadingExplorer(LiveExplorer):
    """Base of the feature view: trains features when asked, and reads what is looked at.

    Parameters
    ----------
    features : Features, optional
        Trained already.
    sequences : sequence of Sequence, optional
        The examples by default.
    selection : Selection, optional
        Shared with other views.
    active : bool
        Read sequences now; otherwise when `activate` is called.
    """

    #: A subclass makes these before anything else.
    enc: Encoder
    layer: Dropdown
    feature: Dropdown
    shown: ToggleButtons

    def __init__(
        self,
        features: Features | None,
        sequences: Items[Sequence] | None,
        selection: Selection | None,
        active: bool,
    ) -> None:
        self._known = KeptFeatures(features)
        self._wish: int | None = None
        # The feature that was left for the other network's, that one, and their layer.
        self._came: tuple[int, int, int] | None = None
        controls = [self.shown, self.layer, self.feature]
        super().__init__(sequences, selection, active, controls, height=340)
        self.compute.description, self.compute.tooltip = "Train", "Train the features now"

    # What is computed --------------------------------------------------------------------------

    def _set(self) -> tuple[int, ...]:
        """Sequences to train on: the set of the one looked at, evenly, as far as it is not long."""
        selection = self.selection
        fit = [i for i in selection.peers if len(selection.sequences[i]) <= LONGEST]
        total = sum(len(selection.sequences[i]) for i in fit)
        return tuple(fit[:: max(1, -(-total // MOST))])

    @property
    def features(self) -> Features | None:
        """What was trained of the layer on show; None before."""
        return self._known.trained.get(self.layer.value)

    @property
    def readings(self) -> FeatureReadings | None:
        """Activations in the sequences that the features were trained on; None before.

        Of the network on show, with the other beside it as `twin`.
        """
        return self._known.readings(self.layer.value, self._untrained)

    @property
    def _untrained(self) -> bool:
        """Whether the untrained network is on show, and there is one."""
        features = self.features
        return self.shown.value == UNTRAINED and features is not None and features.twin is not None

    def _other(self) -> None:
        """Go to the feature of the network now chosen that is most like the one on show."""
        readings, left, layer = self.readings, self.feature.value, self.layer.value
        beside = readings is not None and readings.twin is not None
        if self._wish is None and left is not None and readings is not None and beside:
            if self._came is not None and self._came[1:] == (left, layer):
                self._wish = self._came[0]  # back to where it came from
            else:
                self._wish = int(readings.correlations()[:, left].argmax())
            self._came = left, self._wish, layer
        self._draw()

    @property
    def enrichment(self) -> FeatureEnrichment | None:
        """What features of the network on show are enriched in; None before it was looked up."""
        found = self._known.enriched.get(self.layer.value)
        return found.twin if found is not None and self._untrained else found

    def _texts(self, members: tuple[int, ...]) -> list[Sequence]:
        return [self.selection.sequences[i] for i in members]

    def _ask(self) -> None:
        """Read what is trained, or say what training takes."""
        show(self.compute, False)
        current, features = self.selection.current, self.features
        if not self.active or current is None or self._refuses():
            self._draw()
            return
        layer = self.layer.value
        if features is None:
            self._offer()
        elif self.readings is None:
            members = self._set()
            self._start(
                "reading features, sequences",
                lambda progress: features.read(self.enc, self._texts(members), progress=progress),
                lambda found: self._was_read(layer, members, found),
            )
        elif self._here(current) is None:
            self._start(
                "reading features",
                lambda progress: features.read(self.enc, current, progress=progress),
                lambda found: self._was_read_alone(layer, current.bases, found),
            )
        self._draw()

    def _offer(self) -> None:
        members = self._set()
        if not members:
            self.say(f"All sequences of this set have more than {LONGEST:,} bp: add shorter ones.")
            return
        texts = self._texts(members)
        total = sum(map(len, texts))
        seconds = training_cost(self.enc, texts)
        self.say(
            f"Features of layer {self.layer.value} are not trained yet: {len(texts):,} sequences "
            f"of this set ({total:,} bp), and an untrained network beside, take about "
            f"{duration(seconds)}."
        )
        show(self.compute, True)

    def _agree(self) -> None:
        layer, members = self.layer.value, self._set()
        texts = self._texts(members)
        show(self.compute, False)

        def work(progress: Progress) -> tuple[Features, FeatureReadings]:
            made = train(self.enc, texts, layer, progress=progress)
            return made, made.read(self.enc, texts, progress=progress)

        def done(result: tuple[Features, FeatureReadings]) -> None:
            self._known.trained[layer] = result[0]
            self._known.enriched.pop(layer, None)
            self._was_read(layer, members, result[1])

        self._start("training features, sequences and steps", work, done)

    def _was_read(self, layer: int, members: tuple[int, ...], found: FeatureReadings) -> None:
        self._known.put(layer, members, found)
        self._draw()
        self._ask()

    def _was_read_alone(self, layer: int, bases: str, found: FeatureReadings) -> None:
        self._known.alone = (layer, bases, found)
        self._draw()

    def _cancelled(self) -> None:
        super()._cancelled()
        if self.features is None:
            show(self.compute, True)

    def _here(self, current: Sequence) -> tuple[FeatureReadings, int] | None:
        """Find the readings on show that hold a sequence, and its place among them."""
        found = self._holding(current)
        if found is None or not self._untrained:
            return found
        layer = self.layer.value
        whole = found[0] is self._known.readings(layer)
        turned = self._known.readings(layer, True) if whole else found[0].turned()
        assert turned is not None
        return turned, found[1]

    def _holding(self, current: Sequence) -> tuple[FeatureReadings, int] | None:
        """Find the model's readings that hold a sequence, and its place among them."""
        return self._known.holding(self.layer.value, self.selection.index, current.bases)

    @guarded
    def _look_up(self) -> None:
        """Ask what features are enriched in: annotation of the set, and JASPAR's motifs."""
        layer = self.layer.value
        readings = self._known.readings(layer)
        if readings is None:
            raise InputError("There are no features yet: train them first.")
        kinds = annotated_stretches(self.selection, self._known.members[layer])

        def done(found: FeatureEnrichment) -> None:
            self._known.enriched[layer] = found
            self._draw()

        self._start(
            "features, annotation and motifs",
            lambda progress: enrichment(readings, kinds, progress),
            done,
        )

    @guarded
    def _colour(self) -> None:
        """Hand the atlas one number a sequence."""
        readings, feature = self.readings, self.feature.value
        if readings is None or feature is None:
            raise InputError("There is no feature to colour by: train some first.")
        layer = self.layer.value
        every = [i for i, one in enumerate(self.selection.sequences) if len(one) <= LONGEST]
        alone, untrained = replace(readings.features, twin=None), self._untrained
        name = f"feature {feature}, layer {layer}" + (", untrained" if untrained else "")

        def read(progress: Progress) -> FeatureReadings:
            enc = random_twin(self.enc, seed=alone.seed) if untrained else self.enc
            return alone.read(enc, self._texts(tuple(every)), progress=progress)

        def done(found: FeatureReadings) -> None:
            values = found.by_sequence()[:, feature].astype(float).tolist()
            self.selection.mark(name, dict(zip(every, values, strict=True)))

        self._start("reading features, sequences", read, done)

    def _alike(self) -> int | None:
        """Find the other network's feature that is most like the one on show."""
        readings, feature = self.readings, self.feature.value
        if readings is None or readings.twin is None or feature is None:
            return None
        return int(self._known.nearest(readings)[feature])

    def _data(self) -> pd.DataFrame | None:
        """List the features beside their nulls; kept."""
        readings = self.readings
        return None if readings is None else self._known.table(readings)
