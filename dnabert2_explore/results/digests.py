"""Which bytes a file holds: its digest, computed once while it stays as it is."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path

__all__ = ["Stamp", "sha256_of", "stamp_of"]

#: How a file stands: size, time of modification (ns), time of any change (ns).
Stamp = tuple[int, ...]


def stamp_of(file: Path) -> Stamp:
    """Note how a file stands, to see whether it was touched since.

    Size and time of modification alone do not tell: files unpacked from archives and copied with
    ``cp -p`` bring their times along, and weights fine-tuned from one model are all of one size.
    The time of change is the system's own, which no program sets; Windows has none, and numbers its
    files instead.
    """
    status = file.stat()
    changed = status.st_ino if os.name == "nt" else status.st_ctime_ns
    return status.st_size, status.st_mtime_ns, changed


def sha256_of(file: Path) -> str:
    """SHA-256 of a file in hexadecimal; read once a process, as long as nobody touches it.

    One that cannot be read is an OSError.
    """
    path = file.resolve()
    return _digest(path, stamp_of(path))


@lru_cache(maxsize=64)
def _digest(path: Path, stamp: Stamp) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
