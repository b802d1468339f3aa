"""The workbench: views of the same sequences, joined by one selection."""

from __future__ import annotations

import itertools
from collections.abc import Sequence as Items
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any
from weakref import WeakSet

from ipywidgets import VBox

from .. import demo
from ..common.kinds import checked
from ..encoder import ATLAS_MODEL, SHIPPED, Encoder, load
from ..figures.core.parts import Figure
from ..figures.core.style import compacted
from ..sequences import Sequence
from ..sequences.annotation.annotations import Annotation, read_annotation
from .atlas import AtlasExplorer
from .attribution.explorer import AttributionExplorer
from .core.closing import close_inside
from .core.controls import choice, menu, part, row, show
from .core.explorer import Explorer
from .core.inputs import InputBar
from .core.state import Selection
from .examples import SPLICE, WINDOWS, fill
from .session import save_session
from .session_bar import SessionBar
from .views.attention.explorer import AttentionExplorer
from .views.features.explorer import FeatureExplorer
from .views.inside.dependencies import DependencyExplorer
from .views.inside.layers import LayersExplorer
from .views.inside.lens import LensExplorer
from .views.inside.nucleotides import NucleotideExplorer
from .views.tokens.explorer import TokenExplorer

__all__ = ["Workbench"]

_made: WeakSet[Workbench] = WeakSet()
_numbers = itertools.count(1)


#: Sequences that make a map of their own; parameters of a model that embeds all windows in seconds.
_FEWEST, _SMALL = 3, 20_000_000

#: Maps of the sequence column, on the same axes (but for the layers, which have none).
ATTENTION, DEPENDENCIES, BOTH, BASES = "attention", "dependencies", "both", "bases"
LENS, LAYERS, FEATURES = "lens", "layers", "features"
#: Words of the chooser, and which map each is.
MAPS = (
    ("attention", ATTENTION),
    ("dependencies", DEPENDENCIES),
    ("both, one above other", BOTH),
    ("predicted bases", BASES),
    ("lens: every layer", LENS),
    ("layers to embed from", LAYERS),
    ("features of a layer", FEATURES),
)
ATLAS, HEADS = "Atlas", "All heads"

#: Height for the views before the browser has told it: of JupyterLab on a laptop.
_ROOM = 778
#: Pixels beside the plots: the workbench's bar, and heading, caption and border of the views.
_BAR, _TOKENS, _ATTRIBUTION, _MAP, _ATLAS = 86, 56, 86, 62, 385


