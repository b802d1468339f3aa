"""Figures: pure functions from results to plotly figures, for light and dark pages.

Every function takes what :mod:`dnabert2_explore.analysis` returns; the same figures stand in the
notebook's explorers, in a paper and in an HTML file. What they share is said once, here: `theme`
is ``"light"`` or ``"dark"``; `width` and `height` are the figure's, in pixels, and a width decides
the detail; `view` are the visible bases, 0-based half-open, by default all; `selected` are bases to
mark, likewise; `shown` says whose numbers are drawn, the model's or its untrained twin's. On
screen, x counts bases from 1.
"""

from __future__ import annotations

# First of all, and whole: plotly asks ``sys.modules`` for pandas while it builds a figure, and
# takes a half-imported one where another thread (a training run, UMAP) is just importing it.
import pandas  # noqa: F401

from .atlas import atlas_scatter
from .attribution.correlations import attribution_correlations
from .attribution.lanes import Lane
from .attribution.stack import attribution_stack
from .attribution.tracks import attribution_tracks
from .core.colours import BASES, OKABE_ITO, class_colours
from .core.locus import annotation_track
from .gym import sweep_figure, sweep_heatmap, sweep_lines
from .inside.arcs import attention_arcs
from .inside.attention import attention_map, pool
from .inside.dependencies import dependency_figure
from .inside.features import feature_track, feature_windows
from .inside.heads import head_atlas_figure, head_gallery, head_patch_figure
from .inside.layers import layer_curves
from .inside.nucleotides import nucleotide_figure
from .inside.recall import recall_curve
from .inside.states import lens_figure, patch_figure
from .motifs.logo import logo_svg, motif_logo
from .motifs.report import motif_report
from .tokens.merges import merge_tree
from .tokens.ribbon import token_lengths, token_ribbon
from .tokens.tokenizers import tokenizer_lanes
from .tokens.vocabulary import vocabulary_figure
from .training.curves import Interval
from .training.finetune import finetune_curves
from .training.leaderboard import leaderboard_dots
from .training.pretrain import pretrain_curves
from .training.timelapse import timelapse_figure, timelapse_movie
from .variant import score_waterfall, variant_tracks

__all__ = [
    "BASES",
    "OKABE_ITO",
    "Interval",
    "Lane",
    "annotation_track",
    "atlas_scatter",
    "attention_arcs",
    "attention_map",
    "attribution_correlations",
    "attribution_stack",
    "attribution_tracks",
    "class_colours",
    "dependency_figure",
    "feature_track",
    "feature_windows",
    "finetune_curves",
    "head_atlas_figure",
    "head_gallery",
    "head_patch_figure",
    "layer_curves",
    "leaderboard_dots",
    "lens_figure",
    "logo_svg",
    "merge_tree",
    "motif_logo",
    "motif_report",
    "nucleotide_figure",
    "patch_figure",
    "pool",
    "pretrain_curves",
    "recall_curve",
    "score_waterfall",
    "sweep_figure",
    "sweep_heatmap",
    "sweep_lines",
    "timelapse_figure",
    "timelapse_movie",
    "token_lengths",
    "token_ribbon",
    "tokenizer_lanes",
    "variant_tracks",
    "vocabulary_figure",
]
