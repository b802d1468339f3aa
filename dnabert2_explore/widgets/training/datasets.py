"""Choose what to train on: shipped examples, a pasted or uploaded table, or files by name."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ipywidgets import Button, FileUpload, Text, Textarea, VBox

from ... import demo
from ...common.files import expanded, replacing
from ...errors import InputError
from ...figures.core.colours import class_colours
from ...sequences import gc_content
from ..core.code import csv_text
from ..core.controls import Guard, button, field, hint, menu, on_value, part, row, show

if TYPE_CHECKING:
    from ...training.finetune.data import Splits

__all__ = ["DEMOS", "SHARE", "Chosen", "DataChooser", "demo_table"]

OWN, FILES = "own", "files"

#: Shipped tables by key: what they ask, and of how many sequences.
DEMOS = {
    "category": "Example: which category of life? (500 windows of 300 bp, 7 classes)",
    "gc": "Example: GC content, a number (500 windows of 300 bp; a check that must succeed)",
    "splice": "Example: splice donor, acceptor or neither (60 sites: too few to learn from)",
}
_WINDOW = 300  # bases of a genome window that are trained on: a pass takes seconds

#: What training reads (records.py), also compressed.
_ACCEPTED = (
    ".csv,.tsv,.txt,.parquet,.pq,.fa,.fasta,.fna,.bed,.gb,.gbk,.gbff,.embl,.fq,.fastq,.2bit,"
    ".gz,.bz2,.xz"
)

#: Share of the rows set aside for dev, and for test, where no file says it.
SHARE = 0.15


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """Tables to train on: train, dev and test as :class:`FinetuneConfig` takes them, "" for none.

    `splits` is what they hold, `name` is for captions; `genome` is whose stretches the files name,
    if they are BED, and "" for sequences.
    """

    files: tuple[str, str, str]
    splits: Splits
    name: str
    genome: str = ""


def demo_table(key: str) -> str:
    """Write a shipped table as CSV: ``"category"``, ``"gc"`` or ``"splice"``.

    Examples
    --------
    >>> demo_table("splice").splitlines()[0]
    'name,sequence,label'
    """
    rows = []
    for one in demo.splice() if key == "splice" else demo.windows():
        bases = one.bases if key == "splice" else one.bases[:_WINDOW]
        label = f"{100 * gc_content(bases):.1f}" if key == "gc" else one.label
        rows.append([one.name, bases, label])
    return csv_text((), ("name", "sequence", "label"), rows)


class DataChooser(VBox):
    """The first part of the form: which data, and what it holds.

    Classes: ``dx-data``; parts ``dx-source``, ``dx-paste``, ``dx-upload``, ``dx-use``,
    ``dx-train-file``, ``dx-dev-file``, ``dx-test-file``, ``dx-genome-file``, ``dx-data-summary``,
    ``dx-data-message``.

    `changed` is called when `chosen` is another. Tables that are no files yet are written to
    `folder`, once there is one. `source` is a key of :data:`DEMOS`, or the path of a table to
    divide.
    """

    def __init__(
        self,
        changed: Callable[[], None],
        guarded: Guard,
        folder: Path,
        source: str = "category",
    ) -> None:
        self._tell, self._guarded, self._folder = changed, guarded, folder
        self.chosen: Chosen | None = None
        self.task = "auto"
        self._files_read: tuple[tuple[str, str, str], str] | None = None
        own_file = source not in DEMOS
        self.source = menu(
            "dx-source",
            [
                *((words, key) for key, words in DEMOS.items()),
                ("My own table: paste or upload", OWN),
                ("Files on this computer", FILES),
            ],
            "What to train on",
            FILES if own_file else source,
        )
        self.paste = Textarea(
            placeholder="sequence,label\nACGTTGCA…,promoter\nTTGCACGT…,other\n\n"
            "A table with the columns sequence and label (or sequence1, sequence2, label), or "
            "FASTA with label=… in the headers, or BED (names are labels).",
            tooltip="Labelled sequences, pasted",
        ).add_class("dx-paste")
        self.use = self._reader("Use this table", self._on_paste)
        self.upload = FileUpload(
            description="Upload a file", multiple=False, accept=_ACCEPTED
        ).add_class("dx-upload")
        words = hint(
            "Labels may be words, numbers, or several joined by “;”. Nothing leaves this computer."
        )
        self._own = VBox([self.paste, row("dx-add-row", self.use, self.upload, words)]).add_class(
            "dx-own"
        )
        self.train_file = _path_field("train", "training file (CSV, TSV, Parquet, FASTA)")
        self.dev_file = _path_field("dev", "dev file: empty to set 15 % of the training rows aside")
        self.test_file = _path_field("test", "test file: empty to set 15 % aside")
        if own_file:
            self.train_file.value = source
        self.genome_file = _path_field(
            "genome", "genome (FASTA, 2bit): only for BED, or tables of contig, start, end, label"
        )
        self.read = self._reader("Read the files", self._on_files)
        self._files = VBox([self.train_file, self.dev_file, self.test_file, self.read]).add_class(
            "dx-files"
        )
        self.summary = part("dx-data-summary")
        # The genome above the buttons that read: what is typed behind them would come too late.
        super().__init__([self.source, self.genome_file, self._own, self._files, self.summary])
        self.add_class("dx-data")
        on_value(lambda: self._guarded(self._on_source), self.source)
        self.upload.observe(lambda change: self._guarded(lambda: self._on_upload(change)), "value")

    def _reader(self, words: str, act: Callable[[], None]) -> Button:
        return button(words, "dx-use", "", lambda: self._guarded(act), style="primary")

    def start(self) -> None:
        """Read what is chosen at first; called once whoever listens is ready."""
        self._guarded(self._on_files if self.train_file.value else self._on_source)

    def set_task(self, task: str) -> None:
        """Read the same rows as another task (``"auto"`` to tell it from the labels)."""
        if task != self.task:
            self.task = task
            if self._files_read is not None:
                self._read(*self._files_read)

    # A person did something ---------------------------------------------------------------------

    def _on_source(self) -> None:
        key = self.source.value
        show(self._own, key == OWN)
        show(self._files, key == FILES)
        show(self.genome_file, key not in DEMOS)
        if key in DEMOS:
            self._keep(demo_table(key).encode("utf-8"), f"{key}.csv", "the shipped example")
        else:
            self._take(None)

    def _on_paste(self) -> None:
        text = self.paste.value.strip()
        if not text:
            raise InputError("Nothing was pasted yet: paste a table, or upload a file.")
        first = text.splitlines()[0]
        bed = "bed" if self._genome() else "tsv"
        ending = "fa" if first.startswith(">") else bed if "\t" in first else "csv"
        content = f"{text}\n".encode()
        name = f"pasted-{hashlib.sha256(content).hexdigest()[:8]}.{ending}"
        self._keep(content, name, "the pasted table")

    def _on_upload(self, change: Any) -> None:
        for item in change["new"]:
            name = re.sub(r"[^A-Za-z0-9._-]+", "_", Path(str(item["name"])).name).lstrip("._")
            self._keep(bytes(item["content"]), name or "table.csv", str(item["name"]))

    def _keep(self, content: bytes, file: str, name: str) -> None:
        """Write a table that is no file yet, so that the code on show can name it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / file
        if not path.is_file() or path.read_bytes() != content:
            with replacing(path) as partial:
                partial.write_bytes(content)
        self._read((str(path), "", ""), name)

    def _on_files(self) -> None:
        show(self._own, False)
        show(self._files, True)
        show(self.genome_file, True)
        fields = (self.train_file, self.dev_file, self.test_file)
        train, dev, test = (
            str(expanded(path)) if (path := one.value.strip()) else "" for one in fields
        )
        if not train:
            raise InputError("No training file is named yet: type the path of a table.")
        self._read((train, dev, test), Path(train).name)

    def _genome(self) -> str:
        """Path that was typed; the shipped examples are sequences."""
        typed = self.genome_file.value.strip()
        return str(expanded(typed)) if typed and self.source.value not in DEMOS else ""

    # What was chosen ----------------------------------------------------------------------------

    def _read(self, files: tuple[str, str, str], name: str) -> None:
        from ...training.finetune import FinetuneConfig
        from ...training.finetune.data import read_splits

        self._files_read = files, name
        self._take(None)  # what was there before must not be trained on by mistake
        train, dev, test = files
        genome = self._genome()
        config = FinetuneConfig(
            model="", out="", train=train, dev=dev, test=test, genome=genome, task=self.task,
            dev_share=SHARE, test_share=SHARE,
        )  # fmt: skip
        try:
            splits = read_splits(config)
        except InputError as error:
            # Of a pasted table, the person knows no file.
            raise InputError(str(error).replace(train, name)) from error
        self._take(Chosen(files, splits, name, genome))

    def _take(self, chosen: Chosen | None) -> None:
        self.chosen = chosen
        self.summary.value = "" if chosen is None else _summary(chosen)
        self._tell()


