"""Stores whose files were damaged, lost, or written by an earlier version."""

import json
import shutil

import numpy as np
import pytest
import zarr

from dnabert2_explore.errors import ExploreError, InputError
from dnabert2_explore.stores import (
    EmbeddingStore,
    StoreError,
    check_store,
    embed_windows,
    export,
    open_store,
)
from dnabert2_explore.stores.layout import COORDINATES

from .fake import ROWS, STRIDE, WINDOW, FakeEmbedder, files, write_fasta


def embed(path, source, embedder=None):
    return embed_windows(path, source, embedder or FakeEmbedder(), WINDOW, STRIDE, ROWS)


def flip(file, bit):
    data = bytearray(file.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    file.write_bytes(data)


CHUNKS = ["embeddings/layer_2/c/3/0", *(f"{name}/c/3" for name in COORDINATES)]


@pytest.mark.parametrize("name", CHUNKS)
def test_every_flipped_bit_in_a_chunk_is_refused_with_the_name(store, name):
    file = store / name
    opened, rng = open_store(store), np.random.default_rng(0)
    for bit in rng.choice(8 * file.stat().st_size, size=15, replace=False).tolist():
        flip(file, bit)
        with pytest.raises(StoreError, match=r"is damaged .*embed --check") as caught:
            opened.vectors(2)[:] if "layer" in name else opened.coordinates()
        assert str(file) in str(caught.value)
        assert "\n" not in str(caught.value)
        flip(file, bit)
    assert np.isfinite(opened.vectors(2)[:]).all()


def test_selections_beyond_it_are_errors_of_the_caller(store):
    with pytest.raises(IndexError):
        open_store(store).vectors()[10**6]


@pytest.mark.parametrize("name", CHUNKS)
def test_a_lost_file_is_found_and_computed_anew(store, fasta, name):
    before = files(store)
    (store / name).unlink()
    opened = open_store(store)
    assert not opened.complete
    assert opened.missing() == [3]
    assert not opened.is_done(3)
    assert opened.is_done(2)
    assert "1 of" in repr(opened) or "chunks" in repr(opened)
    (damage,) = check_store(opened).damages
    assert (damage.chunk, damage.file, damage.reason) == (3, store / name, "it is lost")
    with pytest.raises(InputError, match="is not finished: 1 of"):
        export(opened, store.with_suffix(".npz"))
    summary = embed(store, fasta)
    assert summary.computed == ROWS
    assert files(store) == before
    assert open_store(store).complete


def test_files_that_zarr_leaves_out_are_not_lost(tmp_path):
    """A chunk of N alone: all its vectors are the fill value."""
    fasta = tmp_path / "n.fa"
    fasta.write_text(">a\n" + "ACGT" * 100 + "N" * 800 + "ACGT" * 100 + "\n")
    store = tmp_path / "n.zarr"
    embed(store, fasta)
    left_out = [i for i in range(open_store(store).plan.n_chunks)
                if not (store / f"embeddings/layer_2/c/{i}/0").exists()]  # fmt: skip
    assert left_out
    assert open_store(store).complete
    assert open_store(store).is_done(left_out[0])
    assert check_store(open_store(store)).damages == ()
    assert embed(store, fasta).computed == 0
    (store / f"unknown/c/{left_out[0]}").unlink()
    assert open_store(store).missing() == [left_out[0]]


def test_a_check_finds_flips_and_the_next_run_mends_them(store, fasta):
    before = files(store)
    assert str(check_store(open_store(store))).endswith(
        "chunks are written, and what is written is whole"
    )
    flip(store / "embeddings/layer_5/c/1/0", 77)
    flip(store / "start/c/4", 50)
    seen = []
    found = check_store(open_store(store), progress=lambda *at: seen.append(at))
    assert seen[-1][0] == seen[-1][1] == found.chunks == found.marked
    assert found.damaged == (1, 4)
    assert [one.file for one in found.damages] == [
        store / "embeddings/layer_5/c/1/0", store / "start/c/4",
    ]  # fmt: skip
    assert "2 of them damaged, such as" in str(found)
    assert found.summed
    EmbeddingStore.open(store, writable=True).forget(found.damaged)
    assert open_store(store).missing() == [1, 4]
    embed(store, fasta)
    assert files(store) == before
    assert check_store(open_store(store)).damages == ()


def test_values_that_are_not_the_plans_are_damage_too(store):
    """Chunks that were swapped have checksums that fit."""
    shutil.copy(store / "start/c/1", store / "start/c/2")
    shutil.copy(store / "embeddings/layer_2/c/1/0", store / "embeddings/layer_2/c/2/0")
    (damage,) = check_store(open_store(store)).damages
    assert damage.file == store / "start/c/2"
    assert damage.reason == "its values are not those of the windows"


def documents(store):
    return sorted(file for file in store.rglob("zarr.json") if file.parent.name != "embeddings")


def test_damaged_descriptions_are_told_in_one_sentence(store):
    """Flipped bits, and what a kill or a full disk leaves: no other exception, no other value."""
    rng = np.random.default_rng(0)
    expected = open_store(store)
    vectors, where = expected.vectors()[:], expected.coordinates()
    messages = set()
    for file in documents(store):
        whole = file.read_bytes()
        damaged = [b"", b"{:", b"[]", b"5", b"{}", b"\xff\xfe", whole[: len(whole) // 2]]
        for bit in rng.integers(8 * len(whole), size=12).tolist():
            data = bytearray(whole)
            data[bit // 8] ^= 1 << bit % 8
            damaged.append(bytes(data))
        for data in damaged:
            file.write_bytes(data)
            try:
                opened = open_store(store)
                assert np.array_equal(opened.vectors()[:], vectors)
                assert opened.coordinates().equals(where)
                assert opened.complete
            except ExploreError as error:
                messages.add(str(error))
        file.write_bytes(whole)
    assert len(messages) > 20
    for message in messages:
        assert "finished.zarr" in message
        assert "\n" not in message


@pytest.mark.parametrize(
    "change",
    [
        {"plan": None}, {"plan": {"window": "x"}}, {"layers": ["a"]}, {"hidden": None},
        {"source": {}}, {"source": {"names": ["a"], "lengths": [10**30]}}, {"identity": 5},
        {"layers": [2, 5, 6]}, {"hidden": 7},
    ],
)  # fmt: skip
def test_descriptions_without_a_digest_are_looked_at_too(store, change):
    file = store / "zarr.json"
    document = json.loads(file.read_text())
    document["attributes"] |= change
    del document["attributes"]["digest"]
    file.write_text(json.dumps(document))
    with pytest.raises(StoreError, match=r"zarr\.json is (lost or )?damaged"):
        open_store(store)


def test_attributes_that_others_add_are_left_alone(store, fasta):
    zarr.open_group(store, mode="r+").attrs["thesis"] = "chapter 3"
    zarr.open_group(store, mode="r+")["start"].attrs["unit"] = "bases"
    assert open_store(store).complete
    assert embed(store, fasta).computed == 0


@pytest.fixture
def earlier(store, tmp_path):
    """The same store as earlier versions wrote it: no checksums, no digests."""
    path = tmp_path / "earlier.zarr"
    source = zarr.open_group(store, mode="r")
    about = {k: v for k, v in source.attrs.items() if k not in ("digest", "arrays")}
    about["source"] = about["source"] | {"stamp": about["source"]["stamp"][:2]}
    group = zarr.create_group(path, attributes=about)
    for name in (*COORDINATES, "done", "embeddings/layer_2", "embeddings/layer_5"):
        old = source[name]
        new = group.create_array(
            name, shape=old.shape, chunks=old.chunks, dtype=old.dtype, fill_value=old.fill_value
        )
        new[:] = old[:]
    return path


def test_stores_of_earlier_versions_are_read_and_gone_on_with(earlier, store, fasta):
    opened = open_store(earlier)
    assert opened.complete
    assert np.array_equal(opened.vectors()[:], open_store(store).vectors()[:])
    before = files(earlier)
    (earlier / "embeddings/layer_5/c/2/0").unlink()
    assert embed(earlier, fasta).computed == ROWS
    assert files(earlier) == before
    found = check_store(open_store(earlier))
    assert found.damages == ()
    assert "an earlier version wrote it without checksums" in str(found)
    (earlier / "end/c/2").write_bytes(b"")
    assert open_store(earlier).missing() == [2]
    (earlier / "end/c/2").write_bytes(b"no zstd")
    with pytest.raises(StoreError, match="c/2 is damaged"):
        open_store(earlier).coordinates()


def test_another_genome_of_the_same_size_and_time_is_another(tmp_path):
    import os

    fasta, store = tmp_path / "genome.fa", tmp_path / "out.zarr"
    for seed in (0, 1):
        fasta.unlink(missing_ok=True)
        write_fasta(fasta, seed=seed)
        os.utime(fasta, (1e9, 1e9))
        fai = tmp_path / "genome.fa.fai"
        fai.unlink(missing_ok=True)
        if seed == 0:
            embed(store, fasta)
        else:
            with pytest.raises(InputError, match=r"sequences .* there, .* here"):
                embed(store, fasta)


def test_what_is_damaged_is_not_exported(store):
    flip(store / "embeddings/layer_5/c/1/0", 77)
    out = store.with_suffix(".npz")
    with pytest.raises(StoreError, match=r"layer_5/c/1/0 is damaged"):
        export(store, out)
    assert not out.exists()


def test_on_the_command_line(store, fasta):
    from typer.testing import CliRunner

    from dnabert2_explore.cli.app import app

    def run(*arguments):
        return CliRunner().invoke(app, list(map(str, arguments)))

    whole = run("embed", "--check", store)
    assert whole.exit_code == 0
    assert "what is written is whole" in whole.stderr
    before = files(store)
    flip(store / "embeddings/layer_5/c/1/0", 77)
    (store / "embeddings/layer_2/c/3/0").unlink()
    found = run("embed", "--check", store)
    assert found.exit_code == 1
    assert [line.split(": ")[0] for line in found.stdout.splitlines()] == [
        str(store / "embeddings/layer_5/c/1/0"), str(store / "embeddings/layer_2/c/3/0"),
    ]  # fmt: skip
    assert "2 of them damaged" in found.stderr
    assert found.stderr.strip().endswith("the same embedding as before computes them anew")
    assert embed(store, fasta).computed == 2 * ROWS
    assert files(store) == before
    assert run("embed", "--check", store, "-o", "x.zarr").exit_code == 1
    assert "no store" in run("embed", "--check", fasta).stderr
    assert "name it with --output" in run("embed", fasta).stderr
