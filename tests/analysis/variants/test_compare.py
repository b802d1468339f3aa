"""One variant on one axis: where bases stand, and that differences are differences."""

import numpy as np
import pytest

from dnabert2_explore import InputError, Sequence
from dnabert2_explore.analysis.attend import attend
from dnabert2_explore.analysis.attribution import attribute
from dnabert2_explore.analysis.variants import VariantScorer
from dnabert2_explore.analysis.variants.compare import compare_variant
from dnabert2_explore.sequences.reading.genome import Genome
from dnabert2_explore.sequences.variants.variant import Variant

WINDOW = 80


@pytest.fixture(scope="module", params=["snv", "insertion", "deletion"])
def variant(request, bases):
    start = next(i for i in range(700, 999) if bases[i] != bases[i + 1] != "G" and bases[i] != "A")
    ref, alt = {
        "snv": (bases[start], "ACGT"["ACGT".index(bases[start]) - 1]),
        "insertion": (bases[start], bases[start] + "GATTACA"),
        "deletion": (bases[start : start + 5], bases[start]),
    }[request.param]
    return Variant("c", start, ref, alt)


@pytest.fixture(scope="module")
def result(enc, head, genome, variant):
    return compare_variant(VariantScorer.make(enc, genome, window=WINDOW, head=head), variant)


def test_columns_hold_the_same_position_of_the_record(result, bases, variant):
    ref, alt = result.column("ref"), result.column("alt")
    assert len(set(ref)) == len(ref) == len(result.ref.bases)
    assert result.columns == max(ref.max(), alt.max()) + 1
    by_column = dict(zip(ref.tolist(), result.ref.bases, strict=True))
    for column, base in zip(alt.tolist(), result.alt.bases, strict=True):
        inside = result.start <= column < result.start + result.width
        if not inside:
            assert by_column[column] == base
    assert result.ref.bases == bases[result.first :][: len(result.ref.bases)]
    grown = len(variant.alt) - len(variant.ref)
    assert result.alt_length - result.ref_length == grown


def test_differences_are_those_of_the_windows_alone(result, enc, head):
    two = [
        attribute(head, t.bases, result.target, method="occlusion")
        for t in (result.ref, result.alt)
    ]
    expected = np.zeros(result.columns)
    np.add.at(expected, result.column("ref"), -two[0].base_scores)
    np.add.at(expected, result.column("alt"), two[1].base_scores)
    np.testing.assert_allclose(result.attribution, expected, atol=1e-5)
    assert result.change == pytest.approx(two[1].score - two[0].score, abs=1e-5)

    for layer in (0, 1, None):
        expected = np.zeros(result.columns)
        rest = 0.0
        for sign, name in ((-1, "ref"), (1, "alt")):
            tokens, allele = getattr(result, name), getattr(result.pair, name)
            paid = attend(enc, tokens.bases).mean(layer)[allele.first : allele.last].mean(axis=0)
            for i, (a, b) in enumerate(tokens.spans):
                if tokens.special[i]:
                    rest += sign * paid[i]
                for base in range(a, b):
                    expected[result.column(name)[base]] += sign * paid[i] / (b - a)
        np.testing.assert_allclose(result.attention(layer), expected, atol=1e-6)
        assert result.attention(layer).sum() + rest == pytest.approx(0, abs=1e-5)


def test_without_a_head_the_masked_tokens_are_explained(enc, genome, variant):
    result = compare_variant(VariantScorer.make(enc, genome, window=WINDOW), variant)
    assert result.unit == "nats"
    assert result.attribution is not None
    length = len(variant.alt) - len(variant.ref)
    forward = result.scores["llr_forward"][0]
    assert result.change + length * np.log(4) == pytest.approx(forward, abs=1e-3)


def test_what_cannot_be_scored_is_said(enc, genome):
    scorer = VariantScorer.make(enc, genome, window=WINDOW)
    with pytest.raises(InputError, match="symbolic"):
        compare_variant(scorer, Variant("c", 5, "A", "<DEL>"))


@pytest.mark.filterwarnings("default::dnabert2_explore.errors.ExploreWarning")  # N, and short
def test_unknown_bases_among_the_tokens_leave_no_attribution(enc, bases):
    text = bases[:100] + "N" + bases[101:200]
    genome = Genome.from_records([Sequence("c", text)])
    scorer = VariantScorer.make(enc, genome, window=60)
    for place in (98, 99, 101, 102):
        other = "ACGT"["ACGT".index(text[place]) - 1]
        result = compare_variant(scorer, Variant("c", place, text[place : place + 1], other))
        among = any(
            (a.region == enc.tokenizer.unk_id).any() for a in (result.pair.ref, result.pair.alt)
        )
        assert (result.attribution is None) == among
        assert np.isfinite(result.scores["llr"][0])
