"""The scores of Zhou et al. 2023 on GUE, from a table beside this file."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from types import MappingProxyType

__all__ = ["CITATION", "PUBLISHED", "published_scores"]

#: Where the numbers come from.
CITATION = (
    "Zhou et al. 2023, DNABERT-2: Efficient Foundation Model and Benchmark for Multi-Species "
    "Genome, arXiv:2306.15006"
)

_TABLE = Path(__file__).with_name("published.csv")

#: Models of the table, weakest family first.
PUBLISHED = (
    "DNABERT 3-mer",
    "DNABERT 6-mer",
    "NT 500M human",
    "NT 500M 1000g",
    "NT 2500M 1000g",
    "NT 2500M multi",
    "DNABERT-2",
    "DNABERT-2 further",
)


@cache
def published_scores() -> MappingProxyType[str, MappingProxyType[str, float]]:
    """Read the table: model -> dataset -> score between -1 and 1 (the paper prints per cent).

    Scores are Matthews correlations, macro F1 for covid.

    Examples
    --------
    >>> published_scores()["DNABERT-2"]["tf_2"]
    0.6652
    """
    with _TABLE.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(line for line in handle if not line.startswith("#")))
    return MappingProxyType(
        {
            model: MappingProxyType(
                {row["dataset"]: round(float(row[model]) / 100, 6) for row in rows}
            )
            for model in PUBLISHED
        }
    )
