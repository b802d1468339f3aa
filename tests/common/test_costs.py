"""What takes long says so before most of it is done."""

import inspect
import threading

import pytest

import dnabert2_explore as dx
from dnabert2_explore.common import costs
from dnabert2_explore.common.costs import Teller, expect_cost, say_cost, says_cost, untold
from dnabert2_explore.encoder.passes import cost


class Clock:
    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(costs.time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def test_the_cost_is_told_from_the_first_steps(clock, capsys):
    told = Teller("scan")
    for done in range(1, 60):
        clock.now += 1.0
        told(done, 400)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "scan takes about 7 min; Ctrl-C stops it"
    assert lines[1] == "scan: 32 of 400, about 6 min left"
    assert len(lines) == 2


def test_what_a_formula_tells_is_said_once_and_before(clock, capsys):
    told = Teller("train")
    expect_cost(told, 9.0)
    expect_cost(None, 900.0)
    expect_cost(lambda done, total: None, 900.0)
    assert capsys.readouterr().err == ""
    expect_cost(told, 240.0)
    assert capsys.readouterr().err == "train takes about 4 min; Ctrl-C stops it\n"
    for done in range(1, 60):
        clock.now += 1.0
        told(done, 400)
    assert capsys.readouterr().err == "train: 30 of 400, about 6 min left\n"


def test_what_comes_before_the_first_of_many_steps_is_not_their_pace(clock, capsys):
    """Reading genomes for two minutes made 400 steps of a second "about 774 min"."""
    told = Teller("pretrain")
    clock.now += 120.0
    for done in range(1, 4):
        clock.now += 1.0
        told(done, 400)
    assert capsys.readouterr().err == "pretrain takes about 7 min; Ctrl-C stops it\n"


def test_what_is_over_soon_says_nothing(clock, capsys):
    told = Teller("scan")
    for done in range(1, 9):
        clock.now += 1.0
        told(done, 8)
    assert capsys.readouterr().err == ""


def test_a_run_that_goes_on_is_judged_by_what_it_does_now(clock, capsys):
    told = Teller("embed", "bases")
    for done in range(900, 1000, 10):
        clock.now += 10.0
        told(done, 1000)
    assert capsys.readouterr().err.startswith("embed takes about 2 min;")


@says_cost
def work(n, progress=None):
    """Take a hundred steps."""
    for done in range(n):
        if progress is not None:
            progress(done, n)
    if n > 10:
        work(10)
    return progress


def test_only_what_a_person_called_tells(capsys):
    assert isinstance(work(20), Teller)
    own = lambda done, total: None  # noqa: E731
    assert work(3, progress=own) is own
    assert work(3, own) is own
    with untold():
        assert work(3) is None
    found = []
    thread = threading.Thread(target=lambda: found.append(work(3)))
    thread.start()
    thread.join()
    assert found == [None]  # a view's work: the view tells
    say_cost("UMAP", 21.0)
    say_cost("UMAP", 9.0)
    assert capsys.readouterr().err == "UMAP takes about 21 s; Ctrl-C stops it\n"


def test_what_is_cancelled_from_the_keyboard_leaves_the_next_call_alone():
    def stopped(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work(3, progress=stopped)
    assert isinstance(work(3), Teller)


def public_calls():
    for name in dx.__all__:
        found = getattr(dx, name)
        if inspect.isclass(found):
            yield from (
                (f"{name}.{key}", one)
                for key, one in vars(found).items()
                if inspect.isfunction(one) and not key.startswith("_")
            )
        elif inspect.isfunction(found):
            yield name, found


def wrappers(call):
    """Code of a call and of all that it wraps."""
    found = [call.__code__]
    while hasattr(call, "__wrapped__"):
        call = call.__wrapped__
        found.append(call.__code__)
    return found


def test_every_public_call_that_can_say_how_far_it_is_says_its_cost():
    silent = [
        name
        for name, call in public_calls()
        if "progress" in inspect.signature(call).parameters and work.__code__ not in wrappers(call)
    ]
    assert silent == []


def test_an_estimate_grows_with_passes_and_length(classifier_folder):
    enc = dx.load(classifier_folder, device="cpu")
    one = cost.measured_seconds(enc, 200)
    assert one > 0
    assert cost.measured_seconds(enc, 200, 10) == pytest.approx(10 * one)
    assert cost.measured_seconds(enc, 400) > 2 * one
    assert cost.surely_quick(enc, 200)
