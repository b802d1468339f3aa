"""Sequences: reading them, cleaning them with their coordinates kept, small operations on them."""

from .clean import Cleaned, Composition, UnknownBasesWarning, clean, in_place, warn_unknown
from .reading.letters import ReadingWarning
from .reading.read import iter_fasta, iter_sequences, read_sequences
from .sequence import Sequence
from .transform import (
    as_dna,
    common_ends,
    gc_content,
    mutate,
    reverse_complement,
    stretch,
    substitutions,
    windows,
)

__all__ = [
    "Cleaned",
    "Composition",
    "ReadingWarning",
    "Sequence",
    "UnknownBasesWarning",
    "as_dna",
    "clean",
    "common_ends",
    "gc_content",
    "in_place",
    "iter_fasta",
    "iter_sequences",
    "mutate",
    "read_sequences",
    "reverse_complement",
    "stretch",
    "substitutions",
    "warn_unknown",
    "windows",
]
