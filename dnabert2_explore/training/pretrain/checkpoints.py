"""Checkpoints and snapshots of a run: whole or absent."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...digests import sha256_of
from ...errors import CheckpointError, InputError
from ...files import putting
from ...sealed import read_json, write_json
from .config import FREE, PretrainConfig, learning_rates

__all__ = [
    "check_continuation",
    "latest_checkpoint",
    "read_state",
    "snapshot_folder",
    "tidy",
    "write_state",
    "write_whole",
]

#: The file of a checkpoint that says what it is of; written after all others.
STATE = "state.json"


def latest_checkpoint(run: str | Path) -> Path | None:
    """Newest complete checkpoint of a run folder, if there is one."""
    found = sorted(Path(run, "checkpoints").glob("step-*[0-9]"))
    return found[-1] if found else None


def snapshot_folder(run: Path, step: int) -> Path:
    """Where the weights after `step` steps are kept for the time-lapse."""
    return run / "snapshots" / f"step-{step:07d}"


def tidy(run: Path, step: int) -> None:
    """Drop what a killed run left half-written, and snapshots beyond its checkpoint.

    The steps after `step` are taken anew.
    """
    for kind in ("checkpoints", "snapshots"):
        # Hidden while they are written; earlier versions had them as .partial.
        for pattern in (".step-*", "step-*.partial"):
            for folder in (run / kind).glob(pattern):
                shutil.rmtree(folder)
    for folder in (run / "snapshots").glob("step-*"):
        if int(folder.name.removeprefix("step-")) > step:
            shutil.rmtree(folder)


def write_whole(folder: Path, fill: Callable[[Path], None], kept: str) -> None:
    """Fill a folder under another name, then give it its own, replacing what is there.

    Parameters
    ----------
    folder : path
    fill : callable
        Writes the files into the path it is given.
    kept : str
        What is still there if this fails, for the message.

    Raises
    ------
    CheckpointError
        If the files cannot be written (a full disk); what was written of them is removed.
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
    files = {path.name: sha256_of(path) for path in sorted(folder.iterdir())}
    write_json(folder / STATE, state | {"files": files})


def read_state(folder: Path) -> tuple[dict[str, Any], Any, Any]:
    """Read a checkpoint: its state.json, weights, and what optimizer.pt holds.

    Raises
    ------
    CheckpointError
        If a file is missing or damaged.

    Warns
    -----
    UserWarning
        If an earlier version wrote it, which kept no digests.
    """
    from safetensors.torch import load_file

    try:
        state = read_json(folder / STATE, CheckpointError)
        for name, digest in state.get("files", {}).items():
            if sha256_of(folder / name) != digest:
                raise CheckpointError(f"{name} is damaged: its digest in {STATE} is another")
        weights = load_file(folder / "model.safetensors")
        saved = torch.load(folder / "optimizer.pt", map_location="cpu", weights_only=True)
        PretrainConfig(**state["config"])
    except InputError:
        raise
    except Exception as error:  # json, safetensors and torch each have their own kinds
        raise CheckpointError(
            f"checkpoint {folder} cannot be read ({error}); remove it to resume from the one "
            "before."
        ) from error
    if "files" not in state:
        warnings.warn(
            f"checkpoint {folder} was written before digests were kept: its files are taken as "
            "they are.",
            stacklevel=2,
        )
    return state, weights, saved


def check_continuation(
    folder: Path, state: dict[str, Any], config: PretrainConfig, data: dict[str, str]
) -> None:
    """Raise unless the past of a checkpoint agrees with the configuration and the data.

    Parameters
    ----------
    folder : path
        The checkpoint.
    state : dict
        Its state.json.
    config : PretrainConfig
        Of the continuation.
    data : dict of str
        Digests of what batches are drawn from.

    Raises
    ------
    InputError
        If a setting, the learning rates of the past or a digest differs.
    """
    before = PretrainConfig(**state["config"])
    changed = [
        f"{one.name}: {getattr(before, one.name)!r} -> {getattr(config, one.name)!r}"
        for one in fields(PretrainConfig)
        if one.name not in FREE and getattr(before, one.name) != getattr(config, one.name)
    ]
    if changed:
        raise InputError(
            f"checkpoint {folder} was made with other settings ({'; '.join(changed)}); "
            "restore them or choose another out folder."
        )
    past = state["step"]
    if not np.allclose(learning_rates(before, past), learning_rates(config, past)):
        raise InputError(
            f"the learning rates of steps 0 to {past - 1} differ from those checkpoint "
            f"{folder} was trained with; keep the schedule of the past (a trapezoid may change "
            "total_steps before its decay begins)."
        )
    # Checkpoints of earlier versions have no digests.
    known = state.get("data", {})
    other = [name for name, digest in data.items() if known.get(name, digest) != digest]
    if other:
        raise InputError(
            f"checkpoint {folder} was trained with another {' and another '.join(other)}; give it "
            "the same files, or choose another out folder."
        )
