"""Static displays of results: what a notebook's cell shows, with or without a kernel behind it.

One room a kind of result; a card for class ``OffsetAverage`` is made by ``offset_average`` in the
room that `ROOMS` names. Rooms load when one of their results is shown.
"""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import import_module
from numbers import Real
from typing import Any

from ...results.origins import origin_line
from ...results.rich_display import counted
from .card import Card, rows_left, table
from .drawing.canvas import Canvas, number

__all__ = ["ROOMS", "bundle_of", "card_of", "html_of"]

#: Class of a result -> the module of this package that draws it.
ROOMS = {
    name: room
    for room, names in {
        "attention": ("Attention", "DependencyMap", "TimeLapse"),
        "inside": (
            "Blocks", "HeadAgreement", "HeadAtlas", "HeadPatchMap", "LayerLens", "LayerScores",
            "NucleotideProbabilities", "PatchMap", "Recall",
        ),
        "maps": ("AlignedMaps", "Clusters", "MapJudgement", "Projection", "SpaceComparison"),
        "attribution": (
            "Attribution", "AttributionSettings", "Mutagenesis", "OffsetAverage",
            "RankCorrelations", "Scorecard", "StrandMirror", "Sweep",
        ),
        "bases": ("Annotation", "Genome", "Locus", "MergeReplay", "Sequence", "Tokens"),
        "models": (
            "EmbeddingStore", "Encoder", "LongEmbedding", "ModelInfo", "Readings", "StoreCheck",
            "Summary",
        ),
        "enriched": (
            "Enrichment", "FeatureEnrichment", "FeatureReadings", "Features",
            "SequenceComparison", "TrackEnrichment",
        ),
        "motifs": (
            "Differential", "Discovery", "HitTokens", "Hits", "Match", "Matches", "Motif",
            "MotifFindings", "NullRun", "Pattern", "Seqlets", "Sites",
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
_ROWS = 10
_COLUMNS = 14


def card_of(result: Any) -> Card:
    """Make the card of a result; a plain one, with its table, where no room draws its class."""
    for kind in type(result).__mro__:
        if kind.__name__ in ROOMS:
            room = import_module(f".{ROOMS[kind.__name__]}", __name__)
            name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower()
            card: Card = getattr(room, name)(result)
            return card
    return plain(result)


def plain(result: Any, caption: str = "", *pictures: Canvas | str) -> Card:
    """Show a result by its line, the first rows of its table if it has one, and pictures."""
    drawn = tuple(map(str, pictures))
    if not hasattr(result, "table"):
        return Card(result._line(), caption, pictures=drawn)
    data = result.table()
    more = data.shape[1] - _COLUMNS
    data = data.iloc[:, :_COLUMNS]
    numbers = [i for i, kind in enumerate(data.dtypes) if kind.kind in "if"]
    notes = [caption, rows_left(min(_ROWS, len(data)), len(data), "rows")]
    if more > 0:
        notes.append(f"{counted(more, 'column')} more in .table().")
    if not {"position", "start"}.isdisjoint(data.columns):
        notes.append("Positions as in .table(): from 0, ends not included.")
    if not len(data):
        notes.append("Its table has no row.")
    rows = [tuple(map(_cell, row)) for row in data.head(_ROWS).itertuples(index=False)]
    return Card(
        result._line(),
        " ".join(note for note in notes if note),
        getattr(result, "model", ""),
        drawn,
        (table(tuple(map(str, data.columns)), rows, numbers),) if rows else (),
    )


def _cell(value: Any) -> str:
    return number(float(value)) if isinstance(value, Real) else str(value)


def html_of(result: Any) -> str:
    """Write the display of a result as HTML that needs nothing but itself, on light and dark pages.

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

    By MIME type.
    """
    card, kind = _told(result), type(result).__name__
    return {"text/html": card.html(kind), "text/markdown": card.markdown(kind)}
