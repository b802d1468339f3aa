"""How fast the engine is, beside one that works as the original DNABERT-2 does.

`compare` times both alternately in one process and checks that they compute the same;
`peak_memory` measures what a forward pass needs; `measure` does what a `Plan` says and returns
tables. ``dnabert2-explore bench`` and the scripts in ``benchmarks/`` print them.
"""

from __future__ import annotations

from ..encoder.machine import Machine, describe_machine
from .cases import Case, mutant_case, random_cases
from .engine import Speed, compare, mutant_table, speed_table
from .mappings import Mapping, mappings_of, resident
from .measure import MatrixProduct, alternately, clock_of
from .memory import Memory, compare_memory, memory_table, peak_memory, why_unmeasurable
from .missing import missing_rows
from .reference import reference_states
from .report import MUTATED_BASES, Plan, measure
from .results import Results, read_tables, write_tables
from .shapes import SHAPES, make_network
from .tables import Table

__all__ = [
    "MUTATED_BASES",
    "SHAPES",
    "Case",
    "Machine",
    "Mapping",
    "MatrixProduct",
    "Memory",
    "Plan",
    "Results",
    "Speed",
    "Table",
    "alternately",
    "clock_of",
    "compare",
    "compare_memory",
    "describe_machine",
    "make_network",
    "mappings_of",
    "measure",
    "memory_table",
    "missing_rows",
    "mutant_case",
    "mutant_table",
    "peak_memory",
    "random_cases",
    "read_tables",
    "reference_states",
    "resident",
    "speed_table",
    "why_unmeasurable",
    "write_tables",
]
