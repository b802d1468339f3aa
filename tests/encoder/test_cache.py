from __future__ import annotations

import contextlib
import pickle
import shutil
import sqlite3
import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from dnabert2_explore import load
from dnabert2_explore.common.folders import CACHE_VARIABLE
from dnabert2_explore.encoder.vectors.cache import VectorCache, find_cache

SEQUENCES = ["ACGTACGTAAGT", "GGGTTTAAACCC", "ACGTACGTAAGT", "TTGACA"]


@pytest.fixture
def cached(model_folder, tmp_path):
    return load(model_folder, cache=tmp_path / "cache")


def refuse_to_compute(enc, monkeypatch) -> None:
    def computing(*arguments):
        raise AssertionError("computed again")

    monkeypatch.setattr(enc.body, "packed_states", computing)


def test_the_second_run_computes_nothing(cached, model_folder, tmp_path, monkeypatch) -> None:
    first = cached.embed(SEQUENCES, layer=(1, 2))
    again = load(model_folder, cache=tmp_path / "cache")  # as another process finds it
    refuse_to_compute(again, monkeypatch)
    seen = []
    second = again.embed(SEQUENCES, layer=(1, 2), progress=lambda *at: seen.append(at))
    assert np.array_equal(first, second)
    assert seen == [(4, 4)]


def test_only_what_is_new_is_computed(cached, monkeypatch) -> None:
    first = cached.embed(SEQUENCES)
    computed = []
    states = cached.body.packed_states
    monkeypatch.setattr(
        cached.body,
        "packed_states",
        lambda ids, packing, layers: (
            computed.append(len(packing.lengths)) or states(ids, packing, layers)
        ),
    )
    seen = []
    more = cached.embed([*SEQUENCES, "CCCCGGGG"], progress=lambda *at: seen.append(at))
    assert computed == [1]
    assert seen == [(5, 5)]
    assert np.array_equal(more[:4], first)


@pytest.mark.parametrize(
    "settings",
    [{"pooling": "max"}, {"layer": 1}, {"layer": (2, 1)}],
    ids=["pooling", "layer", "order of layers"],
)
def test_every_setting_has_vectors_of_its_own(cached, enc, settings) -> None:
    cached.embed(SEQUENCES)
    cached.embed(SEQUENCES, layer=(1, 2))
    np.testing.assert_allclose(
        cached.embed(SEQUENCES, **settings), enc.embed(SEQUENCES, **settings), atol=1e-6
    )


def test_another_type_has_vectors_of_its_own(cached, model_folder, tmp_path) -> None:
    exact = cached.embed(SEQUENCES)
    half = load(model_folder, dtype="bfloat16", cache=tmp_path / "cache").embed(SEQUENCES)
    assert not np.array_equal(exact, half)


def test_another_version_of_the_package_computes_anew(cached, monkeypatch) -> None:
    """A fault that was mended must not live on in the cache."""
    cached.embed(SEQUENCES)
    monkeypatch.setattr("dnabert2_explore.encoder.vectors.cached.__version__", "0.0.0")
    refuse_to_compute(cached, monkeypatch)
    with pytest.raises(AssertionError, match="computed again"):
        cached.embed(SEQUENCES)


def edited(enc) -> None:
    with torch.no_grad():
        enc.body.encoder.layer[0].mlp.wo.weight.mul_(0.5)


def edited_behind_the_counter(enc) -> None:
    enc.body.encoder.layer[0].mlp.wo.weight.data.normal_()


def one_head_silenced(enc) -> None:
    """The edit of an ablation study: some rows, behind the counter."""
    enc.body.encoder.layer[1].attention.self.Wqkv.weight.data[72:80] = 0


def hooked(enc) -> None:
    enc.body.encoder.layer[0].mlp.register_forward_hook(lambda *arguments: arguments[-1] * 0.5)


