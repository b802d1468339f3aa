"""Making a call of Python again: the figure or table that it returned, and all that led to it."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..encoder import Encoder
from ..encoder.loading.recorded import load_model
from ..encoder.model_entry import model_entry
from ..errors import InputError
from ..results.origins import unrecorded
from ..results.records import KEYWORD, unpacked, without_record
from ..results.table_files import plain_text
from ..sequences import Sequence
from .compare import Comparison, compare_input, compare_models, compare_numbers, compare_tables

__all__ = ["rebuild_call"]

#: What holds sequences in the calls of this package.
_SEQUENCES = ("sequences", "bases")
_FIGURE = re.compile(r"Plotly\.newPlot\(\s*")


class _Replay:
    """Calls made again, one after the other, each once.

    `path` is the file, for messages; `model` and `sequences` stand in place of the first model, and
    of sequences that were too long to be kept.
    """

    def __init__(self, path: Path, model: Encoder | None, sequences: list[Sequence] | None) -> None:
        self.path, self.model, self.sequences = path, model, sequences
        self.said: list[str] = []
        self._models: dict[str, Encoder] = {}
        self._results: dict[str, Any] = {}

    def made(self, record: Mapping[str, Any]) -> Any:
        """Return what a call returns, or the part of it that is meant."""
        key = json.dumps({name: record[name] for name in ("call", "parameters", "models")})
        if key not in self._results:
            self._results[key] = self._called(record)
        found = self._results[key]
        for step in record["part"]:
            found = getattr(found, step) if isinstance(step, str) else found[step]
        return found

    def _called(self, record: Mapping[str, Any]) -> Any:
        call, own = _public(self.path, str(record["call"]))
        if not record["again"] or not call.__recorded__:
            raise InputError(
                f"{self.path} was made by {record['call']}(…), which trains or writes files and is "
                "not run from a file: its record says with what to do it by hand."
            )
        given = record["parameters"]
        arguments = {}
        for name, value in given.items():
            arguments[name] = self._value(name, value, record["models"])
        known = inspect.signature(call)
        unknown = arguments.keys() - known.parameters.keys()
        if unknown:
            raise InputError(
                f"{self.path} was made with {sorted(unknown)[0]!r}, which {record['call']}(…) does "
                "not take in this version."
            )
        bound = inspect.BoundArguments(known, arguments)
        ordered = {name: arguments[name] for name in known.parameters if name in arguments}
        bound.arguments = ordered
        if own and not isinstance(next(iter(ordered.values())), own):
            raise InputError(f"{self.path} calls {record['call']} of something else: no record.")
        return call(*bound.args, **bound.kwargs)

    def _value(self, name: str, value: Any, models: list[Mapping[str, Any]]) -> Any:
        def each(items: Any) -> list[Any]:
            return [self._value(name, one, models) for one in items]

        if isinstance(value, list):
            return each(value)
        if not isinstance(value, dict):
            return value
        kind = value["is"]
        if kind == "packed":
            if value["text"] is None:
                if name in _SEQUENCES and self.sequences is not None:
                    return self.sequences
                raise InputError(
                    f"The {name} that {self.path} was made from were too long to be kept in it: "
                    "give sequences=, or make it by hand."
                )
            text = unpacked(value["text"])
            if hashlib.sha256(text.encode()).hexdigest() != value["sha256"]:
                raise InputError(f"The record of {self.path} is damaged: {name} is another.")
            return self._value(name, json.loads(text), models)
        if kind == "model":
            return self._model(models[value["number"]])
        if kind == "result":
            return self.made(value)
        if kind == "float":
            return float(value["value"])
        if kind == "dict":
            return dict(map(each, value["items"]))
        if kind in ("tuple", "set"):
            return (tuple if kind == "tuple" else set)(each(value["items"]))
        if kind == "array":
            return self._array(name, value)
        if kind == "object":
            return self._object(value, models)
        if kind == "table":
            import pandas as pd

            return pd.DataFrame({key: each(column) for key, column in value["columns"]})
        if kind in ("path", "file"):
            return self._file(name, value)
        raise InputError(
            f"{self.path} was made with {name} of the kind {value.get('class', kind)}, which no "
            f"record holds ({value.get('said', '')[:80]}): make it by hand."
        )

    def _model(self, entry: Mapping[str, str]) -> Encoder:
        key = json.dumps(entry, sort_keys=True)
        if key not in self._models:
            enc = self.model if self.model is not None else load_model(entry)
            self.said += compare_models(entry, model_entry(enc))
            self._models[key] = enc
        return self._models[key]

    def _array(self, name: str, value: Mapping[str, Any]) -> Any:
        import numpy as np

        if "hex" not in value:
            raise InputError(
                f"The array {name} that {self.path} was made from was too long to be kept in it "
                f"(shape {value['shape']}): make it by hand."
            )
        kind = np.dtype(value["dtype"])
        if kind.kind not in "biuf":
            raise InputError(f"The record of {self.path} has an array of {kind}: it is no record.")
        flat = np.frombuffer(bytes.fromhex(value["hex"]), kind)
        return flat.reshape(value["shape"]).copy()

    def _object(self, value: Mapping[str, Any], models: list[Mapping[str, Any]]) -> Any:
        """Make plain data of this package: a frozen dataclass, whose making does nothing."""
        import dnabert2_explore as dx

        name = str(value["class"])
        kind = getattr(dx, name) if name in dx.__all__ else None
        if not dataclasses.is_dataclass(kind) or not kind.__dataclass_params__.frozen:  # type: ignore[union-attr]
            raise InputError(
                f"{self.path} was made with a {name[:60]}, which no record holds: make it by hand."
            )
        fields = {key: self._value(key, one, models) for key, one in value["fields"].items()}
        return kind(**fields)  # type: ignore[operator]

    def _file(self, name: str, value: Mapping[str, Any]) -> str:
        self.said += compare_input(self.path, name, value)
        return str(Path(value["path"]))


def _public(path: Path, name: str) -> tuple[Any, type | None]:
    """Find a call by the name that a record gives: public, and one that records itself."""
    import dnabert2_explore as dx

    home, _, method = name.rpartition(".")
    found: Any = None
    own: type | None = None
    if name in dx.__all__:
        found = getattr(dx, name)
    elif home == "features":
        found = getattr(dx.features, method, None)
    elif home in dx.__all__ and isinstance(getattr(dx, home), type):
        own = getattr(dx, home)
        found = None if method.startswith("_") else inspect.getattr_static(own, method, None)
        if not inspect.isfunction(found):
            found = getattr(own, method, None)
    if not callable(found) or not hasattr(found, "__recorded__"):
        raise InputError(f"{path} was made by {name[:60]!r}, which this version has no call for.")
    return found, own


def rebuild_call(
    path: Path,
    record: Mapping[str, Any],
    model: Encoder | None,
    sequences: list[Sequence] | None,
) -> Comparison:
    """Make a call again and compare what it returns with a file."""
    replay = _Replay(path, model, sequences)
    with unrecorded():
        after = replay.made({**record, "part": record.get("part", [])})
    found = _compared(path, after)
    found.said[:0] = replay.said
    return found


def _compared(path: Path, after: Any) -> Comparison:
    suffix = path.suffix.lower()
    if hasattr(after, "to_plotly_json"):
        before = _figure(path)
        found = Comparison()
        _compare(before, json.loads(after.to_json()), "figure", found)
        return found
    if suffix == ".parquet":
        import pandas as pd

        return compare_tables(plain_text(pd.read_parquet(path)), plain_text(after))
    delimiter = "\t" if suffix == ".tsv" else ","
    text = without_record(path.read_text(encoding="utf-8"))
    return compare_tables(text, plain_text(after, delimiter), delimiter)


def _figure(path: Path) -> Any:
    """Return the data and layout of a plotly figure in a file of JSON or HTML."""
    text = path.read_text(encoding="utf-8")
    if path.suffix.lower() != ".html":
        return json.loads(text)
    reader = json.JSONDecoder()
    for place in _FIGURE.finditer(text):
        try:
            at, parts = place.end(), []
            for _ in range(3):  # the element's name, data, layout
                one, at = reader.raw_decode(text, at)
                parts.append(one)
                at = re.compile(r"[\s,]*").match(text, at).end()  # type: ignore[union-attr]
        except ValueError:  # plotly's own program says newPlot too
            continue
        if KEYWORD in str(parts[2].get("meta", "")):
            return {"data": parts[1], "layout": parts[2]}
    raise InputError(f"{path} has a record but no figure in it: it was changed.")


def _compare(before: Any, after: Any, where: str, found: Comparison) -> None:
    """Compare two figures, number by number; what is in their meta has the day in it."""
    old, new = _numbers(before), _numbers(after)
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted((old.keys() | new.keys()) - {"meta", "template", "uid", "config"}):
            inner = f"{where}.{key}"
            if key not in old or key not in new:
                found.said.append(f"{inner} {'is new' if key in new else 'is gone'}")
            else:
                _compare(old[key], new[key], inner, found)
        return
    if isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            found.said.append(f"{where}: {len(old):,} entries, now {len(new):,}")
            return
        for place, (one, other) in enumerate(zip(old, new, strict=True)):
            if one is not other and one != other:
                _compare(one, other, f"{where}[{place}]", found)
        return
    if isinstance(old, int | float) and isinstance(new, int | float):
        if old != new:
            found.number(float(old), float(new), where)
        return
    if hasattr(old, "dtype") and hasattr(new, "dtype"):
        compare_numbers(where, old, new, found)
    elif type(old) is not type(new) or old != new:
        found.said.append(f"{where}: {str(old)[:40]!r}, now {str(new)[:40]!r}")


def _numbers(value: Any) -> Any:
    """Read plotly's way of writing arrays."""
    if isinstance(value, dict) and value.keys() >= {"bdata", "dtype"}:
        import base64

        import numpy as np

        flat = np.frombuffer(base64.b64decode(value["bdata"]), np.dtype(value["dtype"]))
        shape = str(value.get("shape", "")).split(",")
        return flat.reshape([int(one) for one in shape]) if shape != [""] else flat
    return value
