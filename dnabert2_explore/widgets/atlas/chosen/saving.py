"""Buttons that hand a selection to the browser as a file."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ipywidgets import HBox

from ....sequences import Sequence
from ...core.controls import Guard, button, opens, toggle
from ...core.plot import PlotlyView
from ..points import Points
from .exports import as_csv, as_fasta, as_h5ad, as_training_csv

__all__ = ["SaveButtons"]

_FILES = (
    ("FASTA", "The chosen sequences", "fasta"),
    ("CSV", "The chosen sequences with their columns", "chosen-csv"),
    (".h5ad", "Their vectors and columns, for scanpy", "h5ad"),
    ("Training set", "CSV of chosen and rest, to fine-tune on", "training"),
    ("This table", "What the open tab shows, in full", "table"),
)


class SaveButtons(HBox):
    """FASTA, CSV, AnnData, a training set, and the table on show; hidden until asked for.

    Parts ``dx-save-fasta`` (chosen-csv, h5ad, training, table); `opener` is the button that shows
    them. `plot` hands files to the browser; `sides` returns the points, and the rows of the chosen
    ones and of what they are compared with; `table` what the open tab shows, as CSV.
    """

    def __init__(
        self,
        plot: PlotlyView,
        sides: Callable[[], tuple[Points, list[int], list[int]]],
        table: Callable[[], str],
        guarded: Guard,
    ) -> None:
        self._plot, self._sides, self._table = plot, sides, table
        super().__init__(
            [
                button(label, f"dx-save-{name}", tip, partial(guarded, partial(self._save, name)))
                for label, tip, name in _FILES
            ]
        )
        self.add_class("dx-export-buttons")
        self.opener = toggle("Save", "dx-quiet", "FASTA, CSV, .h5ad, training set")
        opens(self.opener, self)

    def _save(self, name: str) -> None:
        if name == "table":
            self._plot.save_text(self._table(), "chosen-table.csv", "text/csv")
            return
        points, inside, outside = self._sides()

        def of(rows: list[int]) -> list[Sequence]:
            return [points.sequences[row] for row in rows]

        if name == "fasta":
            self._plot.save_text(as_fasta(of(inside)), "chosen.fa", "text/x-fasta")
        elif name == "chosen-csv":
            self._plot.save_text(as_csv(of(inside)), "chosen.csv", "text/csv")
        elif name == "training":
            both = as_training_csv(of(inside), of(outside))
            self._plot.save_text(both, "chosen-and-rest.csv", "text/csv")
        else:
            data = as_h5ad(of(inside), points.vectors[inside], {"about": points.about})
            self._plot.save_bytes(data, "chosen.h5ad", "application/x-hdf5")
