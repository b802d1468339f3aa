"""The functions behind the names of `METHODS` that score tokens, within the memory there is."""

from __future__ import annotations

from dataclasses import replace

import torch

from ....encoder.passes.batches import out_of_memory, too_long
from ....errors import warn
from . import gradients, internals, perturbation
from .inputs import AttributionInputs, Method

__all__ = ["RUNS", "run_within_memory"]

RUNS: dict[str, Method] = {
    "layer_integrated_gradients": gradients.integrated_gradients,
    "saliency": gradients.saliency,
    "input_x_gradient": gradients.input_x_gradient,
    "attn_lrp": gradients.attn_lrp,
    "deep_lift": gradients.deep_lift,
    "gradient_shap": gradients.gradient_shap,
    "layer_conductance": internals.layer_conductance,
    "attention_x_gradient": internals.attention_x_gradient,
    "occlusion": perturbation.occlusion,
    "feature_ablation": perturbation.feature_ablation,
    "shapley_value_sampling": perturbation.shapley_values,
}


def run_within_memory(name: str, inputs: AttributionInputs) -> torch.Tensor:
    """Run a method, and again by passes of half as many sequences each time memory runs out.

    Warns each time; raises InputError where a pass cannot be smaller.
    """
    score = inputs.score
    while True:
        score.largest = 0
        try:
            return RUNS[name](inputs)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            if score.largest < 2 or 0 < inputs.most < score.largest:  # some have passes of one size
                raise too_long(inputs.n, "parts") from error
        # Out of the handler, whose error holds on to what was computed.
        inputs = replace(inputs, most=score.largest // 2)
        warn(
            f"A pass of {score.largest * inputs.n:,} tokens did not fit in memory; computing again "
            f"with {inputs.most * inputs.n:,} at a time."
        )
        if inputs.embeddings.device.type == "cuda":
            torch.cuda.empty_cache()
