"""From a plan of what to measure to the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from .. import demo
from ..encoder import SHIPPED
from ..errors import InputError
from ..network import Dnabert2Config
from ..network.checkpoints.load import TOKENIZER
from ..tokens import DnaTokenizer
from .cases import Case, mutant_case, random_cases
from .engine import Speed, compare
from .memory import Memory, compare_memory, why_unmeasurable
from .results import Results
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
    tokens : int, optional
        As in `random_cases`.
    """

    shape: str
    device: torch.device
    dtypes: tuple[torch.dtype, ...]
    lengths: tuple[int | str, ...] = ()
    memory: tuple[int, ...] = ()
    mutated_bases: int = 0
    repeats: int = 3
    seconds: float = 0.0
    tokens: int | None = None

    @property
    def n_rows(self) -> int:
        """Rows of all tables together."""
        cases = len(self.lengths) + len(self.memory) + bool(self.mutated_bases)
        return cases * len(self.dtypes)


def measure(plan: Plan, report: Report | None = None, into: Results | None = None) -> list[Table]:
    """Do what a plan says: tables of speed, saturation mutagenesis, memory, if they were asked for.

    `report(rows done, rows in all, row)` is called after each row, which `into` takes before. An
    unknown shape, an impossible length, and memory that is asked for and not measurable here (see
    `why_unmeasurable`) are an `InputError`, before anything is measured.
    """
    config = find_shape(plan.shape)
    if plan.memory and (reason := why_unmeasurable(plan.device)):
        raise InputError(f"Memory cannot be measured here ({reason}): leave it out.")
    speed_cases = list(random_cases(plan.lengths, config, plan.device, plan.tokens))
    mutant_cases = [_mutants(plan, config)] if plan.mutated_bases else []
    found = Results(plan.shape, str(plan.device)) if into is None else into

    def rows() -> Iterator[Speed | Memory]:
        options = (plan.dtypes, plan.device, plan.repeats, plan.seconds)
        for cases, kept in ((speed_cases, found.speeds), (mutant_cases, found.mutated)):
            for row in compare(plan.shape, cases, *options) if cases else ():
                kept.append(row)
                yield row
        for weighed in compare_memory(plan.shape, plan.memory, plan.dtypes, plan.device):
            found.memories.append(weighed)
            yield weighed

    for done, row in enumerate(rows(), start=1):
        if report is not None:
            report(done, plan.n_rows, row)
    return found.tables()


def _mutants(plan: Plan, config: Dnabert2Config) -> Case:
    tokenizer = DnaTokenizer.from_file(SHIPPED["pocket"] / TOKENIZER)
    bases = demo.locus().sequence.bases[: plan.mutated_bases]
    return mutant_case(bases, tokenizer, config, plan.device)
