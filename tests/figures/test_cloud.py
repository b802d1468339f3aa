import numpy as np
import pytest

from dnabert2_explore.figures.cloud import point_cloud
from dnabert2_explore.figures.core.colours import NOT_GIVEN, class_colours, theme_of

PLANE = np.arange(8.0).reshape(4, 2)


def test_classes_have_the_colours_of_every_other_figure():
    values = ["b", "a", NOT_GIVEN, "b"]
    cloud = point_cloud(PLANE, values)
    named = [cloud.classes[code] for code in cloud.codes]
    assert named == values
    assert [cloud.palette[code] for code in cloud.codes] == [
        class_colours(values)[v] for v in values
    ]
    assert cloud.positions.shape == (1, 4, 2)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_numbers_run_along_the_scale_and_what_has_none_is_grey(theme):
    cloud = point_cloud(PLANE, [3.0, 1.0, float("nan"), 2.0], theme)
    scale = theme_of(theme).continuous
    colours = [cloud.palette[code] for code in cloud.codes]
    assert colours[0] == scale[-1][1]
    assert colours[1] == scale[0][1]
    assert colours[2] == theme_of(theme).muted
    assert cloud.span == (1.0, 3.0)
    assert cloud.classes == ()


def test_one_number_for_all_is_a_colour_too():
    cloud = point_cloud(PLANE, [2.0] * 4)
    assert set(cloud.codes) == {128}


def test_what_the_page_takes_is_whole():
    frames = np.random.default_rng(0).normal(size=(3, 4, 3))
    spec = point_cloud(frames, ["a"] * 4).spec("k", height=300, axis="PCA", frames=["x", "y", "z"])
    sent = np.frombuffer(spec["positions"], np.float32).reshape(3, spec["n"], spec["dims"])
    np.testing.assert_allclose(sent, frames, rtol=1e-6)
    assert set(spec["symbols"]) <= set(spec["shapes"])