class Workbench(VBox):
    """Atlas, tokens, attribution, attention and dependencies, linked.

    Selecting a token, a stretch of bases or a point of the atlas selects it in every view; a point
    of the atlas loads its sequence into the others. Tokens, attribution and the map share one base
    axis and zoom together, and stand on a laptop's screen together: what is the map, attention or
    dependencies or both, predicted bases, what every layer says, or its features, is chosen in its
    heading, and the atlas gives its place to the gallery of heads on demand.

    Class ``dx-workbench``; parts ``dx-bar``, ``dx-chip``, ``dx-maps`` (which map), ``dx-side``
    (atlas or all heads), and the classes of the views and of
    :class:`~dnabert2_explore.widgets.core.inputs.InputBar`.

    Parameters
    ----------
    enc : Encoder, optional
        Gives tokens and attention; the pocket model by default.
    sequences : sequence of Sequence, optional
        The examples of :mod:`dnabert2_explore.demo` by default.
    classifier : Encoder, optional
        Asked for attributions; ``"pocket-splice"`` by default, or `enc` where that has a
        classification head.
    embedder : Encoder, optional
        Gives the atlas' embeddings; by default `enc`, but for the pocket model the one that
        ships for embeddings (`dnabert2_explore.ATLAS_MODEL`).
    annotation : Annotation or path, optional
        Features of the sequences, as a track under the tokens: GFF3, GTF, BED or GenBank.

    Attributes
    ----------
    selection : Selection
        What all views share.
    tokens, attribution, attention, dependencies, atlas : Explorer
        The views.
    nucleotides, lens, layers, features : Explorer
        Views that take the map's place.
    maps, side : ipywidgets.Widget
        Which map, and what stands beside the sequence.

    Examples
    --------
    >>> from dnabert2_explore import Sequence
    >>> bench = Workbench(sequences=[Sequence("probe", "ACGTTGCATTAGCATGCAAT")])
    >>> bench.selection.update(bases=(4, 9))
    >>> bench.tokens.selection.bases
    (4, 9)
    """

    @checked
    def __init__(
        self,
        enc: Encoder | None = None,
        sequences: Items[Sequence] | None = None,
        *,
        classifier: Encoder | None = None,
        embedder: Encoder | None = None,
        annotation: Annotation | str | PathLike[str] | None = None,
    ) -> None:
        self.number = next(_numbers)
        self.encoder = enc if enc is not None else load()
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
        if annotation is not None:
            if not isinstance(annotation, Annotation):
                annotation = read_annotation(annotation)
            self.selection.annotate(annotation)
        if sequences is not None and len(self.selection.sequences) < _FEWEST:
            # So few make no map: they are placed in one of the windows that come along.
            every = 1 if self.embedder.info.parameters < _SMALL else 10
            windows = demo.windows()[::every]
            self.selection.add(windows, WINDOWS, look=not self.selection.sequences)
        self.maps = menu(
            "dx-maps",
            list(MAPS),
            "What stands here: which token looks at which, which prediction changes when a "
            "base does, which base is expected, what each layer knows, what it is made of",
        )
        self.side = choice(
            "dx-side", [ATLAS, HEADS], ["All sequences", "All heads of all layers, to choose from"]
        )
        self.tokens = TokenExplorer(self.encoder, selection=self.selection, low=True)
        self.attribution = AttributionExplorer(self.classifier, selection=self.selection)
        self.attention = AttentionExplorer(self.encoder, selection=self.selection, gallery=False)
        self.dependencies = DependencyExplorer(self.encoder, selection=self.selection, active=False)
        self.nucleotides = NucleotideExplorer(self.encoder, selection=self.selection, active=False)
        self.lens = LensExplorer(self.encoder, selection=self.selection, active=False)
        self.layers = LayersExplorer(self.encoder, selection=self.selection, active=False)
        self.features = FeatureExplorer(self.encoder, selection=self.selection, active=False)
        self.atlas = AtlasExplorer(
            self.embedder, selection=self.selection, points=WINDOWS if sequences is None else ""
        )
        # In the order of what they take: each waits while those before it compute.
        self.attribution.after = (self.attention,)
        self.atlas.after = (self.attention, self.attribution)
        self.input = InputBar(self.selection)
        self.session = SessionBar(self)
        self.input.add_row(self.session.button, self.session)
        self._chips = part("dx-chip-row", self._chip_row())
        bar = VBox([self._chips, self.input]).add_class("dx-bar")
        heads = self.attention.heads
        heads.children = (self.side, *heads.children[1:])
        left = VBox([self.atlas, heads]).add_class("dx-left")
        inside = (self.nucleotides, self.lens, self.layers, self.features)
        maps = (self.dependencies, self.attention, *inside)
        right = VBox([self.tokens, self.attribution, *maps])
        right.add_class("dx-right")
        super().__init__([bar, row("dx-grid", left, right)])
        self.add_class("dx-workbench")
        _made.add(self)
        self.tokens.compact(self._low_tokens)
        self.attribution.compact(lambda figure: compacted(figure, 0.6, ticks=False))
        self.atlas.lead(self.side)
        for map_view in maps:
            map_view.compact(lambda figure: figure)
            map_view.lead(self.maps)
        self.maps.observe(self._on_choice, names="value")
        self.side.observe(self._on_choice, names="value")
        for control in (self.attention.layer, self.attention.head, self.attention.what):
            control.observe(self._on_head, names="value")
        for view in (self.atlas, self.tokens):
            view.plot.observe(self._on_size, names=["width", "room"])
        self._arrange()

    def __repr__(self) -> str:
        shown = "" if self.selection.current is None else f", {self.selection.current.name}"
        return f"<Workbench: {self.encoder.name}{shown}>"

    def close(self) -> None:
        """Take the workbench off the page for good, with all its views and their work."""
        if self.comm is not None and self in _made:
            for view in list(vars(self).values()):  # some stand on the page in turn
                if isinstance(view, Explorer):
                    view.close()
            close_inside(self)
        super().close()

    def save(self, folder: str | Path, *, replace: bool = False) -> Path:
        """Save this session to a folder: models by their digests, sequences, and every setting.

        What was computed is computed anew when it is opened; the tables on show, and the sequences
        as FASTA, are written beside. The folder appears whole or not at all.

        Parameters
        ----------
        folder : str or pathlib.Path
            A new folder, or one with a session.
        replace : bool
            In place of the session that is there.

        Returns
        -------
        pathlib.Path
            The folder.

        Raises
        ------
        InputError
            If the folder holds something else, or a session that is not to be replaced.

        See Also
        --------
        dnabert2_explore.open_session : Brings it back.
        """
        return save_session(self, folder, replace=replace)

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
        chips = [_chip(self.encoder, "tokens, maps, atlas" if own else "tokens, maps")]
        if not own:
            chips.append(_chip(self.embedder, "atlas"))
        if self.classifier is not self.encoder:
            chips.append(_chip(self.classifier, "attribution"))
        return "".join(chips)

    def _low_tokens(self, figure: Figure) -> Figure:
        if self.tokens.vocabularies.value:  # no base axis: it keeps its own title
            return figure.update_layout(height=230)
        if self.tokens.comparing:  # blocks of words: as high as their rows
            return compacted(figure, 1.0)
        return compacted(figure, 0.52 if self.selection.features else 0.62)

    def _on_choice(self, _change: Any) -> None:
        self._arrange()

    def _on_head(self, _change: Any) -> None:
        # Whoever chooses a head, in the gallery for one, wants to see it.
        if self.maps.value not in (ATTENTION, BOTH):
            self.maps.value = ATTENTION

    def _on_size(self, _change: Any) -> None:
        self._arrange()

    def _arrange(self) -> None:
        """Show the views that are chosen, as high as the window lets them stand together."""
        which = self.maps.value
        on_demand = (
            (self.dependencies, which in (DEPENDENCIES, BOTH)),
            (self.nucleotides, which == BASES),
            (self.lens, which == LENS),
            (self.layers, which == LAYERS),
            (self.features, which == FEATURES),
        )
        show(self.attention, which in (ATTENTION, BOTH))
        for view, shown in on_demand:
            show(view, shown)
        show(self.atlas, self.side.value == ATLAS)
        show(self.attention.heads, self.side.value == HEADS)
        # Above attention in the same column, the dependency map needs no chooser of its own.
        (self.attention.add_class if which == BOTH else self.attention.remove_class)("dx-second")
        room = (self.tokens.plot.room or _ROOM) - _BAR
        # In a narrow window the columns stand one above the other: the atlas must not push the
        # sequence out of sight.
        stacked = abs(self.atlas.plot.width - self.tokens.plot.width) < 40
        if self.side.value == ATLAS:
            self.atlas.set_height(340 if stacked else min(max(room - _ATLAS, 280), 540))
        left = room - _TOKENS - 124 - _ATTRIBUTION - 136 - _MAP
        height = min(max(left, 220), 560)
        for view in (self.attention, self.dependencies):
            view.set_height(max(round(height * 0.8), 220) if which == BOTH else height)
        for view in (self.nucleotides, self.lens, self.layers):
            view.set_height(min(height, 300))
        self.features.set_height(height)
        for view, shown in on_demand:
            if shown != view.active:
                view.activate(shown)

    def wait(self, timeout: float | None = None) -> None:
        """Block until the background work of all views is done (for scripts and tests)."""
        for view in (
            self.tokens, self.attention, self.dependencies, self.nucleotides, self.lens,
            self.layers, self.features, self.attribution, self.atlas,
        ):  # fmt: skip
            view.wait(timeout)


def _is_pocket(encoder: Encoder) -> bool:
    """Whether an encoder is the shipped masked language model, whose embeddings tell little."""
    checkpoint = encoder.checkpoint
    return checkpoint is not None and checkpoint.folder == SHIPPED["pocket"]


def _chip(encoder: Encoder, use: str) -> str:
    info = encoder.info
    name, _, rest = str(info).partition(" · ")
    title = (
        f"{info.parameters:,} parameters, {info.layers} layers, {info.heads} heads, "
        f"{info.hidden} dimensions, {info.vocabulary:,} tokens; sha256 "
        f"{info.sha256[:12] or 'unknown'}"
    )
    short = rest.replace(" parameters", "")  # three of them on one line of a laptop's screen
    return (
        f"<span class='dx-chip' title='{escape(title)}'><b>{escape(name)}</b> {escape(short)} "
        f"<i>{escape(use)}</i></span>"
    )
