"""What a map of embeddings is, and what it is not."""

from .explained import REMOVED, composition_features, remove_composition, share_explained
from .judge import LabelScore, MapJudgement, judge_map
from .neighbours import centred_unit, label_purity, nearest, plane_keeps
from .probe import Probe, probe

__all__ = [
    "REMOVED",
    "LabelScore",
    "MapJudgement",
    "Probe",
    "centred_unit",
    "composition_features",
    "judge_map",
    "label_purity",
    "nearest",
    "plane_keeps",
    "probe",
    "remove_composition",
    "share_explained",
]
