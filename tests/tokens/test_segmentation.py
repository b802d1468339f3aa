"""Other segmentations: what they cover, what they depend on, and anchors' places in them."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from dnabert2_explore.encoder import SHIPPED
from dnabert2_explore.errors import CheckpointError, InputError
from dnabert2_explore.tokens import DnaTokenizer
from dnabert2_explore.tokens.segmentation import Segmentation, random_cuts, resegment

from ..conftest import random_bases

FILE = SHIPPED["pocket"] / "tokenizer.json"
DNA = st.text("ACGT", min_size=2, max_size=90)


@pytest.fixture(scope="module")
def tokenizer():
    return DnaTokenizer.from_file(FILE)


def anchored(anchor):
    one = DnaTokenizer.from_file(FILE)
    one.anchor = anchor
    return one


MIDDLE = anchored("middle")


def read(tokenizer, ids):
    """The bases under ids, each [SEP] a bar."""
    named = {tokenizer.cls_id: "", tokenizer.sep_id: "|"}
    return "".join(named[i] if i in named else tokenizer.token(i) for i in ids.tolist())


def own(tokenizer, bases):
    return tokenizer.encode(bases).ids.tolist()


@pytest.mark.parametrize("how", [Segmentation(0.2), Segmentation(0.0, 0.3), Segmentation(0.1, 0.1)])
def test_every_base_is_kept_in_other_tokens(tokenizer, how) -> None:
    texts = [random_bases(n, seed=n) for n in (1, 7, 60, 300)]
    rng = np.random.default_rng(0)
    first, second = (resegment(tokenizer, texts, how, rng) for _ in range(2))
    for one, other, text in zip(first, second, texts, strict=True):
        assert read(tokenizer, one) == read(tokenizer, other) == text + "|"
        assert one[0] == tokenizer.cls_id
    assert first[3].tolist() != second[3].tolist()
    assert len(first[3]) > len(own(tokenizer, texts[3]))


def test_no_variation_is_the_tokenizers_own(tokenizer) -> None:
    texts = [random_bases(80, seed=1), "A"]
    for cut in (resegment(tokenizer, texts, Segmentation(), np.random.default_rng(0)),
                random_cuts(tokenizer, texts, 0.0, 3)):  # fmt: skip
        assert [one.tolist() for one in cut] == [own(tokenizer, text) for text in texts]


def test_the_tokenizer_is_left_as_it_is(tokenizer) -> None:
    before = tokenizer.backend.to_str()
    resegment(tokenizer, [random_bases(90)], Segmentation(0.1, 0.5), np.random.default_rng(0))
    assert tokenizer.backend.to_str() == before


def test_forced_borders_come_as_often_as_asked(tokenizer) -> None:
    # Each piece between borders is cut alone: at 0.99 nearly all tokens are one base.
    (ids,) = resegment(tokenizer, ["ACGT" * 250], Segmentation(0.99), np.random.default_rng(0))
    pieces = [tokenizer.token(i) for i in ids[1:-1]]
    assert sum(len(piece) == 1 for piece in pieces) > 950


def test_dropout_leaves_out_merges_not_entries(tokenizer) -> None:
    text = random_bases(2000, seed=3)
    strong = Segmentation(dropout=0.9)
    (ids,) = resegment(tokenizer, [text], strong, np.random.default_rng(0))
    assert read(tokenizer, ids) == text + "|"
    assert len(ids) > 1.5 * len(own(tokenizer, text))


def test_random_cuts_depend_on_the_sequence_and_number_alone(tokenizer) -> None:
    texts = [random_bases(120, seed=s) for s in range(5)]
    together = random_cuts(tokenizer, texts, 0.1, 2)
    for text, row in zip(texts, together, strict=True):
        assert random_cuts(tokenizer, [text], 0.1, 2)[0].tolist() == row.tolist()
    assert random_cuts(tokenizer, texts[:1], 0.1, 3)[0].tolist() != together[0].tolist()


SCRIPT = """
import sys
import numpy as np
from dnabert2_explore.tokens import DnaTokenizer
from dnabert2_explore.tokens.segmentation import Segmentation, random_cuts, resegment
tokenizer = DnaTokenizer.from_file(sys.argv[1])
texts = sys.argv[2].split(",")
for how in (Segmentation(0.1), Segmentation(0.05, 0.2)):
    for row in resegment(tokenizer, texts, how, np.random.default_rng(5)):
        print(*row)
