"""Maps laid over each other: against rotations that are known, and scipy."""

import numpy as np
import pytest
from scipy.spatial import procrustes

import dnabert2_explore as dx
from dnabert2_explore import InputError

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(80, 6)) * [5, 4, 3, 1, 1, 1]


@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_turned_and_mirrored_space_lies_on_the_first(dimensions):
    turn = np.linalg.qr(RNG.normal(size=(6, 6)))[0]
    turn[:, 0] *= -1
    made = dx.align_maps({"a": POINTS, "b": 7 * POINTS @ turn + 3}, dimensions=dimensions)
    assert made.planes.shape == (2, 80, dimensions)
    np.testing.assert_allclose(made.planes[1], made.planes[0], atol=1e-4)
    assert made.moved[1] < 1e-4


def test_another_space_is_as_near_as_scipy_brings_it():
    other = POINTS + RNG.normal(size=POINTS.shape)
    made = dx.align_maps({"a": POINTS, "b": other})
    # scipy scales the second too: its disparity is 1 - s**2, that of a rotation alone 2 - 2 s.
    s = np.sqrt(1 - procrustes(made.planes[0], made.planes[1])[2])
    assert made.moved[1] ** 2 == pytest.approx(2 - 2 * s, abs=1e-6)
    np.testing.assert_allclose((made.planes**2).sum(axis=2).mean(axis=1), 1)


def test_spaces_that_share_nothing_are_far_apart():
    made = dx.align_maps({"a": RNG.normal(size=(4000, 6)), "b": RNG.normal(size=(4000, 6))})
    assert 1.3 < made.moved[1] <= np.sqrt(2)


@pytest.mark.parametrize(
    ("spaces", "method", "message"),
    [
        ({"a": POINTS}, "pca", "1 spaces of"),
        ({"a": POINTS, "b": POINTS[:5]}, "pca", r"2 spaces of \[5, 80\]"),
        ({"a": POINTS, "b": POINTS}, "tsne", "'tsne' is unknown"),
    ],
)
def test_what_cannot_be_laid_over_each_other(spaces, method, message):
    with pytest.raises(InputError, match=message):
        dx.align_maps(spaces, method=method)
