"""Where numbers come from: the lines that leave with them."""

from __future__ import annotations

import platform
from datetime import date
from html import escape
from importlib.metadata import version
from weakref import WeakKeyDictionary

from ...encoder import Encoder
from ...version import __version__

__all__ = ["provenance", "provenance_html"]

#: Name and backend of encoders and the digest of their weights, seen while nothing was computing.
_seen: WeakKeyDictionary[Encoder, tuple[tuple[str, str], ...]] = WeakKeyDictionary()
_PACKAGES = ("torch", "transformers", "captum", "numpy")


def provenance(enc: Encoder, seed: int = 0) -> tuple[tuple[str, str], ...]:
    """Tell what computed, to whom it may concern later, as names and values.

    Model, sha256 of its weights, attention backend, seed of what was drawn, versions, day.
    """
    versions = [f"dnabert2-explore {__version__}", *(f"{p} {version(p)}" for p in _PACKAGES)]
    return (
        *_at_rest(enc),
        ("seed", str(seed)),
        ("versions", ", ".join([*versions, f"Python {platform.python_version()}"])),
        ("day", date.today().isoformat()),
    )


def _at_rest(enc: Encoder) -> tuple[tuple[str, str], ...]:
    """Tell of the model itself.

    While another thread attributes, Captum's hooks make a network look changed, and the backend may
    be another: then it is what was seen before, or, for the first time, after.
    """
    if not enc.lock.acquire(blocking=enc not in _seen):
        return _seen[enc]
    try:
        _seen[enc] = (
            ("model", str(enc.info)),
            ("weights sha256", enc.weights_sha256),
            ("attention backend", enc.attention),
        )
    finally:
        enc.lock.release()
    return _seen[enc]


def provenance_html(lines: tuple[tuple[str, str], ...]) -> str:
    """Write them as a table."""
    rows = "".join(
        f"<tr><th style='text-align:left;padding-right:1em'>{escape(name)}</th>"
        f"<td>{escape(value)}</td></tr>"
        for name, value in lines
    )
    return f"<table style='font-size:12px'>{rows}</table>"
