"""Checkpoints and snapshots of a run: whole or absent."""

from __future__ import annotations

import shutil
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ..loop.checkpoints import drop_unfinished, read_checkpoint
from .config import FREE, PretrainConfig, learning_rates

__all__ = ["check_continuation", "read_state", "snapshot_folder", "tidy"]


def snapshot_folder(run: Path, step: int) -> Path:
    """Where the weights after `step` steps are kept for the time-lapse."""
    return run / "snapshots" / f"step-{step:07d}"


def tidy(run: Path, step: int) -> None:
    """Drop what a killed run left half-written, and snapshots beyond its checkpoint.

    The steps after `step` are taken anew.
    """
    drop_unfinished(run, "checkpoints", "snapshots")
    for folder in (run / "snapshots").glob("step-*"):
        if int(folder.name.removeprefix("step-")) > step:
            shutil.rmtree(folder)


def read_state(folder: Path) -> tuple[dict[str, Any], Any, Any]:
    """Read a checkpoint: its state.json, weights, and what optimizer.pt holds.

    A file that is missing or damaged is a `CheckpointError`.
    """
    from safetensors.torch import load_file

    def read(state: dict[str, Any], saved: Any) -> tuple[dict[str, Any], Any, Any]:
        PretrainConfig(**state["config"])
        return state, load_file(folder / "model.safetensors"), saved

    return read_checkpoint(folder, read, "optimizer.pt", "remove it to resume from the one before")


def check_continuation(
    folder: Path, state: dict[str, Any], config: PretrainConfig, data: dict[str, str]
) -> None:
    """Raise unless the past of a checkpoint agrees with the configuration and the data.

    `state` is its state.json, `data` digests of what batches are drawn from. A setting, learning
    rates of the past or a digest that differ are an `InputError`.
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
