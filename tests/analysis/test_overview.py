from __future__ import annotations

import numpy as np

from dnabert2_explore import attend
from dnabert2_explore.analysis.overview import overview


def test_thumbnails_are_made_of_rows_of_the_maps(enc, bases) -> None:
    attention = attend(enc, bases)
    n = len(attention.tokens)
    small = overview(attention, cells=5)
    assert small.shape == (attention.n_layers, attention.n_heads, 5, 5)
    edges = np.linspace(0, n, 6).astype(int)
    for layer, head in ((0, 0), (1, 3)):
        full = attention.head(layer, head)
        for i, row in enumerate((edges[:-1] + edges[1:]) // 2):
            for j in range(5):
                expected = full[row, edges[j] : edges[j + 1]].max()
                np.testing.assert_allclose(small[layer, head, i, j], expected, rtol=1e-4)


def test_a_short_sequence_is_shown_as_it_is(enc) -> None:
    attention = attend(enc, "ACGT")
    n = len(attention.tokens)
    np.testing.assert_allclose(
        overview(attention)[1, 2], attention.head(1, 2).reshape(n, n), rtol=1e-4
    )
