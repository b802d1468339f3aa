"""Static displays of results: what a notebook's cell shows, with or without a kernel behind it.

One room a kind of result; a card for class ``OffsetAverage`` is made by ``offset_average`` in the
room that `ROOMS` names. Rooms load when one of their results is shown.
"""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import import_module
from typing import Any

from ...results.origins import origin_line
from .card import Card, plain

__all__ = ["ROOMS", "bundle_of", "card_of", "html_of"]

#: Class of a result -> the module of this package that draws it.
ROOMS = {
    name: room
    for room, names in {
        "attention": ("Attention", "DependencyMap", "TimeLapse"),
        "attribution": (
            "Attribution", "AttributionSettings", "Mutagenesis", "OffsetAverage",
            "RankCorrelations", "Scorecard", "StrandMirror", "Sweep",
        ),
        "bases": ("Genome", "Locus", "MergeReplay", "Sequence", "Tokens"),
        "inside": (
            "HeadAtlas", "HeadPatchMap", "LayerLens", "LayerScores", "NucleotideProbabilities",
            "PatchMap", "Recall",
        ),
        "maps": ("AlignedMaps", "Clusters", "MapJudgement", "Projection", "SpaceComparison"),
        "models": (
            "EmbeddingStore", "Encoder", "LongEmbedding", "ModelInfo", "Readings", "StoreCheck",
            "Summary",
        ),
        "motifs": (
            "Differential", "Discovery", "HitTokens", "Hits", "Match", "Matches", "Motif",
            "MotifFindings", "NullRun", "Pattern", "Seqlets", "SequenceComparison", "Sites",
        ),
        "tokenizers": ("MotifFragments", "TokenizerComparison", "VocabularyCurve"),
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
    """Make the card of a result; a plain one, with its table, where no room draws its class."""
    for kind in type(result).__mro__:
        if kind.__name__ in ROOMS:
            room = import_module(f".{ROOMS[kind.__name__]}", __name__)
            name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower()
            card: Card = getattr(room, name)(result)
            return card
    return plain(result)


def html_of(result: Any) -> str:
    """Write the display of a result as HTML that needs nothing but itself.

    Parameters
    ----------
    result : RichDisplay

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
    return _told(result).html(type(result).__name__)


def _told(result: Any) -> Card:
    """Make the card of a result with where it comes from, if that is known."""
    card = card_of(result)
    parts = (card.provenance, origin_line(result))
    return replace(card, provenance=" · ".join(one for one in parts if one))


def bundle_of(result: Any) -> dict[str, str]:
    """Show a result as HTML, and as Markdown for what knows no HTML (nbconvert's LaTeX and PDF).

    Parameters
    ----------
    result : RichDisplay

    Returns
    -------
    dict of str to str
        By MIME type.
    """
    card, kind = _told(result), type(result).__name__
    return {"text/html": card.html(kind), "text/markdown": card.markdown(kind)}
