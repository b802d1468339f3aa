"""Warnings name the line of whoever called, however many wrappers stand between."""

import warnings

import pytest

import dnabert2_explore as dx
from dnabert2_explore.errors import ExploreWarning, warn


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
