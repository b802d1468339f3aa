from __future__ import annotations

import json
import shutil
from dataclasses import replace
from importlib.resources import files
from types import SimpleNamespace

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore import Cancelled, InputError, attribute
from dnabert2_explore.analysis.attribution import METHODS, ExplainedOutput
from dnabert2_explore.analysis.attribution.trust.checks import (
    CHECKS,
    Check,
    check_convergence,
    check_curves,
    check_mutations,
    check_planted,
    check_randomised,
    judge,
    recovery,
    skip,
    thresholds,
)
from dnabert2_explore.analysis.attribution.trust.curves import token_curves
from dnabert2_explore.analysis.attribution.trust.scorecard import Scorecard, scorecard
from dnabert2_explore.analysis.attribution.trust.skill import check_skill
from dnabert2_explore.encoder.loading.twin import random_twin
from dnabert2_explore.results.sealed import write_json

MASK = 0


class Sum:
    """An output that is the sum of what each token is worth; [MASK] is worth nothing.

    The first and the last token are special.
    """

    unit = "logit"

    def __init__(self, worth) -> None:
        self.worth = np.array([0.0, 0.0, *worth, 0.0])  # [MASK], [CLS], the tokens, [SEP]
        n = len(self.worth) - 1
        self.n_read = n
        self.places = np.arange(n)
        self.fixed = np.array([True, *[False] * (n - 2), True])
        self.enc = SimpleNamespace(tokenizer=SimpleNamespace(mask_id=MASK, pad_id=MASK))
        self.calls = 0

    @property
    def ids(self):
        import torch

        return torch.arange(1, self.n_read + 1)[None]

    @property
    def scores(self):
        """Perfect scores: each token's worth."""
        return self.worth[1:]

    def of_ids(self, ids, progress=None):
        self.calls += 1
        return self.worth[np.array(list(ids))].sum(axis=1).astype(np.float32)


N = 12
ONE = Sum([0, 0, 0, 1, *[0] * (N - 4)])


def test_curves_of_one_token_that_is_all() -> None:
    found = token_curves(ONE, ONE.scores, orders=4000, seed=1)
    np.testing.assert_allclose(found.shares, np.arange(N + 1) / N)
    np.testing.assert_array_equal(found.deletion, [1] + [0] * N)
    np.testing.assert_array_equal(found.insertion, [0] + [1] * N)
    # In random order, the token is still there after c of N with a probability of 1 - c / N.
    np.testing.assert_allclose(found.random_deletion.mean(axis=0), 1 - found.shares, atol=0.03)
    np.testing.assert_allclose(found.random_insertion.mean(axis=0), found.shares, atol=0.03)
    expected = 1 / 2 - 1 / (2 * N)
    assert found.deletion_gain == pytest.approx(expected, abs=0.02)
    assert found.insertion_gain == pytest.approx(expected, abs=0.02)
    assert found.reach == 1


def test_the_worst_order_is_as_bad_as_the_best_is_good() -> None:
    found = token_curves(ONE, -ONE.scores, orders=4000, seed=1)
    expected = -(1 / 2 - 1 / (2 * N))
    assert found.deletion_gain == pytest.approx(expected, abs=0.02)
    assert found.insertion_gain == pytest.approx(expected, abs=0.02)


def test_random_scores_gain_nothing() -> None:
    worth = np.random.default_rng(0).normal(size=30)
    explained = Sum(worth)
    gains = [
        token_curves(explained, np.random.default_rng(seed).normal(size=32), seed=seed)
        for seed in range(60)
    ]
    for values in ([g.deletion_gain for g in gains], [g.insertion_gain for g in gains]):
        assert np.mean(values) == pytest.approx(0, abs=3 * np.std(values) / np.sqrt(60))
    best = token_curves(explained, explained.scores)
    assert best.deletion_gain > max(g.deletion_gain for g in gains)
    assert best.insertion_gain > max(g.insertion_gain for g in gains)


