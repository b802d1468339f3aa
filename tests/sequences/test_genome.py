import bz2
import gzip
import hashlib
import os
import shutil
import tempfile
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dnabert2_explore.errors import InputError
from dnabert2_explore.sequences import Sequence, _index, read_sequences
from dnabert2_explore.sequences import genome as genomes
from dnabert2_explore.sequences.genome import Genome, StaleIndexWarning

FASTA = ">one the first\nACGTAC\nGTnn\n>two\nacgu\n"


@pytest.fixture(autouse=True)
def _no_warnings(monkeypatch, tmp_path):
    """Only tests that expect a warning may see one; nothing lands in the user's cache."""
    monkeypatch.setenv("DNABERT2_EXPLORE_CACHE", str(tmp_path / "cache"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def write(folder: Path, content: str | bytes, name: str = "x.fa") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def age(path: Path, seconds: int) -> None:
    """Make a file older."""
    time = path.stat().st_mtime_ns - seconds * 10**9
    os.utime(path, ns=(time, time))


def refused(path) -> str:
    """Return the one sentence that opening ``path`` is refused with."""
    with pytest.raises(InputError) as caught:
        Genome(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    return message


def no_writing_beside(monkeypatch, folder: Path) -> None:
    """Make a folder read-only, also for root."""
    mkstemp = tempfile.mkstemp

    def refuse(*args, **kwargs):
        if Path(kwargs["dir"]) == folder:
            raise PermissionError(13, "Permission denied", str(folder))
        return mkstemp(*args, **kwargs)

    monkeypatch.setattr(tempfile, "mkstemp", refuse)


# --- what must work


def test_any_stretch_of_a_file(tmp_path):
    path = write(tmp_path, FASTA)
    with Genome(path) as genome:
        assert genome.names == ("one", "two")
        assert genome.lengths == (10, 4)
        assert genome.path == str(path)
        assert genome.fetch("one", 0, 10) == "ACGTACGTnn"
        assert genome.fetch(0, 5, 7) == "CG"
        assert genome.fetch("two", 0, 4) == "acgu"
        assert genome.digest() == hashlib.sha256(FASTA.encode()).hexdigest()
        assert repr(genome) == f"Genome({str(path)!r}, 2 records, 14 bases)"
        assert len(genome) == 2
    assert (tmp_path / "x.fa.fai").read_text().startswith("one\t10\t")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.fa", "x.fa.fai"]


@given(
    records=st.lists(st.text("ACGTacgtN", min_size=1, max_size=40), min_size=1, max_size=4),
    width=st.integers(1, 12),
    end=st.sampled_from(["\n", "\r\n"]),
    last=st.booleans(),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_stretch_is_that_of_the_reader(tmp_path_factory, records, width, end, last):
    text = "".join(
        f">r{number} x{end}" + "".join(r[i : i + width] + end for i in range(0, len(r), width))
        for number, r in enumerate(records)
    )
    path = write(tmp_path_factory.mktemp("x"), text if last else text.rstrip())
    with Genome(path) as genome:
        expected = read_sequences(path)
        assert genome.names == tuple(record.name for record in expected)
        for record in expected:
            n = len(record)
            for start in range(n):
                for stop in range(start + 1, n + 1):
                    assert genome.fetch(record.name, start, stop) == record.bases[start:stop]
    Genome(path).close()  # the index fits, so nothing is said and made anew


def test_records_in_memory_have_the_same_interface():
    records = [Sequence("one", "ACGTnn"), Sequence("two", "acgu")]
    genome = Genome.from_records(iter(records))
    assert (genome.names, genome.lengths, genome.path) == (("one", "two"), (6, 4), "")
    assert genome.fetch("one", 2, 6) == "GTnn"
    assert genome.fetch(1, 0, 1) == "a"
    assert repr(genome) == "Genome(in memory, 2 records, 10 bases)"
    assert genome.stamp is None
    genome.close()
    digests = {
        Genome.from_records(made).digest()
        for made in (
            records,
            records[::-1],
            records[:1],
            [Sequence("onea", "CGTnn"), Sequence("two", "acgu")],
            [Sequence("one", "ACGTnN"), Sequence("two", "acgu")],
        )
    }
    assert len(digests) == 5
    assert Genome.from_records(list(records)).digest() in digests


def test_threads_share_a_genome(tmp_path):
    bases = "ACGT" * 5000
    path = write(tmp_path, ">x\n" + "\n".join(bases[i : i + 60] for i in range(0, 20000, 60)))
    barrier = threading.Barrier(4)
    with Genome(path) as genome, ThreadPoolExecutor(4) as pool:

        def read(first: int) -> bool:
            barrier.wait()
            starts = range(first, 19000, 37)
            return all(genome.fetch("x", s, s + 500) == bases[s : s + 500] for s in starts)

        assert all(pool.map(read, range(4)))


# --- indexes


def test_an_index_is_used_as_it_is(tmp_path):
    path = write(tmp_path, FASTA)
    Genome(path).close()
    index = tmp_path / "x.fa.fai"
    before = index.stat().st_mtime_ns, index.stat().st_ino
    Genome(path).close()
    assert before == (index.stat().st_mtime_ns, index.stat().st_ino)


def test_an_index_older_than_the_file_is_made_anew_and_that_is_said(tmp_path):
    path = write(tmp_path, FASTA)
    Genome(path).close()
    write(tmp_path, FASTA.replace("GTnn", "GTnnAA").replace("ACGTAC", "ACGTACGT"))
    age(tmp_path / "x.fa.fai", 10)
    with pytest.warns(StaleIndexWarning, match=r"x\.fa\.fai is older than its FASTA file") as told:
        genome = Genome(path)
    assert told[0].filename == __file__
    assert genome.lengths == (14, 4)
    assert genome.fetch("one", 0, 14) == "ACGTACGTGTnnAA"
    assert Genome(path).lengths == (14, 4)


@pytest.mark.parametrize(
    "changed",
    [
        FASTA.replace(">one", ">own"),
        FASTA.replace("acgu", "acgucc"),
        FASTA + ">three\nA\n",
        FASTA.replace(">two\nacgu\n", ""),
        ">zero\nA\n" + FASTA,
    ],
)
def test_an_index_of_another_file_is_found_out_whatever_its_age(tmp_path, changed):
    path = write(tmp_path, FASTA)
    Genome(path).close()
    write(tmp_path, changed)
    age(path, 1000)
    with pytest.warns(StaleIndexWarning, match="does not describe its FASTA file"):
        genome = Genome(path)
    assert [(n, genome.fetch(n, 0, k)) for n, k in zip(genome.names, genome.lengths, strict=True)]
    assert genome.names == tuple(record.name for record in read_sequences(path))


@pytest.mark.parametrize("content", ["", "rubbish", "one\t10\n", "one\t10\t15\t0\t0\n"])
def test_a_damaged_index_is_made_anew(tmp_path, content):
    path = write(tmp_path, FASTA)
    write(tmp_path, content, "x.fa.fai")
    with pytest.warns(StaleIndexWarning):
        assert Genome(path).lengths == (10, 4)


def test_a_file_from_the_future_is_not_indexed_each_time(tmp_path):
    path = write(tmp_path, FASTA)
    age(path, -10_000)
    Genome(path).close()
    Genome(path).close()


def test_a_read_only_folder_without_index(tmp_path, monkeypatch):
    data = tmp_path / "data"
    data.mkdir()
    path = write(data, FASTA)
    no_writing_beside(monkeypatch, data)
    assert Genome(path).fetch("two", 1, 4) == "cgu"
    (index,) = (tmp_path / "cache" / "fai").iterdir()
    before = index.stat().st_mtime_ns
    Genome(path).close()
    assert index.stat().st_mtime_ns == before
    assert [p.name for p in data.iterdir()] == ["x.fa"]
    # Another content gets another index.
    write(data, FASTA.replace("two", "three"))
    assert Genome(path).names == ("one", "three")


def test_a_read_only_folder_without_index_or_cache(tmp_path, monkeypatch):
    data = tmp_path / "data"
    data.mkdir()
    path = write(data, FASTA)
    no_writing_beside(monkeypatch, data)
    monkeypatch.setenv("DNABERT2_EXPLORE_CACHE", "off")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delattr("getpass.getuser")  # which fails where the user has no name
    _index._own_folder.cache_clear()
    assert Genome(path).lengths == (10, 4)
    (index,) = tmp_path.glob("dnabert2_explore-*/*.fai")
    if os.name == "posix":
        assert index.parent.stat().st_mode & 0o777 == 0o700
    before = index.stat().st_ino
    assert Genome(path).lengths == (10, 4)
    assert index.stat().st_ino == before
    index.write_text("")
    assert Genome(path).lengths == (10, 4)
    _index._own_folder().cleanup()
    _index._own_folder.cache_clear()


def test_a_read_only_folder_with_a_stale_index(tmp_path, monkeypatch):
    data = tmp_path / "data"
    data.mkdir()
    path = write(data, FASTA)
    Genome(path).close()
    write(data, FASTA.replace("GTnn", "GTnnAA").replace("ACGTAC", "ACGTACGT"))
    age(data / "x.fa.fai", 10)
    stale = (data / "x.fa.fai").read_bytes()
    no_writing_beside(monkeypatch, data)
    for _ in range(2):
        with pytest.warns(StaleIndexWarning, match="older than its FASTA file and cannot") as told:
            genome = Genome(path)
        assert genome.fetch("one", 0, 14) == "ACGTACGTGTnnAA"
    (index,) = (tmp_path / "cache" / "fai").iterdir()
    assert f"(Permission denied); {index} is used instead." in str(told[0].message)
    assert told[0].filename == __file__
    assert (data / "x.fa.fai").read_bytes() == stale


def test_no_place_for_an_index_at_all(tmp_path, monkeypatch):
    path = write(tmp_path, FASTA)

    def refuse(*args, **kwargs):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    assert "set DNABERT2_EXPLORE_CACHE to a folder of yours" in refused(path)


def test_an_index_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    path = write(tmp_path, FASTA)

    def killed(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as killing:
        killing.setattr(shutil, "copyfileobj", killed)  # in pyfaidx, half-way
        with pytest.raises(KeyboardInterrupt):
            Genome(path)
    assert [p.name for p in tmp_path.iterdir()] == ["x.fa"]
    assert Genome(path).lengths == (10, 4)


# --- what must be refused


def test_missing_empty_folder(tmp_path):
    assert "There is no file" in refused(tmp_path / "no.fa")
    assert "is empty" in refused(write(tmp_path, ""))
    assert "cannot be opened (Is a directory)" in refused(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (">a\nAC\n>a\nGT\n", "names two records 'a'"),
        (">a\nAC\n>b\n>c\nGT\n", "record 'b' has no bases"),
        (">a\nAC\n>b\n", "record 'b' has no bases"),
        (">a\nACGT\nAC\nACGT\n", "the lines of a record differ in length (>a at line 3)"),
        (">a\nACGT\n>\nAC\n", "a header without a name"),
        ("sequence,label\nACGT,1\n", "is no FASTA file"),
        ("\n\n", "is no FASTA file"),
        (b">a\xff\xfe\nACGT\n", "is no FASTA file"),
    ],
)
def test_files_that_cannot_be_indexed(tmp_path, content, words):
    path = write(tmp_path, content)
    message = refused(path)
    assert words in message
    assert str(path) in message
    assert words in refused(path)  # also when an index was left behind


@pytest.mark.parametrize(
    ("pack", "name", "words"),
    [
        (gzip.compress, "x.fa.gz", "run 'gunzip "),
        (gzip.compress, "x.fa", "run 'gunzip "),
        (bz2.compress, "x.fa.bz2", "bzip2-compressed"),
        (bytes, "x.fa.gz", "is not compressed although its name says so"),
    ],
)
def test_compression_without_random_access(tmp_path, pack, name, words):
    message = refused(write(tmp_path, pack(FASTA.encode()), name))
    assert words in message
    assert name in message


def test_bgzf_needs_biopython(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "Bio", None)
    monkeypatch.setitem(__import__("sys").modules, "Bio.bgzf", None)
    block = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
    assert "pip install biopython" in refused(write(tmp_path, block, "x.fa.gz"))
    assert "rename it" in refused(write(tmp_path, block, "x.fa"))


def test_bgzf(tmp_path):
    bgzf = pytest.importorskip("Bio.bgzf", reason="reading BGZF needs Biopython")
    bases = "ACGTTGCA" * 30_000
    text = ">x\n" + "\n".join(bases[i : i + 60] for i in range(0, len(bases), 60)) + "\n>y\nACG\n"
    path = tmp_path / "x.fa.gz"
    with bgzf.BgzfWriter(str(path)) as file:
        file.write(text)
    for _ in range(2):
        with Genome(path) as genome:
            assert genome.lengths == (len(bases), 3)
            for start in range(0, len(bases) - 700, 9973):
                assert genome.fetch("x", start, start + 700) == bases[start : start + 700]
            assert genome.fetch("y", 0, 3) == "ACG"
    age(tmp_path / "x.fa.gz.gzi", 10)
    with pytest.warns(StaleIndexWarning, match="block index"):
        assert Genome(path).fetch("x", 100_000, 100_008) == bases[100_000:100_008]


@pytest.mark.parametrize(("start", "end"), [(-1, 3), (3, 3), (4, 2), (0, 11)])
def test_stretches_that_are_not_there(tmp_path, start, end):
    for genome in (
        Genome(write(tmp_path, FASTA)),
        Genome.from_records([Sequence("one", "A" * 10)]),
    ):
        with pytest.raises(InputError, match=f"one:{start}-{end} is no stretch"):
            genome.fetch("one", start, end)
        for record in ("two_", 2, -1):
            with pytest.raises(InputError, match="There is no record"):
                genome.fetch(record, 0, 1)


def test_letters_that_are_no_bases(tmp_path):
    genome = Genome(write(tmp_path, ">ok\nACGT\n>bad\nAC-T\n>odd\nACé\n".encode()))
    assert genome.fetch("ok", 0, 4) == "ACGT"
    with pytest.raises(InputError, match=r"record 'bad', bases 2 to 4 holds 1 alignment gaps"):
        genome.fetch("bad", 1, 4)
    with pytest.raises(InputError, match=r"record 'odd', bases 1 to 3"):
        genome.fetch("odd", 0, 3)


BAD = [
    (">ok some-header\nACGT\n>bad\n" + "ACGT" * 800 + "-A\n", "record 'bad', bases 3001 to 3202"),
    (">ok\r\nACGT\r\n>prot\r\nMKVLEF\r\n", "record 'prot', bases 1 to 6 looks like a protein"),
    (">ok\nACGT\n>odd\nACé\n", "record 'odd', bases 1 to 3"),
    (">ok\nACGT\nA>GT\n", "record 'ok', bases 1 to 8"),
    (">ok\nACGT\nAC T\n", "record 'ok', bases 1 to 8"),
]


@pytest.mark.parametrize(("text", "words"), BAD)
@pytest.mark.parametrize("block", [1, 2, 7, 1 << 22])
def test_the_digest_looks_at_every_letter(tmp_path, monkeypatch, text, words, block):
    monkeypatch.setattr(genomes, "_BLOCK", block)
    opened = Genome(write(tmp_path, text.encode()))
    with pytest.raises(InputError, match=words):
        opened.digest()


@pytest.mark.parametrize("block", [1, 2, 7, 1 << 22])
def test_headers_comments_and_line_ends_are_no_letters(tmp_path, monkeypatch, block):
    monkeypatch.setattr(genomes, "_BLOCK", block)
    for text in (FASTA, FASTA.replace("\n", "\r\n"), "; said\n" + FASTA, FASTA.strip()):
        with Genome(write(tmp_path, text, f"{hash(text)}.fa")) as opened:
            assert opened.digest() == hashlib.sha256(text.encode()).hexdigest()


def test_the_digest_looks_at_records_from_memory_and_into_bgzf(tmp_path):
    records = [Sequence("ok", "ACGT"), Sequence("bad", "ACGT-")]
    with pytest.raises(InputError, match=r"record 'bad', bases 1 to 5 holds 1 alignment gaps"):
        Genome.from_records(records).digest()
    bgzf = pytest.importorskip("Bio.bgzf", reason="reading BGZF needs Biopython")
    for bases in ("ACGT", "ACG?"):
        path = tmp_path / f"{bases[3]}.fa.gz".replace("?", "bad")
        with bgzf.BgzfWriter(str(path)) as file:
            file.write(f">x here\n{bases}\n")
    good, bad = (Genome(tmp_path / name) for name in ("T.fa.gz", "bad.fa.gz"))
    assert good.digest() == hashlib.sha256((tmp_path / "T.fa.gz").read_bytes()).hexdigest()
    with pytest.raises(InputError, match=r"record 'x', bases 1 to 4"):
        bad.digest()


def test_a_file_that_changes_under_the_reader(tmp_path):
    genome = Genome(write(tmp_path, FASTA))
    write(tmp_path, ">one\nACG\n")
    with pytest.raises(InputError, match="has changed since it was opened"):
        genome.fetch("two", 0, 4)


def test_records_that_cannot_be():
    for records, words in (
        ([], "There are no records"),
        ([Sequence("a", "AC"), Sequence("a", "GT")], "named 'a'"),
        ([Sequence("a", "")], "has no bases"),
    ):
        with pytest.raises(InputError, match=words):
            Genome.from_records(records)
