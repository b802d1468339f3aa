from dataclasses import replace

import numpy as np
import pytest

from dnabert2_explore import InputError, attribute
from dnabert2_explore.analysis.attribution.trust.agreement import rank_correlations
from dnabert2_explore.common.stats import spearman


def test_ties_have_the_mean_of_their_ranks():
    # Ranks 1, 2.5, 2.5, 4 beside 1, 2, 3, 4: by the textbook 4.5 / sqrt(4.5 * 5).
    assert spearman(np.array([1.0, 2, 2, 3]), np.array([1.0, 2, 3, 4])) == pytest.approx(
        4.5 / np.sqrt(4.5 * 5)
    )
    assert spearman(np.arange(5.0), -(np.arange(5.0) ** 3)) == pytest.approx(-1)
    assert np.isnan(spearman(np.ones(4), np.arange(4.0)))


@pytest.fixture
def result(classifier):
    return attribute(classifier, "ACGTTGCATTAGCATGCAAT" * 3, 1, method="input_x_gradient")


@pytest.fixture(scope="module")
def classifier(classifier_folder):
    import dnabert2_explore as dx

    return dx.load(classifier_folder, device="cpu")


def test_pairs_with_an_unsigned_method_are_compared_by_magnitude(result):
    saliency = replace(
        result,
        method="saliency",
        token_scores=abs(result.token_scores),
        base_scores=abs(result.base_scores),
    )
    mirrored = replace(result, method="occlusion", base_scores=-result.base_scores)
    found = rank_correlations([result, saliency, mirrored])
    assert found.rho == pytest.approx(np.array([[1, 1, -1], [1, 1, 1], [-1, 1, 1]]))
    assert found.magnitudes.tolist() == [[0, 1, 0], [1, 0, 1], [0, 1, 0]]
    assert found.n_bases == 60
    assert f"60 bases ({int((~result.tokens.special).sum())} tokens)" in str(found)


def test_one_attribution_or_two_sequences_are_refused(result, classifier):
    with pytest.raises(InputError, match="at least two"):
        rank_correlations([result])
    other = attribute(classifier, "ACGT" * 15, 1, method="saliency")
    with pytest.raises(InputError, match="different sequences"):
        rank_correlations([result, other])
