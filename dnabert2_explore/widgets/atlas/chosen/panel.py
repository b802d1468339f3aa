"""What a lasso holds: why these sequences, what they are, which they are, and where they go."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from html import escape
from typing import Any

import numpy as np
from ipywidgets import VBox

from ....analysis.enrichment import Enrichment, SequenceComparison, compare_sequences, pooled_sites
from ....analysis.enrichment.words import enriched_tokens
from ....analysis.motifs.match import Matches, match_motifs
from ....common.delimited import remark
from ....encoder import Encoder
from ....sequences import Sequence, as_dna, reverse_complement
from ...core.code import csv_text
from ...core.controls import Guard, choice, hint, menu, offer, on_value, part, row, show
from ...core.explorer import guarded
from ...core.jobs import Worker
from ...core.plot import PlotlyView
from ...core.rows import RowTable
from ...core.state import Selection
from ..points import Points
from .discovery import MotifFinder
from .kept_selections import KeptSelections
from .logos import LogoCards
from .saving import SaveButtons
from .tables import (
    MOST,
    composition_rows,
    confounder,
    kept_rows,
    place_words,
    sequence_rows,
    word_rows,
    words_line,
)

__all__ = ["SelectionPanel"]

_TABS = ("Enriched", "Composition", "Sequences", "Kept")
_WORDS = ("k-mers", "tokens", "motifs")
_MATCHES = (("GC, length", "gc+length"), ("GC, CpG", "gc+cpg"), ("nothing", "none"))
_REST = ""


class SelectionPanel(VBox):
    """Tables of what was chosen, below the map; hidden while nothing is.

    Class ``dx-chosen``; parts ``dx-chosen-count``, ``dx-tab``, ``dx-words select``,
    ``dx-against select``, ``dx-match select``, ``dx-which select``, ``dx-rows``,
    ``dx-motif-card``, ``dx-why``, ``dx-keep``, ``dx-keep-name input``, ``dx-use-set``,
    ``dx-save-fasta`` (chosen-csv, h5ad, training, table), ``dx-combine``,
    ``dx-recall select``, ``dx-find-motifs``.

    The tokens of `enc` are compared, `plot` hands files to the browser, and `classifier` is asked
    for motifs; `told` is called with HTML, and ``error=True`` where it is one.
    """

    def __init__(
        self,
        selection: Selection,
        enc: Encoder,
        plot: PlotlyView,
        classifier: Encoder | None,
        told: Callable[..., None],
        guarded: Guard,
    ) -> None:
        self.selection, self.enc, self.plot = selection, enc, plot
        self._told, self._guarded = told, guarded
        self._points: Points | None = None
        self._asked: tuple[Any, ...] = ()
        self._found: SequenceComparison | None = None
        self._tokens: Enrichment | None = None
        self._matches: Matches | None = None
        self._worker = Worker(guarded, partial(told, error=True), selection.lock)
        self.bar = self._worker.bar
        self.count = part("dx-chosen-count")
        self.kept = kept = KeptSelections(selection, self._chosen, told, guarded)
        self.name, self.keep, self.use = kept.name, kept.keep, kept.use
        self.first, self.how, self.second = kept.first, kept.how, kept.second
        self.combine, self.recalled, self.recall = kept.combine, kept.recalled, kept.recall
        self._files = SaveButtons(plot, self._both, lambda: self.table, guarded)
        self.tabs = choice("dx-tab", list(_TABS))
        self.words = menu("dx-words", list(_WORDS), "What is counted")
        self.match = menu("dx-match", list(_MATCHES), "What both sides are matched by")
        self.against = menu(
            "dx-against", [("the rest", _REST)], "What the selection is compared with"
        )
        self._ask_row = row(
            "dx-chosen-row",
            self.words,
            hint("against"),
            self.against,
            hint("matched by"),
            self.match,
        )
        self.which = menu(
            "dx-which",
            [("chosen, the most typical first", True), ("nearest of the rest", False)],
            "Which sequences are listed",
        )
        self.why = part("dx-why")
        self.rows = RowTable(self._on_row)
        self.pictures = LogoCards(self._on_motif)
        self.finder = MotifFinder(classifier, self._chosen, self._go_to_next, selection, guarded)
        body = [
            self._ask_row, self.bar, self.kept.combine_row, self.which, self.why, self.rows,
            self.pictures, self.finder,
        ]  # fmt: skip
        head = row("dx-chosen-row", self.count, self.name, self.keep, self.use, self._files.opener)
        #: What is hidden while nothing is chosen.
        self._whole = VBox(
            [head, self._files, self.tabs, VBox(body).add_class("dx-chosen-body")]
        ).add_class("dx-chosen-whole")
        super().__init__([self.kept.recall_row, self._whole])
        self.add_class("dx-chosen")
        show(self, False)
        show(self._whole, False)
        on_value(lambda: self._guarded(self._show), self.tabs, self.words, self.which)
        on_value(lambda: self._guarded(self._ask), self.match, self.against)

    # What is chosen -------------------------------------------------------------------------------

    @property
    def shown(self) -> bool:
        """Whether the tables are on show: something is chosen."""
        return self._whole.layout.display != "none"

    def follow(self, points: Points | None) -> None:
        """Take the points on show, and compare what of them is chosen."""
        self._points = points
        chosen = self.selection.chosen
        kept = dict(self.selection.kept)
        inside = [] if points is None else points.split(chosen)[0]
        show(self, inside or kept)
        show(self._whole, inside)
        show(self.kept.recall_row, not inside)
        self._offer(kept)
        if not inside:
            self._worker.stop()
            self._asked, self._found, self._tokens, self._matches = (), None, None, None
        else:
            assert points is not None
            self.count.value = f"<b>{len(inside):,}</b> of {len(points.indices):,} chosen"
            self._ask()
        self._show()

    def _offer(self, kept: dict[str, tuple[int, ...]]) -> None:
        names = list(kept)
        against = [("the rest", _REST), *((f"“{n}”", n) for n in names)]
        with self.against.hold_trait_notifications():
            offer(self.against, against)
        self.kept.offer(names)

    def _sides(self) -> tuple[list[int], list[int]]:
        """Rows of the chosen points, and of what they are compared with."""
        assert self._points is not None
        inside, outside = self._points.split(self.selection.chosen)
        if self.against.value != _REST:
            other = self.selection.kept.get(self.against.value, ())
            mine = set(inside)
            outside = [row for row in self._points.split(other)[0] if row not in mine]
        return inside, outside

    def _both(self) -> tuple[Points, list[int], list[int]]:
        assert self._points is not None
        return self._points, *self._sides()

    def _chosen(self) -> list[Sequence]:
        if self._points is None:
            return []
        return [self._points.sequences[row] for row in self._sides()[0]]

    # Comparing ------------------------------------------------------------------------------------

    def _ask(self) -> None:
        points = self._points
        if points is None:
            return
        inside, outside = self._sides()
        asked = (points.indices, points.about, tuple(inside), tuple(outside), self.match.value)
        if asked == self._asked:
            return
        self._worker.stop()
        self._asked, self._found, self._tokens, self._matches = asked, None, None, None
        self.finder.forget()
        if not inside or not outside:
            self._show()
            return
        mine, yours = ([points.sequences[row] for row in part] for part in (inside, outside))
        match, vectors = self.match.value, (points.vectors[inside], points.vectors[outside])

        def work(progress: Any) -> SequenceComparison:
            return compare_sequences(mine, yours, vectors=vectors, match=match, progress=progress)

        what = "comparing the selection with the rest"
        self._worker.start(what, work, partial(self._got, "_found"))
        self._show()

    def _more(self) -> None:
        """Compute what only one entry of the menu shows."""
        found, points = self._found, self._points
        if found is None or points is None or self._worker.busy:
            return
        if self.words.value == "tokens" and self._tokens is None:
            mine, yours = ([points.sequences[r] for r in part] for part in self._sides())
            match, tokenizer = self.match.value, self.enc.tokenizer

            def count(progress: Any) -> Enrichment:
                progress(0, 0)
                return enriched_tokens(mine, yours, tokenizer, match=match)

            self._worker.start("cutting into tokens", count, partial(self._got, "_tokens"))
        elif self.words.value == "motifs" and self._matches is None and found.motifs:

            def look(progress: Any) -> Matches:
                progress(0, 0)
                return match_motifs(found.motifs)

            words = "looking up JASPAR (the first time about 10 s)"
            self._worker.start(words, look, partial(self._got, "_matches"))

    def _got(self, name: str, found: Any) -> None:
        setattr(self, name, found)
        self._show()

    def wait(self, timeout: float | None = None) -> None:
        """Block until what was asked is computed (for scripts and tests)."""
        self._worker.wait(timeout)
        self.finder.wait(timeout)

    # Showing --------------------------------------------------------------------------------------

    def _show(self) -> None:
        tab = self.tabs.value
        show(self._ask_row, tab == "Enriched")
        show(self.kept.combine_row, tab == "Kept" and len(self.selection.kept))
        show(self.which, tab == "Sequences")
        show(self.finder, tab == "Enriched" and self.words.value == "motifs")
        if tab != "Enriched" or self.words.value != "motifs" or self._found is None:
            self.pictures.show()
        show(self.rows, True)
        self.rows.current = -1
        {
            "Enriched": self._show_enriched,
            "Composition": self._show_composition,
            "Sequences": self._show_sequences,
            "Kept": self._show_kept,
        }[tab]()

    def _list(self, why: str, *rows: Any) -> None:
        """Say something above the table, and fill it; without rows it is empty."""
        self.why.value = why
        self.rows.show(*(rows or ([], [])))

    def _show_enriched(self) -> None:
        found = self._found
        if found is None:
            self._list(self._waiting())
            return
        if self.words.value == "motifs":
            self._show_motifs(found)
            return
        words = found.kmers if self.words.value == "k-mers" else self._tokens
        if words is None:
            self._list("Counting …")
            self._more()
            return
        line = f"{words_line(words)} {confounder(found, words.match)}"
        self._list(f"{line} Press a row to see it in a sequence.", *word_rows(words))

    def _show_motifs(self, found: SequenceComparison) -> None:
        self.rows.show([], [])
        show(self.rows, False)
        if not found.motifs:
            self.why.value = "No k-mer is enriched, so that there is nothing to pool."
            self.pictures.show()
            return
        self.why.value = (
            f"The {len(found.kmers.enriched()):,} enriched k-mers (the surest 100 of them) pooled "
            "where they lie over each other; and the nearest profile of JASPAR's vertebrates. "
            "Press a motif to see it in a sequence."
        )
        self.pictures.show(found.motifs, self._matches, self.selection.theme)
        self._more()

    def _show_composition(self) -> None:
        found = self._found
        if found is None:
            self._list(self._waiting())
            return
        self._list(place_words(found), *composition_rows(found))

    def _show_sequences(self) -> None:
        points = self._points
        if points is None or not self.selection.chosen:
            self._list(self._waiting())
            return
        if self.which.value:
            rows = self._by_likeness()
            self.why.value = (
                f"The {MOST:,} most typical of {len(rows):,}; files hold all. "
                if len(rows) > MOST
                else ""
            )
        else:
            place, outside = None if self._found is None else self._found.place, self._sides()[1]
            if place is None:
                self._list(self._waiting())
                return
            rows = [outside[i] for i in place.nearest]
            self.why.value = (
                f"Of the rest, the {len(rows):,} most like the chosen ones in all dimensions: mean "
                f"cosine similarity {place.similarity[0]:.2f} to {place.similarity[-1]:.2f}. "
            )
        self.why.value += "Press a row to look at it in every view."
        self.rows.show(*sequence_rows(points, rows))
        self.rows.current = self.selection.index

    def _by_likeness(self) -> list[int]:
        """Rows of the chosen points, the nearest to their middle first."""
        assert self._points is not None
        rows = self._points.split(self.selection.chosen)[0]
        vectors = self._points.vectors[rows]
        unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-30)
        likeness = unit @ np.nan_to_num(unit).mean(axis=0)
        return [rows[i] for i in np.argsort(-np.nan_to_num(likeness, nan=-2.0), kind="stable")]

    def _show_kept(self) -> None:
        kept = self.selection.kept
        if not kept:
            self._list("Nothing is kept yet: name a selection above and press Keep.")
            return
        words = "Press a row to choose it again; two give a third by and, or, minus."
        self._list(words, *kept_rows(kept))

    def _waiting(self) -> str:
        if self._points is None or not self.selection.chosen:
            return "Draw a lasso about some points to compare them with the rest."
        inside, outside = self._sides()
        if inside and not outside:
            return "There is nothing else to compare with: leave some points out."
        return "Comparing …"

    # A person did something -----------------------------------------------------------------------

    @guarded
    def _on_row(self, key: int) -> None:
        tab = self.tabs.value
        if tab == "Sequences":
            # Said again: a step into another set would let go of what is chosen.
            self.selection.update(index=key, chosen=self.selection.chosen)
            self.rows.current = key
        elif tab == "Kept":
            names = list(self.selection.kept)
            self.selection.update(chosen=self.selection.kept[names[key]])
        elif tab == "Enriched" and self._found is not None:
            words = self._found.kmers if self.words.value == "k-mers" else self._tokens
            if words is not None:
                self._look_at_word(words.words[key], both=words is self._found.kmers)
                self.rows.current = key

    def _look_at_word(self, word: str, both: bool) -> None:
        """Go to the next chosen sequence that holds a word, and select it there."""
        forms = (word, reverse_complement(word)) if both else (word,)
        chosen = self._chosen()

        def find(number: int) -> tuple[int, int] | None:
            text = as_dna(chosen[number].bases)
            start = min((p for f in forms if (p := text.find(f)) >= 0), default=-1)
            return None if start < 0 else (start, start + len(word))

        self._go_to_next(find, word)

    @guarded
    def _on_motif(self, number: int) -> None:
        found = self._found
        if found is None or number >= len(found.motifs):
            return
        name = found.motifs[number].name
        places = pooled_sites(found.kmers, [s.bases for s in self._chosen()], name)
        self._go_to_next(places.first_in, name)
        self.pictures.current = number

    def _go_to_next(self, find: Callable[[int], tuple[int, int] | None], what: str) -> None:
        """Look at the next chosen sequence in which something is found, and select it there.

        `find` is called with the number of a chosen sequence, and returns a stretch, or None;
        `what` is named where none holds it.
        """
        points = self._points
        assert points is not None
        inside = self._sides()[0]
        number = {row: n for n, row in enumerate(inside)}
        order = self._by_likeness()
        indices = [points.indices[row] for row in order]
        at = indices.index(self.selection.index) + 1 if self.selection.index in indices else 0
        for point in [*order[at:], *order[:at]]:
            stretch = find(number[point])
            if stretch is not None:
                self.selection.update(
                    index=points.indices[point], bases=stretch, chosen=self.selection.chosen
                )
                return
        self._told(f"No chosen sequence holds {escape(what)}.", error=False)

    @property
    def table(self) -> str:
        """What the open tab shows, in full, as CSV."""
        words = None
        if self.tabs.value == "Enriched" and self._found is not None:
            words = self._tokens if self.words.value == "tokens" else self._found.kmers
        if words is not None:
            text: str = words.table().to_csv(index=False, lineterminator="\n")
            return f"{remark(str(words))}\n{text}"
        head = [column["label"] or "what" for column in self.rows.columns]
        return csv_text((), head, self.rows.rows)
