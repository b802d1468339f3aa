"""The model that a record, a session or a figure names, found on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import InputError
from ..encoder import Encoder
from .load import SHIPPED, load

__all__ = ["load_model"]


def load_model(entry: Mapping[str, Any]) -> Encoder:
    """Load the model that a record names: one that ships, or a folder; nothing is downloaded.

    Raises InputError where it is not on this machine.
    """
    source, folder = entry["source"], entry["folder"]
    places = [source] if source in SHIPPED or Path(source).is_dir() else []
    places += [folder] if folder and Path(folder).is_dir() else []
    if not places:
        raise InputError(
            f"The model {source!r} is no folder on this machine, and nothing is downloaded "
            "unasked: load it and pass it."
        )
    return load(places[0], dtype=entry["dtype"])
