"""What is minimised: hidden tokens, distances between windows, or both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from ..corpus.rows import RowSampler, attention_mask, special_id
from ..corpus.windows import Corpus
from .config import PretrainConfig
from .contrastive import contrastive_loss, mean_vectors, nearest
from .networks import Start

__all__ = ["LIMITS", "OBJECTIVE_WORDS", "HeldOutWindows", "find_objective"]

OBJECTIVE_WORDS = {
    "masked": "masked language modelling",
    "contrastive": "contrastive learning of windows",
    "both": "masked language modelling and contrastive learning of windows",
}

#: What a card says of a model's limits.
LIMITS = {
    "masked": "It predicts masked tokens; what it knows beyond that was not measured here.",
    "contrastive": "Its embeddings tell windows apart; it has no masked-LM head.",
    "both": "It predicts masked tokens and tells windows apart; no more was measured here.",
}

_SPECIAL = ("[CLS]", "[SEP]", "[PAD]")
_SIZE = 32

#: (network, arguments of a batch) -> (loss, number of right answers).
Objective = Callable[[Any, dict[str, torch.Tensor]], tuple[torch.Tensor, torch.Tensor]]


def find_objective(config: PretrainConfig, start: Start) -> Objective:
    """Return the function that a run minimises."""
    if config.objective == "masked":
        return _masked
    special = tuple(special_id(start.tokenizer, name) for name in _SPECIAL)

    def contrastive(
        network: Any, given: dict[str, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        groups = given.pop("groups")
        both = config.objective == "both"
        found = network(**given, output_hidden_states=both or bool(config.embedding_layers))
        vectors = mean_vectors(_compared(found, config), given["input_ids"], special)
        loss = contrastive_loss(vectors, groups, config.temperature)
        if both:
            loss = loss + config.masked_weight * found.loss
        return loss, nearest(vectors.detach(), groups).sum()

    return contrastive


def _compared(found: Any, config: PretrainConfig) -> torch.Tensor:
    """Hidden states that windows are compared by, shape (rows, tokens, width)."""
    if found.hidden_states is None:
        last: torch.Tensor = found.last_hidden_state
        return last
    layers = config.embedding_layers or (-1,)
    return torch.cat([found.hidden_states[layer] for layer in layers], dim=-1)


def _masked(network: Any, given: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    found = network(**given)
    targets = given["labels"][given["labels"] > 0]
    return found.loss, (found.logits.detach().argmax(-1) == targets).sum()


class HeldOutWindows:
    """Windows of held-out species, the same for every network; call it with one to score it.

    ``evaluate_rows`` windows of each species are drawn, cut as the tokenizer cuts them; `rows`, of
    the run, gives tokenizer and seed.
    """

    def __init__(self, corpus: Corpus, rows: RowSampler, config: PretrainConfig) -> None:
        rng = rows.generator(0, purpose=5)
        self._config = config
        self._names = [one.species for one in corpus.species]
        self._special = tuple(special_id(rows.tokenizer, name) for name in _SPECIAL)
        texts = [
            bases
            for index in range(len(corpus.species))
            for bases in corpus.windows_together(
                rng, config.evaluate_rows, config.shortest, config.longest, index
            )
        ]
        encoded = rows.tokenizer.encode_batch(texts, add_special_tokens=False)
        self._ids = rows.padded([np.array(one.ids, dtype=np.int64) for one in encoded])
        self._mask = attention_mask(self._ids, rows.pad_id)
        self._groups = torch.arange(len(self._names)).repeat_interleave(config.evaluate_rows)

    def __call__(self, network: Any) -> dict[str, tuple[float, float]]:
        """Contrastive loss (nats a window) among them all, and how often the nearest is its own.

        By species; the latter is a share of its windows.
        """
        training, device = network.training, network.device
        network.eval()
        parts: list[torch.Tensor] = []
        encoder = getattr(network, "bert", network)
        with torch.no_grad():
            for start in range(0, len(self._ids), _SIZE):
                ids = torch.from_numpy(self._ids[start : start + _SIZE]).to(device)
                mask = self._mask
                part = None if mask is None else torch.from_numpy(mask[start : start + _SIZE])
                found = encoder(
                    ids,
                    None if part is None else part.to(device),
                    output_hidden_states=bool(self._config.embedding_layers),
                )
                hidden = _compared(found, self._config).float()
                parts.append(mean_vectors(hidden, ids, self._special).cpu())
        network.train(training)
        vectors = torch.cat(parts)
        hits = nearest(vectors, self._groups)
        scores = {}
        for index, name in enumerate(self._names):
            own = self._groups == index
            # The species' windows against all: others have no positives and are left out.
            alone = torch.where(own, 0, torch.arange(1, len(own) + 1))
            loss = contrastive_loss(vectors, alone, self._config.temperature)
            scores[name] = (float(loss), float(hits[own].float().mean()))
        return scores
