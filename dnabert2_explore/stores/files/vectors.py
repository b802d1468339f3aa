"""One vector a sequence, in a file that other programs read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence as Items
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...common.delimited import cell, rows_writer
from ...common.files import replacing
from ...errors import InputError
from ...sequences import Sequence

__all__ = ["VECTOR_SUFFIXES", "write_vectors"]

Vectors = NDArray[np.float32]


def write_vectors(
    path: Path, sequences: Items[Sequence], vectors: Vectors, about: Mapping[str, Any]
) -> None:
    """Write vectors with the names and labels of their sequences, whole or not at all.

    - ``.npz``: ``names``, ``embeddings``, ``labels`` where there are any, ``about`` (JSON);
    - ``.parquet``: ``name``, ``label``, ``embedding``; ``about`` in the metadata;
    - ``.csv``, ``.tsv``: ``name``, ``label``, ``e0``, ``e1``, …, with nine digits, which give back
      the same float32;
    - ``.npy``: the vectors alone;
    - ``.h5ad`` (AnnData; the extra ``[anndata]``): ``X``, ``obs`` by name with ``label`` and all
      other columns of the source, ``uns["about"]``.

    `about` is how they were made. Raises InputError where the suffix is another, or h5py is not
    installed.
    """
    if path.suffix not in _WRITERS:
        raise InputError(
            f"{path}: a name ending in {', '.join(VECTOR_SUFFIXES)} says what to write."
        )
    with replacing(path) as temporary:
        _WRITERS[path.suffix](temporary, sequences, vectors, about)


def _labelled(sequences: Items[Sequence]) -> bool:
    return any(sequence.label is not None for sequence in sequences)


def _npz(
    path: Path, sequences: Items[Sequence], vectors: Vectors, about: Mapping[str, Any]
) -> None:
    arrays: dict[str, Any] = {
        "names": np.array([sequence.name for sequence in sequences], dtype=np.str_),
        "embeddings": vectors,
        "about": np.array(json.dumps(about)),
    }
    if _labelled(sequences):
        arrays["labels"] = np.array([sequence.label or "" for sequence in sequences], dtype=np.str_)
    with path.open("wb") as file:
        np.savez(file, **arrays)


def _npy(
    path: Path, sequences: Items[Sequence], vectors: Vectors, about: Mapping[str, Any]
) -> None:
    with path.open("wb") as file:
        np.save(file, vectors)


def _parquet(
    path: Path, sequences: Items[Sequence], vectors: Vectors, about: Mapping[str, Any]
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = {"name": [sequence.name for sequence in sequences]}
    if _labelled(sequences):
        columns["label"] = [sequence.label for sequence in sequences]
    columns["embedding"] = pa.FixedSizeListArray.from_arrays(
        pa.array(vectors.ravel()), vectors.shape[1]
    )
    table = pa.table(columns)
    pq.write_table(table.replace_schema_metadata({"about": json.dumps(about)}), path)


def _csv(
    path: Path, sequences: Items[Sequence], vectors: Vectors, about: Mapping[str, Any]
) -> None:
    labelled = _labelled(sequences)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = rows_writer(file, "\t" if path.suffix == ".tsv" else ",")
        head = ["name", *(["label"] if labelled else [])]
        writer.writerow([*head, *(f"e{number}" for number in range(vectors.shape[1]))])
        for sequence, vector in zip(sequences, vectors, strict=True):
            said = [sequence.name, *([sequence.label or ""] if labelled else [])]
            writer.writerow([*map(cell, said), *(f"{value:.9g}" for value in vector.tolist())])


def _h5ad(
    path: Path, sequences: Items[Sequence], vectors: Vectors, about: Mapping[str, Any]
) -> None:
    from .h5ad import write_rows

    columns: dict[str, list[str]] = {}
    if _labelled(sequences):
        columns["label"] = [sequence.label or "" for sequence in sequences]
    for name in dict.fromkeys(name for sequence in sequences for name in sequence.fields):
        columns[name] = [one.fields.get(name, "") for one in sequences]
    names = [sequence.name for sequence in sequences]
    write_rows(path, names, vectors, columns, {"about": dict(about)})


_WRITERS = {
    ".npz": _npz,
    ".parquet": _parquet,
    ".csv": _csv,
    ".tsv": _csv,
    ".npy": _npy,
    ".h5ad": _h5ad,
}
#: What a name may end in.
VECTOR_SUFFIXES = tuple(_WRITERS)
