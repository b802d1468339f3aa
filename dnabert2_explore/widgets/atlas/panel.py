"""What a lasso holds: why these sequences, what they are, which they are, and where they go."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from ipywidgets import HTML, Button, Dropdown, HBox, Text, ToggleButton, ToggleButtons, VBox

from ...analysis.enrichment import Enrichment, SequenceComparison, compare_sequences
from ...analysis.enrichment.words import enriched_tokens
from ...analysis.motifs.match import Matches, match_motifs
from ...delimited import csv_line, csv_lines, remark
from ...encoder import Encoder
from ...sequences import Sequence, reverse_complement
from ..jobs import Job, JobBar
from ..plot import PlotlyView
from ..rows import RowTable
from ..state import Selection
from .discovery import MotifFinder
from .exports import as_csv, as_fasta, as_h5ad, as_training_csv
from .points import Points
from .tables import (
    MOST,
    composition_rows,
    confounder,
    kept_rows,
    motif_cards,
    place_words,
    sequence_rows,
    word_rows,
    words_line,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["SelectionPanel"]

_TABS = ("Enriched", "Composition", "Sequences", "Kept")
_WORDS = ("k-mers", "tokens", "motifs")
_MATCHES = (("GC, length", "gc+length"), ("GC, CpG", "gc+cpg"), ("nothing", "none"))
_REST = ""


class SelectionPanel(VBox):
    """Tables of what was chosen, below the map; hidden while nothing is.

    Class ``dx-chosen``; parts ``dx-chosen-count``, ``dx-tab``, ``dx-words select``,
    ``dx-against select``, ``dx-match select``, ``dx-rows``, ``dx-why``, ``dx-keep``,
    ``dx-keep-name input``, ``dx-use-set``, ``dx-save-fasta`` (chosen-csv, h5ad, training,
    table), ``dx-combine``, ``dx-recall select``, ``dx-find-motifs``.

    Parameters
    ----------
    selection : Selection
    enc : Encoder
        Whose tokens are compared.
    plot : PlotlyView
        Hands files to the browser.
    classifier : Encoder, optional
        Asked for motifs.
    told : callable
        Called with HTML, and ``error=True`` where it is one.
    guarded : callable
        Runs an action and shows what goes wrong.
    """

    def __init__(
        self,
        selection: Selection,
        enc: Encoder,
        plot: PlotlyView,
        classifier: Encoder | None,
        told: Callable[..., None],
        guarded: Callable[[Callable[[], None]], None],
    ) -> None:
        self.selection, self.enc, self.plot = selection, enc, plot
        self._told, self._guarded = told, guarded
        self._points: Points | None = None
        self._asked: tuple[Any, ...] = ()
        self._found: SequenceComparison | None = None
        self._tokens: Enrichment | None = None
        self._matches: Matches | None = None
        self._job: Job[Any] | None = None
        self.bar = JobBar(lambda: None)
        self.count = HTML().add_class("dx-chosen-count")
        self.name = Text(placeholder="name", tooltip="Name to keep this selection under")
        self.name.add_class("dx-keep-name").layout.width = "84px"
        self.keep = self._button(
            "Keep", "Keep this selection under a name", "dx-keep", self._on_keep
        )
        self.use = self._button(
            "Use as set",
            "Make these sequences a set of their own, in the input bar of all views",
            "dx-use-set",
            self._on_use,
        )
        self.save = ToggleButton(description="Save", tooltip="FASTA, CSV, .h5ad, training set")
        self.save.add_class("dx-quiet").observe(self._on_save, names="value")
        self._files = HBox(
            [
                self._button(label, tip, f"dx-save-{name}", action)
                for label, tip, name, action in (
                    ("FASTA", "The chosen sequences", "fasta", self._save_fasta),
                    ("CSV", "The chosen sequences with their columns", "chosen-csv",
                     self._save_csv),
                    (".h5ad", "Their vectors and columns, for scanpy", "h5ad", self._save_h5ad),
                    ("Training set", "CSV of chosen and rest, to fine-tune on", "training",
                     self._save_training),
                    ("This table", "What the open tab shows, in full", "table",
                     self._save_table),
                )
            ]
        ).add_class("dx-export-buttons")  # fmt: skip
        self._files.layout.display = "none"
        self.tabs = ToggleButtons(options=list(_TABS)).add_class("dx-tab")
        self.words = Dropdown(options=list(_WORDS), tooltip="What is counted").add_class("dx-words")
        self.match = Dropdown(
            options=list(_MATCHES), tooltip="What both sides are matched by"
        ).add_class("dx-match")
        self.against = Dropdown(
            options=[("the rest", _REST)], tooltip="What the selection is compared with"
        ).add_class("dx-against")
        self._ask_row = HBox(
            [
                self.words, HTML("<span class='dx-hint'>against</span>"), self.against,
                HTML("<span class='dx-hint'>matched by</span>"), self.match,
            ]
        ).add_class("dx-chosen-row")  # fmt: skip
        self.why = HTML().add_class("dx-why")
        self.rows = RowTable(self._on_row)
        self.pictures = HTML().add_class("dx-pictures")
        self.first, self.second = (
            Dropdown(options=[], tooltip="A kept selection").add_class("dx-combine") for _ in "ab"
        )
        self.how = Dropdown(options=["and", "or", "minus"]).add_class("dx-combine")
        self.combine = self._button(
            "Choose", "Choose what they give", "dx-combine-go", self._on_combine
        )
        self._combine_row = HBox([self.first, self.how, self.second, self.combine])
        self._combine_row.add_class("dx-chosen-row")
        self.recalled = Dropdown(options=[], tooltip="A kept selection").add_class("dx-recall")
        self.recall = self._button("Choose", "Choose it again", "dx-recall-go", self._on_recall)
        self._recall_row = HBox(
            [HTML("<span class='dx-hint'>Kept selections</span>"), self.recalled, self.recall]
        ).add_class("dx-chosen-row")
        self.finder = MotifFinder(classifier, self._chosen, selection, guarded)
        body = [
            self._ask_row, self.bar, self._combine_row, self.why, self.rows, self.pictures,
            self.finder,
        ]  # fmt: skip
        head = HBox([self.count, self.name, self.keep, self.use, self.save])
        #: What is hidden while nothing is chosen.
        self._whole = VBox(
            [
                head.add_class("dx-chosen-row"),
                self._files,
                self.tabs,
                VBox(body).add_class("dx-chosen-body"),
            ]
        ).add_class("dx-chosen-whole")
        super().__init__([self._recall_row, self._whole])
        self.add_class("dx-chosen")
        self.layout.display = self._whole.layout.display = "none"
        self.tabs.observe(self._on_show, names="value")
        self.words.observe(self._on_show, names="value")
        for control in (self.match, self.against):
            control.observe(lambda _change: self._guarded(self._ask), names="value")

    def _button(self, label: str, tip: str, name: str, action: Callable[[], None]) -> Button:
        button = Button(description=label, tooltip=tip).add_class(name)
        button.on_click(lambda _button: self._guarded(action))
        return button

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
        self.layout.display = "" if inside or kept else "none"
        self._whole.layout.display = "" if inside else "none"
        self._recall_row.layout.display = "none" if inside else ""
        self._offer(kept)
        if not inside:
            self._stop()
            self._asked, self._found, self._tokens, self._matches = (), None, None, None
        else:
            assert points is not None
            self.count.value = f"<b>{len(inside):,}</b> of {len(points.indices):,} chosen"
            self._ask()
        self._show()

    def _offer(self, kept: dict[str, tuple[int, ...]]) -> None:
        names = list(kept)
        against = [("the rest", _REST), *((f"“{n}”", n) for n in names)]
        if tuple(self.against.options) != tuple(against):
            before = self.against.value
            with self.against.hold_trait_notifications():
                self.against.options = against
                self.against.value = before if before in names else _REST
        for menu in (self.first, self.second, self.recalled):
            if tuple(menu.options) != tuple(names):
                before = menu.value
                menu.options = names
                menu.value = before if before in names else next(iter(names), None)

    def _sides(self) -> tuple[list[int], list[int]]:
        """Rows of the chosen points, and of what they are compared with."""
        assert self._points is not None
        inside, outside = self._points.split(self.selection.chosen)
        if self.against.value != _REST:
            other = self.selection.kept.get(self.against.value, ())
            mine = set(inside)
            outside = [row for row in self._points.split(other)[0] if row not in mine]
        return inside, outside

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
        self._stop()
        self._asked, self._found, self._tokens, self._matches = asked, None, None, None
        self.finder.forget()
        if not inside or not outside:
            self._show()
            return
        mine, yours = ([points.sequences[row] for row in part] for part in (inside, outside))
        match, vectors = self.match.value, (points.vectors[inside], points.vectors[outside])

        def work(progress: Any) -> SequenceComparison:
            return compare_sequences(mine, yours, vectors=vectors, match=match, progress=progress)

        def done(found: SequenceComparison) -> None:
            self._found = found
            self._show()

        self._run("comparing the selection with the rest", work, done)
        self._show()

    def _more(self) -> None:
        """Compute what only one entry of the menu shows."""
        found, points = self._found, self._points
        if found is None or points is None or (self._job is not None and self._job.running):
            return
        if self.words.value == "tokens" and self._tokens is None:
            mine, yours = ([points.sequences[r] for r in part] for part in self._sides())
            match, tokenizer = self.match.value, self.enc.tokenizer

            def count(progress: Any) -> Enrichment:
                progress(0, 0)
                return enriched_tokens(mine, yours, tokenizer, match=match)

            self._run("cutting into tokens", count, self._got_tokens)
        elif self.words.value == "motifs" and self._matches is None and found.motifs:

            def look(progress: Any) -> Matches:
                progress(0, 0)
                return match_motifs(found.motifs)

            self._run("looking up JASPAR (the first time about 10 s)", look, self._got_matches)

    def _got_tokens(self, tokens: Enrichment) -> None:
        self._tokens = tokens
        self._show()

    def _got_matches(self, matches: Matches) -> None:
        self._matches = matches
        self._show()

    def _run(self, what: str, work: Callable[..., Any], done: Callable[[Any], None]) -> None:
        def failed(error: Exception) -> None:
            from ..explorer import sentence

            self._told(sentence(error), error=True)

        def finished(result: Any) -> None:
            # The next entry of the menu may be waiting for this one's thread to end.
            self._job = None
            self._guarded(lambda: done(result))

        self._job = Job(
            work, finished, failed, bar=self.bar, what=what, lock=self.selection.lock
        ).start()

    def _stop(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def wait(self, timeout: float | None = None) -> None:
        """Block until what was asked is computed (for scripts and tests)."""
        while (job := self._job) is not None:
            job.wait(timeout)
            if self._job is job:
                break
        self.finder.wait(timeout)

    # Showing --------------------------------------------------------------------------------------

    def _show(self) -> None:
        tab = self.tabs.value
        self._ask_row.layout.display = "" if tab == "Enriched" else "none"
        self._combine_row.layout.display = (
            "" if tab == "Kept" and len(self.selection.kept) else "none"
        )
        self.finder.layout.display = (
            "" if tab == "Enriched" and self.words.value == "motifs" else ("none")
        )
        self.pictures.value = ""
        self.rows.layout.display = ""
        self.rows.current = -1
        {
            "Enriched": self._show_enriched,
            "Composition": self._show_composition,
            "Sequences": self._show_sequences,
            "Kept": self._show_kept,
        }[tab]()

    def _show_enriched(self) -> None:
        found = self._found
        if found is None:
            self.why.value = self._waiting()
            self.rows.show([], [])
            return
        if self.words.value == "motifs":
            self._show_motifs(found)
            return
        words = found.kmers if self.words.value == "k-mers" else self._tokens
        if words is None:
            self.why.value = "Counting …"
            self.rows.show([], [])
            self._more()
            return
        self.why.value = (
            f"{words_line(words)} {confounder(found, words.match)} Press a row to see it in a "
            "sequence."
        )
        self.rows.show(*word_rows(words))

    def _show_motifs(self, found: SequenceComparison) -> None:
        self.rows.show([], [])
        self.rows.layout.display = "none"
        if not found.motifs:
            self.why.value = "No k-mer is enriched, so that there is nothing to pool."
            return
        self.why.value = (
            f"The {len(found.kmers.enriched()):,} enriched k-mers (the surest 100 of them) pooled "
            "where they lie over each other; and the nearest profile of JASPAR's vertebrates."
        )
        self.pictures.value = motif_cards(found.motifs, self._matches, self.selection.theme)
        self._more()

    def _show_composition(self) -> None:
        found = self._found
        if found is None:
            self.why.value = self._waiting()
            self.rows.show([], [])
            return
        self.why.value = place_words(found)
        self.rows.show(*composition_rows(found))

    def _show_sequences(self) -> None:
        points = self._points
        if points is None or not self.selection.chosen:
            self.why.value = self._waiting()
            self.rows.show([], [])
            return
        rows = self._by_likeness()
        self.why.value = (
            f"The {MOST:,} most typical of {len(rows):,}; files hold all. "
            if len(rows) > MOST
            else "The most typical first. "
        ) + "Press a row to look at it in every view."
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
        self.why.value = (
            "Press a row to choose it again; two give a third by and, or, minus."
            if kept
            else "Nothing is kept yet: name a selection above and press Keep."
        )
        self.rows.show(*kept_rows(kept))

    def _waiting(self) -> str:
        if self._points is None or not self.selection.chosen:
            return "Draw a lasso about some points to compare them with the rest."
        inside, outside = self._sides()
        if inside and not outside:
            return "There is nothing else to compare with: leave some points out."
        return "Comparing …"

    # A person did something -----------------------------------------------------------------------

    def _on_show(self, _change: Any) -> None:
        self._guarded(self._show)

    def _on_save(self, change: Any) -> None:
        self._files.layout.display = "" if change["new"] else "none"

    def _on_row(self, key: int) -> None:
        self._guarded(lambda: self._press(key))

    def _press(self, key: int) -> None:
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
        assert self._points is not None
        rows = self._by_likeness()
        order = [self._points.indices[r] for r in rows]
        at = order.index(self.selection.index) + 1 if self.selection.index in order else 0
        forms = (word, reverse_complement(word)) if both else (word,)
        for index in [*order[at:], *order[:at]]:
            text = self.selection.sequences[index].bases.upper().replace("U", "T")
            places = [text.find(form) for form in forms]
            start = min((p for p in places if p >= 0), default=-1)
            if start >= 0:
                self.selection.update(
                    index=index, bases=(start, start + len(word)), chosen=self.selection.chosen
                )
                return
        self._told(f"No chosen sequence holds {escape(word)}.", error=False)

    def _on_keep(self) -> None:
        chosen = self.selection.chosen
        if not chosen:
            self._told("Nothing is chosen yet: draw a lasso first.", error=True)
            return
        kept = dict(self.selection.kept)
        name = " ".join(self.name.value.split())
        if not name:
            number = next(i for i in range(1, len(kept) + 2) if f"selection {i}" not in kept)
            name = f"selection {number}"
        self.selection.update(kept={**kept, name: tuple(chosen)})
        self.name.value = ""
        self._told(f"Kept {len(chosen):,} sequences as “{escape(name)}”.")

    def _on_recall(self) -> None:
        self.selection.update(chosen=self.selection.kept.get(self.recalled.value, ()))

    def _on_combine(self) -> None:
        a, b = (set(self.selection.kept.get(m.value, ())) for m in (self.first, self.second))
        found = {"and": a & b, "or": a | b, "minus": a - b}[self.how.value]
        if not found:
            self._told("They have no sequence in common." if self.how.value == "and" else
                       "Nothing is left of the first.")  # fmt: skip
            return
        self.selection.update(chosen=tuple(sorted(found)))

    def _on_use(self) -> None:
        chosen = self._chosen()
        if not chosen:
            self._told("Nothing is chosen yet: draw a lasso first.", error=True)
            return
        used = set(self.selection.sets)
        name = " ".join(self.name.value.split()) or "Chosen in the atlas"
        name = next(n for n in (name, *(f"{name} {i}" for i in range(2, 10_000))) if n not in used)
        self.selection.add(chosen, name)

    # Files ----------------------------------------------------------------------------------------

    def _save_fasta(self) -> None:
        self.plot.save_text(as_fasta(self._chosen()), "chosen.fa", "text/x-fasta")

    def _save_csv(self) -> None:
        self.plot.save_text(as_csv(self._chosen()), "chosen.csv", "text/csv")

    def _save_training(self) -> None:
        assert self._points is not None
        mine, yours = ([self._points.sequences[r] for r in part] for part in self._sides())
        self.plot.save_text(as_training_csv(mine, yours), "chosen-and-rest.csv", "text/csv")

    def _save_h5ad(self) -> None:
        points = self._points
        assert points is not None
        rows = self._sides()[0]
        data = as_h5ad(self._chosen(), points.vectors[rows], {"about": points.about})
        self.plot.save_bytes(data, "chosen.h5ad", "application/x-hdf5")

    def _save_table(self) -> None:
        self.plot.save_text(self.table, "chosen-table.csv", "text/csv")

    @property
    def table(self) -> str:
        """What the open tab shows, in full, as CSV."""
        words = None
        if self.tabs.value == "Enriched" and self._found is not None:
            words = self._tokens if self.words.value == "tokens" else self._found.kmers
        if words is not None:
            about: Iterable[str] = (str(words),)
            return (
                "\n".join(remark(line) for line in about)
                + "\n"
                + words.table().to_csv(index=False, lineterminator="\n")
            )
        head = [column["label"] or "what" for column in self.rows.columns]
        return "\n".join([csv_line(head), *csv_lines(self.rows.rows)]) + "\n"
