"""Copying a finished store into one file: .h5ad, .parquet or .npz, a block of rows at a time."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ...common.files import expanded, replacing
from ...errors import InputError
from ..errors import StoreError
from ..layout import COORDINATES
from ..store import EmbeddingStore, open_store
from .h5ad import write_h5ad

__all__ = ["SUFFIXES", "export"]


def export(store: EmbeddingStore | str | os.PathLike[str], path: str | os.PathLike[str]) -> Path:
    """Write a finished store to one file, which takes the place of what was there; return its path.

    Memory stays constant however large the store is; ``.npz`` keeps each array whole, so reading it
    back does not. The suffix of the name says in which format:

    - ``.h5ad`` (AnnData; the extra ``[anndata]``): ``X`` the deepest layer, the others in
      ``obsm["layer_i"]``, ``obs`` the coordinates under names like ``chr1:0-1000`` (0-based,
      half-open), ``uns`` how the store was made.
    - ``.parquet``: a row a window with ``record``, ``start``, ``end``, ``strand``, ``unknown`` and
      a list of floats for each ``layer_i``; how it was made is JSON in the metadata, ``about``.
    - ``.npz``: arrays ``record`` (number), ``names`` (of records), ``start``, ``end``, ``strand``,
      ``unknown``, ``layer_i`` and ``about`` (JSON).

    Raises InputError where the suffix is another, the folder does not exist, the store is not
    finished, or a library is missing; StoreError where the file cannot be written, or one of the
    store is damaged.
    """
    target = expanded(path)
    if target.suffix not in _WRITERS:
        raise InputError(
            f"{path} says no format; expected a name that ends in {', '.join(SUFFIXES)}: give one."
        )
    if not target.parent.is_dir() or target.is_dir():
        raise InputError(
            f"{path} is a folder or lies in none that exists; expected the name of a file: make "
            "the folder, or give another name."
        )
    source = store if isinstance(store, EmbeddingStore) else open_store(store)
    n_done, n = source.n_done, source.plan.n_chunks
    if n_done != n:
        raise InputError(
            f"{source.path} is not finished: {n - n_done} of {n} chunks are missing; expected all "
            "of them: run the embedding again, which goes on where it stopped."
        )
    try:
        with replacing(target) as temporary:
            _WRITERS[target.suffix](source, temporary)
    except StoreError:  # a damaged file of the store
        raise
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written ({error.strerror or error}): {source.path} is as it was; "
            "mend that and export again."
        ) from error
    return target


def _write_parquet(store: EmbeddingStore, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = pa.array(store.names)
    types = {name: pa.type_for_alias(kind) for name, (kind, _) in COORDINATES.items()}
    types["record"] = pa.dictionary(pa.int32(), pa.string())
    types |= {f"layer_{i}": pa.list_(pa.float32(), store.hidden) for i in store.layers}
    schema = pa.schema(types, metadata={"about": json.dumps(store.attributes)})
    with pq.ParquetWriter(path, schema) as writer:
        for rows in store.plan.blocks(store.hidden):
            where = store.coordinates(rows.start, rows.stop)
            columns = [
                pa.DictionaryArray.from_arrays(
                    pa.array(where["record"].cat.codes.to_numpy().astype(np.int32)), names
                ),
                *(pa.array(where[name].to_numpy()) for name in list(COORDINATES)[1:]),
            ]
            for layer in store.layers:
                vectors = np.ascontiguousarray(store.vectors(layer)[rows])
                columns.append(
                    pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), store.hidden)
                )
            writer.write_table(pa.table(columns, schema=schema))


def _write_npz(store: EmbeddingStore, path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, (dtype, _) in COORDINATES.items():
            _stream(archive, name, store.array(name), store, (), dtype)
        for layer in store.layers:
            _stream(
                archive, f"layer_{layer}", store.vectors(layer), store, (store.hidden,), "float32"
            )
        for name, value in (("names", store.names), ("about", json.dumps(store.attributes))):
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, np.array(value, dtype=np.str_))


def _stream(
    archive: zipfile.ZipFile,
    name: str,
    array: Any,
    store: EmbeddingStore,
    width: tuple[int, ...],
    dtype: str,
) -> None:
    """Write an array of the store as numpy would, without holding it."""
    header = {
        "descr": np.lib.format.dtype_to_descr(np.dtype(dtype)),
        "fortran_order": False,
        "shape": (store.n_windows, *width),
    }
    with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
        np.lib.format.write_array_header_2_0(file, header)
        for rows in store.plan.blocks(store.hidden):
            file.write(np.ascontiguousarray(array[rows]).tobytes())


_WRITERS = {".h5ad": write_h5ad, ".parquet": _write_parquet, ".npz": _write_npz}
#: What a name may end in.
SUFFIXES = tuple(_WRITERS)
