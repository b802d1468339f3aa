"""The settings of an attribution, said once for every call that attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence as Items
from dataclasses import asdict, dataclass, field, fields, replace
from functools import wraps
from inspect import Parameter, signature
from numbers import Integral, Real
from typing import Any, TypedDict, TypeVar, get_args

from ..common.names import Baseline, Method, Output, Spread, check_name
from ..errors import InputError
from ..results.rich_display import RichDisplay
from .methods import METHODS, find_method, takers

__all__ = ["USUAL", "AttributionOptions", "AttributionSettings", "takes_settings"]

C = TypeVar("C", bound=Callable[..., Any])

#: Whole numbers and the least each may be.
_LEAST = {"n_steps": 1, "samples": 1, "window": 1, "noise_samples": 0}


class AttributionOptions(TypedDict, total=False):
    """The fields of `AttributionSettings` as keywords of a call."""

    method: Method
    output: Output
    n_steps: int
    baseline: Baseline
    spread: Spread
    samples: int
    window: int
    groups: Iterable[tuple[int, int]] | None
    layer: int | None
    noise: float
    noise_samples: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AttributionSettings(RichDisplay):
    """How an output of a model is attributed; every call that attributes takes them.

    Give them one by one, ``attribute(enc, bases, method="occlusion", window=2)``, or as one object,
    ``attribute(enc, bases, settings=settings)``; what is named beside `settings` goes before.

    Attributes
    ----------
    method : str
        One of `METHODS`; `attribute` says what each does.
    output : {"auto", "logit", "probability"}
        Of a model with classes; "auto" is the logit.
    n_steps : int
        Steps of the integral (integrated gradients, conductance). Look at `delta`: where it is
        not small beside `change`, take more.
    baseline : {"mean", "mask", "pad", "zero", "shuffled"}
        What takes the place of tokens: mean embeddings, [MASK], [PAD], zero, or the tokens of
        dinucleotide-shuffled copies (`samples` of them for GradientSHAP, else 5; the scores'
        mean). Special tokens stay.
    spread : {"even", "occlusion", "mutagenesis"}
        How a token's score is shared among its bases: evenly, or by how much the output changes
        when a base becomes N, or is mutated. The sum stays.
    samples : int
        Of GradientSHAP, and random orders of Shapley values.
    window : int
        Tokens that occlusion takes away at once.
    groups : tuple of tuple of int, or None
        Base spans [start, end) that feature ablation and Shapley values take away together; tokens
        go to the group they share most bases with, those outside of all form one more.
    layer : int or None
        Of conductance: 0 for the embeddings, i for the output of layer i; half of the depth by
        default.
    noise, noise_samples : float, int
        SmoothGrad's noise tunnel around a gradient method: mean over `noise_samples` copies with
        Gaussian noise of `noise` times the embeddings' standard deviation. 0 samples for none;
        with noise there is no `delta`.
    seed : int
        Of everything that is drawn.

    Raises
    ------
    InputError
        If a name is unknown, a number too small, or a setting belongs to another method.

    Examples
    --------
    >>> AttributionSettings(method="occlusion", window=2).given()
    {'method': 'occlusion', 'window': 2}
    """

    method: Method = field(
        default="layer_integrated_gradients",
        metadata={"help": "One of those that --methods lists."},
    )
    output: Output = field(
        default="auto",
        metadata={"help": "What is explained of a model with classes; auto is the logit."},
    )
    n_steps: int = field(default=200, metadata={"help": "Of an integral."})
    baseline: Baseline = field(default="mean", metadata={"help": "What tokens are replaced by."})
    spread: Spread = field(default="even", metadata={"help": "How a token is shared by its bases."})
    samples: int = field(
        default=25, metadata={"help": "Of GradientSHAP, and orders of Shapley values."}
    )
    window: int = field(default=1, metadata={"help": "Tokens that occlusion takes at once."})
    groups: tuple[tuple[int, int], ...] | None = None
    layer: int | None = field(
        default=None,
        metadata={"help": "Of conductance: 0 for the embeddings, i for the output of layer i."},
    )
    noise: float = field(
        default=0.1, metadata={"help": "Of SmoothGrad, in standard deviations of the embeddings."}
    )
    noise_samples: int = field(
        default=0, metadata={"help": "Of SmoothGrad around a gradient method; 0 for none."}
    )
    seed: int = field(default=0, metadata={"help": "Of what is drawn."})

    def __post_init__(self) -> None:
        info = find_method(self.method)
        for name, value, known in (
            ("Output", self.output, Output),
            ("Baseline", self.baseline, Baseline),
            ("Spread", self.spread, Spread),
        ):
            check_name(name, value, get_args(known))
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
                raise InputError(f"{name} is {value}; expected a whole number, at least {least}.")
        if not isinstance(self.noise, Real) or not self.noise >= 0:
            raise InputError(f"noise is {self.noise}; expected a number, at least 0.")
        if self.noise_samples and "noise_samples" not in info.takes:
            raise InputError(
                f"A noise tunnel goes around a gradient method, not around {self.method!r}: choose "
                f"one of {', '.join(takers('noise_samples'))}, or noise_samples=0."
            )
        if self.groups is not None:
            object.__setattr__(self, "groups", tuple(tuple(one) for one in self.groups))
        for name in ("window", "groups", "layer"):
            if name in self.given() and name not in info.takes:
                titles = sorted(METHODS[one].title for one in takers(name))
                raise InputError(
                    f"{info.title} takes no {name}, which belongs to {' and '.join(titles)}: leave "
                    "it out."
                )

    def given(self) -> dict[str, Any]:
        """Return the fields that are not their defaults."""
        return {
            one.name: value
            for one in fields(self)
            if (value := getattr(self, one.name)) != one.default
        }

    def by(self, method: str) -> AttributionSettings:
        """Return settings of another method: what that does not look at takes its default."""
        takes = {"method", "output", "seed", *find_method(method).takes}
        kept = {name: value for name, value in asdict(self).items() if name in takes}
        return AttributionSettings(**(kept | {"method": method}))

    def _line(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in self.given().items()) or "defaults"


#: The defaults.
USUAL = AttributionSettings()

_FIELDS = tuple(one.name for one in fields(AttributionSettings))


def takes_settings(**defaults: Any) -> Callable[[C], C]:
    """Let a call take `AttributionSettings` as one object, and each of them as a keyword.

    `defaults` are settings whose default the call has otherwise. The call is given all as
    ``settings``; its signature, which editors complete and the reference prints, names every one:
    method and output first, its own keywords, the others, seed, progress.
    """
    usual = AttributionSettings(**defaults)

    def decorate(call: C) -> C:
        own = signature(call)

        @wraps(call)
        def with_settings(*args: Any, settings: Any = None, **given: Any) -> Any:
            options = {name: given.pop(name) for name in _FIELDS if name in given}
            base = usual if settings is None else settings
            if not isinstance(base, AttributionSettings):
                raise InputError(
                    f"settings is a {type(base).__name__}: give AttributionSettings(…), or each "
                    "setting by its name."
                )
            return call(*args, settings=replace(base, **options), **given)

        with_settings.__signature__ = own.replace(  # type: ignore[attr-defined]
            parameters=_ordered(own.parameters.values(), usual)
        )
        return with_settings  # type: ignore[return-value]

    return decorate


def _ordered(own: Iterable[Parameter], usual: AttributionSettings) -> Items[Parameter]:
    """Put the settings where the house has them among a call's own parameters."""
    each = list(own)
    types = AttributionSettings.__annotations__
    every = [
        Parameter(
            name, Parameter.KEYWORD_ONLY, default=getattr(usual, name), annotation=types[name]
        )
        for name in _FIELDS
    ]
    first = [one for one in each if one.kind is Parameter.POSITIONAL_OR_KEYWORD]
    # What stands for the settings themselves, as mypy reads them, is told one by one.
    others = [one for one in each if one.kind is Parameter.VAR_KEYWORD and one.name != "options"]
    named = {one.name: one for one in each if one.kind is Parameter.KEYWORD_ONLY}
    progress, settings = named.pop("progress"), named.pop("settings")
    settings = settings.replace(default=None, annotation="AttributionSettings | None")
    last = [settings, every[-1], progress, *others]
    return [*first, *every[:2], *named.values(), *every[2:-1], *last]
