from __future__ import annotations

import pytest

from dnabert2_explore import InputError
from dnabert2_explore.sequences import UnknownBasesWarning
from dnabert2_explore.tokens import overlapping_kmers, sixmers


def test_overlapping_kmers_share_bases() -> None:
    tokens = overlapping_kmers("acgtac", k=4)
    assert tokens.tokens == ("ACGT", "CGTA", "GTAC")
    assert tokens.spans.tolist() == [[0, 4], [1, 5], [2, 6]]
    assert tokens.bases_per_token == 4
    assert tokens.ids.tolist() == [0b00011011, 0b01101100, 0b10110001]


def test_kmers_with_unknown_bases_are_marked() -> None:
    with pytest.warns(UnknownBasesWarning):
        tokens = overlapping_kmers("ACNGT", k=2)
    assert tokens.unknown.tolist() == [False, True, True, False]


def test_sixmers_fall_back_to_single_bases() -> None:
    with pytest.warns(UnknownBasesWarning):
        tokens = sixmers("ACGTACACNACGTACG")
    assert tokens.tokens == ("ACGTAC", "A", "C", "N", "ACGTAC", "G")
    assert tokens.spans[:, 0].tolist() == [0, 6, 7, 8, 9, 15]


def test_spans_skip_white_space() -> None:
    assert sixmers("ACG\nTACA").spans.tolist() == [[0, 7], [7, 8]]


@pytest.mark.parametrize("k", [0, 13])
def test_k_out_of_range(k) -> None:
    with pytest.raises(InputError, match="choose a k-mer length"):
        overlapping_kmers("ACGT", k=k)


def test_sequence_shorter_than_k() -> None:
    with pytest.raises(InputError, match="holds no 6-mer"):
        overlapping_kmers("ACGT")