def _path_field(side: str, words: str) -> Text:
    return field(f"dx-{side}-file", words, words)


def _summary(chosen: Chosen) -> str:
    """Say how many sequences there are, of which labels and lengths."""
    splits = chosen.splits
    train = splits.train
    sides = [("to train on", train), ("to choose by (dev)", splits.dev), ("to test", splits.test)]
    counts = " · ".join(
        f"<b>{len(part):,}</b> {words}" for words, part in sides if part is not None
    )
    if splits.test is None:
        counts += " · none to test"
    lengths = np.array([len(one) for one in train.bases])
    spans = f"{lengths.min():,}" + (f"–{lengths.max():,}" if np.ptp(lengths) else "")
    if train.task == "regression":
        what = (
            f"A number from {np.min(train.labels):.4g} to {np.max(train.labels):.4g}, "
            f"mean {np.mean(train.labels):.4g}."
        )
    elif train.task == "classification":
        what = _bars(Counter(train.classes[int(i)] for i in train.labels), len(train))
    else:
        each = zip(train.classes, np.sum(train.labels, axis=0).tolist(), strict=True)
        what = "Several labels each: " + _bars(Counter(dict(each)), len(train))
    pairs = " in pairs" if train.second is not None else ""
    notes = "; ".join(splits.notes)
    return (
        f"<div>{counts}; {spans} bp{pairs}.</div><div class='dx-class-bars'>{what}</div>"
        f"<div class='dx-hint'>{escape(notes[:1].upper() + notes[1:])}.</div>"
    )


def _bars(shares: Counter[str], total: int) -> str:
    """Draw the share of each class as a bar in its colour."""
    palette = class_colours(shares)
    most = shares.most_common(12)
    rows = "".join(
        f"<span class='dx-class-bar'><i style='width:{max(3, round(90 * n / total))}px;"
        f"background:{palette[name]}'></i>{escape(name)} {n / total:.0%}</span>"
        for name, n in most
    )
    more = len(shares) - len(most)
    return rows + (f"<span class='dx-hint'>and {more} more</span>" if more else "")
