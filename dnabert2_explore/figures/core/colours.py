"""Colours: one meaning each, apart for colour-blind eyes and in grey, for light and dark pages."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable
from dataclasses import dataclass

from ...errors import InputError

__all__ = [
    "BASES",
    "BASES_DARK",
    "NOT_GIVEN",
    "OKABE_ITO",
    "OTHERS",
    "SYMBOLS",
    "Theme",
    "class_colours",
    "signed_scale",
    "theme_of",
]

# Hue as in IGV and JASPAR; lightness L* about 57, 42, 71, 39, so that they also differ in grey.
BASES = {"A": "#2e9e5b", "C": "#2563b8", "G": "#e59e00", "T": "#b4232f", "N": "#7a828e"}
BASES_DARK = {"A": "#5fd394", "C": "#6ea8ff", "G": "#ffc94d", "T": "#ff6f69", "N": "#9aa3b0"}

# Okabe & Ito (2008), black left out (it is the ink), yellow last (faint on white).
OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#8C6D31", "#F0E442")

# A second cue beside colour, for more than a handful of classes.
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "pentagon", "star", "hexagram")

#: The class of what has no value for a field: grey, and it takes no colour from the others.
NOT_GIVEN = "not given"
#: What is left of more classes than can be told apart.
OTHERS = "other classes"
_GREYS = {OTHERS: "#b0a58f", NOT_GIVEN: "#8a929e"}

_SEQUENTIAL_LIGHT = ("#ffffff", "#e4edf3", "#b9d3df", "#7fb0c5", "#43899f", "#1f5f85", "#123156")
_SEQUENTIAL_DARK = ("#14171c", "#0b2a52", "#374a6c", "#666d73", "#958f77", "#c9b96a", "#fee94f")
_CIVIDIS = ("#00224e", "#2a3f6d", "#575c6d", "#7d7c78", "#a59c74", "#d2c060", "#fee838")
# The same way from blue to yellow, but no end of it sinks into a dark page.
_CIVIDIS_DARK = ("#41699e", "#62779a", "#83868f", "#a59a7e", "#c8b26c", "#e6cd55", "#fee838")


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a page: ``ink`` for text, ``select`` for what is selected, and so on."""

    name: str
    ink: str
    muted: str
    grid: str
    paper: str
    tints: tuple[str, str]
    select: str
    select_fill: str
    select_tint: str
    positive: str
    negative: str
    warn: str
    fill: str
    bases: dict[str, str]
    sequential: tuple[tuple[float, str], ...]
    continuous: tuple[tuple[float, str], ...]


def _scale(colours: tuple[str, ...]) -> tuple[tuple[float, str], ...]:
    last = len(colours) - 1
    return tuple((i / last, colour) for i, colour in enumerate(colours))


_THEMES = {
    "light": Theme(
        name="light",
        ink="#20242c",
        muted="#5b6370",
        grid="rgba(110,120,136,0.18)",
        paper="#ffffff",
        tints=("#8fa9cc", "#bccce2"),
        select="#6d28d9",
        select_fill="rgba(109,40,217,0.10)",
        select_tint="#a584e0",
        positive="#c9551f",
        negative="#2f7ea5",
        warn="#b4232f",
        fill="rgba(143,169,204,0.55)",
        bases=BASES,
        sequential=_scale(_SEQUENTIAL_LIGHT),
        continuous=_scale(_CIVIDIS),
    ),
    "dark": Theme(
        name="dark",
        ink="#e6e8ec",
        muted="#a3abb8",
        grid="rgba(150,160,176,0.20)",
        paper="#111417",
        tints=("#56729b", "#7d98be"),
        select="#c4a5ff",
        select_fill="rgba(196,165,255,0.16)",
        select_tint="#8f6ed0",
        positive="#ff9a5c",
        negative="#63b9df",
        warn="#ff6f69",
        fill="rgba(86,114,155,0.6)",
        bases=BASES_DARK,
        sequential=_scale(_SEQUENTIAL_DARK),
        continuous=_scale(_CIVIDIS_DARK),
    ),
    # What stands inside a page that says its colours by itself: `display.card` writes these.
    "page": Theme(
        name="page",
        ink="currentColor",
        muted="var(--dx-muted)",
        grid="var(--dx-grid)",
        paper="var(--dx-paper)",
        tints=("var(--dx-tint-a)", "var(--dx-tint-b)"),
        select="var(--dx-select)",
        select_fill="var(--dx-fill)",
        select_tint="var(--dx-select)",
        positive="var(--dx-positive)",
        negative="var(--dx-negative)",
        warn="var(--dx-warn)",
        fill="var(--dx-fill)",
        bases={letter: f"var(--dx-base-{letter.lower()})" for letter in BASES},
        sequential=_scale(_SEQUENTIAL_LIGHT),
        continuous=_scale(_CIVIDIS),
    ),
}


def theme_of(name: str) -> Theme:
    """Return the theme called `name`: ``"light"``, ``"dark"`` or ``"page"``; or InputError."""
    try:
        return _THEMES[name]
    except KeyError:
        raise InputError(f"Theme {name!r} is unknown: choose one of light, dark.") from None


def signed_scale(colours: Theme) -> list[tuple[float, str]]:
    """Colours of a map about zero, which is the paper."""
    return [(0.0, colours.negative), (0.5, colours.paper), (1.0, colours.positive)]


def class_colours(labels: Iterable[str]) -> dict[str, str]:
    """Give every class a colour that depends only on the set of classes, not on their order.

    Okabe-Ito up to 8 classes; beyond, hues spread evenly by the golden angle at three lightnesses.
    Sorted by class; :data:`OTHERS` and :data:`NOT_GIVEN` are greys, last.

    Examples
    --------
    >>> class_colours(["donor", "acceptor", "donor"])
    {'acceptor': '#0072B2', 'donor': '#E69F00'}
    """
    every = set(labels)
    names = sorted(every - set(_GREYS))
    if len(names) <= len(OKABE_ITO):
        colours = dict(zip(names, OKABE_ITO, strict=False))
    else:
        colours = {name: _even(i) for i, name in enumerate(names)}
    return colours | {name: grey for name, grey in _GREYS.items() if name in every}


def _even(index: int) -> str:
    hue = (0.58 + index * 0.61803398875) % 1.0
    lightness = (0.40, 0.56, 0.68)[index % 3]
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, 0.62)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"
