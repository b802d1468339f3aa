import numpy as np
import pytest

from dnabert2_explore import InputError
from dnabert2_explore.figures import attention_arcs, attention_map, pool
from dnabert2_explore.figures.core.colours import theme_of
from dnabert2_explore.figures.inside.arcs import strongest_pairs
from dnabert2_explore.figures.inside.attention import cell_text, special_share


def rows(n, seed=0):
    values = np.random.default_rng(seed).random((n, n)).astype(np.float32)
    return values / values.sum(axis=1, keepdims=True)


def test_a_small_map_is_not_pooled(tokens):
    matrix = rows(len(tokens))
    pooled = pool(matrix, tokens)
    assert pooled.size == 1
    assert np.array_equal(pooled.values, matrix[1:-1, 1:-1])
    assert list(pooled.edges) == [*tokens.spans[1:-1, 0], len(tokens.bases)]


@pytest.mark.parametrize("pooling", ["max", "mean"])
def test_pooling_sums_up_blocks(long_tokens, pooling):
    n = len(long_tokens)
    matrix = rows(n)
    pooled = pool(matrix, long_tokens, pooling=pooling)
    assert len(pooled.values) <= 160
    k = pooled.size
    block = matrix[1 + 2 * k : 1 + 3 * k, 1 : 1 + k]
    assert pooled.values[2, 0] == pytest.approx(getattr(block, pooling)(), rel=1e-5)
    last = matrix[pooled.first[-2] : n - 1, pooled.first[-2] : n - 1]  # a shorter cell
    assert pooled.values[-1, -1] == pytest.approx(getattr(last, pooling)(), rel=1e-5)


def test_zooming_in_shows_single_tokens_again(long_tokens):
    pooled = pool(rows(len(long_tokens)), long_tokens, view=(3000, 3200))
    assert pooled.size == 1
    assert pooled.edges[0] <= 3000 < 3200 <= pooled.edges[-1]


def test_token_axes_keep_the_special_tokens(tokens):
    figure = attention_map(rows(len(tokens)), tokens, axes="tokens", width=2000)
    assert figure.data[1].z.shape == (len(tokens),) * 2
    assert figure.layout.xaxis.ticktext[0] == "[CLS]"


def test_base_axes_have_the_edges_of_the_tokens(tokens):
    heat = attention_map(rows(len(tokens)), tokens).data[1]
    assert heat.x[0] == 0.5
    assert heat.x[-1] == len(tokens.bases) + 0.5
    assert heat.zmin == 0


def test_the_strip_shows_what_the_selection_pays(tokens):
    matrix = rows(len(tokens))
    first, last = tokens.covering(4, 10)
    paid = attention_map(matrix, tokens, selected=(4, 10)).data[0].y
    assert np.allclose(paid, matrix[first:last].mean(axis=0)[1:-1])
    received = attention_map(matrix, tokens).data[0].y
    assert np.allclose(received, matrix.mean(axis=0)[1:-1])


def test_the_picture_stays_small(long_tokens):
    figure = attention_map(rows(len(long_tokens)), long_tokens)
    assert len(figure.to_json()) < 200_000


def test_wrong_words_are_errors(tokens):
    matrix = rows(len(tokens))
    with pytest.raises(ValueError, match="'sideways' are unknown"):
        attention_map(matrix, tokens, axes="sideways")
    with pytest.raises(ValueError, match="'median' is unknown"):
        attention_map(matrix, tokens, pooling="median")


def test_special_share_and_names(tokens):
    matrix = rows(len(tokens))
    assert special_share(matrix, tokens) == pytest.approx(
        (matrix[1:-1, 0] + matrix[1:-1, -1]).mean(), rel=1e-5
    )
    assert cell_text(tokens, 0) == "[CLS]"
    assert cell_text(tokens, 1) == "ACGT (bases 1–4)"


@pytest.mark.parametrize("pooling", ["max", "mean"])
def test_a_callable_is_pooled_as_the_matrix_is(long_tokens, pooling):
    matrix = rows(len(long_tokens))
    asked = []

    def some(queries):
        asked.append(len(queries))
        return matrix[queries]

    whole = pool(matrix, long_tokens, pooling=pooling)
    by_rows = pool(some, long_tokens, pooling=pooling)
    np.testing.assert_allclose(by_rows.values, whole.values, rtol=1e-5)
    assert max(asked) <= 256
    few = pool(some, long_tokens, pooling=pooling, queries=1)
    assert few.size == whole.size
    first = few.first[:-1]
    cells = np.split(matrix[first][:, few.first[0] : few.first[-1]], first[1:] - first[0], axis=1)
    reduce = np.max if pooling == "max" else np.mean
    truth = np.stack([reduce(cell, axis=1) for cell in cells], axis=1)
    np.testing.assert_allclose(few.values, truth, rtol=1e-5)
    assert special_share(some, long_tokens) == pytest.approx(
        special_share(matrix, long_tokens), abs=0.02
    )


# Arcs -------------------------------------------------------------------------------------------


def test_the_strongest_pairs_are_those_of_a_sort():
    matrix = rows(9)
    queries, keys = strongest_pairs(matrix, most=12)
    beside = sorted((v for (i, j), v in np.ndenumerate(matrix) if i != j), reverse=True)
    assert [float(v) for v in matrix[queries, keys]][::-1] == [float(v) for v in beside[:12]]
    assert len(strongest_pairs(np.eye(4, dtype=np.float32))[0]) == 0  # what a token gives itself


def test_an_arc_leads_up_to_a_later_token_and_down_to_an_earlier_one(tokens):
    n = len(tokens)
    for query, key, side in ((2, 5, 1), (5, 2, -1)):
        matrix = np.zeros((n, n), np.float32)
        matrix[query, key] = 0.7
        matrix[query, 0] = 0.9  # [CLS] has no bases
        row, line, apex = attention_arcs(matrix, tokens).data
        middles = tokens.spans[[query, key]].mean(axis=1) + 0.5
        assert np.allclose([line.x[0], line.x[-2]], middles)  # the last is a gap
        assert np.nanmax(np.abs(line.y)) == pytest.approx(1.0)
        assert np.sign(np.nansum(line.y)) == side
        assert (np.asarray(line.y[:-1]) * side >= 0).all()
        assert len(row.x) == n - 2
        assert "0.7000" in apex.customdata[0]
        assert cell_text(tokens, query) in apex.customdata[0].split("<br>to ")[0]


def test_arcs_of_a_selection_stand_out_and_many_tokens_are_refused(tokens, long_tokens):
    start, end = tokens.spans[3]
    figure = attention_arcs(rows(len(tokens)), tokens, selected=(int(start), int(end)))
    colours = [line.line.color for line in figure.data[1:-1]]
    assert theme_of("light").select in colours
    assert colours[0] != theme_of("light").select
    small = attention_arcs(lambda queries: rows(len(tokens))[queries], tokens, view=(0, 12))
    assert len(small.data[0].x) < len(tokens) - 2
    with pytest.raises(InputError, match="Zoom in"):
        attention_arcs(rows(len(long_tokens)), long_tokens)
    assert attention_arcs(rows(len(long_tokens)), long_tokens, view=(100, 400)).data
