"""Print the public API as one page: every name of ``dnabert2_explore``, by what it is.

    python scripts/public_api.py > api.txt

Each line is a name with its parameters and the first line of its documentation.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import dnabert2_explore as dx
from dnabert2_explore.results.rich_display import RichDisplay

_WIDTH = 108


def kind_of(name: str) -> str:
    """Say what a public name is."""
    value = getattr(dx, name)
    if inspect.isclass(value):
        if issubclass(value, Exception):
            return "errors"
        if issubclass(value, RichDisplay):
            return "settings" if name.endswith(("Config", "Settings")) else "results and objects"
        return "widgets" if hasattr(value, "comm") else "torch modules"
    return "functions" if callable(value) else "constants and data"


def signature_of(value: object) -> str:
    """Write the parameters of a call, without types."""
    parts, keywords = [], False
    for one in inspect.signature(value).parameters.values():  # type: ignore[arg-type]
        if one.kind is one.KEYWORD_ONLY and not keywords:
            parts.append("*")
            keywords = True
        mark = {one.VAR_POSITIONAL: "*", one.VAR_KEYWORD: "**"}.get(one.kind, "")
        keywords = keywords or mark == "*"
        default = "" if one.default is one.empty else f"={one.default!r}"
        parts.append(f"{mark}{one.name}{default}")
    return f"({', '.join(parts)})"


def lines() -> Iterator[str]:
    """Write the page."""
    names: dict[str, list[str]] = {}
    for name in dx.__all__:
        names.setdefault(kind_of(name), []).append(name)
    for kind in sorted(names, key=lambda one: (one != "functions", one)):
        yield f"{kind} ({len(names[kind])})"
        for name in names[kind]:
            value = getattr(dx, name)
            call = signature_of(value) if kind in ("functions", "widgets") else ""
            yield f"  {name}{call}"
            documentation = inspect.getdoc(value) if callable(value) or kind != "constants" else ""
            first = (documentation or "").partition("\n")[0]
            if kind != "constants and data":
                yield f"      {first[:_WIDTH]}"
        yield ""


if __name__ == "__main__":
    print("\n".join(lines()))
