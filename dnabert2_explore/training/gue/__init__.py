"""GUE and GUE+, the benchmark of DNABERT-2: datasets, the authors' protocol, results, tables.

`find_files` names the files a dataset lacks, `run_dataset` fine-tunes on it and writes one result,
`leaderboard` puts result files beside the published scores.

Zhou et al. 2023, "DNABERT-2", arXiv:2306.15006.
"""

from __future__ import annotations

from .auditing.audit import audit
from .auditing.audited import Audit, DatasetAudit, read_audit
from .datasets import DATASETS, GUE, GUE_PLUS, Dataset, Recipe, find_dataset
from .files import DatasetFiles, find_files
from .leaderboard import Leaderboard, leaderboard, read_runs
from .published import CITATION, PUBLISHED, published_scores
from .results import BaselineRun, GueRun
from .run import run_dataset
from .variation import Variation

__all__ = [
    "CITATION",
    "DATASETS",
    "GUE",
    "GUE_PLUS",
    "PUBLISHED",
    "Audit",
    "BaselineRun",
    "Dataset",
    "DatasetAudit",
    "DatasetFiles",
    "GueRun",
    "Leaderboard",
    "Recipe",
    "Variation",
    "audit",
    "find_dataset",
    "find_files",
    "leaderboard",
    "published_scores",
    "read_audit",
    "read_runs",
    "run_dataset",
]
