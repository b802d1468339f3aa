import re
from xml.etree import ElementTree

import numpy as np
import pytest

from dnabert2_explore.errors import InputError
from dnabert2_explore.figures.core.colours import theme_of
from dnabert2_explore.figures.motifs.logo import logo_svg, motif_logo
from dnabert2_explore.sequences.motifs.motif import Motif

MIXED = np.array([[0.7, 0.1, 0.1, 0.1], [0.25, 0.25, 0.25, 0.25], [0.0, 0.5, 0.5, 0.0]])
SIGNED = np.array([[3.0, 0.0, -1.0, 0.0], [0.0, -2.0, 0.0, 0.5]])
TOP, BOTTOM = 5.0, 16.0  # px around what is drawn


def letters(svg: str, theme: str = "light") -> list[tuple[str, float, float]]:
    """Base, least and largest y of each path."""
    bases = {colour: base for base, colour in theme_of(theme).bases.items()}
    found = []
    for path in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}path"):
        y = []
        for polygon in path.get("d").split("Z"):  # a point, and the ways from each to the next
            numbers = [float(one) for one in re.findall(r"-?\d*\.?\d+", polygon)]
            y += np.cumsum(numbers[1::2]).tolist()
        found.append((bases[path.get("fill")], min(y), max(y)))
    return found


def test_information_is_what_letters_are_high():
    svg = logo_svg(MIXED, "information", height=121.0)
    scale = (121.0 - TOP - BOTTOM) / 2
    bits = 2 + (MIXED * np.log2(np.where(MIXED > 0, MIXED, 1))).sum(axis=1)
    first = next((low, high) for base, low, high in letters(svg) if base == "A")
    assert first[1] - first[0] == pytest.approx(0.7 * bits[0] * scale, abs=0.15)
    # Even bases say nothing, and bases that never occur are not there.
    assert len(letters(svg)) == 4 + 2


def test_probabilities_fill_the_height():
    svg = logo_svg(MIXED, "probability", height=121.0)
    heights = sum(high - low for _, low, high in letters(svg))
    assert heights == pytest.approx(3 * (121.0 - TOP - BOTTOM), abs=1.0)


def test_the_largest_letter_lies_outermost():
    drawn = letters(logo_svg(MIXED[:1], "probability"))
    assert min(drawn, key=lambda one: one[1])[0] == "A"


def test_negative_contributions_hang_below_zero():
    svg = logo_svg(SIGNED, "contribution", height=121.0)
    scale = (121.0 - TOP - BOTTOM) / 5
    zero = TOP + 3 * scale
    place = {base: (low, high) for base, low, high in letters(svg)}
    assert place["A"] == pytest.approx((TOP, zero), abs=0.15)
    assert place["G"] == pytest.approx((zero, zero + scale), abs=0.15)
    assert place["C"] == pytest.approx((zero, zero + 2 * scale), abs=0.15)
    assert place["T"] == pytest.approx((zero - 0.5 * scale, zero), abs=0.15)


def test_lead_aligns_logos():
    motif = Motif.of_word("ACGT")
    plain, moved = (logo_svg(motif, column=10, axis=False, lead=n, columns=9) for n in (0, 3))
    first = [float(re.search(r'd="M([\d.]+)', svg).group(1)) for svg in (plain, moved)]
    assert first[1] - first[0] == pytest.approx(30, abs=0.11)
    assert re.search(r'width="(\d+)"', plain).group(1) == "92"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_svg_needs_nothing_and_says_what_it_is(theme):
    svg = logo_svg(MIXED, label='a "label" <b>', theme=theme)
    root = ElementTree.fromstring(svg)
    assert root.get("aria-label") == 'a "label" <b>'
    assert len(letters(svg, theme)) == 6
    for word in ("href", "url(", "<style", "<script", "id="):
        assert word not in svg


def test_contributions_without_any_height_can_be_drawn():
    assert letters(logo_svg(np.zeros((3, 4)), "contribution")) == []


def test_the_figure_stacks_letters_as_the_svg_does():
    figure = motif_logo(SIGNED, "contribution", unit="logit")
    reach = {trace.name: (np.nanmin(trace.y), np.nanmax(trace.y)) for trace in figure.data[:4]}
    assert reach["A"] == pytest.approx((0, 3))
    assert reach["C"] == pytest.approx((-2, 0))
    assert reach["G"] == pytest.approx((-1, 0))
    assert figure.layout.yaxis.range == (-2, 3)
    assert figure.layout.yaxis.title.text == "logit"
    assert "+3.000" in figure.data[4].hovertext[0]


def test_the_figure_takes_a_motif():
    figure = motif_logo(Motif.of_word("TATA"), theme="dark")
    assert figure.layout.yaxis.range == (0, 2)
    assert np.nanmax(figure.data[3].y) == pytest.approx(2)


@pytest.mark.parametrize(
    ("matrix", "kind", "message"),
    [
        (MIXED, "bits", "choose one of information, contribution, probability"),
        (np.ones((3, 3)), "contribution", r"shape \(3, 3\)"),
        (np.full((2, 4), np.nan), "contribution", "NaN"),
        (np.zeros((2, 4)), "information", "no counts or probabilities"),
    ],
)
@pytest.mark.parametrize("draw", [logo_svg, motif_logo])
def test_what_cannot_be_drawn_is_named(draw, matrix, kind, message):
    with pytest.raises(InputError, match=message):
        draw(matrix, kind)
