"""Which model computed, as files and sessions say it."""

from __future__ import annotations

from .encoder import Encoder

__all__ = ["model_entry"]


def model_entry(enc: Encoder) -> dict[str, str]:
    """Say which model computes: where it lies, the digest of its weights, and how it runs."""
    info = enc.info
    return {
        "name": enc.name,
        "source": enc.source,
        "folder": info.path,
        "sha256": enc.weights_sha256,
        "dtype": info.dtype,
        "attention": info.attention,
        "device": info.device,
    }
