"""Sequence files -> the stretches of A, C, G and T in them, in memory or mapped from a cache."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...results.digests import sha256_of, stamp_of
from ...results.sealed import read_json, write_json
from ...sequences import iter_sequences
from ...sequences.annotation.regions import is_bed, iter_bed
from ...sequences.codes import BASE_CODES, UNKNOWN, UPPER_T
from ...sequences.reading.fasta import Line, fasta_lines
from ...sequences.reading.formats import parse_format
from ...sequences.reading.letters import SourceWarnings, read_words
from ...sequences.reading.opening import is_twobit, open_path
from ...sequences.reading.read import filled_lines, suffix_of, told_kind
from ...sequences.reading.table import SEQUENCE_COLUMNS, Table
from .species import GenomeFile

__all__ = ["CUTS", "SpeciesBases", "open_species"]

#: How a genome is cut into pieces: random windows, a grid of equal segments, whole records.
CUTS = ("random", "segments", "records")

#: Characters handled at once: what reading a chromosome takes in memory.
_CHUNK = 1 << 20
#: Seconds after which a half-made cache folder is nobody's any more.
_FORGOTTEN = 24 * 3600
_LAYOUT = 2


@dataclass(frozen=True, slots=True, eq=False)
class SpeciesBases:
    """All usable stretches of one species, laid end to end.

    Parameters
    ----------
    category, species : str
        Names from the table.
    bases : (n,) uint8
        ASCII codes of A, C, G and T; mapped from a file where the corpus has a cache.
    starts, lengths : (stretches,) int64
        Every stretch between two unknown bases or record ends, at least ``shortest`` long.
    shortest : int
        Windows start no closer than this to the end of their stretch; for the cut "segments" the
        bases of a segment.
    weight : float or None
        From the table.
    cut : {"random", "segments", "records"}
        See :class:`~dnabert2_explore.training.corpus.windows.Corpus`.
    left_out : int
        Bases in stretches shorter than ``shortest``.
    sha256 : str
        Digest of all stretches that the files hold.
    """

    category: str
    species: str
    bases: NDArray[np.uint8]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    shortest: int
    weight: float | None = None
    cut: str = "random"
    left_out: int = 0
    sha256: str = ""

    @property
    def positions(self) -> NDArray[np.int64]:
        """Cumulative number of pieces that can be drawn, one entry a stretch."""
        if self.cut == "segments":
            return np.cumsum(self.lengths // self.shortest)
        if self.cut == "records":
            return np.arange(1, len(self.lengths) + 1, dtype=np.int64)
        return np.cumsum(self.lengths - self.shortest + 1)

    def __len__(self) -> int:
        return len(self.bases)


def open_species(
    files: list[GenomeFile], shortest: int, cache: Path | None = None, cut: str = "random"
) -> SpeciesBases:
    """Read the files of one species, or map what an earlier run read.

    Stretches below `shortest` bases are left out. In the folder `cache` bases are kept
    memory-mapped (one byte a base, one folder a species, made as needed and anew when a file
    changes); without one they are held in memory. `cut` is one of `CUTS`. A file that cannot be
    read, or a cache that cannot be written, is an `InputError`.
    """
    first = files[0]
    if cache is None:
        held = bytearray()
        lengths, left_out = _collect(files, shortest, held.extend)
        bases = np.frombuffer(held, dtype=np.uint8)
        sha256 = hashlib.sha256(held).hexdigest()
    else:
        bases, lengths, left_out, sha256 = _mapped(files, shortest, cache)
    starts = np.cumsum(lengths) - lengths
    return SpeciesBases(
        first.category, first.species, bases, starts, lengths, shortest, first.weight, cut,
        left_out, sha256,
    )  # fmt: skip


def _mapped(
    files: list[GenomeFile], shortest: int, cache: Path
) -> tuple[NDArray[np.uint8], NDArray[np.int64], int, str]:
    sources = [
        (str(path.resolve()), *stamp_of(path))
        for f in files
        for path in (f.path, f.genome)
        if path is not None
    ]
    about: dict[str, Any] = {"layout": _LAYOUT, "shortest": shortest, "sources": sources}
    digest = hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]
    name = re.sub(r"[^\w.-]+", "_", files[0].species)[:60]
    folder = cache / f"{name}-{digest}"
    if not folder.is_dir():
        try:
            _make(files, shortest, folder, about)
        except OSError as error:
            raise InputError(
                f"{folder}: the cache of {files[0].species} cannot be written "
                f"({error.strerror or error}); free space, or set another cache folder."
            ) from error
    path = folder / "bases.u8"
    try:
        lengths = np.load(folder / "lengths.npy", allow_pickle=False)
        about = read_json(folder / "about.json")
        left_out, sha256 = int(about["left_out"]), str(about["sha256"])
        whole = path.stat().st_size == lengths.sum() and sha256_of(path) == sha256
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"the cache {folder} cannot be read ({error}); remove it.") from error
    if not whole:
        raise InputError(f"{path} is damaged: it is not what was written; remove {folder}.")
    if not len(lengths):  # an empty file cannot be mapped
        return np.empty(0, dtype=np.uint8), lengths, left_out, sha256
    return np.memmap(path, dtype=np.uint8, mode="r"), lengths, left_out, sha256


def _make(files: list[GenomeFile], shortest: int, folder: Path, about: dict[str, Any]) -> None:
    """Write a species' cache under another name and rename it when it is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in folder.parent.glob(".making-*"):  # by runs that were killed
        if time.time() - left.stat().st_mtime > _FORGOTTEN:
            shutil.rmtree(left, ignore_errors=True)
    making = Path(tempfile.mkdtemp(prefix=".making-", dir=folder.parent))
    try:
        with (making / "bases.u8").open("wb") as out:
            digest = hashlib.sha256()

            def write(bases: bytes) -> None:
                out.write(bases)
                digest.update(bases)

            lengths, left_out = _collect(files, shortest, write)
        np.save(making / "lengths.npy", lengths)
        about |= {"left_out": left_out, "sha256": digest.hexdigest()}
        write_json(making / "about.json", about)
        making.chmod(0o755)
        try:
            os.rename(making, folder)
        except OSError:
            if not folder.is_dir():  # else another run was quicker with the same content
                raise
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _collect(
    files: list[GenomeFile], shortest: int, write: Callable[[bytes], object]
) -> tuple[NDArray[np.int64], int]:
    """Write the usable stretches of all files; return their lengths, and the bases left out."""
    stretches = _Stretches(shortest, write)
    for file in files:
        for chunk in _stretches(file) if _is_bed(file) else _chunks(file.path):
            if chunk is None:
                stretches.close()
            else:
                stretches.feed(chunk)
    return np.array(stretches.lengths, dtype=np.int64), stretches.left_out