def test_scores_without_sign_find_what_matters_either_way() -> None:
    explained = Sum([0, 0, -5, 0, 0, 0, 0, 0])
    found = token_curves(explained, abs(explained.scores), signed=False, orders=2000)
    assert found.deletion_gain == pytest.approx(1 / 2 - 1 / 16, abs=0.03)
    assert found.insertion_gain == pytest.approx(1 / 2 - 1 / 16, abs=0.03)
    # Taken for signed, the same order makes the output rise, which is the wrong way.
    assert token_curves(explained, abs(explained.scores), orders=2000).deletion_gain < -0.4


def test_curves_end_where_they_should_and_run_at_once() -> None:
    explained = Sum(np.arange(100))
    found = token_curves(explained, explained.scores, points=21, orders=5)
    assert explained.calls == 1
    assert len(found.shares) <= 22
    np.testing.assert_allclose(found.shares + found.shares[::-1], 1)
    full = explained.worth.sum()
    for curve in (found.deletion, *found.random_deletion):
        assert (curve[0], curve[-1]) == (full, 0)
    for curve in (found.insertion, *found.random_insertion):
        assert (curve[0], curve[-1]) == (0, full)


def test_equal_scores_are_ordered_at_random() -> None:
    """Otherwise a method that says nothing would get credit for a motif at the left end."""
    left = Sum([1, *[0] * 19])
    gains = [token_curves(left, np.zeros(22), seed=s, orders=200).deletion_gain for s in range(80)]
    assert np.mean(gains) == pytest.approx(0, abs=3 * np.std(gains) / np.sqrt(80))


def test_an_output_that_never_changes_fails() -> None:
    found = token_curves(Sum([0, 0, 0]), np.array([0, 1, 2, 3, 0]))
    deletion, insertion = check_curves(found)
    assert deletion.passed is False
    assert insertion.passed is False
    assert "never changes" in deletion.words


@pytest.mark.parametrize("baseline", ["mask", "pad", "zero", "mean", "shuffled"])
def test_curves_of_a_network(classifier, bases, baseline) -> None:
    explained = ExplainedOutput.of(classifier, bases[:60], 1)
    found = attribute(classifier, bases[:60], 1, method="occlusion", baseline=baseline)
    curves = token_curves(explained, found.token_scores, baseline=baseline, orders=3)
    assert curves.deletion[0] == pytest.approx(found.score, abs=1e-4)
    assert curves.insertion[-1] == pytest.approx(found.score, abs=1e-4)
    if baseline != "shuffled":  # of which `attribute` takes five copies
        assert curves.insertion[0] == pytest.approx(found.baseline_score, abs=1e-4)
    best = int(found.token_scores.argmax())
    if baseline in ("mask", "zero", "mean"):  # the first to go is the one that occlusion names
        assert curves.deletion[1] == pytest.approx(found.score - found.token_scores[best], abs=1e-4)


def test_curves_leave_a_masked_span(enc, bases) -> None:
    explained = ExplainedOutput.of(enc, bases[:60], (20, 26))
    found = attribute(enc, bases[:60], (20, 26), method="occlusion", baseline="mask")
    curves = token_curves(explained, found.token_scores, orders=3)
    assert curves.deletion[0] == pytest.approx(found.score, abs=1e-4)
    assert curves.deletion[-1] == pytest.approx(found.baseline_score, abs=1e-4)


def test_curves_refuse_what_has_no_order(classifier) -> None:
    explained = ExplainedOutput.of(classifier, "A", 0)
    with pytest.raises(InputError, match="1 token can be taken away"):
        token_curves(explained, np.zeros(3))
    with pytest.raises(InputError, match="Baseline 'noise' is unknown"):
        token_curves(explained, np.zeros(3), baseline="noise")


