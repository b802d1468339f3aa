"""Where numbers come from: the lines that leave with them."""

from __future__ import annotations

import platform
from datetime import date
from html import escape
from importlib.metadata import version

from ...encoder import Encoder
from ...version import __version__

__all__ = ["provenance", "provenance_html"]

_PACKAGES = ("torch", "transformers", "captum", "numpy")


def provenance(enc: Encoder, seed: int = 0) -> tuple[tuple[str, str], ...]:
    """Tell what computed, to whom it may concern later, as names and values.

    Model, sha256 of its weights, attention backend, seed of what was drawn, versions, day.
    """
    versions = [f"dnabert2-explore {__version__}", *(f"{p} {version(p)}" for p in _PACKAGES)]
    return (
        ("model", str(enc.info)),
        ("weights sha256", enc.weights_sha256),
        ("attention backend", enc.attention),
        ("seed", str(seed)),
        ("versions", ", ".join([*versions, f"Python {platform.python_version()}"])),
        ("day", date.today().isoformat()),
    )


def provenance_html(lines: tuple[tuple[str, str], ...]) -> str:
    """Write them as a table."""
    rows = "".join(
        f"<tr><th style='text-align:left;padding-right:1em'>{escape(name)}</th>"
        f"<td>{escape(value)}</td></tr>"
        for name, value in lines
    )
    return f"<table style='font-size:12px'>{rows}</table>"
