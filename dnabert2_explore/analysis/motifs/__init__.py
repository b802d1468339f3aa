"""Motifs: where they occur, what they resemble, which set of sequences holds more of them."""

from .differential import Differential, SetOfSequences, differential_motifs
from .hits import Hits, HitTokens
from .match import Match, Matches, SmallDatabaseWarning, match_motifs
from .scan import OutOfReachWarning, scan_motifs

__all__ = [
    "Differential",
    "HitTokens",
    "Hits",
    "Match",
    "Matches",
    "OutOfReachWarning",
    "SetOfSequences",
    "SmallDatabaseWarning",
    "differential_motifs",
    "match_motifs",
    "scan_motifs",
]
