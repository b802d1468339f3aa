"""Where a file comes from, said by the file itself: a sealed JSON object inside of it.

Tables carry it as a comment, pages as a script of data, SVG as metadata, PNG as a text chunk,
figures of plotly as ``layout.meta`` and tables of pandas as ``attrs``; a file of another kind has
it beside, in a file of its own.
"""

from __future__ import annotations

import base64
import json
import platform
import re
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ..common.context import held
from ..errors import InputError
from ..version import __version__
from .sealed import read_json, seal, unsealed, write_json

__all__ = [
    "BESIDE",
    "KEYWORD",
    "Making",
    "beside",
    "in_html",
    "making",
    "note_model",
    "note_output",
    "packed",
    "read_record",
    "sealed_text",
    "table_line",
    "unpacked",
    "versions",
    "without_record",
    "write_beside",
]

#: What ends the name of a record that lies beside its file.
BESIDE = ".record.json"
#: What a record is called inside of a file.
KEYWORD = "dnabert2-explore-record"

_LINE = f"# {KEYWORD}: "
_PACKAGES = ("torch", "transformers", "captum", "numpy")
#: Characters of packed text that a record holds at most.
_MOST = 4_000_000
#: Bytes of the longest file whose text is searched.
_READ = 256 << 20
_ELEMENT_TEXT = re.compile(rf'<(script|metadata)\b[^>]*\bid="{KEYWORD}"[^>]*>(.*?)</\1>', re.DOTALL)
_ELEMENT = re.compile(_ELEMENT_TEXT.pattern.encode(), re.DOTALL)
_STRING = re.compile(rf'"{KEYWORD}":\s*("(?:[^"\\]|\\.)*")'.encode())
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass
class Making:
    """What a command loads and writes while it runs."""

    models: list[dict[str, str]] = field(default_factory=list)
    outputs: list[Path] = field(default_factory=list)


_now: ContextVar[Making | None] = ContextVar("making", default=None)


@contextmanager
def making() -> Iterator[Making]:
    """Gather the models that are loaded inside, and the files that are to be written."""
    found = Making()
    with held(_now, found):
        yield found


def note_model(entry: Callable[[], dict[str, str]]) -> None:
    """Note a model that was loaded, where anybody gathers them."""
    found = _now.get()
    if found is not None:
        found.models.append(entry())


def note_output(path: Path) -> None:
    """Note a file that is going to be written, where anybody gathers them."""
    found = _now.get()
    if found is not None:
        found.outputs.append(path)


@cache
def versions() -> dict[str, str]:
    """Return the versions of what computes: this package, torch and others, Python."""
    found = {"dnabert2-explore": __version__}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found | {"Python": platform.python_version()}


def sealed_text(record: Mapping[str, Any]) -> str:
    """Write a record as one line of ASCII, with versions, day and a digest of itself.

    No ``<`` and no ``>`` stand in it, so that no page and no picture (``]]>``) ends within.
    """
    whole = {**record, "versions": versions(), "day": date.today().isoformat()}
    text = json.dumps(seal(whole), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e")


def table_line(text: str) -> str:
    """Return the comment that carries a record in CSV, TSV or bedGraph."""
    return f"{_LINE}{text}\n"


def in_html(text: str) -> str:
    """Return the element that carries a record in a page; data, which nothing runs."""
    return f'<script type="application/json" id="{KEYWORD}">{text}</script>'


def without_record(text: str) -> str:
    """Return the text of a page or table without the record in it."""
    text = _ELEMENT_TEXT.sub("", text)
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(_LINE))


def beside(file: Path) -> Path:
    """Return where the record of a file lies that cannot hold it."""
    return file.with_name(file.name + BESIDE)


def write_beside(file: Path, record: Mapping[str, Any]) -> Path:
    """Write the record of a file into a file of its own, in place of one that is there."""
    place = beside(file)
    write_json(place, json.loads(sealed_text(record)))
    return place


def packed(text: str) -> str | None:
    """Compress text for a record; None if it is too long for one.

    Examples
    --------
    >>> unpacked(packed("ACGT" * 100)) == "ACGT" * 100
    True
    """
    found = base64.b64encode(zlib.compress(text.encode(), 9)).decode()
    return found if len(found) <= _MOST else None


def unpacked(text: str) -> str:
    """Read what `packed` made."""
    machine = zlib.decompressobj()
    found = machine.decompress(base64.b64decode(text), 64 * _MOST)
    if machine.unconsumed_tail:
        raise InputError("A record holds more text than was ever written: the file is no export.")
    return found.decode()


def read_record(file: str | Path) -> dict[str, Any]:
    """Read what a file says of where it comes from.

    No such file, no record, and a record that is damaged are an `InputError`.
    """
    path = Path(file).expanduser()
    if path.name.endswith(BESIDE) and path.is_file():
        return read_json(path)
    if beside(path).is_file():
        return read_json(beside(path))
    if not path.is_file():
        raise InputError(f"There is no file {path}: check the name.")
    if path.stat().st_size > _READ:
        raise InputError(f"{path} has no record beside it ({beside(path).name}).")
    text = _inside(path.read_bytes())
    if text is None:
        raise InputError(
            f"{path} does not say where it comes from: it was not written by dnabert2-explore, "
            f"another program took its record out, or {beside(path).name} was not kept beside it."
        )
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"The record in {path} is damaged ({error}): make the file again."
        ) from error
    if not isinstance(record, dict):
        raise InputError(f"The record in {path} is damaged: make the file again.")
    return unsealed(record, f"The record in {path}")


def _inside(content: bytes) -> bytes | None:
    """Find a record in the bytes of a file."""
    if content.startswith(_PNG):
        return _in_png(content)
    found = _ELEMENT.search(content)
    if found is not None:
        return found[2].removeprefix(b"<![CDATA[").removesuffix(b"]]>")
    mark = _LINE.encode()
    if not content.startswith(mark):
        # A figure of plotly, or a Parquet table of pandas: JSON, and the record a string in it.
        within = _STRING.search(content)
        if within is not None:
            return str(json.loads(within[1])).encode()
    for line in content.splitlines():
        if line.startswith(mark):
            return line[len(mark) :]
        if not line.startswith(b"#"):
            break
    return None


def _in_png(content: bytes) -> bytes | None:
    place = len(_PNG)
    while place + 12 <= len(content):
        size, kind = struct.unpack(">I4s", content[place : place + 8])
        body = content[place + 8 : place + 8 + size]
        name, end, text = body.partition(b"\0")
        if kind == b"tEXt" and end and name == KEYWORD.encode():
            return text
        place += 12 + size
    return None
