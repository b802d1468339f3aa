"""A selection as files: FASTA, CSV, AnnData, and a training set."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence as Items
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ....sequences import Sequence, gc_content
from ....stores.files.h5ad import write_rows
from ...core.code import csv_text

__all__ = ["CHOSEN", "REST", "as_csv", "as_fasta", "as_h5ad", "as_training_csv"]

#: Labels of a training set.
CHOSEN, REST = "chosen", "rest"
_LINE = 80


def as_fasta(sequences: Iterable[Sequence]) -> str:
    r"""Write FASTA, 80 bases a line.

    Examples
    --------
    >>> as_fasta([Sequence("a", "ACGT", description="of a\nvirus")])
    '>a of a virus\nACGT\n'
    """
    lines = []
    for one in sequences:
        lines.append(">" + " ".join(f"{one.name} {one.description}".split()))
        lines += [one.bases[i : i + _LINE] for i in range(0, len(one.bases), _LINE)]
    return "\n".join(lines) + "\n"


def _columns(sequences: Items[Sequence]) -> list[str]:
    own = ("name", "label", "length", "gc", "sequence", "description")
    return [n for n in dict.fromkeys(n for s in sequences for n in s.fields) if n not in own]


def as_csv(sequences: Items[Sequence]) -> str:
    """Write a table with ``sequence``, which `read_sequences` reads again; GC in per cent."""
    columns = _columns(sequences)
    rows = (
        [
            s.name, s.label or "", *(s.fields.get(c, "") for c in columns), len(s),
            f"{100 * gc_content(s.bases):.2f}", s.bases,
        ]
        for s in sequences
    )  # fmt: skip
    return csv_text((), ["name", "label", *columns, "length", "gc", "sequence"], rows)


def as_training_csv(chosen: Items[Sequence], rest: Items[Sequence]) -> str:
    """Write ``sequence,label,name``, as `finetune` reads it: labels "chosen" and "rest"."""
    rows = (
        [s.bases, label, s.name] for label, part in ((CHOSEN, chosen), (REST, rest)) for s in part
    )
    return csv_text((), ("sequence", "label", "name"), rows)


def as_h5ad(
    sequences: Items[Sequence], vectors: NDArray[np.float32], about: dict[str, str]
) -> bytes:
    """Write AnnData: ``X`` the vectors, ``obs`` what is known of the sequences.

    InputError if h5py is not installed.
    """
    columns = {"label": [s.label or "" for s in sequences]}
    columns |= {c: [str(s.fields.get(c, "")) for s in sequences] for c in _columns(sequences)}
    columns["sequence"] = [s.bases for s in sequences]
    with tempfile.TemporaryDirectory(prefix="dnabert2-atlas-") as folder:
        path = Path(folder, "chosen.h5ad")
        write_rows(path, [s.name for s in sequences], vectors, columns, about)
        return path.read_bytes()
