"""What two sets of sequences are made of, number by number and class by class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence as Items
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...sequences import Sequence, as_dna
from .strata import cpg_of, gc_of

__all__ = ["ClassShare", "Contrast", "class_shares", "composition", "contrasts"]

_CLASSES = 200


@dataclass(frozen=True, slots=True)
class Contrast:
    """A number of each sequence, in two sets.

    Attributes
    ----------
    name, unit : str
    selected, rest : float
        Medians; NaN where no sequence has the number.
    exceeds : float
        Chance that a selected sequence has more than one of the rest, ties half: 0.5 is no
        difference, 0 and 1 are complete ones (the area under the ROC curve).
    p_value : float
        Mann and Whitney's test, two-sided.
    """

    name: str
    unit: str
    selected: float
    rest: float
    exceeds: float
    p_value: float


@dataclass(frozen=True, slots=True)
class ClassShare:
    """How many sequences of two sets belong to a class.

    Attributes
    ----------
    column, value : str
    selected, rest : int
        Sequences of the class in either set.
    selected_rate, rest_rate : float
    p_value : float
        Fisher's exact test, two-sided.
    q_value : float
        By Benjamini and Hochberg over all classes of all columns.
    """

    column: str
    value: str
    selected: int
    rest: int
    selected_rate: float
    rest_rate: float
    p_value: float
    q_value: float


def composition(texts: Items[str]) -> dict[str, tuple[str, NDArray[np.float64]]]:
    """Return numbers of each sequence: name to unit and values, shape (n,).

    GC content in per cent of the known bases; CpG observed over expected; length; unknown bases
    in per cent.

    Examples
    --------
    >>> {name: float(v[0]) for name, (_, v) in composition(["ACGCGT"]).items()}
    {'GC content': 66.66666666666666, 'CpG observed / expected': 3.0, 'length': 6.0,
     'unknown bases': 0.0}
    """
    each = [as_dna(text) for text in texts]
    length = np.array([len(t) for t in each], dtype=np.float64)
    known = np.array([sum(map(t.count, "ACGT")) for t in each], dtype=np.float64)
    return {
        "GC content": ("%", 100 * gc_of(each)),
        "CpG observed / expected": ("", cpg_of(each)),
        "length": ("bp", length),
        "unknown bases": ("%", 100 * (length - known) / np.maximum(length, 1)),
    }


def contrasts(selected: Items[str], rest: Items[str]) -> tuple[Contrast, ...]:
    """Compare what two sets are made of; numbers that all sequences share are left out."""
    from scipy.stats import mannwhitneyu

    ours, theirs = composition(selected), composition(rest)
    out = []
    for name, (unit, mine) in ours.items():
        yours = theirs[name][1]
        a, b = mine[np.isfinite(mine)], yours[np.isfinite(yours)]
        if not len(a) or not len(b) or len(np.unique(np.concatenate([a, b]))) < 2:
            continue
        test = mannwhitneyu(a, b)
        out.append(
            Contrast(
                name=name,
                unit=unit,
                selected=float(np.median(a)),
                rest=float(np.median(b)),
                exceeds=float(test.statistic / (len(a) * len(b))),
                p_value=float(test.pvalue),
            )
        )
    return tuple(out)


def class_shares(selected: Items[Sequence], rest: Items[Sequence]) -> tuple[ClassShare, ...]:
    """Compare the classes two sets belong to, labels and the columns of a table, the surest first.

    Columns with more than 200 values are names, and are left out.
    """
    from scipy.stats import false_discovery_control, fisher_exact

    names = dict.fromkeys(n for s in (*selected, *rest) for n in s.fields)
    rows: list[tuple[str, str, int, int, float]] = []
    seen: set[tuple[str, ...]] = set()
    for column in ("label", *names):
        mine, yours = _values(selected, column), _values(rest, column)
        key = (*mine, *yours)
        values = dict.fromkeys(key)
        if key in seen or not 1 < len(values) <= _CLASSES:  # the label is often a column too
            continue
        seen.add(key)
        ours, theirs = Counter(mine), Counter(yours)
        for value in values:
            a, b = ours[value], theirs[value]
            p = fisher_exact([[a, len(mine) - a], [b, len(yours) - b]]).pvalue
            rows.append((column, value, a, b, float(np.clip(p, 0, 1))))
    if not rows:
        return ()
    q_values = false_discovery_control([row[-1] for row in rows], method="bh")
    found = [
        ClassShare(
            column=column,
            value=value,
            selected=a,
            rest=b,
            selected_rate=a / len(selected),
            rest_rate=b / len(rest),
            p_value=p,
            q_value=float(q),
        )
        for (column, value, a, b, p), q in zip(rows, q_values, strict=True)
    ]
    return tuple(sorted(found, key=lambda one: (one.p_value, -one.selected_rate)))


def _values(sequences: Items[Sequence], column: str) -> list[str]:
    if column == "label":
        return [s.label or "" for s in sequences]
    return [str(s.fields.get(column, "")) for s in sequences]
