import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore import Sequence
from dnabert2_explore.analysis.variants import VariantScorer
from dnabert2_explore.analysis.variants.compare import compare_variant
from dnabert2_explore.figures import score_waterfall, variant_tracks
from dnabert2_explore.sequences.reading.genome import Genome
from dnabert2_explore.sequences.variants.variant import Variant

BASES = "GGCATTACAGGCTTATTGCCGGATTACCAGTCCATGCAATTGGCACGTTAGCATGCAATGGCTTAGC" * 2


@pytest.fixture(scope="module")
def result():
    genome = Genome.from_records([Sequence("c", BASES)])
    scorer = VariantScorer.make(dx.load("pocket", cache=False), genome, window=100)
    return compare_variant(scorer, Variant("c", 60, BASES[60], BASES[60] + "TTT"))


def test_steps_add_up_to_the_ratio(result):
    bars, labels, dots = score_waterfall(result).data
    assert sum(bars.x[:3]) == pytest.approx(bars.x[3], abs=1e-4)
    assert bars.base[1] == pytest.approx(bars.x[0])
    assert bars.base[2] == pytest.approx(bars.x[0] + bars.x[1], abs=1e-5)
    assert bars.base[3] == 0
    assert bars.x[3] == pytest.approx(result.scores["llr"][0])
    assert sum(dots.x) / 2 == pytest.approx(bars.x[3], abs=1e-4)
    assert [float(t.replace("−", "-")) for t in labels.text] == pytest.approx(bars.x, abs=0.006)


def test_alleles_lie_over_one_another(result):
    figure = variant_tracks(result)
    ref, ref_letters, alt, alt_letters, gap = figure.data[:5]
    for blocks, tokens in ((ref, result.ref), (alt, result.alt)):
        assert len(blocks.x) == (~tokens.special).sum()
    assert sum(alt.width) == len(result.alt.bases)
    assert sum(gap.width) == 3
    shown = figure.layout.xaxis.range
    for letters, tokens, name in (
        (ref_letters, result.ref, "ref"),
        (alt_letters, result.alt, "alt"),
    ):
        columns = result.column(name).tolist()
        for x, text in zip(letters.x, letters.text, strict=True):
            base = text.replace("<b>", "").replace("</b>", "")
            assert base == tokens.bases[columns.index(int(x) - 1)]
    assert shown[0] < result.start < shown[1]


def test_ticks_name_positions_of_the_record(result):
    axis = variant_tracks(result, view=(0, result.columns)).layout.xaxis
    where = {c: i for i, c in enumerate((result.column("ref") + 1).tolist(), result.first + 1)}
    assert len(axis.tickvals) > 3
    for x, text in zip(axis.tickvals, axis.ticktext, strict=True):
        assert where[int(x)] == int(text.replace(",", ""))


def test_bars_are_the_differences(result):
    figure = variant_tracks(result, layer=1)
    attention, attribution = figure.data[5:7]
    np.testing.assert_allclose(attention.y, 100 * result.attention(1), rtol=1e-5)
    np.testing.assert_allclose(attribution.y, result.attribution, rtol=1e-5)
    for axis in (figure.layout.yaxis2, figure.layout.yaxis3):
        assert axis.range[0] == -axis.range[1]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_far_out_there_are_no_letters(result, theme):
    figure = variant_tracks(result, view=(0, result.columns), width=300, theme=theme)
    assert len(figure.data[1].x) == len(figure.data[3].x) == 0


@pytest.mark.filterwarnings("default::dnabert2_explore.errors.ExploreWarning")  # short ones
def test_a_model_without_likelihood_has_no_steps():
    genome = Genome.from_records([Sequence("c", BASES)])
    scorer = VariantScorer.make(dx.load("pocket-splice", cache=False), genome, window=100)
    found = compare_variant(scorer, Variant("c", 60, BASES[60], ""))
    figure = variant_tracks(found)
    assert len(figure.data) == 7
    assert "logit" in figure.layout.yaxis3.title.text
