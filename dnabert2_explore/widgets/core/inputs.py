"""The input bar: examples, own sequences by paste or upload, zoom, and what is selected."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from html import escape
from typing import Any

from ipywidgets import (
    Button,
    FileUpload,
    Text,
    Textarea,
    VBox,
    Widget,
)

from ...errors import ExploreError, InputError, panics_told
from ...figures.core.style import span_text
from ...files import expanded
from ...rich_display import counted
from ...sequences import ReadingWarning, Sequence, read_sequences
from ...sequences.annotation.annotations import read_annotation
from ...sequences.annotation.regions import is_bed, read_bed
from ...sequences.motifs.files import read_motifs
from ...sequences.reading.genome import Genome
from ...sequences.reading.letters import whole_number
from ...sequences.reading.opening import open_bytes
from .closing import close_inside
from .controls import Message, button, choice, field, hint, menu, opens, part, row, show, toggle
from .limits import limits
from .state import MINE, Selection

__all__ = ["InputBar", "parse_span", "zoomed"]

_ACCEPTED = (
    ".fa,.fasta,.fna,.csv,.tsv,.txt,.bed,.gb,.gbk,.gbff,.genbank,.embl,.fq,.fastq,.2bit,"
    ".gff,.gff3,.gtf,.gz,.bz2,.xz"
)
_ANNOTATIONS = (".gff", ".gff3", ".gtf")
_GENBANK = (".gb", ".gbk", ".gbff", ".genbank")
_HEAD = 1 << 12


def zoomed(selection: Selection, factor: float) -> tuple[int, int] | None:
    """Return the view `factor` times as wide, about the selection or the middle; None is all."""
    current = selection.current
    if current is None:
        return None
    n = len(current)
    start, end = selection.view or (0, n)
    width = (end - start) * factor
    if width >= n:
        return None
    width = max(width, min(20, n))
    chosen = selection.bases
    inside = chosen is not None and chosen[0] < end and chosen[1] > start
    middle = sum(chosen) / 2 if inside and chosen is not None else (start + end) / 2
    first = round(min(max(middle - width / 2, 0), n - width))
    return first, first + round(width)


def parse_span(text: str, length: int) -> tuple[int, int]:
    """Read ``"101-250"``, ``"1,200..1,400"`` or ``"97"`` (1-based, inclusive).

    Examples
    --------
    >>> parse_span("101-250", 1000)
    (100, 250)

    Raises
    ------
    InputError
        If that is not a stretch of the sequence.
    """
    parts = text.replace("–", "-").replace("..", "-").replace(",", "").replace(" ", "").split("-")
    numbers = [whole_number(part) for part in parts]
    if not 1 <= len(parts) <= 2 or None in numbers:
        raise InputError(
            f"{text!r} is not a stretch of bases; expected for example 101-250: type two positions."
        )
    first, last = numbers[0] or 0, numbers[-1] or 0
    if not 1 <= first <= last <= length:
        raise InputError(
            f"Bases {text} do not lie in this sequence; expected positions from 1 to {length:,}: "
            "change the numbers."
        )
    return first - 1, last


class InputBar(VBox):
    """Chooses the sequence all views look at, and moves along it.

    Classes: ``dx-input``; parts ``dx-set`` and ``dx-sequence`` (dropdowns), ``dx-previous``,
    ``dx-next``, ``dx-add-button``, ``dx-paste`` (text area), ``dx-upload``, ``dx-genome`` (text:
    the genome that the stretches of a BED lie on), ``dx-add``,
    ``dx-range`` (text), ``dx-zoom-in``, ``dx-zoom-out``, ``dx-zoom-all``, ``dx-drag``,
    ``dx-selected`` (what is selected), ``dx-clear``, ``dx-input-message``.
    """

    def __init__(self, selection: Selection) -> None:
        self.selection = selection
        self._quiet = False
        self.set = menu("dx-set", [], "Which set of sequences")
        self.sequence = menu("dx-sequence", [], "Which sequence")
        self.previous = self._button("◂", "Previous sequence of the set", "dx-previous")
        self.next = self._button("▸", "Next sequence of the set", "dx-next")
        self.add_button = toggle("+ Add sequences", "dx-add-button", "Paste or upload your own")
        self.range = Text(continuous_update=False, tooltip="Visible bases, e.g. 101-250")
        self.range.add_class("dx-range")
        self.zoom_out = self._button("−", "Zoom out (key −)", "dx-zoom-out")
        self.zoom_in = self._button("+", "Zoom in (key +)", "dx-zoom-in")
        self.zoom_all = self._button("whole", "Whole sequence (key 0)", "dx-zoom-all")
        self.drag = choice(
            "dx-drag",
            [("zoom", "zoom"), ("select", "select"), ("pan", "pan")],
            ["Drag to zoom in", "Drag to select bases", "Drag to move along"],
        )
        self.selected = part("dx-selected")
        self.clear = self._button("clear", "Unselect (Esc)", "dx-clear")
        self.paste = Textarea(
            placeholder="Paste FASTA, bare bases, a table with a 'sequence' column, or BED …",
            tooltip="Sequences, pasted",
        ).add_class("dx-paste")
        self.upload = FileUpload(
            description="Upload file",
            multiple=True,
            accept=_ACCEPTED,
        ).add_class("dx-upload")
        self.genome = field(
            "dx-genome",
            "only for BED: path of its genome",
            "FASTA (also compressed) or 2bit that the stretches of a BED lie on",
        )
        if limits().room:  # nobody's files are looked at from a browser
            show(self.genome, False)
        self._waiting: list[tuple[bytes, str]] = []  # BEDs whose genome is not known yet
        self.add = self._button("Add", "Add what is pasted", "dx-add")
        self.add.button_style = "primary"
        self.message = Message().add_class("dx-input-message")
        self.say = self.message.say
        self.panel = VBox(
            [
                self.paste,
                row(
                    "dx-add-row",
                    self.add,
                    self.upload,
                    self.genome,
                    hint(
                        "FASTA, a table (.csv, .tsv), GenBank, EMBL, FASTQ, 2bit, or BED with its "
                        "genome (by its path, or uploaded together); GFF3 or GTF of sequences "
                        "that are here already; also compressed. Nothing leaves this computer."
                    ),
                ),
            ]
        ).add_class("dx-add-panel")
        opens(self.add_button, self.panel)
        self.choose_row = row(
            "dx-choose", self.set, self.sequence, self.previous, self.next, self.add_button
        )
        self.move_row = row(
            "dx-move",
            self.selected,
            self.clear,
            row("dx-zooms", self.zoom_out, self.range, self.zoom_in, self.zoom_all),
            row("dx-drags", hint("drag to"), self.drag),
        )
        super().__init__([self.choose_row, self.panel, self.message, self.move_row])
        self.add_class("dx-input")
        self.set.observe(self._on_set, names="value")
        self.sequence.observe(self._on_sequence, names="value")
        self.previous.on_click(lambda _b: self._step(-1))
        self.next.on_click(lambda _b: self._step(1))
        self.zoom_in.on_click(lambda _b: self._zoom(0.5))
        self.zoom_out.on_click(lambda _b: self._zoom(2.0))
        self.zoom_all.on_click(lambda _b: self.selection.update(view=None))
        self.clear.on_click(lambda _b: self.selection.clear())
        self.range.observe(self._on_range, names="value")
        self.drag.observe(self._on_drag, names="value")
        self.add.on_click(lambda _b: self._on_add())
        self.upload.observe(self._on_upload, names="value")
        self.genome.observe(self._on_genome, names="value")
        self._unsubscribe = selection.subscribe(self._follow)
        self._follow({"sequences", "index", "bases", "view", "drag"})

    @staticmethod
    def _button(label: str, tip: str, name: str) -> Button:
        return button(label, name, tip)

    def close(self) -> None:
        """Take the bar off the page for good; it no longer follows the selection."""
        if hasattr(self, "_unsubscribe") and self.comm is not None:
            self._unsubscribe()
            close_inside(self)
        super().close()

    # The selection changed: show it ---------------------------------------------------------------

    def _follow(self, changed: set[str]) -> None:
        self._quiet = True
        try:
            if changed & {"sequences", "index"}:
                self._show_choice()
            if changed & {"sequences", "index", "bases", "chosen", "view"}:
                self._show_span()
            self.drag.value = self.selection.drag
        finally:
            self._quiet = False

    def _show_choice(self) -> None:
        selection = self.selection
        names = list(dict.fromkeys(selection.sets))
        counts = {name: selection.sets.count(name) for name in names}
        options = [(f"{name} ({counts[name]:,})", name) for name in names]
        if tuple(self.set.options) != tuple(options):
            self.set.options = options
        if selection.current is None:
            return
        own = selection.sets[selection.index]
        if self.set.value != own:
            self.set.value = own
        inside = _listed(selection, selection.members(own))
        if tuple(self.sequence.options) != tuple(inside):
            self.sequence.options = inside
        self.sequence.value = selection.index

    def _show_span(self) -> None:
        selection, current = self.selection, self.selection.current
        if current is None:
            self.range.value, self.selected.value = "", ""
            return
        self.range.value = span_text(*(selection.view or (0, len(current))))
        parts = []
        if selection.bases:
            start, end = selection.bases
            parts.append(f"bases <b>{span_text(start, end)}</b> ({end - start:,} bp)")
        if selection.chosen:
            parts.append(f"<b>{len(selection.chosen):,}</b> sequences")
        self.selected.value = (
            f"<span>Selected: {' and '.join(parts)}</span>"
            if parts
            else "<span class='dx-hint'>Click a token, or drag, to select bases.</span>"
        )
        self.clear.layout.visibility = "visible" if parts else "hidden"

    def add_row(self, button: Widget, row: Widget) -> None:
        """Put a further button into the bar, and what it opens below."""
        self.choose_row.children = (*self.choose_row.children, button)
        self.children = (self.choose_row, row, self.panel, self.message, self.move_row)

    # A person did something -----------------------------------------------------------------------

    def _on_set(self, change: Any) -> None:
        members = self.selection.members(change["new"]) if change["new"] else ()
        if not self._quiet and members:
            self.selection.update(index=members[0])

    def _on_sequence(self, change: Any) -> None:
        if not self._quiet and change["new"] is not None:
            self.selection.update(index=change["new"])

    def _step(self, by: int) -> None:
        selection = self.selection
        if selection.current is None:
            return
        members = selection.members(selection.sets[selection.index])
        place = members.index(selection.index) + by
        selection.update(index=members[place % len(members)])

    def _zoom(self, factor: float) -> None:
        self.selection.update(view=zoomed(self.selection, factor))

    def _on_drag(self, change: Any) -> None:
        if not self._quiet:
            self.selection.update(drag=change["new"])

    def _on_range(self, change: Any) -> None:
        current = self.selection.current
        if self._quiet or current is None or not change["new"].strip():
            return
        try:
            start, end = parse_span(change["new"], len(current))
        except InputError as error:
            self.say(escape(str(error)), error=True)
            return
        self.say("")
        self.selection.update(view=None if end - start == len(current) else (start, end))

    def _on_add(self) -> None:
        if not self.paste.value.strip():
            self.say("Nothing was pasted yet: paste FASTA, bases or a table first.", error=True)
            return
        try:
            limits().check_size(len(self.paste.value), "What you pasted")
        except InputError as error:
            self.say(escape(str(error)), error=True)
            return
        if is_bed(self.paste.value):
            if self._add_beds([(self.paste.value.encode(), "what you pasted")], None):
                self.paste.value = ""
            return
        # With a line break it is text for the reader, never the name of a file.
        if self._read(lambda: read_sequences(f"{self.paste.value}\n"), "what you pasted"):
            self.paste.value = ""

    def _on_upload(self, change: Any) -> None:
        files = [(bytes(item["content"]), str(item["name"])) for item in change["new"]]
        try:
            limits().check_size(sum(len(content) for content, _ in files), "What you uploaded")
            for content, name in files:
                limits().check_unpacked(content, name)
        except InputError as error:
            self.say(escape(str(error)), error=True)
            return
        beds = [one for one in files if _is_bed(*one)]
        others = [one for one in files if one not in beds]
        if beds:
            genome = others[0] if len(others) == 1 else None
            good = len(others) < 2 or bool(self.genome.value.strip())
            if not good:
                self.say(
                    "Which of these files is the genome of the BED? Upload it with the BED alone, "
                    "or type its path.",
                    error=True,
                )
            good = good and self._add_beds(beds, genome)
        else:
            added = [self._add_file(*one) for one in files]  # each, also behind one that fails
            good = bool(added) and all(added)
        if good:
            self.add_button.value = False

    def _on_genome(self, change: Any) -> None:
        if self._waiting and change["new"].strip() and self._add_beds(self._waiting, None):
            self.add_button.value = False

    def _add_file(self, content: bytes, name: str) -> bool:
        if _stem(name).endswith(_ANNOTATIONS):
            return self._annotate(content, name)
        count = len(self.selection.sequences)
        good = self._read(lambda: read_sequences(io.BytesIO(content), name=name), name)
        if not good and (count := _motifs_in(content, name)):
            self.say(
                f"{escape(name)} holds {counted(count, 'motif')} and no sequences: give sequences "
                "here, and look for its motifs in Python, by dx.scan_motifs(sequences, "
                "dx.read_motifs(file)).",
                error=True,
            )
        if good and _stem(name).endswith(_GENBANK):
            self._annotate(content, name, count)
        return good

    def _annotate(self, content: bytes, name: str, added: int | None = None) -> bool:
        """Put the features of a file on the sequences; those of GenBank come with their own."""
        try:
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always", ReadingWarning)
                found = read_annotation(io.BytesIO(content), name=name)
                count = self.selection.annotate(found)
        except ExploreError as error:
            if added is None:
                self.say(f"Could not use {escape(name)}: {escape(str(error))}", error=True)
            return False
        features = sum(map(len, found.features.values()))
        said = f"{features:,} features of {escape(name)} on {count:,} sequences."
        said = " ".join([said, *(escape(str(one.message)) for one in told)])
        self.say(f"{self.message.value} {said}" if added is not None else said)
        return True

    def _add_beds(self, beds: list[tuple[bytes, str]], genome: tuple[bytes, str] | None) -> bool:
        """Add the stretches of BEDs: of the genome whose path was typed, or which came along."""
        place = "" if limits().room else self.genome.value.strip()
        if not place and genome is None:
            self._waiting = beds
            names = ", ".join(escape(name) for _, name in beds)
            self.say(
                f"{names}: BED names stretches of a genome. Type the path of the genome, or upload "
                "it together with the BED.",
                error=True,
            )
            return False

        def read() -> list[Sequence]:
            if place:
                opened = Genome(expanded(place))
            else:
                content, name = genome or (b"", "")
                opened = Genome.from_records(read_sequences(io.BytesIO(content), name=name))
            with opened as records:
                found = [
                    sequence
                    for content, name in beds
                    for sequence in read_bed(_named(content, name), records)
                ]
            return found

        what = " and ".join(name for _, name in beds)
        good = self._read(read, what)
        if good:
            self._waiting = []
        return good

    def _read(self, reading: Callable[[], list[Sequence]], what: str) -> bool:
        """Add the sequences that are read; False, with the reason on show, if they cannot be."""
        try:
            with warnings.catch_warnings(record=True) as told, panics_told():
                warnings.simplefilter("always", ReadingWarning)
                sequences = reading()
            for one in sequences:
                limits().check_length(len(one), one.name)
            self.selection.add(sequences, MINE)
        except ExploreError as error:
            self.say(f"Could not use {escape(what)}: {escape(str(error))}", error=True)
            return False
        except MemoryError:
            self.say(f"{escape(what)} does not fit in memory: give a part of it.", error=True)
            return False
        except (OSError, EOFError, UnicodeDecodeError) as error:
            self.say(f"Could not read {escape(what)}: {escape(str(error))}", error=True)
            return False
        n = len(sequences)
        said = [f"Added {n:,} sequence{'s' if n != 1 else ''} from {escape(what)}."]
        self.say(" ".join([*said, *(escape(str(one.message)) for one in told)]))
        return True


def _motifs_in(content: bytes, name: str) -> int:
    """Count the motifs of a file that is no file of sequences; 0 where it is none of motifs."""
    try:
        return len(read_motifs(io.BytesIO(content), name=name))
    except ExploreError:
        return 0


#: Sequences in the list at once: a browser lays out no list of 20,000 without a stop of seconds.
_LISTED = 500


def _listed(selection: Selection, members: tuple[int, ...]) -> list[tuple[str, int]]:
    """Return what the list of sequences offers: all, or the 500 about the one looked at."""
    first = members.index(selection.index) // _LISTED * _LISTED
    last = min(first + _LISTED, len(members))
    offered = [(_label(selection, i), i) for i in members[first:last]]
    if first:
        offered.insert(0, (f"… {first:,} before", members[first - 1]))
    if last < len(members):
        offered.append((f"… {len(members) - last:,} more", members[last]))
    return offered


def _label(selection: Selection, index: int) -> str:
    sequence = selection.sequences[index]
    more = sequence.fields.get("species") or sequence.label or ""
    label = f"{sequence.name} · {more}" if more and more not in sequence.name else sequence.name
    return f"{label[:70]} · {len(sequence):,} bp"


def _stem(name: str) -> str:
    """Name of a file in lower case, without what says how it is compressed."""
    stem = name.lower()
    for packed in (".gz", ".bz2", ".xz"):
        stem = stem.removesuffix(packed)
    return stem


def _is_bed(content: bytes, name: str) -> bool:
    """Whether an uploaded file names stretches of a genome: by its name, or what it begins with."""
    stem = _stem(name)
    if stem.endswith(".bed"):
        return True
    if not stem.endswith((".csv", ".tsv", ".txt")):
        return False
    try:
        with open_bytes(content, name) as text:
            return is_bed(text.read(_HEAD))
    except ExploreError:  # its reader says what is wrong with it
        return False


def _named(content: bytes, name: str) -> io.BytesIO:
    """Make an open file that is called as the uploaded one, for messages."""
    file = io.BytesIO(content)
    file.name = name
    return file
