"""The attention view: any head of any layer, their mean, or rollout."""

from __future__ import annotations

from collections.abc import Sequence as Items
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from ipywidgets import VBox, Widget
from numpy.typing import NDArray

from ...analysis.attend import PARTS, Attention, attend
from ...analysis.overview import overview
from ...costs import LONG, duration
from ...encoder import Encoder, load
from ...encoder.loading.twin import random_twin
from ...encoder.passes.cost import measured_seconds, surely_quick
from ...errors import InputError
from ...figures.inside.arcs import ARCS, attention_arcs
from ...figures.inside.attention import (
    POOLINGS,
    Rows,
    attention_map,
    cell_text,
    pool,
    rows_of,
    special_share,
)
from ...figures.inside.heads import head_gallery
from ...network import alibi_slopes
from ...sequences import Sequence
from ..core.code import BUTTONS, csv_text, opening, sequence_code
from ..core.controls import TRAINED, UNTRAINED, choice, compute_button, menu, part, row, show
from ..core.explorer import Explorer, guarded
from ..core.plot import PlotlyView
from ..core.state import Selection
from ..examples import fill
from .tokens import select_token, step_token

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["AttentionExplorer"]

_THUMBNAIL = 24  # cells a side
#: Tokens up to which a map is kept as a whole; of longer ones rows are computed as they are drawn.
_WHOLE = 2048
#: Tokens in sight above which a few queries stand for a cell.
_EXACT = 4096
_QUERIES = 8
HEAD, MEAN, ALL, ROLLOUT = "head", "mean of heads", "mean of all layers", "rollout"


