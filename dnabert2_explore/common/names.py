"""Names of options of several calls, as editors complete them and mypy checks them.

What exists is decided where it is computed (`METHODS`, `BASELINES`, …); a test holds these to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from ..errors import InputError

__all__ = [
    "Backend",
    "Baseline",
    "Caller",
    "Collection",
    "DType",
    "Engine",
    "Layout",
    "Matching",
    "Method",
    "Output",
    "Pooling",
    "Spread",
    "Strands",
    "SweepName",
    "check_name",
]

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
Pooling = Literal["mean", "max", "cls"]
DType = Literal["auto", "float32", "bfloat16", "float16", "float64"]
Backend = Literal["auto", "eager", "sdpa", "flex", "flash"]
Layout = Literal["umap", "densmap", "pca"]
Engine = Literal["cpu", "cuml"]
Matching = Literal["gc+length", "gc+cpg", "gc", "none"]
Strands = Literal["both", "forward", "reverse"]
Collection = Literal[
    "vertebrates",
    "plants",
    "insects",
    "fungi",
    "nematodes",
    "urochordates",
    "diatoms",
    "all",
    "unvalidated",
]


def check_name(what: str, name: object, known: Iterable[str]) -> None:
    """Raise InputError unless a name is one of those known.

    Examples
    --------
    >>> check_name("Pooling", "best", ("mean", "max"))
    Traceback (most recent call last):
    dnabert2_explore.errors.InputError: Pooling 'best' is unknown: choose one of mean, max.
    """
    names = list(known)
    if name not in names:
        raise InputError(f"{what} {name!r} is unknown: choose one of {', '.join(names)}.")
