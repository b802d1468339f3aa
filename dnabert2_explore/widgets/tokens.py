"""The token view: how the model's vocabulary cuts a sequence."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence as Items
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from ipywidgets import HTML, ToggleButton, Widget

from ..analysis.tokenizers import TokenizerComparison, compare_tokenizers
from ..delimited import csv_lines, remark
from ..encoder import Encoder, load
from ..errors import InputError
from ..figures.style import span_text
from ..figures.tokenizers import MOST, tokenizer_lanes
from ..figures.tokens import token_ribbon
from ..sequences import Sequence
from ..tokens import Tokens
from .examples import CODE, fill
from .explorer import Explorer
from .state import Selection

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["TokenExplorer", "select_token", "step_token"]


def select_token(selection: Selection, tokens: Tokens, x: float, shift: bool) -> None:
    """Select the bases of the token at display position `x`; with shift, extend to it."""
    position = int(np.clip(round(x) - 1, 0, len(tokens.bases) - 1))
    start, end = (int(v) for v in tokens.spans[tokens.at(position)])
    if shift and selection.bases:
        start, end = min(start, selection.bases[0]), max(end, selection.bases[1])
    elif selection.bases == (start, end):
        selection.update(bases=None)
        return
    selection.update(bases=(start, end))


def step_token(selection: Selection, tokens: Tokens, by: int) -> None:
    """Select the token before or after the selected one; the first in sight without any."""
    n = len(tokens)
    if selection.bases:
        first, last = tokens.covering(*selection.bases)
        index = first + by if by < 0 else last - 1 + by
    else:
        index = tokens.at((selection.view or (0, 1))[0])
    while 0 <= index < n and tokens.special[index]:
        index += by
    if not 0 <= index < n:
        return
    start, end = (int(v) for v in tokens.spans[index])
    changes: dict[str, Any] = {"bases": (start, end)}
    view = selection.view
    if view and not view[0] <= start < end <= view[1]:
        width = view[1] - view[0]
        low = min(max(0, (start + end - width) // 2), max(0, len(tokens.bases) - width))
        changes["view"] = (low, low + width)
    selection.update(**changes)


class TokenExplorer(Explorer):
    """See how a sequence is cut into tokens.

    Blocks are tokens, as wide as the bases they cover and as high as they are long. Click a token
    to select its bases, shift-click to extend, drag to zoom, double-click for the whole sequence;
    with the keyboard: arrow keys go from token to token, + − 0 zoom, Esc unselects.

    Class ``dx-tokens``; parts ``dx-stats``, ``dx-compare-tokenizers`` (other models' tokenizers on
    the same axis).

    Parameters
    ----------
    enc : Encoder, optional
        Whose tokenizer to use; the pocket model by default.
    sequences : sequence of Sequence, optional
        The examples by default.
    selection : Selection, optional
        Shared with other views.
    low : bool
        Put the numbers into the heading, not below it.

    Examples
    --------
    >>> from dnabert2_explore import Sequence
    >>> view = TokenExplorer(sequences=[Sequence("probe", "ACGTTGCATTAGCATGCAAT")])
    >>> view.tokens.tokens[0]
    '[CLS]'
    """

    title = "Tokens"
    kind = "tokens"
    help = (
        "DNABERT-2 does not read bases one by one: a byte-pair encoding, learned from genomes, "
        "joins bases that often stand together into tokens of different lengths. A change of one "
        "base can move the boundaries around it. "
        "<cite>Zhou et al. 2024, DNABERT-2, ICLR; Sennrich et al. 2016.</cite>"
    )

    def __init__(
        self,
        enc: Encoder | None = None,
        sequences: Items[Sequence] | None = None,
        selection: Selection | None = None,
        low: bool = False,
    ) -> None:
        self.enc = enc if enc is not None else load()
        self._kept: OrderedDict[str, Tokens] = OrderedDict()
        self._stats = HTML().add_class("dx-stats")
        self._low = low
        self.compare = ToggleButton(
            description="Tokenizers",
            tooltip="Beside DNABERT's overlapping k-mers, 6-mers and single bases",
        ).add_class("dx-compare-tokenizers")
        self.compare.observe(lambda _change: self._guarded(self._draw), names="value")
        self._compared: TokenizerComparison | None = None
        super().__init__(selection, [self._stats, self.compare] if low else [self.compare])
        if selection is None:
            fill(self.selection, sequences)
        self._guarded(self._draw)

    def _above(self) -> list[Widget]:
        return [] if self._low else [self._stats]

    @property
    def tokens(self) -> Tokens | None:
        """Tokens of the sequence looked at."""
        current = self.selection.current
        if current is None:
            return None
        return self.tokens_of(current.bases)

    def tokens_of(self, bases: str) -> Tokens:
        """Tokens of a sequence, the last few kept."""
        if bases not in self._kept:
            self._kept[bases] = self.enc.tokenize(bases)
            while len(self._kept) > 8:
                self._kept.popitem(last=False)
        self._kept.move_to_end(bases)
        return self._kept[bases]

    def _figure(self) -> go.Figure | None:
        tokens = self.tokens
        if tokens is None:
            return None
        selection = self.selection
        if self.comparing:
            figure = tokenizer_lanes(
                self._comparison(tokens.bases),
                view=selection.view or (0, len(tokens.bases)),
                selected=selection.bases,
                width=self.plot.width or 900,
                theme=selection.theme,
            )
            return figure.update_layout(dragmode=selection.drag)
        figure = token_ribbon(
            tokens,
            view=selection.view,
            selected=selection.bases,
            features=selection.features,
            width=self.plot.width or 900,
            theme=selection.theme,
        )
        return figure.update_layout(dragmode=selection.drag)

    @property
    def comparing(self) -> bool:
        """Whether other tokenizers are on show."""
        current, view = self.selection.current, self.selection.view
        if not self.compare.value or current is None:
            return False
        start, end = view or (0, len(current))
        return end - start <= MOST

    def _comparison(self, bases: str) -> TokenizerComparison:
        if self._compared is None or self._compared.bases != bases:
            self._compared = compare_tokenizers(self.enc, bases)
        return self._compared

    def _comparison_line(self, tokens: Tokens) -> str:
        """Say what a change at the selection does to every tokenizer."""
        bases = self.selection.bases
        if bases is None:
            return ""
        at = bases[0]
        found = self._comparison(tokens.bases)
        inserted = {one.name: one for one in found.edit(at, at, "A")}
        parts = [
            f"{escape(name)} <b>{one.after}</b> ({one.reach} bp)" for name, one in inserted.items()
        ]
        return f"New tokens after an A is inserted before base {at + 1:,}: {', '.join(parts)}"

    def _draw(self) -> None:
        tokens, current = self.tokens, self.selection.current
        if tokens is None or current is None:
            self._stats.value = ""
            self._show(None, "Choose an example, or add a sequence of your own.")
            return
        self.say("")
        self._stats.value = _statistics(tokens)
        self._read_out.value = self._selected_line(tokens)
        info = self.enc.info
        if self.compare.value and not self.comparing:
            self.say(f"Zoom in to {MOST} bases or less to see the other tokenizers.")
        if self.comparing:
            self._read_out.value = self._comparison_line(tokens)
            self._show(
                self._figure(),
                f"<b>{escape(current.name)}</b> cut by {escape(info.name)} and by other models' "
                "tokenizers; overlapping k-mers share their bases, and stand in as many rows. "
                "Select a base to see what an insertion there does to each.",
                linked=True,
                bounds=(0.5, len(current) + 0.5),
                pressable=True,
                config=BUTTONS,
            )
            return
        self._show(
            self._figure(),
            f"<b>{escape(current.name)}</b> cut into {int((~tokens.special).sum()):,} tokens by "
            f"the byte-pair encoding of {escape(info.name)} ({info.vocabulary:,} entries). Height: "
            "bases in a token; the two tints only part neighbours. Positions count from 1.",
            linked=True,
            bounds=(0.5, len(current) + 0.5),
            pressable=True,
            config=BUTTONS,
        )

    def _selected_line(self, tokens: Tokens) -> str:
        bases = self.selection.bases
        if bases is None:
            return ""
        first, last = tokens.covering(*bases)
        if last - first == 1:
            start, end = (int(v) for v in tokens.spans[first])
            what = " · not in the vocabulary" if tokens.unknown[first] else ""
            return (
                f"<code>{escape(tokens.tokens[first][:60])}</code> token "
                f"{int((~tokens.special[: first + 1]).sum()):,} of "
                f"{int((~tokens.special).sum()):,} · id {tokens.ids[first]} · {end - start} bp · "
                f"bases {span_text(start, end)}{what}"
            )
        shown = " ".join(f"<code>{escape(t[:30])}</code>" for t in tokens.tokens[first:last][:14])
        more = f" and {last - first - 14:,} more" if last - first > 14 else ""
        return f"{last - first:,} tokens in bases {span_text(*bases)}: {shown}{more}"

    def _press(self, event: dict[str, Any]) -> None:
        if (tokens := self.tokens) is not None:
            select_token(self.selection, tokens, event["x"], bool(event.get("shift")))

    def _key(self, key: str, shift: bool) -> None:
        if key in ("ArrowLeft", "ArrowRight") and (tokens := self.tokens) is not None:
            step_token(self.selection, tokens, -1 if key == "ArrowLeft" else 1)
        else:
            super()._key(key, shift)

    def _code(self) -> str:
        if self.comparing:
            view = self.selection.view or (0, len(self.selection.current or ""))
            return (
                "import dnabert2_explore as dx\n"
                "from dnabert2_explore.figures import tokenizer_lanes\n\n"
                f"enc = dx.load({self.enc.source!r})\n"
                f"{sequence_code(self.selection)}"
                "found = dx.compare_tokenizers(enc, bases)  # found.table(), found.edit(…)\n"
                f"tokenizer_lanes(found, view={view!r}, selected={self.selection.bases!r})"
            )
        return (
            "import dnabert2_explore as dx\nfrom dnabert2_explore.figures import token_ribbon\n\n"
            f"enc = dx.load({self.enc.source!r})\n"
            f"{sequence_code(self.selection)}"
            "tokens = enc.tokenize(bases)\n"
            f"token_ribbon(tokens, view={self.selection.view!r}, "
            f"selected={self.selection.bases!r})"
        )

    def _table(self) -> str:
        tokens, current = self.tokens, self.selection.current
        if tokens is None or current is None:
            raise InputError("There are no tokens yet: choose a sequence first.")
        if self.comparing:
            frame = self._comparison(tokens.bases).table()
            head = [
                remark(f"{current.name}: tokenizers beside each other"),
                ",".join(frame.columns),
            ]
            return "\n".join([*head, *csv_lines(frame.itertuples(index=False))]) + "\n"
        lines = [
            remark(f"{current.name}: tokens of {self.enc.info}"),
            "# start and end: 0-based, half-open; special tokens have no bases",
            "index,token,id,start,end,length,special,unknown",
        ]
        lines += csv_lines(
            (i, token, tokens.ids[i], a, b, b - a, int(tokens.special[i]), int(tokens.unknown[i]))
            for i, (token, (a, b)) in enumerate(zip(tokens.tokens, tokens.spans, strict=True))
        )
        return "\n".join(lines) + "\n"


#: Buttons of plotly's mode bar on the base axis; everything else has its place in our own bars.
BUTTONS = {"modeBarButtons": [["zoom2d", "select2d", "pan2d"]], "doubleClick": "autosize"}


def sequence_code(selection: Selection) -> str:
    """Lines of Python that set ``bases`` to the sequence looked at."""
    current = selection.current
    if current is None:
        return ""
    name = selection.sets[selection.index]
    members = selection.members(name)
    place = members.index(selection.index)
    if name in CODE:
        return f"bases = {CODE[name]}[{place}].bases  # {current.name}\n"
    if len(current) <= 3000:
        return f"bases = {current.bases!r}  # {current.name}\n"
    return (
        f"bases = dx.read_sequences('your_file.fa')[{place}].bases  "
        f"# {current.name}, {len(current):,} bp\n"
    )


def _statistics(tokens: Tokens) -> str:
    lengths = tokens.lengths[~tokens.special]
    composition = tokens.composition
    longest = int(np.max(lengths, initial=0))
    chips = [
        f"<b>{composition.length:,}</b> bp",
        f"<b>{len(lengths):,}</b> tokens",
        f"<b>{tokens.bases_per_token:.2f}</b> bases per token",
        f"longest <b>{longest}</b> bp",
    ]
    unknown = composition.n + composition.iupac + composition.unknown
    if unknown:
        kinds = [
            f"{count:,} {name}"
            for count, name in (
                (composition.n, "N"),
                (composition.iupac, "IUPAC codes"),
                (composition.unknown, "other letters"),
            )
            if count
        ]
        chips.append(
            f"<b class='dx-warn'>▨ {unknown:,} unknown</b> ({', '.join(kinds)}): "
            "the model sees [UNK]"
        )
    else:
        chips.append("no unknown bases")
    if composition.lower:
        chips.append(f"<i class='dx-read-as'>{composition.lower:,} lower case, read as upper</i>")
    if composition.uracil:
        chips.append(f"<i class='dx-read-as'>{composition.uracil:,} U, read as T</i>")
    return (
        "<div class='dx-chips'>"
        + _histogram(lengths)
        + "".join(f"<span>{chip}</span>" for chip in chips)
        + "</div>"
    )


def _histogram(lengths: Any) -> str:
    """Token lengths as a thumbnail; the figure of the same data is ``figures.token_lengths``."""
    if not len(lengths):
        return ""
    counts = np.bincount(np.minimum(lengths, 24))[1:]
    bars = "".join(
        f"<rect x='{i * 7}' y='{24 - 22 * c / counts.max():.1f}' width='6' "
        f"height='{22 * c / counts.max():.1f}'><title>{c:,} tokens of {i + 1} bp</title></rect>"
        for i, c in enumerate(counts)
    )
    return (
        f"<svg class='dx-spark' width='{len(counts) * 7}' height='24' role='img' "
        f"aria-label='token lengths from 1 to {len(counts)} bp'>{bars}</svg>"
    )
