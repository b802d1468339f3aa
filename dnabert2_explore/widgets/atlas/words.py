"""What an atlas says of its selection, and its points as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence as Items
from html import escape

import numpy as np
from numpy.typing import NDArray

from ...delimited import csv_line, csv_lines, remark
from ..state import Selection

__all__ = ["selected_line", "table_of"]


def selected_line(
    selection: Selection,
    shown: Items[int],
    field: str,
    values: Items[str] | Items[float],
) -> str:
    """Say, as HTML, what is looked at and what is chosen.

    Parameters
    ----------
    selection : Selection
    shown : sequence of int
        The points.
    field : str
        What they are coloured by.
    values : sequence of str or float
        Of the points.
    """
    current = selection.current
    if current is None:
        return ""
    line = f"Looking at <b>{escape(current.name)}</b>"
    fields = current.fields
    detail = [escape(fields[name]) for name in ("species", "category") if name in fields]
    if not detail and current.label:
        detail = [escape(current.label)]
    if detail:
        line += f" ({', '.join(dict.fromkeys(detail))})"
    if selection.index not in shown:
        line += ", which is not among these points"
    if selection.chosen:
        place = {index: at for at, index in enumerate(shown)}
        inside = [values[place[i]] for i in selection.chosen if i in place]
        line += f". {len(inside):,} chosen"
        if inside and isinstance(inside[0], str):
            counts = Counter(inside).most_common()
            top = ", ".join(f"{n} {escape(str(v))}" for v, n in counts[:4])
            line += f": {top}{' …' if len(counts) > 4 else ''}"
        elif inside:
            line += f": {field} {np.mean(np.array(inside, dtype=float)):.4g} on average"
    return line + "."


def table_of(
    selection: Selection,
    shown: Items[int],
    plane: NDArray[np.float64],
    method: str,
    coloured: tuple[str, Items[str] | Items[float]],
    caption: str,
) -> str:
    """Write the points as CSV, the caption above."""
    field, values = coloured
    lines = [
        remark(caption),
        csv_line(["name", "set", f"{method}1", f"{method}2", field, "current", "chosen"]),
    ]
    chosen = set(selection.chosen)
    lines += csv_lines(
        (
            selection.sequences[i].name, selection.sets[i], f"{x:.6g}", f"{y:.6g}", v,
            int(i == selection.index), int(i in chosen),
        )
        for i, (x, y), v in zip(shown, plane, values, strict=True)
    )  # fmt: skip
    return "\n".join(lines) + "\n"
