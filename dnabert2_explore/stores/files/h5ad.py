"""The file format of AnnData, written row by row.

anndata's own writer wants coordinates and their names in memory at once; its format is documented
(https://anndata.readthedocs.io, "On-disk format") and plain HDF5, so h5py writes it here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..layout import COORDINATES
from ..store import EmbeddingStore

__all__ = ["write_h5ad", "write_rows"]


def write_h5ad(store: EmbeddingStore, path: Path) -> None:
    """Write a finished store as AnnData; raise InputError where h5py is not installed."""
    h5py = _h5py()
    n, deepest = store.n_windows, max(store.layers)
    with h5py.File(path, "w") as file:
        _mark(file, "anndata", "0.1.0")
        vectors = {}
        obsm = _group(file, "obsm")
        for layer in store.layers:
            parent, name = (file, "X") if layer == deepest else (obsm, f"layer_{layer}")
            vectors[layer] = _empty(parent, name, (n, store.hidden), "float32")
        obs = _frame(file, "obs", list(COORDINATES))
        names = _empty(obs, "_index", (n,), h5py.string_dtype(), "string-array")
        record = obs.create_group("record")
        _mark(record, "categorical", "0.2.0", ordered=False)
        _strings(record, "categories", store.names)
        columns = {
            name: _empty(record, "codes", (n,), dtype)
            if name == "record"
            else _empty(obs, name, (n,), dtype)
            for name, (dtype, _) in COORDINATES.items()
        }
        for rows in store.plan.blocks(store.hidden):
            for layer, dataset in vectors.items():
                dataset[rows] = store.vectors(layer)[rows]
            where = store.coordinates(rows.start, rows.stop)
            for name, dataset in columns.items():
                values = where["record"].cat.codes if name == "record" else where[name]
                dataset[rows] = values.to_numpy()
            names[rows] = [
                f"{name}:{start}-{end}"
                for name, start, end in zip(
                    where["record"], where["start"], where["end"], strict=True
                )
            ]
        _finish(file, store.hidden, store.attributes)


def write_rows(
    path: Path,
    names: Sequence[str],
    vectors: NDArray[np.float32],
    columns: Mapping[str, Sequence[str]],
    uns: Mapping[str, Any],
) -> None:
    """Write vectors in memory (rows, hidden) as AnnData, with `columns` of what is known of rows.

    `uns` says how they were made. Raises InputError where h5py is not installed.
    """
    h5py = _h5py()
    with h5py.File(path, "w") as file:
        _mark(file, "anndata", "0.1.0")
        _group(file, "obsm")
        _mark(file.create_dataset("X", data=vectors), "array", "0.2.0")
        kept = {name.replace("/", "_"): values for name, values in columns.items()}
        obs = _frame(file, "obs", list(kept))
        _strings(obs, "_index", names)
        for name, values in kept.items():
            _strings(obs, name, values)
        _finish(file, vectors.shape[1], uns)


def _h5py() -> Any:
    try:
        import h5py
    except ImportError:
        raise InputError(
            "Writing .h5ad needs h5py, which is not installed: run 'pip install h5py'."
        ) from None
    return h5py


def _finish(file: Any, hidden: int, uns: Mapping[str, Any]) -> None:
    """Write what a file has beside its rows."""
    var = _frame(file, "var", [])
    _strings(var, "_index", [str(feature) for feature in range(hidden)])
    for empty in ("layers", "obsp", "varm", "varp"):
        _group(file, empty)
    _put(file, "uns", uns)


def _mark(element: Any, kind: str, version: str, **more: Any) -> None:
    element.attrs.update({"encoding-type": kind, "encoding-version": version, **more})


def _group(parent: Any, name: str) -> Any:
    group = parent.create_group(name)
    _mark(group, "dict", "0.1.0")
    return group


def _frame(parent: Any, name: str, columns: list[str]) -> Any:
    frame = parent.create_group(name)
    _mark(frame, "dataframe", "0.2.0", _index="_index")
    frame.attrs["column-order"] = np.array(columns, dtype=_h5py().string_dtype())
    return frame


def _empty(parent: Any, name: str, shape: tuple[int, ...], dtype: Any, kind: str = "array") -> Any:
    dataset = parent.create_dataset(name, shape=shape, dtype=dtype)
    _mark(dataset, kind, "0.2.0")
    return dataset


def _strings(parent: Any, name: str, values: Iterable[str]) -> None:
    import h5py

    data = np.array(list(values), dtype=object)
    _mark(
        parent.create_dataset(name, data=data, dtype=h5py.string_dtype()), "string-array", "0.2.0"
    )


def _put(parent: Any, key: str, value: Any) -> None:
    """Write what JSON holds; null is left out, since anndata before 0.12 cannot read it."""
    name = key.replace("/", "_")  # which HDF5 takes for a path
    if isinstance(value, Mapping):
        group = _group(parent, name)
        for inner, content in value.items():
            _put(group, inner, content)
    elif isinstance(value, str):
        _mark(parent.create_dataset(name, data=value), "string", "0.2.0")
    elif isinstance(value, bool | int | float):
        _mark(parent.create_dataset(name, data=value), "numeric-scalar", "0.2.0")
    elif isinstance(value, list) and all(isinstance(one, bool | int | float) for one in value):
        _mark(parent.create_dataset(name, data=np.array(value)), "array", "0.2.0")
    elif isinstance(value, list):
        _strings(parent, name, [one if isinstance(one, str) else str(one) for one in value])
