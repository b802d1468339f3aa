"""Dataclass configurations from YAML files, with errors that name the key."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from ..errors import InputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Config = TypeVar("Config", bound=DataclassInstance)

__all__ = ["read_yaml"]

# Annotations are strings here ("from __future__ import annotations"); these are all we use.
_KINDS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "dict[str, Any]": (dict,),
}


def read_yaml(kind: type[Config], path: str | Path) -> Config:
    """Build a configuration dataclass from a YAML mapping.

    Parameters
    ----------
    kind : type
        A dataclass whose fields are str, int, float, bool or dict.
    path : path
        The YAML file; its keys are the fields' names.

    Raises
    ------
    InputError
        If the file cannot be read, is no mapping, or a key is unknown, missing or of another type.
    """
    path = Path(path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: cannot be read as YAML ({error}).") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a mapping of settings, one `key: value` a line.")
    known: dict[str, Field[Any]] = {one.name: one for one in fields(kind)}
    for key, value in content.items():
        if key not in known:
            raise InputError(f"{path}: unknown key {key!r}; expected one of {', '.join(known)}.")
        expected = _KINDS[str(known[key].type)]
        # bool is an int in Python, and YAML reads 1e-3 (no dot) as text: say so by name.
        if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
            raise InputError(
                f"{path}: {key} is {value!r}; expected {known[key].type}"
                + (", written with a dot (1.0e-3)." if isinstance(value, str) else ".")
            )
    for name, one in known.items():
        required = one.default is MISSING and one.default_factory is MISSING
        if required and name not in content:
            raise InputError(f"{path}: key {name!r} is missing; add it.")
    return kind(**content)
