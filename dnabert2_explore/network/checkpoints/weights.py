"""Weights in safetensors files that say when they were damaged.

The format has no checksum. Files written here carry one among their metadata, which other programs
pass over: the SHA-256 of the file as it is with zeros in the digest's own place.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ...common.files import replacing
from ...errors import CheckpointError

__all__ = ["check_weights", "read_weights", "save_weights"]

_KEY = "digest"
_KIND = "sha256:"
_NONE = _KIND + "0" * 64
_BLOCK = 1 << 20
_LONGEST = 100_000_000  # bytes of a header, as safetensors itself has it


def save_weights(weights: Mapping[str, torch.Tensor], path: Path) -> None:
    """Write weights with their digest, whole or not at all.

    Tensors that share memory are refused by safetensors. A full disk, or a file that cannot be
    written, is an OSError.
    """
    with replacing(path) as temporary:
        try:
            save_file(dict(weights), temporary, metadata={"format": "pt", _KEY: _NONE})
        except SafetensorError as error:
            # The system's number is in its words only.
            found = re.search(r"os error (\d+)", str(error))
            if found is None:
                raise
            number = int(found[1])
            raise OSError(number, os.strerror(number), str(path)) from error
        _order_metadata(temporary)
        place, digest = _digest(temporary)
        with temporary.open("rb+") as file:
            file.seek(place)
            file.write(digest.encode())
            file.flush()
            os.fsync(file.fileno())


def _order_metadata(path: Path) -> None:
    """Put the metadata of a file's header in the order of their keys, in place.

    The library writes them in another order in every process, so that equal weights would be other
    files.
    """
    with path.open("rb+") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        assert len(text) <= size  # the same characters in another order
        file.seek(8)
        file.write(text.ljust(size))


def check_weights(path: Path) -> bool:
    """Compare a file with its digest; a `CheckpointError` where the two do not fit.

    False where it has none: files of other programs and of earlier versions.
    """
    place, digest = _digest(path)
    if not place:
        return False
    with path.open("rb") as file:
        file.seek(place)
        if file.read(len(digest)) != digest.encode():
            raise CheckpointError(
                f"{path} is damaged: its digest is not that of its weights; copy the file again, "
                "or make it anew."
            )
    return True


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Map the weights of a file into memory, after a look at its digest.

    A damaged file is a `CheckpointError`; one that is no safetensors file, or cannot be read, a
    SafetensorError or OSError.
    """
    check_weights(path)
    return load_file(path)


def _digest(path: Path) -> tuple[int, str]:
    """Return where a file's digest stands, 0 where it has none, and what it should be."""
    with path.open("rb") as file:
        start = file.read(8)
        length = int.from_bytes(start, "little")
        if len(start) < 8 or length > _LONGEST:
            return 0, ""  # no safetensors: reading it says so
        header = file.read(length)
        said = _said(header)
        if said is None:
            return 0, ""
        place = header.find(said)
        if place < 0:  # spelt with escapes, as nothing here writes it
            return 0, ""
        blank = header[:place] + _NONE.encode() + header[place + len(said) :]
        found = hashlib.sha256(start + blank)
        while block := file.read(_BLOCK):
            found.update(block)
    return 8 + place, _KIND + found.hexdigest()


def _said(header: bytes) -> bytes | None:
    """Find the digest in a header; a damaged one counts, under a damaged name as well."""
    try:
        metadata = json.loads(header)["__metadata__"]
        for name, value in metadata.items():
            if name == _KEY or value.startswith(_KIND):
                return json.dumps(value).encode()[1:-1]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return None
