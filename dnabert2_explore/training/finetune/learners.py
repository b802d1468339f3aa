"""What is trained: all weights of a classifier. Other methods build on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ...encoder import Encoder
from ...encoder.heads import under_fresh_head
from ...network import Dnabert2Config, Dnabert2ForSequenceClassification
from ...network.checkpoint import Checkpoint, load_network
from ...tokens import DnaTokenizer
from ..tables import Labelled
from .config import FinetuneConfig
from .data import TokenRows
from .targets import Targets

__all__ = ["Learner", "classifier_from"]

Progress = Callable[[int, int], None]


def classifier_from(
    config: FinetuneConfig, checkpoint: Checkpoint, train: Labelled
) -> Dnabert2ForSequenceClassification:
    """Put the pre-trained encoder under a fresh pooler and classifier, in float32.

    Parameters
    ----------
    config : FinetuneConfig
    checkpoint : Checkpoint
        With or without a head of its own, which is left out.
    train : Labelled
        Says what the classifier answers, and for which lengths.
    """
    source = load_network(checkpoint, torch.float32)
    classes = train.classes or ("value",)
    problem = {
        "classification": "single_label_classification",
        "multi_label": "multi_label_classification",
        "regression": "regression",
    }[train.task]
    lengths = [len(one) for one in train.bases + (train.second or ())]
    shape = source.config.to_dict() | {
        "id2label": dict(enumerate(classes)),
        "label2id": {name: i for i, name in enumerate(classes)},
        "classifier_pooling": config.pooling,
        "hidden_dropout_prob": config.dropout,
        "classifier_dropout": None,
        "problem_type": problem,
        "sequence_pairs": train.second is not None,
        "max_input_tokens": config.max_tokens or None,
        "training_bases": [min(lengths), max(lengths)],
        "dtype": torch.float32,  # shipped weights are half precision; training is not
    }
    return under_fresh_head(source, Dnabert2Config.from_dict(shape))


class Learner:
    """What `finetune` trains; the base of all methods, and the method "full" itself.

    Parameters
    ----------
    network : Dnabert2ForSequenceClassification
        On its device.
    tokenizer : DnaTokenizer
    targets : Targets
    rows : list of TokenRows
        The training rows; with a second entry, their other strands.

    Attributes
    ----------
    module : torch.nn.Module
        What Trainer gets; called with what `collate` returns, it answers with ``logits``.
    lengths : numpy.ndarray, shape (n,)
        What batches are sorted by.
    """

    def __init__(
        self,
        network: Dnabert2ForSequenceClassification,
        tokenizer: DnaTokenizer,
        targets: Targets,
        rows: list[TokenRows],
    ) -> None:
        self.network = network
        self.tokenizer = tokenizer
        self.targets = targets
        self.rows = rows
        self.module: nn.Module = network
        self.encoder = Encoder(network, tokenizer)
        self.lengths = rows[0].lengths

    def collate(
        self, rows: NDArray[np.int64], turned: NDArray[np.bool_]
    ) -> dict[str, torch.Tensor]:
        """Put some training rows into one batch, on the CPU."""
        sequences = [self.rows[int(t)][int(r)] for r, t in zip(rows, turned, strict=True)]
        longest = max(len(one) for one in sequences)
        ids = np.full((len(sequences), longest), self.tokenizer.pad_id, dtype=np.int64)
        mask = np.zeros_like(ids)
        for i, one in enumerate(sequences):
            ids[i, : len(one)], mask[i, : len(one)] = one, 1
        return {
            "input_ids": torch.from_numpy(ids),
            "attention_mask": torch.from_numpy(mask),
            "labels": self.targets.of(rows),
        }

    def predict(
        self, rows: list[NDArray[np.int64]], progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """Probabilities (n, classes), or values (n,) in the labels' unit, as things stand."""
        self.network.eval()
        return self.targets.in_units(self.encoder.predict_ids(rows, progress=progress))

    def finished(self) -> Dnabert2ForSequenceClassification:
        """Return a copy as it would be saved: a plain classifier on the CPU, in eval mode."""
        return self._classifier(self.network.state_dict())

    def _classifier(self, state: dict[str, torch.Tensor]) -> Dnabert2ForSequenceClassification:
        """Build a classifier with these weights, its head in the labels' unit."""
        kept = {name: tensor.detach().to("cpu", copy=True) for name, tensor in state.items()}
        self.targets.fold(kept["classifier.weight"], kept["classifier.bias"])
        config = Dnabert2Config.from_dict(self.network.config.to_dict())
        with torch.device("meta"):
            network = Dnabert2ForSequenceClassification(config)
        network.load_state_dict(kept, assign=True)
        return network.eval()

    def save_extras(self, folder: Path) -> None:
        """Write what the method has besides the model into its folder: here nothing."""
