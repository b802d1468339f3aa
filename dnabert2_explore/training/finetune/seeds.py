"""The same run with several seeds: how much of a score is chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence as Items
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from ...common.costs import says_cost
from ...common.progress import Progress, noting
from ...errors import Cancelled, InputError
from ...results.origins import recorded
from ...results.rich_display import RichDisplay, counted
from .config import FinetuneConfig
from .result import FinetuneResult
from .run import finetune

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SeedsResult", "finetune_seeds"]


@dataclass(frozen=True, slots=True, repr=False)
class SeedsResult(RichDisplay):
    """Results of one configuration with several seeds; `str` is a table of means.

    Attributes
    ----------
    seeds : tuple of int
    results : tuple of FinetuneResult
    """

    seeds: tuple[int, ...]
    results: tuple[FinetuneResult, ...]

    def _line(self) -> str:
        names = list((self.results[0].test or self.results[0].dev).values)[:1]
        found = ", ".join(f"{n} {self.mean(n):.3f} ± {self.spread(n):.3f}" for n in names)
        return f"{counted(len(self.seeds), 'seed')}, {self.split}: {found}"

    @property
    def split(self) -> str:
        """What `values` are of: test, where there is one, else dev."""
        return "dev" if self.results[0].test is None else "test"

    def values(self, metric: str) -> tuple[float, ...]:
        """Score of each seed by a metric such as "mcc", or "loss", on `split`."""
        return tuple((one.test or one.dev)[metric] for one in self.results)

    def mean(self, metric: str) -> float:
        """Mean of `values` over the seeds."""
        return fmean(self.values(metric))

    def spread(self, metric: str) -> float:
        """Return the standard deviation of `values` between seeds (n − 1); NaN of one."""
        return stdev(self.values(metric)) if len(self.results) > 1 else math.nan

    def __str__(self) -> str:
        names = [*(self.results[0].test or self.results[0].dev).values, "loss"]
        seeds = ", ".join(map(str, self.seeds))
        lines = [f"{self.split}, mean ± standard deviation over seeds {seeds}"]
        lines += [f"{name}: {self.mean(name):.4f} ± {self.spread(name):.4f}" for name in names]
        return "\n".join(lines)

    def table(self) -> pd.DataFrame:
        """Return the scores as a table, a row for each seed and a column for each metric.

        Returns
        -------
        pandas.DataFrame
            ``seed``, then the metrics, on `split`.
        """
        import pandas as pd

        names = list((self.results[0].test or self.results[0].dev).values)
        return pd.DataFrame(
            {"seed": list(self.seeds)} | {name: list(self.values(name)) for name in names}
        )


@recorded(again=False)
@says_cost
def finetune_seeds(
    config: FinetuneConfig,
    seeds: Items[int],
    *,
    watch: Callable[[dict[str, Any]], None] | None = None,
    progress: Progress | None = None,
) -> SeedsResult:
    """Run `finetune` once a seed, each in its folder ``seed-<n>`` of `config.out`.

    Seeds change the fresh head, the order of the rows, dropout, drawn strands, and shares and
    samples of the files. A run that is stopped is the last one.

    Parameters
    ----------
    config : FinetuneConfig
        Its own seed is not used.
    seeds : sequence of int
        At least one, all different.
    progress, watch
        As for `finetune`, for each run.

    Returns
    -------
    SeedsResult
        Of the runs that were not stopped before they kept anything.

    Raises
    ------
    InputError
        If there is no seed, or one comes twice; as `finetune`.
    Cancelled
        If the first run was stopped before it kept anything.
    """
    if not seeds or len(set(seeds)) < len(seeds):
        raise InputError(f"seeds are {list(seeds)}; expected at least one, all different.")
    done: list[FinetuneResult] = []
    stopped: list[Cancelled] = []
    report = noting(progress, stopped)
    for seed in seeds:
        one = replace(config, seed=seed, out=str(Path(config.out) / f"seed-{seed}"))
        try:
            done.append(finetune(one, progress=report, watch=watch))
        except Cancelled:
            if not done:
                raise
        if stopped:
            break
    return SeedsResult(tuple(seeds[: len(done)]), tuple(done))
