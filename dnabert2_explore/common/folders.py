"""Where the package keeps what it can make again."""

from __future__ import annotations

import os
from pathlib import Path

from .files import expanded

__all__ = ["CACHE_VARIABLE", "cache_folder"]

#: Environment variable that names the folder; ``off`` for none.
CACHE_VARIABLE = "DNABERT2_EXPLORE_CACHE"


def cache_folder() -> Path | None:
    """Return the folder for caches, which need not exist yet; None where caches are turned off."""
    named = os.environ.get(CACHE_VARIABLE, "").strip()
    if named.lower() == "off":
        return None
    if named:
        return expanded(named)
    from platformdirs import user_cache_path

    return user_cache_path("dnabert2_explore", appauthor=False)
