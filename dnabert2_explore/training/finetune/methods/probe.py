"""A linear head on the vectors of the frozen encoder."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ....common.progress import Progress
from ....encoder.passes.batches import Budget, default_budget, run
from ....network import Dnabert2ForSequenceClassification
from ....network.packing import Packing
from ....tokens import DnaTokenizer
from ..data import TokenRows
from .learners import Learner
from .targets import Targets

__all__ = ["ProbeLearner"]

#: The pooler of a saved probe is tanh(x / NARROW), so narrow that it is linear (to 1 in 10,000 for
#: values of up to 4), and the head multiplies by it: the architecture has no head without a pooler.
NARROW = 256.0


class ProbeLearner(Learner):
    """Vectors are computed once, which `progress` follows; one linear layer on them is trained.

    Vectors are standardised over the training rows (so that one learning rate fits all encoders),
    and that is folded into the head. There is no dropout.
    """

    def __init__(
        self,
        network: Dnabert2ForSequenceClassification,
        tokenizer: DnaTokenizer,
        targets: Targets,
        rows: list[TokenRows],
        progress: Progress | None = None,
    ) -> None:
        super().__init__(network, tokenizer, targets, rows)
        self.budget = Budget(default_budget(network.device))
        hidden, outputs = network.config.hidden_size, network.config.num_labels
        pooler = network.bert.pooler
        assert pooler is not None  # a classifier has one
        with torch.no_grad():
            pooler.dense.weight.copy_(torch.eye(hidden) / NARROW)
            pooler.dense.bias.zero_()
        features = [self._features(list(one), progress) for one in rows]
        self.mean = features[0].mean(axis=0, dtype=np.float64)
        spread = features[0].std(axis=0, dtype=np.float64)
        self.spread = np.where(spread > 0, spread, 1.0)
        self.features = [torch.from_numpy(self._standard(one)) for one in features]
        self.lengths = np.zeros(len(rows[0]), dtype=np.int64)
        self.linear = _Linear(hidden, outputs).to(network.device)
        self.module = self.linear
        self._known: tuple[list[NDArray[np.int64]], torch.Tensor] | None = None

    def _features(
        self, rows: list[NDArray[np.int64]], progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """Compute what the classifier of the saved model will read, times `NARROW`."""
        network = self.network.eval()
        head, network.classifier = network.classifier, nn.Identity()  # type: ignore[assignment]

        def compute(packed: torch.Tensor, packing: Packing) -> torch.Tensor:
            return network.packed_logits(packed, packing)

        encoder = self.encoder
        try:
            found = run(rows, compute, encoder.device, encoder.lock, self.budget, progress)
        finally:
            network.classifier = head
        return found * np.float32(NARROW)

    def _standard(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        return ((features - self.mean) / self.spread).astype(np.float32)

    def collate(
        self, rows: NDArray[np.int64], turned: NDArray[np.bool_], rng: np.random.Generator
    ) -> dict[str, torch.Tensor]:
        """Put some training rows into one batch, on the CPU."""
        places = torch.from_numpy(rows)
        vectors = self.features[0][places]
        if turned.any():
            other = torch.from_numpy(turned)
            vectors[other] = self.features[1][places[other]]
        return {"features": vectors, "labels": self.targets.of(rows)}

    def predict(
        self, rows: list[NDArray[np.int64]], progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """Probabilities (n, classes), or values (n,) in the labels' unit, as things stand."""
        if self._known is None or self._known[0] is not rows:
            vectors = torch.from_numpy(self._standard(self._features(rows, progress)))
            self._known = rows, vectors
        with torch.inference_mode():
            logits = self.module(self._known[1].to(self.encoder.device))["logits"]
            values = self.encoder.activate(logits.float()).cpu().numpy()
        return self.targets.in_units(values[:, 0] if self.targets.task == "regression" else values)

    def finished(self) -> Dnabert2ForSequenceClassification:
        """Return a plain classifier on the CPU, with standardisation folded into its head."""
        linear = self.linear.linear
        weight = linear.weight.detach().double().cpu().numpy() / self.spread
        bias = linear.bias.detach().double().cpu().numpy() - weight @ self.mean
        head = {
            "classifier.weight": torch.from_numpy(weight * NARROW).float(),
            "classifier.bias": torch.from_numpy(bias).float(),
        }
        return self._classifier(self.network.state_dict() | head)


class _Linear(nn.Module):
    """A linear layer that answers as a network does; it begins at 0."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, features: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"logits": self.linear(features)}
