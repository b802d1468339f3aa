"""Stretches of A, C, G, T: the same in memory, from chunks of any size, and mapped from a cache."""

from __future__ import annotations

import contextlib
import os
import time

import numpy as np
import pytest

from dnabert2_explore.errors import InputError
from dnabert2_explore.sequences import ReadingWarning
from dnabert2_explore.training.corpus import stretches
from dnabert2_explore.training.corpus.species import GenomeFile
from dnabert2_explore.training.corpus.stretches import open_species
from dnabert2_explore.training.corpus.windows import Corpus

TEXT = """>one
acgtu
NACG-TTT
GGGNNAA

>two
CC
CC
>two
RYACGTACGTAAA"""


def open_file(path, shortest=3, **settings):
    return open_species([GenomeFile(path, "c", "s", "train")], shortest, **settings)


def pieces(one):
    return [
        one.bases[start : start + length].tobytes().decode()
        for start, length in zip(one.starts, one.lengths, strict=True)
    ]


@pytest.fixture
def fasta(tmp_path):
    path = tmp_path / "a.fa"
    path.write_text(TEXT)
    return path


@pytest.mark.parametrize("chunk", [1, 4, 7, 1 << 20])
@pytest.mark.parametrize("cached", [False, True])
def test_stretches_do_not_depend_on_chunks_or_on_the_cache(
    fasta, tmp_path, monkeypatch, chunk, cached
):
    monkeypatch.setattr(stretches, "_CHUNK", chunk)
    one = open_file(fasta, cache=tmp_path / "cache" if cached else None)
    assert pieces(one) == ["ACGTT", "ACG", "TTTGGG", "CCCC", "ACGTACGTAAA"]
    assert one.left_out == 2
    assert isinstance(one.bases, np.memmap) is cached


def test_short_stretches_are_left_out_and_counted(fasta):
    one = open_file(fasta, shortest=5)
    assert pieces(one) == ["ACGTT", "TTTGGG", "ACGTACGTAAA"]
    assert one.left_out == 3 + 2 + 4


def test_cached_corpus_draws_the_same_windows(genomes, table, tmp_path):
    plain = Corpus.load(genomes, table, shortest=100)
    cached = Corpus.load(genomes, table, shortest=100, cache=tmp_path)
    assert plain.fingerprint == cached.fingerprint
    for step in range(20):
        drawn = [one.window(np.random.default_rng(step), 150) for one in (plain, cached)]
        assert drawn[0] == drawn[1]


