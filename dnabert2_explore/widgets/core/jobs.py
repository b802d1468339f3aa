"""Long work beside the views: in a thread, counted, and stopped when it is not wanted any more."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable, Iterable
from html import escape
from typing import Any, Generic, TypeVar
from weakref import WeakSet

import ipywidgets

from ...common.progress import Progress
from ...errors import Cancelled, ExploreError, caught_warnings, panics_told, warn
from ...results.origins import unrecorded
from ...sequences import UnknownBasesWarning
from .controls import Guard, button, part, show

__all__ = ["Job", "JobBar", "Worker", "sentence", "shown_warnings"]

T = TypeVar("T")

_guard = threading.Lock()
_running: WeakSet[Job[Any]] = WeakSet()


@atexit.register
def _end_all() -> None:
    # A thread that still computes while the interpreter is taken down makes torch abort it.
    with _guard:
        jobs = list(_running)
    for job in jobs:
        job.cancel()
    for job in jobs:
        job.wait(10)


def shown_warnings(told: Iterable[Warning]) -> str:
    """Warnings as HTML, each once; not those about unknown bases, whose numbers a view shows."""
    texts = [str(one) for one in told if not isinstance(one, UnknownBasesWarning)]
    return " ".join(escape(text) for text in dict.fromkeys(texts))


class Job(Generic[T]):
    """One piece of work in a thread.

    `work` is called as work(progress); progress(done, total) raises `Cancelled` once the job is
    cancelled. Unless it was, `done` is called with the result, or `failed` with the exception, in
    the thread, while `lock` is held. `bar` shows the progress of `what` is done.
    """

    def __init__(
        self,
        work: Callable[[Progress], T],
        done: Callable[[T], None],
        failed: Callable[[Exception], None],
        *,
        bar: JobBar | None = None,
        what: str = "working",
        lock: Any = None,
    ) -> None:
        self._work, self._done, self._failed = work, done, failed
        self._bar, self._what = bar, what
        self._lock = lock or threading.RLock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"dnabert2: {what}", daemon=True)

    def start(self) -> Job[T]:
        """Begin."""
        if self._bar is not None:
            self._bar.follow(self, self._what)
        with _guard:  # nobody finds it there before it can be waited for
            _running.add(self)
            self._thread.start()
        return self

    def cancel(self) -> None:
        """Stop at the next report of progress; nothing is called back."""
        self._stop.set()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._stop.is_set()

    @property
    def running(self) -> bool:
        """Whether the thread is alive."""
        return self._thread.is_alive()

    def wait(self, timeout: float | None = None) -> None:
        """Block until the work has ended and its result was applied."""
        self._thread.join(timeout)

    def _progress(self, done: int, total: int) -> None:
        if self._stop.is_set():
            raise Cancelled("Cancelled.")
        if self._bar is not None:
            self._bar.report(self, done, total)

    def _run(self) -> None:
        try:
            with panics_told(), unrecorded():
                result = self._work(self._progress)
        except Cancelled:
            outcome: Callable[[], None] = lambda: None  # noqa: E731
        except Exception as error:  # shown in the view: a thread has nobody above it to tell
            problem = error
            outcome = lambda: self._failed(problem)  # noqa: E731
        else:
            outcome = lambda: self._done(result)  # noqa: E731
        with self._lock:
            if not self._stop.is_set():
                outcome()
        if self._bar is not None:
            self._bar.leave(self)
        with _guard:
            _running.discard(self)


def sentence(error: BaseException) -> str:
    """Error as HTML: one sentence, with the kind of error folded below it unless it is ours."""
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, ExploreError):
        return escape(text)
    return (
        f"This did not work: {escape(text)}"
        f"<details><summary>details</summary><code>{escape(type(error).__name__)}: "
        f"{escape(text)}</code></details>"
    )


class JobBar(ipywidgets.HBox):
    """A slim line: what runs, how far it is in numbers, and Cancel. Hidden while nothing runs.

    Classes: ``dx-job``; its button ``dx-cancel``.
    """

    DELAY = 0.25  # seconds: what is quicker needs no bar
    PACE = 0.1

    def __init__(self, cancelled: Callable[[], None] | None = None) -> None:
        self._text = part("dx-job-text")
        self._button = button("Cancel", "dx-cancel", "Stop this work", self._on_cancel)
        self._on_cancelled = cancelled
        super().__init__([self._text, self._button])
        self.add_class("dx-job")
        show(self, False)
        self._own = threading.Lock()
        self._timer = threading.Timer(0.0, lambda: None)
        self._job: Job[Any] | None = None
        self._what = ""
        self._began = self._last = 0.0

    def follow(self, job: Job[Any], what: str) -> None:
        """Show `job` from now on, if it takes longer than a moment."""
        with self._own:
            self._job, self._what, self._began, self._last = job, what, time.monotonic(), 0.0
            self._text.value = f"{escape(what)} …"
            self._timer.cancel()
            self._timer = threading.Timer(self.DELAY, self._appear, [job])
            self._timer.daemon = True
            self._timer.start()

    def report(self, job: Job[Any], done: int, total: int) -> None:
        """Show how far `job` is."""
        now = time.monotonic()
        with self._own:
            if job is not self._job or now - self._last < self.PACE:
                return
            self._last = now
            if not total:  # work that cannot say how far it is says how long it has taken
                self._text.value = f"{escape(self._what)}: {now - self._began:.0f} s so far"
                return
            left = (now - self._began) / done * (total - done) if done else None
            rest = f" · about {left:.0f} s left" if left is not None and left >= 1 else ""
            self._text.value = (
                f"<progress max='{max(total, 1)}' value='{done}'></progress> "
                f"{escape(self._what)}: {done:,} of {total:,}{rest}"
            )

    def leave(self, job: Job[Any]) -> None:
        """Hide, if `job` is still what is shown."""
        with self._own:
            if job is self._job:
                self._job = None
                self._timer.cancel()  # which would keep the bar, and its view, a moment longer
                show(self, False)

    def _appear(self, job: Job[Any]) -> None:
        with self._own:
            if job is self._job:
                show(self, True)

    def _on_cancel(self) -> None:
        job = self._job
        if job is not None:
            job.cancel()
            self.leave(job)
            if self._on_cancelled is not None:
                self._on_cancelled()


class Worker:
    """Does one piece of work at a time in the background, the newest in place of the others.

    `guarded` runs an action and shows what goes wrong, and what is warned of; `failed` is called
    with what went wrong in the work, as HTML; `lock` is held while results are taken; `cancelled`
    is called when a person cancels. `bar` shows how far it is.
    """

    def __init__(
        self,
        guarded: Guard,
        failed: Callable[[str], None],
        lock: Any,
        cancelled: Callable[[], None] = lambda: None,
    ) -> None:
        self._guarded, self._failed, self._lock = guarded, failed, lock
        self._cancelled = cancelled
        self._job: Job[Any] | None = None
        self._latest: Job[Any] | None = None  # also while its result is taken
        self.bar = JobBar(self._on_cancel)

    def start(
        self, what: str, work: Callable[[Progress], Any], done: Callable[[Any], None]
    ) -> None:
        """Do `work`, called `what` in the bar, and then `done` with its result."""
        told: list[Warning] = []

        def remembered(progress: Progress) -> Any:
            # A warning from a thread would stand under whatever cell ran last, or in a log.
            with caught_warnings(hear=told.append):
                return work(progress)

        def finished(result: Any) -> None:
            self._job = None  # what comes next does not wait for this one's thread to end
            self._guarded(lambda: taken(result))

        def taken(result: Any) -> None:
            done(result)
            for one in told:
                warn(str(one), type(one))

        def failed(error: Exception) -> None:
            self._failed(f"{sentence(error)} {shown_warnings(told)}".strip())

        self.stop()
        job = Job(remembered, finished, failed, bar=self.bar, what=what, lock=self._lock)
        with self._lock:  # it does not end before it is known
            self._job = self._latest = job.start()

    def stop(self) -> None:
        """Cancel what is done."""
        if self._job is not None:
            self._job.cancel()
            self._job = self._latest = None

    @property
    def busy(self) -> bool:
        """Whether work is going on."""
        return self._job is not None and self._job.running

    def wait(self, timeout: float | None = None) -> None:
        """Block until nothing is done any more (for scripts and tests)."""
        while (job := self._latest) is not None:
            job.wait(timeout)
            if self._latest is job:
                return

    def _on_cancel(self) -> None:
        self._job = self._latest = None
        self._cancelled()
