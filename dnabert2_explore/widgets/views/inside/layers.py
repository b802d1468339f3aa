"""The view of layers: which of them, and which pooling, tells the labels of a set apart."""

from __future__ import annotations

from collections.abc import Sequence as Items
from html import escape
from typing import Any

from ....analysis.inside.layerwise import LayerScores, layers, layers_cost
from ....common.costs import LONG, duration
from ....common.progress import Progress
from ....encoder import Encoder, load
from ....errors import InputError
from ....figures.core.parts import Figure
from ....figures.inside.layers import layer_curves
from ....sequences import Sequence
from ...core.code import frame_csv, opening
from ...core.controls import TRAINED, choice, menu, offer, show, twin_choice, twin_key
from ...core.explorer import LONGEST
from ...core.live import LiveExplorer
from ...core.state import Selection
from ...examples import CODE, OTHERS

__all__ = ["LayersExplorer"]

PROBE, NEIGHBOURS = "probe", "neighbours"
LABEL = "label"
#: Fields with fewer values make no groups, one for each fold at least; with more no classes.
_FOLDS, _CLASSES = 5, 40


class LayersExplorer(LiveExplorer):
    """See which layer and pooling tells the labels of a set of sequences apart.

    At every layer a probe and the nearest neighbours, beside 4-mers, an untrained network and
    shuffled labels. Keys: N for neighbours, P for the probe, U for the untrained network in the
    model's place, T for the trained one.

    Class ``dx-layers``; parts ``dx-shown``, ``dx-quantity``, ``dx-classes-field``,
    ``dx-groups-field``, ``dx-compute``.

    Parameters
    ----------
    enc : Encoder, optional
        The pocket model by default.
    sequences : sequence of Sequence, optional
        With labels, or fields to take them from; the examples by default.
    selection : Selection, optional
        Shared with other views.
    active : bool
        Compute now what takes less than 10 s; otherwise when `activate` is called.
    """

    title = "Layers"
    kind = "layers"
    reacts_to = frozenset({"sequences", "index", "theme"})
    help = (
        "Which layer to embed from: at each, the balanced accuracy of a logistic regression in "
        "five-fold cross-validation (<i>probe</i>), or the share of a sequence's ten nearest "
        "neighbours that are of its class. Dotted: the same network before any training. Dashed: "
        "frequencies of 4-mers. Grey: shuffled labels, the best of as many tries by chance. "
        "Without <i>groups</i> (a genome, a gene family), near copies on either side of a fold "
        "count as knowledge."
    )

    def __init__(
        self,
        enc: Encoder | None = None,
        sequences: Items[Sequence] | None = None,
        *,
        selection: Selection | None = None,
        active: bool = True,
    ) -> None:
        self.enc = enc if enc is not None else load()
        self.quantity = choice(
            "dx-quantity",
            [PROBE, NEIGHBOURS],
            ["Logistic regression (key P)", "Ten nearest neighbours (key N)"],
        )
        self.shown = twin_choice()
        self.classes = menu("dx-classes-field", [(LABEL, LABEL)], "What is told apart")
        self.groups = menu(
            "dx-groups-field", [("no groups", "")], "What never stands on both sides of a fold"
        )
        self._kept: dict[tuple[tuple[int, ...], str, str], LayerScores] = {}
        self._doing: tuple[tuple[int, ...], str, str] | None = None
        controls = [self.shown, self.quantity, self.classes, self.groups]
        super().__init__(sequences, selection, active, controls, height=340)
        self._when(self._draw, self.shown, self.quantity)
        self._when(self._ask, self.classes, self.groups)
        self._guarded(self._ask)

    def _rest(self) -> None:
        self._doing = None

    # What is computed --------------------------------------------------------------------------

    def _members(self) -> tuple[int, ...]:
        selection = self.selection
        return tuple(i for i in selection.peers if len(selection.sequences[i]) <= LONGEST)

    def _sequences(self) -> list[Sequence]:
        return [self.selection.sequences[i] for i in self._members()]

    def _offer(self) -> None:
        """Offer what the sequences of the set say of themselves."""
        texts = self._sequences()
        names = dict.fromkeys(name for one in texts for name in one.fields)
        count = {name: len({one.fields.get(name, "") for one in texts}) for name in names}
        classes = [name for name, n in count.items() if 1 < n <= _CLASSES]
        if any(one.label is not None for one in texts) or not classes:
            classes.insert(0, LABEL)
        groups = [name for name, n in count.items() if _FOLDS <= n < len(texts)]
        with self._silently():
            offer(self.classes, [(name, name) for name in classes])
            offer(self.groups, [("no groups", ""), *((f"groups: {one}", one) for one in groups)])

    @property
    def _key_now(self) -> tuple[tuple[int, ...], str, str]:
        return self._members(), str(self.classes.value), str(self.groups.value)

    @property
    def result(self) -> LayerScores | None:
        """The scores on show; None before they are there."""
        return self._kept.get(self._key_now)

    def _labels(self) -> list[Any]:
        if self.classes.value == LABEL:
            return [one.label for one in self._sequences()]
        return [one.fields.get(self.classes.value) for one in self._sequences()]

    def _ask(self) -> None:
        if not self.active:
            return
        self._offer()
        show(self.compute, False)
        texts = self._sequences()
        if self.result is None and self._doing != self._key_now and texts:
            self._doing = None
            seconds = layers_cost(self.enc, texts)
            if hindrance := self._hindrance():
                self.say(hindrance)
            elif seconds > LONG:
                self.say(
                    f"{len(texts):,} sequences, and an untrained network beside, take about "
                    f"{duration(seconds)}."
                )
                show(self.compute, True)
            else:
                self._agree()
        elif self.result is not None:
            self.say("")
        self._draw()

    def _hindrance(self) -> str:
        """Say, as HTML, why the labels of the set cannot be told apart; empty where they can."""
        labels = self._labels()
        without = sum(not one for one in labels)
        named = sorted({str(one) for one in labels if one})
        if not named:
            return "The sequences of this set have no labels: add some that do."
        if without:
            return (
                f"{without:,} of {len(labels):,} sequences of this set have no "
                f"{escape(str(self.classes.value))}: choose another field, or a set in which all "
                "have one."
            )
        if len(named) == 1:
            return (
                f"All sequences of this set are {escape(named[0])}: choose another field, or a set "
                "of several classes."
            )
        return ""

    def _agree(self) -> None:
        key, texts, labels = self._key_now, self._sequences(), self._labels()
        groups = [one.fields.get(key[2]) for one in texts] if key[2] else None
        self._doing = key
        show(self.compute, False)

        def work(progress: Progress) -> LayerScores:
            return layers(self.enc, texts, labels, groups=groups, progress=progress)

        def done(found: LayerScores) -> None:
            self._kept[key] = found
            self._doing = None
            self._ask()

        self._start("probing layers, steps", work, done)

    def _cancelled(self) -> None:
        super()._cancelled()
        self._doing = None
        show(self.compute, True)

    # What is shown -----------------------------------------------------------------------------

    def _figure(self) -> Figure | None:
        result = self.result
        if result is None:
            return None
        return layer_curves(
            result,
            quantity="probe" if self.quantity.value == PROBE else "purity",
            shown=self.shown.value,
            height=self.height,
            theme=self.selection.theme,
        )

    def _draw(self) -> None:
        current, result = self.selection.current, self.result
        if not self.active:
            return
        if current is None:
            self._show(None, "Choose an example, or add sequences of your own.")
            return
        if result is None:
            self._show(None, "Layers of this set: not computed yet.")
            return
        layer, pooling = result.best if self.shown.value == TRAINED else result.twin_best
        at = layer, result.poolings.index(pooling)
        told = f"{result.probe[at]:.3f} ± {result.spread[at]:.3f} over folds"
        beside = f"untrained {result.twin_probe[at]:.3f}"
        who = ""
        if self.shown.value != TRAINED:
            who = " of an untrained network"
            told, beside = f"{result.twin_probe[at]:.3f}", f"trained {result.probe[at]:.3f}"
        self._show(
            self._figure(),
            f"{result.n:,} sequences, {len(result.classes)} classes ({escape(self.classes.value)})"
            f"{', groups kept apart' if result.grouped else ''}: layer <b>{layer}</b>{who}, "
            f"{pooling} pooling is best, {told}; 4-mers {result.kmer_probe:.3f}, {beside}, "
            f"shuffled labels up to {result.shuffled_probe.max():.3f}. "
            f"<span class='dx-model'>{escape(result.model)}</span>",
            typed="PNTU",
            config={"displayModeBar": False},
        )

    def _key(self, key: str, shift: bool) -> None:
        if twin_key(self.shown, key):
            return
        if key in "PN":
            self.quantity.value = PROBE if key == "P" else NEIGHBOURS
        elif key == "Escape":
            super()._key(key, shift)  # there is no base axis to zoom

    # Export ------------------------------------------------------------------------------------

    def _there(self) -> LayerScores:
        result = self.result
        if result is None:
            raise InputError("There are no scores yet: choose sequences with labels first.")
        return result

    def _needs(self) -> tuple[int, ...]:
        return self._members()

    def _recall(self, more: dict[str, Any]) -> None:
        self._changed(set())

    def _code(self) -> str:
        self._there()
        name = self.selection.sets[self.selection.index]
        field, group = self.classes.value, self.groups.value
        label = "one.label" if field == LABEL else f"one.fields[{field!r}]"
        more = f", groups=[one.fields[{group!r}] for one in sequences]" if group else ""
        quantity = "probe" if self.quantity.value == PROBE else "purity"
        return (
            f"{opening(self.enc)}"
            f"sequences = {CODE.get(name, OTHERS)}\n"
            f"found = dx.layers(enc, sequences, [{label} for one in sequences]{more})\n"
            f"dx.plot(found, quantity={quantity!r}, shown={self.shown.value!r})"
        )

    def _table(self) -> str:
        return frame_csv(self._there().table(), f"layers: {self.caption}")
