import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from dnabert2_explore.errors import Cancelled, InputError, LibraryError, warn
from dnabert2_explore.sequences import Sequence, UnknownBasesWarning
from dnabert2_explore.widgets.attribution.tasks import Failure, Task
from dnabert2_explore.widgets.core.controls import Message
from dnabert2_explore.widgets.core.explorer import Explorer
from dnabert2_explore.widgets.core.jobs import Job, JobBar, Worker


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


def test_what_work_warns_of_stands_in_its_view():
    """From a thread it stood under whatever cell ran last, or was a failure of another's view."""

    class Named(Explorer):
        """Says how far it is, as views do."""

        def _draw(self):
            """Draw nothing."""

    view, warned, go_on = Named(None, []), threading.Event(), threading.Event()

    def work(progress):
        warn("Of 4 bases, 4 are N", UnknownBasesWarning)  # views show the numbers
        warn("A slower way & none <faster>")
        warn("A slower way & none <faster>")
        warned.set()
        go_on.wait(10)

    view._start("working", work, lambda result: view.say("Done."))
    assert warned.wait(10)
    assert view._message.value == "A slower way &amp; none &lt;faster&gt;"
    go_on.set()
    view.wait(10)
    assert view._message.value == "Done. A slower way &amp; none &lt;faster&gt;"
    assert "dx-error" not in view._message._dom_classes
    view._guarded(lambda: warn("drawn roughly"))
    assert view._message.value.endswith("drawn roughly")


def test_warnings_of_an_action_go_with_the_next_and_those_of_work_stay():
    view = Explorer(None, [])
    for number in range(3):
        view._guarded(lambda number=number: warn(f"{number} peaks"))
    assert view._message.value == "2 peaks"
    view._guarded(lambda: warn("zoomed"), anew=False)
    assert view._message.value == "2 peaks zoomed"

    def outer():
        warn("outer")
        view._guarded(lambda: warn("inner"))

    view._guarded(outer)
    assert view._message.value == "outer inner"
    view._guarded(lambda: None)
    assert view._message.value == ""
    assert view._message.layout.display == "none"
    view._start("working", lambda progress: warn("roughly"), lambda _: None)
    view.wait()
    view._guarded(lambda: None)
    assert view._message.value == "roughly"
    view._start("working", lambda progress: None, lambda _: None)
    view.wait()
    assert view._message.value == ""


def test_warnings_of_work_stay_while_the_next_piece_of_it_runs_and_go_with_its_sequence():
    view = Explorer(None, [])
    view._changed = lambda changed: None
    view.selection.add([Sequence("one", "ACGT"), Sequence("two", "ACGTT")], "mine")

    def first_done(_result):
        view._start("twin", lambda progress: warn("the twin, roughly"), lambda _: None)

    view._start("model", lambda progress: warn("memory ran out"), first_done)
    view.wait()
    assert view._message.value == "memory ran out the twin, roughly"
    for _ in range(3):  # once, however often it is drawn
        view._guarded(lambda: warn("small"), anew=False)
    assert view._message.value == "memory ran out the twin, roughly small"
    view.selection.update(index=0 if view.selection.index else 1)
    assert view._message.value == ""


def test_the_result_of_a_worker_is_waited_for_until_it_is_taken():
    view, taking, taken = Explorer(None, []), threading.Event(), []

    def done(result):
        taking.set()
        time.sleep(0.2)  # as drawing it does
        taken.append(result)

    worker = Worker(view._guarded, pytest.fail, view.selection.lock)
    worker.start("working", lambda progress: 3, done)
    assert taking.wait(10)
    worker.wait()
    assert taken == [3]


def test_work_may_warn_while_a_handler_speaks():
    message, stop = Message(), threading.Event()
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def works():
        number = 0
        while not stop.is_set():
            message.warn(f"{number % 7} left", f"source {number % 5}")
            number += 1

    try:
        with ThreadPoolExecutor(1) as pool:
            working = pool.submit(works)
            for number in range(400):
                message.forget(f"source {number % 5}")
                message.say(f"{number}")
            stop.set()
            working.result(20)
    finally:
        sys.setswitchinterval(before)
    assert message.value.startswith("399")


def test_what_was_warned_of_stands_beside_what_went_wrong():
    def broken(*_progress):
        warn("The file has no end")
        raise InputError("It cannot be read")

    view, said = Explorer(None, []), []
    for act in (lambda: view._guarded(broken), lambda: view._start("reading", broken, said.append)):
        act()
        view.wait()
        assert view._message.value == "It cannot be read The file has no end"
        assert "dx-error" in view._message._dom_classes
        view._message.forget("action")
    worker = Worker(view._guarded, said.append, view.selection.lock)
    worker.start("reading", broken, pytest.fail)
    worker.wait(10)
    assert said == ["It cannot be read The file has no end"]


def test_work_that_is_only_beginning_is_waited_for(monkeypatch):
    view, done = Explorer(None, []), []
    start = threading.Thread.start

    def slow(thread):
        time.sleep(0.1)  # on a busy machine
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", slow)
    view._start(
        "first",
        lambda progress: 1,
        lambda _: view._start("second", lambda progress: 2, done.append),
    )
    view.wait()
    assert done == [2]


def test_work_of_panels_warns_in_the_view_they_stand_in():
    view = Explorer(None, [])
    worker = Worker(view._guarded, pytest.fail, view.selection.lock)
    worker.start("working", lambda progress: warn("by a guess"), lambda result: None)
    worker.wait(10)
    assert view._message.value == "by a guess"


def test_a_panic_of_a_rust_library_is_handed_over_and_the_bar_goes():
    """pyo3's PanicException is a BaseException: it ended the thread, and the bar stayed."""

    class PanicException(BaseException):
        """As pyo3 calls it; each library has its own."""

    def work(progress):
        raise PanicException("no entry found for key\nbacktrace")

    bar, got = JobBar(), []
    job = Job(work, pytest.fail, got.append, bar=bar).start()
    job.wait(10)
    assert [type(error) for error in got] == [LibraryError]
    assert "no entry found for key" in str(got[0])
    assert bar.layout.display == "none"


def test_a_panic_in_one_part_or_in_a_handler_is_shown_there():
    class PanicException(BaseException):
        """As pyo3 calls it."""

    def broken(*_arguments):
        raise PanicException("index out of bounds")

    failed = Task("key", "what", broken).run(lambda done, total: None)
    assert isinstance(failed, Failure)
    assert "index out of bounds" in failed.why
    view = Explorer(None, [])
    view._guarded(broken)
    assert "index out of bounds" in view._message.value

    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        view._guarded(interrupted)
