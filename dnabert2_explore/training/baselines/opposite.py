"""What a counterpart tells: how a set can be won whose sequences were made of one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError
from ..counterparts import CompositionIndex, PositionalIndex, label_of_counterparts
from .fitted import Fitted, log_prior
from .strands import check_strands

if TYPE_CHECKING:
    from ..labelled.tables import Labelled

__all__ = ["fit_composition", "fit_positional"]


def fit_composition(
    training: Labelled, dev: Labelled, seed: int = 42, strands: str = "given"
) -> Fitted:
    """Remember compositions; answer the label opposite to the counterpart's, else the commoner.

    This is no method to tell sequences by. Where it scores, positives and their shuffles were dealt
    to different splits, and scores of anything that can remember say little.

    Counterparts are looked for in training and dev: both were at hand. There is no chance in it, so
    that the `seed` is not used; nor are the `strands`, as a shuffle is of the strand it was made
    of. More than two classes, which have no opposite, are an `InputError`.
    """
    _check(training, strands)
    title = "label opposite to the composition twin's"
    return _told("twins", title, training, CompositionIndex((training, dev)), opposite=True)


def fit_positional(
    training: Labelled, dev: Labelled, seed: int = 42, strands: str = "given"
) -> Fitted:
    """Remember what stands where; answer what a positional counterpart tells, or the commoner.

    Whether it is the counterpart's own label or the other one is what more of dev's counterparts in
    train show: the other one where negatives are positives with segments replaced, its own where
    sequences are merely related. Counterparts, `seed`, `strands` and what is refused are as for
    `fit_composition`, and like it, this is no method to tell sequences by.
    """
    _check(training, strands)
    shown = PositionalIndex((training,)).labels(dev)
    same = shown[np.arange(len(dev)), dev.labels].sum()
    opposite = bool(2 * same < shown.sum())
    title = (
        "label opposite to the positional twin's" if opposite else "label of the positional twin"
    )
    return _told("positional", title, training, PositionalIndex((training, dev)), opposite)


def _check(training: Labelled, strands: str) -> None:
    check_strands(strands)
    if len(training.classes) != 2:
        raise InputError(
            f"the label that a twin tells is not defined for {len(training.classes)} classes."
        )


def _told(
    name: str,
    title: str,
    training: Labelled,
    index: CompositionIndex | PositionalIndex,
    opposite: bool,
) -> Fitted:
    frequencies = np.exp(log_prior(training))
    return Fitted(
        name=name,
        title=title,
        settings={"twins_in": ["train", "dev"], "opposite": opposite},
        parameters=0,
        probabilities=lambda data: label_of_counterparts(index.labels(data), frequencies, opposite),
    )
