"""Dataclass configurations from YAML files and back, with errors that name the key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, Field, asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ..common.files import write_text
from ..errors import InputError
from ..results.rich_display import RichDisplay

if TYPE_CHECKING:
    from typing import Self

    from _typeshed import DataclassInstance

__all__ = ["Settings", "check_choices", "check_least", "check_shares", "checked", "shown",
           "write_yaml"]  # fmt: skip

# Annotations are strings here ("from __future__ import annotations"); these are all we use.
_KINDS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "dict[str, Any]": (dict,),
    "tuple[str, ...]": (list,),
    "tuple[int, ...]": (list,),
}

#: What stands in a list, and what it is called.
_ITEMS: dict[str, tuple[type, str]] = {
    "tuple[str, ...]": (str, "a list of words"),
    "tuple[int, ...]": (int, "a list of whole numbers"),
}


#: What PyYAML raises of itself (2001-99-99, !!bool x, !!int a: 1, deep nesting) beside its own.
_FAULTS = (
    OSError,
    UnicodeDecodeError,
    yaml.YAMLError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    RecursionError,
)


@dataclass(frozen=True, slots=True, repr=False)
class Settings(RichDisplay):
    """Settings that a YAML file may hold.

    Fields of a configuration are of str, int, float, bool, dict, and tuples of str or int.
    """

    def _line(self) -> str:
        told = [
            f"{one.name}={value!r}"
            for one in fields(self)
            if (value := getattr(self, one.name)) != one.default
        ]
        return ", ".join(told) or "all defaults"

    @classmethod
    def from_yaml(cls, path: str | Path, **over: Any) -> Self:
        """Read a configuration from a YAML mapping; `over` takes the place of its values.

        A file that cannot be read or is no mapping, and a key that is unknown, missing or of
        another type, are an :class:`InputError`.
        """
        path = Path(path)
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except _FAULTS as error:
            said = " ".join(str(error).split()) or type(error).__name__
            raise InputError(f"{path}: cannot be read as YAML ({said[:200]}).") from error
        if not isinstance(content, dict):
            raise InputError(f"{path}: expected a mapping of settings, one `key: value` a line.")
        values = checked(cls, content, str(path)) | over
        for one in fields(cls):
            required = one.default is MISSING and one.default_factory is MISSING
            if required and one.name not in values:
                raise InputError(f"{path}: key {one.name!r} is missing; add it.")
        return cls(**values)


def checked(kind: type[DataclassInstance], content: dict[Any, Any], where: str) -> dict[str, Any]:
    """Check settings, as YAML reads them, against a dataclass's fields; lists become tuples.

    `where` begins the sentence of the `InputError`.
    """
    known: dict[str, Field[Any]] = {one.name: one for one in fields(kind)}
    values: dict[str, Any] = {}
    for key, value in content.items():
        if key not in known:
            raise InputError(f"{where}: unknown key {key!r}; expected one of {', '.join(known)}.")
        wanted = str(known[key].type).removesuffix(" | None")
        expected = _KINDS[wanted]
        # bool is an int in Python, and YAML reads 1e-3 (no dot) as text: say so by name.
        item, words = _ITEMS.get(wanted, (str, wanted))
        fits = isinstance(value, expected) and (bool in expected or not isinstance(value, bool))
        if fits and item is int and wanted in _ITEMS:
            fits = all(type(one) is int for one in value)
        if not fits:
            hint = ", written with a dot (1.0e-3)" if wanted == "float" else ""
            raise InputError(
                f"{where}: {key} is {value!r}; expected "
                + words
                + (hint if isinstance(value, str) else "")
                + "."
            )
        values[key] = tuple(map(item, value)) if isinstance(value, list) else value
    return values


def check_choices(config: DataclassInstance, **choices: tuple[str, ...]) -> None:
    """Refuse a setting that is none of its choices, by an `InputError` that lists them."""
    for name, allowed in choices.items():
        if getattr(config, name) not in allowed:
            raise InputError(
                f"{name} is {getattr(config, name)!r}; expected {', '.join(allowed[:-1])} or "
                f"{allowed[-1]}."
            )


def check_least(config: DataclassInstance, least: int, names: Iterable[str]) -> None:
    """Refuse a setting below the least that it can be, by an `InputError`."""
    for name in names:
        if getattr(config, name) < least:
            raise InputError(f"{name} is {getattr(config, name)}; expected at least {least}.")


def check_shares(config: DataclassInstance, names: Iterable[str]) -> None:
    """Refuse a share that is negative, or not less than all, by an `InputError`."""
    for name in names:
        if not 0 <= getattr(config, name) < 1:
            raise InputError(f"{name} is {getattr(config, name)}; expected 0 to less than 1.")


def shown(value: object) -> str:
    """Write a setting for people: floats without what rounding leaves."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def write_yaml(config: DataclassInstance, path: str | Path) -> None:
    """Write a configuration that its `from_yaml` reads back."""
    values = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(config).items()}
    write_text(Path(path), yaml.safe_dump(values, sort_keys=False))
