from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore import Cancelled, InputError, attribute
from dnabert2_explore.analysis.attribution.strands import _why_not, mirror_strands
from dnabert2_explore.sequences import UnknownBasesWarning, reverse_complement


def test_both_strands_are_attributed_and_lie_on_one_axis(classifier, bases) -> None:
    short = bases[:60]
    found = mirror_strands(classifier, short, None, method="occlusion")
    target = int(classifier.predict(short)[0].argmax())
    forward = attribute(classifier, short, target, method="occlusion")
    reverse = attribute(classifier, reverse_complement(short), target, method="occlusion")
    assert found.forward.target == found.reverse.target == target
    np.testing.assert_allclose(found.forward.base_scores, forward.base_scores, atol=1e-6)
    for place in (0, 13, 59):
        expected = forward.base_scores[place] - reverse.base_scores[59 - place]
        assert found.disagreement[place] == pytest.approx(expected, abs=1e-6)
        expected = (forward.base_scores[place] + reverse.base_scores[59 - place]) / 2
        assert found.mean[place] == pytest.approx(expected, abs=1e-6)
    expected = np.corrcoef(forward.base_scores, reverse.base_scores[::-1])[0, 1]
    assert found.correlation == pytest.approx(expected, abs=1e-5)
    assert found.forward.score == pytest.approx(forward.score, abs=1e-5)
    assert found.reverse.score == pytest.approx(reverse.score, abs=1e-5)


def test_the_mean_leaves_out_a_strand_that_does_not_read_a_base(classifier, bases) -> None:
    found = mirror_strands(classifier, bases[:40], 0, method="occlusion")
    one, other = np.arange(40) < 30, np.arange(40)[::-1] < 25
    cut = replace(
        found,
        forward=replace(found.forward, visible=one),
        reverse=replace(found.reverse, visible=other[::-1]),
    )
    mean, (low, high) = cut.mean, cut.band
    np.testing.assert_allclose(mean[one & other], found.mean[one & other], atol=1e-6)
    np.testing.assert_array_equal(mean[~other], found.forward.base_scores[~other])
    np.testing.assert_array_equal(mean[~one], found.mirrored[~one])
    apart = abs(found.disagreement) > 0
    np.testing.assert_array_equal(low < high, one & other & apart)
    np.testing.assert_array_equal(low[~other], mean[~other])
    neither = replace(cut, forward=replace(cut.forward, visible=np.zeros(40, bool)))
    assert not neither.mean[~other].any()


def test_a_palindrome_has_the_same_attribution_twice(classifier, bases) -> None:
    both = bases[:30] + reverse_complement(bases[:30])
    found = mirror_strands(classifier, both, 1, method="occlusion")
    scores = found.forward.base_scores
    np.testing.assert_allclose(found.mirrored, scores[::-1], atol=1e-6)
    np.testing.assert_allclose(found.disagreement, -found.disagreement[::-1], atol=1e-6)
    assert found.applicable  # the same sequence is predicted the same


def test_the_other_strand_sees_the_same_disagreement(classifier, bases) -> None:
    one = mirror_strands(classifier, bases[:50], 0, method="occlusion")
    other = mirror_strands(classifier, reverse_complement(bases[:50]), 0, method="occlusion")
    np.testing.assert_allclose(one.disagreement, -other.disagreement[::-1], atol=1e-6)
    assert one.agreement == pytest.approx(other.agreement, abs=1e-6)
    assert one.applicable == other.applicable


def test_a_masked_span_stands_for_the_bases_it_pairs_with(enc, bases) -> None:
    short = bases[:60]
    found = mirror_strands(enc, short, (10, 18), method="occlusion")
    assert found.forward.target == (10, 18)
    assert found.reverse.target == (42, 50)
    assert found.applicable
    flipped = reverse_complement(short)
    assert reverse_complement(flipped[42:50]) == short[10:18]


def test_groups_are_turned_too(classifier, bases) -> None:
    short = bases[:60]
    found = mirror_strands(classifier, short, 0, method="feature_ablation", groups=[(0, 12)])
    alone = attribute(
        classifier, reverse_complement(short), 0, method="feature_ablation", groups=[(48, 60)]
    )
    np.testing.assert_allclose(found.reverse.base_scores, alone.base_scores, atol=1e-6)


def test_a_splice_classifier_reads_one_strand() -> None:
    """A donor's reverse complement has no GT in its middle; that is no fault of the scores."""
    found = mirror_strands(
        dx.load("pocket-splice"), dx.demo.splice()[0], "donor", method="saliency"
    )
    assert not found.applicable
    assert found.reason.startswith("the model predicts donor on the forward strand only")
    assert np.isfinite(found.disagreement).all()  # it can be looked at all the same


def answers(*values: float, target: int = 0):
    return SimpleNamespace(
        probabilities=np.array(values), target=target, target_name="donor", score=0.0
    )


@pytest.mark.parametrize(
    ("problem", "forward", "reverse", "applicable"),
    [
        (None, answers(0.9, 0.1), answers(0.6, 0.4), True),
        (None, answers(0.9, 0.1), answers(0.4, 0.6), False),
        (None, answers(0.1, 0.9), answers(0.6, 0.4), False),
        (None, answers(0.1, 0.9), answers(0.2, 0.8), True),  # asked of what neither predicts
        ("multi_label_classification", answers(0.6, 0.9), answers(0.7, 0.1), True),
        ("multi_label_classification", answers(0.6, 0.1), answers(0.4, 0.1), False),
    ],
)
def test_where_the_strands_ought_to_agree(problem, forward, reverse, applicable) -> None:
    enc = SimpleNamespace(config=SimpleNamespace(problem_type=problem))
    assert (_why_not(enc, forward, reverse) == "") == applicable


def test_progress_counts_up_and_can_cancel(classifier, bases) -> None:
    seen = []
    mirror_strands(classifier, bases[:50], 0, progress=lambda *both: seen.append(both))
    assert seen[-1][0] == seen[-1][1]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)

    def cancel(done, total):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        mirror_strands(classifier, bases[:50], 0, progress=cancel)


def test_bad_input_is_one_clear_sentence(classifier, bases) -> None:
    with pytest.raises(InputError, match="Method 'magic' is unknown"):
        mirror_strands(classifier, bases, method="magic")
    with (
        pytest.warns(UnknownBasesWarning),
        pytest.raises(InputError, match="no A, C, G or T"),
    ):
        mirror_strands(classifier, "NNNN")
