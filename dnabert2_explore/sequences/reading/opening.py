"""From a path or an open file to decoded text, with one clear sentence where that fails."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ...common.files import expanded
from ...errors import InputError

__all__ = ["EXPECTED", "TWOBIT", "is_twobit", "open_binary", "open_bytes", "open_path"]

#: What a 2bit file begins with, written on either kind of machine.
TWOBIT = (b"\x43\x27\x41\x1a", b"\x1a\x41\x27\x43")

_HEAD = 1 << 16
_FOREIGN_FORMATS = {
    b"PK\x03\x04": "a ZIP archive: unpack it first",
    b"\x28\xb5\x2f\xfd": "Zstandard-compressed: unpack it first",
    b"\xff\xfe": "UTF-16 text: save it as UTF-8 text",
    b"\xfe\xff": "UTF-16 text: save it as UTF-8 text",
    b"%PDF": "a PDF document: export its content as plain text",
}
# NCBI headers use control-A as a separator, so it is no sign of a binary file.
_CONTROL = bytes(c for c in range(32) if c not in b"\1\t\n\v\f\r")
EXPECTED = "expected FASTA, or a CSV/TSV table with a 'sequence' column"


def open_binary(path: Path, expected: str = "expected a file") -> io.BufferedReader:
    """Open a file as it is.

    One that is missing, a folder (`expected` says what of), or cannot be read is an `InputError`.
    """
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise InputError(
            f"There is no file {str(path)!r} (looked from {str(Path.cwd())!r}): check the path."
        ) from None
    except IsADirectoryError:
        raise InputError(
            f"{path} is a folder; {expected}: give the path of one file in it."
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path} cannot be opened ({reason}): check the path.") from error


def is_twobit(source: str | os.PathLike[str] | bytes) -> bool:
    """Tell whether a file, or what it begins with, is 2bit; False where it cannot be opened."""
    if isinstance(source, bytes):
        return source[:4] in TWOBIT
    try:
        with open_binary(expanded(source)) as handle:
            return handle.read(4) in TWOBIT
    except (InputError, OSError):
        return False


@contextmanager
def open_path(path: str | os.PathLike[str], expected: str = EXPECTED) -> Iterator[io.TextIOWrapper]:
    """Open a file for reading as text, whatever its compression (told by content, not by name).

    A file that is missing, a folder, unreadable, binary, truncated or damaged is an `InputError`,
    which says what was `expected`.
    """
    path = expanded(path)
    with open_binary(path, expected) as handle, _text(handle, str(path), expected) as text:
        yield text


@contextmanager
def open_bytes(data: bytes, name: str, expected: str = EXPECTED) -> Iterator[io.TextIOWrapper]:
    """Read ``data`` as :func:`open_path` reads a file."""
    with _text(io.BufferedReader(io.BytesIO(data)), name, expected) as text:
        yield text


@contextmanager
def _text(raw: io.BufferedReader, name: str, expected: str) -> Iterator[io.TextIOWrapper]:
    """Decompress and decode; errors that surface while the caller reads are translated too."""
    kind = "file"
    try:
        head = raw.peek(8)
        stream: Any = raw
        if head.startswith(b"\x1f\x8b"):
            kind, stream = "gzip", gzip.GzipFile(fileobj=raw)
        elif head.startswith(b"BZh"):
            kind, stream = "bzip2", bz2.BZ2File(raw)
        elif head.startswith(b"\xfd7zXZ\x00"):
            kind, stream = "xz", lzma.LZMAFile(raw)  # noqa: SIM115 (closed with raw)
        buffered = raw if stream is raw else io.BufferedReader(stream, _HEAD)
        _refuse_binary(_peek(buffered), name, expected)
        # utf-8-sig drops a byte-order mark; names in other encodings still show, with U+FFFD.
        # newline="" keeps line ends as they are, which the csv module asks for.
        yield io.TextIOWrapper(buffered, encoding="utf-8-sig", errors="replace", newline="")
    except EOFError:
        raise InputError(
            f"{name} is truncated: its {kind} data end too early; expected a complete file: "
            "download or copy it again."
        ) from None
    except (gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        raise InputError(_damaged(name, kind, error)) from error
    except OSError as error:
        raise InputError(_damaged(name, kind, error)) from error


def _damaged(name: str, kind: str, error: Exception) -> str:
    return f"{name} cannot be read as {kind} data ({error}): download or copy it again."


def _peek(stream: IO[bytes]) -> bytes:
    return stream.peek(_HEAD)[:_HEAD]  # type: ignore[attr-defined]


def _refuse_binary(head: bytes, name: str, expected: str) -> None:
    """Raise where the first bytes are no text."""
    for magic, what in _FOREIGN_FORMATS.items():
        if head.startswith(magic):
            raise InputError(f"{name} is {what}; {expected}.")
    control = len(head) - len(head.translate(None, _CONTROL))
    if b"\0" in head or control > 0.02 * len(head):
        raise InputError(
            f"{name} is a binary file; {expected}, as text or compressed with gzip, bzip2 or xz: "
            "export it in one of these formats."
        )
