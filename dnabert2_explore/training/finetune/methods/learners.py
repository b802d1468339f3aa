"""What is trained: all weights of a classifier. Other methods build on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.optim.swa_utils import AveragedModel

from ....common.progress import Progress
from ....encoder import Encoder
from ....encoder.loading.heads import under_fresh_head
from ....network import Dnabert2Config, Dnabert2ForSequenceClassification, Dnabert2PreTrainedModel
from ....network.composed import ComposedNetwork
from ....tokens import DnaTokenizer
from ...labelled.tables import Labelled
from ...loop.averaging import averaged
from ..config import FinetuneConfig
from ..data import Resegmented, TokenRows
from .recipe import anchor_of
from .targets import Targets

__all__ = ["Learner", "classifier_from"]


def classifier_from(
    config: FinetuneConfig, source: Dnabert2PreTrainedModel, train: Labelled
) -> Dnabert2ForSequenceClassification:
    """Put the pre-trained encoder under a fresh pooler and classifier, in float32.

    A head of the source's own is left out. `train` says what the classifier answers, and for which
    lengths.
    """
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
        "anchor": anchor_of(config.anchor),
        "prediction_strands": config.strands,
        "prediction_segmentations": config.segmentations,
        "dtype": torch.float32,  # shipped weights are half precision; training is not
    }
    return under_fresh_head(source, Dnabert2Config.from_dict(shape))


def _plain(module: nn.Module) -> Dnabert2ForSequenceClassification:
    """Return a module's network, its token table folded."""
    network: Any = module.fold() if isinstance(module, ComposedNetwork) else module
    plain: Dnabert2ForSequenceClassification = network
    return plain


class Learner:
    """What `finetune` trains; the base of all methods, and the method "full" itself.

    The network is on its device. `rows` are the training rows, and with a second entry their other
    strands; `resegmented` reads them in their place, in other tokens every time. `fresh` says that
    the encoder has random weights.

    `module` is called in training with what `collate` returns and answers with ``logits``; batches
    are sorted by `lengths`, shape (n,).
    """

    def __init__(
        self,
        network: Dnabert2ForSequenceClassification,
        tokenizer: DnaTokenizer,
        targets: Targets,
        rows: list[TokenRows],
        resegmented: Resegmented | None = None,
        fresh: bool = False,
    ) -> None:
        self.fresh = fresh
        self.network = network
        self.tokenizer = tokenizer
        self.targets = targets
        self.rows = rows
        self.resegmented = resegmented
        self.module: nn.Module = network
        self.average: AveragedModel | None = None
        self.encoder = Encoder(network, tokenizer)
        self.lengths = rows[0].lengths

    def compose(self) -> None:
        """Train the token table as a function of the tokens' bases."""
        vocabulary = self.tokenizer.vocabulary
        tokens = sorted(vocabulary, key=vocabulary.__getitem__)
        self.module = ComposedNetwork(self.network, tokens, fresh=self.fresh)
        self.module.to(self.network.device)

    def average_weights(self, decay: float) -> None:
        """Judge and save an average of the weights from now on."""
        self.average = averaged(self.module, decay)
        if self.average is not None:
            self.encoder = Encoder(_plain(self.average.module), self.tokenizer)

    def judged(self) -> Dnabert2ForSequenceClassification:
        """Return the network that is judged and saved: averaged, its token table folded."""
        return _plain(self.module if self.average is None else self.average.module)

    def collate(
        self, rows: NDArray[np.int64], turned: NDArray[np.bool_], rng: np.random.Generator
    ) -> dict[str, torch.Tensor]:
        """Put some training rows into one batch, on the CPU."""
        if self.resegmented is not None:
            sequences = self.resegmented.ids(rows, turned, rng)
        else:
            sequences = [self.rows[int(t)][int(r)] for r, t in zip(rows, turned, strict=True)]
        rows_of_ids = list(map(torch.from_numpy, sequences))
        return {
            "input_ids": pad_sequence(rows_of_ids, True, self.tokenizer.pad_id),
            "attention_mask": pad_sequence(list(map(torch.ones_like, rows_of_ids)), True),
            "labels": self.targets.of(rows),
        }

    def state(self) -> dict[str, Any]:
        """Return what a run goes on from: what is trained, and its average."""
        trained = {
            name: one.detach() for name, one in self.module.named_parameters() if one.requires_grad
        }
        average = None if self.average is None else self.average.state_dict()
        return {"trained": trained, "average": average}

    def restore(self, state: dict[str, Any]) -> None:
        """Take what `state` returned."""
        here = dict(self.module.named_parameters())
        with torch.no_grad():
            for name, tensor in state["trained"].items():
                here[name].copy_(tensor)
        if self.average is not None:
            self.average.load_state_dict(state["average"])

    def predict(
        self, rows: list[NDArray[np.int64]], progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """Probabilities (n, classes), or values (n,) in the labels' unit, as things stand."""
        self.judged().eval()
        return self.targets.in_units(self.encoder.predict_ids(rows, progress=progress))

    def finished(self) -> Dnabert2ForSequenceClassification:
        """Return a copy as it would be saved: a plain classifier on the CPU, in eval mode."""
        return self._classifier(self.judged().state_dict())

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