for row in random_cuts(tokenizer, texts, 0.1, 1):
    print(*row)
"""


def test_segmentations_are_the_same_in_every_process() -> None:
    texts = ",".join(random_bases(150, seed=s) for s in range(3))
    said = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT, str(FILE), texts],
            env=dict(os.environ, PYTHONHASHSEED=seed, OMP_NUM_THREADS="1"),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
    assert len(said.pop().splitlines()) == 9


@pytest.mark.parametrize("settings", [{"cuts": 1.0}, {"cuts": -0.1}, {"dropout": 1.0}])
def test_impossible_chances(settings) -> None:
    with pytest.raises(InputError, match=r"expected a chance of at least 0, below 1\."):
        Segmentation(**settings)


# Anchors


@settings(max_examples=60, deadline=None)
@given(DNA)
def test_spans_tile_an_anchored_sequence_with_a_border_at_the_anchor(bases) -> None:
    tokens = MIDDLE.encode(bases)
    at = len(bases) // 2
    inner = tokens.spans[~tokens.special]
    assert inner[0, 0] == 0
    assert inner[-1, 1] == len(bases)
    assert all(a[1] == b[0] for a, b in pairwise(inner))
    assert at in inner[:, 0]
    assert ["".join(bases[a:b]) for a, b in inner] == [
        name for name, special in zip(tokens.tokens, tokens.special, strict=True) if not special
    ]
    places = np.flatnonzero(tokens.ids == MIDDLE.sep_id)
    assert tokens.spans[places].tolist() == [[at, at], [len(bases), len(bases)]]
    assert tokens.spans[0].tolist() == [0, 0]


@settings(max_examples=60, deadline=None)
@given(DNA, st.integers(0, 5))
def test_ids_of_an_anchored_sequence_are_those_of_its_parts(bases, number) -> None:
    plain = DnaTokenizer(MIDDLE.backend)
    at = len(bases) // 2
    left, right = own(plain, bases[:at]), own(plain, bases[at:])
    expected = left + right[1:]
    assert MIDDLE.encode(bases).ids.tolist() == expected
    (cut,) = random_cuts(MIDDLE, [bases], 0.0, number)
    assert cut.tolist() == expected
    (cut,) = random_cuts(MIDDLE, [bases], 0.3, number)
    assert read(MIDDLE, cut) == f"{bases[:at]}|{bases[at:]}|"


@settings(max_examples=30, deadline=None)
@given(DNA, st.integers(0, 3))
def test_white_space_in_an_anchored_sequence(bases, gap) -> None:
    at = len(bases) // 2
    spaced = bases[:1] + " " * gap + bases[1:]
    tokens = MIDDLE.encode(spaced)
    assert tokens.ids.tolist() == MIDDLE.encode(bases).ids.tolist()
    inner = tokens.spans[~tokens.special]
    assert inner[0, 0] == 0
    assert inner[-1, 1] == len(spaced)
    assert all(a[1] == b[0] for a, b in pairwise(inner))
    place = np.flatnonzero(tokens.ids == MIDDLE.sep_id)[0]
    start = tokens.spans[place, 0]
    assert spaced[start:].replace(" ", "") == bases[at:]


def test_an_anchor_after_so_many_bases() -> None:
    tokenizer = anchored(7)
    assert read(tokenizer, tokenizer.encode("ACGTACGTACGT").ids) == "ACGTACG|TACGT|"
    with pytest.raises(InputError, match=r"7 bases cannot be read as two parts \(7 bases and the"):
        tokenizer.encode("ACGTACG")
    with pytest.raises(InputError, match="A sequence of 1 base cannot be read as two parts"):
        MIDDLE.encode("A")


def test_an_anchor_changes_what_a_tokenizer_is(tokenizer) -> None:
    assert len({tokenizer.sha256, anchored("middle").sha256, anchored(30).sha256}) == 3


def test_a_tokenizer_that_cannot_join_two_parts_takes_no_anchor(model_folder) -> None:
    tokenizer = DnaTokenizer.from_file(model_folder / "tokenizer.json")  # single sequences only
    with pytest.raises(CheckpointError, match=r"does not join two parts .*\[SEP\]"):
        tokenizer.anchor = "middle"
    with pytest.raises(CheckpointError, match="does not join two parts"):
        DnaTokenizer(tokenizer.backend, anchor=5)
    tokenizer.anchor = None
