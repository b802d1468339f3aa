"""JSON files that say when they were damaged: an object with a digest of itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..common.files import write_text
from ..errors import ExploreError, InputError, warn

__all__ = ["SEAL", "read_json", "seal", "unsealed", "write_json"]

#: The entry that holds the digest of all others.
SEAL = "digest"

#: Bytes of a file in which a wrong bit is looked for: some two seconds. Every byte takes eight
#: readings of the whole.
_SEARCHED = 4_096

_KIND = "blake2b:"  # how its value begins, by which a damaged key is told from a missing one


def seal(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with its digest as the last entry.

    It is what JSON holds; NaN and infinity are refused, which JSON has no words for.
    """
    plain = {name: value for name, value in content.items() if name != SEAL}
    return plain | {SEAL: _digest(plain)}


def _digest(content: Mapping[str, Any]) -> str:
    # Of the values, so that it outlives being laid out anew; Python writes a float so that the same
    # float is read back.
    read = json.loads(json.dumps(content, allow_nan=False))  # keys that are numbers become words
    text = json.dumps(read, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return _KIND + hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write an object with its digest, whole or not at all; its folder is made if needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(seal(content), indent=1, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def read_json(
    path: str | Path, error: type[ExploreError] = InputError, *, editable: bool = False
) -> dict[str, Any]:
    """Read an object, without its digest, and compare it with that where it has one.

    Files of earlier versions have none, and are read as they are. A file that cannot be read, is no
    JSON object, or is not what was written raises `error`.

    Where people change the file by hand (`editable`), a single wrong bit is refused all the same
    (up to 4 KiB: finding it reads the file eight times a byte), any other change is told in a
    warning.
    """
    try:
        raw = Path(path).read_bytes()
        content = json.loads(raw.decode("utf-8"))
    except OSError as found:
        raise error(f"{path} cannot be read ({found.strerror or found}).") from found
    except (ValueError, RecursionError) as found:  # no UTF-8, no JSON, a number without end
        raise error(
            f"{path} is no JSON ({str(found).splitlines()[0][:120]}), it may be damaged: restore "
            "it from a copy, or remove it."
        ) from found
    if not isinstance(content, dict):
        raise error(f"{path} holds no JSON object: restore it from a copy, or remove it.")
    try:
        return unsealed(content, str(path), error)
    except error:
        if not editable or _one_bit_wrong(raw):
            raise
    warn(
        f"{path} was changed after it was written (its digest does not fit): it is taken as it "
        f'is. Take out its entry "{SEAL}" if that is as it should be.'
    )
    return {name: value for name, value in content.items() if name != SEAL}


def _one_bit_wrong(raw: bytes) -> bool:
    """Whether turning one bit makes a file what was sealed; not asked of a long one."""
    if len(raw) > _SEARCHED:
        return False
    changed = bytearray(raw)
    for place in range(len(changed)):
        for bit in range(8):
            changed[place] ^= 1 << bit
            try:
                content = json.loads(changed.decode("utf-8"))
            except (ValueError, RecursionError):
                content = None
            if isinstance(content, dict):
                said = content.pop(SEAL, None)
                if said is not None and _sum(content) == said:
                    return True
            changed[place] ^= 1 << bit
    return False


def unsealed(
    content: Mapping[str, Any], where: str, error: type[ExploreError] = InputError
) -> dict[str, Any]:
    """Take the digest out of an object, if it has one, after a look whether it fits.

    An object that is not what `seal` saw raises `error`, whose message calls it `where`.
    """
    plain = dict(content)
    strays = [
        name for name, value in plain.items() if isinstance(value, str) and _KIND in value[:9]
    ]
    said = plain.pop(SEAL, None)
    if said is None and not strays:
        return plain
    if said is None or _sum(plain) != said:
        raise error(
            f"{where} is not what was written (its digest does not fit): restore it from a copy or "
            f'make it again; if you changed it by hand, take out its entry "{SEAL}".'
        )
    return plain


def _sum(content: dict[str, Any]) -> str:
    try:
        return _digest(content)
    except (ValueError, RecursionError):  # NaN, depths: nothing that was sealed holds them
        return ""
