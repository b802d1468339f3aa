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
from ....encoder.passes.batches import default_budget

__all__ = ["CHUNK_TOKENS", "AttributionInputs", "Method", "Score", "tokens_of_pass"]


#: Tokens in one pass on a CPU; bounds the memory of methods that Captum would run all at once.
CHUNK_TOKENS = 2048

#: Of the tokens that a GPU takes at once, a pass whose gradients are wanted takes one in so many.
#: Each layer keeps some 28 numbers a channel for the way back, where a pass without gradients holds
#: no more than one layer's: 1.1 MB a token of 117 million weights in float32, half of that in
#: bfloat16, so 9 or 4.5 GB for 8,192 tokens. The 50 steps of a 500-bp sequence are one pass.
KEPT = 8


def tokens_of_pass(device: torch.device, gradients: bool) -> int:
    """Tokens that a pass takes on a device.

    Examples
    --------
    >>> tokens_of_pass(torch.device("cuda"), gradients=True)
    8192
    >>> tokens_of_pass(torch.device("cpu"), gradients=True)
    2048
    """
    if device.type != "cuda":
        return CHUNK_TOKENS
    return default_budget(device) // (KEPT if gradients else 1)


class Score(nn.Module):
    """A scalar function of embeddings as a module, so that Captum can hook in; counts its calls.

    (batch, n, hidden) -> (batch,). Captum looks for modules below `network`, which it runs;
    `largest` is the most rows that a call had.
    """

    def __init__(
        self, function: Callable[[torch.Tensor], torch.Tensor], network: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.function = function
        self.network = network
        self.listener: Callable[[int], None] | None = None
        self.largest = 0

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        """Compute the score of each row."""
        if self.listener is not None:
            self.listener(len(words))
        self.largest = max(self.largest, len(words))
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
    most : int
        Sequences in one pass at most, where memory ran out with more; 0 for no limit.
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
    most: int = 0
    progress: Progress = field(default=quiet)

    @property
    def n(self) -> int:
        """Tokens."""
        return int(self.embeddings.shape[1])

    def rows(self, gradients: bool = True) -> int:
        """Sequences in one pass."""
        fitting = max(1, tokens_of_pass(self.embeddings.device, gradients) // self.n)
        return min(fitting, self.most) if self.most else fitting

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
