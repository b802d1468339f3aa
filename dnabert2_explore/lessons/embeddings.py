"""Lesson 03: embeddings and confounders."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from ..analysis.maps import MapJudgement
from ..sequences import Sequence, gc_content
from .answers import number, require, word, yes

__all__ = ["CHECKS"]


def _axis(answer: object, *, plane: ArrayLike, sequences: Iterable[Sequence]) -> str:
    given = number(answer)
    require(abs(given) <= 1, f"{given:g} is no correlation: those lie between -1 and 1.")
    share = np.array([gc_content(one.bases) for one in sequences])
    first, second = (float(np.corrcoef(axis, share)[0, 1]) for axis in np.asarray(plane).T[:2])
    require(
        abs(abs(given) - abs(second)) > 0.01 or abs(abs(first) - abs(second)) < 0.02,
        "That is the second axis: the first is plane[:, 0].",
    )
    require(
        abs(abs(given) - abs(first)) <= 0.01,
        f"{given:.2f} is not the correlation of plane[:, 0] with the GC content of the sequences.",
    )
    return f"{given:.2f}. The sign of a PCA axis means nothing; its size says what the axis is."


def _purity(answer: object, *, judgement: MapJudgement) -> str:
    given = word(answer).lower()
    purity = {one.space.lower(): one.purity for one in judgement.scores}
    require(given in purity, f"{given!r} is none of {', '.join(purity)}.")
    best = max(purity.values())
    require(
        purity[given] == best,
        f"Of the neighbours in {given} {purity[given]:.0%} have the label, and elsewhere more do.",
    )
    return f"{given}: {best:.0%} of the neighbours are of a sequence's own kind."


def _beyond(answer: object, *, judgement: MapJudgement) -> str:
    gain = judgement.gains["4-mers"]
    right = gain.low > 0
    require(
        yes(answer) == right,
        f"Look again: the interval of the difference begins at {gain.low:+.2f}.",
    )
    verdict = "goes beyond" if right else "has not been shown to go beyond"
    return f"This model {verdict} counting words of four letters, of species it has not seen."


def _genome(answer: object, *, within: MapJudgement, between: MapJudgement) -> str:
    given = number(answer)
    drop = within.scores[0].purity - between.scores[0].purity
    require(
        abs(given + drop) > 0.005 or abs(drop) < 0.005,
        "The difference is right and its sign is not: same species allowed minus not allowed.",
    )
    require(
        abs(given - drop) <= 0.005,
        f"{given:g} is not the difference of the two purities of the model (scores[0].purity).",
    )
    return (
        f"{drop:.2f} of what looked like knowledge of a category was neighbours from the same "
        "genome."
    )


CHECKS = {"axis": _axis, "purity": _purity, "beyond": _beyond, "genome": _genome}
