"""The index beside a FASTA file: found, judged, made."""

from __future__ import annotations

import hashlib
import math
import os
import tempfile
import warnings
from functools import cache
from pathlib import Path

from ..errors import InputError
from ..folders import CACHE_VARIABLE, cache_folder

__all__ = ["StaleIndexWarning", "compression", "index_path"]

_GZIP = b"\x1f\x8b"
_PACKED = {b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"PK\x03\x04": "ZIP", b"\x28\xb5\x2f\xfd": "zstd"}


class StaleIndexWarning(UserWarning):
    """The index of a FASTA file did not fit it and was made anew, or another is used instead."""


def compression(path: Path) -> str:
    """Return "" for plain text and "bgzf" for what ``bgzip`` writes; refuse everything else.

    Raises
    ------
    InputError
        If the file is missing, a folder, unreadable, empty, or compressed otherwise.
    """
    try:
        with path.open("rb") as file:
            head = file.read(18)
    except FileNotFoundError:
        raise InputError(
            f"There is no file {str(path)!r} (looked from {str(Path.cwd())!r}): check the path."
        ) from None
    except OSError as error:
        raise InputError(
            f"{path} cannot be opened ({error.strerror}); expected a FASTA file: check the path."
        ) from error
    if not head:
        raise InputError(
            f"{path} is empty; expected at least one FASTA record: give a '>' header and bases."
        )
    named = path.name.lower().endswith((".gz", ".bgz"))  # what pyfaidx goes by
    for magic, name in _PACKED.items():
        if head.startswith(magic):
            raise InputError(
                f"{path} is {name}-compressed, which allows no random access; expected FASTA, "
                "plain or compressed with bgzip: unpack it first."
            )
    if not head.startswith(_GZIP):
        if named:
            raise InputError(
                f"{path} is not compressed although its name says so; expected plain FASTA to be "
                "named so: take the suffix off its name."
            )
        return ""
    # Bytes 12 and 13 name the extra field that holds a BGZF block's size (SAM specification, 4.1).
    if head[12:14] != b"BC":
        raise InputError(
            f"{path} is compressed with gzip, which allows no random access; expected plain FASTA "
            f"or BGZF: run 'gunzip {path}' (and, to keep it small, 'bgzip' on the result)."
        )
    if not named:
        raise InputError(
            f"{path} is compressed with bgzip but not named so; expected a name that ends in .gz: "
            "rename it."
        )
    try:
        import Bio.bgzf  # noqa: F401
    except ImportError:
        raise InputError(
            f"{path} is compressed with bgzip, and reading that needs Biopython: run "
            f"'pip install biopython', or 'gunzip {path}'."
        ) from None
    return "bgzf"


def index_path(file: Path, kind: str, shown: str) -> Path:
    """Return the path of an index that describes ``file``, making it where there is none.

    Parameters
    ----------
    file : Path
        Absolute.
    kind : str
        From :func:`compression`.
    shown : str
        What to call the file in messages.

    Raises
    ------
    InputError
        If the file is no FASTA that can be indexed, or there is no place for an index.
    """
    beside = file.with_name(file.name + ".fai")
    if beside.exists():
        flaw = _flaw(file, beside, kind)
        if not flaw:
            return beside
        try:
            _build(file, beside, shown)
        except OSError as error:
            index = _in_cache(file, kind, shown)
            said = f"cannot be replaced ({error.strerror or error}); {index} is used instead."
        else:
            index, said = beside, "was made anew."
        warnings.warn(f"{beside} {flaw} and {said}", StaleIndexWarning, stacklevel=4)
        return index
    try:
        _build(file, beside, shown)
    except OSError:
        return _in_cache(file, kind, shown)
    return beside


def _in_cache(file: Path, kind: str, shown: str) -> Path:
    """Keep the index of a file in a read-only folder under a name that changes with the file."""
    stat = file.stat()
    key = hashlib.sha256(f"{file}\n{stat.st_size}\n{stat.st_mtime_ns}".encode()).hexdigest()[:24]
    folder = cache_folder()
    try:
        # Where caches are turned off, an index is still needed, if only by this process.
        index = (Path(_own_folder().name) if folder is None else folder / "fai") / f"{key}.fai"
    except OSError as error:
        raise InputError(
            f"The index of {shown} can be written neither beside it nor to a temporary folder "
            f"({error.strerror or error}); expected one of the two to be writable: set "
            f"{CACHE_VARIABLE} to a folder of yours."
        ) from error
    if not index.exists() or _flaw(file, index, kind):
        try:
            index.parent.mkdir(parents=True, exist_ok=True)
            _build(file, index, shown)
        except OSError as error:
            raise InputError(
                f"The index of {shown} can be written neither beside it nor to {index.parent} "
                f"({error.strerror or error}); expected one of the two to be writable: set "
                f"{CACHE_VARIABLE} to a folder of yours."
            ) from error
    return index


