"""Tokenizers side by side: counts that follow from their definitions, ripples by brute force."""

import itertools

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore import InputError
from dnabert2_explore.figures import tokenizer_lanes

BASES = "ACGTTGCATTAGCATGCAATGGCTAGCTTAGCGGATATAAAGGC"


@pytest.fixture(scope="module")
def found():
    return dx.compare_tokenizers(dx.load("pocket"), BASES)


def test_counts_follow_from_the_definitions(found):
    n = len(BASES)
    table = found.table().set_index("tokenizer")
    for k in (3, 4, 5, 6):
        row = table.loc[f"{k}-mers, overlapping"]
        assert row.tokens == n - k + 1
        # Every token holds k bases.
        assert row.sharing == pytest.approx(k * (n - k + 1) / n - 1)
        assert row.ripple == pytest.approx(k * (n - k + 1) / n)
        assert row.vocabulary == 4**k
        assert row.used == len({BASES[i : i + k] for i in range(n - k + 1)})
    assert table.loc["6-mers"].tokens == n // 6 + n % 6
    assert table.loc["single bases"].tokens == n
    bpe = table.loc["pocket BPE"]
    enc = dx.load("pocket")
    assert bpe.tokens == len(enc.tokenize(BASES)) - 2
    assert bpe.vocabulary == len(enc.tokenizer) - 5
    assert bpe.compression == pytest.approx(n / bpe.tokens)
    assert bpe.sharing == 0


def test_the_ripple_of_bpe_by_brute_force(found):
    enc = dx.load("pocket")
    own = enc.tokenize(BASES)
    ripple = found.ripple("pocket BPE")
    for place in (0, 17, 30):
        new = []
        for base in set("ACGT") - {BASES[place]}:
            mutant = enc.tokenize(BASES[:place] + base + BASES[place + 1 :])
            one, other = list(own.tokens), list(mutant.tokens)
            while one and other and one[0] == other[0]:
                one, other = one[1:], other[1:]
            while one and other and one[-1] == other[-1]:
                one, other = one[:-1], other[:-1]
            new.append(len(other))
        assert ripple[place] == pytest.approx(np.mean(new))
    with pytest.raises(InputError, match="'WordPiece' is not among these"):
        found.ripple("WordPiece")


def test_edits_in_every_tokenizer(found):
    by_name = {one.name: one for one in found.edit(20, 20, "A")}
    # One more base shifts all 6-mers behind it, and nothing but the neighbours of the others.
    shifted = by_name["6-mers"]
    # From the 6-mer of the edit to the end, but for two single bases that are the same again.
    assert shifted.reach == len(BASES) + 1 - 18 - 2
    assert by_name["single bases"].after == by_name["single bases"].before + 1
    assert by_name["6-mers, overlapping"].reach <= 12
    deleted = {one.name: one for one in found.edit(20, 21, "")}
    assert deleted["single bases"].after == deleted["single bases"].before - 1
    same = found.edit(20, 21, BASES[20])
    assert all((one.before, one.after, one.reach) == (0, 0, 0) for one in same)
    with pytest.raises(InputError, match="not in a sequence"):
        found.edit(20, 99, "")
    with pytest.raises(InputError, match="leaves 4 bases"):
        found.edit(4, len(BASES), "")


def test_models_files_and_anchors(shared):
    splice = dx.load("pocket-splice")
    path = shared / "reference" / "hf" / "tokenizer.json"
    found = dx.compare_tokenizers(splice, BASES, {"published": path, "pocket": dx.load("pocket")})
    assert [cut.name for cut in found.cuts[:3]] == ["pocket-splice BPE", "published", "pocket"]
    # Without the anchor: as the vocabulary cuts the whole.
    assert splice.tokenizer.anchor == "middle"
    assert "".join(found.cuts[0].tokens.tokens) == BASES
    assert "[SEP]" not in found.cuts[0].tokens.tokens
    with pytest.raises(InputError, match="holds no 6-mer"):
        dx.compare_tokenizers(splice, "ACGTA")


@pytest.mark.filterwarnings("ignore::dnabert2_explore.sequences.UnknownBasesWarning")
def test_unknown_bases_and_white_space():
    found = dx.compare_tokenizers(dx.load("pocket"), "acgtu NNacgtagct")
    table = found.table().set_index("tokenizer")
    assert table.loc["pocket BPE"].unknown == 2
    assert table.loc["6-mers"].unknown == 2
    assert np.isnan(found.ripple("pocket BPE")[5:8]).all()


def test_the_figure_has_a_block_a_token():
    from dnabert2_explore.figures import tokenizer_lanes

    found = dx.compare_tokenizers(dx.load("pocket"), BASES)
    figure = tokenizer_lanes(found, view=(0, len(BASES)), selected=(3, 6), theme="dark")
    own, other = found.cuts[0], found.cuts[0].other_strand  # the other strand's stand below a BPE's
    expected = [len(own.tokens), len(other), *(len(cut.tokens) for cut in found.cuts[1:])]
    assert [len(trace.x) for trace in figure.data] == expected
    six = figure.data[4]  # in six rows, none over another
    for row in np.unique(six.base):
        ends = sorted(
            (x - w / 2, x + w / 2)
            for x, w, b in zip(six.x, six.width, six.base, strict=True)
            if b == row
        )
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(ends))
    with pytest.raises(ValueError, match="too many"):
        tokenizer_lanes(dx.compare_tokenizers(dx.load("pocket"), BASES * 9), view=(0, 390))


def test_a_mutant_is_drawn_on_the_places_of_the_sequence(found):
    text = found.bases
    for edit in ((20, 21, "A" if text[20] != "A" else "C"), (15, 15, "GGG"), (12, 15, "")):
        figure = tokenizer_lanes(found, edit=edit, view=(0, len(text)), width=4000)
        tokens = found.mutant(*edit)[0]
        headings = [note.text for note in figure.layout.annotations]
        blocks = figure.data[next(i for i, said in enumerate(headings) if "mutant" in said)]
        left = np.array(blocks.x) - np.array(blocks.width) / 2 - 0.5
        right = left + np.array(blocks.width)
        assert tokens.bases == text[: edit[0]] + edit[2] + text[edit[1] :]
        longer = len(edit[2]) - (edit[1] - edit[0])
        for a, b, (start, end) in zip(left, right, tokens.spans, strict=True):
            if end <= edit[0]:  # before the edit nothing moves
                assert (a, b) == pytest.approx((start, end))
            elif start >= edit[0] + len(edit[2]):  # behind it, all do
                assert (a, b) == pytest.approx((start - longer, end - longer))
            else:
                assert a <= edit[1]
                assert b >= edit[0]
        told = found.edit(*edit)[0]
        assert f"{told.after} new ones for {told.before}, over {told.reach} bp" in headings[1]
