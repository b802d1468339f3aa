from __future__ import annotations

import numpy as np
import pytest

from dnabert2_explore import InputError
from dnabert2_explore.analysis.motifs import Discovery, Pattern, Sites, match_patterns, widened
from dnabert2_explore.sequences import reverse_complement
from dnabert2_explore.sequences.motifs.jaspar import jaspar_motif
from dnabert2_explore.sequences.motifs.motif import Motif

from ...conftest import random_bases


def pattern_of(sites: list[tuple[int, int, int, int]], word: str) -> Pattern:
    sequence, start, end, strand = np.array(sites).T
    return Pattern(
        motif=Motif.of_word(word, name="pattern 1"),
        contribution=np.zeros((len(word), 4)),
        sign=1,
        sites=Sites(sequence, start, end, strand),
        e_value=1e-9,
    )


def discovery_of(pattern: Pattern, n: int) -> Discovery:
    return Discovery((pattern,), "seqlets", n, n, n, 0, np.full(n, 60), {})


def test_flanks_are_counted_as_the_strand_reads() -> None:
    sequences = ["AAGATACC", reverse_complement("TTGATAGG"), "gatacc"]
    pattern = pattern_of([(0, 2, 6, 1), (1, 2, 6, -1), (2, 0, 4, 1)], "GATA")
    wide = widened(pattern, sequences, flank=3)
    assert len(wide) == 10
    # Three before: nothing in any sequence, then A or T of two, none of the third.
    np.testing.assert_allclose(wide.probabilities[0], 0.25)
    np.testing.assert_allclose(wide.probabilities[1], [0.5, 0, 0, 0.5])
    np.testing.assert_allclose(wide.probabilities[3:7], np.eye(4)[[2, 0, 3, 0]])
    np.testing.assert_allclose(wide.probabilities[7], [0, 2 / 3, 1 / 3, 0])
    np.testing.assert_allclose(wide.probabilities[9], 0.25)


@pytest.mark.parametrize("strand", [1, -1])
def test_a_core_finds_its_motif_by_what_stands_around_it(strand) -> None:
    motif = jaspar_motif("MA0067.3")  # PAX2
    rng = np.random.default_rng(0)
    core = slice(5, 12)
    sequences, sites = [], []
    for number in range(80):
        site, left = motif.sample(rng), 20
        written = site if strand > 0 else reverse_complement(site)
        sequences.append(random_bases(left, number) + written + random_bases(20, 99 + number))
        begin = left + (core.start if strand > 0 else len(site) - core.stop)
        sites.append((number, begin, begin + 7, strand))
    word = motif.consensus[core]
    discovery = discovery_of(pattern_of(sites, word), 80)
    alone = match_patterns(discovery, sequences, flank=0).best(0)
    found = match_patterns(discovery, sequences, flank=6).best(0)
    assert found.target.name == "PAX2"
    assert found.q_value < min(alone.q_value, 1e-3)
    assert (found.offset, found.overlap, found.strand) == (core.start, 7, 1)
    assert found.query.consensus == word  # what is drawn is the pattern


def test_what_cannot_be_compared_is_said() -> None:
    empty = Discovery((), "seqlets", 1, 0, 0, None, np.array([10]), {})
    with pytest.raises(InputError, match="no pattern to compare"):
        match_patterns(empty, ["ACGT"])
    with pytest.raises(InputError, match="flank is -1"):
        widened(pattern_of([(0, 0, 4, 1)], "ACGT"), ["ACGT"], flank=-1)
