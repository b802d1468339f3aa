from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from dnabert2_explore import Cancelled, InputError, attribute, load, scorecard
from dnabert2_explore.analysis.attribution.offsets import OffsetAverage, average_offsets, offsets_of
from dnabert2_explore.analysis.settings import AttributionSettings
from dnabert2_explore.network.checkpoints.saving import save_model

NAN = np.nan


def made(enc, matrix) -> OffsetAverage:
    matrix = np.array(matrix, dtype=np.float32)
    return OffsetAverage(
        tokens=enc.tokenize("ACGT"),
        per_crop=matrix,
        scores=np.zeros(len(matrix), dtype=np.float32),
        method="saliency",
        target=0,
        target_name="donor",
        unit="logit",
        model="",
    )


def test_statistics_by_hand(enc) -> None:
    found = made(enc, [[1, 2, 3, 9], [NAN, 4, 5, 7], [NAN, NAN, 1, 2]])
    assert found.crops == 3
    np.testing.assert_allclose(found.mean, [1, 3, 3, 6])
    np.testing.assert_allclose(found.deviation, [0, 1, np.sqrt(8 / 3), np.sqrt(26 / 3)], rtol=1e-6)
    low, high = found.band
    np.testing.assert_array_equal(low, [1, 2, 1, 2])
    np.testing.assert_array_equal(high, [1, 4, 5, 9])
    assert found.agreement == pytest.approx(1)  # over the last two bases, which all crops have


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[5, 1, 2, 3], [NAN, 10, 20, 30], [NAN, 3, 2, 1]], (1 - 1 - 1) / 3),
        ([[5, 1, 2, 3], [NAN, 7, 7, 7]], NAN),
    ],
)
def test_agreement_is_the_mean_over_pairs(enc, rows, expected) -> None:
    assert made(enc, rows).agreement == pytest.approx(expected, nan_ok=True)


def test_the_whole_sequence_is_not_attributed_again(classifier, bases) -> None:
    plain = average_offsets(classifier, bases[:40], 0, method="occlusion", crops=2)
    there = attribute(classifier, bases[:40], 0, method="occlusion")
    np.testing.assert_allclose(plain.per_crop[0], there.base_scores, atol=1e-6)
    marked = dataclasses.replace(there, base_scores=there.base_scores + 1)
    found = offsets_of(
        classifier, bases[:40], 0, AttributionSettings(method="occlusion"), 2, None, marked
    )
    np.testing.assert_array_equal(found.per_crop[0], marked.base_scores)
    np.testing.assert_allclose(found.per_crop[1], plain.per_crop[1], atol=1e-6)


def test_correlation_weighs_by_size(enc) -> None:
    found = made(enc, [[0, 1, 2, 9, 3], [NAN, 2, 1, 9, 3]])
    expected = np.corrcoef([1, 2, 9, 3], [2, 1, 9, 3])[0, 1]
    assert found.correlation == pytest.approx(expected)
    assert found.agreement == pytest.approx(0.8)  # 1 - 6 · 2 / (4 · 15)


def test_each_crop_is_the_attribution_of_what_is_left(classifier, bases) -> None:
    short = bases[:60]
    found = average_offsets(classifier, short, None, method="occlusion", crops=4)
    whole = int(classifier.predict(short)[0].argmax())
    assert found.target == whole
    assert found.per_crop.shape == (4, 60)
    for crop in range(4):
        alone = attribute(classifier, short[crop:], whole, method="occlusion")
        np.testing.assert_allclose(found.per_crop[crop, crop:], alone.base_scores, atol=1e-6)
        assert np.isnan(found.per_crop[crop, :crop]).all()
        assert found.scores[crop] == pytest.approx(alone.score, abs=1e-6)


def test_the_class_is_that_of_the_whole_sequence(classifier, bases) -> None:
    """Some crop alone would have been asked for another class."""
    for start in range(0, 240, 5):
        text = bases[start : start + 24]
        own = classifier.predict([text[crop:] for crop in range(8)]).argmax(axis=1)
        if len(set(own)) > 1:
            break
    else:
        pytest.fail("no crop changes the predicted class: choose other sequences")
    found = average_offsets(classifier, text, method="saliency", crops=8)
    assert found.target == own[0]
    logits = classifier.logits_ids([classifier.tokenize(text[crop:]).ids for crop in range(8)])
    np.testing.assert_allclose(found.scores, logits[:, own[0]], atol=1e-5)


def test_a_masked_span_moves_with_the_crop(enc, bases) -> None:
    short = bases[:60]
    found = average_offsets(enc, short, (20, 26), method="occlusion", crops=5)
    assert found.target == (20, 26)
    assert found.unit == "nats"
    for crop in range(5):
        alone = attribute(enc, short[crop:], (20 - crop, 26 - crop), method="occlusion")
        np.testing.assert_allclose(found.per_crop[crop, crop:], alone.base_scores, atol=1e-5)


