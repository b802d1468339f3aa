"""What sequences of a selection have that others have not: words, composition, classes, place."""

from .compare import SequenceComparison, compare_sequences
from .composition import ClassShare, Contrast, class_shares, composition, contrasts
from .places import Place, place_of
from .pooled import pooled_motifs, pooled_sites
from .strata import MATCHES, gc_of, strata_of
from .words import Enrichment, enriched_kmers, enriched_tokens, fitting_k

__all__ = [
    "MATCHES",
    "ClassShare",
    "Contrast",
    "Enrichment",
    "Place",
    "SequenceComparison",
    "class_shares",
    "compare_sequences",
    "composition",
    "contrasts",
    "enriched_kmers",
    "enriched_tokens",
    "fitting_k",
    "gc_of",
    "place_of",
    "pooled_motifs",
    "pooled_sites",
    "strata_of",
]