@cache
def _own_folder() -> tempfile.TemporaryDirectory[str]:
    """Return a folder that only this user can enter; it goes when the process ends.

    A name that others could guess would let them put their index there first.
    """
    return tempfile.TemporaryDirectory(prefix="dnabert2_explore-")


def _flaw(file: Path, index: Path, kind: str) -> str:
    """Return what is wrong with an index, or ""."""
    if index.stat().st_mtime_ns < file.stat().st_mtime_ns:
        return "is older than its FASTA file"
    if kind:
        gzi = index.with_suffix(".gzi")
        return "" if gzi.exists() and _younger(gzi, file) else "has no block index beside it"
    # Copies often get a new time of modification or keep an old one, so time alone does not tell.
    return "" if _fits(file, index) else "does not describe its FASTA file"


def _younger(one: Path, other: Path) -> bool:
    return one.stat().st_mtime_ns >= other.stat().st_mtime_ns


def _fits(file: Path, index: Path) -> bool:
    """Check that every record follows a header of its name and that the last ends the file."""
    try:
        rows = [line.split("\t") for line in index.read_text().splitlines() if line]
        with file.open("rb") as data:
            for row in rows[:: max(1, len(rows) // 1000)]:
                offset = int(row[2])
                # Headers may go on after the name; 64 kB is more than any of them.
                data.seek(max(0, offset - (1 << 16)))
                before = data.read(min(offset, 1 << 16)).rstrip(b"\r\n")
                header = before[before.rfind(b"\n") + 1 :]
                if header[:1] != b">" or header[1:].split()[:1] != [row[0].encode()]:
                    return False
            length, offset, bases, width = map(int, rows[-1][1:])
            breaks = max(0, math.ceil(length / bases) - 1) if bases else 0
            data.seek(offset + length + breaks * (width - bases) - bool(length))
            ends = not length or bool(data.read(1).strip())
            return ends and not data.read(1 << 16).strip()
    except (OSError, ValueError, IndexError):
        return False


def _build(file: Path, index: Path, shown: str) -> None:
    """Index ``file``; the index appears under its name only when it is whole."""
    from pyfaidx import Faidx, FastaIndexingError

    handle, name = tempfile.mkstemp(dir=index.parent, prefix=f".{index.name}.", suffix=".fai")
    os.close(handle)
    made = Path(name)
    blocks = made.with_suffix(".gzi")
    made.unlink()  # pyfaidx builds an index only where there is none
    try:
        Faidx(
            str(file),
            indexname=name,
            gzi_indexname=str(blocks),
            # Here only the index is wanted; two records of one name are told when it is opened.
            duplicate_action="first",
        ).close()
        # A file from a machine whose clock runs ahead must not look younger than its index.
        now = max(file.stat().st_mtime_ns, made.stat().st_mtime_ns)
        for written, wanted in ((blocks, index.with_suffix(".gzi")), (made, index)):
            if written.exists():
                os.utime(written, ns=(now, now))
                written.replace(wanted)
    except (FastaIndexingError, UnicodeDecodeError) as error:
        raise InputError(_malformed(shown, error)) from error
    finally:
        made.unlink(missing_ok=True)
        blocks.unlink(missing_ok=True)


def _malformed(shown: str, error: Exception) -> str:
    text = str(error)
    if "Inconsistent line" in text:
        where = text[text.index("Inconsistent line found in ") + 27 :].rstrip(".")
        return (
            f"{shown} cannot be indexed: the lines of a record differ in length ({where}); "
            f"expected equal lines up to the last: run 'seqtk seq -l 60 {shown}' and use its "
            "output."
        )
    if "Bad sequence name" in text:
        return f"{shown} has a header without a name; expected '>name': name it."
    return f"{shown} is no FASTA file ({text.rstrip('.')}); expected '>name' and lines of bases."
