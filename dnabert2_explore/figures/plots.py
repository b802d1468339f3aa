"""One figure function for all results: `plot` finds the one that fits."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from ..errors import InputError
from ..results.origins import recorded
from ..results.rich_display import told_kind
from .core.parts import Figure

__all__ = ["plot"]

#: Class of a result -> module and function that draw it.
_FIGURES = {
    "AlignedMaps": (".spaces", "aligned_planes"),
    "Annotation": (".core.locus", "annotation_lanes"),
    "Attention": (".plots", "_attention"),
    "Attribution": (".attribution.tracks", "attribution_tracks"),
    "Blocks": (".inside.dependencies", "block_figure"),
    "Calibration": (".core.intervals", "calibration_intervals"),
    "Clusters": (".core.intervals", "cluster_stability"),
    "DependencyMap": (".plots", "_dependencies"),
    "Differential": (".core.intervals", "differential_rates"),
    "Discovery": (".plots", "_discovery"),
    "Enrichment": (".core.intervals", "word_rates"),
    "FeatureEnrichment": (".inside.enriched", "feature_volcano"),
    "FeatureReadings": (".inside.features", "feature_windows"),
    "Features": (".inside.features", "feature_directions"),
    "FinetuneResult": (".core.intervals", "finetune_intervals"),
    "HeadAgreement": (".inside.heads", "head_agreement_figure"),
    "HeadAtlas": (".inside.heads", "head_atlas_figure"),
    "HeadPatchMap": (".inside.heads", "head_patch_figure"),
    "Hits": (".motifs.hits", "hit_track"),
    "LayerLens": (".inside.states", "lens_figure"),
    "LayerScores": (".inside.layers", "layer_curves"),
    "Leaderboard": (".training.leaderboard", "leaderboard_dots"),
    "Locus": (".plots", "_locus"),
    "LongEmbedding": (".core.intervals", "window_likeness"),
    "MapJudgement": (".core.intervals", "judgement_intervals"),
    "MergeReplay": (".tokens.merges", "merge_tree"),
    "Motif": (".motifs.logo", "motif_logo"),
    "MotifFindings": (".plots", "_findings"),
    "MotifFragments": (".core.intervals", "fragment_intervals"),
    "Mutagenesis": (".plots", "_mutagenesis"),
    "NucleotideProbabilities": (".inside.nucleotides", "nucleotide_figure"),
    "PatchMap": (".inside.states", "patch_figure"),
    "Projection": (".plots", "_projection"),
    "Pattern": (".plots", "_pattern"),
    "OffsetAverage": (".plots", "_offsets"),
    "RankCorrelations": (".attribution.correlations", "attribution_correlations"),
    "Recall": (".inside.recall", "recall_curve"),
    "RuleComparison": (".core.intervals", "rule_intervals"),
    "Scorecard": (".plots", "_scorecard"),
    "Scores": (".core.intervals", "score_intervals"),
    "SeedsResult": (".core.intervals", "seed_dots"),
    "SequenceComparison": (".plots", "_comparison"),
    "SpaceComparison": (".spaces", "space_likeness"),
    "StrandMirror": (".plots", "_strands"),
    "Sweep": (".gym", "sweep_figure"),
    "TimeLapse": (".training.timelapse", "timelapse_figure"),
    "TokenizerComparison": (".tokens.tokenizers", "tokenizer_lanes"),
    "TrackEnrichment": (".inside.enriched", "track_contrast"),
    "Tokens": (".tokens.ribbon", "token_ribbon"),
    "VariantComparison": (".variant", "variant_tracks"),
    "VocabularyCurve": (".tokens.vocabulary", "vocabulary_figure"),
    "VariantScores": (".core.intervals", "score_histogram"),
}


@recorded
def plot(result: Any, **options: Any) -> Figure:
    """Draw the plotly figure of a result.

    Parameters
    ----------
    result : Tokens, Attention, Attribution, Sweep, …, or numpy.ndarray, shape (n, 2)
        What a call of this package returned. An array is taken for positions in an atlas, as
        `project` gives them.
    **options
        Of the function that draws it, such as ``theme="dark"``, ``width``, ``view`` (visible bases,
        0-based half-open) or ``selected``; for an `Attention` ``layer`` and ``head`` (the mean over
        all by default), and ``arcs=True`` for arcs in place of a map; for motifs of a discovery
        ``pattern``, counted from 0; for an array ``names`` and ``values``.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    InputError
        If there is no figure for it, or none of its options is called so.

    Examples
    --------
    >>> import dnabert2_explore as dx
    >>> figure = dx.plot(dx.load("pocket").tokenize("ACGTAGCATCGGATCTATC"), theme="dark")
    >>> type(figure).__name__
    'Figure'
    """
    draw = _drawer(result)
    known = list(inspect.signature(draw).parameters.values())[1:]
    names = [one.name for one in known]
    unknown = [name for name in options if name not in names]
    if unknown and not any(one.kind is one.VAR_KEYWORD for one in known):
        raise InputError(
            f"A figure of {type(result).__name__} has no option {unknown[0]!r}: choose of "
            f"{', '.join(names)}."
        )
    try:
        figure: Figure = draw(result, **options)
    except TypeError as error:  # of a function that hands options on
        wrong = next(
            (one for one in options if f"unexpected keyword argument {one!r}" in str(error)), ""
        )
        if not wrong:
            raise
        raise InputError(f"A figure of {type(result).__name__} has no option {wrong!r}.") from None
    return figure


def _drawer(result: Any) -> Callable[..., Any]:
    if isinstance(result, np.ndarray):
        return _atlas
    for kind in type(result).__mro__:
        if kind.__name__ in _FIGURES:
            module, name = _FIGURES[kind.__name__]
            draw: Callable[..., Any] = getattr(import_module(module, __package__), name)
            return draw
    raise InputError(f"There is no figure of {told_kind(result)}.")


def _atlas(
    positions: Any, names: Any = None, values: Any = None, *, axis: str = "component", **more: Any
) -> Figure:
    if positions.ndim != 2 or positions.shape[1] != 2:
        raise InputError(
            f"An array of shape {positions.shape} is no atlas: give positions of shape (n, 2), as "
            "project(vectors) returns them."
        )
    return _points(positions, names, values, axis=axis, **more)


def _points(positions: Any, names: Any = None, values: Any = None, **more: Any) -> Figure:
    from .atlas import atlas_scatter

    n = len(positions)
    names = [f"sequence {i + 1}" for i in range(n)] if names is None else list(names)
    values = ["sequence"] * n if values is None else list(values)
    return atlas_scatter(positions, names, values, **more)


def _attention(
    result: Any, layer: int | None = None, head: int | None = None, arcs: bool = False, **more: Any
) -> Figure:
    from .inside.arcs import attention_arcs
    from .inside.attention import attention_map

    if head is not None and layer is None:
        raise InputError("head is given without layer: give both, or layer alone for its mean.")
    matrix = result.mean(layer) if head is None else result.head(layer, head)
    return (attention_arcs if arcs else attention_map)(matrix, result.tokens, **more)


def _discovery(result: Any, pattern: int = 0, **more: Any) -> Figure:
    if not 0 <= pattern < len(result):
        raise InputError(f"There is no pattern {pattern} among {len(result)}: count from 0.")
    return _pattern(result.patterns[pattern], **more)


def _findings(result: Any, pattern: int = 0, **more: Any) -> Figure:
    return _discovery(result.discovery, pattern, **more)


def _pattern(result: Any, kind: str = "contribution", **more: Any) -> Figure:
    from .motifs.logo import motif_logo

    matrix = result.contribution if kind == "contribution" else result.motif
    return motif_logo(matrix, kind, **more)


def _projection(result: Any, **more: Any) -> Figure:
    return _points(result.plane, **{"axis": result.method.upper(), **more})


def _comparison(result: Any, **more: Any) -> Figure:
    from .core.intervals import word_rates

    return word_rates(result.kmers, **more)


def _locus(result: Any, **more: Any) -> Figure:
    from .core.locus import annotation_track

    return annotation_track(result.features, len(result.sequence), **more)


def _dependencies(result: Any, **more: Any) -> Figure:
    from .inside.dependencies import dependency_figure

    if result.unit == "nats":
        return dependency_figure(result, **more)
    # What bases change in one class is a track, not a map.
    from .attribution.lanes import Lane
    from .attribution.stack import attribution_stack

    lanes = []
    for name, one in ((f"largest change of {result.of}", result), ("untrained", result.twin)):
        if one is not None:
            values = np.zeros(len(one.tokens.bases), np.float32)
            values[slice(*one.region)] = np.nan_to_num(one.values[:, 0])
            lanes.append(Lane(name, one.tokens, values, one.unit, scale="change"))
    return attribution_stack(lanes, **{"view": result.region, **more})


def _mutagenesis(result: Any, **more: Any) -> Figure:
    from .attribution.lanes import Lane
    from .attribution.stack import attribution_stack

    lane = Lane("importance", result.tokens, result.importance, result.unit)
    return attribution_stack([lane], effects=result, **more)


def _offsets(result: Any, **more: Any) -> Figure:
    from .attribution.lanes import Lane
    from .attribution.stack import attribution_stack

    return attribution_stack([Lane.of_offsets(result)], **more)


def _strands(result: Any, **more: Any) -> Figure:
    from .attribution.lanes import Lane
    from .attribution.stack import attribution_stack

    lanes = [
        Lane.of_bases(result.forward, "forward strand", scale="strands"),
        Lane.of_mirror(result, scale="strands"),
    ]
    return attribution_stack(lanes, **more)


def _scorecard(result: Any, **more: Any) -> Figure:
    from .attribution.lanes import Lane
    from .attribution.stack import attribution_stack

    lanes = [
        Lane.of_bases(result.attribution, scale="one"),
        Lane.of_mirror(result.strands, scale="one"),
    ]
    if result.offsets is not None:
        lanes.append(Lane.of_offsets(result.offsets))
    return attribution_stack(lanes, **more)
