"""Motifs: discovered in contributions, found in sequences, compared with known ones."""

from .differential import Differential, SetOfSequences, differential_motifs
from .discovery.discover import CALLERS, discover_patterns
from .discovery.flanks import match_patterns, widened
from .discovery.pattern import Discovery, Pattern, Sites
from .discovery.seqlets import Seqlets, call_seqlets
from .find import MotifFindings, discover_motifs
from .hits import Hits, HitTokens
from .match import Match, Matches, SmallDatabaseWarning, match_motifs
from .null import NullRun, null_share
from .scan import OutOfReachWarning, scan_motifs

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
