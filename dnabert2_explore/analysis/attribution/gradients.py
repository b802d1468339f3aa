"""Methods that follow gradients, through Captum, at the token embeddings."""

from __future__ import annotations

import warnings
from typing import Any

import torch

from ...randomness import seeded
from .problem import Problem
from .relevance import relevance_rules

__all__ = [
    "attn_lrp",
    "deep_lift",
    "gradient_shap",
    "input_x_gradient",
    "integrated_gradients",
    "saliency",
]


def saliency(problem: Problem) -> torch.Tensor:
    """Length of the gradient at each token; it has no sign (Simonyan et al. 2013)."""
    from captum.attr import Saliency

    gradient = _run(problem, Saliency(problem.score), 1, abs=False)
    return gradient.norm(dim=-1)


def input_x_gradient(problem: Problem) -> torch.Tensor:
    """Gradient times embedding, summed over the embedding (Shrikumar et al. 2016)."""
    from captum.attr import InputXGradient

    return _run(problem, InputXGradient(problem.score), 1).sum(dim=-1)


def attn_lrp(problem: Problem) -> torch.Tensor:
    """Relevance by the rules of AttnLRP, summed over the embedding (Achtibat et al. 2024)."""
    assert problem.score.network is not None  # whose modules get the rules
    with relevance_rules(problem.score.network):
        return input_x_gradient(problem)


def integrated_gradients(problem: Problem) -> torch.Tensor:
    """Mean gradient on the way from the baseline, times the way (Sundararajan et al. 2017).

    Of several baselines, the mean.
    """
    from captum.attr import IntegratedGradients

    method = IntegratedGradients(problem.score)
    return _from_baselines(
        problem,
        method,
        problem.n_steps,
        n_steps=problem.n_steps,
        # Captum's default, all steps at once, takes gigabytes (128 tokens × 50 steps: 7).
        internal_batch_size=min(problem.n_steps, problem.rows),
    )


def deep_lift(problem: Problem) -> torch.Tensor:
    """Rescale differences from the baseline layer by layer (Shrikumar et al. 2017).

    Captum knows the rule for the pooler's tanh. LayerNorm, the gated GELU and products inside
    attention have none, and pass the gradient at the sequence; `delta` says what that loses.
    """
    from captum.attr import DeepLift

    with warnings.catch_warnings():
        # Captum tells that it hooks into the network, which is what the lock is held for.
        warnings.filterwarnings("ignore", "Setting forward, backward hooks", UserWarning)
        return _from_baselines(problem, DeepLift(problem.score), 2)


def gradient_shap(problem: Problem) -> torch.Tensor:
    """Mean gradient at random points between baselines and the sequence (Lundberg and Lee 2017)."""
    from captum.attr import GradientShap

    method = GradientShap(problem.score)
    total = torch.zeros_like(problem.inputs[0].detach())
    with problem.counting(problem.samples), seeded(problem.seed):
        done = 0
        while done < problem.samples:
            part = min(problem.rows, problem.samples - done)
            found = method.attribute(problem.inputs, problem.baselines, n_samples=part, stdevs=0.0)
            total += part * found[0].detach()
            done += part
    return (total / problem.samples).sum(dim=-1)


def _from_baselines(problem: Problem, method: Any, rows: int, **settings: Any) -> torch.Tensor:
    """Mean over the baselines of a method that takes one, summed over the embedding."""
    k = len(problem.baselines)
    total = torch.zeros_like(problem.inputs[0].detach())
    runs = k * max(1, problem.noise_samples)
    with problem.counting(runs * rows):
        for number in range(k):
            one = problem.baselines[number : number + 1]
            total += _attribute(problem, method, baselines=one, **settings)
    return (total / k).sum(dim=-1)


def _run(problem: Problem, method: Any, rows: int, **settings: Any) -> torch.Tensor:
    with problem.counting(rows * max(1, problem.noise_samples)):
        return _attribute(problem, method, **settings)


def _attribute(problem: Problem, method: Any, **settings: Any) -> torch.Tensor:
    """Run a Captum method, in a noise tunnel where one is asked for; (n, hidden).

    SmoothGrad (Smilkov et al. 2017): the mean over copies of the input with Gaussian noise.
    """
    if not problem.noise_samples:
        return method.attribute(problem.inputs, **settings)[0].detach()
    from captum.attr import NoiseTunnel

    with seeded(problem.seed):
        found = NoiseTunnel(method).attribute(
            problem.inputs,
            nt_type="smoothgrad",
            nt_samples=problem.noise_samples,
            # One noisy copy at a time: a method inside may take many rows for each.
            nt_samples_batch_size=1,
            stdevs=problem.noise * float(problem.inputs.detach().std()),
            **settings,
        )
    return found[0].detach()
