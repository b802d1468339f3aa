import warnings

import numpy as np
import pytest
from hypothesis import given, strategies as st

from dnabert2_explore.errors import InputError
from dnabert2_explore.sequences import Composition, UnknownBasesWarning, clean, warn_unknown


def test_plain_bases_pass_unchanged_and_keep_their_coordinates():
    cleaned = clean("ACGTTGCA")
    assert cleaned.bases == "ACGTTGCA"
    assert cleaned.positions is None
    assert cleaned.composition == Composition(8, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0)


def test_every_kind_of_character_is_counted():
    composition = clean("ACGTU acgtu\n NnRyK -X7\t").composition
    assert composition == Composition(
        length=18, a=2, c=2, g=2, t=4, n=2, iupac=3, unknown=3, lower=7, uracil=2, whitespace=5
    )
    assert composition.ambiguous == 8


def test_white_space_is_dropped_and_positions_point_into_the_text():
    cleaned = clean(" AC\r\nGU ")
    assert cleaned.bases == "ACGT"
    assert cleaned.positions is not None
    assert cleaned.positions.dtype == np.int64
    assert cleaned.positions.tolist() == [1, 2, 5, 6]


def test_text_cannot_smuggle_in_a_special_token():
    assert clean("AC[MASK]GT").bases == "ACNNANNNGT"


@pytest.mark.parametrize("space", ["\u00a0", "\u2003", "\u2028", "\u200b", "\ufeff"])
def test_white_space_outside_ascii_is_dropped(space):
    cleaned = clean(f"A{space}C")
    assert cleaned.bases == "AC"
    assert cleaned.positions is not None
    assert cleaned.positions.tolist() == [0, 2]


def test_other_characters_become_one_n_each():
    cleaned = clean("Aé€😀\ud800C")
    assert cleaned.bases == "ANNNNC"
    assert cleaned.composition.unknown == 4


def test_nothing_stays_nothing():
    cleaned = clean("")
    assert cleaned.bases == ""
    assert cleaned.composition.length == 0
    warn_unknown(cleaned.composition)


def test_something_that_is_no_text_is_refused():
    with pytest.raises(InputError, match=r"given as list; expected a str: pass the letters"):
        clean(["ACGT"])  # type: ignore[arg-type]


@given(st.text())
def test_cleaning_any_text(text):
    cleaned = clean(text)
    composition = cleaned.composition
    assert set(cleaned.bases) <= set("ACGTN")
    assert len(cleaned.bases) == composition.length == len(text) - composition.whitespace
    parts = (composition.a, composition.c, composition.g, composition.t, composition.ambiguous)
    assert sum(parts) == composition.length
    positions = range(len(text)) if cleaned.positions is None else cleaned.positions
    for base, position in zip(cleaned.bases, positions, strict=True):
        original = text[position].upper()
        assert base == ("T" if original == "U" else original if original in set("ACGT") else "N")
    assert clean(cleaned.bases).bases == cleaned.bases


def test_the_warning_gives_the_numbers_once_and_names_the_caller():
    def tokenize(text):
        warn_unknown(clean(text).composition)

    with pytest.warns(UnknownBasesWarning) as caught:
        tokenize("ACGTNNRX")
    (warning,) = caught
    assert str(warning.message).startswith(
        "4 of 8 bases (50.00%) are not A, C, G or T (2 N, 1 other IUPAC codes, 1 other characters)"
    )
    assert warning.filename == __file__


def test_lower_case_and_uracil_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_unknown(clean("acgu ACGT").composition)
