"""The folders and arrays of a store, as a Zarr v3 group.

``done`` is the only truth about what is finished: its chunk file for a chunk of windows is written
after all others. Every file belongs to one chunk of windows, so that two processes never write to
the same one. An empty store is made under a temporary name beside its place and renamed when it is
whole, so that nobody, another run that starts at once included, ever sees half of one.

Chunk files end in a CRC-32C of their bytes (Zarr's codec ``crc32c``). The attributes of the group
hold a digest of how each array is to be read, and of themselves.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..results.sealed import SEAL, seal
from .filling.plan import WindowPlan

__all__ = [
    "COORDINATES",
    "DOCUMENT",
    "chunk_files",
    "done_chunks",
    "flush",
    "layer_name",
    "make",
    "mark",
    "paths",
    "sweep_partial",
    "written",
]

#: Seconds after which nobody is still writing what lies under a temporary name.
_FORGOTTEN = 600

#: Arrays with one value a window: type and what rows hold that are not written yet.
COORDINATES = {
    "record": ("int32", -1),
    "start": ("int64", -1),
    "end": ("int64", -1),
    "strand": ("int8", 0),
    "unknown": ("int32", -1),
}
#: The file that describes the group, and each array.
DOCUMENT = "zarr.json"

_MAKING = ".making"


def layer_name(layer: int) -> str:
    """Return the path of a layer's array within the store."""
    return f"embeddings/layer_{layer}"


def paths(layers: tuple[int, ...]) -> tuple[str, ...]:
    """Return the paths of all arrays within the store."""
    return (*map(layer_name, layers), *COORDINATES, "done")


def make(
    path: Path,
    plan: WindowPlan,
    layers: tuple[int, ...],
    hidden: int,
    attributes: Mapping[str, Any],
) -> bool:
    """Make an empty store where nothing, or an empty folder, lies.

    False, with ``path`` as it is, where something came to lie there meanwhile.
    """
    path = path.resolve()  # a link stays one, and what it points to is filled
    _sweep(path)
    # Not tempfile.mkdtemp, whose folder nobody else may enter: stores are shared.
    made = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}{_MAKING}")
    try:
        _fill(made, plan, layers, hidden, attributes)
        for file in made.rglob(DOCUMENT):  # else a power cut could keep the name only
            flush(file)
        with suppress(OSError):  # nothing there, or something that stays
            path.rmdir()  # Windows renames to free names only
        try:
            made.rename(path)
        except OSError:
            if not path.exists():
                raise
            return False
        return True
    finally:
        # Where one write failed, other threads of zarr may still be writing here: what vanishes
        # meanwhile is no error to tell in place of the first, and what stays is swept later.
        shutil.rmtree(made, ignore_errors=True)


def _fill(
    path: Path,
    plan: WindowPlan,
    layers: tuple[int, ...],
    hidden: int,
    attributes: Mapping[str, Any],
) -> None:
    import zarr
    from zarr.codecs import Crc32cCodec, ZstdCodec

    from .arrays import layout_digest

    group = zarr.create_group(path, zarr_format=3, attributes=dict(attributes))
    n, rows = plan.n_windows, plan.rows_per_chunk
    # Name to shape, shape of a chunk, what the axes are, type, and what rows hold at first.
    wide = (n, hidden), (rows, hidden), ("window", "feature"), "float32", math.nan
    made: dict[str, tuple[Any, ...]] = {layer_name(layer): wide for layer in layers}
    made |= {name: ((n,), (rows,), ("window",), *kind) for name, kind in COORDINATES.items()}
    made["done"] = (plan.n_chunks,), (1,), ("chunk",), "uint8", 0
    for name, (shape, chunks, axes, dtype, fill) in made.items():
        group.create_array(
            name,
            shape=shape,
            chunks=chunks,
            dtype=dtype,
            fill_value=fill,
            compressors=(ZstdCodec(), Crc32cCodec()),
            dimension_names=axes,
        )
    arrays = {
        name: layout_digest(json.loads((path / name / DOCUMENT).read_text(encoding="utf-8")))
        for name in paths(layers)
    }
    group.attrs[SEAL] = seal({**attributes, "arrays": arrays})[SEAL]
    group.attrs["arrays"] = arrays


def _sweep(path: Path) -> None:
    """Remove what runs left that were killed while they made this store."""
    start = f".{path.name}."
    for entry in path.parent.iterdir():
        middle = entry.name.removeprefix(start).removesuffix(_MAKING)
        if entry.name != f"{start}{middle}{_MAKING}" or "." in middle:
            continue
        with suppress(FileNotFoundError):  # another run was quicker
            if time.time() - entry.stat().st_mtime > _FORGOTTEN:
                # Those of other users may stay: nothing reads them.
                shutil.rmtree(entry, ignore_errors=True)


def flush(file: Path) -> None:
    """Wait until a file is on the disk; a file that is not there counts as written."""
    try:
        handle = os.open(file, os.O_RDWR)  # Windows flushes only what is open for writing
    except FileNotFoundError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def written(array: Path) -> set[int]:
    """Return the chunks of rows of an array that have a file with something in it.

    Listing a folder is far quicker than reading a file a chunk. A file may be empty after a power
    cut, which can lose what was not flushed.
    """
    found = set()
    try:
        with os.scandir(array / "c") as entries:
            for entry in entries:
                if not (entry.name.isascii() and entry.name.isdecimal()):
                    continue
                with suppress(FileNotFoundError):  # of an array with columns, or just removed
                    size = (
                        os.stat(os.path.join(entry.path, "0")) if entry.is_dir() else entry.stat()
                    ).st_size
                    if size:
                        found.add(int(entry.name))
    except FileNotFoundError:  # Zarr makes the folder with the first chunk
        pass
    return found


def sweep_partial(path: Path) -> None:
    """Remove the partial files of killed processes, but for those of the last ten minutes."""
    for file in path.rglob("*.partial"):
        with suppress(FileNotFoundError):  # another run was quicker
            if time.time() - file.stat().st_mtime > _FORGOTTEN:
                file.unlink()


def mark(path: Path, index: int) -> Path:
    """Return where the mark of a finished chunk lies."""
    return path / "done" / "c" / str(index)


def done_chunks(path: Path) -> set[int]:
    """Return the chunks that are marked as finished; only the value 1 is ever written as a mark."""
    return written(path / "done")


def chunk_files(path: Path, index: int, layers: tuple[int, ...]) -> list[Path]:
    """Return where the data of a chunk lie; Zarr writes no file where all values are the fill."""
    files = [path / layer_name(layer) / "c" / str(index) / "0" for layer in layers]
    return [*files, *(path / name / "c" / str(index) for name in COORDINATES)]
