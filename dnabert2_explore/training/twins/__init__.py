"""Twins: sequences that were made of one another, and tell each other's labels.

Composition twins are what a dinucleotide shuffle makes; positional twins what is left where
segments are replaced and the others stay in their places.
"""

from .composition import TwinIndex, composition_keys
from .labels import label_of_twins
from .positional import PositionalIndex

__all__ = ["PositionalIndex", "TwinIndex", "composition_keys", "label_of_twins"]
