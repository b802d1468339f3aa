import bz2
import gzip
import hashlib
import io
import lzma
import os
import random
import re
import struct
import tempfile
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pysam
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from dnabert2_explore.errors import InputError
from dnabert2_explore.sequences import ReadingWarning, Sequence, read_sequences
from dnabert2_explore.sequences.reading import genome as genomes
from dnabert2_explore.sequences.reading.genome import Genome, StaleIndexWarning

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
    assert message == like_the_reader(path, message)
    return message


def like_the_reader(path, message: str) -> str:
    """Return the reader's own sentence, where it too refuses the file for what is in it."""
    if "random access" in message or "cannot be opened" in message:
        return message
    with pytest.raises(InputError) as caught:
        read_sequences(path)
    if "There is no file" in message or "is empty" in message:
        return message  # with the formats beside it
    return str(caught.value)


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
        assert repr(genome) == f"<Genome: 2 records, 14 bases, {path}>"
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
    assert repr(genome) == "<Genome: 2 records, 10 bases, in memory>"
    assert genome.stamp is None
    genome.close()
    digests = {
        Genome.from_records(made).digest()
        for made in (
            records,
            records[::-1],
            records[:1],
            [Sequence("oneA", "CGTnn"), Sequence("two", "acgu")],
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
    for _ in range(2):
        assert Genome(path).lengths == (10, 4)
    assert [p.name for p in data.iterdir()] == ["x.fa"]


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
    assert f"cannot be replaced; {index} is used instead." in str(told[0].message)
    assert told[0].filename == __file__
    assert (data / "x.fa.fai").read_bytes() == stale


def test_an_index_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    path = write(tmp_path, FASTA)

    def killed(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as killing:
        killing.setattr(Path, "write_text", killed)
        with pytest.raises(KeyboardInterrupt):
            Genome(path)
    assert [p.name for p in tmp_path.iterdir()] == ["x.fa"]
    assert Genome(path).lengths == (10, 4)


# --- one file, the same records, whoever reads it

ODD = {
    "byte-order mark": "\ufeff" + FASTA,
    "cr": FASTA.replace("\n", "\r"),
    "crlf": FASTA.replace("\n", "\r\n"),
    "blank after the header": FASTA.replace("first\n", "first\n\n"),
    "blank lines between": FASTA.replace("\n>two", "\n\n\n>two"),
    "blank line within": FASTA.replace("AC\nGT", "AC\n\nGT"),
    "comment first": "; said\n" + FASTA,
    "comment within": FASTA.replace("AC\nGT", "AC\n; no bases\nGT"),
    "comment at the end": FASTA + "; end\n",
    "blanks at line ends": FASTA.replace("AC\n", "AC  \n").replace("nn\n", "nn  \n"),
    "a blank at one end": FASTA.replace("AC\n", "AC \n"),
    "a blank at the last end": FASTA.replace("nn\n", "nn \n"),
    "groups": ">one\nACGTACGTAC ACGTACGTAA\nACG\n>two\nA\n",
    "uneven": ">one\nACG\nAC\nACGT\n>two\nA\n",
    "indented": "   >one the first\n   ACGTAC\n   GTnn\n>two\nacgu",
    "latin-1 name": b">on\xe9 x\nACGT\nAC\n>two\nAC\n",
    "names twice": ">p\nACGT\n>p x\nGGTT\n>p_2\nA\n",
    "tab behind the name": ">one\tthe first\nACGT\n>two\nAC\n",
    "long": ">x\n" + "".join(f"{'ACGT' * (5 + i % 3)}\n" for i in range(9000)) + ">y\nAC\n",
    "long groups": ">x\n" + "ACGTACGTAC TTGACCATTA AC\n" * 9000 + "ACG\n",
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("content", ODD.values(), ids=ODD)
def test_odd_files_hold_the_same_records_as_the_reader_finds(tmp_path, content, packed):
    path = write(tmp_path, content)
    if packed:
        data, path = path.read_bytes(), tmp_path / "x.fa.gz"
        with pysam.BGZFile(str(path), "wb", None) as file:
            file.write(data)
    warnings.simplefilter("ignore", ReadingWarning)
    expected = read_sequences(path)
    for _ in range(2):  # the second time with what the first left behind
        with Genome(path) as genome:
            assert genome.names == tuple(record.name for record in expected)
            assert genome.lengths == tuple(map(len, expected))
            genome.digest()
            for number, record in enumerate(expected):
                n = len(record)
                for start in range(0, n, max(1, n // 30)):
                    for end in {min(n, start + 1), min(n, start + 700), n}:
                        assert genome.fetch(number, start, end) == record.bases[start:end]


def test_an_index_that_counts_blanks_as_bases_shifts_nothing(tmp_path):
    path = write(tmp_path, ">one\nACGTAC \nGTTTTT \nGG\n>two\nACGT\n")
    write(tmp_path, "one\t16\t5\t7\t8\ntwo\t4\t28\t4\t5\n", "x.fa.fai")  # as pyfaidx made it
    with pytest.warns(StaleIndexWarning, match="does not describe"):
        genome = Genome(path)
    assert genome.fetch("one", 0, 14) == "ACGTACGTTTTTGG"
    assert genome.fetch("one", 6, 8) == "GT"


def test_an_index_with_rubbish_in_it_is_told(tmp_path):
    path = write(tmp_path, FASTA)
    write(tmp_path, "one\t10\t15\t6\t7\ntwo\t4\t32\t4\t15]\n", "x.fa.fai")
    with pytest.warns(StaleIndexWarning, match="is damaged and was made anew"):
        assert Genome(path).lengths == (10, 4)


def test_kmers_are_no_lines_of_a_genome(tmp_path):
    path = write(tmp_path, ">a\nACGTAG CGTAGC GTAGCT\n")
    with pytest.raises(InputError, match="written as overlapping k-mers; expected bases"):
        Genome(path)


def twobit(records: dict[str, str], order: str = "<") -> bytes:
    """Write records as 2bit (UCSC FAQ, format 7)."""
    index, bodies = b"", []
    at = 16 + sum(5 + len(name) for name in records)
    for name, bases in records.items():
        blocks = b""
        for wanted in (lambda c: c in "Nn", str.islower):
            runs = [
                (m.start(), m.end() - m.start())
                for m in re.finditer("x+", "".join("x" if wanted(c) else "." for c in bases))
            ]
            numbers = [len(runs), *(r[0] for r in runs), *(r[1] for r in runs)]
            blocks += struct.pack(f"{order}{len(numbers)}I", *numbers)
        codes = ["TCAG".index(c) if c in "TCAG" else 0 for c in bases.upper()]
        codes += [0] * (-len(codes) % 4)
        packed = bytes(
            a << 6 | b << 4 | c << 2 | d
            for a, b, c, d in zip(codes[::4], codes[1::4], codes[2::4], codes[3::4], strict=True)
        )
        body = struct.pack(f"{order}I", len(bases)) + blocks + bytes(4) + packed
        index += bytes([len(name)]) + name.encode() + struct.pack(f"{order}I", at)
        at += len(body)
        bodies.append(body)
    head = struct.pack(f"{order}4I", 0x1A412743, 0, len(records), 0)
    return head + index + b"".join(bodies)


@pytest.mark.parametrize("order", "<>")
def test_2bit(tmp_path, order):
    records = {"chr1": "ACGTNNNNacgtaCCCGnnGATTACA", "two": "T", "three": "NNN"}
    path = write(tmp_path, twobit(records, order), "x.2bit")
    expected = [Sequence(name, bases) for name, bases in records.items()]
    assert read_sequences(path) == read_sequences(str(path)) == expected
    assert read_sequences(io.BytesIO(path.read_bytes())) == expected
    from Bio.SeqIO import TwoBitIO

    with path.open("rb") as file:  # another reader of the format agrees
        assert [str(r.seq) for r in TwoBitIO.TwoBitIterator(file)] == list(records.values())
    with Genome(path) as genome:
        assert genome.names == tuple(records)
        for name, bases in records.items():
            for start in range(len(bases)):
                for end in range(start + 1, len(bases) + 1):
                    assert genome.fetch(name, start, end) == bases[start:end]
        assert genome.digest() == hashlib.sha256(path.read_bytes()).hexdigest()


def test_damaged_2bit_files_are_refused_at_once(tmp_path):
    data = twobit({"chr1": "ACGTNNNNacgtaCCCG", "two": "T"})
    for damaged in (
        data[:-1],
        data[:20],
        data[:8] + b"\xff" * 4 + data[12:],  # 4 billion records
        data[:4] + b"\7" + data[5:],
        data.replace(struct.pack("<I", 17), b"\xff" * 4),  # 4 billion bases
    ):
        with pytest.raises(InputError, match=r"cannot be read as 2bit \(.*\): download or copy"):
            Genome(write(tmp_path, damaged, "x.2bit"))


GENBANK = """LOCUS       AB000001      20 bp    DNA     linear   BCT 01-JAN-2000
DEFINITION  A test.
ACCESSION   AB000001
VERSION     AB000001.1
FEATURES             Location/Qualifiers
     source          1..20
ORIGIN
        1 acgtacgtac ggttaaccnn
//
"""
EMBL = """ID   AB000001; SV 1; linear; genomic DNA; STD; PRO; 20 BP.
XX
AC   AB000001;
XX
DE   A test.
XX
SQ   Sequence 20 BP; 5 A; 5 C; 4 G; 4 T; 2 other;
     acgtacgtac ggttaaccnn                                                    20
//
"""


@pytest.mark.parametrize("name", ["x.gb", "x.embl", "x.txt"])
def test_genbank_and_embl(tmp_path, name):
    path = write(tmp_path, EMBL if name == "x.embl" else GENBANK, name)
    (record,) = read_sequences(path)
    assert (record.name, record.bases) == ("AB000001.1", "ACGTACGTACGGTTAACCNN")
    with Genome(path) as genome:
        assert genome.fetch("AB000001.1", 8, 12) == "ACGG"
        assert genome.digest() == hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(InputError, match=r"record 1 holds no bases, only what it is made of"):
        read_sequences(re.sub("ORIGIN.*nn", "CONTIG      join(X:1..20)", GENBANK, flags=re.DOTALL))


def test_fastq(tmp_path):
    text = "@r1 first\nACGT\n+\nIIII\n@r2\nGG\n+r2\n@@\n"
    expected = [Sequence("r1", "ACGT", description="first"), Sequence("r2", "GG")]
    assert read_sequences(text) == read_sequences(write(tmp_path, text, "x.fq")) == expected
    packed = write(tmp_path, gzip.compress(text.encode()), "x.fastq.gz")
    assert read_sequences(str(packed)) == expected
    with pytest.raises(InputError, match=r"cannot be read as FASTQ after record 1 \("):
        read_sequences(text[:-3])


# --- what must be refused


def test_missing_empty_folder(tmp_path):
    assert "There is no file" in refused(tmp_path / "no.fa")
    assert "is empty" in refused(write(tmp_path, ""))
    assert "is a folder" in refused(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (">a\nAC\n>b\n>c\nGT\n", "record 'b' (line 3) has no bases"),
        (">a\nAC\n>b\n", "record 'b' (line 3) has no bases"),
        (">a\nACGT\n>\nAC\n", "line 3 is a header without a name"),
        ("seq,label\nACGT,1\n", "line 1 ('seq,label') stands before the first header"),
        ("\n\n", "is empty"),
    ],
)
def test_files_that_cannot_be_indexed(tmp_path, content, words):
    path = write(tmp_path, content)
    message = refused(path)
    assert words in message
    assert str(path) in message
    assert words in refused(path)  # also when an index was left behind


PACKERS = [(gzip.compress, "gzip"), (bz2.compress, "bzip2"), (lzma.compress, "xz")]


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DNABERT2_EXPLORE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize(("pack", "kind"), PACKERS)
def test_compression_without_random_access_is_packed_anew_into_the_cache(
    tmp_path, own_cache, pack, kind
):
    """Refused before: most genomes that people download are .fa.gz."""
    rng = random.Random(5)
    bases = "".join(rng.choice("ACGT") for _ in range(200_000))
    text = ">x\n" + "\n".join(bases[i : i + 60] for i in range(0, len(bases), 60)) + "\n>y\nACG\n"
    path = write(tmp_path, pack(text.encode()), "x.fa.packed")
    with pytest.warns(ReadingWarning, match=f"compressed with {kind}, which allows no random"):
        genome = Genome(path)
    with genome:
        assert (genome.path, genome.lengths) == (str(path), (len(bases), 3))
        for start in range(0, len(bases) - 700, 9973):
            assert genome.fetch("x", start, start + 700) == bases[start : start + 700]
        assert genome.digest() == hashlib.sha256(path.read_bytes()).hexdigest()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the copy is there: nothing is packed, nothing is told
        assert Genome(path).fetch("y", 0, 3) == "ACG"
    [copy] = (own_cache / "bgzf").glob("*.fa.gz")
    with pysam.BGZFile(str(copy)) as unpacked:
        assert unpacked.read() == text.encode()
    # Other content under the same name, size and time: another copy, never the old one.
    stat, other = path.stat(), pack(text.replace(">y\nACG", ">y\nTTG").encode())
    path.write_bytes(other)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with pytest.warns(ReadingWarning, match="packed anew"):
        assert Genome(path).fetch("y", 0, 3) == "TTG"


def test_a_copy_that_cannot_be_made_or_is_damaged_is_told(tmp_path, own_cache, monkeypatch):
    bases = "".join(random.Random(0).choices("ACGT", k=400_000))
    packed = gzip.compress(f">x\n{bases}\n".encode())
    path = write(tmp_path, packed, "x.fa.gz")
    with pytest.warns(ReadingWarning):
        Genome(path).close()
    [copy] = (own_cache / "bgzf").glob("*.fa.gz")
    data, stat = bytearray(copy.read_bytes()), copy.stat()
    data[5_000] ^= 16
    copy.write_bytes(data)
    os.utime(copy, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with pytest.raises(InputError, match="cannot be read as BGZF data") as caught:
        Genome(path).fetch("x", 0, 400_000)
    assert f"{copy}, the copy of {path}," in str(caught.value)
    assert str(caught.value).endswith("remove it, it is made anew.")
    for cut in (packed[:-20], packed[: len(packed) // 2]):
        with pytest.warns(ReadingWarning), pytest.raises(InputError, match="is truncated"):
            Genome(write(tmp_path, cut, "cut.fa.gz"))
    assert len(list((own_cache / "bgzf").glob("*"))) == 2  # copy and its index: nothing half
    own_cache.joinpath("off").write_text("")
    monkeypatch.setenv("DNABERT2_EXPLORE_CACHE", str(own_cache / "off" / "no"))
    with pytest.warns(ReadingWarning):
        assert "cannot be written to" in refused(path)
    monkeypatch.setenv("DNABERT2_EXPLORE_CACHE", "off")
    assert "run 'bgzip' on the unpacked file, or let there be a cache" in refused(path)
    assert "is a ZIP archive: unpack it first" in refused(
        write(tmp_path, b"PK\x03\x04" + b"x" * 40, "x.zip")
    )


def test_compressed_fastq_and_what_is_no_sequence_are_told_apart(tmp_path, own_cache):
    path = write(tmp_path, gzip.compress(b"@r1\nACGT\n+\nIIII\n"), "x.fastq.gz")
    with Genome(path) as genome:
        assert genome.fetch("r1", 1, 3) == "CG"
        assert genome.digest() == hashlib.sha256(path.read_bytes()).hexdigest()
    for content, words in (
        ("CLUSTAL W (1.83)\n\na ACGT\n", "is a CLUSTAL alignment"),
        ("chr1\t1\t20\tx\n", "looks like BED"),
        ("##gff-version 3\n##FASTA\n>a\nACGT\n", "is GFF3"),
        ("##fileformat=VCFv4.2\n", "is a VCF"),
    ):
        assert words in refused(write(tmp_path, content, "x.txt"))
    assert not own_cache.exists()


def bgzf(path: Path, text: str) -> Path:
    with pysam.BGZFile(str(path), "wb", None) as file:
        file.write(text.encode())
    return path


def test_bgzf_needs_neither_biopython_nor_its_name(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "Bio", None)
    bases = "ACGTTGCA" * 30_000
    text = ">x\n" + "\n".join(bases[i : i + 60] for i in range(0, len(bases), 60)) + "\n>y\nACG\n"
    path = bgzf(tmp_path / "x.packed", text)
    for _ in range(2):
        with Genome(path) as genome:
            assert genome.lengths == (len(bases), 3)
            for start in range(0, len(bases) - 700, 9973):
                assert genome.fetch("x", start, start + 700) == bases[start : start + 700]
            assert genome.fetch("y", 0, 3) == "ACG"
            assert genome.fetch("x", 0, len(bases)) == bases
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.packed", "x.packed.fai"]


def test_damaged_bgzf(tmp_path):
    data = bgzf(
        tmp_path / "x.fa.gz", ">x\n" + "".join(random.Random(0).choices("ACGT", k=300_000))
    ).read_bytes()
    for damaged in (data[:1000], data[:-40], data[:-28], data[:500] + bytes(9) + data[509:]):
        with pytest.raises(InputError, match=r"cannot be read as BGZF data \("):
            Genome(write(tmp_path, damaged, "y.fa.gz"))


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
    for bases in ("ACGT", "ACG?"):
        bgzf(tmp_path / f"{bases[3]}.fa.gz".replace("?", "bad"), f">x here\n{bases}\n")
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
        ([Sequence("a", "")], "has no bases"),
    ):
        with pytest.raises(InputError, match=words):
            Genome.from_records(records)


def test_records_of_one_name_are_numbered_and_that_is_said():
    with pytest.warns(ReadingWarning, match="names two records 'a'"):
        genome = Genome.from_records([Sequence("a", "AC"), Sequence("a", "GT")])
    assert (genome.names, genome.fetch("a_2", 0, 2)) == (("a", "a_2"), "GT")
