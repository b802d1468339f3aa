"""Static displays of results: what a notebook's cell shows, with or without a kernel behind it.

One room a kind of result; a card for class ``PhaseAverage`` is made by ``phase_average`` in the
room that `ROOMS` names. Rooms load when one of their results is shown.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

from .card import Card

__all__ = ["ROOMS", "card_of", "html_of"]

#: Class of a result -> the module of this package that draws it.
ROOMS = {
    name: room
    for room, names in {
        "attention": ("Attention", "TimeLapse"),
        "attribution": (
            "Attribution", "Mutagenesis", "PhaseAverage", "RankCorrelations", "Scorecard",
            "StrandMirror", "Sweep",
        ),
        "bases": ("Genome", "Locus", "Sequence", "Tokens"),
        "models": (
            "EmbeddingStore", "Encoder", "LongEmbedding", "ModelInfo", "Readings", "StoreCheck",
            "Summary",
        ),
        "motifs": (
            "Differential", "Discovery", "HitTokens", "Hits", "Match", "Matches", "Motif",
            "MotifFindings", "NullRun", "Pattern", "Seqlets", "Sites",
        ),
        "training": (
            "Audit", "DatasetAudit", "FinetuneConfig", "FinetuneResult", "Leaderboard",
            "LeakageReport", "PredictionSummary", "PretrainConfig", "PretrainResult",
            "RuleComparison", "Scores", "SeedsResult",
        ),
        "variants": (
            "Calibration", "Variant", "VariantComparison", "VariantScores", "VcfSummary",
        ),
    }.items()
    for name in names
}  # fmt: skip


def card_of(result: Any) -> Card:
    """Make the card of a result.

    Raises
    ------
    TypeError
        If no room draws results of its class.
    """
    for kind in type(result).__mro__:
        if kind.__name__ in ROOMS:
            room = import_module(f".{ROOMS[kind.__name__]}", __name__)
            name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower()
            card: Card = getattr(room, name)(result)
            return card
    raise TypeError(f"{type(result).__name__} has no display: name its room in figures.display.")


def html_of(result: Any) -> str:
    """Write the display of a result as HTML that needs nothing but itself.

    Parameters
    ----------
    result : Shown

    Returns
    -------
    str
        A ``<div>`` with its style, for light and dark pages.

    Examples
    --------
    >>> from dnabert2_explore.sequences import Sequence
    >>> html_of(Sequence("probe", "ACGTACGT")).startswith('<div class="dx-shown">')
    True
    """
    return card_of(result).html(type(result).__name__)
