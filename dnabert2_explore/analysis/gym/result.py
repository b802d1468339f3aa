"""What a sweep of the motif gym finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...results.rich_display import RichDisplay
from ...sequences import Sequence
from ...sequences.motifs.motif import Motif
from .designs import SWEEPS, Axis, Design, Place

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SHOWN", "Sweep"]

#: What of a sweep can be looked at.
SHOWN = ("effect", "control", "interaction")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Sweep(RichDisplay):
    """One output of a model for a motif in backgrounds, over two things that are varied.

    Attributes
    ----------
    design : Design
        Which sites stand where.
    motif, second : Motif
        `second` is None but in the sweep of two motifs' spacing.
    backgrounds : tuple of Sequence, length k
        Where several sites are drawn, each background stands here once for each.
    sites : tuple of tuple of str, length k
        Words written into each background, one or two.
    control_sites : tuple of tuple of str, length k
        The same for the control; empty without one.
    scores : numpy.ndarray, shape (rows, columns, k), float32
        The output with the motif, in `unit`. NaN where there is no such cell, and where a masked
        span that is asked for would hold other bases.
    baseline : numpy.ndarray, shape (rows, columns, k), float32
        The output of the same background without it, with the same insertion or deletion.
    control : numpy.ndarray, shape (rows, columns, k), or None
        The output with the control's site in place of the motif's: the motif with its positions
        shuffled, another for each background.
    alone : numpy.ndarray, shape (2, rows, columns, k), or None
        The output with the first or the second of two motifs alone, where it stands in the cell.
    target : int or tuple of int
    target_name, unit, model : str
    """

    design: Design
    motif: Motif
    second: Motif | None
    backgrounds: tuple[Sequence, ...]
    sites: tuple[tuple[str, ...], ...]
    control_sites: tuple[tuple[str, ...], ...]
    scores: NDArray[np.float32]
    baseline: NDArray[np.float32]
    control: NDArray[np.float32] | None
    alone: NDArray[np.float32] | None
    target: int | tuple[int, int]
    target_name: str
    unit: str
    model: str

    def _line(self) -> str:
        row, column = self.peak
        motifs = " and ".join(one.label for one in (self.motif, self.second) if one is not None)
        count = len(self.backgrounds)
        return (
            f"{motifs} in {count:,} background{'s' * (count != 1)}, {SWEEPS[self.sweep]}; largest "
            f"effect on {self.target_name} {self.effect[row, column]:+.3f} {self.unit}"
        )

    @property
    def sweep(self) -> str:
        """What is varied: one of `SWEEPS`."""
        return self.design.sweep

    @property
    def rows(self) -> Axis:
        """What varies from row to row."""
        return self.design.rows

    @property
    def columns(self) -> Axis:
        """What varies from column to column."""
        return self.design.columns

    @property
    def effect(self) -> NDArray[np.float32]:
        """What the motif adds, mean over backgrounds, shape (rows, columns)."""
        return self.mean("effect")

    @property
    def spread(self) -> NDArray[np.float32]:
        """Standard deviation of the effect over backgrounds; NaN for a single one."""
        return self.deviation("effect")

    @property
    def interaction(self) -> NDArray[np.float32]:
        """Mean of what the pair adds beyond its two motifs alone, shape (rows, columns)."""
        return self.mean("interaction")

    def mean(self, shown: str) -> NDArray[np.float32]:
        """Return the mean of what is `shown` over backgrounds, shape (rows, columns); see `of`."""
        return self.of(shown).mean(axis=-1)

    def deviation(self, shown: str) -> NDArray[np.float32]:
        """Return the standard deviation of what is `shown`, (rows, columns); NaN of one."""
        values = self.of(shown)
        if values.shape[-1] < 2:
            return np.full(values.shape[:-1], np.nan, dtype=np.float32)
        return values.std(axis=-1, ddof=1)

    def of(self, shown: str) -> NDArray[np.float32]:
        """Return the change in the output in every background.

        Parameters
        ----------
        shown : {"effect", "control", "interaction"}
            With the motif minus without; the control minus without; or pair - first alone - second
            alone + none.

        Returns
        -------
        numpy.ndarray, shape (rows, columns, k), float32

        Raises
        ------
        InputError
            If this sweep has no control, or no two motifs.
        """
        if shown == "effect":
            return self.scores - self.baseline
        if shown == "control" and self.control is not None:
            return self.control - self.baseline
        if shown == "interaction" and self.alone is not None:
            return self.scores - self.alone[0] - self.alone[1] + self.baseline
        raise InputError(
            f"This sweep has no {shown!r}: "
            + {
                "control": "run it with control=True.",
                "interaction": 'run it with sweep="spacing".',
            }.get(shown, f"choose one of {', '.join(SHOWN)}.")
        )

    def has(self, shown: str) -> bool:
        """Whether `of` has what would be `shown`."""
        there = {"effect": True, "control": self.control is not None}
        return there.get(shown, shown == "interaction" and self.alone is not None)

    @property
    def peak(self) -> tuple[int, int]:
        """Row and column of the largest effect, of either sign."""
        sizes = np.nan_to_num(np.abs(self.effect), nan=-1.0)
        row, column = np.unravel_index(int(sizes.argmax()), sizes.shape)
        return int(row), int(column)

    def sequence(self, row: int, column: int, background: int = 0, *, control: bool = False) -> str:
        """Return the bases behind a score.

        Parameters
        ----------
        row, column, background : int
            Indices of `scores`.
        control : bool
            Behind the control's score.

        Raises
        ------
        InputError
            If there is no such cell, or no control.
        """
        if control and not self.control_sites:
            raise InputError("This sweep has no control: run it with control=True.")
        if not self.design.exists(row, column):
            raise InputError(
                f"A site of {self.design.lengths[0]} bp has no "
                f"{-int(self.columns.values[column])} bases to delete: choose another cell."
            )
        words = (self.control_sites if control else self.sites)[background]
        return self.design.write(self.backgrounds[background].bases, words, row, column)

    def without(self, row: int, column: int, background: int = 0) -> str:
        """Return the bases behind a baseline score, by its row, column and background."""
        return self.design.without(self.backgrounds[background].bases, row, column)

    def places(self, row: int, column: int) -> tuple[Place, ...]:
        """Return where the sites of a cell, by its row and column, stand, 0-based and half-open."""
        return self.design.places(row, column)

    def table(self) -> pd.DataFrame:
        """Return one line for each cell and background.

        Returns
        -------
        pandas.DataFrame
            The two things varied under their own names (positions 0-based), ``background``,
            ``site``, ``score``, ``baseline``, ``effect``, and ``control`` and ``interaction``
            (changes, as ``effect``) where the sweep has them.
        """
        import pandas as pd

        shape = self.scores.shape
        row, column, background = (axis.ravel() for axis in np.indices(shape))
        names = np.array([sequence.name for sequence in self.backgrounds], dtype=object)
        words = np.array([" ".join(site) for site in self.sites], dtype=object)
        columns = {
            self.rows.name: np.array(self.rows.values, dtype=object)[row],
            self.columns.name: np.array(self.columns.values)[column],
            "background": names[background],
            "site": words[background],
            "score": self.scores.ravel(),
            "baseline": self.baseline.ravel(),
        }
        columns |= {shown: self.of(shown).ravel() for shown in SHOWN if self.has(shown)}
        return pd.DataFrame(columns)
