"""Names of options of several calls, as editors complete them and mypy checks them.

What exists is decided where it is computed (`METHODS`, `BASELINES`, …); a test holds these to it.
"""

from __future__ import annotations

from typing import Literal

__all__ = ["Baseline", "Caller", "Method", "Output", "Spread", "SweepName"]

Method = Literal[
    "layer_integrated_gradients",
    "saliency",
    "input_x_gradient",
    "attn_lrp",
    "deep_lift",
    "gradient_shap",
    "layer_conductance",
    "attention_x_gradient",
    "occlusion",
    "feature_ablation",
    "shapley_value_sampling",
    "saturation_mutagenesis",
    "mutagenesis_gradient",
]
Baseline = Literal["mean", "mask", "pad", "zero", "shuffled"]
Spread = Literal["even", "occlusion", "mutagenesis"]
Output = Literal["auto", "logit", "probability"]
SweepName = Literal["position", "orientation", "copies", "spacing", "indel"]
Caller = Literal["seqlets", "modisco"]
