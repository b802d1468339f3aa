"""From a plan of what to measure to the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from .. import demo
from ..encoder import SHIPPED
from ..errors import InputError
from ..network import Dnabert2Config
from ..network.checkpoint import TOKENIZER
from ..tokens import DnaTokenizer
from .cases import Case, mutant_case, random_cases
from .engine import Speed, compare, mutant_table, speed_table
from .memory import Memory, compare_memory, memory_table, why_unmeasurable
from .shapes import find_shape
from .tables import Table

__all__ = ["MUTATED_BASES", "Plan", "measure"]

#: Bases of the sequence whose mutants are computed, from the shipped locus.
MUTATED_BASES = 300

#: Called as report(done, total, row) after each row.
Report = Callable[[int, int, Speed | Memory], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure.

    Attributes
    ----------
    shape : str
        One of `SHAPES`.
    device : torch.device
    dtypes : tuple of torch.dtype
        Ours computes in each of them; the reference path always in float32.
    lengths : tuple of int or "mixed"
        Tokens in a sequence.
    memory : tuple of int
        Tokens in the one sequence whose memory is measured.
    mutated_bases : int
        Bases of the sequence whose mutants are computed; 0 for none.
    repeats : int
    seconds : float
        As in `alternately`, for each case.
    """

    shape: str
    device: torch.device
    dtypes: tuple[torch.dtype, ...]
    lengths: tuple[int | str, ...] = ()
    memory: tuple[int, ...] = ()
    mutated_bases: int = 0
    repeats: int = 3
    seconds: float = 0.0

    @property
    def n_rows(self) -> int:
        """Rows of all tables together."""
        cases = len(self.lengths) + len(self.memory) + bool(self.mutated_bases)
        return cases * len(self.dtypes)


def measure(plan: Plan, report: Report | None = None) -> list[Table]:
    """Do what a plan says.

    Parameters
    ----------
    plan : Plan
    report : callable, optional
        Called as report(rows done, rows in all, row) after each row.

    Returns
    -------
    list of Table
        Speed, saturation mutagenesis, memory: those that were asked for.

    Raises
    ------
    InputError
        If the shape is unknown, a length impossible, or memory asked for and not measurable here
        (see `why_unmeasurable`); before anything is measured.
    """
    config = find_shape(plan.shape)
    if plan.memory and (reason := why_unmeasurable(plan.device)):
        raise InputError(f"Memory cannot be measured here ({reason}): leave it out.")
    speed_cases = list(random_cases(plan.lengths, config, plan.device))
    mutant_cases = [_mutants(plan, config)] if plan.mutated_bases else []
    speeds: list[Speed] = []
    mutated: list[Speed] = []
    memories: list[Memory] = []

    def rows() -> Iterator[Speed | Memory]:
        options = (plan.dtypes, plan.device, plan.repeats, plan.seconds)
        if speed_cases:
            for row in compare(plan.shape, speed_cases, *options):
                speeds.append(row)
                yield row
        if mutant_cases:
            for row in compare(plan.shape, mutant_cases, *options):
                mutated.append(row)
                yield row
        for weighed in compare_memory(plan.shape, plan.memory, plan.dtypes, plan.device):
            memories.append(weighed)
            yield weighed

    for done, row in enumerate(rows(), start=1):
        if report is not None:
            report(done, plan.n_rows, row)
    tables = []
    if speeds:
        tables.append(speed_table(plan.shape, speeds, plan.device))
    if mutated:
        tables.append(mutant_table(plan.shape, mutated))
    if memories:
        tables.append(memory_table(plan.shape, memories))
    return tables


def _mutants(plan: Plan, config: Dnabert2Config) -> Case:
    tokenizer = DnaTokenizer.from_file(SHIPPED["pocket"] / TOKENIZER)
    bases = demo.locus().sequence.bases[: plan.mutated_bases]
    return mutant_case(bases, tokenizer, config, plan.device)
