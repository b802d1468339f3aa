"""One call for all explorers: `show` opens the one that fits a result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ipywidgets import Widget

from ..analysis.attend import Attention
from ..analysis.attribution import Attribution, Mutagenesis, OffsetAverage, Scorecard, StrandMirror
from ..analysis.features import FeatureReadings, Features
from ..analysis.gym import Sweep
from ..analysis.inside import DependencyMap, NucleotideProbabilities
from ..analysis.inside.readout import LayerLens
from ..analysis.timelapse import TimeLapse
from ..demo import Locus
from ..encoder import SHIPPED, Encoder, load
from ..errors import InputError
from ..results.rich_display import told_kind
from ..sequences import Sequence
from ..sequences.given import as_sequences
from ..sequences.motifs.motif import Motif
from ..stores.embedded import EmbeddedSequences
from ..tokens import Tokens
from ..training.finetune import FinetuneResult
from ..training.gue import Leaderboard
from ..training.pretrain.config import PretrainResult
from .atlas.explorer import AtlasExplorer
from .attribution.explorer import AttributionExplorer
from .marginalize.explorer import MotifGym
from .training.leaderboard import LeaderboardExplorer
from .training.pretraining import PretrainingMonitor
from .training.timelapse import TimeLapseExplorer
from .views.attention.explorer import AttentionExplorer
from .views.features.explorer import FeatureExplorer
from .views.inside.dependencies import DependencyExplorer
from .views.inside.lens import LensExplorer
from .views.inside.nucleotides import NucleotideExplorer
from .views.tokens.explorer import TokenExplorer
from .workbench import Workbench

__all__ = ["show"]


def show(result: Any, enc: Encoder | None = None) -> Widget:
    """Open the explorer that fits a result, a model, or sequences.

    Parameters
    ----------
    result : Tokens, Attention, Attribution, Sweep, TimeLapse, Encoder, Sequence, str, …
        What a call of this package returned; a sequence, or a list of them, opens the workbench.
    enc : Encoder, optional
        The model that made the result. May be left out where a model of the package did, or where
        the explorer asks no model.

    Returns
    -------
    ipywidgets.Widget
        A cell whose last line it is shows it.

    Raises
    ------
    InputError
        If there is no explorer for it, or the model is needed and unknown.

    Examples
    --------
    >>> import dnabert2_explore as dx
    >>> type(dx.show(dx.load("pocket").tokenize("ACGTAGCATCGGATC"))).__name__
    'TokenExplorer'
    """
    for kind, opener in _OPENERS.items():
        if isinstance(result, kind):
            return opener(result, enc)
    try:
        return Workbench(enc, sequences=as_sequences(result))
    except InputError:
        if isinstance(result, str | Path) or hasattr(result, "iloc"):
            raise  # meant as sequences
        raise InputError(f"There is no explorer for {told_kind(result)}.") from None


def _maker(result: Any, enc: Encoder | None) -> Encoder:
    """Return the model that made a result."""
    if enc is not None:
        return enc
    name = str(result.model).split(" · ")[0]
    if name not in SHIPPED:
        raise InputError(f"The model {name!r} made this: give it, as show(result, enc).")
    return load(name)


def _tokens(result: Tokens, enc: Encoder | None) -> Widget:
    return TokenExplorer(enc, as_sequences(result.bases))


def _attention(result: Attention, enc: Encoder | None) -> Widget:
    return AttentionExplorer(_maker(result, enc), as_sequences(result.tokens.bases))


def _attribution(result: Attribution | Mutagenesis | OffsetAverage, enc: Encoder | None) -> Widget:
    view = AttributionExplorer(_maker(result, enc), as_sequences(result.tokens.bases))
    with view.selection.together():
        for control, value in (
            (view.method, getattr(result, "method", "saturation_mutagenesis")),
            (view.target, result.target_name),
        ):
            if value in [one[1] if isinstance(one, tuple) else one for one in control.options]:
                control.value = value
    return view


def _sweep(result: Sweep, enc: Encoder | None) -> Widget:
    backgrounds = list(dict.fromkeys(one.bases for one in result.backgrounds))
    return MotifGym(
        _maker(result, enc), backgrounds, result.motif, sweep=result.sweep, second=result.second
    )


def _features(result: Features | FeatureReadings, enc: Encoder | None) -> Widget:
    if isinstance(result, Features):
        return FeatureExplorer(_maker(result, enc), features=result)
    return FeatureExplorer(_maker(result, enc), result.sequences, features=result.features)


def _encoder(result: Encoder, enc: Encoder | None) -> Widget:
    return Workbench(enc, classifier=result) if result.has_head else Workbench(result)


_OPENERS: dict[type | tuple[type, ...], Callable[[Any, Encoder | None], Widget]] = {
    Tokens: _tokens,
    Attention: _attention,
    (Attribution, Mutagenesis, OffsetAverage): _attribution,
    Scorecard: lambda result, enc: _attribution(result.attribution, enc),
    StrandMirror: lambda result, enc: _attribution(result.forward, enc),
    DependencyMap: lambda result, enc: DependencyExplorer(
        _maker(result, enc), as_sequences(result.tokens.bases)
    ),
    NucleotideProbabilities: lambda result, enc: NucleotideExplorer(
        _maker(result, enc), [result.sequence]
    ),
    LayerLens: lambda result, enc: LensExplorer(
        _maker(result, enc), as_sequences(result.tokens.bases)
    ),
    (Features, FeatureReadings): _features,
    Sweep: _sweep,
    Motif: lambda result, enc: MotifGym(enc, motif=result),
    EmbeddedSequences: lambda result, enc: AtlasExplorer(enc, result),
    TimeLapse: lambda result, enc: TimeLapseExplorer(result),
    Leaderboard: lambda result, enc: LeaderboardExplorer(result),
    FinetuneResult: lambda result, enc: Workbench(enc, classifier=load(result.model)),
    PretrainResult: lambda result, enc: PretrainingMonitor(result.model.parent),
    Encoder: _encoder,
    Locus: lambda result, enc: Workbench(enc, sequences=[result.sequence]),
    Sequence: lambda result, enc: Workbench(enc, sequences=[result]),
}
