"""Counterparts: sequences that were made of one another, and tell each other's labels.

Composition counterparts are what a dinucleotide shuffle makes; positional counterparts what is left
where segments are replaced and the others stay in their places. Result files and pages call them
twins.
"""

from .composition import CompositionIndex, composition_keys
from .labels import label_of_counterparts, with_counterpart
from .positional import PositionalIndex

__all__ = [
    "CompositionIndex",
    "PositionalIndex",
    "composition_keys",
    "label_of_counterparts",
    "with_counterpart",
]
