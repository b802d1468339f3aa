"""What a method is given: a function of embeddings, where to start, and how to report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ....common.progress import Progress, quiet

__all__ = ["CHUNK_TOKENS", "AttributionInputs", "Method", "Score"]


#: Tokens in one pass; bounds the memory of methods that Captum would run all at once.
CHUNK_TOKENS = 2048


class Score(nn.Module):
    """A scalar function of embeddings as a module, so that Captum can hook in; counts its calls.

    Parameters
    ----------
    function : callable
        (batch, n, hidden) -> (batch,).
    network : torch.nn.Module, optional
        What `function` runs; Captum looks for modules below this one.
    """

    def __init__(
        self, function: Callable[[torch.Tensor], torch.Tensor], network: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.function = function
        self.network = network
        self.listener: Callable[[int], None] | None = None

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        """Compute the score of each row."""
        if self.listener is not None:
            self.listener(len(words))
        return self.function(words)


@dataclass(frozen=True, slots=True, eq=False)
class AttributionInputs:
    """One output to explain, as numbers; nothing in it knows DNA.

    Attributes
    ----------
    embeddings : torch.Tensor, shape (1, n, hidden)
        Asks for gradients.
    baselines : torch.Tensor, shape (k, n, hidden)
    score : Score
    features : numpy.ndarray, shape (n,), int64
        Which tokens are taken away together: 0, 1, …; -1 for those that never are.
    shares : numpy.ndarray, shape (n,), float64
        Share of each token in its feature's score; sums to 1 in each feature.
    n_steps : int
        Of an integral.
    samples : int
        Of GradientSHAP and Shapley values.
    window : int
        Tokens that occlusion takes away at once.
    noise, noise_samples : float, int
        Standard deviation of a noise tunnel as a share of that of the embeddings, and its samples;
        0 samples for none.
    layer : torch.nn.Module or None
        Whose output, packed, layer conductance explains.
    attention : sequence of torch.nn.Module
        The attention blocks, for attention × gradient.
    seed : int
    progress : callable
    """

    embeddings: torch.Tensor
    baselines: torch.Tensor
    score: Score
    features: NDArray[np.int64]
    shares: NDArray[np.float64]
    n_steps: int = 50
    samples: int = 25
    window: int = 1
    noise: float = 0.1
    noise_samples: int = 0
    layer: nn.Module | None = None
    attention: tuple[nn.Module, ...] = ()
    seed: int = 0
    progress: Progress = field(default=quiet)

    @property
    def n(self) -> int:
        """Tokens."""
        return int(self.embeddings.shape[1])

    @property
    def rows(self) -> int:
        """Sequences in one pass."""
        return max(1, CHUNK_TOKENS // self.n)

    @contextmanager
    def counting(self, total: int) -> Iterator[None]:
        """Report every row that the score computes, of `total` that are expected."""
        done = 0

        def listen(rows: int) -> None:
            nonlocal done
            # Before the pass, so that whoever cancels does not wait for it.
            self.progress(min(done, total), total)
            done += rows

        self.score.listener = listen
        try:
            yield
        finally:
            self.score.listener = None
        self.progress(total, total)


#: Takes inputs, returns scores of its tokens, shape (n,).
Method = Callable[[AttributionInputs], torch.Tensor]
