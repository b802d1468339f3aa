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
from .extras import translated
from .rich_display import draw_with
from .version import __version__

if TYPE_CHECKING:
    from .again import Reproduction, reproduce
    from .analysis import features
    from .analysis.annotated import to_anndata
    from .analysis.attend import Attention, attend
    from .analysis.attribution import (
        Attribution,
        Mutagenesis,
        OffsetAverage,
        RankCorrelations,
        Scorecard,
        StrandMirror,
        attribute,
        average_offsets,
        mirror_strands,
        rank_correlations,
        saturation_mutagenesis,
        scorecard,
    )
    from .analysis.enrichment import Enrichment, SequenceComparison, compare_sequences
    from .analysis.features import FeatureEnrichment, FeatureReadings, Features
    from .analysis.gym import Sweep, marginalize
    from .analysis.inside import (
        DependencyMap,
        HeadAtlas,
        HeadPatchMap,
        LayerLens,
        LayerScores,
        NucleotideProbabilities,
        PatchMap,
        Recall,
        TrackEnrichment,
        dependency_map,
        enrich_track,
        head_atlas,
        layers,
        lens,
        nucleotide_probabilities,
        patch,
        patch_heads,
        recall,
    )
    from .analysis.inside.blocks import Blocks
    from .analysis.inside.heads import HeadAgreement
    from .analysis.maps import (
        AlignedMaps,
        Clusters,
        MapJudgement,
        SpaceComparison,
        align_maps,
        compare_spaces,
        find_clusters,
        judge_map,
    )
    from .analysis.motifs import (
        Differential,
        Discovery,
        Hits,
        HitTokens,
        Match,
        Matches,
        MotifFindings,
        NullRun,
        Pattern,
        Seqlets,
        Sites,
        differential_motifs,
        discover_motifs,
        match_motifs,
        scan_motifs,
    )
    from .analysis.project import Projection, fit_projection, open_projection, project
    from .analysis.settings import AttributionSettings
    from .analysis.timelapse import TimeLapse, find_snapshots, timelapse
    from .analysis.tokenizers import (
        MergeReplay,
        MotifFragments,
        TokenizerComparison,
        compare_tokenizers,
        fragment_motifs,
        replay_merges,
    )
    from .analysis.variants import Calibration, VariantScores, VcfSummary, calibrate, score_variants
    from .analysis.variants.compare import VariantComparison, compare_variant
    from .demo import Locus
    from .encoder import ATLAS_MODEL, Encoder, ModelInfo, load
    from .encoder.loading.twin import random_twin
    from .encoder.onehot import OneHotModel
    from .encoder.passes.readings import Readings
    from .encoder.vectors.long import LongEmbedding
    from .errors import Cancelled, CheckpointError, ExploreError, InputError
    from .figures import motif_report
    from .figures.plots import plot
    from .sequences import Sequence, gc_content, read_sequences, reverse_complement
    from .sequences.annotation.annotations import Annotation, read_annotation
    from .sequences.annotation.regions import read_bed
    from .sequences.join import join_table
    from .sequences.motifs.files import read_motifs
    from .sequences.motifs.jaspar import jaspar, jaspar_motif
    from .sequences.motifs.motif import Motif
    from .sequences.reading.genome import Genome
    from .sequences.variants.variant import Variant
    from .stores import (
        EmbeddedSequences,
        EmbeddingStore,
        StoreCheck,
        StoreHits,
        Summary,
        check_store,
        open_store,
        read_embedded,
    )
    from .table_files import write_table
    from .tokens import Tokens
    from .training.finetune import FinetuneConfig, FinetuneResult, finetune
    from .training.finetune.seeds import SeedsResult, finetune_seeds
    from .training.gue import Audit, DatasetAudit, Leaderboard, leaderboard
    from .training.labelled.leakage import LeakageReport
    from .training.predict import PredictionSummary
    from .training.pretrain import PretrainConfig, pretrain
    from .training.pretrain.config import PretrainResult
    from .training.scores.metrics import Scores
    from .training.scores.rules import RuleComparison
    from .training.vocabulary import VocabularyCurve, vocabulary_curve
    from .widgets import (
        AtlasExplorer,
        AttentionExplorer,
        AttributionExplorer,
        DependencyExplorer,
        FeatureExplorer,
        FinetuneApp,
        LayersExplorer,
        LeaderboardExplorer,
        LensExplorer,
        MotifGym,
        NucleotideExplorer,
        PretrainingMonitor,
        TimeLapseExplorer,
        TokenExplorer,
        VariantExplorer,
        Workbench,
    )
    from .widgets.session import open_session
    from .widgets.show import show


