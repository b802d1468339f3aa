"""Writing results: never over an existing file unasked, never half a file."""

from __future__ import annotations

import os
from pathlib import Path

from ..common.files import replacing
from ..errors import InputError
from ..results.records import note_output

__all__ = ["check_output", "replacing"]


def check_output(path: Path, force: bool) -> None:
    """Refuse an output that cannot or must not be written; called before the long work starts.

    It is an `InputError` if ``path`` exists and ``force`` is false, is a folder or another special
    file, or its folder does not exist or cannot be written to.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder; expected the name of a file to write")
    if not path.parent.is_dir():
        raise InputError(f"the folder {path.parent} does not exist; make it first")
    if path.exists() and not path.is_file():
        raise InputError(f"{path} is no regular file; expected the name of a file to write")
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"nothing can be written to {path.parent}: choose another folder")
    if path.exists() and not force:
        raise InputError(f"{path} exists; pass --force to replace it, or choose another name")
    note_output(path)
