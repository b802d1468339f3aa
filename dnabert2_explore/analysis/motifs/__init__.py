"""Motifs: discovered in contributions, found in sequences, compared with known ones."""

from .differential import Differential, SetOfSequences, differential_motifs
from .discover import CALLERS, discover_patterns
from .find import MotifFindings, discover_motifs
from .flanks import match_patterns, widened
from .hits import Hits, HitTokens
from .match import Match, Matches, SmallDatabaseWarning, match_motifs
from .null import NullRun, null_share
from .pattern import Discovery, Pattern, Sites
from .scan import OutOfReachWarning, scan_motifs
from .seqlets import Seqlets, call_seqlets

__all__ = [
    "CALLERS",
    "Differential",
    "Discovery",
    "HitTokens",
    "Hits",
    "Match",
    "Matches",
    "MotifFindings",
    "NullRun",
    "OutOfReachWarning",
    "Pattern",
    "Seqlets",
    "SetOfSequences",
    "Sites",
    "SmallDatabaseWarning",
    "call_seqlets",
    "differential_motifs",
    "discover_motifs",
    "discover_patterns",
    "match_motifs",
    "match_patterns",
    "null_share",
    "scan_motifs",
    "widened",
]