def test_thresholds_are_the_calibrated_ones() -> None:
    place = files("dnabert2_explore.analysis.attribution.trust") / "calibration.json"
    content = json.loads(place.read_text(encoding="utf-8"))
    assert list(thresholds()) == [name for name, info in CHECKS.items() if info.judges]
    assert content["thresholds"] == thresholds()
    assert content["thresholds"]["planted"] == content["good"]
    for part in content["rates"].values():
        assert 0 <= part["good"]["flagged"] <= 1


@pytest.mark.parametrize("name", thresholds())
def test_judging_either_side_of_a_threshold(name) -> None:
    at = thresholds()[name]
    inside = -1e-6 if CHECKS[name].most else 1e-6
    assert judge(name, at, "").passed is True
    assert judge(name, at + inside, "").passed is True
    assert judge(name, at - inside, "").passed is False
    assert judge(name, float("nan"), "").passed is False
    left_out = skip(name, "no reason")
    assert (left_out.passed, left_out.value, left_out.result) == (None, None, "not applicable")


def test_convergence_by_hand(classifier, bases) -> None:
    found = attribute(classifier, bases[:50], 0, method="input_x_gradient")
    assert check_convergence(found).passed is None
    found = attribute(classifier, bases[:50], 0, method="occlusion")
    found = replace(found, method="layer_conductance", score=3.0, baseline_score=1.0, delta=-0.5)
    assert check_convergence(found).value == pytest.approx(0.25)
    for method in ("gradient_shap", "deep_lift"):  # whose promises do not hold here
        told = check_convergence(replace(found, method=method))
        assert told.passed is None
        assert "25.0% off" in told.words
    assert check_convergence(replace(found, baseline_score=3.0)).passed is False


def test_random_weights_tell_of_the_method_and_judge_nothing(classifier, bases) -> None:
    found = attribute(classifier, bases[:60], 0, method="occlusion")
    same = check_randomised(found, np.stack([found.base_scores, -found.base_scores]))
    assert same.value == pytest.approx(1)
    assert (same.passed, same.result) == (None, "information")
    assert "what the model has learnt it does not say" in same.words
    noise = np.random.default_rng(0).normal(size=(50, 60))
    assert abs(check_randomised(found, noise).value) < 0.1
    # Twins that score all bases alike have no order to compare with.
    assert check_randomised(found, np.zeros((2, 60))).result == "not applicable"


def test_mutations_by_hand(classifier, bases) -> None:
    found = attribute(classifier, bases[:60], 0, method="occlusion")
    noise = np.random.default_rng(0).normal(size=60).astype(np.float32)
    done = np.where(np.arange(60) < 40, 2 * found.base_scores + 1, np.nan).astype(np.float32)
    same = check_mutations(found, done)
    assert same.value == pytest.approx(1)
    assert same.passed is True
    assert "40 bases 1 to 40 " in same.words
    assert check_mutations(found, -found.base_scores).passed is False
    expected = np.corrcoef(found.base_scores, noise)[0, 1]
    assert check_mutations(found, noise).value == pytest.approx(expected, abs=1e-6)
    # What has no sign is held against the size of effects.
    unsigned = replace(found, method="saliency", base_scores=abs(found.base_scores))
    assert check_mutations(unsigned, -found.base_scores).value == pytest.approx(1)
    # Nothing to hold it against.
    assert check_mutations(found, None).passed is None
    assert check_mutations(found, np.zeros(60, np.float32)).passed is None
    few = check_mutations(found, np.where(np.arange(60) < 9, noise, np.nan))
    assert few.passed is None
    assert "9 bases only" in few.words
    flat = replace(found, base_scores=np.ones(60, np.float32))
    assert check_mutations(flat, noise).passed is False
    assert "all the same" in check_mutations(flat, noise).words


