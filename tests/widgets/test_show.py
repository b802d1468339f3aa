"""`show` opens the explorer that fits, on the same sequence, with the model that made it."""

from __future__ import annotations

import dataclasses

import pytest

import dnabert2_explore as dx
from dnabert2_explore.errors import InputError


def test_tokens_and_attention_open_on_their_sequence():
    enc = dx.load("pocket")
    bases = "ACGTTGCATTAGCATGCAATCCGA"
    for result, kind in (
        (enc.tokenize(bases), dx.TokenExplorer),
        (dx.attend(enc, bases), dx.AttentionExplorer),
    ):
        view = dx.show(result)
        assert isinstance(view, kind)
        assert view.selection.current.bases == bases
        view.wait(20)


def test_an_attribution_opens_with_its_method_and_target():
    splice, site = dx.load("pocket-splice"), dx.demo.splice()[0]
    why = dx.attribute(splice, site, "acceptor", method="occlusion")
    view = dx.show(why)
    assert isinstance(view, dx.AttributionExplorer)
    assert (view.method.value, view.target.value) == ("occlusion", "acceptor")
    assert view.enc.name == "pocket-splice"
    view.wait(20)
    with pytest.raises(InputError, match="'mine' made this: give it"):
        dx.show(dataclasses.replace(why, model="mine · 3 M parameters"))


def test_what_no_explorer_shows():
    with pytest.raises(InputError, match="no explorer for an int: give what a call"):
        dx.show(3)
