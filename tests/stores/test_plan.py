import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, strategies as st

from dnabert2_explore.errors import InputError
from dnabert2_explore.stores import WindowPlan


def naive(lengths, window, stride):
    """Every window, listed one by one."""
    for record, length in enumerate(lengths):
        if window is None:
            yield record, 0, length
            continue
        for start in range(0, length, stride):
            yield record, start, min(start + window, length)
            if start + window >= length:
                break


def make(lengths, window=None, stride=None, rows=256):
    return WindowPlan(tuple(f"r{i}" for i in range(len(lengths))), lengths, window, stride, rows)


@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=6).map(tuple),
    window=st.none() | st.integers(1, 70),
    stride=st.none() | st.integers(1, 70),
    rows=st.integers(1, 9),
)
def test_the_arithmetic_lists_the_same_windows(lengths, window, stride, rows):
    stride = None if window is None else stride
    plan = make(lengths, window, stride, rows)
    expected = list(naive(lengths, window, window if stride is None else stride))
    chunks = [
        [tuple(map(int, row)) for row in zip(*plan.chunk(i), strict=True)]
        for i in range(plan.n_chunks)
    ]
    assert [row for chunk in chunks for row in chunk] == expected
    assert plan.n_windows == len(expected)
    assert [plan.rows(i)[1] - plan.rows(i)[0] for i in range(plan.n_chunks)] == list(
        map(len, chunks)
    )
    assert all(len(chunk) == rows for chunk in chunks[:-1])
    sizes = [sum(end - start for _, start, end in chunk) for chunk in chunks]
    assert plan.n_bases == sum(sizes)
    assert [plan.bases_in([i]) for i in range(plan.n_chunks)] == sizes
    assert plan.bases_in(range(plan.n_chunks)) == sum(sizes)
    assert plan.bases_in([]) == 0


def test_the_last_window_ends_with_its_record():
    assert list(zip(*make((100, 30), 40, 25).chunk(0), strict=True)) == [
        (0, 0, 40),
        (0, 25, 65),
        (0, 50, 90),
        (0, 75, 100),
        (1, 0, 30),
    ]


def test_with_a_stride_above_the_window_the_end_may_be_left_out():
    assert list(zip(*make((10,), 2, 5).chunk(0), strict=True)) == [(0, 0, 2), (0, 5, 7)]


def test_types_are_those_of_the_store():
    chunk = make((100,), 40, 25).chunk(0)
    assert [column.dtype for column in chunk] == [np.int32, np.int64, np.int64]


def test_billions_of_windows_take_no_memory():
    tracemalloc.start()
    plan = make((2_000_000_000, 1_000_000_000), 1000, 1, 512)
    before = tracemalloc.get_traced_memory()[0]
    last = plan.chunk(plan.n_chunks - 1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert plan.n_windows == 3_000_000_000 - 2 * 999
    assert (last.record[-1], last.start[-1], last.end[-1]) == (1, 999_999_000, 1_000_000_000)
    assert before < 100_000
    assert peak < 1_000_000


def test_a_plan_travels_and_compares():
    plan = make((100, 30), np.int64(40), 25)
    again = pickle.loads(pickle.dumps(plan))
    assert again == plan == make((100, 30), 40, 25)
    assert type(plan.window) is int
    assert again.chunk(0).start.tolist() == plan.chunk(0).start.tolist()
    assert plan != make((100, 30), 40, 26)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"window": 0}, "zero-length windows"),
        ({"window": -5}, "window of -5"),
        ({"window": 10, "stride": 0}, "stride of 0"),
        ({"window": 10.5}, "window of 10.5 .*whole number"),
        ({"window": "50"}, "window of '50' .*whole number"),
        ({"window": 10, "stride": "5"}, "stride of '5' .*whole number"),
        ({"window": 10, "rows": 2.5}, "rows_per_chunk of 2.5 .*whole number"),
        ({"rows": None}, "rows_per_chunk of None"),
        ({"stride": 10}, "without a window"),
        ({"window": 10, "rows": 0}, "Chunks of 0 windows"),
    ],
)
def test_windows_that_cannot_be(settings, words):
    with pytest.raises(InputError, match=words):
        make((100,), **settings)


def test_records_that_cannot_be():
    for names, lengths in (((), ()), (("a",), (0,)), (("a",), (1, 2))):
        with pytest.raises(InputError, match="at least one record"):
            WindowPlan(names, lengths, 10)


def test_a_chunk_that_is_not_there():
    with pytest.raises(InputError, match="no chunk 3; expected 0 to 2"):
        make((100,), 10, 10, 4).chunk(3)
