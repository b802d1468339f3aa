"""How tokenizers cut: side by side, merge by merge, and through motifs."""

from .comparison import Cut, Edited, TokenizerComparison, compare_tokenizers
from .fragments import MotifFragments, fragment_motifs
from .replay import MergeReplay, replay_merges

__all__ = [
    "Cut",
    "Edited",
    "MergeReplay",
    "MotifFragments",
    "TokenizerComparison",
    "compare_tokenizers",
    "fragment_motifs",
    "replay_merges",
]
