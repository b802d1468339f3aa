"""Warnings name the line of whoever called, and threads neither hear nor hush one another's."""

import ast
import contextlib
import contextvars
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import dnabert2_explore as dx
from dnabert2_explore.errors import ExploreWarning, caught_warnings, silenced, warn
from dnabert2_explore.sequences import UnknownBasesWarning


@pytest.fixture
def pocket():
    return dx.load("pocket", cache=False)


@pytest.mark.parametrize(
    "call",
    [
        lambda enc: warn("so be it"),
        lambda enc: enc.embed(["ACGTNNNNACGTAC"]),
        lambda enc: dx.attend(enc, "ACGTNNNNACGTAC"),
        lambda enc: dx.dependency_map(enc, "ACGTNNNNACGTACGTTGCA", (0, 3)),
    ],
    ids=["itself", "method", "one or many", "cost and origin"],
)
def test_a_warning_is_for_the_line_that_called(pocket, call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ExploreWarning)
        call(pocket)
    assert caught
    assert {one.filename for one in caught} == {__file__}


def _in_turn(first, second):
    """Enter `first`, enter `second`, leave `first`, leave `second`: in two threads."""
    entered, within, left = threading.Event(), threading.Event(), threading.Event()

    def other():
        entered.wait(10)
        with second:
            within.set()
            left.wait(10)

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(other)
        with first:
            entered.set()
            within.wait(10)
        left.set()
        done.result()


def test_what_two_threads_silence_is_heard_afterwards() -> None:
    """`warnings.catch_warnings` of two threads left the filters of one of them for good."""
    _in_turn(silenced(UserWarning), silenced(FutureWarning))
    for category in (UserWarning, FutureWarning):
        with warnings.catch_warnings(record=True) as told:
            warnings.warn("loud", category, stacklevel=1)
        assert [one.category for one in told] == [category]
    with pytest.raises(ExploreWarning, match="loud"):  # an error, by pyproject.toml
        warn("loud")


def test_filters_that_another_thread_brings_back_do_not_stay() -> None:
    """As scikit-learn does, whose fits restore the list they found."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a user's own, of the same kind
        users = warnings.filters[0]
        before = list(warnings.filters)
        with silenced(UserWarning), silenced(FutureWarning, "so"):
            within = list(warnings.filters)
            warnings.filters[:] = before
            with silenced(FutureWarning, "so"):
                assert warnings.filters[:2] == within[:2]
        assert warnings.filters == before
        warnings.filters[:] = within
        warnings.filters.remove(users)
        with pytest.warns(UserWarning, match="loud"):  # what is there still matches nothing
            warnings.warn("loud", UserWarning, stacklevel=1)
        warnings.filters[:] = [*within[:2], *before]
        with silenced(RuntimeWarning):
            pass
        assert warnings.filters == before


def test_a_generator_that_is_closed_elsewhere_leaves_no_filter() -> None:
    def within():
        with silenced(UserWarning):
            yield

    before = list(warnings.filters)
    one = within()
    contextvars.copy_context().run(next, one)
    with contextlib.suppress(ValueError):  # the context is another's
        one.close()
    assert warnings.filters == before


def test_a_fit_of_scikit_learn_is_silenced() -> None:
    """It sets the filters anew from the list it finds, by their patterns."""
    import numpy as np
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    x = np.random.default_rng(0).normal(size=(40, 30))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with silenced(ConvergenceWarning, "lbfgs failed"):
            LogisticRegression(max_iter=1).fit(x, np.arange(40) % 2)
        with pytest.raises(ConvergenceWarning):
            LogisticRegression(max_iter=1).fit(x, np.arange(40) % 2)


def test_a_thread_is_heard_while_another_catches() -> None:
    with ThreadPoolExecutor(1) as pool:
        with caught_warnings() as told, silenced(ExploreWarning), pytest.raises(ExploreWarning):
            pool.submit(warn, "from elsewhere").result()
        assert told == []


def test_what_is_caught_is_caught_whatever_becomes_of_the_filters() -> None:
    """Filters that another thread restored meanwhile made failures of a view's warnings."""
    heard: list[Warning] = []
    with (
        warnings.catch_warnings(),
        caught_warnings(UnknownBasesWarning, heard.append) as told,
        silenced(UserWarning, "a"),
    ):
        warnings.resetwarnings()
        warnings.simplefilter("error")
        warn("so be it", UnknownBasesWarning)
        warn("A whisper, in any case")
        with pytest.raises(ExploreWarning, match="loud"):
            warn("loud")
    assert [str(one) for one in told] == ["so be it"]
    assert heard == told


def test_silence_is_for_a_kind_and_a_beginning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with silenced(UserWarning, "n_jobs"):
            warnings.warn("n_jobs value", ExploreWarning, stacklevel=1)
            with pytest.raises(FutureWarning):
                warnings.warn("n_jobs value", FutureWarning, stacklevel=1)
            with pytest.raises(UserWarning):
                warnings.warn("no n_jobs", UserWarning, stacklevel=1)
        with pytest.raises(UserWarning):
            warnings.warn("n_jobs value", UserWarning, stacklevel=1)


def test_only_the_command_line_sets_filters_of_the_process() -> None:
    """Everything else may run in a thread beside others."""
    package = Path(dx.__file__).parent
    names = {"catch_warnings", "simplefilter", "filterwarnings", "resetwarnings"}
    found = [
        f"{path.relative_to(package)}:{node.lineno}"
        for path in sorted(package.rglob("*.py"))
        if path.relative_to(package).parts[0] != "cli"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in names
    ]
    assert found == []
