"""What a map of embeddings is, and what it is not."""

from .aligned import AlignedMaps, align_maps
from .clusters import Clusters, find_clusters
from .explained import REMOVED, composition_features, remove_composition, share_explained
from .judge import LabelScore, MapJudgement, judge_map
from .layers import SpaceComparison, compare_spaces, linear_cka
from .neighbours import centred_unit, label_purity, nearest, plane_keeps
from .probe import Probe, probe

__all__ = [
    "REMOVED",
    "AlignedMaps",
    "Clusters",
    "LabelScore",
    "MapJudgement",
    "Probe",
    "SpaceComparison",
    "align_maps",
    "centred_unit",
    "compare_spaces",
    "composition_features",
    "find_clusters",
    "judge_map",
    "label_purity",
    "linear_cka",
    "nearest",
    "plane_keeps",
    "probe",
    "remove_composition",
    "share_explained",
]