# Public name -> module that defines it; resolved on first use so that importing stays light.
_HOMES = {
    "ATLAS_MODEL": ".encoder",
    "AlignedMaps": ".analysis.maps",
    "Annotation": ".sequences.annotation.annotations",
    "AtlasExplorer": ".widgets",
    "Attention": ".analysis.attend",
    "AttentionExplorer": ".widgets",
    "Attribution": ".analysis.attribution",
    "AttributionSettings": ".analysis.settings",
    "AttributionExplorer": ".widgets",
    "Audit": ".training.gue",
    "Blocks": ".analysis.inside.blocks",
    "Calibration": ".analysis.variants",
    "Cancelled": ".errors",
    "CheckpointError": ".errors",
    "Clusters": ".analysis.maps",
    "DatasetAudit": ".training.gue",
    "DependencyExplorer": ".widgets",
    "DependencyMap": ".analysis.inside",
    "Differential": ".analysis.motifs",
    "Discovery": ".analysis.motifs",
    "EmbeddedSequences": ".stores",
    "EmbeddingStore": ".stores",
    "Encoder": ".encoder",
    "Enrichment": ".analysis.enrichment",
    "ExploreError": ".errors",
    "FeatureEnrichment": ".analysis.features",
    "FeatureReadings": ".analysis.features",
    "Features": ".analysis.features",
    "FinetuneApp": ".widgets",
    "FinetuneConfig": ".training.finetune",
    "FinetuneResult": ".training.finetune",
    "Genome": ".sequences.reading.genome",
    "HeadAgreement": ".analysis.inside.heads",
    "HeadAtlas": ".analysis.inside",
    "HeadPatchMap": ".analysis.inside",
    "HitTokens": ".analysis.motifs",
    "Hits": ".analysis.motifs",
    "InputError": ".errors",
    "LayerLens": ".analysis.inside",
    "LayerScores": ".analysis.inside",
    "Leaderboard": ".training.gue",
    "LeaderboardExplorer": ".widgets",
    "LeakageReport": ".training.labelled.leakage",
    "Locus": ".demo",
    "LongEmbedding": ".encoder.vectors.long",
    "MapJudgement": ".analysis.maps",
    "Match": ".analysis.motifs",
    "Matches": ".analysis.motifs",
    "MergeReplay": ".analysis.tokenizers",
    "ModelInfo": ".encoder",
    "Motif": ".sequences.motifs.motif",
    "MotifFindings": ".analysis.motifs",
    "MotifFragments": ".analysis.tokenizers",
    "MotifGym": ".widgets",
    "Mutagenesis": ".analysis.attribution",
    "FeatureExplorer": ".widgets",
    "LayersExplorer": ".widgets",
    "LensExplorer": ".widgets",
    "NucleotideExplorer": ".widgets",
    "NucleotideProbabilities": ".analysis.inside",
    "NullRun": ".analysis.motifs",
    "OneHotModel": ".encoder.onehot",
    "PatchMap": ".analysis.inside",
    "Pattern": ".analysis.motifs",
    "OffsetAverage": ".analysis.attribution",
    "PredictionSummary": ".training.predict",
    "PretrainConfig": ".training.pretrain",
    "PretrainResult": ".training.pretrain.config",
    "PretrainingMonitor": ".widgets",
    "Projection": ".analysis.project",
    "RankCorrelations": ".analysis.attribution",
    "Readings": ".encoder.passes.readings",
    "Recall": ".analysis.inside",
    "Reproduction": ".again",
    "RuleComparison": ".training.scores.rules",
    "Scorecard": ".analysis.attribution",
    "Scores": ".training.scores.metrics",
    "SeedsResult": ".training.finetune.seeds",
    "Seqlets": ".analysis.motifs",
    "Sequence": ".sequences",
    "SequenceComparison": ".analysis.enrichment",
    "Sites": ".analysis.motifs",
    "SpaceComparison": ".analysis.maps",
    "StoreCheck": ".stores",
    "StoreHits": ".stores",
    "StrandMirror": ".analysis.attribution",
    "Summary": ".stores",
    "Sweep": ".analysis.gym",
    "TimeLapse": ".analysis.timelapse",
    "TimeLapseExplorer": ".widgets",
    "TokenExplorer": ".widgets",
    "TokenizerComparison": ".analysis.tokenizers",
    "Tokens": ".tokens",
    "TrackEnrichment": ".analysis.inside",
    "Variant": ".sequences.variants.variant",
    "VariantComparison": ".analysis.variants.compare",
    "VariantExplorer": ".widgets",
    "VariantScores": ".analysis.variants",
    "VcfSummary": ".analysis.variants",
    "VocabularyCurve": ".training.vocabulary",
    "Workbench": ".widgets",
    "align_maps": ".analysis.maps",
    "attend": ".analysis.attend",
    "attribute": ".analysis.attribution",
    "average_offsets": ".analysis.attribution",
    "calibrate": ".analysis.variants",
    "check_store": ".stores",
    "compare_sequences": ".analysis.enrichment",
    "compare_spaces": ".analysis.maps",
    "compare_tokenizers": ".analysis.tokenizers",
    "compare_variant": ".analysis.variants.compare",
    "demo": ".demo",
    "dependency_map": ".analysis.inside",
    "differential_motifs": ".analysis.motifs",
    "discover_motifs": ".analysis.motifs",
    "features": ".analysis.features",
    "enrich_track": ".analysis.inside",
    "find_clusters": ".analysis.maps",
    "find_snapshots": ".analysis.timelapse",
    "finetune": ".training.finetune",
    "finetune_seeds": ".training.finetune.seeds",
    "fit_projection": ".analysis.project",
    "fragment_motifs": ".analysis.tokenizers",
    "gc_content": ".sequences",
    "head_atlas": ".analysis.inside",
    "jaspar": ".sequences.motifs.jaspar",
    "jaspar_motif": ".sequences.motifs.jaspar",
    "join_table": ".sequences.join",
    "judge_map": ".analysis.maps",
    "layers": ".analysis.inside",
    "leaderboard": ".training.gue",
    "lens": ".analysis.inside",
    "load": ".encoder",
    "marginalize": ".analysis.gym",
    "match_motifs": ".analysis.motifs",
    "mirror_strands": ".analysis.attribution",
    "motif_report": ".figures",
    "nucleotide_probabilities": ".analysis.inside",
    "open_projection": ".analysis.project",
    "open_session": ".widgets.session",
    "open_store": ".stores",
    "patch": ".analysis.inside",
    "patch_heads": ".analysis.inside",
    "plot": ".figures.plots",
    "pretrain": ".training.pretrain",
    "project": ".analysis.project",
    "random_twin": ".encoder.loading.twin",
    "read_annotation": ".sequences.annotation.annotations",
    "rank_correlations": ".analysis.attribution",
    "read_bed": ".sequences.annotation.regions",
    "read_embedded": ".stores",
    "read_motifs": ".sequences.motifs.files",
    "read_sequences": ".sequences",
    "recall": ".analysis.inside",
    "replay_merges": ".analysis.tokenizers",
    "reproduce": ".again",
    "reverse_complement": ".sequences",
    "saturation_mutagenesis": ".analysis.attribution",
    "scan_motifs": ".analysis.motifs",
    "score_variants": ".analysis.variants",
    "scorecard": ".analysis.attribution",
    "show": ".widgets.show",
    "vocabulary_curve": ".training.vocabulary",
    "timelapse": ".analysis.timelapse",
    "to_anndata": ".analysis.annotated",
    "write_table": ".table_files",
}

