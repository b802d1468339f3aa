"""Hits held against every place scored by hand."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from dnabert2_explore import tokens
from dnabert2_explore.analysis.motifs import scan
from dnabert2_explore.analysis.motifs.scan import OutOfReachWarning, scan_motifs
from dnabert2_explore.errors import Cancelled, InputError
from dnabert2_explore.sequences import Sequence, reverse_complement
from dnabert2_explore.sequences.motifs.motif import Motif

AP1 = Motif.of_word("TGACTCAT", "AP-1")


def random_bases(rng: np.random.Generator, length: int) -> str:
    return "".join(rng.choice(list("ACGT"), length))


def random_motif(rng: np.random.Generator, length: int) -> Motif:
    return Motif(f"random {length}", rng.dirichlet([0.3] * 4, length))


def scores_of(motif: Motif, words: list[str]) -> np.ndarray:
    """Log-likelihood ratios by the formula, rounded to 1/8 bit at each position."""
    weights = np.round(np.log2((motif.probabilities + 1e-4) / 0.25) * 8) / 8
    return np.array([sum(weights[i, "ACGT".index(b)] for i, b in enumerate(w)) for w in words])


def found(hits) -> list[tuple[int, int, int, int, int]]:
    columns = (hits.sequence, hits.motif, hits.start, hits.end, hits.strand)
    return [tuple(map(int, row)) for row in zip(*columns, strict=True)]


def test_planted_words_on_both_strands():
    rng = np.random.default_rng(0)
    sequences, expected = [], []
    for number, (length, start, strand) in enumerate(
        [(60, 7, 1), (200, 0, -1), (8, 0, 1), (90, 82, -1), (300, 292, 1)]
    ):
        bases = random_bases(rng, length)
        word = "TGACTCAT" if strand > 0 else "ATGAGTCA"
        assert word == (reverse_complement("TGACTCAT") if strand < 0 else "TGACTCAT")
        sequences.append(bases[:start] + word + bases[start + 8 :])
        expected.append((number, 0, start, start + 8, strand))
    hits = scan_motifs(sequences, AP1)
    assert found(hits) == expected
    np.testing.assert_allclose(hits.score, scores_of(AP1, ["TGACTCAT"])[0])
    # Only the word itself scores as high.
    np.testing.assert_allclose(hits.p_value, 4.0**-8)
    forward = scan_motifs(sequences, AP1, both_strands=False)
    assert found(forward) == [row for row in expected if row[4] > 0]


@pytest.mark.parametrize("seed", range(3))
def test_every_place_scored_by_hand(seed):
    rng = np.random.default_rng(seed)
    motifs = [random_motif(rng, length) for length in (5, 7, 6, 4)]
    sequences = [random_bases(rng, length) for length in (120, 4, 0, 6, 301)]
    hits = scan_motifs(sequences, motifs, threshold=0.01)
    assert len(hits) > 5
    seen = {row: (s, p) for row, s, p in zip(found(hits), hits.score, hits.p_value, strict=True)}
    for m, motif in enumerate(motifs):
        every = scores_of(motif, ["".join(word) for word in product("ACGT", repeat=len(motif))])
        for number, bases in enumerate(sequences):
            for start in range(len(bases) - len(motif) + 1):
                word = bases[start : start + len(motif)]
                for strand, site in ((1, word), (-1, reverse_complement(word))):
                    (score,) = scores_of(motif, [site])
                    p_value = (every >= score).mean()
                    if p_value < 0.01:
                        row = (number, m, start, start + len(motif), strand)
                        assert seen.pop(row) == pytest.approx((score, p_value), rel=1e-9)
    assert not seen  # nothing but what stands there


def drawn(rng: np.random.Generator, length: int, gc: float) -> str:
    return "".join(rng.choice(list("ACGT"), length, p=[(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2]))


@pytest.mark.parametrize("both", [True, False])
def test_every_place_scored_by_hand_against_a_background(both):
    rng = np.random.default_rng(3)
    given = np.array([0.1, 0.45, 0.25, 0.2])
    used = (given + given[::-1]) / 2 if both else given
    motifs = [random_motif(rng, length) for length in (5, 7, 4)]
    sequences = [drawn(rng, length, 0.7) for length in (150, 3, 0, 260)]
    hits = scan_motifs(sequences, motifs, threshold=0.01, both_strands=both, background=given)
    np.testing.assert_allclose(hits.background, used)
    seen = {row: (s, p) for row, s, p in zip(found(hits), hits.score, hits.p_value, strict=True)}
    assert len(seen) > 5
    for m, motif in enumerate(motifs):
        weights = np.round(np.log2((motif.probabilities + 1e-4) / used) * 8) / 8
        words = np.array(list(product(range(4), repeat=len(motif))))
        every = weights[np.arange(len(motif)), words].sum(axis=1)
        chance = used[words].prod(axis=1)
        for number, bases in enumerate(sequences):
            for start in range(len(bases) - len(motif) + 1):
                word = bases[start : start + len(motif)]
                for strand, site in ((1, word), (-1, reverse_complement(word)))[: 1 + both]:
                    score = sum(weights[i, "ACGT".index(b)] for i, b in enumerate(site))
                    p_value = chance[every >= score].sum()
                    if p_value < 0.01:
                        row = (number, m, start, start + len(motif), strand)
                        assert seen.pop(row) == pytest.approx((score, p_value), rel=1e-9)
    assert not seen


@pytest.mark.parametrize("cells", [1, 64, 1 << 24])
def test_both_ways_to_scan_find_the_same(monkeypatch, cells):
    from dnabert2_explore.analysis.motifs import background

    rng = np.random.default_rng(4)
    motifs = [random_motif(rng, length) for length in (5, 12, 8)]
    sequences = [
        random_bases(rng, 150) + "N" + random_bases(rng, 80),
        "ACGT",
        random_bases(rng, 90),
    ]
    by_memelite = scan_motifs(sequences, motifs, threshold=0.01)
    monkeypatch.setattr(scan, "is_even", lambda background: False)
    monkeypatch.setattr(background, "_CELLS", cells)
    by_convolution = scan_motifs(sequences, motifs, threshold=0.01)
    assert found(by_convolution) == found(by_memelite)
    np.testing.assert_allclose(by_convolution.score, by_memelite.score)
    np.testing.assert_allclose(by_convolution.p_value, by_memelite.p_value)


def test_chance_hits_where_bases_are_not_even():
    # 60 kb of random bases with 70% G and C: at 1e-3 up to 120 hits of a motif by chance.
    rng = np.random.default_rng(6)
    bases = drawn(rng, 60_000, 0.7)
    motifs = [Motif(f"{i}", rng.dirichlet([0.3, 1, 1, 0.3], 10)) for i in range(12)]
    even = scan_motifs(bases, motifs, threshold=1e-3).counts()[0]
    own = scan_motifs(bases, motifs, threshold=1e-3, background="sequences").counts()[0]
    assert even.max() > 3 * 120
    assert own.max() < 120 + 6 * 120**0.5  # six standard deviations
    assert 0.7 * 120 < own.mean() < 1.1 * 120
    given = scan_motifs(bases, motifs, threshold=1e-3, background=(0.15, 0.35, 0.35, 0.15))
    np.testing.assert_allclose(given.counts()[0], own, rtol=0.3)
    assert "70% GC background" in str(given)


@pytest.mark.parametrize("background", ["flat", (1, 2, 3), (0.5, 0.5, 0, 0), (1, 1, 1, np.nan)])
def test_backgrounds_that_are_none(background):
    with pytest.raises(InputError, match="background is"):
        scan_motifs("ACGT" * 5, AP1, background=background)


def test_out_of_reach_depends_on_the_background():
    word = Motif.of_word("CGCGCGC")  # 6e-5 by chance of even bases, 6e-4 of 70% GC
    assert scan.out_of_reach([word], 1e-4) == ()
    assert scan.out_of_reach([word], 1e-4, (0.15, 0.35, 0.35, 0.15)) == (0,)


def test_order_and_the_hits_of_one_sequence():
    sequences = ["TGACTCATGGGATGAGTCA", "GGGG", Sequence("named", "CCTGACTCATCC")]
    hits = scan_motifs(sequences, [Motif.of_word("GGGATGAG", "g"), AP1])
    rows = [(0, 1, 0, 8, 1), (0, 0, 8, 16, 1), (0, 1, 11, 19, -1), (2, 1, 2, 10, 1)]
    assert found(hits) == rows
    assert [len(hits.of(number)) for number in range(3)] == [3, 0, 1]
    assert found(hits.of(2)) == rows[3:]
    assert hits.counts().tolist() == [[1, 2], [0, 0], [0, 1]]
    table = hits.table()
    assert table["sequence"].tolist() == ["sequence 1"] * 3 + ["named"]
    assert table["motif"].tolist() == ["AP-1", "g", "AP-1", "AP-1"]
    assert table["strand"].tolist() == ["+", "+", "-", "+"]
    assert table["start"].tolist() == [0, 8, 11, 2]
    assert table.attrs["about"].startswith("4 hits of 2 motifs in 3 sequences (FIMO, p < 0.0001")
    with pytest.raises(InputError, match="There is no sequence 3 among 3"):
        hits.of(3)


def test_a_palindrome_has_both_strands():
    hits = scan_motifs("AATGACGTCACC", Motif.of_word("TGACGTCA"))
    assert found(hits) == [(0, 0, 2, 10, -1), (0, 0, 2, 10, 1)]


def test_case_uracil_and_white_space():
    assert found(scan_motifs("ggtgacUCAUgg", AP1)) == [(0, 0, 2, 10, 1)]
    # On the text as it was passed.
    assert found(scan_motifs("gg TGAC\nTCAT gg", AP1)) == [(0, 0, 3, 12, 1)]


def test_no_hit_reaches_over_letters_that_are_no_base():
    # memelite scores an N as 0, so that half of a strong motif would be a hit.
    strong = Motif.of_word("TGACTCATGACTCATG")
    assert len(scan_motifs("TGACTCATGACTCATG", strong)) == 1
    for letter in "NnR-":
        assert not len(scan_motifs(f"TGACTCAT{letter}ACTCATG", strong))
    assert found(scan_motifs("NTGACTCATN", AP1)) == [(0, 0, 1, 9, 1)]
    # Nor over the end of one sequence into the next.
    assert not len(scan_motifs(["CCTGACT", "CATCC", "TGACTCA", "TGACTCA"], AP1))


@pytest.mark.parametrize("sequences", ["", ["", ""], "ACG", ["NNNN", "A"], ["TGACTCA"]])
def test_too_short_for_a_hit(sequences):
    hits = scan_motifs(sequences, AP1)
    assert not len(hits)
    assert not len(hits.of(0))
    assert hits.table().empty
    assert not hits.counts().any()


@pytest.mark.parametrize("chunk", [1, 5, 16, 37, 1000])
def test_chunks_change_nothing(monkeypatch, chunk):
    rng = np.random.default_rng(5)
    motifs = [random_motif(rng, 6), random_motif(rng, 9)]
    sequences = [random_bases(rng, n) for n in (50, 3, 0, 33, 9)]
    whole = scan_motifs(sequences, motifs, threshold=0.05)
    calls: list[tuple[int, int]] = []
    monkeypatch.setattr(scan, "CHUNK", chunk)
    parts = scan_motifs(
        sequences, motifs, threshold=0.05, progress=lambda *step: calls.append(step)
    )
    assert len(whole) > 3
    assert found(parts) == found(whole)
    np.testing.assert_array_equal(parts.p_value, whole.p_value)
    assert calls[0] == (0, 95)
    assert calls[-1] == (95, 95)
    assert [done for done, _ in calls] == sorted({done for done, _ in calls})


def test_it_can_be_cancelled(monkeypatch):
    monkeypatch.setattr(scan, "CHUNK", 10)

    def stop(done: int, total: int) -> None:
        if done >= 20:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        scan_motifs("ACGT" * 20, AP1, progress=stop)


def test_motifs_out_of_reach():
    six = Motif.of_word("CACGTG", "E-box")
    with pytest.raises(InputError, match=r"No site of E-box, whose best site has p = 0\.00024, "):
        scan_motifs("CACGTG", six)
    with pytest.raises(InputError, match="No site of any of 2 motifs, such as E-box"):
        scan_motifs("CACGTG", [six, Motif("even", np.ones((30, 4)))])
    with pytest.warns(OutOfReachWarning, match=r"^1 of 2 motifs are too short or too vague"):
        hits = scan_motifs("CACGTGTGACTCAT", [six, AP1])
    assert hits.motif.tolist() == [1]
    assert scan.out_of_reach([six, AP1], 1e-4) == (0,)
    assert len(scan_motifs("CACGTG", six, threshold=1e-3)) == 2


@pytest.mark.parametrize("threshold", [2e-5, 1e-4, 3e-4, 2e-3])
def test_out_of_reach_is_what_the_scan_cannot_find(threshold):
    rng = np.random.default_rng(8)
    motifs = [random_motif(rng, length) for length in (4, 5, 6, 7, 8, 9) for _ in range(4)]
    motifs += [Motif("vague", np.tile([0.4, 0.4, 0.1, 0.1], (n, 1))) for n in (4, 8, 12, 16)]
    lost = scan.out_of_reach(motifs, threshold)
    assert 0 < len(lost) < len(motifs)
    with pytest.warns(OutOfReachWarning):
        hits = scan_motifs([m.consensus for m in motifs], motifs, threshold=threshold)
    own = {int(m) for s, m in zip(hits.sequence, hits.motif, strict=True) if s == m}
    assert own == set(range(len(motifs))) - set(lost)


@pytest.mark.parametrize(
    ("sequences", "motifs", "threshold", "said"),
    [
        ([], AP1, 1e-4, "There are no sequences"),
        ("ACGT", [], 1e-4, "There are no motifs to look for"),
        ("ACGT", AP1, 0, "The threshold on p-values is 0: "),
        ("ACGT", AP1, 1, "The threshold on p-values is 1: "),
        ("ACGT", AP1, float("nan"), "The threshold on p-values is nan: "),
        ([3], AP1, 1e-4, "expected a str"),
    ],
)
def test_refusals(sequences, motifs, threshold, said):
    with pytest.raises(InputError, match=said):
        scan_motifs(sequences, motifs, threshold=threshold)


def test_the_tokens_under_each_hit():
    bases = "CCTGACTCATCCCCCCTGACTCATCC"
    hits = scan_motifs(["TGACTCAT", bases], AP1)
    sixes = tokens.sixmers(bases)
    under = hits.tokens(1, sixes)
    assert under.hits.tolist() == [1, 2]
    # Bases 2 to 10 lie in the 6-mers 0-6 and 6-12; 16 to 24 in 12-18 and 18-24.
    assert list(zip(under.first, under.last, strict=True)) == [(0, 2), (2, 4)]
    assert under.pieces.tolist() == [2, 2]
    # Overlapping 6-mers: every window that has a base of the site.
    windows = hits.tokens(1, tokens.overlapping_kmers(bases, 6))
    assert (windows.first[1], windows.last[1]) == (11, 21)
    assert len(hits.tokens(0, tokens.sixmers("TGACTCAT"))) == 1
    with pytest.raises(InputError, match="of 26 bases, and sequence sequence 1 has 8"):
        hits.tokens(0, sixes)
    with pytest.raises(InputError, match="There is no sequence 2"):
        hits.tokens(2, sixes)
    nothing = scan_motifs("ACGTACGT", AP1)
    assert len(nothing.tokens(0, tokens.sixmers("ACGTACGT"))) == 0
