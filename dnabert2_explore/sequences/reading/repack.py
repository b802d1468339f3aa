"""Compressed FASTA that allows no random access, packed anew into the cache as ``bgzip`` does."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from ...common.files import replacing
from ...common.folders import CACHE_VARIABLE, cache_folder
from ...errors import InputError, warn
from ...results.digests import sha256_of, stamp_of
from .letters import ReadingWarning
from .opening import open_path

__all__ = ["repacked"]

_BLOCK = 1 << 20
_UNUSED = 90 * 24 * 3600  # seconds after which a copy that nobody opened makes room
_EXPECTED = "expected FASTA"
#: Seconds for a gigabyte of bases, both ways, on a slow core.
_PACE = 60


def repacked(file: Path, kind: str, shown: str) -> Path:
    """Return a copy of a compressed file in which any place can be read; made where there is none.

    The copy belongs to the content of the file, not to its name, size or time. Before it is made, a
    `ReadingWarning` says where, and how long that may take; messages say what compressed the file,
    `kind`, and call it `shown`. No cache, no room in it, and a file that is damaged or changes
    meanwhile are an `InputError`.
    """
    folder = cache_folder()
    if folder is None:
        raise InputError(
            f"{shown} is compressed with {kind}, which allows no random access, and there is no "
            f"cache to keep a copy in that does ({CACHE_VARIABLE} is 'off'): run 'bgzip' on the "
            "unpacked file, or let there be a cache."
        )
    before = stamp_of(file)
    copy = folder / "bgzf" / f"{sha256_of(file)[:32]}.fa.gz"
    if copy.is_file():
        with suppress(OSError):  # another user's cache
            # When it was opened; the time of modification stays, by which its index is judged.
            os.utime(copy, ns=(time.time_ns(), copy.stat().st_mtime_ns))
        return copy
    # Of bases, gzip leaves a third at best; below a few seconds nobody needs to know how many.
    seconds = 3 * before[0] / 1e9 * _PACE
    long = f" (this may take {max(1, round(seconds / 60))} min)" if seconds > 10 else ""
    warn(
        f"{shown} is compressed with {kind}, which allows no random access: it is packed anew, as "
        f"bgzip does, into {copy.parent}{long}, and read from there from now on.",
        ReadingWarning,
    )
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        _sweep(copy.parent)
        with replacing(copy) as temporary:
            _write(file, temporary)
            if stamp_of(file) != before:
                raise InputError(f"{shown} changed while it was read: run the same call again.")
    except OSError as error:
        raise InputError(
            f"{shown} is compressed with {kind}, and a copy that allows random access cannot be "
            f"written to {copy.parent} ({error.strerror or error}): make room there, name another "
            f"folder in {CACHE_VARIABLE}, or run 'bgzip' on the unpacked file."
        ) from error
    return copy


def _write(file: Path, temporary: Path) -> None:
    from Bio.bgzf import BgzfWriter

    # A third larger than at the highest level, in a fraction of the time.
    with open_path(file, _EXPECTED) as text, BgzfWriter(str(temporary), "wb", None, 1) as writer:
        while block := text.buffer.read(_BLOCK):
            writer.write(block)


def _sweep(folder: Path) -> None:
    """Remove copies that nobody opened for long."""
    for old in folder.glob("*.fa.gz*"):
        with suppress(OSError):
            if time.time() - max(old.stat().st_atime, old.stat().st_mtime) > _UNUSED:
                old.unlink()
