"""See DNA the way DNABERT-2 sees it: tokens, attention, attributions and embeddings in Jupyter.

Importing this package is light. torch, captum, umap and plotly load when a name that needs them
is first used. transformers' Auto classes know DNABERT-2 from then on, whenever they are imported.

Examples
--------
>>> import dnabert2_explore as dx
>>> enc = dx.load("pocket")
>>> tokens = enc.tokenize("ACGTAGCATCGGATCTATCTATCG")
>>> int(tokens.lengths.sum())
24
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .autoclasses import register_when_needed
from .shown import draw_with
from .version import __version__

if TYPE_CHECKING:
    from .analysis.attend import Attention, attend
    from .analysis.attribution import (
        Attribution,
        Mutagenesis,
        PhaseAverage,
        Scorecard,
        StrandMirror,
        attribute,
        average_phases,
        mirror_strands,
        saturation_mutagenesis,
        scorecard,
    )
    from .analysis.enrichment import SequenceComparison, compare_sequences
    from .analysis.gym import Sweep, gym
    from .analysis.inside import (
        DependencyMap,
        LayerLens,
        LayerScores,
        NucleotideProbabilities,
        PatchMap,
        dependency_map,
        layers,
        lens,
        nucleotide_probabilities,
        patch,
    )
    from .analysis.maps import MapJudgement, compare_spaces, find_clusters, judge_map
    from .analysis.motifs import (
        MotifFindings,
        differential_motifs,
        find_motifs,
        match_motifs,
        scan_motifs,
    )
    from .analysis.project import project
    from .analysis.timelapse import TimeLapse, timelapse
    from .analysis.variants import VariantScores, score_variants
    from .encoder import ATLAS_MODEL, Encoder, load
    from .errors import Cancelled, CheckpointError, ExploreError, InputError
    from .figures.plots import plot
    from .sequences import Sequence, read_sequences
    from .sequences.jaspar import find_motif, jaspar
    from .sequences.motif_files import read_motifs
    from .sequences.motifs import Motif
    from .sequences.regions import read_bed
    from .sequences.variants import Variant
    from .stores import open_store
    from .tokens import Tokens
    from .training.finetune import FinetuneConfig, FinetuneResult, finetune
    from .training.pretrain import PretrainConfig, pretrain
    from .widgets import (
        AtlasExplorer,
        AttentionExplorer,
        AttributionExplorer,
        FinetuneApp,
        LeaderboardExplorer,
        MotifGym,
        PretrainingMonitor,
        TimeLapseExplorer,
        TokenExplorer,
        VariantExplorer,
        Workbench,
    )
    from .widgets.show import show


# Public name -> module that defines it; resolved on first use so that importing stays light.
_HOMES = {
    "ATLAS_MODEL": ".encoder",
    "AtlasExplorer": ".widgets",
    "Attention": ".analysis.attend",
    "AttentionExplorer": ".widgets",
    "Attribution": ".analysis.attribution",
    "AttributionExplorer": ".widgets",
    "Cancelled": ".errors",
    "CheckpointError": ".errors",
    "DependencyMap": ".analysis.inside",
    "Encoder": ".encoder",
    "ExploreError": ".errors",
    "FinetuneApp": ".widgets",
    "FinetuneConfig": ".training.finetune",
    "FinetuneResult": ".training.finetune",
    "InputError": ".errors",
    "LayerLens": ".analysis.inside",
    "LayerScores": ".analysis.inside",
    "LeaderboardExplorer": ".widgets",
    "MapJudgement": ".analysis.maps",
    "Motif": ".sequences.motifs",
    "MotifFindings": ".analysis.motifs",
    "MotifGym": ".widgets",
    "Mutagenesis": ".analysis.attribution",
    "NucleotideProbabilities": ".analysis.inside",
    "PatchMap": ".analysis.inside",
    "PhaseAverage": ".analysis.attribution",
    "PretrainConfig": ".training.pretrain",
    "PretrainingMonitor": ".widgets",
    "Scorecard": ".analysis.attribution",
    "Sequence": ".sequences",
    "SequenceComparison": ".analysis.enrichment",
    "StrandMirror": ".analysis.attribution",
    "Sweep": ".analysis.gym",
    "TimeLapse": ".analysis.timelapse",
    "TimeLapseExplorer": ".widgets",
    "TokenExplorer": ".widgets",
    "Tokens": ".tokens",
    "Variant": ".sequences.variants",
    "VariantExplorer": ".widgets",
    "VariantScores": ".analysis.variants",
    "Workbench": ".widgets",
    "attend": ".analysis.attend",
    "attribute": ".analysis.attribution",
    "average_phases": ".analysis.attribution",
    "compare_sequences": ".analysis.enrichment",
    "compare_spaces": ".analysis.maps",
    "demo": ".demo",
    "dependency_map": ".analysis.inside",
    "differential_motifs": ".analysis.motifs",
    "find_clusters": ".analysis.maps",
    "find_motif": ".sequences.jaspar",
    "find_motifs": ".analysis.motifs",
    "finetune": ".training.finetune",
    "gym": ".analysis.gym",
    "jaspar": ".sequences.jaspar",
    "judge_map": ".analysis.maps",
    "layers": ".analysis.inside",
    "lens": ".analysis.inside",
    "load": ".encoder",
    "match_motifs": ".analysis.motifs",
    "mirror_strands": ".analysis.attribution",
    "nucleotide_probabilities": ".analysis.inside",
    "open_store": ".stores",
    "patch": ".analysis.inside",
    "plot": ".figures.plots",
    "pretrain": ".training.pretrain",
    "project": ".analysis.project",
    "read_bed": ".sequences.regions",
    "read_motifs": ".sequences.motif_files",
    "read_sequences": ".sequences",
    "saturation_mutagenesis": ".analysis.attribution",
    "scan_motifs": ".analysis.motifs",
    "score_variants": ".analysis.variants",
    "scorecard": ".analysis.attribution",
    "show": ".widgets.show",
    "timelapse": ".analysis.timelapse",
}

__all__ = [
    "ATLAS_MODEL",
    "AtlasExplorer",
    "Attention",
    "AttentionExplorer",
    "Attribution",
    "AttributionExplorer",
    "Cancelled",
    "CheckpointError",
    "DependencyMap",
    "Encoder",
    "ExploreError",
    "FinetuneApp",
    "FinetuneConfig",
    "FinetuneResult",
    "InputError",
    "LayerLens",
    "LayerScores",
    "LeaderboardExplorer",
    "MapJudgement",
    "Motif",
    "MotifFindings",
    "MotifGym",
    "Mutagenesis",
    "NucleotideProbabilities",
    "PatchMap",
    "PhaseAverage",
    "PretrainConfig",
    "PretrainingMonitor",
    "Scorecard",
    "Sequence",
    "SequenceComparison",
    "StrandMirror",
    "Sweep",
    "TimeLapse",
    "TimeLapseExplorer",
    "TokenExplorer",
    "Tokens",
    "Variant",
    "VariantExplorer",
    "VariantScores",
    "Workbench",
    "__version__",
    "attend",
    "attribute",
    "average_phases",
    "compare_sequences",
    "compare_spaces",
    "demo",
    "dependency_map",
    "differential_motifs",
    "find_clusters",
    "find_motif",
    "find_motifs",
    "finetune",
    "gym",
    "jaspar",
    "judge_map",
    "layers",
    "lens",
    "load",
    "match_motifs",
    "mirror_strands",
    "nucleotide_probabilities",
    "open_store",
    "patch",
    "plot",
    "pretrain",
    "project",
    "read_bed",
    "read_motifs",
    "read_sequences",
    "saturation_mutagenesis",
    "scan_motifs",
    "score_variants",
    "scorecard",
    "show",
    "timelapse",
]

register_when_needed()


def _html(result: Any) -> str:
    """Draw a result that a notebook shows: only then are pictures loaded."""
    from .figures.display import html_of

    return html_of(result)


draw_with(_html)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(_HOMES[name], __name__)
    value = module if name == "demo" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
