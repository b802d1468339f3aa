"""The attention view: any head of any layer, their mean, or rollout."""

from __future__ import annotations

from collections.abc import Sequence as Items
from html import escape
from typing import Any

import numpy as np
from ipywidgets import Widget
from numpy.typing import NDArray

from ....analysis.attend import PARTS, Attention, attend
from ....analysis.overview import overview
from ....common.costs import LONG, duration
from ....encoder import Encoder, load
from ....encoder.loading.twin import random_twin
from ....encoder.passes.cost import measured_seconds, surely_quick
from ....errors import InputError
from ....figures.core.parts import Figure
from ....figures.core.style import touching
from ....figures.inside.arcs import attention_arcs
from ....figures.inside.attention import (
    POOLINGS,
    Pooled,
    Rows,
    attention_map,
    cell_text,
    pool,
    rows_of,
)
from ....network import alibi_slopes
from ....sequences import Sequence
from ...core.code import csv_text, opening, sequence_code
from ...core.controls import TRAINED, UNTRAINED, choice, compute_button, menu, row, show
from ...core.explorer import ARROWS, Explorer, guarded
from ...core.state import Selection
from ...examples import fill
from ..tokens.explorer import base_at, select_token, step_token
from .gallery import THUMBNAIL, HeadGallery
from .words import ALL, HEAD, MEAN, ROLLOUT, Shown, attention_words

__all__ = ["AttentionExplorer"]

#: Tokens up to which a map is kept as a whole; of longer ones rows are computed as they are drawn.
_WHOLE = 2048
#: Tokens in sight above which a few queries stand for a cell.
_EXACT = 4096
_QUERIES = 8


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
        controls = [self.what, self.layer, self.head, self.part, self.axes, self.pooling]
        self._when(self._draw, *controls)
        self.heads = HeadGallery(self._picked)
        self.heads.follow(lambda: self._guarded(self._draw_gallery))
        self._beside = gallery
        self._thumbnails: NDArray[np.float32] | None = None
        self.result: Attention | None = None
        self._source = ""  # the bases that `result` belongs to
        self._network_of = TRAINED  # and the network
        self._cell = ""
        self._matrix: tuple[tuple[Any, ...], NDArray[np.float32]] | None = None
        super().__init__(selection, [*controls, self.network])
        if selection is None:
            fill(self.selection, sequences)
        self._guarded(lambda: self._changed({"index"}))

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
            return result, overview(result, THUMBNAIL)

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
        seen = int(touching(spans, (start, end)).sum())
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

    def _figure(self) -> Figure | None:
        matrix = self._rows
        if matrix is None or self.result is None or not self._fresh:
            return None
        width = self.plot.width or 900
        height = self.height or int(np.clip(width * 0.52, 400, 620))
        selection, tokens = self.selection, self.result.tokens
        shared: dict[str, Any] = {
            "view": selection.view,
            "selected": selection.bases,
            "quantity": "rollout" if self.what.value == ROLLOUT else "attention",
            "height": height,
            "theme": selection.theme,
        }
        if self.axes.value == "arcs":
            figure = attention_arcs(matrix, tokens, **shared)
        else:
            figure = attention_map(
                matrix,
                tokens,
                axes=self.axes.value,
                pooling=self.pooling.value,
                queries=self._queries,
                width=width,
                **shared,
            )
        return figure.update_layout(dragmode=selection.drag)

    def _pooled(self, matrix: Rows, result: Attention, queries: int | None) -> Pooled:
        """Sum the map in sight up to what a screen can show."""
        return pool(
            matrix,
            result.tokens,
            view=self.selection.view,
            pooling=self.pooling.value,
            special=self.axes.value == "tokens",
            queries=queries,
        )

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
        pooled = self._pooled(matrix, result, 1)  # the size of its cells is all that is asked
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
        how = {} if by_base else {"config": {"modeBarButtons": [["zoom2d", "pan2d"]]}}
        words = self._words(matrix, result, pooled.size)
        self._show_on_bases(figure, words, linked=by_base, **how)

    def _stage(self) -> Widget:
        if not self._beside:
            return self.plot
        return row("dx-with-heads", self.heads, self.plot)

    def _draw_gallery(self) -> None:
        selected = (self.layer.value, self.head.value) if self.what.value == HEAD else None
        self.heads.draw(self._thumbnails, selected, self.selection.theme)

    @guarded
    def _picked(self, layer: int, head: int) -> None:
        if 0 <= layer < len(self.layer.options) and 0 <= head < len(self.head.options):
            self.what.value, self.layer.value, self.head.value = HEAD, layer, head

    def _words(self, matrix: Rows, result: Attention, size: int) -> str:
        current = self.selection.current
        assert current is not None
        how = Shown(
            what=self.what.value,
            layer=self.layer.value,
            head=self.head.value,
            part=self.part.value,
            axes=self.axes.value,
            pooling=self.pooling.value,
            untrained=self.network.value == UNTRAINED,
        )
        return attention_words(current.name, result, matrix, how, size, self._queries)

    def _press(self, event: dict[str, Any]) -> None:
        result, matrix = self.result, self._rows
        if result is None or matrix is None or not self._fresh:
            return
        tokens = result.tokens
        by_token = self.axes.value == "tokens"
        n = len(tokens) if by_token else len(tokens.bases)
        column, row = base_at(event["x"], n), base_at(event["y"], n)
        if not by_token:
            column, row = tokens.at(column), tokens.at(row)
        if event.get("panel") == "y2" or self.axes.value == "arcs":  # heights are no positions
            row = column
            self._cell = ""
        else:
            value = rows_of(matrix)(np.array([row]))[0, column]
            self._cell = (
                f"From {_code(cell_text(tokens, row))} to "
                f"{_code(cell_text(tokens, column))}: <b>{value:.4f}</b>"
            )
        if tokens.special[row]:
            self._draw()
            return
        x = float(tokens.spans[row, 0] + 1)
        select_token(self.selection, tokens, x, bool(event.get("shift")))
        self._read_out.value = self._cell

    def _key(self, key: str, shift: bool) -> None:
        if key in ARROWS and self.result is not None and self._fresh:
            self._cell = ""
            step_token(self.selection, self.result.tokens, ARROWS[key])
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
        pooled = self._pooled(matrix, result, self._queries)
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
