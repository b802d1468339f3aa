"""Settings of a configuration as a person types them: ``--set NAME=VALUE``, ``--name value``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from functools import wraps
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_type_hints

import typer

from ..errors import InputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["as_options", "settings_of", "with_options"]


#: Choices that a line of help still holds.
_MANY = 5


def settings_of(
    kind: type[DataclassInstance], texts: Iterable[str], example: str
) -> dict[str, Any]:
    """Read the values of ``--set``, NAME=VALUE, as a YAML file would be; an empty one is "".

    A text that is none, and a value whose name or type is unknown to the configuration's dataclass,
    are an `InputError`, which shows an `example`.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"--set {text}: expected NAME=VALUE, such as {example}")
        found |= _read(kind, name.strip(), value, f"--set {text}", "--set")
    return found


def as_options(
    kind: type[DataclassInstance], names: Iterable[str], words: list[str], besides: str
) -> tuple[dict[str, Any], list[str]]:
    """Read what stands on a command line besides its own options: ``--learning-rate 5e-4``.

    Options are the fields `names` of the configuration's dataclass; also returned are the words
    that belong to none. An option that is no such field, has no value, or one of another type is an
    `InputError`, which calls the command `besides`.
    """
    known = {"--" + name.replace("_", "-"): name for name in names}
    found: dict[str, Any] = {}
    arguments: list[str] = []
    rest = _parted(words)
    for word in rest:
        if not word.startswith("-"):
            arguments.append(word)
            continue
        if word not in known:
            raise InputError(
                f"{besides} has no option {word}; expected one of its --help, or a setting: "
                f"{', '.join(known)}"
            )
        value = next(rest, None)
        if value is None:
            raise InputError(f"{word} has no value: write one behind it")
        found |= _read(kind, known[word], value, word, word)
    return found, arguments


def with_options(
    kind: type[DataclassInstance], called: Mapping[str, str], without: Iterable[str] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command an option for each field of a dataclass, and the command the object.

    The fields have their help as ``metadata["help"]``; `called` are those whose option is not
    called as they are, and `without` those that have none. The command takes the object as its
    keyword ``settings``; its own options stand before.
    """
    types = get_type_hints(kind)
    named = {
        called.get(one.name, one.name): one for one in fields(kind) if one.name not in set(without)
    }

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = signature(command, eval_str=True)

        @wraps(command)
        def run(**given: Any) -> None:
            chosen = {one.name: given.pop(name) for name, one in named.items()}
            command(settings=kind(**chosen), **given)

        options = [
            Parameter(
                name,
                Parameter.KEYWORD_ONLY,
                default=one.default,
                annotation=Annotated[
                    types[one.name],
                    typer.Option(
                        "--" + name.replace("_", "-"),
                        help=one.metadata["help"],
                        metavar="NAME" if len(get_args(types[one.name])) > _MANY else None,
                    ),
                ],
            )
            for name, one in named.items()
        ]
        kept = [
            one.replace(kind=Parameter.KEYWORD_ONLY)
            for name, one in own.parameters.items()
            if name != "settings"
        ]
        run.__signature__ = own.replace(parameters=[*kept, *options])  # type: ignore[attr-defined]
        return run

    return decorate


def _parted(words: list[str]) -> Iterator[str]:
    """Part ``--name=value``."""
    for word in words:
        option, equals, value = word.partition("=")
        yield from (option, value) if word.startswith("--") and equals else (word,)


def _read(
    kind: type[DataclassInstance], name: str, text: str, what: str, where: str
) -> dict[str, Any]:
    import yaml

    from ..training.configuration import checked

    wanted = {one.name: str(one.type).removesuffix(" | None") for one in fields(kind)}.get(name)
    try:
        if wanted == "str":  # 42 and true are words, too
            value: Any = text
        elif wanted == "float":
            value = _number(text)
        else:
            value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"{what}: the value is no YAML ({error}).") from error
    return checked(kind, {name: "" if value is None else value}, where)


def _number(text: str) -> float | str:
    """Read 5e-4, which YAML takes for a word."""
    try:
        return float(text)
    except ValueError:
        return text
