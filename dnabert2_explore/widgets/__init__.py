"""Explorers for Jupyter: the four views, alone or joined in a workbench, and training.

Classes in the page (for styling, and for tests that drive a browser):

=====================  ==========================================================================
``.dx-workbench``      the whole; ``.dx-bar`` on top with ``.dx-chip`` per model;
                       ``.dx-maps select`` chooses the map (attention, dependencies, both,
                       bases, lens, layers, features),
                       ``.dx-side button`` what stands beside the sequence (atlas, all heads)
``.dx-session``        after ``.dx-session-button``: ``.dx-session-folder input``,
                       ``.dx-session-save``, ``.dx-session-open``
``.dx-input``          the input bar: ``.dx-set select``, ``.dx-sequence select``,
                       ``.dx-previous``, ``.dx-next``, ``.dx-add-button``, ``.dx-paste textarea``,
                       ``.dx-upload``, ``.dx-add``, ``.dx-range input``, ``.dx-zoom-in``,
                       ``.dx-zoom-out``, ``.dx-zoom-all``, ``.dx-drag``, ``.dx-selected``,
                       ``.dx-clear``, ``.dx-input-message``
``.dx-view``           every view; also ``.dx-tokens``, ``.dx-attention``, ``.dx-attribution``,
                       ``.dx-atlas``; in each ``.dx-title``, ``.dx-caption``, ``.dx-read-out``,
                       ``.dx-message`` (``.dx-error``), ``.dx-help-button``,
                       ``.dx-export-button``, ``.dx-save-png`` (svg, html, csv, code),
                       ``.dx-code textarea``, ``.dx-job`` with ``.dx-cancel``
``.dx-plot``           every plotly figure; its attribute ``data-drawn`` counts the drawings.
                       ``.dx-tokens-plot``, ``.dx-attention-plot`` … hold one each
``.dx-tokens``         ``.dx-stats``, ``.dx-compare-tokenizers``; token blocks are
                       ``.dx-tokens .bars .point path``
``.dx-attention``      ``.dx-what select``, ``.dx-layer select``, ``.dx-head select``,
                       ``.dx-axes button``, ``.dx-pooling select``; the gallery of heads,
                       ``.dx-heads``, takes the atlas' place on demand
``.dx-dependencies``   ``.dx-shown button`` (trained, untrained, difference), ``.dx-of select``,
                       ``.dx-compute``
``.dx-lens``           ``.dx-shown button`` (trained, untrained), ``.dx-compute``
``.dx-layers``         ``.dx-quantity button``, ``.dx-classes-field select``,
                       ``.dx-groups-field select``, ``.dx-compute``
``.dx-features``       ``.dx-layer select``, ``.dx-order select``, ``.dx-feature select``,
                       ``.dx-tab button`` (windows, enriched), ``.dx-enrich``, ``.dx-paint``,
                       ``.dx-compute``
``.dx-attribution``    ``.dx-target select``, ``.dx-method select``, ``.dx-steps select``,
                       ``.dx-classes``, ``.dx-delta``; behind ``.dx-more``: ``.dx-output select``,
                       ``.dx-baseline select``, ``.dx-spread select``, ``.dx-compare`` with a
                       ``.dx-other`` per method, ``.dx-strands``, ``.dx-offsets``,
                       ``.dx-annotation``, ``.dx-motifs`` with ``.dx-motif input`` and
                       ``.dx-threshold select``, ``.dx-map``; ``.dx-correlations-plot``;
                       ``.dx-badge`` with ``.dx-check`` and a ``.dx-check-chip`` per check,
                       ``.dx-verdict`` (``.dx-distrust``, ``.dx-undecided``); ``.dx-mutations`` with
                       ``.dx-cursor``,
                       ``.dx-mutate`` (``.dx-base-a`` …), a ``.dx-edit`` per mutation,
                       ``.dx-undo``, ``.dx-keep``, ``.dx-change``
``.dx-atlas``          ``.dx-projection button``, ``.dx-points select``, ``.dx-colour select``,
                       ``.dx-space select``, ``.dx-judged-words``, ``.dx-judged-twin``,
                       ``.dx-embedding-layer select``, ``.dx-embedding-pooling select``,
                       ``.dx-legend-class``; points are drawn on ``.dx-cloud-over``, and
                       ``pointPlace(i)`` of ``.dx-atlas .dx-plot`` says where on the page; below,
                       while something is chosen, ``.dx-chosen`` with ``.dx-chosen-count``,
                       ``.dx-keep``, ``.dx-use-set``, ``.dx-tab button``, ``.dx-words select``,
                       ``.dx-against select``, ``.dx-match select``, ``.dx-why``,
                       ``.dx-which select``, a ``.dx-motif-card`` per motif,
                       ``.dx-find-motifs``, ``.dx-save-fasta`` (chosen-csv, h5ad, training, table)
``.dx-rows``           a table; rows are ``tbody tr``, the one looked at has ``.dx-current``
``.dx-training``       ``.dx-data`` with ``.dx-source select``, ``.dx-paste``, ``.dx-upload``,
                       ``.dx-use``, ``.dx-train-file`` (dev, test), ``.dx-data-summary``;
                       ``.dx-model-name input``, ``.dx-method``, ``.dx-task``, ``.dx-epochs``,
                       ``.dx-more``, ``.dx-start``, ``.dx-stop``, ``.dx-plan``, ``.dx-metric``,
                       ``.dx-scores``, ``.dx-verdict``, ``.dx-leakage``, ``.dx-notes``,
                       ``.dx-send``, ``.dx-bench-choice``
``.dx-pretraining``    ``.dx-folder input``, ``.dx-follow``, ``.dx-start``, ``.dx-stop``,
                       ``.dx-steps``, ``.dx-held-out``, ``.dx-state``, ``.dx-notes``
``.dx-timelapse``      ``.dx-play``, ``.dx-slider``, ``.dx-step``, ``.dx-layer``, ``.dx-head``
``.dx-variant``        ``.dx-variant-chosen select``, ``.dx-variant-typed input``,
                       ``.dx-variant-layer select``, ``.dx-target select``, ``.dx-patch``,
                       ``.dx-patch-twin``, ``.dx-patch-plot``
``.dx-gym``            ``.dx-gym-motif input``, ``.dx-gym-second input``,
                       ``.dx-gym-sweep select``, ``.dx-gym-background select``, ``.dx-target``,
                       ``.dx-gym-output``, ``.dx-gym-at input``, ``.dx-gym-step``,
                       ``.dx-gym-shown``, ``.dx-gym-cell``, ``.dx-gym-which``, ``.dx-method``,
                       ``.dx-gym-here``, ``.dx-gym-detail``
``.dx-leaderboard``    ``.dx-results input``, ``.dx-refresh``, ``.dx-against select``,
                       ``.dx-published select``, ``.dx-scores``
``.dx-plot.dx-stale``  a plot whose successor is being computed
=====================  ==========================================================================

Threads: what takes long runs in a :class:`~dnabert2_explore.widgets.core.jobs.Job` and is applied
under ``Selection.lock``; handlers of Jupyter's messages hold the same lock.
"""

