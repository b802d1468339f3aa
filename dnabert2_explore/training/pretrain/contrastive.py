"""Contrastive pre-training: windows that belong together lie close, all others apart.

The idea is DNABERT-S's (Zhou et al. 2024, arXiv 2402.08777): windows of one genome are positives of
each other. The loss is the supervised contrastive one (Khosla et al. 2020, arXiv 2004.11362) on the
mean over a window's tokens, without a projection in between: what is trained is what
:meth:`~dnabert2_explore.Encoder.embed` returns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from ...tokens import DnaTokenizer
from ...tokens.segmentation import resegment
from ..corpus.rows import RowSampler
from ..corpus.windows import Corpus
from .config import PretrainConfig

__all__ = ["GroupSampler", "Grouped", "contrastive_loss", "mean_vectors", "nearest"]


@dataclass(frozen=True, slots=True, eq=False)
class Grouped:
    """Windows of one step, (windows, tokens) int64: [CLS] t1 … tn [SEP], then [PAD].

    Windows of one number in `groups` (windows,) are positives of each other.
    """

    ids: NDArray[np.int64]
    groups: NDArray[np.int64]


class GroupSampler:
    """Draws groups of windows, the same ones for the same seed and step.

    `rows` gives the tokenizer, the longest row and the streams of random numbers.
    """

    def __init__(self, corpus: Corpus, rows: RowSampler, config: PretrainConfig) -> None:
        self.corpus, self.rows, self.config = corpus, rows, config
        self._tokenizer = DnaTokenizer(rows.tokenizer)

    def draw(self, step: int, count: int, species: NDArray[np.int64] | None = None) -> Grouped:
        """Draw `count` windows in groups of ``config.group_windows``.

        The species of the groups, indices into the corpus (groups,), are drawn when not given;
        those of a step differ as long as there are enough of them.
        """
        config, rng = self.config, self.rows.generator(step)
        size = config.group_windows
        if species is None:
            species = self._species(rng, count // size)
        texts: list[str] = []
        groups: list[int] = []
        for number, index in enumerate(species.tolist()):
            near = config.nearby_bases if config.positives == "nearby" else 0
            for window in self.corpus.windows_together(
                rng, size, config.shortest, config.longest, index, near
            ):
                texts.append(window)
                groups.append(index if config.positives == "species" else number)
        how = config.segmentation_of(step)
        drawn = self.rows.generator(step, purpose=4)
        # Sequences next to each other share what is left out of the merges, and where that differs
        # within a step a network could tell groups by it: they stand in no order.
        order = drawn.permutation(len(texts))
        cut = resegment(self._tokenizer, [texts[i] for i in order], how, drawn)
        ids = self.rows.padded([cut[i][1:-1] for i in np.argsort(order)])
        return Grouped(ids, np.array(groups, dtype=np.int64))

    def _species(self, rng: np.random.Generator, groups: int) -> NDArray[np.int64]:
        chances = self.corpus.probabilities
        found: list[int] = []
        while len(found) < groups:
            few = min(groups - len(found), int((chances > 0).sum()))
            found.extend(rng.choice(len(chances), size=few, replace=False, p=chances).tolist())
        return np.array(found, dtype=np.int64)


def mean_vectors(
    hidden: torch.Tensor, input_ids: torch.Tensor, special: tuple[int, ...]
) -> torch.Tensor:
    """Mean over the tokens that are no [CLS], [SEP] or [PAD], shape (rows, hidden)."""
    counted = ~torch.isin(input_ids, torch.tensor(special, device=input_ids.device))
    weights = counted.to(hidden.dtype)[..., None]
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1.0)


def contrastive_loss(
    vectors: torch.Tensor, groups: torch.Tensor, temperature: float
) -> torch.Tensor:
    """Supervised contrastive loss of vectors (windows, hidden) by their cosine, nats a window.

    Mean over windows, and over each one's positives, of -log of the positive's share among all
    other windows. Windows without a positive are left out.

    Examples
    --------
    >>> apart = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> round(float(contrastive_loss(apart, torch.tensor([0, 0, 1, 1]), 0.1)), 5)
    9e-05
    """
    near = functional.normalize(vectors.float(), dim=1)
    scores = near @ near.T / temperature
    itself = torch.eye(len(scores), dtype=torch.bool, device=scores.device)
    logs = scores.masked_fill(itself, -torch.inf).log_softmax(1)
    positive = (groups[:, None] == groups[None, :]) & ~itself
    count = positive.sum(1)
    paired = count > 0
    per_window = -logs.masked_fill(~positive, 0.0).sum(1) / count.clamp(min=1)
    return (per_window * paired).sum() / paired.sum().clamp(min=1)


def nearest(vectors: torch.Tensor, groups: torch.Tensor) -> torch.Tensor:
    """Whether each window's nearest neighbour (by cosine) is a positive, shape (windows,), bool."""
    near = functional.normalize(vectors.float(), dim=1)
    scores = (near @ near.T).fill_diagonal_(-2.0)
    return groups[scores.argmax(1)] == groups