class _Stretches:
    """Runs of A, C, G, T of at least `shortest` bases, from text that comes in chunks."""

    def __init__(self, shortest: int, write: Callable[[bytes], object]) -> None:
        self.lengths: list[int] = []
        self.left_out = 0
        self._shortest, self._write = shortest, write
        # Of the run that is open; what it holds is not written yet.
        self._length, self._held = 0, list[bytes]()

    def feed(self, text: bytes) -> None:
        upper = text.translate(UPPER_T)
        known = BASE_CODES[np.frombuffer(upper, dtype=np.uint8)] != UNKNOWN
        edges = np.flatnonzero(np.diff(np.concatenate(([False], known, [False]))))
        if known.size and not known[0]:
            self.close()
        for start, end in edges.reshape(-1, 2).tolist():
            self._extend(upper[start:end])
            if end < len(upper):
                self.close()

    def _extend(self, run: bytes) -> None:
        self._length += len(run)
        if self._length < self._shortest:
            self._held.append(run)
            return
        for part in self._held:
            self._write(part)
        self._held.clear()
        self._write(run)

    def close(self) -> None:
        if self._length >= self._shortest:
            self.lengths.append(self._length)
        else:
            self.left_out += self._length
        self._length = 0
        self._held.clear()


def _is_bed(file: GenomeFile) -> bool:
    """Whether a file names stretches of its genome."""
    if file.genome is None or is_twobit(file.path):
        return False
    with open_path(file.path) as text:
        return is_bed("".join(islice(text, 50)))


def _stretches(file: GenomeFile) -> Iterator[bytes | None]:
    """Letters of the stretches of a genome that a BED file names."""
    assert file.genome is not None
    yield from _each(record.bases for record in iter_bed(file.path, file.genome))


def _chunks(path: Path) -> Iterator[bytes | None]:
    """Letters of a file that `read_sequences` reads; None where a record ends.

    Looser than that on purpose: names do not matter here (alignment blocks repeat them), and
    whatever is not A, C, G or T, gaps included, merely ends a stretch.
    """
    name = str(path)
    if is_twobit(path):
        yield from _each(record.bases for record in iter_sequences(path))
        return
    with open_path(path) as text:
        kind, lines = told_kind(text, name, suffix_of(name))
        told = SourceWarnings(name)
        if kind == "fasta":
            yield from _fasta_chunks(lines, told)
        elif kind == "table":
            table = Table(lines, name)
            table.need_sequences()
            columns = [column for column in table.columns if column in SEQUENCE_COLUMNS]
            yield from _each(
                read_words(cells[column], told, f", line {number}")
                for number, cells in table
                for column in columns
            )
        elif kind == "lines":  # a sequence each
            filled = filled_lines(lines, name)
            yield from _each(read_words(line, told, f", line {number}") for number, line in filled)
        else:
            yield from _each(record.bases for record in parse_format(lines, kind, name))


def _each(texts: Iterable[str]) -> Iterator[bytes | None]:
    """Letters of texts that are a record each."""
    for text in texts:
        yield _encode(text)
        yield None


def _encode(text: str) -> bytes:
    # latin-1: one byte a character whatever stands in the file; odd ones are not ACGT
    return text.encode("latin-1", "replace")


def _fasta_chunks(lines: Iterator[str], told: SourceWarnings) -> Iterator[bytes | None]:
    """Read FASTA by chunks, so that a chromosome need not fit in memory."""
    body: list[str] = []
    size, begun = 0, False
    for number, kind, text in fasta_lines(lines, told.source):
        if kind is Line.header:
            if body:
                yield _encode("".join(body))
            if begun:
                yield None
            body, size, begun = [], 0, True
        elif kind is Line.bases:
            body.append(read_words(text, told, f", line {number}"))
            size += len(text)
            if size >= _CHUNK:
                yield _encode("".join(body))
                body, size = [], 0
    if body:
        yield _encode("".join(body))
    yield None
