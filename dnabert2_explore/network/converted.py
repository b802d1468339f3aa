"""Weights in another number type than their file's, still shared by all processes."""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from ..folders import cache_folder

__all__ = ["LARGE", "convert"]

#: Bytes from which a copy on disk is worth its place; smaller weights are converted in memory.
LARGE = 64 << 20


def convert(
    state: dict[str, torch.Tensor], source: Path, dtype: torch.dtype, shared: bool
) -> dict[str, torch.Tensor]:
    """Return weights in a number type.

    Weights that have it already stay mapped from their file, which the processes of a machine
    share. Others would be a private copy of every process; large ones are therefore written to the
    cache once, and mapped from there.

    Parameters
    ----------
    state : dict of str to torch.Tensor
    source : pathlib.Path
        The file they were read from.
    dtype : torch.dtype
    shared : bool
        Whether a copy on disk helps: not where the weights move on to a GPU.

    Warns
    -----
    UserWarning
        If the copy cannot be written: each process then has its own in memory.
    """
    if all(tensor.dtype == dtype for tensor in state.values()):
        return state
    size = sum(tensor.numel() for tensor in state.values()) * dtype.itemsize
    folder = cache_folder()
    if not shared or size < LARGE or folder is None:
        return {name: tensor.to(dtype) for name, tensor in state.items()}
    place = hashlib.sha256(str(source.resolve()).encode()).hexdigest()[:16]
    status = source.stat()
    stamp = f"{status.st_size:x}-{status.st_mtime_ns:x}"
    kind = str(dtype).removeprefix("torch.")
    copy = folder / "weights" / f"{place}-{kind}-{stamp}.safetensors"
    if not copy.exists():
        converted = {name: tensor.to(dtype).contiguous() for name, tensor in state.items()}
        try:
            _write(converted, copy)
        except OSError as error:
            warnings.warn(
                f"The {kind} copy of {source} cannot be written to {copy.parent} ({error}), so "
                "this process keeps its own in memory: make room there, or name another folder in "
                "DNABERT2_EXPLORE_CACHE.",
                stacklevel=2,
            )
            return converted
        for older in copy.parent.glob(f"{place}-{kind}-*.safetensors"):
            if older != copy:
                older.unlink(missing_ok=True)
    return load_file(copy)


def _write(state: dict[str, torch.Tensor], path: Path) -> None:
    """Write a file that other processes see whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Tensors that share memory (a tied decoder) are written twice: safetensors refuses them.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    os.close(handle)
    temporary = Path(name)
    try:
        save_file({key: tensor.clone() for key, tensor in state.items()}, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
