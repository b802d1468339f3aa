"""Writing model folders, where training looks for it."""

from __future__ import annotations

from ..network.checkpoints.saving import save_model

__all__ = ["save_model"]
