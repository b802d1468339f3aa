import threading
import warnings

import pytest

from dnabert2_explore.errors import Cancelled
from dnabert2_explore.sequences import UnknownBasesWarning
from dnabert2_explore.widgets.jobs import Job, JobBar, quiet


def test_the_result_is_handed_over():
    got = []
    Job(lambda progress: 7, got.append, got.append).start().wait(10)
    assert got == [7]


def test_a_failure_is_handed_over():
    got = []

    def work(progress):
        raise ValueError("no")

    Job(work, pytest.fail, got.append).start().wait(10)
    assert [str(error) for error in got] == ["no"]


def test_cancelling_stops_at_the_next_report_and_calls_nobody():
    begun, go_on, seen = threading.Event(), threading.Event(), []

    def work(progress):
        begun.set()
        go_on.wait(10)
        try:
            progress(1, 2)
        except Cancelled as error:
            seen.append(error)
            raise
        return 1

    job = Job(work, pytest.fail, pytest.fail).start()
    assert begun.wait(10)
    job.cancel()
    go_on.set()
    job.wait(10)
    assert len(seen) == 1


def test_the_bar_counts_and_goes():
    bar = JobBar()
    texts = []

    def work(progress):
        progress(3, 12)
        texts.append(bar.children[0].value)

    Job(work, lambda _result: None, pytest.fail, bar=bar, what="counting").start().wait(10)
    assert "counting: 3 of 12" in texts[0]
    assert bar.layout.display == "none"


def test_the_cancel_button_cancels():
    bar_told = []
    bar = JobBar(lambda: bar_told.append(True))
    go_on = threading.Event()

    def work(progress):
        go_on.wait(10)
        progress(1, 2)

    job = Job(work, pytest.fail, pytest.fail, bar=bar).start()
    bar.children[1].click()
    go_on.set()
    job.wait(10)
    assert job.cancelled
    assert bar_told == [True]


def test_quiet_nests_and_leaves_the_filters_as_they_were():
    before = list(warnings.filters)
    with quiet(), quiet():
        warnings.warn("4 N", UnknownBasesWarning, stacklevel=1)
    assert list(warnings.filters) == before
