"""Where a result comes from: the call that made it, kept beside it and written with it.

A public call wears `@recorded`. What it returns is known by the call and its arguments from then
on; tables and figures carry that as a record (see `records`), and what is made of a result says how
the result was made. Nothing is written down before somebody asks, but for what may change: models
and arrays.
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
import math
import os
import threading
import weakref
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, overload

from ..common.context import held
from ..common.kinds import check_kinds
from .digests import sha256_of
from .records import KEYWORD, packed, sealed_text, versions

__all__ = [
    "Call",
    "origin_line",
    "origin_of",
    "recorded",
    "running_call",
    "unrecorded",
]

F = TypeVar("F", bound=Callable[..., Any])

#: Characters of an argument that stand in a record as they are; longer ones are packed.
_SHORT = 2_000
#: Characters of an argument that are kept at all; of a longer one its digest is.
_KEPT = 2_000_000
#: Parts of one result that are known by themselves, such as the motifs of a discovery.
_PARTS = 2_000
#: Bytes of an argument's file that is digested.
_FILE = 256 << 20
#: What is data that a person hands in, whoever made it: written by its content.
_VALUES = frozenset(("Sequence", "Motif", "Variant", "AttributionSettings", "ModelInfo"))
#: How long, in characters, the name of a file may be.
_NAME = 1_000

_inside: ContextVar[bool] = ContextVar("_inside", default=False)
_running: ContextVar[object] = ContextVar("_running", default=None)
_guard = threading.Lock()
_known: dict[int, tuple[weakref.ref[Any], Call, tuple[str | int, ...], str]] = {}


def running_call() -> object:
    """Tell recorded calls apart: an object of the outermost that runs in this thread, or None."""
    return _running.get()


def unrecorded() -> AbstractContextManager[bool]:
    """Keep no calls meanwhile: they are parts of another, or a view's, which has its own record."""
    return held(_inside, True)


class Call:
    """A public call that was made, and with what.

    The name is as people write it: ``"attribute"``, ``"Encoder.embed"``; arguments are by their
    names, defaults too. `again` says whether a file may ask for it to be made again; a `light` call
    names models by their files: it does not compute with the weights.
    """

    def __init__(
        self, name: str, arguments: Mapping[str, Any], again: bool = True, light: bool = False
    ) -> None:
        self.name, self.again, self._light = name, again, light
        self._arguments = {key: self._held(one) for key, one in arguments.items()}
        self._written: dict[str, Any] | None = None

    def _held(self, value: Any) -> Any:
        """Keep what may change as it is now."""
        if hasattr(value, "_model_entry") and origin_of(value) is None:
            return _Model(value, self._light)
        if isinstance(value, list):
            return list(value)
        if isinstance(value, dict):
            return dict(value)
        if _is_array(value) and origin_of(value) is None:
            return _Array(value)
        return value

    def record(self, part: tuple[str | int, ...] = ()) -> dict[str, Any]:
        """Return what a file says of this call: all that JSON holds."""
        if self._written is None:
            entries: list[dict[str, str]] = []
            arguments = {
                key: _shortened(_written(one, entries)) for key, one in self._arguments.items()
            }
            self._written = {
                "what": "call",
                "call": self.name,
                "again": self.again,
                "models": entries,
                "seed": _seed(self._arguments, arguments),
                "parameters": arguments,
                "input_sha256": _sha(arguments),
            }
        return {**self._written, "part": list(part)}


def _seed(given: Mapping[str, Any], written: Mapping[str, Any]) -> int | None:
    """Return the seed of a call, or else of the first result that it was given."""
    if isinstance(given.get("seed"), int):
        return int(given["seed"])
    made = [one["seed"] for one in written.values() if isinstance(one, dict) and "seed" in one]
    return next((one for one in made if one is not None), None)


class _Model:
    """A model as it was when it was handed in; not kept alive."""

    def __init__(self, model: Any, light: bool = False) -> None:
        self._model, self._light = weakref.ref(model), light
        self._entry: dict[str, str] = model._model_entry(by_file=light)

    def entry(self) -> dict[str, str]:
        if not self._light and (model := self._model()) is not None:
            # Told by a sample so far. All weights are read for what is written down, if they are
            # still those of the call.
            if model._model_entry() == self._entry:
                self._entry = model._model_entry(quick=False)
            self._light = True  # once
        return self._entry


class _Array:
    """An array as it was handed in: its digest, and, if it is small, its numbers."""

    def __init__(self, value: Any) -> None:
        self.dtype, self.shape = str(value.dtype), list(value.shape)
        self.sha256 = _array_sha(value)
        small = value.dtype.kind in "biuf" and value.nbytes <= _KEPT // 2
        self.numbers = value.copy() if small else None

    def written(self) -> dict[str, Any]:
        told = {"is": "array", "dtype": self.dtype, "shape": self.shape, "sha256": self.sha256}
        if self.numbers is None:
            return told
        return told | {"hex": self.numbers.tobytes().hex()}