class AttentionExplorer(Explorer):
    """See which tokens attend to which.

    Rows are the tokens that look (queries), columns those looked at (keys). Click a cell to select
    the token of its row: the strip above then shows what this token attends to.

    Class ``dx-attention``; parts ``dx-what``, ``dx-layer``, ``dx-head``, ``dx-part`` (with ALiBi's
    bias, without, or that alone), ``dx-axes``, ``dx-pooling``, ``dx-network`` (the model, or the
    same network before any training), ``dx-compute``; the gallery of all heads is ``dx-heads``.

    Parameters
    ----------
    enc : Encoder, optional
        The pocket model by default.
    sequences : sequence of Sequence, optional
        The examples by default.
    selection : Selection, optional
        Shared with other views.
    gallery : bool
        Show all heads beside the map; without, :attr:`heads` can be placed elsewhere.

    Attributes
    ----------
    heads : ipywidgets.Widget
        The gallery: a thumbnail of every head, to choose from by a click.
    """

    title = "Attention"
    kind = "attention"
    most_bases = 120_000  # rows of a long map are computed as they are drawn
    help = (
        "In every layer each head lets each token gather information from all tokens; a row shows "
        "how one token divides its attention, and sums to 1. ALiBi lowers attention with distance, "
        "so a diagonal is no biology in itself; rollout multiplies the layers' mean maps, each "
        "averaged with the identity. <cite>Vaswani et al. 2017; Press et al. 2022 (ALiBi); "
        "Abnar &amp; Zuidema 2020 (rollout).</cite>"
    )

    def __init__(
        self,
        enc: Encoder | None = None,
        sequences: Items[Sequence] | None = None,
        *,
        selection: Selection | None = None,
        gallery: bool = True,
    ) -> None:
        self.enc = enc if enc is not None else load()
        config = self.enc.config
        self.network = menu(
            "dx-network",
            [TRAINED, UNTRAINED],
            "The model, or the same network with random weights: what training added",
        )
        self._when(self._other_network, self.network)
        self._twin: Encoder | None = None
        self.what = menu("dx-what", [HEAD, MEAN, ALL, ROLLOUT], "Which attention", HEAD)
        self.layer = menu(
            "dx-layer",
            [(f"layer {i + 1}", i) for i in range(config.num_hidden_layers)],
            "Layer, counted from 1",
            config.num_hidden_layers - 1,
        )
        self.head = menu(
            "dx-head",
            [(f"head {i + 1}", i) for i in range(config.num_attention_heads)],
            "Head, counted from 1",
            int(alibi_slopes(config.num_attention_heads).argmin()),
        )
        self.axes = choice(
            "dx-axes",
            ["bases", "tokens", "arcs"],
            ["Axes in bp", "One step per token", "Arcs between tokens, in bp"],
        )
        self.pooling = menu(
            "dx-pooling",
            [(f"by {name}", name) for name in POOLINGS],
            "How tokens that share a cell are summed up",
        )
        self.part = menu(
            "dx-part",
            list(zip(("all of it", "content", "distance"), PARTS, strict=True)),
            "What the network computes with; without ALiBi's bias; or that bias alone",
        )
        self.compute = compute_button(lambda: self._guarded(self._agree))
        self._agreed = ""
        for control in (self.what, self.layer, self.head, self.part, self.axes, self.pooling):
            control.observe(self._on_control, names="value")
        self._drawn: tuple[Any, ...] | None = None
        self._gallery = PlotlyView().add_class("dx-heads-plot")
        self._gallery.on_event(self._on_gallery)
        self._gallery.observe(lambda _change: self._guarded(self._draw_gallery), names="width")
        self.heads = VBox(
            [
                part("dx-title", "<h3>All heads</h3>"),
                self._gallery,
                part(
                    "dx-caption",
                    f"From up to {_THUMBNAIL} queries, evenly spaced; each head on its own scale. "
                    "Click one to see it.",
                ),
            ]
        ).add_class("dx-heads")
        self.heads.layout.observe(
            lambda _change: self._guarded(self._draw_gallery), names="display"
        )
        self._beside = gallery
        self._thumbnails: NDArray[np.float32] | None = None
        self.result: Attention | None = None
        self._source = ""  # the bases that `result` belongs to
        self._network_of = TRAINED  # and the network
        self._cell = ""
        self._matrix: tuple[tuple[Any, ...], NDArray[np.float32]] | None = None
        self.height: int | None = None
        super().__init__(
            selection,
            [self.what, self.layer, self.head, self.part, self.axes, self.pooling, self.network],
        )
        if selection is None:
            fill(self.selection, sequences)
        self._guarded(lambda: self._changed({"index"}))

    def _on_control(self, _change: Any) -> None:
        self._guarded(self._draw)

    def _other_network(self) -> None:
        self._source = ""
        self._changed({"index"})

    def _engine(self) -> Encoder:
        """Return the model, or its untrained twin."""
        if self.network.value == TRAINED:
            return self.enc
        if self._twin is None:
            self._twin = random_twin(self.enc)
        return self._twin

    def set_height(self, height: int) -> None:
        """Draw the map `height` pixels high."""
        if height != self.height:
            self.height = height
            self._guarded(self._draw)

    def _changed(self, changed: set[str]) -> None:
        current = self.selection.current
        if self._refuses():
            self._source = ""
            return
        if current is None or current.bases == self._source:
            self._draw()
            return
        bases = current.bases
        self._source, self._cell = bases, ""

        show(self.compute, False)
        agreed, network = self._agreed == bases, self.network.value

        def work(progress: Any) -> tuple[Attention, NDArray[np.float32]] | float:
            engine = self._engine()
            if not agreed:
                tokens = len(engine.tokenize(bases))
                if not surely_quick(engine, tokens):
                    seconds = measured_seconds(engine, tokens)
                    if seconds > LONG:
                        return seconds
            result = attend(engine, bases)
            return result, overview(result, _THUMBNAIL)

        def done(results: tuple[Attention, NDArray[np.float32]] | float) -> None:
            if isinstance(results, float):
                self.say(f"{len(bases):,} bp take about {duration(results)} in the model.")
                show(self.compute, True)
                return
            (self.result, self._thumbnails), self._matrix = results, None
            self._network_of = network
            self._draw()

        self._start("running the model", work, done)

    def _agree(self) -> None:
        current = self.selection.current
        if current is not None:
            self._agreed, self._source = current.bases, ""
            self._changed({"index"})

    def _above(self) -> list[Widget]:
        return [self.compute]

    @property
    def matrix(self) -> NDArray[np.float32] | None:
        """The map on show, shape (n_tokens, n_tokens); None before there is one."""
        rows = self._rows
        if rows is None or not callable(rows):
            return rows
        assert self.result is not None  # rows are its
        return rows(np.arange(len(self.result.tokens)))

    @property
    def _rows(self) -> Rows | None:
        """The map on show, whole, or as what computes rows of a long one."""
        result = self.result
        if result is None:
            return None
        what, part = self.what.value, self.part.value
        layer = self.layer.value if what in (HEAD, MEAN) else None
        head = self.head.value if what == HEAD else None
        n = len(result.tokens)
        if what != ROLLOUT and n > _WHOLE:
            return lambda queries: result.rows(layer, head, queries, part=part)
        if what == ROLLOUT and n > _EXACT:
            raise InputError(
                f"Rollout multiplies whole maps, and takes up to {_EXACT:,} tokens; this sequence "
                f"has {n:,}: choose another map, or a shorter stretch."
            )
        key = (id(result), what, layer, head, part)
        if self._matrix is None or self._matrix[0] != key:
            if what == ROLLOUT:
                values = result.rollout()
            elif what == HEAD:
                values = result.head(self.layer.value, self.head.value, part=part)
            else:
                values = result.mean(layer, part=part)
            self._matrix = (key, values)
        return self._matrix[1]

    @property
    def _queries(self) -> int | None:
        """How many queries stand for a cell, where there are too many to compute all of them."""
        if self.result is None:
            return None
        start, end = self.selection.view or (0, len(self.result.tokens.bases))
        spans = self.result.tokens.spans
        seen = int(((spans[:, 0] < end) & (spans[:, 1] > start)).sum())
        few = _QUERIES if self.what.value == HEAD else 2
        return few if seen > _EXACT else None

    @property
    def _fresh(self) -> bool:
        """Whether the result belongs to the sequence looked at."""
        current = self.selection.current
        return (
            self.result is not None
            and current is not None
            and self.result.tokens.bases == current.bases
            and self._network_of == self.network.value
        )

    def _figure(self) -> go.Figure | None:
        matrix = self._rows
        if matrix is None or self.result is None or not self._fresh:
            return None
        width = self.plot.width or 900
        height = self.height or int(np.clip(width * 0.52, 400, 620))
        quantity = "rollout" if self.what.value == ROLLOUT else "attention"
        if self.axes.value == "arcs":
            figure = attention_arcs(
                matrix,
                self.result.tokens,
                view=self.selection.view,
                selected=self.selection.bases,
                quantity=quantity,
                height=height,
                theme=self.selection.theme,
            )
            return figure.update_layout(dragmode=self.selection.drag)
        figure = attention_map(
            matrix,
            self.result.tokens,
            axes=self.axes.value,
            view=self.selection.view,
            selected=self.selection.bases,
            pooling=self.pooling.value,
            quantity=quantity,
            queries=self._queries,
            width=width,
            height=height,
            theme=self.selection.theme,
        )
        return figure.update_layout(dragmode=self.selection.drag)

    def _draw(self) -> None:
        show(self.layer, self.what.value in (HEAD, MEAN))
        show(self.head, self.what.value == HEAD)
        show(self.part, self.what.value != ROLLOUT)
        current = self.selection.current
        if current is None:
            self._show(None, "Choose an example, or add a sequence of your own.")
            return
        if not self._fresh:
            return  # the map of the sequence before stays until the new one is there
        if self._message.value:
            self.say("")
        matrix, result = self._rows, self.result
        if matrix is None or result is None:
            return
        pooled = pool(
            matrix,
            result.tokens,
            view=self.selection.view,
            pooling=self.pooling.value,
            special=self.axes.value == "tokens",
            queries=1,  # the size of its cells is all that is asked
        )
        arcs = self.axes.value == "arcs"
        show(self.pooling, pooled.size > 1 and not arcs)
        by_base = self.axes.value != "tokens"
        self._read_out.value = self._cell
        self._draw_gallery()
        try:
            figure = self._figure()
        except InputError as error:  # too many tokens for arcs: said in the picture's place
            self._show(None, escape(str(error)))
            return
        self._show(
            figure,
            self._words(matrix, result, pooled.size),
            linked=by_base,
            bounds=(0.5, len(current) + 0.5),
            pressable=True,
            config=BUTTONS if by_base else {"modeBarButtons": [["zoom2d", "pan2d"]]},
        )

    def _stage(self) -> Widget:
        if not self._beside:
            return self.plot
        return row("dx-with-heads", self.heads, self.plot)

    def _draw_gallery(self) -> None:
        if self._thumbnails is None or self.heads.layout.display == "none":
            return  # drawn when it is looked at
        selected = (self.layer.value, self.head.value) if self.what.value == HEAD else None
        how = (selected, self._gallery.width or 360, self.selection.theme)
        drawn = (self._thumbnails, *how)
        if self._drawn is not None and self._drawn[0] is drawn[0] and self._drawn[1:] == how:
            return  # a click on a token changes nothing of it
        self._drawn = drawn
        self._gallery.show(
            head_gallery(self._thumbnails, selected=selected, width=how[1], theme=how[2]),
            pressable=True,
            config={"displayModeBar": False},
        )

    @guarded
    def _on_gallery(self, event: dict[str, Any]) -> None:
        if event["event"] != "press":
            return
        layer, head = round(event["y"]) - 1, round(event["x"]) - 1
        if 0 <= layer < len(self.layer.options) and 0 <= head < len(self.head.options):
            self.what.value, self.layer.value, self.head.value = HEAD, layer, head

    def _words(self, matrix: Rows, result: Attention, size: int) -> str:
        current = self.selection.current
        assert current is not None
        layer, head = self.layer.value + 1, self.head.value + 1
        what = {
            HEAD: f"Attention of head {head} in layer {layer}",
            MEAN: f"Attention in layer {layer}, mean of {result.n_heads} heads",
            ALL: f"Attention, mean of {result.n_layers} layers × {result.n_heads} heads",
            ROLLOUT: f"Attention rollout through {result.n_layers} layers",
        }[self.what.value]
        parts = [f"{what}, for <b>{escape(current.name)}</b>."]
        if self.network.value == UNTRAINED:
            parts[0] = f"<b>Untrained</b>: {what[0].lower()}{what[1:]}, for {escape(current.name)}."
        arcs = self.axes.value == "arcs"
        if arcs:
            parts.append(
                f"The {ARCS} strongest pairs in sight: above, a token looks at a later one, below "
                "at an earlier one."
            )
        elif size > 1:
            parts.append(
                f"A cell is the {self.pooling.value} of {size} × {size} tokens: zoom in for single "
                "tokens."
            )
        if self._queries and not arcs:
            parts.append(f"Of many, {self._queries} queries stand for each cell; all keys count.")
        if self.part.value == "content" and self.what.value != ROLLOUT:
            parts.append("Without ALiBi's bias, which the network never computes.")
        elif self.part.value == "distance" and self.what.value != ROLLOUT:
            parts.append("ALiBi's bias alone: what any sequence of as many tokens gets.")
        if self.what.value == HEAD:
            far = result.reach()[self.head.value]
            parts.append(f"ALiBi alone keeps 95% of this head's attention within {far:,.0f} bp.")
        if self.axes.value != "tokens":
            share = special_share(matrix, result.tokens)
            parts.append(f"{share:.0%} goes to [CLS] and [SEP], which have no bases to show.")
        if not arcs:
            parts.append("Colours end at the 99.5th percentile.")
        parts.append(f"<span class='dx-model'>{escape(result.model)}</span>")
        return " ".join(parts)

    def _press(self, event: dict[str, Any]) -> None:
        result, matrix = self.result, self._rows
        if result is None or matrix is None or not self._fresh:
            return
        n = len(result.tokens)
        if self.axes.value != "tokens":
            last = len(result.tokens.bases) - 1
            column = result.tokens.at(int(np.clip(round(event["x"]) - 1, 0, last)))
            row = result.tokens.at(int(np.clip(round(event["y"]) - 1, 0, last)))
        else:
            column = int(np.clip(round(event["x"]) - 1, 0, n - 1))
            row = int(np.clip(round(event["y"]) - 1, 0, n - 1))
        if event.get("panel") == "y2" or self.axes.value == "arcs":  # heights are no positions
            row = column
            self._cell = ""
        else:
            value = rows_of(matrix)(np.array([row]))[0, column]
            self._cell = (
                f"From {_code(cell_text(result.tokens, row))} to "
                f"{_code(cell_text(result.tokens, column))}: <b>{value:.4f}</b>"
            )
        if result.tokens.special[row]:
            self._draw()
            return
        x = float(result.tokens.spans[row, 0] + 1)
        select_token(self.selection, result.tokens, x, bool(event.get("shift")))
        self._read_out.value = self._cell

    def _key(self, key: str, shift: bool) -> None:
        if key in ("ArrowLeft", "ArrowRight") and self.result is not None and self._fresh:
            self._cell = ""
            step_token(self.selection, self.result.tokens, -1 if key == "ArrowLeft" else 1)
        else:
            super()._key(key, shift)

    def _cancelled(self) -> None:
        self._source = ""
        super()._cancelled()

    def _code(self) -> str:
        part = f"part={self.part.value!r}"
        call = {
            HEAD: f"attention.head({self.layer.value}, {self.head.value}, {part})",
            MEAN: f"attention.mean({self.layer.value}, {part})",
            ALL: f"attention.mean({part})",
            ROLLOUT: "attention.rollout()",
        }[self.what.value]
        arcs = self.axes.value == "arcs"
        drawn = "attention_arcs" if arcs else "attention_map"
        more = "" if arcs else f", axes={self.axes.value!r}, pooling={self.pooling.value!r}"
        return (
            opening(self.enc, imports=f"from dnabert2_explore.figures import {drawn}\n")
            + ("enc = dx.random_twin(enc)\n" if self.network.value == UNTRAINED else "")
            + f"{sequence_code(self.selection)}"
            "attention = dx.attend(enc, bases)\n"
            f"matrix = {call}  # layers and heads count from 0 here\n"
            f"{drawn}(matrix, attention.tokens, "
            f"view={self.selection.view!r}, selected={self.selection.bases!r}{more})"
        )

    def _table(self) -> str:
        matrix, result, current = self._rows, self.result, self.selection.current
        if matrix is None or result is None or current is None or not self._fresh:
            raise InputError("There is no attention map yet: choose a sequence first.")
        pooled = pool(
            matrix,
            result.tokens,
            view=self.selection.view,
            pooling=self.pooling.value,
            special=self.axes.value == "tokens",
            queries=self._queries,
        )
        names = [f"{a}-{b}" for a, b in zip(pooled.first[:-1], pooled.first[1:], strict=True)]
        size = f"{pooled.size} x {pooled.size} tokens"
        what = "rows: queries, columns: keys; token ranges 0-based, half-open"
        remarks = (f"{current.name}: {self.caption}", f"{what}; {self.pooling.value} of {size}")
        rows = (
            [name, *(f"{v:.6g}" for v in row)]
            for name, row in zip(names, pooled.values, strict=True)
        )
        return csv_text(remarks, ["query", *names], rows)


def _code(text: str) -> str:
    token, _, rest = text.partition(" ")
    return f"<code>{escape(token)}</code> {escape(rest)}"