from __future__ import annotations

from .atlas import AtlasExplorer
from .attribution.explorer import AttributionExplorer
from .core.state import Selection
from .marginalize.explorer import MotifGym
from .training.explorer import FinetuneApp
from .training.leaderboard import LeaderboardExplorer
from .training.pretraining import PretrainingMonitor
from .training.timelapse import TimeLapseExplorer
from .views.attention.explorer import AttentionExplorer
from .views.features.explorer import FeatureExplorer
from .views.inside.dependencies import DependencyExplorer
from .views.inside.layers import LayersExplorer
from .views.inside.lens import LensExplorer
from .views.inside.nucleotides import NucleotideExplorer
from .views.tokens.explorer import TokenExplorer
from .views.variant.explorer import VariantExplorer
from .workbench import Workbench

__all__ = [
    "AtlasExplorer",
    "AttentionExplorer",
    "AttributionExplorer",
    "DependencyExplorer",
    "FeatureExplorer",
    "FinetuneApp",
    "LayersExplorer",
    "LeaderboardExplorer",
    "LensExplorer",
    "MotifGym",
    "NucleotideExplorer",
    "PretrainingMonitor",
    "Selection",
    "TimeLapseExplorer",
    "TokenExplorer",
    "VariantExplorer",
    "Workbench",
]