def _is_array(value: Any) -> bool:
    return type(value).__module__ == "numpy" and hasattr(value, "tobytes") and value.ndim > 0


def _array_sha(value: Any) -> str:
    import numpy as np

    if value.dtype.kind == "O":
        return hashlib.sha256(repr(value.tolist()).encode()).hexdigest()
    return hashlib.sha256(np.ascontiguousarray(value).reshape(-1).view(np.uint8).data).hexdigest()


def _sha(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _shortened(value: Any) -> Any:
    """Pack what is long; leave out what is very long, but for its digest."""
    text = json.dumps(value)
    if len(text) <= _SHORT or (isinstance(value, dict) and value.get("is") == "result"):
        return value
    told = {"is": "packed", "sha256": hashlib.sha256(text.encode()).hexdigest()}
    return told | {"text": packed(text) if len(text) <= _KEPT else None}


def _written(value: Any, entries: list[dict[str, str]]) -> Any:
    """Write an argument as JSON; the models in it are told once, in `entries`."""

    def each(values: Any) -> list[Any]:
        return [_written(one, entries) for one in values]

    if value is None or isinstance(value, bool | int):
        return value if value is None or isinstance(value, bool) else int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"is": "float", "value": str(float(value))}
    if isinstance(value, str | os.PathLike):
        return _text(value)
    if isinstance(value, _Array):
        return value.written()
    origin = origin_of(value)
    is_model = hasattr(value, "_model_entry")
    if origin is not None:
        made, part = origin
        told = {"is": "result", **made.record(part)}
        # It numbers its own models; the whole record names them all.
        entries += [one for one in told["models"] if one not in entries]
        return told | ({"model": _Model(value).entry()} if is_model else {})
    if is_model:
        value = _Model(value)
    if isinstance(value, _Model):
        entry = value.entry()
        if entry not in entries:
            entries.append(entry)
        return {"is": "model", "number": entries.index(entry)}
    if _is_array(value):
        return _Array(value).written()
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        return _written(value.item(), entries)
    if isinstance(value, list):
        return each(value)
    if isinstance(value, tuple | set | frozenset | range):
        kind = (
            "tuple" if isinstance(value, tuple) else "list" if isinstance(value, range) else "set"
        )
        found = each(sorted(value, key=repr) if kind == "set" else value)
        return found if kind == "list" else {"is": kind, "items": found}
    if isinstance(value, Mapping):
        return {"is": "dict", "items": [each(pair) for pair in value.items()]}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {
            one.name: _written(getattr(value, one.name), entries)
            for one in dataclasses.fields(value)
            if one.init
        }
        return {"is": "object", "class": type(value).__name__, "fields": fields}
    if hasattr(value, "columns") and hasattr(value, "to_dict"):
        columns = value.to_dict("list")
        return {"is": "table", "columns": [[str(key), each(one)] for key, one in columns.items()]}
    return {"is": "other", "class": type(value).__name__, "said": repr(value)[:_NAME]}


def _text(value: str | os.PathLike[str]) -> Any:
    """Write text; of the name of a file, the digest of what it held too."""
    text = os.fspath(value)
    if len(text) > _NAME or (isinstance(value, str) and not any(one in text for one in "./\\")):
        return text
    path = Path(text).expanduser()
    try:
        is_file = path.is_file()
    except (OSError, ValueError):  # no name of anything
        return text
    if not is_file:
        return {"is": "path", "path": text} if isinstance(value, os.PathLike) else text
    digest = sha256_of(path) if path.stat().st_size <= _FILE else ""
    return {"is": "file", "path": str(path.resolve()), "sha256": digest}


def origin_of(result: Any) -> tuple[Call, tuple[str | int, ...]] | None:
    """Return the call that made a result, and which part of what it returned this is.

    None where it is not known: it was made by hand, or, being an array, was changed since.
    """
    found = _known.get(id(result))
    if found is None or found[0]() is not result:
        return None
    if found[3] and _array_sha(result) != found[3]:
        return None
    return found[1], found[2]


def origin_line(result: Any) -> str:
    """Say where a result comes from in a line, for captions; empty where it is not known."""
    found = origin_of(result)
    if found is None:
        return ""
    record = found[0].record()
    parts = [f"{record['call']}(…)"]
    parts += [f"weights {one['name']} {one['sha256'][:12]}" for one in record["models"]]
    if record["seed"] is not None:
        parts.append(f"seed {record['seed']}")
    parts.append(f"input {record['input_sha256'][:12]}")
    parts += [f"{name} {number}" for name, number in versions().items()]
    return " · ".join(parts)


