"""Which model computed, as files and sessions say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .model import Model

__all__ = ["model_entry"]


def model_entry(enc: Model, *, by_file: bool = False, quick: bool = False) -> dict[str, str]:
    """Say which model computes: where it lies, the digest of its weights, and how it runs.

    `by_file` takes the digest of the weights' file, without a look at the weights: for what does
    not compute with them. `quick` tells by a sample of the weights whether they are the file's, or
    those of last time; see `Snapshot.holds`.
    """
    return {
        "name": enc.name,
        "source": enc.source,
        "folder": "" if enc.checkpoint is None else str(enc.checkpoint.folder),
        "sha256": enc.sha256 if by_file else enc.find_weights_sha256(quick=quick),
        "dtype": str(enc.dtype).removeprefix("torch."),
        "attention": enc.attention,
        "device": str(enc.device),
    }
