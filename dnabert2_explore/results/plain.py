"""Results of plain values as JSON holds them, and read back by what their annotations say."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from types import UnionType
from typing import Any, Self, get_args, get_origin, get_type_hints

import numpy as np

__all__ = ["JsonFields", "from_plain", "to_plain"]


def to_plain(value: Any) -> Any:
    """Write dataclasses as dicts and tuples as lists, whatever they hold; NaN as None."""
    if dataclasses.is_dataclass(value):
        return {one.name: to_plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {name: to_plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(one) for one in value]
    if isinstance(value, float | np.floating):
        return None if math.isnan(value) else float(value)
    return value


def from_plain(kind: Any, content: Any) -> Any:
    """Read what `to_plain` made of a value of a kind; entries that are no fields are left alone.

    A `KeyError` says that a field without a default is missing, a `TypeError`, `ValueError` or
    `AttributeError` that a value is of another kind.

    Examples
    --------
    >>> from_plain(dict[str, tuple[float, ...]], {"scores": [1, None]})
    {'scores': (1.0, nan)}
    """
    inside = get_args(kind)
    if kind is Any:
        return content
    if dataclasses.is_dataclass(kind):
        make: Any = kind
        kinds, needed = get_type_hints(kind), dataclasses.MISSING
        given = {
            one.name: from_plain(kinds[one.name], content[one.name])
            for one in dataclasses.fields(kind)
            if one.name in content or one.default is one.default_factory is needed
        }
        return make(**given)
    if isinstance(kind, UnionType):  # or None
        return None if content is None else from_plain(inside[0], content)
    if get_origin(kind) is dict:
        return {name: from_plain(inside[1], one) for name, one in content.items()}
    if get_origin(kind) is tuple:
        each = inside[:1] * len(content) if inside[-1] is ... else inside
        return tuple(from_plain(*one) for one in zip(each, content, strict=True))
    if kind is float:
        return math.nan if content is None else float(content)
    if not isinstance(content, kind):
        raise TypeError(f"{str(content)[:40]!r} is no {kind.__name__}")
    return content


class JsonFields:
    """Base of dataclasses whose fields JSON holds, NaN as None."""

    __slots__ = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON file; None for NaN."""
        content: dict[str, Any] = to_plain(self)
        return content

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Read what `to_json` made."""
        made: Self = from_plain(cls, content)
        return made
