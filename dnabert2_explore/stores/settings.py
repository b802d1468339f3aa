"""What a store says about how it was made, and how two of these differ."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..results.digests import stamp_of
from ..results.sealed import SEAL, unsealed
from ..sequences.reading.genome import Genome
from ..version import __version__
from .embedder import Embedder
from .errors import StoreError, damaged
from .filling.plan import WindowPlan

__all__ = [
    "FORMAT",
    "FORMAT_VERSION",
    "checked",
    "describe",
    "differences",
    "different",
    "plan_of",
]

FORMAT = "dnabert2-explore embeddings"
FORMAT_VERSION = 1
_HASH = 12  # digits of a hash that tell two apart in a message


def describe(
    plan: WindowPlan, genome: Genome, embedder: Embedder, known: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the attributes of a store of these, as JSON gives them back.

    `known` are those of an existing store: its digest is taken over where it was made from the same
    file of the same size and time, so that resuming does not read a genome twice.
    """
    source = (known or {}).get("source", {})
    stamp = _stamp(genome)
    same_file = stamp is not None and (source.get("path"), source.get("stamp")) == (
        genome.path,
        stamp,
    )
    attributes = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "version": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "identity": dict(embedder.identity),
        "about": dict(embedder.about),
        "layers": list(embedder.layers),
        "hidden": embedder.hidden,
        "plan": {
            "window": plan.window,
            "stride": plan.stride,
            "rows_per_chunk": plan.rows_per_chunk,
        },
        "source": {
            "path": genome.path,
            "stamp": stamp,
            "sha256": source["sha256"] if same_file else genome.digest(),
            "names": list(plan.names),
            "lengths": list(plan.lengths),
        },
    }
    return dict(json.loads(json.dumps(attributes)))  # tuples come back as lists, as from the file


def _stamp(genome: Genome) -> list[int] | None:
    if genome.stamp is None:
        return None
    try:
        # With the time of change: another genome may have come with this one's size and time.
        return list(stamp_of(Path(genome.path)))
    except OSError:  # gone since it was opened
        return list(genome.stamp)


_ENTRIES: dict[str, type | tuple[type, ...]] = {
    "format": str,
    "format_version": int,
    "version": str,
    "created": str,
    "identity": dict,
    "about": dict,
    "layers": list,
    "hidden": int,
    "plan": dict,
    "source": dict,
}


def checked(attributes: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the attributes of a store without what others added, after a look at their digest.

    As `describe` made them, and ``arrays``, the digests of how arrays are read; stores of earlier
    versions have none. Raises StoreError, which names the file `where`, if they are damaged.
    """
    strays = {name for name, one in attributes.items() if str(one).startswith("blake2b:")}
    ours = {*_ENTRIES, "arrays", SEAL, *strays} & attributes.keys()
    found = unsealed({name: attributes[name] for name in sorted(ours)}, where, StoreError)
    for name, kind in _ENTRIES.items():
        if not isinstance(found.get(name), kind):
            raise damaged(where, f"its entry {name!r} is {str(found.get(name))[:40]!r}")
    return found


def plan_of(attributes: Mapping[str, Any]) -> WindowPlan:
    """Return the plan a store was made with."""
    source = attributes["source"]
    return WindowPlan(tuple(source["names"]), tuple(source["lengths"]), **attributes["plan"])


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Name what keeps a run from going on with a store; empty where nothing does.

    Where the file lies, the version that wrote the store and what `about` holds do not count.
    """
    found = different(there["identity"], here["identity"]) + different(there["plan"], here["plan"])
    found += [
        f"{key} {there[key]} there, {here[key]} here"
        for key in ("layers", "hidden")
        if there[key] != here[key] and key not in here["identity"]
    ]
    if there["source"]["sha256"] != here["source"]["sha256"]:
        found.append(f"sequences {_source(there['source'])} there, {_source(here['source'])} here")
    return found


def different(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Name the settings that two mappings of JSON values do not agree on."""
    old, new = _flat(there), _flat(here)
    return [
        f"{key} {_formatted(old.get(key), key)} there, {_formatted(new.get(key), key)} here"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    ]


def _flat(settings: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Return settings within settings under one name each, so that messages stay short."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        inner = _flat(value, f"{before}{key}.") if isinstance(value, Mapping) else None
        flat.update({before + key: value} if inner is None else inner)
    return flat


def _formatted(value: Any, key: str) -> str:
    if key.endswith("sha256") and isinstance(value, str):
        return f"{value[:_HASH]}…"
    return "none" if value is None else str(value)


def _source(source: Mapping[str, Any]) -> str:
    origin = source["path"] or "from memory"
    return (
        f"{origin} ({len(source['names']):,} records, {sum(source['lengths']):,} bases, "
        f"sha256 {source['sha256'][:_HASH]}…)"
    )
