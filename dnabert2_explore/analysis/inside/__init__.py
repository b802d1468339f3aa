"""Inside the network: which base depends on which, where it is computed, and what it is worth."""

from .blocks import Block, Blocks
from .dependencies import DependencyMap, dependency_map
from .head_patching import HeadPatchMap, patch_heads
from .heads import HeadAgreement
from .layerwise import LayerScores, layers
from .measured_heads import PROPERTIES, HeadAtlas, head_atlas
from .nucleotides import NucleotideProbabilities, nucleotide_probabilities
from .patching import PatchMap, patch
from .readout import LayerLens, lens
from .repeats import Recall, recall
from .track_enrichment import TrackEnrichment, enrich_track

__all__ = [
    "PROPERTIES",
    "Block",
    "Blocks",
    "DependencyMap",
    "HeadAgreement",
    "HeadAtlas",
    "HeadPatchMap",
    "LayerLens",
    "LayerScores",
    "NucleotideProbabilities",
    "PatchMap",
    "Recall",
    "TrackEnrichment",
    "dependency_map",
    "enrich_track",
    "head_atlas",
    "layers",
    "lens",
    "nucleotide_probabilities",
    "patch",
    "patch_heads",
    "recall",
]
