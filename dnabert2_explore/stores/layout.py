"""The folders and arrays of a store, as a Zarr v3 group.

``done`` is the only truth about what is finished: its chunk file for a chunk of windows is written
after all others. Every file belongs to one chunk of windows, so that two processes never write to
the same one. The group's attributes are written after all arrays exist: a store without them was
not finished being made.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .plan import WindowPlan

__all__ = ["COORDINATES", "chunk_files", "discard_unfinished", "done_chunks", "layer_name", "make"]

#: Arrays with one value a window: type and what rows hold that are not written yet.
COORDINATES = {
    "record": ("int32", -1),
    "start": ("int64", -1),
    "end": ("int64", -1),
    "strand": ("int8", 0),
    "unknown": ("int32", -1),
}
_KNOWN = {"zarr.json", "embeddings", "done", *COORDINATES}


def layer_name(layer: int) -> str:
    """Return the path of a layer's array within the store."""
    return f"embeddings/layer_{layer}"


def make(
    path: Path,
    plan: WindowPlan,
    layers: tuple[int, ...],
    hidden: int,
    attributes: Mapping[str, Any],
) -> None:
    """Make an empty store; an OSError leaves one that :func:`discard_unfinished` knows."""
    import zarr

    group = zarr.create_group(path, zarr_format=3)
    n, rows = plan.n_windows, plan.rows_per_chunk
    for layer in layers:
        group.create_array(
            layer_name(layer),
            shape=(n, hidden),
            chunks=(rows, hidden),
            dtype="float32",
            fill_value=math.nan,
            dimension_names=("window", "feature"),
        )
    for name, (dtype, fill) in COORDINATES.items():
        group.create_array(
            name,
            shape=(n,),
            chunks=(rows,),
            dtype=dtype,
            fill_value=fill,
            dimension_names=("window",),
        )
    group.create_array(
        "done",
        shape=(plan.n_chunks,),
        chunks=(1,),
        dtype="uint8",
        fill_value=0,
        dimension_names=("chunk",),
    )
    group.update_attributes(dict(attributes))


def discard_unfinished(path: Path) -> bool:
    """Remove a store that was killed while it was made; return False where it is anything else.

    Such a store holds metadata and no data: whatever else lies in a folder is never touched.
    """
    for folder, _, files in os.walk(path):
        where = Path(folder).relative_to(path)
        if where.parts and where.parts[0] not in _KNOWN:
            return False
        for name in files:
            partial = name.startswith("zarr.") and name.endswith(".partial")
            if name != "zarr.json" and not partial:
                return False
    for name in _KNOWN:
        entry = path / name
        if entry.is_dir():
            shutil.rmtree(entry)
    for entry in path.iterdir():  # zarr.json and its partial copies
        entry.unlink()
    return True


def done_chunks(path: Path) -> set[int]:
    """Return the chunks that are finished.

    Only the value 1 is ever written, so a chunk file of ``done`` that is there says it all; listing
    the folder is far quicker than reading a file a chunk.
    """
    try:
        with os.scandir(path / "done" / "c") as entries:
            # A file may be empty after a power cut, which can lose what was not flushed.
            return {int(e.name) for e in entries if e.name.isdigit() and e.stat().st_size}
    except FileNotFoundError:  # Zarr makes the folder with the first chunk
        return set()


def chunk_files(path: Path, index: int, layers: tuple[int, ...]) -> list[Path]:
    """Return where the data of a chunk lie; Zarr writes no file where all values are the fill."""
    files = [path / layer_name(layer) / "c" / str(index) / "0" for layer in layers]
    return [*files, *(path / name / "c" / str(index) for name in COORDINATES)]
