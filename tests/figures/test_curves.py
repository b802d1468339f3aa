import math

import pytest

from dnabert2_explore.figures import Interval, finetune_curves, pretrain_curves
from dnabert2_explore.figures.training.curves import spread

POINTS = [
    {"step": 5, "train_loss": 1.4, "dev_loss": 1.3, "mcc": 0.1, "best": True},
    {"step": 10, "train_loss": 1.1, "dev_loss": 1.0, "mcc": 0.4, "best": True},
    {"step": 15, "train_loss": 0.7, "dev_loss": 1.2, "mcc": float("nan"), "best": False},
]
COMPARED = [Interval("this model", 0.6, 0.5, 0.7, True), Interval("majority", 0.0, 0.0, 0.0)]


def by_name(figure):
    return {trace.name: trace for trace in figure.data}


def texts(figure):
    return [note.text for note in figure.layout.annotations]


def test_the_kept_step_is_the_last_that_was_best():
    figure = finetune_curves(POINTS, steps=20)
    traces = by_name(figure)
    assert list(traces["kept"].x) == [10]
    assert list(traces["kept"].y) == [1.0]
    assert list(traces["kept score"].y) == [0.4]
    assert "kept: step 10" in texts(figure)
    assert figure.layout.shapes[0].x0 == 10
    assert "best so far: step 10" in texts(finetune_curves(POINTS, running=True))


def test_undefined_scores_leave_a_gap():
    assert list(by_name(finetune_curves(POINTS))["dev score"].x) == [5, 10]


def test_the_axis_of_a_run_in_progress_already_holds_its_end():
    assert finetune_curves(POINTS[:1], steps=200).layout.xaxis.range[1] >= 200


def test_scores_on_test_have_their_intervals():
    traces = by_name(finetune_curves(POINTS, compared=COMPARED))
    trace, interval = traces["test"], traces["interval"]
    assert list(trace.x) == list(interval.x) == [0.6, 0.0]
    assert list(interval.error_x.array) == pytest.approx([0.1, 0.0])
    assert list(interval.error_x.arrayminus) == pytest.approx([0.1, 0.0])
    assert trace.customdata[0][0] == "this model"


def test_an_undefined_score_is_left_out():
    compared = [*COMPARED, Interval("constant", math.nan, math.nan, math.nan)]
    assert len(by_name(finetune_curves(POINTS, compared=compared))["test"].x) == 2


def test_errors_may_exceed_one():
    points = [{"step": 1, "dev_loss": 80.0, "rmse": 9.0, "best": True}]
    figure = finetune_curves(points, metric="rmse", compared=[Interval("this model", 9, 8, 11)])
    assert figure.layout.xaxis2.range[1] > 11
    assert figure.layout.yaxis2.range is None


def test_a_narrow_figure_stacks_its_panels():
    wide, narrow = (finetune_curves(POINTS, compared=COMPARED, width=w) for w in (1000, 500))
    assert wide.layout.xaxis2.domain[0] > wide.layout.xaxis.domain[1]
    assert narrow.layout.yaxis3.domain[1] < narrow.layout.yaxis2.domain[0]


def test_nothing_yet_is_a_figure_too():
    assert "wait" in texts(finetune_curves([], waiting="wait"))
    assert list(by_name(finetune_curves([]))["kept"].x or ()) == []


def test_every_held_out_species_has_its_curve_and_its_name():
    log = [{"step": s, "loss": 5 - s / 10, "tokens_per_second": 9e3, "learning_rate": 1e-3}
           for s in (1, 2, 3)]  # fmt: skip
    rows = [{"step": 2, "species": name, "loss": 4.9, "accuracy": 0.02} for name in ("a", "b_c")]
    figure = pretrain_curves(log, rows, reference={"guess": 5.5}, steps=10)
    traces = by_name(figure)
    assert list(traces) == ["training", "a", "b_c", "speed", "learning rate"]
    assert {"a", "b c", "training", "guess"} <= set(texts(figure))
    assert traces["a"].line.color != traces["b_c"].line.color
    places = {note.text: note.y for note in figure.layout.annotations}
    assert abs(places["a"] - places["b c"]) > 0.01  # the same value, two readable labels
    by_accuracy = pretrain_curves(log, rows, held_out="accuracy", reference={"guess": 5.5})
    assert list(by_name(by_accuracy)["a"].y) == [0.02]
    assert "guess" not in texts(by_accuracy)


def test_labels_keep_their_order_and_distance():
    places = spread([3.0, 1.0, 1.1, 1.05], gap=0.5, low=0.0, high=4.0)
    assert sorted(places) == [places[1], places[3], places[2], places[0]]
    assert min(b - a for a, b in zip(sorted(places), sorted(places)[1:], strict=False)) >= 0.499
    crowded = spread([9.0] * 30, gap=1.0, low=0.0, high=10.0)
    assert min(crowded) >= -1e-9
    assert max(crowded) <= 10 + 1e-9


@pytest.mark.parametrize("width", [560, 1000, 1340])
def test_the_name_of_the_training_curve_fits_beside_it(width):
    figure = pretrain_curves([{"step": 5, "loss": 5.0}, {"step": 9, "loss": 4.9}], width=width)
    (note,) = [one for one in figure.layout.annotations if one.text == "training"]
    margin = figure.layout.margin
    room = (1 - note.x) * (width - margin.l - margin.r) + margin.r
    assert room > 8 * 6.6  # letters of 11 px
