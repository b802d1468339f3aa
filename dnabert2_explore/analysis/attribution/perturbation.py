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

from ...randomness import seeded
from .problem import Problem

__all__ = ["feature_ablation", "occlusion", "shapley_values"]


def occlusion(problem: Problem) -> torch.Tensor:
    """Loss when a window of tokens becomes the baseline (Zeiler and Fergus 2014).

    Windows move by one token; a token's score is the mean over the windows it is in.
    """
    from captum.attr import Occlusion

    window = min(problem.window, problem.n)
    total = _empty(problem)
    with _counting(problem, problem.n - window + 2):
        for present in _presences(problem):
            total += Occlusion(present).attribute(
                torch.ones_like(total)[None],
                sliding_window_shapes=(window,),
                perturbations_per_eval=problem.rows,
            )[0]
    return total / len(problem.baselines)


def feature_ablation(problem: Problem) -> torch.Tensor:
    """Loss when a group of tokens becomes the baseline, one group after the other."""
    from captum.attr import FeatureAblation

    return _of_features(problem, FeatureAblation, int(problem.features.max()) + 2)


def shapley_values(problem: Problem) -> torch.Tensor:
    """Mean gain of a group of tokens over random orders of all groups (Castro et al. 2009)."""
    from captum.attr import ShapleyValueSampling

    rows = problem.samples * (int(problem.features.max()) + 1) + 2
    with seeded(problem.seed):
        return _of_features(problem, ShapleyValueSampling, rows, n_samples=problem.samples)


def _of_features(
    problem: Problem, method: Callable[..., Any], rows: int, **settings: int
) -> torch.Tensor:
    total = _empty(problem)
    # What is never taken away equals its baseline: it may stand in any group.
    mask = torch.from_numpy(np.maximum(problem.features, 0)).to(total.device)[None]
    with _counting(problem, rows):
        for present in _presences(problem):
            total += method(present).attribute(
                torch.ones_like(total)[None],
                feature_mask=mask,
                perturbations_per_eval=problem.rows,
                **settings,
            )[0]
    shares = torch.from_numpy(np.where(problem.features < 0, 0.0, problem.shares))
    return total / len(problem.baselines) * shares.to(total)


def _presences(problem: Problem) -> Iterator[Callable[[torch.Tensor], torch.Tensor]]:
    """For each baseline, the score as a function of which tokens are there, (batch, n)."""
    for baseline in problem.baselines:

        def score(present: torch.Tensor, absent: torch.Tensor = baseline) -> torch.Tensor:
            return problem.score(torch.where(present[..., None] > 0, problem.inputs[0], absent))

        yield score


def _empty(problem: Problem) -> torch.Tensor:
    return torch.zeros(problem.n, device=problem.inputs.device)


@contextmanager
def _counting(problem: Problem, rows: int) -> Iterator[None]:
    with problem.counting(len(problem.baselines) * rows), torch.no_grad():
        yield
