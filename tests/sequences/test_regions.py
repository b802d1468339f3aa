"""BED and a genome, and where a sequence lies."""

from __future__ import annotations

import gzip
import io

import pytest

from dnabert2_explore.errors import InputError
from dnabert2_explore.sequences import ReadingWarning, Sequence, read_sequences
from dnabert2_explore.sequences.annotation.regions import Place, is_bed, place_of, read_bed
from dnabert2_explore.sequences.reading.genome import Genome

BED = (
    "track name=peaks\n# said\nchr1\t2\t6\nchr1\t0\t4\tpeak\t0\t-\textra\n\nchr2 1 3 . 0 +\n"
    "chr1\t1\t2\tpeak\n"
)
EXPECTED = [
    ("chr1:2-6(+)", "CCGg", Place("chr1", 2, 6)),
    ("peak", "GGTT", Place("chr1", 0, 4, "-")),
    ("chr2:1-3(+)", "CG", Place("chr2", 1, 3)),
    ("peak_2", "A", Place("chr1", 1, 2)),
]


def test_stretches_of_a_genome(tmp_path):
    fasta = tmp_path / "g.fa"
    fasta.write_text(">chr1\nAACC\nGgTT\n>chr2\nACGT\n")
    bed = tmp_path / "x.bed"
    bed.write_text(BED)
    packed = tmp_path / "y.bed.gz"
    packed.write_bytes(gzip.compress(BED.replace("\n", "\r\n").encode()))
    with Genome(fasta) as genome:
        for source, of in ((bed, fasta), (str(packed), genome), (io.BytesIO(BED.encode()), genome)):
            with pytest.warns(ReadingWarning, match="names two regions 'peak'"):
                found = read_bed(source, of)
            assert [(s.name, s.bases, place_of(s)) for s in found] == EXPECTED


GENOME = Genome.from_records([Sequence("chr1", "AACCGGTT"), Sequence("chr2", "ACGT")])


@pytest.mark.parametrize(
    "text",
    [
        "label\tchrom\tstart\tend\tstrand\non\tchr1\t2\t6\t.\n\tchr1\t0\t4\t-\n",
        '\ufeff#Chrom,Start,End,score,label,strand\r\nchr1,2,6,,"on",+\r\nchr1,0,4,5,,-\r\n',
        "contig;start;end;strand;label\nchr1;2;6;+;on\n\nchr1;0;4;-;\n",
    ],
)
def test_a_table_with_a_header_stands_for_a_bed(text):
    """Its header was no stretch; labels of stretches could not be given at all."""
    found = read_bed(io.BytesIO(text.encode()), GENOME)
    assert [(s.name, s.bases, s.label) for s in found] == [
        ("chr1:2-6(+)", "CCGG", "on"),
        ("chr1:0-4(-)", "GGTT", None),
    ]
    assert [place_of(one) for one in found] == [Place("chr1", 2, 6), Place("chr1", 0, 4, "-")]
    assert is_bed(text)


def test_names_of_a_bed_as_labels():
    text = b"#chrom\tstart\tend\tname\nchr1\t2\t6\ton\nchr2\t0\t4\ton\nchr2\t0\t3\t.\n"
    for source in (text, text.split(b"\n", 1)[1]):
        found = read_bed(io.BytesIO(source), GENOME, labels=True)
        assert [(s.name, s.label) for s in found] == [
            ("chr1:2-6(+)", "on"),
            ("chr2:0-4(+)", "on"),
            ("chr2:0-3(+)", None),
        ]


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ("chr1\t1\t5\n", True),
        ("track name=x\n# y\nchr1 1 5\n", True),
        (">chr1 1 5\nACGT\n", False),
        ("sequence,chrom,start,end\nACGT,chr1,1,5\n", False),
        ("ACGT\n", False),
        ("", False),
    ],
)
def test_bed_is_told_from_what_it_begins_with(head, told):
    assert is_bed(head) is told


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("chrom,start,end\nchr1,5,2\n", "line 2 .* is no stretch"),
        ("chrom,start,end\nchr1,5\n", "line 2 .* is no stretch"),
        ("chr1\t2", "line 1 .* is no stretch; expected BED"),
        ("chr1\t2\t2", "is no stretch"),
        ("chr1\t-1\t2", "is no stretch"),
        ("chr1\t²\t3", "is no stretch"),
        ("1\t1\t2", r"line 1: the genome has no record '1' \(it has chr1\)"),
        ("chr1\t1\t20", "line 1: chr1 ends at 8, before 20"),
        ("# nothing", "names no stretch"),
    ],
)
def test_lines_that_are_no_stretch(line, words):
    genome = Genome.from_records([Sequence("chr1", "AACCGGTT")])
    with pytest.raises(InputError, match=words):
        read_bed(io.BytesIO(line.encode()), genome)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("chr1:100-103", Place("chr1", 99, 103)),
        ("chr1:99-103", Place("chr1", 99, 103)),
        ("chr1:1,000-1,003", Place("chr1", 999, 1003)),
        ("peak::chr1:99-103(-)", Place("chr1", 99, 103, "-")),
        ("chr1:100-103/rc", Place("chr1", 99, 103, "-")),
        ("HLA:A*01:100-103", Place("HLA:A*01", 99, 103)),
        ("chr1:100-200", None),
        ("chr1:0-3", None),
        ("chr1", None),
    ],
)
def test_names_that_say_where(name, place):
    assert place_of(Sequence(name, "ACGT")) == place


def test_bases_of_the_other_strand_count_backwards():
    assert [Place("c", 10, 14, "-").base(i) for i in range(4)] == [13, 12, 11, 10]
    assert [Place("c", 10, 14).base(i) for i in range(4)] == [10, 11, 12, 13]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.tsv", "chr1\t2\t6\tpeak\n"),
        ("x.csv", "chr1,2,6,peak\n"),
        ("x.tsv", "chrom\tstart\tend\tlabel\nchr1\t2\t6\ton\n"),
    ],
)
def test_stretches_without_a_genome_are_called_so(tmp_path, name, text):
    """The advice was to rename "the one that holds the bases"."""
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=r"intervals without bases.*give the genome too"):
        read_sequences(tmp_path / name)
