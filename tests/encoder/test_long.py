from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from dnabert2_explore import InputError
from dnabert2_explore.encoder.vectors.long import cut
from dnabert2_explore.sequences import UnknownBasesWarning

from ..conftest import random_bases


@given(st.integers(1, 500), st.integers(1, 60), st.data())
def test_windows_cover_everything_and_overlap_enough(length, window, data) -> None:
    overlap = data.draw(st.integers(0, window - 1))
    spans = cut(length, window, overlap)
    assert spans[0, 0] == 0
    assert spans[-1, 1] == length
    sizes = spans[:, 1] - spans[:, 0]
    assert set(sizes) == {min(window, length)}
    overlaps = spans[:-1, 1] - spans[1:, 0]
    assert (overlaps >= overlap).all()
    # No window more than needed.
    assert len(spans) == 1 or (len(spans) - 1) * (window - overlap) + overlap < length


def test_the_vector_is_the_mean_of_its_windows(enc) -> None:
    bases = random_bases(1000)
    long = enc.embed_long(bases, window=300, overlap=50)
    assert long.spans.tolist() == [[0, 300], [233, 533], [466, 766], [700, 1000]]
    np.testing.assert_allclose(
        long.vectors, enc.embed([bases[start:end] for start, end in long.spans]), atol=1e-6
    )
    np.testing.assert_allclose(long.vector, long.vectors.mean(0), atol=1e-6)
    assert str(long).startswith("1,000 bp in 4 windows of 300 bp that overlap by 50 bp or more")
    highest = enc.embed_long(bases, window=300, overlap=50, pooling="max", layer=1)
    np.testing.assert_allclose(highest.vector, highest.vectors.max(0))
    assert highest.layer == 1


def test_windows_count_by_the_bases_they_know(enc) -> None:
    bases = "N" * 200 + random_bases(50) + "N" * 50 + random_bases(100, 2)
    with pytest.warns(UnknownBasesWarning):
        long = enc.embed_long(bases, window=100, overlap=0)
    assert np.isnan(long.vectors[:2]).all()
    with pytest.warns(UnknownBasesWarning):
        expected = np.average(enc.embed([bases[200:300], bases[300:]]), axis=0, weights=[50, 100])
    np.testing.assert_allclose(long.vector, expected, atol=1e-6)
    with pytest.raises(InputError, match="has no A, C, G or T"):
        enc.embed_long("N" * 300, window=100, overlap=0)


def test_a_short_sequence_is_read_as_a_whole(enc, bases) -> None:
    long = enc.embed_long(bases)
    np.testing.assert_array_equal(long.vector, enc.embed(bases)[0])
    assert "in one piece" in str(long)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"window": 0}, "window is 0 bases"),
        ({"window": 100, "overlap": 100}, "overlap of 100 does not fit"),
        ({"overlap": -1}, "overlap of -1 does not fit"),
        ({"pooling": "cls"}, "'cls' has no meaning over windows"),
        ({"layer": 9}, "Layer 9 does not exist"),
    ],
)
def test_bad_settings(enc, bases, arguments, message) -> None:
    with pytest.raises(InputError, match=message):
        enc.embed_long(bases, **arguments)


def test_no_bases(enc) -> None:
    with pytest.raises(InputError, match="has no bases"):
        enc.embed_long(" ")


def test_several_layers_stand_side_by_side(enc):
    """They did where config.json named them, and were numpy's error where the caller did."""
    text = random_bases(300, seed=4)
    found = enc.embed_long(text, window=120, overlap=20, layer=iter((0, -1)))
    alone = [enc.embed_long(text, window=120, overlap=20, layer=one) for one in (0, -1)]
    np.testing.assert_array_equal(found.vector, np.concatenate([one.vector for one in alone]))
    assert found.layer == (0, enc.config.num_hidden_layers)
    assert "layers 0 and" in str(found)
