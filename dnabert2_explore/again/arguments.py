"""What a record may ask of a command: options that change what comes out, and nothing else.

The digest of a record tells damage, not who wrote it: a record of a stranger is read as such.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from ..encoder import SHIPPED
from ..errors import ExploreError, InputError

__all__ = ["COMMANDS", "CommandParameters", "checked_arguments", "checked_name"]


@dataclass(frozen=True)
class CommandParameters:
    """The parameters of a command that a record names.

    `places` are arguments without a name, in their order, and all are given; `options` are written
    ``--name=value``, `flags` alone.
    """

    places: tuple[str, ...]
    options: tuple[str, ...]
    flags: tuple[str, ...] = ()


def _options(text: str) -> tuple[str, ...]:
    return tuple(f"--{name}" for name in text.split())


#: Commands that compute a file from files; all others are refused. A test holds their options to
#: the command line's, less those that say where to write or whom to ask.
COMMANDS = {
    "attribute": CommandParameters(
        ("source",),
        _options(
            "genome model target method per n-steps baseline spread explain samples window layer "
            "noise noise-samples seed device dtype"
        ),
    ),
    "embed": CommandParameters(
        ("source",),
        _options(
            "window stride genome pooling layer model device dtype attention batch-tokens "
            "rows-per-chunk"
        ),
    ),
    "motifs": CommandParameters(
        ("source",),
        _options(
            "model target method caller database collection least confident genome most null "
            "device dtype"
        ),
    ),
    "page": CommandParameters((), _options("model runtime")),
    "predict": CommandParameters(
        ("model", "data"),
        _options("genome device dtype batch-tokens strands segmentations"),
    ),
    "tokenize": CommandParameters(
        ("source",),
        _options("genome format kmer model"),
        _options("sixmers summary special no-special"),
    ),
    "variants": CommandParameters(
        ("calls",),
        _options(
            "genome model head score window layer strands pll-within rename labels positive "
            "negative device dtype attention batch-tokens"
        ),
    ),
}
_MODELS = ("model", "head")


def checked_arguments(path: Path, command: str, given: object) -> tuple[list[str], list[str]]:
    """Return the options and the places that a record names.

    InputError if the command is not run from a file, an option is none that its records have (such
    as ``--output`` or ``--force``), or a model is not on this machine.
    """
    known = COMMANDS.get(command)
    if known is None:
        raise InputError(f"{path} was written by {command!r}, which is not run from a file.")
    if not isinstance(given, list) or not all(isinstance(word, str) for word in given):
        raise InputError(f"The record of {path} has arguments that are no words: it is no record.")
    words: list[str] = []
    places: list[str] = []
    models: list[str] = []
    for word in given:
        if not word.startswith("-"):
            places.append(word)
            continue
        name, equals, value = word.partition("=")
        if word not in known.flags and not (equals and name in known.options):
            raise InputError(
                f"The record of {path} gives {word[:60]!r} to {command}, which no record says: run "
                "the command by hand, if you trust whom it comes from."
            )
        words.append(word)
        if name.removeprefix("--") in _MODELS:
            models.append(value)
    if len(places) != len(known.places):
        raise InputError(
            f"The record of {path} names {len(places)} files or models for {command}, which takes "
            f"{len(known.places)}: it is no record."
        )
    models += [one for name, one in zip(known.places, places, strict=True) if name in _MODELS]
    for one in models:
        _check_here(one)
    return words, places


def checked_name(path: Path, name: object) -> str:
    """Return the name of the file to write, which lies in no folder; or InputError."""
    plain = PureWindowsPath(str(name)).name  # knows both kinds of slashes, and drives
    if plain != name or plain in ("", ".", ".."):
        raise InputError(
            f"The record of {path} is of a file {str(name)[:60]!r}; expected a name without a "
            "folder: it is no record."
        )
    return plain


def _check_here(model: str) -> None:
    """Refuse a model that is neither shipped, nor a folder, nor in the hub's cache."""
    from ..network.checkpoints.load import find_checkpoint

    if model in SHIPPED or Path(model).expanduser().is_dir():
        return
    try:
        find_checkpoint(model)  # `offline`: nobody is asked
    except ExploreError as error:
        raise InputError(
            f"The model {model!r} is not on this machine, and nothing is downloaded unasked: load "
            "it first."
        ) from error
