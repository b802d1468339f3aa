"""Inside the network: which base depends on which, where it is computed, and what it is worth."""

from .blocks import Block, Blocks
from .dependencies import DependencyMap, dependency_map
from .heads import HeadAgreement
from .layerwise import LayerScores, layers
from .nucleotides import NucleotideProbabilities, nucleotide_probabilities
from .patching import PatchMap, patch
from .readout import LayerLens, lens

__all__ = [
    "Block",
    "Blocks",
    "DependencyMap",
    "HeadAgreement",
    "LayerLens",
    "LayerScores",
    "NucleotideProbabilities",
    "PatchMap",
    "dependency_map",
    "layers",
    "lens",
    "nucleotide_probabilities",
    "patch",
]
