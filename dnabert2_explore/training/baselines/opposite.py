"""The label opposite to a twin's: what a set made of sequences and their shuffles can be won by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError
from ..twins import TwinIndex, opposite_label
from .fitted import Fitted, log_prior
from .strands import check_strands

if TYPE_CHECKING:
    from ..tables import Labelled

__all__ = ["fit_twins"]


def fit_twins(training: Labelled, dev: Labelled, seed: int = 42, strands: str = "given") -> Fitted:
    """Remember compositions; answer the label opposite to the twin's, or else the commoner one.

    This is no method to tell sequences by. Where it scores, positives and their shuffles were dealt
    to different splits, and scores of anything that can remember say little.

    Parameters
    ----------
    training, dev : Labelled
        Of one label each, of two classes. Twins are looked for in both: dev was at hand too.
    seed : int
        Not used: there is no chance in it.
    strands : {"given", "both"}
        Not used: a shuffle is of the strand it was made of.

    Raises
    ------
    InputError
        For more than two classes: there is no opposite then.
    """
    check_strands(strands)
    if len(training.classes) != 2:
        raise InputError(
            f"the label opposite to a twin's is not defined for {len(training.classes)} classes."
        )
    index = TwinIndex((training, dev))
    frequencies = np.exp(log_prior(training))
    return Fitted(
        name="twins",
        title="label opposite to the composition twin's",
        settings={"twins_in": ["train", "dev"]},
        parameters=0,
        probabilities=lambda data: opposite_label(index.labels(data), frequencies),
    )