@pytest.fixture
def anchored(tmp_path):
    """A classifier that reads in two parts at a place."""
    shipped = load("pocket-splice", dtype="float32", cache=False)

    def at(anchor):
        config = type(shipped.config).from_dict(shipped.config.to_dict() | {"anchor": anchor})
        network = type(shipped.network)(config)
        network.load_state_dict(shipped.network.state_dict())
        save_model(network, tmp_path / str(anchor), shipped.checkpoint.folder)
        return load(tmp_path / str(anchor), dtype="float32", cache=False)

    return at


@pytest.mark.filterwarnings("default::dnabert2_explore.errors.ExploreWarning")
@pytest.mark.parametrize("length", [40, 41])
def test_crops_leave_the_anchor_at_its_base(anchored, bases, length) -> None:
    """A left crop alone moves the middle: another site would be asked about."""
    enc, text = anchored("middle"), bases[:length]
    found = average_offsets(enc, text, 0, method="occlusion", crops=4)
    middle = length // 2
    for crop in range(4):
        left = text[crop : length - crop]
        assert crop + enc.tokenizer.place(len(left)) == middle
        alone = attribute(enc, left, 0, method="occlusion")
        own = slice(crop, length - crop)
        np.testing.assert_allclose(found.per_crop[crop, own], alone.base_scores, atol=1e-6)
        assert np.isnan(found.per_crop[crop]).sum() == 2 * crop
    assert found.words == "4 crops of both ends"
    with pytest.raises(InputError, match=r"6 bases is too short for 8 left crops.* at most 3"):
        average_offsets(enc, bases[:6], 0, method="occlusion", crops=8)
    for text in ("NNNNNNNA", "ANNNNNNN"):  # each crop but the whole has nothing known
        with pytest.raises(InputError, match="at most 1"):
            average_offsets(enc, text, 0, method="occlusion", crops=2)


def test_an_anchor_that_crops_would_move_is_told(anchored, bases) -> None:
    enc = anchored(10)
    with pytest.raises(InputError, match="reads a site 10 bases from the left end, which crops"):
        average_offsets(enc, bases[:40], 0, method="occlusion", crops=2)
    card = scorecard(enc, bases[:40], 0, method="occlusion", twins=1, orders=1, mutated=10)
    assert card.offsets is None


def test_white_space_is_no_base(classifier, bases) -> None:
    spaced = f"{bases[:2]} \n{bases[2:40]}"
    found = average_offsets(classifier, spaced, 0, method="occlusion", crops=4)
    plain = average_offsets(classifier, bases[:40], 0, method="occlusion", crops=4)
    np.testing.assert_allclose(found.scores, plain.scores, atol=1e-6)
    letters = [0, 1, *range(4, 42)]
    absent = np.isnan(found.per_crop[:, letters])
    np.testing.assert_array_equal(absent, np.isnan(plain.per_crop))


def test_progress_counts_up_and_can_cancel(classifier, bases) -> None:
    seen = []
    average_offsets(
        classifier,
        bases[:50],
        0,
        method="occlusion",
        crops=3,
        progress=lambda *both: seen.append(both),
    )
    assert seen[-1][0] == seen[-1][1]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert len({total for _, total in seen}) == 1

    def cancel(done, total):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        average_offsets(classifier, bases[:50], 0, progress=cancel)


@pytest.mark.parametrize(
    ("length", "arguments", "message"),
    [
        (50, {"crops": 1}, "at least 2 are needed"),
        (6, {"crops": 8}, "6 bases is too short for 8 left crops: ask for at most 5"),
        (50, {"method": "magic"}, "Method 'magic' is unknown"),
        (50, {"method": "feature_ablation", "groups": [(0, 3)]}, "leave groups out"),
        (50, {"target": 7}, "Class 7 is out of range"),
    ],
)
def test_bad_input_is_one_clear_sentence(classifier, bases, length, arguments, message) -> None:
    with pytest.raises(InputError, match=message):
        average_offsets(classifier, bases[:length], **arguments)


def test_a_span_near_the_left_edge_limits_the_crops(enc, bases) -> None:
    with pytest.raises(InputError, match="begins at base 4: ask for at most 4"):
        average_offsets(enc, bases[:50], (3, 9), crops=5)
    found = average_offsets(enc, bases[:50], (3, 9), method="saliency", crops=4)
    assert found.crops == 4


def test_results_are_frozen(enc) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        made(enc, [[1, 2, 3, 4]]).method = "other"
