"""The functions behind the names of `METHODS` that score tokens."""

from __future__ import annotations

from . import gradients, internals, perturbation
from .inputs import Method

__all__ = ["RUNS"]

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
