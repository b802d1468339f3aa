"""What one visitor of many may ask for: read from the environment, where a server sets it."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import zlib
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, cast

from ...errors import InputError

__all__ = ["BASES", "ROOM", "UPLOAD", "Limits", "limits"]

#: Megabytes that may be pasted or uploaded at once.
UPLOAD = "DNABERT2_EXPLORE_MAX_UPLOAD"
#: Bases of the longest sequence.
BASES = "DNABERT2_EXPLORE_MAX_BASES"
#: "1": many share this machine; what is dear and not asked for is left alone.
ROOM = "DNABERT2_EXPLORE_ROOM"

_PART = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What a visitor may ask for; None is no limit.

    `upload` are megabytes that may be pasted or uploaded at once, `bases` those of the longest
    sequence; `room` says whether many share the machine.
    """

    upload: float | None
    bases: int | None
    room: bool

    def check_size(self, size: int, what: str) -> None:
        """Refuse content of more bytes than may be given at once."""
        if self.upload is not None and size > self.upload * 1e6:
            raise InputError(
                f"{what} has {size / 1e6:.1f} MB, and this server takes {self.upload:g} MB at "
                "once: give a part of it."
            )

    def check_unpacked(self, content: bytes, what: str) -> None:
        """Refuse a compressed file that holds more bytes than may be given at once.

        No more is unpacked than is allowed. What is damaged is left for its reader to say.
        """
        if self.upload is None:
            return
        packed = io.BytesIO(content)
        stream: IO[bytes]
        with suppress(OSError, EOFError, zlib.error, lzma.LZMAError):
            if content.startswith(b"\x1f\x8b"):
                stream = cast(IO[bytes], gzip.GzipFile(fileobj=packed))
            elif content.startswith(b"BZh"):
                stream = bz2.BZ2File(packed)
            elif content.startswith(b"\xfd7zXZ\x00"):
                stream = lzma.LZMAFile(packed)  # noqa: SIM115 (of bytes, not of a file)
            else:
                return
            size = 0
            while part := stream.read(_PART):
                size += len(part)
                self.check_size(size, f"{what}, unpacked,")

    def check_length(self, length: int, name: str) -> None:
        """Refuse a sequence that is longer than may be given."""
        if self.bases is not None and length > self.bases:
            raise InputError(
                f"Sequence {name!r} has {length:,} bp, and this server takes {self.bases:,} bp: "
                "give a stretch of it."
            )


def limits() -> Limits:
    """Return the limits of this server.

    InputError if the environment holds something else than numbers.
    """
    found: dict[str, float | None] = {}
    for name in (UPLOAD, BASES):
        text = os.environ.get(name, "").strip()
        try:
            found[name] = float(text) if text else None
        except ValueError:
            raise InputError(f"{name} is {text!r}: expected a number, or nothing.") from None
    bases = found[BASES]
    return Limits(
        found[UPLOAD], None if bases is None else int(bases), os.environ.get(ROOM, "") == "1"
    )
