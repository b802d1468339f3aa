"""The nucleotide lens drawn: letters where they can be read, bars where not, the twin beside it."""

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore.figures import nucleotide_figure

BASES = "ACGTTGCATTAGCATGCAATGGCTAGCTTAGCGGATATAAAGGC"


@pytest.fixture(scope="module")
def found():
    return dx.nucleotide_probabilities(dx.load("pocket", cache=False), BASES, (5, 20), twin=True)


def test_letters_are_as_high_as_probability_times_information(found):
    figure = nucleotide_figure(found, selected=(6, 8), theme="dark")
    assert len(figure.data) == 4 + 1 + 2
    heights = found.probabilities * (2 - found.entropy)[:, None]
    first = np.array(figure.data[0].x) < 6.5  # the A of base 6, counted from 1
    tall = np.nanmax(np.array(figure.data[0].y)[first]) - np.nanmin(
        np.array(figure.data[0].y)[first]
    )
    assert tall == pytest.approx(heights[0, 0], rel=1e-3)
    np.testing.assert_allclose(figure.data[-1].y, found.entropy)
    np.testing.assert_allclose(figure.data[-2].y, found.twin.entropy)
    assert "".join(note.text for note in figure.layout.annotations) == BASES[5:20]
    assert [t.name for t in figure.data if t.showlegend is not False] == ["untrained", "entropy"]


def test_far_out_there_are_bars(found):
    figure = nucleotide_figure(found, view=(0, len(BASES)), width=300)
    assert len(figure.data) == 1 + 2
    np.testing.assert_allclose(figure.data[0].y, 2 - found.entropy, rtol=1e-6)
    assert not figure.layout.annotations