_MODULES = ("demo", "features")

__all__ = [
    "ATLAS_MODEL",
    "AlignedMaps",
    "Annotation",
    "AtlasExplorer",
    "Attention",
    "AttentionExplorer",
    "Attribution",
    "AttributionExplorer",
    "AttributionSettings",
    "Audit",
    "Blocks",
    "Calibration",
    "Cancelled",
    "CheckpointError",
    "Clusters",
    "DatasetAudit",
    "DependencyExplorer",
    "DependencyMap",
    "Differential",
    "Discovery",
    "EmbeddedSequences",
    "EmbeddingStore",
    "Encoder",
    "Enrichment",
    "ExploreError",
    "FeatureEnrichment",
    "FeatureExplorer",
    "FeatureReadings",
    "Features",
    "FinetuneApp",
    "FinetuneConfig",
    "FinetuneResult",
    "Genome",
    "HeadAgreement",
    "HeadAtlas",
    "HeadPatchMap",
    "HitTokens",
    "Hits",
    "InputError",
    "LayerLens",
    "LayerScores",
    "LayersExplorer",
    "Leaderboard",
    "LeaderboardExplorer",
    "LeakageReport",
    "LensExplorer",
    "Locus",
    "LongEmbedding",
    "MapJudgement",
    "Match",
    "Matches",
    "MergeReplay",
    "ModelInfo",
    "Motif",
    "MotifFindings",
    "MotifFragments",
    "MotifGym",
    "Mutagenesis",
    "NucleotideExplorer",
    "NucleotideProbabilities",
    "NullRun",
    "OffsetAverage",
    "OneHotModel",
    "PatchMap",
    "Pattern",
    "PredictionSummary",
    "PretrainConfig",
    "PretrainResult",
    "PretrainingMonitor",
    "Projection",
    "RankCorrelations",
    "Readings",
    "Recall",
    "Reproduction",
    "RuleComparison",
    "Scorecard",
    "Scores",
    "SeedsResult",
    "Seqlets",
    "Sequence",
    "SequenceComparison",
    "Sites",
    "SpaceComparison",
    "StoreCheck",
    "StoreHits",
    "StrandMirror",
    "Summary",
    "Sweep",
    "TimeLapse",
    "TimeLapseExplorer",
    "TokenExplorer",
    "TokenizerComparison",
    "Tokens",
    "TrackEnrichment",
    "Variant",
    "VariantComparison",
    "VariantExplorer",
    "VariantScores",
    "VcfSummary",
    "VocabularyCurve",
    "Workbench",
    "__version__",
    "align_maps",
    "attend",
    "attribute",
    "average_offsets",
    "calibrate",
    "check_store",
    "compare_sequences",
    "compare_spaces",
    "compare_tokenizers",
    "compare_variant",
    "demo",
    "dependency_map",
    "differential_motifs",
    "discover_motifs",
    "enrich_track",
    "features",
    "find_clusters",
    "find_snapshots",
    "finetune",
    "finetune_seeds",
    "fit_projection",
    "fragment_motifs",
    "gc_content",
    "head_atlas",
    "jaspar",
    "jaspar_motif",
    "join_table",
    "judge_map",
    "layers",
    "leaderboard",
    "lens",
    "load",
    "marginalize",
    "match_motifs",
    "mirror_strands",
    "motif_report",
    "nucleotide_probabilities",
    "open_projection",
    "open_session",
    "open_store",
    "patch",
    "patch_heads",
    "plot",
    "pretrain",
    "project",
    "random_twin",
    "rank_correlations",
    "read_annotation",
    "read_bed",
    "read_embedded",
    "read_motifs",
    "read_sequences",
    "recall",
    "replay_merges",
    "reproduce",
    "reverse_complement",
    "saturation_mutagenesis",
    "scan_motifs",
    "score_variants",
    "scorecard",
    "show",
    "timelapse",
    "to_anndata",
    "vocabulary_curve",
    "write_table",
]

register_when_needed()


def _bundle(result: Any) -> dict[str, str]:
    """Draw a result that a notebook shows: only then are pictures loaded."""
    from .figures.display import bundle_of

    return bundle_of(result)


draw_with(_bundle)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with translated():
        module = importlib.import_module(_HOMES[name], __name__)
    value = module if name in _MODULES else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
