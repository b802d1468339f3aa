"""Weights in another number type than their file's, still shared by all processes."""

from __future__ import annotations

import contextlib
import hashlib
import time
from pathlib import Path

import torch
from safetensors import SafetensorError

from ...common.folders import cache_folder
from ...errors import CheckpointError, warn
from ...results.digests import Stamp, sha256_of, stamp_of
from .weights import read_weights, save_weights

__all__ = ["LARGE", "convert"]

#: Bytes from which a copy on disk is worth its place; smaller weights are converted in memory.
LARGE = 64 << 20

_FORGOTTEN = 600  # seconds after which nobody is still writing a partial file


def convert(
    state: dict[str, torch.Tensor],
    source: Path,
    stamp: Stamp,
    dtype: torch.dtype,
    shared: bool,
) -> dict[str, torch.Tensor]:
    """Return weights in a number type.

    Weights that have it already stay mapped from their file, which the processes of a machine
    share. Others would be a private copy of every process; large ones are therefore written to the
    cache once, and mapped from there. The copy belongs to the content of the file, not to its name,
    size or time: other weights that come to lie there have a copy of their own.

    `stamp` says how the file `source` stood before it was read; `shared` whether a copy on disk
    helps: not where the weights move on to a GPU. If the copy cannot be written, an
    `ExploreWarning` says that each process has its own in memory.
    """
    if all(tensor.dtype == dtype for tensor in state.values()):
        return state
    size = sum(tensor.numel() for tensor in state.values()) * dtype.itemsize
    folder = cache_folder()
    if not shared or size < LARGE or folder is None:
        return {name: tensor.to(dtype) for name, tensor in state.items()}
    kind = str(dtype).removeprefix("torch.")
    content = _content(source, stamp)
    if content is None:
        return {name: tensor.to(dtype) for name, tensor in state.items()}
    place = hashlib.sha256(str(source.resolve()).encode()).hexdigest()[:16]
    copy = folder / "weights" / f"{place}-{kind}-{content[:32]}.safetensors"
    mapped = _read(copy)
    if mapped is None:
        converted = {name: tensor.to(dtype).contiguous() for name, tensor in state.items()}
        try:
            copy.parent.mkdir(parents=True, exist_ok=True)
            # Tensors that share memory (a tied decoder) are written twice: it refuses them.
            save_weights({name: tensor.clone() for name, tensor in converted.items()}, copy)
        except OSError as error:
            warn(
                f"The {kind} copy of {source} cannot be written to {copy.parent} ({error}), so "
                "this process keeps its own in memory: make room there, or name another folder in "
                "DNABERT2_EXPLORE_CACHE.",
            )
            return converted
        _sweep(copy, f"{place}-{kind}-*.safetensors")
        mapped = read_weights(copy)
    return mapped


def _content(source: Path, stamp: Stamp) -> str | None:
    """Digest of a file; None where it is no longer the file that was read."""
    try:
        content = sha256_of(source)
        return content if stamp_of(source) == stamp else None
    except OSError:
        return None


def _read(copy: Path) -> dict[str, torch.Tensor] | None:
    """Map a copy; None where there is none, or it is damaged."""
    if not copy.exists():
        return None
    try:
        return read_weights(copy)
    except (SafetensorError, CheckpointError):
        return None


def _sweep(copy: Path, pattern: str) -> None:
    """Remove the copies of older weights, and what killed processes left half written."""
    old = [path for path in copy.parent.glob(pattern) if path != copy]
    old += [
        path
        for pattern in (".*.part", ".*.safetensors")
        for path in copy.parent.glob(pattern)
        if time.time() - path.stat().st_mtime > _FORGOTTEN
    ]
    for path in old:
        # Windows keeps a file that another process has mapped; it goes the next time.
        with contextlib.suppress(OSError):
            path.unlink()
