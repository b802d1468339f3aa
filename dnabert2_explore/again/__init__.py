"""Making a file again from what it says of itself, and saying what differs."""

from __future__ import annotations

from .make import Reproduction, reproduce

__all__ = ["Reproduction", "reproduce"]
