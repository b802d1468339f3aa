from __future__ import annotations

from math import comb

import numpy as np
import pytest

from dnabert2_explore.analysis.motifs.differential import differential_motifs
from dnabert2_explore.errors import Cancelled, InputError
from dnabert2_explore.sequences import Sequence
from dnabert2_explore.sequences.motifs.jaspar import jaspar, jaspar_motif
from dnabert2_explore.sequences.motifs.motif import Motif

AP1 = Motif.of_word("TGACTCAT", "AP-1")


def background(rng: np.random.Generator, number: int, gc: float = 0.5) -> list[str]:
    p = [(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2]
    return ["".join(rng.choice(list("ACGT"), 200, p=p)) for _ in range(number)]


def planted(rng: np.random.Generator, sequences: list[str], motif: Motif) -> list[str]:
    return [f"{bases[:90]}{motif.sample(rng)}{bases[90 + len(motif) :]}" for bases in sequences]


def test_counts_and_fishers_test_by_hand():
    with_site, without = "ccTGACTCATcc", "ccTGACTGATcc"
    other = Motif.of_word("CCCCCCCC", "C8")
    first = [with_site * 2] * 4 + [without]  # twice in a sequence counts once
    second = [Sequence("x", with_site)] + [without] * 5
    result = differential_motifs(first, second, [other, AP1])
    assert [motif.name for motif in result.motifs] == ["AP-1", "C8"]
    assert result.first_count.tolist() == [4, 0]
    assert result.second_count.tolist() == [1, 0]
    np.testing.assert_allclose(result.first_rate, [0.8, 0])
    np.testing.assert_allclose(result.difference, [0.8 - 1 / 6, 0])
    assert result.odds_ratio[0] == pytest.approx((4 / 1) / (1 / 5))
    assert np.isnan(result.odds_ratio[1])
    # Of all tables with these margins, those that are no likelier than this one.
    chances = [comb(5, a) * comb(6, 5 - a) / comb(11, 5) for a in range(6)]
    p = sum(chance for chance in chances if chance <= chances[4] * (1 + 1e-9))
    np.testing.assert_allclose(result.p_value, [p, 1])
    np.testing.assert_allclose(result.q_value, [min(2 * p, 1), 1])
    np.testing.assert_allclose(result.gc, [3 / 8, 1])
    all_or_none = differential_motifs([with_site], [without], [AP1])
    assert np.isinf(all_or_none.odds_ratio[0])


def test_a_planted_motif_comes_first():
    rng = np.random.default_rng(0)
    motif = jaspar_motif("CTCF")
    first = planted(rng, background(rng, 60), motif)
    second = background(rng, 80)
    result = differential_motifs(first, second)
    assert "CTCF" in result.motifs[0].name
    assert result.q_value[0] < 1e-6
    assert result.difference[0] > 0.5
    assert (np.diff(result.q_value) >= 0).all()
    assert (result.first.n, result.second.n) == (60, 80)
    # And the other way round.
    back = differential_motifs(second, first, [motif])
    assert back.difference[0] == pytest.approx(
        -result.difference[[m.accession for m in result.motifs].index(motif.accession)]
    )


def test_sets_alike_show_nothing():
    rng = np.random.default_rng(1)
    result = differential_motifs(background(rng, 60), background(rng, 60))
    assert result.q_value.min() > 0.05


def test_composition_is_told_since_it_makes_differences():
    rng = np.random.default_rng(2)
    result = differential_motifs(background(rng, 80, gc=0.7), background(rng, 80, gc=0.4))
    assert result.first.gc == pytest.approx(0.7, abs=0.02)
    assert result.second.gc == pytest.approx(0.4, abs=0.02)
    assert (result.first.mean_length, result.second.mean_length) == (200, 200)
    assert result.q_value[0] < 0.01  # without any biology
    more_in_first = result.gc[(result.q_value < 0.01) & (result.difference > 0)]
    assert more_in_first.mean() > 0.7
    table = result.table()
    assert len(table) == len(result)
    assert f"in 80 sequences, GC {result.first.gc:.1%}, 200 bp on average" in table.attrs["about"]
    np.testing.assert_array_equal(table["gc"], result.gc)


def test_motifs_out_of_reach_are_named_and_not_tested():
    six = Motif.of_word("CACGTG", "E-box")
    result = differential_motifs(["ccTGACTCATcc"], ["CACGTG"], [six, AP1])
    assert [motif.name for motif in result.left_out] == ["E-box"]
    assert [motif.name for motif in result.motifs] == ["AP-1"]
    assert not differential_motifs(["A"], ["C"], [six, AP1], threshold=1e-3).left_out
    whole = differential_motifs(["ACGT"], ["ACGT"])
    assert len(whole) + len(whole.left_out) == len(jaspar())


def test_a_set_without_bases():
    result = differential_motifs(["NNN"], [""], [AP1])
    assert np.isnan(result.first.gc)
    assert result.p_value.tolist() == [1]


@pytest.mark.parametrize(
    ("first", "second", "motifs", "said"),
    [
        ([], ["ACGT"], [AP1], "The first set: There are no sequences"),
        (["ACGT"], [], [AP1], "The second set: There are no sequences"),
        (["ACGT"], ["ACGT"], [], "There are no motifs"),
        (["ACGT"], ["ACGT"], [Motif.of_word("ACG")], "No site of ACG"),
    ],
)
def test_refusals(first, second, motifs, said):
    with pytest.raises(InputError, match=said):
        differential_motifs(first, second, motifs)


def test_progress_can_cancel():
    def stop(done: int, total: int) -> None:
        assert total == 8
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        differential_motifs(["ACGT"], ["ACGT"], [AP1], progress=stop)
