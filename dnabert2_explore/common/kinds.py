"""What a public call asks for, said in a sentence where something of another kind is given.

The annotations of a call decide, and no list beside them: what is one of the kinds below is looked
at before the call begins. Names of options, numbers and sequences are left to the call, which says
more of them.
"""

from __future__ import annotations

import ast
import inspect
import os
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, wraps
from typing import Any, TypeVar, cast

from ..errors import InputError

__all__ = ["check_kinds", "checked"]

#: A kind by its name, with those of its elements.
Kind = tuple[str, tuple[Any, ...]]
F = TypeVar("F", bound=Callable[..., Any])

#: Class of this package -> what makes one.
_MAKERS = {
    "Attribution": "attribute(enc, sequences)",
    "Audit": "`dnabert2-explore gue audit`",
    "Differential": "differential_motifs(first, second)",
    "Discovery": "discover_motifs(enc, sequences, target).discovery",
    "EmbeddingStore": "open_store(path)",
    "Encoder": 'load("pocket")',
    "Feature": "read_annotation(path).features[name]",
    "FinetuneConfig": 'FinetuneConfig("pocket", train="train.csv", dev="", out="runs/mine")',
    "Genome": 'Genome("genome.fa")',
    "GueRun": "`dnabert2-explore gue run`",
    "Hits": "scan_motifs(sequences, motifs)",
    "Matches": "match_motifs(motifs)",
    "Motif": 'jaspar_motif("CTCF")',
    "PretrainConfig": "PretrainConfig.from_yaml(path)",
    "Variant": 'parse_variant("chr1:1234 A>G")',
    "VariantScorer": "VariantScorer.make(enc, genome)",
    "VariantScores": "score_variants(enc, variants, genome)",
}
_MANY = ("Items", "Iterable")
#: Whose objects are none of ours; what anybody else writes may stand in for one.
_NO_STAND_IN = ("builtins", "dnabert2_explore", "numpy", "pandas", "pathlib", "torch")


def _is_numbers(value: Any) -> bool:
    if isinstance(value, list | tuple) and value:
        return _is_numbers(value[0])
    no = (str, bytes, Mapping, os.PathLike, type(None))
    return not isinstance(value, no) and not hasattr(value, "_line")


#: Other kinds: whether a value is of it, and how it is called.
_OTHERS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "ArrayLike": (_is_numbers, "an array of numbers"),
    "Mapping": (lambda value: isinstance(value, Mapping), "a dict"),
    "DataFrame": (lambda value: hasattr(value, "columns"), "a table"),
    "IO": (lambda value: hasattr(value, "read"), "an open file"),
    "None": (lambda value: value is None, ""),
    "Path": (lambda value: isinstance(value, os.PathLike), "a path"),
    "PathLike": (lambda value: isinstance(value, os.PathLike), "a path"),
    "int": (lambda value: hasattr(value, "__index__"), "whole numbers"),
    "str": (lambda value: isinstance(value, str), "a str"),
    "tuple": (lambda value: isinstance(value, tuple | list), "pairs (start, end)"),
}
#: Calls say more of these, where they stand alone.
_THEIRS = ("int", "tuple")


def checked(call: F) -> F:
    """Look at the kinds of a call's arguments before it begins.

    Examples
    --------
    >>> @checked
    ... def scan(hits: Hits):
    ...     return hits
    >>> scan([1, 2])
    Traceback (most recent call last):
        ...
    dnabert2_explore.errors.InputError: hits is a list of int; expected Hits: make it with ...
    """
    own = inspect.signature(call)

    @wraps(call)
    def looked(*args: Any, **kwargs: Any) -> Any:
        # A wrong number of arguments is said by the call itself.
        check_kinds(own, dict(zip(own.parameters, args, strict=False)) | kwargs)
        return call(*args, **kwargs)

    return cast(F, looked)


def check_kinds(signature: inspect.Signature, given: Mapping[str, Any]) -> None:
    """Refuse the first argument that is of another kind than its annotation says.

    The `InputError` names the argument, what it is, and what makes the right thing.
    """
    for name, value in given.items():
        asked = signature.parameters.get(name)
        kinds = _kinds(str(asked.annotation)) if asked is not None else ()
        if kinds and not any(_fits(value, *kind) for kind in kinds):
            makers = [_MAKERS[one] for one in _names(kinds) if one in _MAKERS]
            mend = f"make it with {makers[0]}" if makers else "give that"
            raise InputError(f"{name} is {_told(value)}; expected {_words(kinds)}: {mend}.")


@lru_cache
def _kinds(annotation: str) -> tuple[Kind, ...]:
    """Read the kinds that an annotation allows; none, if one of them is not known here."""
    try:
        found = _read(ast.parse(annotation, mode="eval").body)
    except SyntaxError:
        return ()
    known = {*_MAKERS, *_OTHERS, *_MANY} - {*_THEIRS}
    if {"Bases", "Sequence"}.intersection(_names(found)):
        return ()  # `as_sequences` says more
    return found if known.issuperset(name for name, _ in found) else ()


def _read(node: ast.AST) -> tuple[Kind, ...]:
    if isinstance(node, ast.BinOp):
        return _read(node.left) + _read(node.right)
    if isinstance(node, ast.Subscript):
        name = _read(node.value)[0][0]
        return ((name, _read(node.slice) if name in _MANY else ()),)
    return ((ast.unparse(node).rpartition(".")[2], ()),)


def _names(kinds: tuple[Kind, ...]) -> list[str]:
    return [one for name, elements in kinds for one in (name, *_names(elements))]


def _fits(value: Any, name: str, elements: tuple[Kind, ...]) -> bool:
    if name in _OTHERS:
        return _OTHERS[name][0](value)
    if name not in _MANY:
        home = type(value).__module__.partition(".")[0]
        return home not in _NO_STAND_IN or name in (one.__name__ for one in type(value).__mro__)
    if not isinstance(value, Iterable) or isinstance(value, Mapping | bytes):
        return False
    if not all(one in (*_MAKERS, *_OTHERS, *_MANY) for one, _ in elements):
        return True
    looked = value if isinstance(value, list | tuple | str) else ()
    return all(any(_fits(one, *kind) for kind in elements) for one in looked)


def _told(value: Any) -> str:
    if value is None or isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return repr(value[:40])
    inner = type(value[0]).__name__ if isinstance(value, list | tuple) and value else ""
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'AEIOU' else 'a'} {kind}" + (f" of {inner}" if inner else "")


def _words(kinds: tuple[Kind, ...]) -> str:
    words = [
        f"a list of {_words(elements) or 'them'}"
        if name in _MANY
        else _OTHERS.get(name, ("", name))[1]
        for name, elements in kinds
    ]
    return " or ".join(dict.fromkeys(word for word in words if word))
