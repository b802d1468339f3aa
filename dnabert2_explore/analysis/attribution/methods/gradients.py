"""Methods that follow gradients, through Captum, at the token embeddings."""

from __future__ import annotations

from typing import Any

import torch

from ....common.randomness import seeded
from ....errors import silenced
from .inputs import CHUNK_TOKENS, AttributionInputs
from .relevance import relevance_rules

__all__ = [
    "attn_lrp",
    "deep_lift",
    "gradient_shap",
    "input_x_gradient",
    "integrated_gradients",
    "saliency",
]


def saliency(inputs: AttributionInputs) -> torch.Tensor:
    """Length of the gradient at each token; it has no sign (Simonyan et al. 2013)."""
    from captum.attr import Saliency

    gradient = _run(inputs, Saliency(inputs.score), 1, abs=False)
    return gradient.norm(dim=-1)


def input_x_gradient(inputs: AttributionInputs) -> torch.Tensor:
    """Gradient times embedding, summed over the embedding (Shrikumar et al. 2016)."""
    from captum.attr import InputXGradient

    return _run(inputs, InputXGradient(inputs.score), 1).sum(dim=-1)


def attn_lrp(inputs: AttributionInputs) -> torch.Tensor:
    """Relevance by the rules of AttnLRP, summed over the embedding (Achtibat et al. 2024)."""
    assert inputs.score.network is not None  # whose modules get the rules
    with relevance_rules(inputs.score.network):
        return input_x_gradient(inputs)


def integrated_gradients(inputs: AttributionInputs) -> torch.Tensor:
    """Mean gradient on the way from the baseline, times the way (Sundararajan et al. 2017).

    Of several baselines, the mean.
    """
    from captum.attr import IntegratedGradients

    method = IntegratedGradients(inputs.score)
    return _from_baselines(
        inputs,
        method,
        inputs.n_steps,
        n_steps=inputs.n_steps,
        # Captum's default, all steps at once, takes gigabytes (128 tokens × 50 steps: 7).
        internal_batch_size=min(inputs.n_steps, inputs.rows()),
    )


def deep_lift(inputs: AttributionInputs) -> torch.Tensor:
    """Rescale differences from the baseline layer by layer (Shrikumar et al. 2017).

    Captum knows the rule for the pooler's tanh. LayerNorm, the gated GELU and products inside
    attention have none, and pass the gradient at the sequence; `delta` says what that loses.
    """
    from captum.attr import DeepLift

    # Captum tells that it hooks into the network, which is what the lock is held for.
    with silenced(UserWarning, "Setting forward, backward hooks"):
        return _from_baselines(inputs, DeepLift(inputs.score), 2)


def gradient_shap(inputs: AttributionInputs) -> torch.Tensor:
    """Mean gradient at random points between baselines and the sequence (Lundberg and Lee 2017)."""
    from captum.attr import GradientShap

    method = GradientShap(inputs.score)
    total = torch.zeros_like(inputs.embeddings[0].detach())
    # What is drawn goes by the passes, which are therefore the same on every device.
    rows = min(inputs.rows(), max(1, CHUNK_TOKENS // inputs.n))
    with inputs.counting(inputs.samples), seeded(inputs.seed):
        done = 0
        while done < inputs.samples:
            part = min(rows, inputs.samples - done)
            found = method.attribute(
                inputs.embeddings, inputs.baselines, n_samples=part, stdevs=0.0
            )
            total += part * found[0].detach()
            done += part
    return (total / inputs.samples).sum(dim=-1)


def _from_baselines(
    inputs: AttributionInputs, method: Any, rows: int, **settings: Any
) -> torch.Tensor:
    """Mean over the baselines of a method that takes one, summed over the embedding."""
    k = len(inputs.baselines)
    total = torch.zeros_like(inputs.embeddings[0].detach())
    runs = k * max(1, inputs.noise_samples)
    with inputs.counting(runs * rows):
        for number in range(k):
            one = inputs.baselines[number : number + 1]
            total += _attribute(inputs, method, baselines=one, **settings)
    return (total / k).sum(dim=-1)


def _run(inputs: AttributionInputs, method: Any, rows: int, **settings: Any) -> torch.Tensor:
    with inputs.counting(rows * max(1, inputs.noise_samples)):
        return _attribute(inputs, method, **settings)


def _attribute(inputs: AttributionInputs, method: Any, **settings: Any) -> torch.Tensor:
    """Run a Captum method, in a noise tunnel where one is asked for; (n, hidden).

    SmoothGrad (Smilkov et al. 2017): the mean over copies of the input with Gaussian noise.
    """
    if not inputs.noise_samples:
        return method.attribute(inputs.embeddings, **settings)[0].detach()
    from captum.attr import NoiseTunnel

    with seeded(inputs.seed):
        found = NoiseTunnel(method).attribute(
            inputs.embeddings,
            nt_type="smoothgrad",
            nt_samples=inputs.noise_samples,
            # One noisy copy at a time: a method inside may take many rows for each.
            nt_samples_batch_size=1,
            stdevs=inputs.noise * float(inputs.embeddings.detach().std()),
            **settings,
        )
    return found[0].detach()