def test_cache_is_read_again_and_made_anew_for_another_file(fasta, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    first = pieces(open_file(fasta, cache=cache))
    monkeypatch.setattr(stretches, "_chunks", lambda path: pytest.fail("the file was read again"))
    assert pieces(open_file(fasta, cache=cache)) == first
    monkeypatch.undo()
    fasta.write_text(">x\nAAAA\n")
    os.utime(fasta, ns=(1, 1))
    assert pieces(open_file(fasta, cache=cache)) == ["AAAA"]
    assert len(list(cache.iterdir())) == 2


def test_half_made_cache_is_not_used_and_old_ones_are_removed(fasta, tmp_path, monkeypatch):
    cache = tmp_path / "cache"

    def stop(path):
        yield b"ACGT"
        raise KeyboardInterrupt

    monkeypatch.setattr(stretches, "_chunks", stop)
    with pytest.raises(KeyboardInterrupt):
        open_file(fasta, cache=cache)
    monkeypatch.undo()
    assert not list(cache.iterdir())
    for name, age in ((".making-killed", 2 * 24 * 3600), (".making-now", 0)):
        (cache / name).mkdir()
        os.utime(cache / name, (time.time() - age,) * 2)
    open_file(fasta, cache=cache)
    names = {path.name.split("-")[1] for path in cache.glob(".making-*")}
    assert names == {"now"}


def test_damaged_cache_is_told(fasta, tmp_path):
    cache = tmp_path / "cache"
    open_file(fasta, cache=cache)
    (folder,) = cache.iterdir()
    with (folder / "bases.u8").open("ab") as file:
        file.write(b"A")
    with pytest.raises(InputError, match="is damaged"):
        open_file(fasta, cache=cache)


def test_a_flipped_bit_in_the_cache_is_told(fasta, tmp_path):
    cache = tmp_path / "cache"
    open_file(fasta, cache=cache)
    (folder,) = cache.iterdir()
    for name in ("bases.u8", "lengths.npy", "about.json"):
        whole = (folder / name).read_bytes()
        for bit in range(8 * len(whole) - 8, 8 * len(whole) - 300, -37):
            data = bytearray(whole)
            data[bit // 8] ^= 1 << bit % 8
            (folder / name).write_bytes(data)
            with contextlib.suppress(InputError):
                assert pieces(open_file(fasta, cache=cache)) == pieces(open_file(fasta))
                assert name == "about.json"  # white space in it may differ
        (folder / name).write_bytes(whole)


def test_another_file_of_the_same_size_and_time_is_read_anew(fasta, tmp_path):
    cache = tmp_path / "cache"
    fasta.write_text(">x\nAAAA\n")
    os.utime(fasta, ns=(1, 1))
    first = open_file(fasta, cache=cache)
    other = tmp_path / "other.fa"
    other.write_text(">x\nCCCC\n")
    os.utime(other, ns=(1, 1))
    other.replace(fasta)
    second = open_file(fasta, cache=cache)
    assert (pieces(first), pieces(second)) == (["AAAA"], ["CCCC"])
    assert second.sha256 == open_file(fasta).sha256 != first.sha256


def test_cache_that_cannot_be_written(fasta, tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stretches.np, "save", full)
    with pytest.raises(InputError, match=r"cannot be written \(No space left on device\); free"):
        open_file(fasta, cache=tmp_path / "cache")


def test_memory_stays_small_while_a_large_record_is_cached(tmp_path):
    import tracemalloc

    path = tmp_path / "big.fa"
    with path.open("w") as file:
        file.write(">x\n")
        for _ in range(400):
            file.write(("ACGTTGCA" * 1250 + "\n") * 2)  # 8 MB in one record
    tracemalloc.start()
    one = open_file(path, cache=tmp_path / "cache")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(one) == 8_000_000
    assert peak < 8_000_000


def test_tables_of_sequences(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text("sequence1\tlabel\tsequence2\nACGT\tx\tGGG\nTT\ty\tAAAA\n")
    assert pieces(open_file(path)) == ["ACGT", "GGG", "AAAA"]
    quoted = tmp_path / "q.csv"
    quoted.write_text('"sequence","label"\r\n"ACGTN","1"\r\n')
    assert pieces(open_file(quoted)) == ["ACGT"]
    path.write_text("bases\tlabel\nACGT\tx\n")
    with pytest.raises(InputError, match=r"t\.tsv has no 'sequence' column; its columns"):
        open_file(path)


def test_lines_groups_and_kmers(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text("ACGTT\nGGGGC\n\nTT\n")  # the form the authors pre-train on
    assert pieces(open_file(path)) == ["ACGTT", "GGGGC"]
    path = tmp_path / "groups.fa"
    path.write_text("; said\n>x\nACGTACGTAC GGGGGCCCCC\nAA\n>y\rACGTT\r")
    assert pieces(open_file(path)) == ["ACGTACGTACGGGGGCCCCCAA", "ACGTT"]
    path = tmp_path / "kmers.tsv"
    path.write_text("sequence\tlabel\nACGT CGTT GTTA\t1\n")
    with pytest.warns(ReadingWarning, match="overlapping 4-mers"):
        assert pieces(open_file(path)) == ["ACGTTA"]


@pytest.mark.filterwarnings("default::dnabert2_explore.errors.ExploreWarning")
def test_a_bed_file_gives_the_stretches_of_its_genome(tmp_path):
    (tmp_path / "ref.fa").write_text(">c\nAACCGGTTACGTNNACGTTTGG\n")
    bed = tmp_path / "peaks.bed"
    bed.write_text("track name=x\nc\t2\t8\tone\t0\t-\nc\t10\t18\n")
    file = GenomeFile(bed, "c", "s", "train", genome=tmp_path / "ref.fa")
    for cache in (None, tmp_path / "cache"):
        found = open_species([file], 4, cache)
        pieces = [
            bytes(found.bases[a : a + n]).decode()
            for a, n in zip(found.starts, found.lengths, strict=True)
        ]
        assert pieces == ["AACCGG", "ACGT"]
        assert found.left_out == 2
    (tmp_path / "ref.fa").write_text(">c\nTTTTTTTTACGTNNACGTTTGGA\n")
    assert bytes(open_species([file], 4, tmp_path / "cache").bases).decode() == "AAAAAAACGT"
    with pytest.raises(InputError, match="genome: in the settings of a pre-training"):
        open_species([GenomeFile(bed, "c", "s", "train")], 4)
