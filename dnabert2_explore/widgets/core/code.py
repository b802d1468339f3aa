"""What leaves a view as text: the lines of Python that rebuild it, and its numbers as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Sequence as Items
from typing import TYPE_CHECKING, Any

from ...common.delimited import csv_line, csv_lines, remark
from ...encoder import Encoder
from ..examples import CODE
from .state import Selection

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BUTTONS", "csv_text", "frame_csv", "in_comment", "opening", "sequence_code"]

#: Buttons of plotly's mode bar on the base axis; everything else has its place in our own bars.
BUTTONS = {"modeBarButtons": [["zoom2d", "select2d", "pan2d"]], "doubleClick": "autosize"}


def in_comment(name: str) -> str:
    """Write a name on one line: one with a line break would begin a line of code of its own."""
    return " ".join(name.split())


def sequence_code(selection: Selection) -> str:
    """Lines of Python that set ``bases`` to the sequence looked at."""
    current = selection.current
    if current is None:
        return ""
    name = selection.sets[selection.index]
    called = in_comment(current.name)
    place = selection.peers.index(selection.index)
    if name in CODE:
        return f"bases = {CODE[name]}[{place}].bases  # {called}\n"
    if len(current) <= 3000:
        return f"bases = {current.bases!r}  # {called}\n"
    return (
        f"bases = dx.read_sequences('your_file.fa')[{place}].bases  "
        f"# {called}, {len(current):,} bp\n"
    )


def opening(enc: Encoder, selection: Selection | None = None, imports: str = "") -> str:
    """Lines of Python that set ``enc``, and ``bases`` to the sequence looked at."""
    bases = "" if selection is None else sequence_code(selection)
    return f"import dnabert2_explore as dx\n{imports}\nenc = dx.load({enc.source!r})\n{bases}"


def csv_text(remarks: Items[str], columns: Iterable[Any], rows: Iterable[Iterable[Any]]) -> str:
    """Write rows as CSV, with ``#`` comment lines on top."""
    lines = [*map(remark, remarks), csv_line(columns), *csv_lines(rows)]
    return "\n".join(lines) + "\n"


def frame_csv(frame: pd.DataFrame, *remarks: str) -> str:
    """Write a table as CSV, with ``#`` comment lines on top."""
    return csv_text(remarks, frame.columns, frame.itertuples(index=False))
