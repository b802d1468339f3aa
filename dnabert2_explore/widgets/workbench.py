"""The workbench: four views of the same sequences, joined by one selection."""

from __future__ import annotations

import itertools
from collections.abc import Sequence as Items
from html import escape
from typing import Any
from weakref import WeakSet

from ipywidgets import HTML, HBox, VBox

from ..encoder import ATLAS_MODEL, SHIPPED, Encoder, load
from ..sequences import Sequence
from .atlas import AtlasExplorer
from .attention import AttentionExplorer
from .attribution import AttributionExplorer
from .closing import close_inside
from .examples import SPLICE, WINDOWS, fill
from .inputs import InputBar
from .state import Selection
from .tokens import TokenExplorer

__all__ = ["Workbench"]

_made: WeakSet[Workbench] = WeakSet()
_numbers = itertools.count(1)


class Workbench(VBox):
    """Atlas, tokens, attribution and attention, linked.

    Selecting a token, a stretch of bases or a point of the atlas selects it in every view; a point
    of the atlas loads its sequence into the others. Tokens, attribution and attention share one
    base axis and zoom together.

    Class ``dx-workbench``; parts ``dx-bar``, ``dx-chip`` and the classes of the views and of
    :class:`~dnabert2_explore.widgets.inputs.InputBar`.

    Parameters
    ----------
    encoder : Encoder, optional
        Gives tokens and attention; the pocket model by default.
    classifier : Encoder, optional
        Asked for attributions; ``"pocket-splice"`` by default, or `encoder` where that has a
        classification head.
    sequences : sequence of Sequence, optional
        The examples of :mod:`dnabert2_explore.demo` by default.
    embedder : Encoder, optional
        Gives the atlas' embeddings; by default `encoder`, but for the pocket model the one that
        ships for embeddings (`dnabert2_explore.ATLAS_MODEL`).

    Attributes
    ----------
    selection : Selection
        What all views share.
    tokens, attention, attribution, atlas : Explorer
        The views.

    Examples
    --------
    >>> from dnabert2_explore import Sequence
    >>> bench = Workbench(sequences=[Sequence("probe", "ACGTTGCATTAGCATGCAAT")])
    >>> bench.selection.update(bases=(4, 9))
    >>> bench.tokens.selection.bases
    (4, 9)
    """

    def __init__(
        self,
        encoder: Encoder | None = None,
        classifier: Encoder | None = None,
        sequences: Items[Sequence] | None = None,
        embedder: Encoder | None = None,
    ) -> None:
        self.number = next(_numbers)
        self.encoder = encoder if encoder is not None else load()
        if classifier is None:
            classifier = self.encoder if self.encoder.has_head else load("pocket-splice")
        self.classifier = classifier
        if embedder is None:
            embedder = load(ATLAS_MODEL) if _is_pocket(self.encoder) else self.encoder
        self.embedder = embedder
        self.selection = Selection()
        # Among the examples, start where every view has something to say: at a splice site, which
        # the classifier knows, beside an atlas of genomes.
        fill(self.selection, sequences, first=SPLICE)
        self.tokens = TokenExplorer(self.encoder, selection=self.selection)
        self.attribution = AttributionExplorer(self.classifier, selection=self.selection)
        self.attention = AttentionExplorer(self.encoder, selection=self.selection, gallery=False)
        self.atlas = AtlasExplorer(
            self.embedder,
            selection=self.selection,
            points=WINDOWS if sequences is None else "",
            classifier=classifier,
        )
        self.input = InputBar(self.selection)
        self._chips = HTML(self._chip_row()).add_class("dx-chip-row")
        bar = VBox([self._chips, self.input]).add_class("dx-bar")
        left = VBox([self.atlas, self.attention.heads]).add_class("dx-left")
        right = VBox([self.tokens, self.attribution, self.attention]).add_class("dx-right")
        super().__init__([bar, HBox([left, right]).add_class("dx-grid")])
        self.add_class("dx-workbench")
        _made.add(self)
        for view in (self.atlas, self.tokens):
            view.plot.observe(self._on_width, names="width")

    def close(self) -> None:
        """Take the workbench off the page for good, with all its views and their work."""
        if self.comm is not None and self in _made:
            close_inside(self)
        super().close()

    @staticmethod
    def on_show() -> list[Workbench]:
        """Return the workbenches of this kernel that were not closed, oldest first."""
        return sorted((one for one in _made if one.comm is not None), key=lambda one: one.number)

    def use_classifier(self, classifier: Encoder) -> None:
        """Ask another model for attributions from now on.

        Parameters
        ----------
        classifier : Encoder
            With a classification head, e.g. one that was just fine-tuned.
        """
        self.classifier = classifier
        self._chips.value = self._chip_row()
        self.attribution.use(classifier)
        self.atlas.use_classifier(classifier)

    def _chip_row(self) -> str:
        own = self.embedder is self.encoder
        chips = [_chip(self.encoder, "tokens, attention, atlas" if own else "tokens, attention")]
        if not own:
            chips.append(_chip(self.embedder, "atlas"))
        if self.classifier is not self.encoder:
            chips.append(_chip(self.classifier, "attribution"))
        return "".join(chips)

    def _on_width(self, _change: Any) -> None:
        # In a narrow window the columns stand one above the other: the atlas must not push the
        # sequence out of sight.
        stacked = abs(self.atlas.plot.width - self.tokens.plot.width) < 40
        self.atlas.set_height(340 if stacked else 540)

    def wait(self, timeout: float | None = None) -> None:
        """Block until the background work of all views is done (for scripts and tests)."""
        for view in (self.attention, self.attribution, self.atlas):
            view.wait(timeout)


def _is_pocket(encoder: Encoder) -> bool:
    """Whether an encoder is the shipped masked language model, whose embeddings tell little."""
    checkpoint = encoder.checkpoint
    return checkpoint is not None and checkpoint.folder == SHIPPED["pocket"]


def _chip(encoder: Encoder, use: str) -> str:
    info = encoder.info
    name, _, rest = str(info).partition(" · ")
    title = (
        f"{info.layers} layers, {info.heads} heads, {info.hidden} dimensions, {info.vocabulary:,} "
        f"tokens; sha256 {info.sha256[:12] or 'unknown'}"
    )
    return (
        f"<span class='dx-chip' title='{escape(title)}'><b>{escape(name)}</b> {escape(rest)} "
        f"<i>{escape(use)}</i></span>"
    )