def _keep(result: Any, call: Call, part: tuple[str | int, ...], digest: str = "") -> None:
    key = id(result)

    def forget(gone: weakref.ref[Any]) -> None:
        with _guard:
            found = _known.get(key)
            if found is not None and found[0] is gone:
                del _known[key]

    reference = weakref.ref(result, forget)
    with _guard:
        _known[key] = (reference, call, part, digest)


def _note(
    result: Any, call: Call, given: set[int], part: tuple[str | int, ...], left: list[int]
) -> None:
    """Know a result and the results within it by their call."""
    if left[0] <= 0 or id(result) in given:
        return
    if isinstance(result, list | tuple):
        for place, one in enumerate(result):
            _note(one, call, given, (*part, place), left)
    elif isinstance(result, dict):
        for name, one in result.items():
            if isinstance(name, str):
                _note(one, call, given, (*part, name), left)
    elif _is_array(result):
        if not part or all(isinstance(one, int) for one in part):
            _keep(result, call, part, _array_sha(result))
    elif hasattr(result, "_line"):  # what shows itself: a `RichDisplay`
        if type(result).__name__ in _VALUES or (part and hasattr(result, "_model_entry")):
            return
        left[0] -= 1
        if origin_of(result) is None:
            _keep(result, call, part)
        if dataclasses.is_dataclass(result):
            for one in dataclasses.fields(result):
                _note(getattr(result, one.name), call, given, (*part, one.name), left)


def _stamp(result: Any, call: Call) -> None:
    """Write the record into what leaves this package: a table, or a figure."""
    if hasattr(result, "attrs") and hasattr(result, "columns"):
        result.attrs[KEYWORD] = sealed_text(call.record())
    elif hasattr(result, "update_layout"):
        result.update_layout(meta={KEYWORD: sealed_text(call.record())})


@overload
def recorded(call: F) -> F: ...
@overload
def recorded(
    *, again: bool = True, of_results: bool = False, light: bool = False
) -> Callable[[F], F]: ...
def recorded(
    call: Any = None, *, again: bool = True, of_results: bool = False, light: bool = False
) -> Any:
    """Let what a public call returns know where it comes from.

    Calls within it are parts of it, and not kept. A table or a figure that it returns carries the
    record (``table.attrs``, ``figure.layout.meta``).

    Parameters
    ----------
    call : callable
    again : bool
        Whether a file may ask for the call to be made again: not what trains, or writes files.
    of_results : bool
        Record only what is made of a result whose origin is known.
    light : bool
        Name models by their files, without a look at their weights.
    """
    if call is None:
        return lambda one: _recorded(one, again, of_results, light)
    return _recorded(call, again, of_results, light)


def _recorded(call: Any, again: bool, of_results: bool, light: bool) -> Any:
    own = inspect.signature(call)
    first = next(iter(own.parameters))

    @wraps(call)
    def known(*args: Any, **kwargs: Any) -> Any:
        if _inside.get():
            return call(*args, **kwargs)
        if of_results and (not args or origin_of(args[0]) is None):
            return call(*args, **kwargs)
        made: Call | None = None
        with held(_running, object()):
            try:
                arguments = own.bind(*args, **kwargs)
            except TypeError:
                pass  # the call itself says what is wrong
            else:
                check_kinds(own, arguments.arguments)
                made = Call(_name(call, args), _defaulted(arguments), again, light)
            with unrecorded():
                result = call(*args, **kwargs)
        if made is not None:
            _note(result, made, {id(one) for one in (*args, *kwargs.values())}, (), [_PARTS])
            _stamp(result, made)
        return result

    def _name(call: Any, args: tuple[Any, ...]) -> str:
        if first == "self":
            return f"{type(args[0]).__name__}.{call.__name__}"
        room = call.__module__.split(".")  # dx.features.train is called so
        return f"features.{call.__name__}" if "features" in room else str(call.__name__)

    known.__recorded__ = again  # type: ignore[attr-defined]
    return known


def _defaulted(arguments: inspect.BoundArguments) -> dict[str, Any]:
    """Write defaults out; settings that came as one object stand by their names."""
    given = set(arguments.arguments)
    arguments.apply_defaults()
    found = dict(arguments.arguments)
    settings = found.pop("settings", None)
    if dataclasses.is_dataclass(settings):
        for one in dataclasses.fields(settings):
            if one.name in found and one.name not in given:
                found[one.name] = getattr(settings, one.name)
    elif settings is not None:
        found["settings"] = settings
    found.pop("progress", None)
    return found
