"""The methods by name, and what each of them promises."""

from __future__ import annotations

from dataclasses import dataclass

from . import gradients, internals, perturbation
from .problem import Method

__all__ = ["METHODS", "MethodInfo", "find_method"]


@dataclass(frozen=True, slots=True)
class MethodInfo:
    """What a method is.

    Attributes
    ----------
    title : str
        As captions and menus call it.
    reference : str
    run : callable or None
        Scores tokens; None for the methods that score bases.
    baseline : bool
        Whether it starts from a baseline.
    complete : bool
        Whether scores promise to sum to score minus baseline score.
    signed : bool
        Whether a score says for or against, not only how much.
    gradient : bool
        Whether a noise tunnel can go around it.
    """

    title: str
    reference: str
    run: Method | None
    baseline: bool = False
    complete: bool = False
    signed: bool = True
    gradient: bool = False


#: All methods, in the order of menus.
METHODS: dict[str, MethodInfo] = {
    "layer_integrated_gradients": MethodInfo(
        "integrated gradients", "Sundararajan et al. 2017", gradients.integrated_gradients,
        baseline=True, complete=True, gradient=True,
    ),
    "saliency": MethodInfo(
        "saliency", "Simonyan et al. 2013", gradients.saliency, signed=False, gradient=True
    ),
    "input_x_gradient": MethodInfo(
        "input × gradient", "Shrikumar et al. 2016", gradients.input_x_gradient, gradient=True
    ),
    "attn_lrp": MethodInfo("AttnLRP", "Achtibat et al. 2024", gradients.attn_lrp, gradient=True),
    "deep_lift": MethodInfo(
        "DeepLift", "Shrikumar et al. 2017", gradients.deep_lift,
        baseline=True, complete=True, gradient=True,
    ),
    "gradient_shap": MethodInfo(
        "GradientSHAP", "Lundberg and Lee 2017", gradients.gradient_shap,
        baseline=True, complete=True,
    ),
    "layer_conductance": MethodInfo(
        "layer conductance", "Dhamdhere et al. 2018", internals.layer_conductance,
        baseline=True, complete=True,
    ),
    "attention_x_gradient": MethodInfo(
        "attention × gradient", "Barkan et al. 2021", internals.attention_x_gradient
    ),
    "occlusion": MethodInfo(
        "occlusion", "Zeiler and Fergus 2014", perturbation.occlusion, baseline=True
    ),
    "feature_ablation": MethodInfo(
        "feature ablation", "Kokhlikyan et al. 2020", perturbation.feature_ablation, baseline=True
    ),
    "shapley_value_sampling": MethodInfo(
        "Shapley values", "Castro et al. 2009", perturbation.shapley_values,
        baseline=True, complete=True,
    ),
    "saturation_mutagenesis": MethodInfo(
        "saturation mutagenesis", "every base mutated, every mutant cut into tokens anew", None
    ),
    "mutagenesis_gradient": MethodInfo(
        "mutagenesis by gradient", "first-order estimate of saturation mutagenesis", None
    ),
}  # fmt: skip


def find_method(name: str) -> MethodInfo:
    """Look a method up.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    from ...errors import InputError

    if name not in METHODS:
        raise InputError(f"Method {name!r} is unknown: choose one of {', '.join(METHODS)}.")
    return METHODS[name]