@pytest.mark.parametrize(
    ("scores", "truth", "expected"),
    [
        ([0, 0, 3, 4, 0], [(2, 4)], 1.0),
        ([5, 5, 3, 3, 5], [(2, 4)], 0.0),
        ([1, 1, 1, 1, 1], [(2, 4)], 0.5),
        ([0, 2, 1, 3, 0], [(2, 4)], 5 / 6),  # of 6 pairs, 1 against 2 is wrong
        ([3, 0, 0, 0, 2], [(0, 1), (4, 5)], 1.0),
    ],
)
def test_recovery_by_hand(scores, truth, expected) -> None:
    assert recovery(np.array(scores, dtype=float), truth) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("truth", "message"),
    [
        ([(3, 9)], r"Planted bases \[3, 9\) are no stretch"),
        ([(2, 2)], "no stretch"),
        ([(0, 5)], "All 5 bases are planted"),
        ([], "None of the 5 bases are planted"),
    ],
)
def test_a_truth_that_is_none(truth, message) -> None:
    with pytest.raises(InputError, match=message):
        recovery(np.zeros(5), truth)


def test_nothing_known_is_no_failure(classifier, bases) -> None:
    found = attribute(classifier, bases[:50], 0, method="saliency")
    assert check_planted(found, None).passed is None


def test_verdicts(classifier, bases) -> None:
    card = scorecard(classifier, bases[:50], 0, method="saliency", twins=1, crops=2, orders=2)
    good = Check("deletion", 0.4, 0.1, True, "")
    bad = Check("offsets", 0.0, 0.3, False, "")
    strands = Check("strands", 0.5, 0.3, True, "")
    none = Check("strands", None, 0.3, None, "")
    skilled, unskilled, unknown = (
        Check("skill", value, 0.0, passed, "")
        for value, passed in ((0.2, True), (-0.1, False), (None, None))
    )
    told: Scorecard = replace(card, checks=(good, strands, skilled))
    assert (told.trusted, told.verdict) == (True, "trust")
    left: Scorecard = replace(card, checks=(good, none, skilled))
    assert left.trusted
    assert left.verdict == "trust; the check that tells most, strand agreement, did not apply"
    for skill, words in ((unskilled, "no more than simple methods"), (unknown, "is not shown")):
        held: Scorecard = replace(card, checks=(good, strands, skill))
        assert not held.trusted
        assert held.verdict.startswith("undecided: nothing speaks against it as a picture of this")
        assert held.verdict.endswith((words, f"{words} do"))
    failed: Scorecard = replace(card, checks=(good, bad, none, skilled))
    assert not failed.trusted
    assert failed.verdict == "do not trust: the scores move with the borders of tokens"
    assert str(failed).endswith(failed.verdict)
    # What only informs is nothing to be trusted by.
    weights = Check("randomised_weights", 0.99, np.nan, None, "")
    empty: Scorecard = replace(card, checks=(none, weights, skilled))
    assert not empty.trusted
    assert empty.verdict == "do not trust: no check applies"


STATED = {"test": {"mcc": 0.7}, "baselines": {"kmer": {"mcc": 0.6}, "cnn": {"mcc": 0.9}}}


@pytest.mark.parametrize(
    ("scores", "result", "words"),
    [
        (STATED, "passed", "its test MCC is 0.700, that of 4-mers 0.600"),
        (STATED | {"baselines": {"untrained": {"mcc": {"value": 0.5}}}}, "passed", "0.500"),
        (
            STATED | {"baselines": {"untrained": {"mcc": 0.7}}},
            "failed",
            "from random weights 0.700",
        ),
        (STATED | {"rule": {"minus": {"low": -0.01}}}, "failed", "at least -0.010 (95%)"),
        (STATED | {"rule": {"minus": {"low": 0.02}}}, "passed", "at least +0.020 (95%)"),
        (STATED | {"baselines": {"position_weights": {"mcc": 0.8}}}, "failed", "weight matrix"),
        (STATED | {"baselines": {"majority": {"mcc": 0.0}}}, "not known", "4-mers or an untrained"),
        (STATED | {"baselines": None}, "not known", "4-mers or an untrained"),
        ({"dev": {"mcc": 0.9}}, "not known", "no Matthews correlation on test"),
        ({"test": {"mcc": None}}, "not known", "no Matthews correlation on test"),
        (None, "not known", "there is no scores.json beside its weights"),
    ],
)
def test_the_skill_of_the_model(classifier, scores, result, words) -> None:
    check = check_skill(classifier, False, scores)
    assert check.result == result
    assert words in check.words


