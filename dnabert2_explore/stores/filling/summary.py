"""What a run did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from ...results.rich_display import RichDisplay, counted

__all__ = ["Summary"]


@dataclass(frozen=True, slots=True, repr=False)
class Summary(RichDisplay):
    """What one call of :func:`embed_windows` did.

    ``windows == computed + unknown_only + skipped``.

    Parameters
    ----------
    path : str
        The store.
    windows : int
        Windows in the store.
    computed : int
        Windows the model embedded in this run.
    skipped : int
        Windows that were finished before.
    unknown_only : int
        Windows of this run without any A, C, G, T or U: not computed, their rows are NaN.
    bases : int
        Bases in the windows that were not skipped; overlaps count each time.
    seconds : float
        Time of the run, everything included.
    compute_seconds : float
        Time inside the model, added up over all workers.
    workers : int
        Processes that computed: 1 on one machine, the most seen at once on a cluster.
    """

    path: str
    windows: int
    computed: int
    skipped: int
    unknown_only: int
    bases: int
    seconds: float
    compute_seconds: float
    workers: int = 1

    def __str__(self) -> str:
        """One line for a terminal."""
        parts = [f"{self.computed:,} computed"]
        if self.unknown_only:
            parts.append(f"{self.unknown_only:,} without a known base")
        if self.skipped:
            parts.append(f"{self.skipped:,} done before")
        line = f"{self.path}: {counted(self.windows, 'window')} ({', '.join(parts)})"
        if self.bases:
            line += (
                f", {counted(self.bases, 'base')} in {timedelta(seconds=round(self.seconds))} "
                f"({self.rate:,.0f} bases/s, {self.share:.0%} of it in the model)"
            )
        return line

    @property
    def share(self) -> float:
        """The model's share of the run's time, 0 to 1."""
        return self.compute_seconds / (self.seconds * self.workers) if self.seconds else 0.0

    @property
    def rate(self) -> float:
        """Bases per second."""
        return self.bases / self.seconds if self.seconds else 0.0