@pytest.mark.parametrize("change", [edited, edited_behind_the_counter, one_head_silenced, hooked])
def test_a_changed_network_is_computed(cached, change) -> None:
    """Vectors of the file's weights would be wrong for it, and its vectors for the file."""
    before = cached.embed(SEQUENCES)
    assert cached.pristine
    change(cached)
    assert not cached.pristine
    after = cached.embed(SEQUENCES)
    assert np.abs(after - before).max() > 1e-3
    assert np.array_equal(cached.embed(SEQUENCES), after)
    if change is not hooked:
        assert cached.weights_sha256 != cached.sha256


def test_a_copy_in_another_process_keeps_its_identity(cached) -> None:
    again = pickle.loads(pickle.dumps(cached))
    assert again.pristine
    edited(cached)
    assert not pickle.loads(pickle.dumps(cached)).pristine


def test_a_broken_file_is_told_once_and_left_alone(cached, enc) -> None:
    cached.cache.path.parent.mkdir(parents=True)
    cached.cache.path.write_bytes(b"no database " * 100)
    with pytest.warns(UserWarning, match=r"vectors\.sqlite cannot be used .*delete the file"):
        vectors = cached.embed(SEQUENCES)
    np.testing.assert_allclose(vectors, enc.embed(SEQUENCES), atol=1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cached.embed(SEQUENCES)
    cached.cache.clear()
    assert not cached.cache.path.exists()


def test_a_flipped_bit_is_never_a_vector(tmp_path, monkeypatch) -> None:
    """Damaged rows are unknown, damaged pages are told: no other value, no other exception."""
    rng = np.random.default_rng(0)
    vectors = {
        rng.bytes(16): rng.normal(size=192).astype(np.float32) for _ in range(200)
    }  # fmt: skip
    path = tmp_path / "vectors.sqlite"
    VectorCache(path).put(vectors)
    whole, lost = path.read_bytes(), 0
    damaged = [whole[:-3], whole[: len(whole) // 2]]
    for bit in rng.integers(8 * len(whole), size=80).tolist():
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        damaged.append(bytes(data))
    for data in damaged:
        path.write_bytes(data)
        cache = VectorCache(path)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*cannot be used")
            found = cache.get(vectors)
            cache.put(vectors)
        assert all(np.array_equal(vectors[key], vector) for key, vector in found.items())
        lost += len(found) < len(vectors)
    assert lost > 20


def test_a_damaged_row_is_computed_and_written_anew(cached) -> None:
    first = cached.embed(SEQUENCES)
    path = cached.cache.path
    with contextlib.closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE vectors SET vector = substr(vector, 1, 7)")
    assert np.array_equal(cached.embed(SEQUENCES), first)
    with contextlib.closing(sqlite3.connect(path)) as file, file:
        (shortest,) = file.execute("SELECT MIN(LENGTH(vector)) FROM vectors").fetchone()
    assert shortest == 32 * 4


@pytest.mark.parametrize("change", ["vector = 'text'", "key = 5", '"check" = 1.5'])
def test_rows_of_other_types_are_unknown(cached, change) -> None:
    first = cached.embed(SEQUENCES[:1])
    with contextlib.closing(sqlite3.connect(cached.cache.path)) as file, file:
        file.execute(f"UPDATE vectors SET {change}")
    assert np.array_equal(cached.embed(SEQUENCES[:1]), first)


def test_a_file_of_an_earlier_version_is_computed_anew(cached, enc) -> None:
    """Its rows have no digests."""
    path = cached.cache.path
    path.parent.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(path)) as file, file:
        file.execute("CREATE TABLE vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL)")
        file.execute("INSERT INTO vectors VALUES (?, ?)", (b"old", b"wrong"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cached.embed(SEQUENCES)
    with contextlib.closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT COUNT(*) FROM vectors").fetchone() == (3,)


def test_the_oldest_leave_when_it_is_full(tmp_path) -> None:
    cache = VectorCache(tmp_path / "v.sqlite", limit=200_000)
    vectors = {bytes([i]): np.full(1000, i, dtype=np.float32) for i in range(100)}
    for key, vector in vectors.items():
        cache.put({key: vector})
    found = cache.get(vectors)
    assert bytes([99]) in found
    assert bytes([0]) not in found
    assert 20 <= len(found) <= 60
    for key, vector in found.items():
        assert np.array_equal(vector, vectors[key])
    assert cache.path.stat().st_size < 400_000


@pytest.mark.parametrize("share", [0.2, 0.45, 0.9])
def test_the_limit_holds_for_large_calls(tmp_path, share) -> None:
    cache = VectorCache(tmp_path / "v.sqlite", limit=1_000_000)
    for number in range(12):
        vectors = np.full((10, int(share * 1_000_000 / 40)), number, dtype=np.float32)
        cache.put({bytes([number, i]): vector for i, vector in enumerate(vectors)})
        with contextlib.closing(sqlite3.connect(cache.path)) as file:
            (kept,) = file.execute("SELECT SUM(LENGTH(vector)) FROM vectors").fetchone()
        assert (kept or 0) <= 1_000_000
    assert cache.path.stat().st_size < 2_200_000


def test_what_takes_most_of_the_cache_is_computed_and_told(cached, enc) -> None:
    cached.cache.limit = 4 * 32 * len(SEQUENCES)  # vectors of 32 values
    with pytest.warns(UserWarning, match="more than half of the cache"):
        vectors = cached.embed(SEQUENCES)
    np.testing.assert_allclose(vectors, enc.embed(SEQUENCES), atol=1e-6)
    assert not cached.cache.path.exists()


def test_a_stopped_run_keeps_what_it_computed(cached, monkeypatch) -> None:
    monkeypatch.setattr("dnabert2_explore.encoder.vectors.cached._KEPT_AT_ONCE", 1)

    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached.embed(SEQUENCES[:3], progress=stop)
    with contextlib.closing(sqlite3.connect(cached.cache.path)) as file:
        assert file.execute("SELECT COUNT(*) FROM vectors").fetchone() == (1,)


def test_a_cache_in_use_is_passed_over_this_time_only(tmp_path, monkeypatch) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, timeout: connect(path, timeout=0.05))
    cache = VectorCache(tmp_path / "v.sqlite")
    cache.put({b"1": np.ones(2, dtype=np.float32)})
    with contextlib.closing(connect(cache.path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            cache.put({b"2": np.ones(2, dtype=np.float32)})
            assert cache.get([b"1"]) == {}
        other.rollback()
    cache.put({b"3": np.ones(2, dtype=np.float32)})
    assert set(cache.get([b"1", b"2", b"3"])) == {b"1", b"3"}


def test_another_file_of_the_same_name_is_another_model(model_folder, tmp_path) -> None:
    """Vectors of the old weights must not be kept under the digest of the new ones."""
    folder = tmp_path / "model"
    shutil.copytree(model_folder, folder)
    old = load(folder, cache=tmp_path / "cache")
    digest = old.sha256
    weights = folder / "model.safetensors"
    changed = {name: tensor * 0.5 for name, tensor in load_file(weights).items()}
    replacement = tmp_path / "new.safetensors"
    save_file(changed, replacement)
    replacement.replace(weights)  # a training run that finished
    before = old.embed(SEQUENCES)
    assert old.sha256 == ""
    assert old.weights_sha256 not in ("", digest)
    new = load(folder, cache=tmp_path / "cache")
    assert np.abs(new.embed(SEQUENCES) - before).max() > 1e-3
    weights.unlink()
    assert new.info.sha256 == ""


def test_autocast_does_not_reach_the_cache(cached, enc) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        half = cached.embed(SEQUENCES)
    exact = cached.embed(SEQUENCES)
    assert not np.array_equal(half, exact)
    np.testing.assert_allclose(exact, enc.embed(SEQUENCES), atol=1e-6)


def test_where_it_is(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, "off")
    assert find_cache(None) is None
    assert find_cache(tmp_path).path == tmp_path / "vectors.sqlite"
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "named"))
    assert find_cache(True).path.parent == tmp_path / "named"
    assert find_cache(False) is None
    monkeypatch.delenv(CACHE_VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    assert "dnabert2_explore" in str(find_cache(None).path)
