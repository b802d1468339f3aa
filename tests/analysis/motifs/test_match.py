from __future__ import annotations

import warnings

import numpy as np
import pytest

from dnabert2_explore.analysis.motifs import match
from dnabert2_explore.analysis.motifs.match import SmallDatabaseWarning, match_motifs
from dnabert2_explore.errors import InputError
from dnabert2_explore.sequences.motifs.jaspar import jaspar, jaspar_motif
from dnabert2_explore.sequences.motifs.motif import Motif

NAMES = ("CTCF", "PAX2", "FOS::JUN", "GATA1", "SP1")


def random_motifs(seed: int, number: int) -> list[Motif]:
    rng = np.random.default_rng(seed)
    return [
        Motif(f"random {i}", rng.dirichlet([0.2] * 4, rng.integers(8, 16))) for i in range(number)
    ]


def test_a_profile_finds_itself_and_so_does_its_reverse_complement():
    queries = [jaspar_motif(name) for name in NAMES]
    queries += [motif.reverse_complement() for motif in queries]
    matches = match_motifs(queries)
    assert len(matches) == 10 * len(queries)
    for number, query in enumerate(queries):
        best = matches.best(number)
        assert best.query is query
        assert best.target.accession == query.accession
        assert best.q_value < 1e-6
        assert (best.offset, best.overlap) == (0, len(query))
        assert best.strand == (1 if number < len(NAMES) else -1)
        assert best.shared == pytest.approx(query.information.sum())


def test_rows_are_ordered_and_the_table_says_the_same():
    matches = match_motifs([jaspar_motif("CTCF"), jaspar_motif("SP1")], nearest=4)
    assert matches.query.tolist() == [0] * 4 + [1] * 4
    for number in range(2):
        p = matches.p_value[matches.query == number]
        assert (np.diff(p) >= 0).all()
    table = matches.table()
    assert table["query"].tolist() == ["CTCF"] * 4 + ["SP1"] * 4
    assert table["accession"][0] == "MA0139.2"
    np.testing.assert_array_equal(table["q_value"], matches.q_value)
    assert str(matches[0]).startswith("CTCF (MA0139.2) beside CTCF (MA0139.2), q = ")
    with pytest.raises(InputError, match="There is no query 2 among 2"):
        matches.best(2)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("first", "last", "before", "offset", "overlap"),
    [(2, 9, 0, 2, 7), (0, 7, 3, -3, 7), (5, 12, 2, 3, 7)],
)
def test_offset_and_overlap(turned, first, last, before, offset, overlap):
    database = random_motifs(1, 60)
    rng = np.random.default_rng(2)
    long = Motif("long", rng.dirichlet([0.1] * 4, 12))
    part = np.concatenate([np.full((before, 4), 0.25), long.probabilities[first:last]])
    query = Motif("part", part)
    target = long.reverse_complement() if turned else long
    best = match_motifs(query, [*database, target]).best(0)
    assert best.target is target
    assert best.strand == (-1 if turned else 1)
    # On the strand that matches, the query's first position lies over the target's `offset`.
    assert best.offset == offset
    # Positions before the target's first have no partner.
    assert best.overlap == len(query) - max(0, -offset)
    assert best.overlap >= overlap
    assert best.shared == pytest.approx(long.information[first:last].sum())


def test_what_is_shared_by_hand():
    words = [Motif.of_word(word) for word in ("ACGTT", "GTT", "CCCCC")]
    half = Motif("half", [[0.5, 0.5, 0, 0]] * 5)
    offset = np.array([[0, 2, -1, 3]])
    strand = np.array([[1, 1, -1, 1]], dtype=np.int8)
    shared = match._shared((words[0],), (*words, half), offset, strand)
    # Five columns; three; four that lie over one another; two of one bit.
    # "GTT" at offset 2 on a target of three: one column.
    assert shared.tolist() == [[10.0, 2.0, 8.0, 2.0]]


def test_q_values_by_benjamini_and_hochberg_over_all_pairs(monkeypatch):
    p = np.array([[0.01, 0.5, 0.04], [0.03, 0.02, 0.9]])
    zeros = np.zeros(p.shape, dtype=np.int64)
    monkeypatch.setattr(
        match, "_compare", lambda q, t: (p.copy(), zeros, zeros, np.ones(p.shape, dtype=np.int8))
    )
    words = [Motif.of_word("ACGTACGT"), Motif.of_word("TTTTTTTT")]
    with pytest.warns(SmallDatabaseWarning):
        matches = match_motifs(words, [*words, words[0]], nearest=None)
    # Sorted: .01 .02 .03 .04 .5 .9, times 6 / rank: .06 .06 .06 .06 .6 .9, least from the right.
    assert matches.p_value.tolist() == [0.01, 0.04, 0.5, 0.02, 0.03, 0.9]
    np.testing.assert_allclose(matches.q_value, [0.06, 0.06, 0.6, 0.06, 0.06, 0.9])
    with pytest.warns(SmallDatabaseWarning):
        fewer = match_motifs(words, [*words, words[0]], nearest=1)
    assert fewer.target.tolist() == [0, 1]
    np.testing.assert_allclose(fewer.q_value, [0.06, 0.06])


def test_motifs_that_say_nothing_find_nothing():
    # TOMTOM alone puts an even motif beside the gap of a long CTCF profile at p = 1e-14.
    rng = np.random.default_rng(0)
    queries = [Motif("even", np.full((n, 4), 0.25)) for n in (6, 10, 15, 25)]
    queries += [Motif("nearly", rng.dirichlet([20] * 4, n)) for n in (6, 10, 15, 25)]
    for query in queries:
        matches = match_motifs(query)
        assert matches.q_value.min() > 0.01
        assert (matches.p_value == 1).all()
    p, *_ = match._compare((queries[1],), tuple(jaspar()))
    assert p.min() < 1e-9  # if memelite mends that, SHARED can go


def test_random_motifs_rarely_match():
    queries = random_motifs(3, 50)
    hits = sum(match_motifs(query).best(0).q_value < 0.01 for query in queries)
    assert hits <= 2


def test_few_targets_give_one_sentence():
    targets = random_motifs(4, 12)
    with pytest.warns(SmallDatabaseWarning) as caught:
        matches = match_motifs(targets[0], targets, nearest=None)
    (warning,) = caught
    message = str(warning.message)
    assert message.startswith("P-values against 12 motifs depend on which these are")
    assert message.endswith(".")
    assert warning.filename == __file__
    assert len(matches) == 12
    assert matches.best(0).target is targets[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        match_motifs(targets[0], random_motifs(5, 50))


def test_a_palindrome_keeps_its_strand():
    word = Motif.of_word("TGACGTCA")
    assert match_motifs(word, [*random_motifs(6, 60), word]).best(0).strand == 1


@pytest.mark.parametrize(
    ("queries", "database", "nearest", "said"),
    [
        ([], None, 10, "There are no motifs to match: give"),
        ([Motif.of_word("ACGT")], [], 10, "There are no motifs to match against"),
        ([Motif.of_word("ACGT")], None, 0, "The nearest 0 targets were asked for"),
    ],
)
def test_refusals(queries, database, nearest, said):
    with pytest.raises(InputError, match=said):
        match_motifs(queries, database, nearest=nearest)
