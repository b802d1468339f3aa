"""Adding sequences of one's own: by paste or upload, BED with its genome, annotation files."""

from __future__ import annotations

import io
from collections.abc import Callable
from html import escape
from typing import Any

from ipywidgets import FileUpload, Textarea, VBox

from ...common.files import expanded
from ...errors import ExploreError, InputError, caught_warnings, panics_told
from ...results.rich_display import counted
from ...sequences import Sequence, read_sequences
from ...sequences.annotation.annotations import read_annotation
from ...sequences.annotation.regions import is_bed, read_bed
from ...sequences.motifs.files import read_motifs
from ...sequences.reading.genome import Genome
from ...sequences.reading.opening import open_bytes
from .controls import Message, button, field, hint, row, show
from .jobs import shown_warnings
from .limits import limits
from .state import MINE, Selection

__all__ = ["AddPanel"]

_ACCEPTED = (
    ".fa,.fasta,.fna,.csv,.tsv,.txt,.bed,.gb,.gbk,.gbff,.genbank,.embl,.fq,.fastq,.2bit,"
    ".gff,.gff3,.gtf,.gz,.bz2,.xz"
)
_ANNOTATIONS = (".gff", ".gff3", ".gtf")
_GENBANK = (".gb", ".gbk", ".gbff", ".genbank")
_HEAD = 1 << 12


class AddPanel(VBox):
    """Text and files that become sequences of the set "My sequences".

    Class ``dx-add-panel``; parts ``dx-paste``, ``dx-upload``, ``dx-genome``, ``dx-add``. `message`
    says what was added, or why nothing was; `added` is called when all that was given is there.
    """

    def __init__(self, selection: Selection, message: Message, added: Callable[[], None]) -> None:
        self.selection, self.message, self._added = selection, message, added
        self.say = message.say
        self.paste = Textarea(
            placeholder="Paste FASTA, bare bases, a table with a 'sequence' column, or BED …",
            tooltip="Sequences, pasted",
        ).add_class("dx-paste")
        self.upload = FileUpload(
            description="Upload file", multiple=True, accept=_ACCEPTED
        ).add_class("dx-upload")
        self.genome = field(
            "dx-genome",
            "only for BED: path of its genome",
            "FASTA (also compressed) or 2bit that the stretches of a BED lie on",
        )
        if limits().room:  # nobody's files are looked at from a browser
            show(self.genome, False)
        self._waiting: list[tuple[bytes, str]] = []  # BEDs whose genome is not known yet
        self.add = button("Add", "dx-add", "Add what is pasted", self._on_add, style="primary")
        words = hint(
            "FASTA, a table (.csv, .tsv), GenBank, EMBL, FASTQ, 2bit, or BED with its genome (by "
            "its path, or uploaded together); GFF3 or GTF of sequences that are here already; also "
            "compressed. Nothing leaves this computer."
        )
        super().__init__([self.paste, row("dx-add-row", self.add, self.upload, self.genome, words)])
        self.add_class("dx-add-panel")
        self.upload.observe(self._on_upload, names="value")
        self.genome.observe(self._on_genome, names="value")

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
            self._added()

    def _on_genome(self, change: Any) -> None:
        if self._waiting and change["new"].strip() and self._add_beds(self._waiting, None):
            self._added()

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
            with caught_warnings() as told:
                found = read_annotation(io.BytesIO(content), name=name)
                count = self.selection.annotate(found)
        except ExploreError as error:
            if added is None:
                self.say(f"Could not use {escape(name)}: {escape(str(error))}", error=True)
            return False
        features = sum(map(len, found.features.values()))
        said = f"{features:,} features of {escape(name)} on {count:,} sequences."
        said = f"{said} {shown_warnings(told)}".strip()
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
            with caught_warnings() as told, panics_told():
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
        said = f"Added {counted(n, 'sequence')} from {escape(what)}."
        self.say(f"{said} {shown_warnings(told)}".strip())
        return True


def _motifs_in(content: bytes, name: str) -> int:
    """Count the motifs of a file that is no file of sequences; 0 where it is none of motifs."""
    try:
        return len(read_motifs(io.BytesIO(content), name=name))
    except ExploreError:
        return 0


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
