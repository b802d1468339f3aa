"""Methods that take tokens away and look at what is lost, through Captum.

Captum is asked about one number a token, 1 where the token is there and 0 where the baseline stands
in its place, and not about every element of its embedding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from ....common.randomness import seeded
from .inputs import AttributionInputs

__all__ = ["feature_ablation", "occlusion", "shapley_values"]


def occlusion(inputs: AttributionInputs) -> torch.Tensor:
    """Loss when a window of tokens becomes the baseline (Zeiler and Fergus 2014).

    Windows move by one token; a token's score is the mean over the windows it is in.
    """
    from captum.attr import Occlusion

    window = min(inputs.window, inputs.n)
    total = _empty(inputs)
    with _counting(inputs, inputs.n - window + 2):
        for present in _presences(inputs):
            total += Occlusion(present).attribute(
                torch.ones_like(total)[None],
                sliding_window_shapes=(window,),
                perturbations_per_eval=inputs.rows(gradients=False),
            )[0]
    return total / len(inputs.baselines)


def feature_ablation(inputs: AttributionInputs) -> torch.Tensor:
    """Loss when a group of tokens becomes the baseline, one group after the other."""
    from captum.attr import FeatureAblation

    return _of_features(inputs, FeatureAblation, int(inputs.features.max()) + 2)


def shapley_values(inputs: AttributionInputs) -> torch.Tensor:
    """Mean gain of a group of tokens over random orders of all groups (Castro et al. 2009)."""
    from captum.attr import ShapleyValueSampling

    rows = inputs.samples * (int(inputs.features.max()) + 1) + 2
    with seeded(inputs.seed):
        return _of_features(inputs, ShapleyValueSampling, rows, n_samples=inputs.samples)


def _of_features(
    inputs: AttributionInputs, method: Callable[..., Any], rows: int, **settings: int
) -> torch.Tensor:
    total = _empty(inputs)
    # What is never taken away equals its baseline: it may stand in any group.
    mask = torch.from_numpy(np.maximum(inputs.features, 0)).to(total.device)[None]
    with _counting(inputs, rows):
        for present in _presences(inputs):
            total += method(present).attribute(
                torch.ones_like(total)[None],
                feature_mask=mask,
                perturbations_per_eval=inputs.rows(gradients=False),
                **settings,
            )[0]
    shares = torch.from_numpy(np.where(inputs.features < 0, 0.0, inputs.shares))
    return total / len(inputs.baselines) * shares.to(total)


def _presences(inputs: AttributionInputs) -> Iterator[Callable[[torch.Tensor], torch.Tensor]]:
    """For each baseline, the score as a function of which tokens are there, (batch, n)."""
    for baseline in inputs.baselines:

        def score(present: torch.Tensor, absent: torch.Tensor = baseline) -> torch.Tensor:
            return inputs.score(torch.where(present[..., None] > 0, inputs.embeddings[0], absent))

        yield score


def _empty(inputs: AttributionInputs) -> torch.Tensor:
    return torch.zeros(inputs.n, device=inputs.embeddings.device)


@contextmanager
def _counting(inputs: AttributionInputs, rows: int) -> Iterator[None]:
    with inputs.counting(len(inputs.baselines) * rows), torch.no_grad():
        yield
