"""The attention view: any head of any layer, their mean, or rollout."""

from __future__ import annotations

from collections.abc import Sequence as Items
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from ipywidgets import HTML, Dropdown, HBox, ToggleButtons, VBox, Widget
from numpy.typing import NDArray

from ..analysis.attend import Attention, attend
from ..analysis.overview import overview
from ..delimited import remark
from ..encoder import Encoder, load
from ..errors import InputError
from ..figures.attention import (
    POOLINGS,
    attention_map,
    cell_text,
    head_gallery,
    pool,
    special_share,
)
from ..network import alibi_slopes
from ..sequences import Sequence
from .examples import fill
from .explorer import Explorer
from .plot import PlotlyView
from .state import Selection
from .tokens import BUTTONS, select_token, sequence_code, step_token

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["AttentionExplorer"]

_THUMBNAIL = 24  # cells a side
HEAD, MEAN, ALL, ROLLOUT = "head", "mean of heads", "mean of all layers", "rollout"


class AttentionExplorer(Explorer):
    """See which tokens attend to which.

    Rows are the tokens that look (queries), columns those looked at (keys). Click a cell to select
    the token of its row: the strip above then shows what this token attends to.

    Class ``dx-attention``; parts ``dx-what``, ``dx-layer``, ``dx-head``, ``dx-axes``,
    ``dx-pooling``; the gallery of all heads is ``dx-heads``.

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
        selection: Selection | None = None,
        gallery: bool = True,
    ) -> None:
        self.enc = enc if enc is not None else load()
        config = self.enc.config
        self.what = Dropdown(
            options=[HEAD, MEAN, ALL, ROLLOUT], value=HEAD, tooltip="Which attention"
        ).add_class("dx-what")
        self.layer = Dropdown(
            options=[(f"layer {i + 1}", i) for i in range(config.num_hidden_layers)],
            value=config.num_hidden_layers - 1,
            tooltip="Layer, counted from 1",
        ).add_class("dx-layer")
        self.head = Dropdown(
            options=[(f"head {i + 1}", i) for i in range(config.num_attention_heads)],
            # The one that ALiBi charges least for distance looks furthest.
            value=int(alibi_slopes(config.num_attention_heads).argmin()),
            tooltip="Head, counted from 1",
        ).add_class("dx-head")
        self.axes = ToggleButtons(
            options=["bases", "tokens"], tooltips=["Axes in bp", "One step per token"]
        ).add_class("dx-axes")
        self.pooling = Dropdown(
            options=[(f"{name} of cell", name) for name in POOLINGS],
            tooltip="How tokens that share a cell are summed up",
        ).add_class("dx-pooling")
        for control in (self.what, self.layer, self.head, self.axes, self.pooling):
            control.observe(self._on_control, names="value")
        self._gallery = PlotlyView().add_class("dx-heads-plot")
        self._gallery.on_event(self._on_gallery)
        self._gallery.observe(lambda _change: self._guarded(self._draw_gallery), names="width")
        self.heads = VBox(
            [
                HTML("<h3>All heads</h3>").add_class("dx-title"),
                self._gallery,
                HTML(
                    f"From up to {_THUMBNAIL} queries, evenly spaced; each head on its own scale. "
                    "Click one to see it."
                ).add_class("dx-caption"),
            ]
        ).add_class("dx-heads")
        self._beside = gallery
        self._thumbnails: NDArray[np.float32] | None = None
        self.result: Attention | None = None
        self._source = ""  # the bases that `result` belongs to
        self._cell = ""
        self._matrix: tuple[tuple[Any, ...], NDArray[np.float32]] | None = None
        self.height: int | None = None
        super().__init__(selection, [self.what, self.layer, self.head, self.axes, self.pooling])
        if selection is None:
            fill(self.selection, sequences)
        self._guarded(lambda: self._changed({"index"}))

    def _on_control(self, _change: Any) -> None:
        self._guarded(self._draw)

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

        def work(progress: Any) -> tuple[Attention, NDArray[np.float32]]:
            result = attend(self.enc, bases)
            return result, overview(result, _THUMBNAIL)

        def done(results: tuple[Attention, NDArray[np.float32]]) -> None:
            (self.result, self._thumbnails), self._matrix = results, None
            self._draw()

        self._start("running the model", work, done)

    @property
    def matrix(self) -> NDArray[np.float32] | None:
        """The map on show, shape (n_tokens, n_tokens); None before there is one."""
        result = self.result
        if result is None:
            return None
        key = (id(result), self.what.value, self.layer.value, self.head.value)
        if self._matrix is None or self._matrix[0] != key:
            if self.what.value == HEAD:
                values = result.head(self.layer.value, self.head.value)
            elif self.what.value == MEAN:
                values = result.mean(self.layer.value)
            elif self.what.value == ALL:
                values = result.mean()
            else:
                values = result.rollout()
            self._matrix = (key, values)
        return self._matrix[1]

    @property
    def _fresh(self) -> bool:
        """Whether the result belongs to the sequence looked at."""
        current = self.selection.current
        return (
            self.result is not None
            and current is not None
            and self.result.tokens.bases == current.bases
        )

    def _figure(self) -> go.Figure | None:
        matrix = self.matrix
        if matrix is None or self.result is None or not self._fresh:
            return None
        width = self.plot.width or 900
        figure = attention_map(
            matrix,
            self.result.tokens,
            axes=self.axes.value,
            view=self.selection.view,
            selected=self.selection.bases,
            pooling=self.pooling.value,
            quantity="rollout" if self.what.value == ROLLOUT else "attention",
            width=width,
            height=self.height or int(np.clip(width * 0.52, 400, 620)),
            theme=self.selection.theme,
        )
        return figure.update_layout(dragmode=self.selection.drag)

    def _draw(self) -> None:
        self.layer.layout.display = "" if self.what.value in (HEAD, MEAN) else "none"
        self.head.layout.display = "" if self.what.value == HEAD else "none"
        current = self.selection.current
        if current is None:
            self._show(None, "Choose an example, or add a sequence of your own.")
            return
        if not self._fresh:
            return  # the map of the sequence before stays until the new one is there
        matrix, result = self.matrix, self.result
        if matrix is None or result is None:
            return
        pooled = pool(
            matrix,
            result.tokens,
            view=self.selection.view,
            pooling=self.pooling.value,
            special=self.axes.value == "tokens",
        )
        self.pooling.layout.display = "" if pooled.size > 1 else "none"
        by_base = self.axes.value == "bases"
        self._read_out.value = self._cell
        self._draw_gallery()
        self._show(
            self._figure(),
            self._words(matrix, result, pooled.size),
            linked=by_base,
            bounds=(0.5, len(current) + 0.5),
            pressable=True,
            config=BUTTONS if by_base else {"modeBarButtons": [["zoom2d", "pan2d"]]},
        )

    def _stage(self) -> Widget:
        if not self._beside:
            return self.plot
        return HBox([self.heads, self.plot]).add_class("dx-with-heads")

    def _draw_gallery(self) -> None:
        if self._thumbnails is None:
            return
        self._gallery.show(
            head_gallery(
                self._thumbnails,
                selected=(self.layer.value, self.head.value) if self.what.value == HEAD else None,
                width=self._gallery.width or 360,
                theme=self.selection.theme,
            ),
            pressable=True,
            config={"displayModeBar": False},
        )

    def _on_gallery(self, event: dict[str, Any]) -> None:
        def act() -> None:
            if event["event"] != "press":
                return
            layer, head = round(event["y"]) - 1, round(event["x"]) - 1
            if 0 <= layer < len(self.layer.options) and 0 <= head < len(self.head.options):
                self.what.value, self.layer.value, self.head.value = HEAD, layer, head

        self._guarded(act)

    def _words(self, matrix: NDArray[np.float32], result: Attention, size: int) -> str:
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
        if size > 1:
            parts.append(
                f"A cell is the {self.pooling.value} of {size} × {size} tokens: zoom in for single "
                "tokens."
            )
        if self.axes.value == "bases":
            share = special_share(matrix, result.tokens)
            parts.append(f"{share:.0%} goes to [CLS] and [SEP], which have no bases to show.")
        parts.append("Colours end at the 99.5th percentile.")
        parts.append(f"<span class='dx-model'>{escape(result.model)}</span>")
        return " ".join(parts)

    def _press(self, event: dict[str, Any]) -> None:
        result, matrix = self.result, self.matrix
        if result is None or matrix is None or not self._fresh:
            return
        n = len(result.tokens)
        if self.axes.value == "bases":
            last = len(result.tokens.bases) - 1
            column = result.tokens.at(int(np.clip(round(event["x"]) - 1, 0, last)))
            row = result.tokens.at(int(np.clip(round(event["y"]) - 1, 0, last)))
        else:
            column = int(np.clip(round(event["x"]) - 1, 0, n - 1))
            row = int(np.clip(round(event["y"]) - 1, 0, n - 1))
        if event.get("panel") == "y2":
            row = column
            self._cell = ""
        else:
            self._cell = (
                f"From {_code(cell_text(result.tokens, row))} to "
                f"{_code(cell_text(result.tokens, column))}: <b>{matrix[row, column]:.4f}</b>"
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
        call = {
            HEAD: f"attention.head({self.layer.value}, {self.head.value})",
            MEAN: f"attention.mean({self.layer.value})",
            ALL: "attention.mean()",
            ROLLOUT: "attention.rollout()",
        }[self.what.value]
        return (
            "import dnabert2_explore as dx\nfrom dnabert2_explore.figures import attention_map\n\n"
            f"enc = dx.load({self.enc.source!r})\n"
            f"{sequence_code(self.selection)}"
            "attention = dx.attend(enc, bases)\n"
            f"matrix = {call}  # layers and heads count from 0 here\n"
            f"attention_map(matrix, attention.tokens, axes={self.axes.value!r}, "
            f"view={self.selection.view!r}, selected={self.selection.bases!r}, "
            f"pooling={self.pooling.value!r})"
        )

    def _table(self) -> str:
        matrix, result, current = self.matrix, self.result, self.selection.current
        if matrix is None or result is None or current is None or not self._fresh:
            raise InputError("There is no attention map yet: choose a sequence first.")
        pooled = pool(
            matrix,
            result.tokens,
            view=self.selection.view,
            pooling=self.pooling.value,
            special=self.axes.value == "tokens",
        )
        names = [f"{a}-{b}" for a, b in zip(pooled.first[:-1], pooled.first[1:], strict=True)]
        lines = [
            remark(f"{current.name}: {self.caption}"),
            f"# rows: queries, columns: keys; token ranges 0-based, half-open; {self.pooling.value}"
            f" of {pooled.size} x {pooled.size} tokens",
            "query," + ",".join(names),
        ]
        lines += [
            name + "," + ",".join(f"{v:.6g}" for v in row)
            for name, row in zip(names, pooled.values, strict=True)
        ]
        return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    token, _, rest = text.partition(" ")
    return f"<code>{escape(token)}</code> {escape(rest)}"