def test_skill_is_read_beside_the_weights(classifier_folder, tmp_path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(classifier_folder, folder)
    (folder / "scores.json").write_text(json.dumps(STATED))
    enc = dx.load(folder, cache=False)
    assert check_skill(enc, False).passed is True
    assert "masked bases" in check_skill(enc, True).words
    assert "not loaded from a folder" in check_skill(random_twin(enc), False).words
    (folder / "scores.json").write_text("[]")
    assert "holds no JSON object" in check_skill(enc, False).words
    (folder / "scores.json").write_text("{")
    assert "is no JSON" in check_skill(enc, False).words


def test_scores_that_were_damaged_state_nothing(classifier_folder, tmp_path) -> None:
    """One flipped bit made an MCC of 0.5 one of 0.7, and "do not trust" to "trust"."""
    folder = tmp_path / "model"
    shutil.copytree(classifier_folder, folder)
    write_json(folder / "scores.json", STATED)
    enc = dx.load(folder, cache=False)
    assert check_skill(enc, False).passed is True
    text = (folder / "scores.json").read_text()
    (folder / "scores.json").write_text(text.replace("0.7", "0.3"))
    check = check_skill(enc, False)
    assert check.result == "not known"
    assert "its digest does not fit" in check.words


def test_a_network_of_random_weights_is_never_trusted(bases) -> None:
    twin = random_twin(dx.load("pocket-splice"))
    for number, site in enumerate(dx.demo.splice()[:2]):
        card = scorecard(
            twin, site, number, method="occlusion", twins=1, crops=2, orders=2, mutated=10
        )
        assert not card.trusted
        assert card.verdict != "trust"


@pytest.mark.parametrize("method", METHODS)
def test_a_card_of_every_method(classifier, bases, method) -> None:
    card = scorecard(
        classifier, bases[:50], 0, method=method, truth=[(10, 20)], crops=3, twins=2, orders=3
    )
    assert [check.name for check in card.checks] == list(CHECKS)
    by_name = {check.name: check for check in card.checks}
    sums = METHODS[method].complete and method not in ("gradient_shap", "deep_lift")
    assert (by_name["convergence"].passed is None) == (not sums)
    if method == "saturation_mutagenesis":
        assert card.mutations is None
        assert by_name["mutations"].passed is None
    else:
        expected = attribute(classifier, bases[:50], 0, method="saturation_mutagenesis").base_scores
        np.testing.assert_allclose(card.mutations, expected, atol=1e-6)
    assert by_name["offsets"].value == pytest.approx(card.offsets.correlation, nan_ok=True)
    assert by_name["planted"].value == recovery(card.attribution.base_scores, [(10, 20)])
    assert card.twins.shape == (2, 50)
    assert card.curves.signed == METHODS[method].signed
    table = card.table()
    assert list(table.columns) == ["check", "value", "threshold", "result", "words"]
    assert list(table.result) == [check.result for check in card.checks]
    assert not card.trusted  # the model states no skill
    assert ("do not trust" in card.verdict) == (table.result == "failed").any()


def test_a_card_of_a_masked_span(enc, bases) -> None:
    card = scorecard(enc, bases[:60], (3, 9), method="occlusion", twins=1, orders=2)
    np.testing.assert_array_equal(~np.isnan(card.mutations), card.attribution.seen)
    assert card.offsets.crops == 4  # there is no room for more before the span
    left = scorecard(enc, bases[:60], (0, 6), method="occlusion", twins=1, orders=2)
    assert left.offsets is None
    (check,) = (check for check in left.checks if check.name == "offsets")
    assert check.passed is None
    assert "too short to crop" in check.words


def test_of_a_long_sequence_the_stretch_with_the_largest_scores_is_mutated(
    classifier, bases
) -> None:
    card = scorecard(classifier, bases[:60], 0, method="occlusion", twins=1, orders=2, mutated=20)
    whole = scorecard(classifier, bases[:60], 0, method="occlusion", twins=1, orders=2)
    (mutated,) = np.nonzero(~np.isnan(card.mutations))
    assert np.ptp(mutated) + 1 == len(mutated) == 20
    np.testing.assert_allclose(card.mutations[mutated], whole.mutations[mutated], atol=1e-6)
    magnitudes = abs(card.attribution.base_scores)
    sums = [magnitudes[i : i + 20].sum() for i in range(41)]
    assert magnitudes[mutated].sum() == pytest.approx(max(sums))
    (check,) = (check for check in card.checks if check.name == "mutations")
    assert f"20 bases {mutated[0] + 1} to {mutated[-1] + 1} " in check.words
    with pytest.raises(InputError, match="mutated is 9; expected at least 10"):
        scorecard(classifier, bases[:60], 0, method="occlusion", mutated=9)


def test_too_few_shared_bases_are_no_phases_that_disagree(classifier) -> None:
    card = scorecard(classifier, "ACGTACGT", 0, method="saliency", twins=1, orders=2)
    (check,) = (check for check in card.checks if check.name == "offsets")
    assert check.passed is None
    assert "only 2 bases are in all 7 crops" in check.words
    assert "all the same" not in card.verdict


def test_groups_leave_the_phases_out(classifier, bases) -> None:
    card = scorecard(
        classifier, bases[:60], 0, method="feature_ablation", groups=[(0, 20)], twins=1, orders=2
    )
    assert card.offsets is None


def test_a_strand_that_need_not_agree_is_no_failure() -> None:
    card = scorecard(
        dx.load("pocket-splice"), dx.demo.splice()[0], "donor", method="occlusion", twins=1, crops=2
    )
    (check,) = (check for check in card.checks if check.name == "strands")
    assert check.passed is None
    assert "forward strand only" in check.words


def test_the_model_stays_as_it_was(classifier, bases) -> None:
    scorecard(classifier, bases[:50], 0, method="occlusion", twins=1, crops=2, orders=2)
    assert classifier.pristine


def test_the_same_seed_gives_the_same_card(classifier, bases) -> None:
    one, two, other = (
        scorecard(
            classifier, bases[:50], 0, method="gradient_shap", crops=2, twins=1, orders=2, seed=seed
        )
        for seed in (4, 4, 5)
    )
    values = [[check.value for check in card.checks[:-1]] for card in (one, two, other)]
    assert values[0] == values[1] != values[2]


def test_progress_counts_up_and_can_cancel(classifier, bases) -> None:
    seen = []
    scorecard(
        classifier,
        bases[:50],
        0,
        method="occlusion",
        progress=lambda *both: seen.append(both),
        twins=2,
    )
    assert seen[-1][0] == seen[-1][1]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert len({total for _, total in seen}) == 1

    def cancel(done, total):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        scorecard(classifier, bases[:50], 0, progress=cancel)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "magic"}, "Method 'magic' is unknown"),
        ({"target": "enhancer"}, "Class 'enhancer' is unknown"),
        ({"truth": [(40, 60)]}, r"Planted bases \[40, 60\)"),
        ({"crops": 1}, "crops is 1; expected at least 2"),
        ({"twins": 0}, "twins is 0"),
        ({"orders": 0}, "orders is 0"),
        ({"baseline": "noise"}, "Baseline 'noise' is unknown"),
    ],
)
def test_bad_input_is_one_clear_sentence(classifier, bases, arguments, message) -> None:
    with pytest.raises(InputError, match=message):
        scorecard(classifier, bases[:50], **arguments)
