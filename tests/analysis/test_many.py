"""Calls that take one sequence take several, in order, with one progress bar."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore.analysis.many import one_or_many
from dnabert2_explore.errors import Cancelled, InputError


@pytest.mark.parametrize(
    ("call", "what", "settings"),
    [
        (dx.attribute, "base_scores", {"method": "occlusion"}),
        (dx.saturation_mutagenesis, "effects", {"region": (98, 102), "approximate": False}),
        (dx.attend, "queries", None),
    ],
)
def test_several_are_as_each_alone(call, what, settings):
    splice, sites = dx.load("pocket-splice"), dx.demo.splice()[:3]
    arguments = {} if settings is None else {"target": "donor", **settings}
    seen = []
    found = call(splice, sites, progress=lambda *both: seen.append(both), **arguments)
    assert len(found) == 3
    for one, site in zip(found, sites, strict=True):
        alone = call(splice, site.bases, **arguments)
        np.testing.assert_allclose(getattr(one, what), getattr(alone, what), atol=1e-5)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert {total for _, total in seen} == {3000}
    assert seen[-1] == (3000, 3000)


def test_a_fault_says_which_sequence_and_a_cancel_goes_through():
    splice = dx.load("pocket-splice")
    with pytest.raises(InputError, match="Sequence 2 of 2: "):
        dx.attend(splice, ["ACGTACGT", " "])

    def stop(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        dx.attend(splice, ["ACGTACGT", "ACGT"], progress=stop)
    with pytest.raises(InputError, match="There are no sequences"):
        dx.attend(splice, [])


def test_scorecards_of_several():
    splice, sites = dx.load("pocket-splice"), dx.demo.splice()[:2]
    few = {"crops": 2, "twins": 1, "orders": 2, "mutated": 10}
    cards = dx.scorecard(splice, sites, "donor", method="occlusion", **few)
    assert [one.attribution.tokens.bases for one in cards] == [s.bases for s in sites]


def test_it_keeps_its_signature_and_words():
    @one_or_many
    def call(enc, sequences, target=None, *, progress=None):
        """Do."""
        return sequences, target

    assert list(inspect.signature(call).parameters) == ["enc", "sequences", "target", "progress"]
    assert call.__doc__ == "Do."
    assert call(None, "AC", 3) == ("AC", 3)
    assert call(None, iter(["AC", "GT"]), 3) == [("AC", 3), ("GT", 3)]
