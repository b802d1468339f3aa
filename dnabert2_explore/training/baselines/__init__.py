"""What a classifier has to beat: simple methods fitted on the same files, chosen on the same dev.

=====================  ===========================================================================
``majority``           the most frequent class
``position_weights``   a position weight matrix (windows of one length)
``kmer``               logistic regression on 4-mer frequencies: composition without order
``markov``             an order-3 Markov chain a class: which base follows which, and not where
``twins``              the label opposite to that of a shuffle of the sequence (two classes)
``positional``         the label that a sequence with the same bases in the same places tells
``cnn``                a convolutional network of 0.2 million parameters, from scratch
=====================  ===========================================================================

All are called as ``fit(training, dev, seed=…, strands=…)`` and return a :class:`Fitted`. With
``strands="both"`` they learn from both strands of every row and answer with the mean of the two:
for tasks in which the strand of a sequence says nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from ...sequences.kmers import kmer_frequencies
from .cnn import SmallCnn, fit_cnn
from .fitted import Fitted
from .kmers import fit_kmers
from .markov import fit_markov
from .opposite import fit_composition, fit_positional
from .position import PositionWeights, fit_majority, fit_position_weights, position_weights

__all__ = [
    "BASELINES",
    "Fitted",
    "PositionWeights",
    "SmallCnn",
    "fit_cnn",
    "fit_composition",
    "fit_kmers",
    "fit_majority",
    "fit_markov",
    "fit_position_weights",
    "fit_positional",
    "kmer_frequencies",
    "position_weights",
]

#: Baselines by name, from the simplest to the strongest.
BASELINES: dict[str, Callable[..., Fitted]] = {
    "majority": fit_majority,
    "position_weights": fit_position_weights,
    "kmer": fit_kmers,
    "markov": fit_markov,
    "twins": fit_composition,
    "positional": fit_positional,
    "cnn": fit_cnn,
}
