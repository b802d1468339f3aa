"""Whether a folder is a store, and its group."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ..errors import InputError
from .errors import StoreError, damaged
from .layout import DOCUMENT
from .settings import FORMAT, FORMAT_VERSION, checked

__all__ = ["open_group"]


def open_group(
    where: Path, path: str | os.PathLike[str], writable: bool
) -> tuple[Any, dict[str, Any]] | None:
    """Return the Zarr group of the store at `where` and its attributes; None where that is none.

    `path` is what the caller named it.
    """
    import zarr

    root = where / DOCUMENT
    if not where.is_dir() or not root.is_file():
        return None
    try:
        document = json.loads(root.read_bytes())
        if not isinstance(document, dict) or document.get("node_type") != "group":
            return None
        attributes = document.get("attributes")
        if not isinstance(attributes, dict) or attributes.get("format") != FORMAT:
            return None
        if attributes.get("format_version") != FORMAT_VERSION:
            raise InputError(
                f"{path} was written in version {attributes.get('format_version')} of its "
                f"format by dnabert2-explore {attributes.get('version')}; expected version "
                f"{FORMAT_VERSION}: install that version of the package."
            )
        # use_consolidated=False: consolidated metadata would be a second truth.
        group = zarr.open_group(
            where, mode="r+" if writable else "r", zarr_format=3, use_consolidated=False
        )
    except InputError:
        raise
    except PermissionError as error:  # nothing is said to be lost
        raise StoreError(f"{root} may not be read: ask for the right to, or copy it.") from error
    except Exception as error:  # JSON, zarr and the system each have their own kinds
        raise damaged(root, f"{type(error).__name__}: {str(error)[:80]}") from error
    return group, checked(attributes, str(root))
