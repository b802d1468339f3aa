"""Lesson 04: fine-tune a classifier, and the leak in a benchmark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence as Items

import numpy as np

from ..training.counterparts import composition_keys
from ..training.finetune import FinetuneResult
from ..training.labelled.tables import Labelled
from ..training.scores.metrics import score
from .answers import items, number, require, whole, word, yes

__all__ = ["CHECKS"]

SPLITS = ("train", "dev", "test")


def _compositions(sequences: Items[str]) -> list[bytes]:
    """Write what a shuffle that keeps dinucleotides keeps, of each sequence."""
    bases = tuple(sequences)
    nothing = np.zeros(len(bases), dtype=np.int64)
    return composition_keys(Labelled(bases, None, nothing, ("",), "classification", bases))


def _twin(answer: object, *, bases: str, others: Items[str]) -> str:
    given = whole(answer)
    require(0 <= given < len(others), f"There is no row {given}: rows are 0 to {len(others) - 1}.")
    require(others[given] != bases, "That is the sequence itself: its shuffle is asked for.")
    require(
        len(set(_compositions([others[given], bases]))) == 1,
        f"Row {given} has other dinucleotides: compare counts of all two-letter words.",
    )
    return "Same ends, same dinucleotides, another order: one is a shuffle of the other."


def _rule(
    answer: object,
    *,
    train: Items[tuple[str, str]],
    test: Items[tuple[str, str]],
) -> str:
    """Answers for the rows of test, by the label opposite to the counterpart's in train."""
    given = [word(one) for one in items(answer, len(test))]
    labels = sorted({label for _, label in train})
    strange = sorted(set(given) - set(labels))
    require(not strange, f"{strange[0] if strange else ''!r} is none of {', '.join(labels)}.")
    known = _compositions([bases for bases, _ in train])
    seen = dict(zip(known, (label for _, label in train), strict=True))
    wanted = [seen.get(key) for key in _compositions([bases for bases, _ in test])]
    off = sum(twin is not None and mine == twin for twin, mine in zip(wanted, given, strict=True))
    require(
        not off,
        f"{off} answers are the twin's own label: one is real and one is shuffled, so take the "
        "other label.",
    )
    told = [i for i, twin in enumerate(wanted) if twin is not None]
    reached = _mcc([test[i][1] for i in told], [given[i] for i in told], labels)
    return (
        f"Of {len(test)} test sequences {len(told)} have a twin in train, and without a model, "
        f"without reading one base for what it means, MCC on them is {reached:.2f}."
    )


def _mcc(truth: list[str], given: list[str], labels: list[str]) -> float:
    chosen = np.eye(len(labels))[[labels.index(one) for one in given]]
    found = score(
        "classification", np.array([labels.index(one) for one in truth]), chosen, tuple(labels), 0
    )
    return found["mcc"]


def _split(answer: object, *, rows: Items[tuple[str, str]]) -> str:
    given = [word(one) for one in items(answer, len(rows))]
    strange = sorted(set(given) - set(SPLITS))
    require(not strange, f"{strange[0] if strange else ''!r} is none of {', '.join(SPLITS)}.")
    sizes = Counter(given)
    for name in SPLITS:
        require(
            sizes[name] >= len(rows) / 20,
            f"{name} has {sizes[name]} of {len(rows)} rows: give each split a twentieth or more.",
        )
    places: dict[bytes, set[str]] = {}
    for key, split in zip(_compositions([bases for bases, _ in rows]), given, strict=True):
        places.setdefault(key, set()).add(split)
    torn = sum(len(found) > 1 for found in places.values())
    require(not torn, f"{torn} sequences lie in another split than their shuffle.")
    return f"{len(places)} families, none of them torn: test now asks for something not seen."


def _verdict(answer: object, *, result: FinetuneResult) -> str:
    rule = result.rule
    require(rule is not None, "This run was not compared with a rule: give it a test file.")
    assert rule is not None
    right = rule.minus.low > 0
    require(
        yes(answer) == right,
        f"Look at the interval of model minus rule: it begins at {rule.minus.low:+.2f}.",
    )
    return f"Model minus {rule.title}: {rule.minus}."


def _chance(answer: object, *, labels: Items[str]) -> str:
    given = number(answer)
    share = max(Counter(labels).values()) / len(labels)
    require(0 <= given <= 1, f"{given:g} is no share: write it as a number between 0 and 1.")
    require(
        abs(given - share) <= 0.005,
        f"{given:.3f} is not what answering the commonest label every time gets right.",
    )
    return f"Accuracy {share:.2f} costs nothing: that is where the scale begins."


CHECKS = {
    "chance": _chance,
    "verdict": _verdict,
    "twin": _twin,
    "rule": _rule,
    "split": _split,
}
