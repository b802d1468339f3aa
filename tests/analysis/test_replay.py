"""Merges replayed against the tokenizers library with fewer merges, and by definition."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from tokenizers import Tokenizer

import dnabert2_explore as dx
from dnabert2_explore.errors import InputError
from dnabert2_explore.figures.tokens.merges import merge_tree
from dnabert2_explore.sequences import UnknownBasesWarning


@pytest.fixture(scope="module")
def enc():
    return dx.load("pocket")


def smaller(enc, vocabulary):
    """The library's own tokenizer, of the first merges only."""
    content = json.loads(enc.tokenizer.backend.to_str())
    merges = content["model"]["merges"][: vocabulary - 9]
    kept = {"".join(pair) for pair in merges}
    content["model"]["merges"] = merges
    content["model"]["vocab"] = {
        entry: index
        for entry, index in content["model"]["vocab"].items()
        if len(entry) == 1 or entry.startswith("[") or entry in kept
    }
    return Tokenizer.from_str(json.dumps(content))


@pytest.mark.parametrize("vocabulary", [9, 10, 64, 500, 4096])
@settings(max_examples=15, deadline=None)
@given(st.text("ACGT", min_size=1, max_size=80))
def test_a_smaller_vocabulary_cuts_as_the_library_does(vocabulary, bases):
    enc = dx.load("pocket")
    found = dx.replay_merges(enc, bases)
    tokens = smaller(enc, vocabulary).encode(bases, add_special_tokens=False).tokens
    borders = found.borders(vocabulary)
    assert [bases[a:b] for a, b in pairwise(borders)] == tokens
    assert (np.diff(found.ranks) >= 0).all()


def test_merges_lead_to_the_tokens(enc):
    bases = dx.demo.splice()[0].bases
    found = dx.replay_merges(enc, bases)
    own = [t for t in enc.tokenize(bases).tokens if not t.startswith("[")]
    assert list(found.tokens.tokens) == own
    assert len(found.ranks) == len(bases) - len(own)
    table = found.table()
    assert (table["left"] + table["right"]).map(len).tolist() == (
        table["end"] - table["start"]
    ).tolist()
    order = enc.tokenizer.merges
    assert [order[rank - 1] for rank in table["rank"]] == list(
        zip(table["left"], table["right"], strict=True)
    )


def test_unknown_letters_and_white_space_stay_apart(enc):
    with pytest.warns(UnknownBasesWarning):
        found = dx.replay_merges(enc, " tata aaaNg gtaagt\n")
    text = found.tokens.bases
    for start, border, end in found.spans.tolist():
        assert "N" not in text[start:end]
        assert start < border < end
    assert found.borders(found.smallest + found.size).tolist() == [
        *found.tokens.spans[:, 0].tolist(), len(text)
    ]  # fmt: skip


def test_what_cannot_be_replayed(enc):
    with pytest.raises(InputError, match="20,001 bases are too many"):
        dx.replay_merges(enc, "A" * 20_001)
    with pytest.raises(InputError, match="no bases to replay"):
        dx.replay_merges(enc, "  ")
    found = dx.replay_merges(enc, "TATAAAAG")
    for size in (8, 4097):
        with pytest.raises(InputError, match=f"vocabulary is {size:,}"):
            found.borders(size)


def test_the_tree_is_as_high_as_the_vocabulary(enc):
    found = dx.replay_merges(enc, "TATAAAAGGCGCGCACTGACTGATCG")
    figure = merge_tree(found, vocabulary=64)
    marks = figure.data[2]
    assert len(marks.x) == len(found.ranks)
    np.testing.assert_allclose(2 ** np.asarray(marks.y), found.smallest + found.ranks + 1)
    assert len(figure.data[3].x) == len(found.borders(64)) - 1
    assert len(merge_tree(found).data[3].x) == len(found.tokens)
    with pytest.raises(ValueError, match="too many to tell merges apart"):
        merge_tree(dx.replay_merges(enc, "ACGT" * 100), view=(0, 400))
