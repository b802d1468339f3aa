"""Keep sequences out of a corpus by what they are, wherever they stand in it.

What a model is later shown or scored on must not be what it was trained on. Coordinates do not
tell: the same stretch lies in other files, strains and assemblies too. So every place is left out
that shares a 32-mer with one of the sequences, on either strand, with a margin around it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...sequences import reverse_complement
from ...sequences.codes import BASE_CODES
from ..labelled.records import RecordFile
from .stretches import SpeciesBases

__all__ = ["Excluded"]

_K = 32
#: Distinct dinucleotides of a 32-mer that says where it is from; fewer are repeats found anywhere.
_DISTINCT = 9
_CHUNK = 1 << 21


@dataclass(frozen=True, slots=True, eq=False)
class Excluded:
    """The 32-mers of sequences that are kept out.

    `words` (n,), uint64, are sorted, two bits a base, of both strands; `margin` bases are left out
    on either side of each of them; `source` says in words where they come from.
    """

    words: NDArray[np.uint64]
    margin: int
    source: str

    @classmethod
    def of_files(cls, paths: list[str], margin: int) -> Excluded:
        """Read the sequences of files (FASTA, CSV, TSV, Parquet).

        A file that cannot be read, or no 32-mer that says where it is from, is an `InputError`.
        """
        words: list[NDArray[np.uint64]] = []
        count = 0
        for path in paths:
            for record in RecordFile(path):
                count += 1
                for part in record.bases.split("N"):
                    for strand in (part, reverse_complement(part)):
                        words.append(_telling(np.frombuffer(strand.encode(), dtype=np.uint8)))
        found = np.unique(np.concatenate(words)) if words else np.empty(0, dtype=np.uint64)
        if not len(found):
            raise InputError(
                f"{', '.join(map(str, paths))}: no stretch of {_K} known bases to keep out; give "
                "longer sequences, or leave exclude empty."
            )
        names = ", ".join(Path(path).name for path in paths)
        return cls(found, margin, f"{count:,} sequences of {names}")

    def cut_out(self, one: SpeciesBases) -> SpeciesBases | None:
        """Return the species without the places that share a 32-mer, and `margin` around them.

        Stretches that become shorter than ``one.shortest`` are left out; None if none is left.
        """
        starts: list[int] = []
        lengths: list[int] = []
        for start, length in zip(one.starts.tolist(), one.lengths.tolist(), strict=True):
            hits = self._hits(one.bases, start, start + length)
            at = start
            for hit in hits.tolist():
                before = hit - self.margin
                if before - at >= one.shortest:
                    starts.append(at)
                    lengths.append(before - at)
                at = max(at, hit + _K + self.margin)
            if start + length - at >= one.shortest:
                starts.append(at)
                lengths.append(start + length - at)
        if not starts:
            return None
        kept = np.array(lengths, dtype=np.int64)
        lost = int(one.lengths.sum() - kept.sum())
        return replace(
            one,
            starts=np.array(starts, dtype=np.int64),
            lengths=kept,
            left_out=one.left_out + lost,
        )

    def _hits(self, bases: NDArray[np.uint8], start: int, end: int) -> NDArray[np.int64]:
        """Places of shared 32-mers in [start, end), ascending."""
        found = [np.empty(0, dtype=np.int64)]
        for at in range(start, end, _CHUNK):
            words = _words(bases[at : min(at + _CHUNK + _K - 1, end)])
            place = np.searchsorted(self.words, words)
            place[place == len(self.words)] = 0
            found.append(at + np.flatnonzero(self.words[place] == words))
        return np.concatenate(found)


def _words(bases: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Every 32-mer as a number, two bits a base, by doubling: 2, 4, … 32 bases."""
    words = BASE_CODES[bases].astype(np.uint64)
    if len(words) < _K:
        return words[:0]
    size = 1
    while size < _K:
        words = (words[:-size] << np.uint64(2 * size)) | words[size:]
        size *= 2
    return words


def _telling(bases: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return the 32-mers of at least nine different dinucleotides."""
    words = _words(bases)
    if not len(words):
        return words
    codes = BASE_CODES[bases].astype(np.uint64)
    pairs = np.uint64(1) << (codes[:-1] * np.uint64(4) + codes[1:])
    seen = np.lib.stride_tricks.sliding_window_view(pairs, _K - 1)
    distinct = np.bitwise_count(np.bitwise_or.reduce(seen, axis=1))
    return words[distinct >= _DISTINCT]
