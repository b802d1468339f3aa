import numpy as np
import pytest

from dnabert2_explore.figures.core.colours import (
    BASES,
    BASES_DARK,
    NOT_GIVEN,
    OKABE_ITO,
    class_colours,
    theme_of,
)

# Linear RGB as a person with full deuteranopia or protanopia sees it (Viénot et al. 1999).
_TO_LMS = np.array(
    [[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]]
)
_DEUTAN = np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]])
_PROTAN = np.array([[0, 2.02344, -2.52581], [0, 1, 0], [0, 0, 1]])


def linear(colour):
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    f = np.cbrt(np.clip(xyz @ rgb / [0.9505, 1, 1.089], 1e-6, None))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def seen(colour, sight):
    rgb = linear(colour)
    if sight is not None:
        rgb = np.clip(np.linalg.inv(_TO_LMS) @ sight @ _TO_LMS @ rgb, 0, 1)
    return lab(rgb)


@pytest.mark.parametrize("palette", [BASES, BASES_DARK])
@pytest.mark.parametrize("sight", [None, _DEUTAN, _PROTAN])
def test_bases_stay_apart_for_every_eye(palette, sight):
    letters = [palette[b] for b in "ACGT"]
    for i, one in enumerate(letters):
        for other in letters[i + 1 :]:
            assert np.linalg.norm(seen(one, sight) - seen(other, sight)) > 15


def test_class_colours_depend_on_the_set_and_not_on_the_order():
    assert class_colours(["b", "a", "b"]) == class_colours(["a", "b"])
    assert tuple(class_colours("abcdefgh").values()) == OKABE_ITO


def test_what_is_not_given_takes_no_colour_from_the_others():
    colours = class_colours(["b", NOT_GIVEN, "a"])
    assert list(colours) == ["a", "b", NOT_GIVEN]
    assert colours["b"] == class_colours("ab")["b"]


def test_many_classes_have_different_colours():
    colours = class_colours([f"species {i}" for i in range(24)])
    assert len(set(colours.values())) == 24


def test_an_unknown_theme_is_an_error():
    with pytest.raises(ValueError, match="'sepia' is unknown"):
        theme_of("sepia")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_scale_of_amounts_starts_at_the_paper_and_is_even_in_lightness(theme):
    steps = [lab(linear(colour))[0] for _, colour in theme_of(theme).sequential]
    rises = np.diff(steps)
    assert (rises < 0).all() or (rises > 0).all()
