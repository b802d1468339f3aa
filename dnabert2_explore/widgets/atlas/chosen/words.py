"""What an atlas says of its selection, and its points as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence as Items
from html import escape

import numpy as np
from numpy.typing import NDArray

from ...core.code import csv_text
from ...core.explorer import LONGEST
from ...core.state import Selection
from ..mapping.maps import METHODS

__all__ = ["caption_of", "selected_line", "table_of"]


def selected_line(
    selection: Selection, shown: Items[int], field: str, values: Items[str] | Items[float]
) -> str:
    """Say, as HTML, what is looked at and what is chosen of the points `shown`.

    `values` are those of the points, `field` what they are coloured by.
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
            numbers = np.array(inside, dtype=float)
            numbers = numbers[np.isfinite(numbers)]
            if len(numbers):
                line += f": {escape(field)} {numbers.mean():.4g} on average"
    return line + "."


def caption_of(
    *,
    method: str,
    wanted: str,
    dimensions: int,
    n: int,
    whole: int,
    space: str,
    field: str,
    umap_is_ready: bool,
    pending: bool,
    too_long: int,
    not_finite: int,
    placed: int,
    hidden: int,
    model: str,
) -> str:
    """Say, as HTML, what the map is.

    `method` is on show, `wanted` was asked for. Of the `n` points, drawn from `whole` sequences (0
    where none were left for later), `space` says what their vectors are, `field` what they are
    coloured by, with its unit. Some sequences are left out for their length (`too_long`) or for NaN
    (`not_finite`), `placed` in the map of the others, or of `hidden` classes.
    """
    state = []
    if method != wanted:
        if pending:
            state.append(f"{wanted} is being computed; until then this is {method}.")
    elif method == "PCA" and umap_is_ready:
        state.append("UMAP is ready.")
    if hidden:
        state.append(f"{hidden:,} of hidden classes are left out of lasso and comparisons.")
    if too_long:
        state.append(f"{too_long:,} longer than {LONGEST:,} bp are left out.")
    if not_finite:
        state.append(f"{not_finite:,} whose vectors hold NaN are left out.")
    if placed:
        state.append(f"{placed:,} of them are placed in the map of the others.")
    how = METHODS[method] + (" in three dimensions" if dimensions == 3 else "")
    drawn = f", drawn at random from {whole:,}" if whole > n + not_finite else ""
    return (
        f"{how} of {n:,} sequences{drawn}: {escape(space)}, coloured by {escape(field)}. "
        f"{' '.join(state)} <span class='dx-model'>{escape(model)}</span>"
    )


def table_of(
    selection: Selection,
    shown: Items[int],
    plane: NDArray[np.float64],
    method: str,
    coloured: tuple[str, Items[str] | Items[float]],
    caption: str,
    radii: NDArray[np.float64] | None = None,
) -> str:
    """Write the points as CSV, the caption above; of a densMAP with the radii."""
    field, values = coloured
    axes = [f"{method}{d + 1}" for d in range(plane.shape[1])]
    if radii is not None:
        plane = np.concatenate([plane, radii], axis=1)
        axes += ["log_radius", "log_radius_on_page"]
    chosen = set(selection.chosen)
    rows = (
        (
            selection.sequences[i].name, selection.sets[i], *(f"{x:.6g}" for x in row), v,
            int(i == selection.index), int(i in chosen),
        )
        for i, row, v in zip(shown, plane, values, strict=True)
    )  # fmt: skip
    return csv_text([caption], ["name", "set", *axes, field, "current", "chosen"], rows)
