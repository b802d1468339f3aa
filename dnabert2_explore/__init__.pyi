"""Public names and where they stand: editors and mypy read this, `__init__.py` resolves them."""

from . import demo as demo
from .again import Reproduction as Reproduction, reproduce as reproduce
from .analysis import features as features
from .analysis.annotated import to_anndata as to_anndata
from .analysis.attend import Attention as Attention, attend as attend
from .analysis.attribution import (
    Attribution as Attribution,
    Mutagenesis as Mutagenesis,
    OffsetAverage as OffsetAverage,
    RankCorrelations as RankCorrelations,
    Scorecard as Scorecard,
    StrandMirror as StrandMirror,
    attribute as attribute,
    average_offsets as average_offsets,
    mirror_strands as mirror_strands,
    rank_correlations as rank_correlations,
    saturation_mutagenesis as saturation_mutagenesis,
    scorecard as scorecard,
)
from .analysis.enrichment import (
    Enrichment as Enrichment,
    SequenceComparison as SequenceComparison,
    compare_sequences as compare_sequences,
)
from .analysis.features import (
    FeatureEnrichment as FeatureEnrichment,
    FeatureReadings as FeatureReadings,
    Features as Features,
)
from .analysis.gym import Sweep as Sweep, marginalize as marginalize
from .analysis.inside import (
    DependencyMap as DependencyMap,
    HeadAtlas as HeadAtlas,
    HeadPatchMap as HeadPatchMap,
    LayerLens as LayerLens,
    LayerScores as LayerScores,
    NucleotideProbabilities as NucleotideProbabilities,
    PatchMap as PatchMap,
    Recall as Recall,
    TrackEnrichment as TrackEnrichment,
    dependency_map as dependency_map,
    enrich_track as enrich_track,
    head_atlas as head_atlas,
    layers as layers,
    lens as lens,
    nucleotide_probabilities as nucleotide_probabilities,
    patch as patch,
    patch_heads as patch_heads,
    recall as recall,
)
from .analysis.inside.blocks import Blocks as Blocks
from .analysis.inside.heads import HeadAgreement as HeadAgreement
from .analysis.maps import (
    AlignedMaps as AlignedMaps,
    Clusters as Clusters,
    MapJudgement as MapJudgement,
    SpaceComparison as SpaceComparison,
    align_maps as align_maps,
    compare_spaces as compare_spaces,
    find_clusters as find_clusters,
    judge_map as judge_map,
)
from .analysis.motifs import (
    Differential as Differential,
    Discovery as Discovery,
    Hits as Hits,
    HitTokens as HitTokens,
    Match as Match,
    Matches as Matches,
    MotifFindings as MotifFindings,
    NullRun as NullRun,
    Pattern as Pattern,
    Seqlets as Seqlets,
    Sites as Sites,
    differential_motifs as differential_motifs,
    discover_motifs as discover_motifs,
    match_motifs as match_motifs,
    scan_motifs as scan_motifs,
)
from .analysis.project import (
    Projection as Projection,
    fit_projection as fit_projection,
    open_projection as open_projection,
    project as project,
)
from .analysis.settings import AttributionSettings as AttributionSettings
from .analysis.timelapse import (
    TimeLapse as TimeLapse,
    find_snapshots as find_snapshots,
    timelapse as timelapse,
)
from .analysis.tokenizers import (
    MergeReplay as MergeReplay,
    MotifFragments as MotifFragments,
    TokenizerComparison as TokenizerComparison,
    compare_tokenizers as compare_tokenizers,
    fragment_motifs as fragment_motifs,
    replay_merges as replay_merges,
)
from .analysis.variants import (
    Calibration as Calibration,
    VariantScorer as VariantScorer,
    VariantScores as VariantScores,
    VcfSummary as VcfSummary,
    calibrate as calibrate,
    score_variants as score_variants,
)
from .analysis.variants.compare import (
    VariantComparison as VariantComparison,
    compare_variant as compare_variant,
)
from .demo import Locus as Locus
from .encoder import (
    ATLAS_MODEL as ATLAS_MODEL,
    Encoder as Encoder,
    ModelInfo as ModelInfo,
    load as load,
)
from .encoder.loading.twin import random_twin as random_twin
from .encoder.onehot import OneHotModel as OneHotModel
from .encoder.passes.readings import Readings as Readings
from .encoder.vectors.long import LongEmbedding as LongEmbedding
from .errors import (
    Cancelled as Cancelled,
    CheckpointError as CheckpointError,
    ExploreError as ExploreError,
    InputError as InputError,
)
from .figures import motif_report as motif_report
from .figures.plots import plot as plot
from .results.table_files import write_table as write_table
from .sequences import (
    Sequence as Sequence,
    gc_content as gc_content,
    read_sequences as read_sequences,
    reverse_complement as reverse_complement,
)
from .sequences.annotation.annotations import (
    Annotation as Annotation,
    read_annotation as read_annotation,
)
from .sequences.annotation.regions import read_bed as read_bed
from .sequences.join import join_table as join_table
from .sequences.motifs.files import read_motifs as read_motifs
from .sequences.motifs.jaspar import jaspar as jaspar, jaspar_motif as jaspar_motif
from .sequences.motifs.motif import Motif as Motif
from .sequences.reading.genome import Genome as Genome
from .sequences.variants.variant import Variant as Variant, parse_variant as parse_variant
from .stores import (
    EmbeddedSequences as EmbeddedSequences,
    EmbeddingStore as EmbeddingStore,
    StoreCheck as StoreCheck,
    StoreHits as StoreHits,
    Summary as Summary,
    check_store as check_store,
    open_store as open_store,
    read_embedded as read_embedded,
)
from .tokens import Tokens as Tokens
from .training.finetune import (
    FinetuneConfig as FinetuneConfig,
    FinetuneResult as FinetuneResult,
    finetune as finetune,
)
from .training.finetune.seeds import (
    SeedsResult as SeedsResult,
    finetune_seeds as finetune_seeds,
)
from .training.gue import (
    Audit as Audit,
    DatasetAudit as DatasetAudit,
    Leaderboard as Leaderboard,
    leaderboard as leaderboard,
)
from .training.labelled.leakage import LeakageReport as LeakageReport
from .training.predict import PredictionSummary as PredictionSummary
from .training.pretrain import PretrainConfig as PretrainConfig, pretrain as pretrain
from .training.pretrain.config import PretrainResult as PretrainResult
from .training.scores.metrics import Scores as Scores
from .training.scores.rules import RuleComparison as RuleComparison
from .training.vocabulary import (
    VocabularyCurve as VocabularyCurve,
    vocabulary_curve as vocabulary_curve,
)
from .widgets import (
    AtlasExplorer as AtlasExplorer,
    AttentionExplorer as AttentionExplorer,
    AttributionExplorer as AttributionExplorer,
    DependencyExplorer as DependencyExplorer,
    FeatureExplorer as FeatureExplorer,
    FinetuneApp as FinetuneApp,
    LayersExplorer as LayersExplorer,
    LeaderboardExplorer as LeaderboardExplorer,
    LensExplorer as LensExplorer,
    MotifGym as MotifGym,
    NucleotideExplorer as NucleotideExplorer,
    PretrainingMonitor as PretrainingMonitor,
    TimeLapseExplorer as TimeLapseExplorer,
    TokenExplorer as TokenExplorer,
    VariantExplorer as VariantExplorer,
    Workbench as Workbench,
)
from .widgets.session import open_session as open_session
from .widgets.show import show as show

__all__: list[str]
__version__: str
