"""The methods of attribution: the one place that says what each takes, costs and promises."""

from __future__ import annotations

from dataclasses import dataclass

from ..common.names import check_name

__all__ = ["BY_COST", "METHODS", "MethodInfo", "find_method", "methods_table", "takers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodInfo:
    """What a method is.

    Attributes
    ----------
    title : str
        As captions and menus call it.
    reference : str
    score : str
        What a score is.
    cost : str
        How often the network runs; a gradient is a pass forth and one back.
    rank : int
        Place among the methods by that, the quickest first, with the settings that views begin
        with.
    takes : tuple of str
        Fields of `AttributionSettings` that it looks at, besides output and seed.
    complete : bool
        Whether scores promise to sum to score minus baseline score.
    sums : str
        How far they do, in words.
    signed : bool
        Whether a score says for or against, not only how much.
    """

    title: str
    reference: str
    score: str
    cost: str
    rank: int
    takes: tuple[str, ...] = ()
    complete: bool = False
    sums: str = ""
    signed: bool = True

    @property
    def scores_bases(self) -> bool:
        """Whether it scores bases, not tokens: nothing is left to be spread."""
        return "spread" not in self.takes

    @property
    def baseline(self) -> bool:
        """Whether it starts from a baseline."""
        return "baseline" in self.takes

    @property
    def gradient(self) -> bool:
        """Whether a noise tunnel can go around it."""
        return "noise_samples" in self.takes

    @property
    def integral(self) -> bool:
        """Whether it integrates: more steps bring its sum nearer to the change."""
        return "n_steps" in self.takes


_NOISE = ("noise", "noise_samples")

#: All methods, in the order of menus.
METHODS: dict[str, MethodInfo] = {
    "layer_integrated_gradients": MethodInfo(
        title="integrated gradients",
        reference="Sundararajan et al. 2017",
        score="mean gradient on the way from the baseline, times the way",
        cost="`n_steps` gradients",
        rank=8,
        takes=("n_steps", "baseline", "spread", *_NOISE),
        complete=True,
        sums="yes, with enough `n_steps`",
    ),
    "saliency": MethodInfo(
        title="saliency",
        reference="Simonyan et al. 2013",
        score="length of the gradient",
        cost="one gradient",
        rank=1,
        takes=("spread", *_NOISE),
        signed=False,
    ),
    "input_x_gradient": MethodInfo(
        title="input × gradient",
        reference="Shrikumar et al. 2016",
        score="gradient times embedding",
        cost="one gradient",
        rank=2,
        takes=("spread", *_NOISE),
    ),
    "attn_lrp": MethodInfo(
        title="AttnLRP",
        reference="Achtibat et al. 2024",
        score="relevance passed back by the rules of AttnLRP",
        cost="one gradient",
        rank=3,
        takes=("spread", *_NOISE),
        sums="but for what biases and softmax take",
    ),
    "deep_lift": MethodInfo(
        title="DeepLift",
        reference="Shrikumar et al. 2017",
        score="differences from the baseline, passed on layer by layer",
        cost="one gradient, of two sequences",
        rank=6,
        takes=("baseline", "spread", *_NOISE),
        complete=True,
        sums="in principle; see below",
    ),
    "gradient_shap": MethodInfo(
        title="GradientSHAP",
        reference="Lundberg and Lee 2017",
        score="gradients at random points between baselines and sequence",
        cost="`samples` gradients",
        rank=7,
        takes=("baseline", "spread", "samples"),
        complete=True,
        sums="in the mean",
    ),
    "layer_conductance": MethodInfo(
        title="layer conductance",
        reference="Dhamdhere et al. 2018",
        score="share of the integral that flows through a token of `layer`",
        cost="`n_steps` gradients, at a layer",
        rank=11,
        takes=("n_steps", "baseline", "spread", "layer"),
        complete=True,
        sums="yes, with enough `n_steps`",
    ),
    "attention_x_gradient": MethodInfo(
        title="attention × gradient",
        reference="Barkan et al. 2021",
        score="attention times its gradient, all layers and heads",
        cost="one gradient",
        rank=4,
        takes=("spread",),
    ),
    "occlusion": MethodInfo(
        title="occlusion",
        reference="Zeiler and Fergus 2014",
        score="loss when `window` tokens become the baseline",
        cost="a pass a token",
        rank=9,
        takes=("baseline", "spread", "window"),
    ),
    "feature_ablation": MethodInfo(
        title="feature ablation",
        reference="Kokhlikyan et al. 2020",
        score="loss when the tokens of one of `groups` do",
        cost="a pass a token, or group",
        rank=10,
        takes=("baseline", "spread", "groups"),
    ),
    "shapley_value_sampling": MethodInfo(
        title="Shapley values",
        reference="Castro et al. 2009",
        score="mean gain over random orders of tokens or `groups`",
        cost="`samples` passes a token, or group",
        rank=12,
        takes=("baseline", "spread", "samples", "groups"),
        complete=True,
        sums="yes",
    ),
    "saturation_mutagenesis": MethodInfo(
        title="saturation mutagenesis",
        reference="every base mutated, every mutant cut into tokens anew",
        score="what a base adds beside the mean of the other three",
        cost="three passes a base",
        rank=13,
    ),
    "mutagenesis_gradient": MethodInfo(
        title="mutagenesis by gradient",
        reference="first-order estimate of saturation mutagenesis",
        score="its estimate from one gradient",
        cost="one gradient",
        rank=5,
    ),
}

#: Their names, the quickest first.
BY_COST = tuple(sorted(METHODS, key=lambda name: METHODS[name].rank))


def find_method(name: str) -> MethodInfo:
    """Look a method up; raise InputError where there is none of that name."""
    check_name("Method", name, METHODS)
    return METHODS[name]


def takers(setting: str) -> tuple[str, ...]:
    """Names of the methods that look at a setting."""
    return tuple(name for name, info in METHODS.items() if setting in info.takes)


def methods_table() -> str:
    """Write the methods as the Markdown table that the documentation shows.

    Examples
    --------
    >>> print(methods_table().splitlines()[3])
    | `saliency` | length of the gradient | one gradient | | | no |
    """
    rows = [
        "| `method` | what a score is | cost | baseline | sums to the change | signed |",
        "|---|---|---|---|---|---|",
    ]
    for name, one in METHODS.items():
        words = (
            f"`{name}`",
            one.score,
            one.cost,
            "yes" if one.baseline else "",
            one.sums,
            "yes" if one.signed else "no",
        )
        rows.append("|" + "|".join(f" {word} " if word else " " for word in words) + "|")
    return "\n".join(rows)
