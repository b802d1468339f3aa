import math

import pytest
from hypothesis import given, strategies as st

from dnabert2_explore.errors import InputError
from dnabert2_explore.sequences import gc_content, mutate, reverse_complement, windows

dna = st.text("ACGTNRYSWKMBDHVacgtn")


@given(dna)
def test_reverse_complement_undoes_itself(bases):
    assert reverse_complement(reverse_complement(bases)) == bases


@given(dna)
def test_gc_content_is_the_same_on_both_strands(bases):
    forward, backward = gc_content(bases), gc_content(reverse_complement(bases))
    assert forward == backward or (math.isnan(forward) and math.isnan(backward))


def test_known_values():
    assert reverse_complement("AACGTTGR") == "YCAACGTT"
    assert reverse_complement("ACGU") == "ACGT"
    assert gc_content("acguNN") == 0.5
    assert math.isnan(gc_content("NNN"))


@given(dna, st.integers(1, 9), st.integers(1, 9))
def test_windows_are_whole_and_where_they_say(bases, size, step):
    found = list(windows(bases, size, step))
    assert [start for start, _ in found] == list(range(0, len(bases) - size + 1, step))
    assert all(bases[start : start + size] == window for start, window in found)
    assert all(len(window) == size for _, window in found)


def test_windows_refuse_a_size_that_never_advances():
    with pytest.raises(InputError, match="Windows of 0 bases"):
        windows("ACGT", 0)
    with pytest.raises(InputError, match="every -1"):
        windows("ACGT", 2, -1)


@given(st.text("ACGT", min_size=1), st.data())
def test_mutate_changes_one_position(bases, data):
    position = data.draw(st.integers(0, len(bases) - 1))
    mutated = mutate(bases, position, "N")
    assert [i for i in range(len(bases)) if mutated[i] != bases[i]] == [position]
    assert len(mutated) == len(bases)


@pytest.mark.parametrize(
    ("position", "base", "words"),
    [
        (4, "A", "Position 4 lies outside of a sequence of 4 bases; expected 0 to 3"),
        (-1, "A", "Position -1 lies outside"),
        (2, "A", "Position 2 is white space"),
        (0, "AC", "'AC' cannot stand for a base"),
        (0, "", "'' cannot stand for a base"),
        (0, "-", "'-' cannot stand for a base"),
    ],
)
def test_mutate_refuses(position, base, words):
    with pytest.raises(InputError, match=words):
        mutate("AC G", position, base)
