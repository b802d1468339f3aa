"""Leaving word of what a command made, and of how: `dnabert2_explore.reproduce` reads it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand

from ..common.files import write_text
from ..results.digests import sha256_of
from ..results.records import Making, in_html, making, sealed_text, without_record, write_beside

__all__ = ["Recorded"]

#: Parameters that name what is read.
_INPUTS = ("source", "calls", "data", "genome", "labels", "database", "rename", "runtime")
_MODELS = ("model", "head")
#: Parameters that say where and whether to write, and how fast: no part of what comes out.
_LEFT = ("output", "force", "methods", "check", "cache", "scheduler")


class Recorded(TyperCommand):
    """A command that leaves a record of every file it writes: inside of pages, else beside."""

    def invoke(self, ctx: Any) -> Any:  # noqa: D102
        began = time.time()
        with making() as found:
            try:
                answer = super().invoke(ctx)
            except typer.Exit as stop:
                if stop.exit_code == 1:  # variants that could not all be scored are written
                    _leave(ctx, found, began)
                raise
        _leave(ctx, found, began)
        return answer


def _leave(context: Any, found: Making, began: float) -> None:
    written = [one for one in dict.fromkeys(found.outputs) if _is_fresh(one, began)]
    if not written:
        return
    arguments, inputs = _asked(context)
    record: dict[str, Any] = {
        "what": "command",
        "command": context.command.name,
        "arguments": arguments,
        "seed": context.params.get("seed", 0),
        "inputs": inputs,
        "models": found.models,
        "seconds": round(time.time() - began, 1),
    }
    for path in written:
        own = record | {"file": path.name}
        if path.suffix.lower() in (".html", ".htm"):
            _into_page(path, own | {"sha256": ""})
        else:
            write_beside(path, own | {"sha256": sha256_of(path) if path.is_file() else ""})


def _is_fresh(path: Path, began: float) -> bool:
    return path.exists() and (path.is_dir() or path.stat().st_mtime >= began - 2)


def _into_page(path: Path, record: Mapping[str, Any]) -> None:
    text = without_record(path.read_text(encoding="utf-8"))
    head, end, tail = text.rpartition("</body>")
    element = in_html(sealed_text(record))
    write_text(path, f"{head}{element}{end}{tail}" if end else text + element)


def _asked(context: Any) -> tuple[list[str], dict[str, dict[str, str]]]:
    """Write the arguments out, defaults too, and say which bytes the files held."""
    from ..encoder import SHIPPED

    words: list[str] = []
    places: list[str] = []
    inputs: dict[str, dict[str, str]] = {}
    for parameter in context.command.params:
        name, value = parameter.name or "", context.params.get(parameter.name or "")
        if name in _LEFT or value is None or value == ():
            continue
        for one in value if isinstance(value, list | tuple) else (value,):
            text = str(getattr(one, "value", one))
            if name in _INPUTS and text == "-":
                inputs[name] = {"path": "-", "sha256": ""}
            elif (name in _INPUTS and Path(text).exists()) or (
                name in _MODELS and text not in SHIPPED and Path(text).is_dir()
            ):
                place = Path(text).resolve()
                text = str(place)
                if name in _INPUTS:
                    digest = sha256_of(place) if place.is_file() else ""
                    inputs[name] = {"path": text, "sha256": digest}
            if parameter.param_type_name == "argument":
                places.append(text)
                continue
            options = [*parameter.opts]
            if isinstance(one, bool):
                options = options if one else [*parameter.secondary_opts]
                words += options[:1]
            else:
                option = next(o for o in options if o.startswith("--"))
                words.append(f"{option}={text}")
    return [*words, *places], inputs
