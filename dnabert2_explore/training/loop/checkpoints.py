"""Checkpoints of a run that trains: whole or absent."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch

from ...common.files import putting
from ...errors import CheckpointError, InputError, warn
from ...results.digests import sha256_of
from ...results.sealed import read_json, write_json

__all__ = [
    "checkpoint_folder",
    "drop_unfinished",
    "latest_checkpoint",
    "read_checkpoint",
    "write_state",
    "write_whole",
]

Read = TypeVar("Read")

#: The file of a checkpoint that says what it is of; written after all others.
STATE = "state.json"


def latest_checkpoint(run: str | Path) -> Path | None:
    """Newest complete checkpoint of a run folder, if there is one."""
    found = sorted(Path(run, "checkpoints").glob("step-*[0-9]"))
    return found[-1] if found else None


def checkpoint_folder(run: Path, step: int) -> Path:
    """Where the checkpoint after `step` steps is."""
    return run / "checkpoints" / f"step-{step:07d}"


def drop_unfinished(run: Path, *kinds: str) -> None:
    """Drop what a killed run left half-written in some of its folders."""
    for kind in kinds:
        # Hidden while they are written; earlier versions had them as .partial.
        for pattern in (".step-*", "step-*.partial"):
            for folder in (run / kind).glob(pattern):
                shutil.rmtree(folder)


def write_whole(folder: Path, fill: Callable[[Path], None], kept: str) -> None:
    """Fill a folder under another name, then give it its own, replacing what is there.

    `fill` writes the files into the path it is given. If they cannot be written (a full disk), what
    was written of them is removed, and a `CheckpointError` says what is still there, `kept`.
    """
    from safetensors import SafetensorError

    try:
        with putting(folder) as fresh:
            fill(fresh)
    # A full disk: safetensors and torch each have their own kinds for it.
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error).strip().splitlines()[0]
        raise CheckpointError(
            f"{folder} cannot be written ({reason}); {kept}. Free space, then resume."
        ) from error


def write_state(folder: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint's state.json, the last of its files, with the digests of all others."""
    files = {
        path.relative_to(folder).as_posix(): sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    write_json(folder / STATE, state | {"files": files})


def read_checkpoint(
    folder: Path, read: Callable[[dict[str, Any], Any], Read], tensors: str, otherwise: str
) -> Read:
    """Read a checkpoint whose files are those that were written.

    ``read(state, saved)`` makes of state.json, and of the file `tensors` that torch wrote, what is
    wanted; whatever it raises but an `InputError` means that the checkpoint cannot be read. A file
    that is missing or damaged is a `CheckpointError`, which says what to do `otherwise`. Of a
    checkpoint that an earlier version wrote, which kept no digests, a warning says so.
    """
    try:
        state = read_json(folder / STATE, CheckpointError)
        for name, digest in state.get("files", {}).items():
            if sha256_of(folder / name) != digest:
                raise CheckpointError(f"{name} is damaged: its digest in {STATE} is another")
        saved = torch.load(folder / tensors, map_location="cpu", weights_only=True)
        found = read(state, saved)
    except InputError:
        raise
    except Exception as error:  # json, safetensors and torch each have their own kinds
        raise CheckpointError(
            f"checkpoint {folder} cannot be read ({error}); {otherwise}."
        ) from error
    if "files" not in state:
        warn(
            f"checkpoint {folder} was written before digests were kept: its files are taken as "
            "they are."
        )
    return found
