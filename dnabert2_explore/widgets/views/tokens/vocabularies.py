"""How large a vocabulary: encodings of other sizes, trained on the set that is looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....common.costs import LONG, duration
from ....common.progress import Progress
from ....errors import InputError
from ....figures.core.parts import Figure
from ....figures.tokens.vocabulary import vocabulary_figure
from ....training.vocabulary import VocabularyCurve, vocabulary_cost, vocabulary_curve
from ...core.code import frame_csv
from ...core.controls import compute_button, show, toggle
from ...core.state import Selection
from ...examples import CODE, OTHERS

__all__ = ["Vocabularies"]

#: Pixels of the curves.
_HEIGHT = 300


class Vocabularies:
    """Encodings of growing vocabularies, trained when asked on the set looked at.

    Classes ``dx-vocabularies`` (`toggle`) and ``dx-compute`` (`compute`, which agrees to what takes
    more than 10 s). `begin`, `say` and `drawn` are the token view's: work in the background, a
    message above the plot, and drawing what there is.
    """

    def __init__(
        self,
        selection: Callable[[], Selection],
        begin: Callable[[str, Callable[[Progress], Any], Callable[[Any], None]], None],
        say: Callable[[str], None],
        drawn: Callable[[], None],
    ) -> None:
        self._chosen, self._begin, self._say, self._drawn = selection, begin, say, drawn
        self.toggle = toggle(
            "Sizes",
            "dx-vocabularies",
            "Train encodings of 256 to 32,768 entries on this set: what more bring",
        )
        self.compute = compute_button(self.train)
        self._kept: dict[tuple[int, ...], VocabularyCurve] = {}
        self._doing: tuple[int, ...] | None = None
        self._halted = False

    @property
    def _selection(self) -> Selection:
        return self._chosen()

    @property
    def members(self) -> tuple[int, ...]:
        """Sequences of the set that is looked at."""
        return self._selection.peers

    @property
    def result(self) -> VocabularyCurve | None:
        """The curve of the set looked at; None before it is there."""
        return self._kept.get(self.members)

    def ask(self) -> None:
        """Train what is not there yet, or say what that takes."""
        show(self.compute, False)
        members = self.members
        if not members or members in self._kept or self._doing == members:
            return
        texts = [self._selection.sequences[i] for i in members]
        seconds = vocabulary_cost(texts)
        if seconds <= LONG and not self._halted:
            self.train()
            return
        total = sum(map(len, texts))
        self._say(
            f"Eight encodings of {len(texts):,} sequences ({total:,} bp) take about "
            f"{duration(max(seconds, 1))} to train."
        )
        show(self.compute, True)

    def train(self) -> None:
        """Train on the set looked at, in the background."""
        members = self.members
        texts = [self._selection.sequences[i] for i in members]
        self._doing, self._halted = members, False
        show(self.compute, False)

        def work(progress: Progress) -> VocabularyCurve:
            try:
                return vocabulary_curve(texts, progress=progress)
            except Exception:
                self._doing = None
                raise

        def done(found: VocabularyCurve) -> None:
            self._kept[members], self._doing = found, None
            self._drawn()

        self._begin("training vocabularies, steps", work, done)

    def halt(self) -> None:
        """Offer to begin again: it was cancelled, or failed."""
        self._doing, self._halted = None, True
        show(self.compute, bool(self.toggle.value))

    def figure(self, mark: int, theme: str) -> Figure | None:
        """Draw the curves, with the model's own size marked."""
        if self.result is None:
            return None
        return vocabulary_figure(self.result, mark=mark, height=_HEIGHT, theme=theme)

    def caption(self, own: int) -> str:
        """Say what the curves are, as HTML."""
        result = self.result
        if result is None:
            return "Vocabularies of this set: not trained yet."
        return (
            f"Byte-pair encodings of {result.sizes[0]:,} to {result.sizes[-1]:,} entries, trained "
            f"on {result.trained_on:,} bases of this set and read on {result.held_out:,} held out; "
            "dotted: the same bases with their dinucleotides shuffled, what composition alone "
            f"gives. Marked: the {own:,} entries of this model."
        )

    def rows(self) -> str:
        """Write the numbers as a table, HTML."""
        result = self.result
        if result is None:
            return ""
        heads = "".join(f"<th>{size:,}</th>" for size in result.sizes)
        body = ""
        for name, values, form in (
            ("bases a token", result.compression, "{:.2f}"),
            ("shuffled", result.shuffled, "{:.2f}"),
            ("entries used", result.used, "{:.0%}"),
        ):
            cells = "".join(f"<td>{form.format(value)}</td>" for value in values)
            body += f"<tr><th>{name}</th>{cells}</tr>"
        return f"<table class='dx-ripple'><tr><th>entries</th>{heads}</tr>{body}</table>"

    def code(self, mark: int) -> str:
        """Lines of Python that make the curves."""
        self._there()
        name = self._selection.sets[self._selection.index]
        return (
            "import dnabert2_explore as dx\n\n"
            f"sequences = {CODE.get(name, OTHERS)}\n"
            "found = dx.vocabulary_curve(sequences)  # found.table()\n"
            f"dx.plot(found, mark={mark})"
        )

    def table(self) -> str:
        """Write the numbers as CSV."""
        result = self._there()
        units = "compression, shuffled: bases a token held out; used: share of entries that occur"
        return frame_csv(result.table(), result._line(), units)

    def _there(self) -> VocabularyCurve:
        result = self.result
        if result is None:
            raise InputError("There are no vocabularies yet: train them first.")
        return result
