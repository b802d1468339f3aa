"""Annotation from GFF3, GTF, BED and GenBank: one exon written four ways, and what is none."""

from __future__ import annotations

import gzip
import io

import pytest

import dnabert2_explore as dx
from dnabert2_explore.errors import InputError
from dnabert2_explore.sequences import ReadingWarning, reverse_complement
from dnabert2_explore.sequences.annotation.annotations import Feature, read_annotation

GENBANK = """\
LOCUS       chr1                     100 bp    DNA     linear   BCT 01-JAN-2020
DEFINITION  x
ACCESSION   chr1
VERSION     chr1
FEATURES             Location/Qualifiers
     source          1..100
     CDS             complement(join(11..20,31..40))
                     /gene="one"
ORIGIN
        1 acgtacgtac acgtacgtac acgtacgtac acgtacgtac acgtacgtac acgtacgtac
       61 acgtacgtac acgtacgtac acgtacgtac acgtacgtac
//
"""


def read(text, name="x"):
    return read_annotation(io.BytesIO(text.encode()), name=name)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("##gff-version 3\n##sequence-region chr1 1 100\n"
         "chr1\tme\texon\t11\t20\t.\t-\t.\tID=e1;Name=one\n"
         "##FASTA\n>chr1\nACGT\n", "exon"),
        ('chr1\tme\texon\t11\t20\t.\t-\t.\tgene_id "g"; gene_name "one";\n', "exon"),
        ("track name=x\nchr1\t10\t20\tone\t0\t-\n", "region"),
        ("chr1 10 20 one 0 -\n", "region"),
    ],
)  # fmt: skip
def test_the_same_stretch_in_every_format(text, kind):
    found = read(text)
    assert found.features == {"chr1": (Feature(10, 20, "-", kind, "one"),)}
    assert read_annotation(io.BytesIO(gzip.compress(text.encode())), name="x.gz").features == (
        found.features
    )


def test_genbank_and_lengths():
    found = read(GENBANK)
    assert set(found.features["chr1"]) == {
        Feature(30, 40, "-", "CDS", "one"), Feature(10, 20, "-", "CDS", "one")
    }  # fmt: skip
    assert found.lengths == {"chr1": 100}
    (sequence,) = dx.read_sequences(GENBANK)
    assert set(found.of(sequence)) == set(found.features["chr1"])
    assert "2 CDS" in str(found)
    assert found.table().columns.tolist() == ["sequence", "start", "end", "strand", "kind", "name"]


def test_names_and_escapes():
    text = "c\tm\tgene\t1\t9\t.\t.\t.\tID=x;Name=A%3BB\nc\tm\tmRNA\t1\t9\t.\t?\t.\tParent=p\n"
    one, two = read(text).features["c"]
    assert (one.name, two.name, two.strand) == ("A;B", "p", ".")


def test_stretches_of_a_genome_on_either_strand():
    found = read("chr1\t10\t20\tone\t0\t+\nchr1\t50\t60\ttwo\t0\t-\n")
    bases = "ACGTAGGCTA" * 10
    forward = dx.Sequence("chr1:16-55", bases[15:55])
    assert found.of(forward) == (
        Feature(0, 5, "+", "region", "one"),
        Feature(35, 40, "-", "region", "two"),
    )
    backward = dx.Sequence("chr1:15-55(-)", reverse_complement(bases[15:55]))
    one, two = found.of(backward)
    assert (one, two) == (
        Feature(35, 40, "-", "region", "one"),
        Feature(0, 5, "+", "region", "two"),
    )
    # The same bases, read on the genome and on the turned stretch.
    assert reverse_complement(backward.bases[one.start : one.end]) == bases[15:20]
    assert found.of(dx.Sequence("chr1:70-79", bases[69:79])) == ()
    assert found.match([dx.Sequence("chr1:70-79", bases[69:79])]) == {}


def test_names_that_do_not_match_are_told():
    found = read("##sequence-region NC_1 1 40\nNC_1\tm\tgene\t1\t9\t.\t+\t.\tID=x\n", "genes.gff3")
    probes = [dx.Sequence("probe", "ACGT"), dx.Sequence("chr1", "ACGT" * 10)]
    with pytest.raises(
        InputError,
        match=r"genes\.gff3 annotates NC_1, and the sequences are probe, chr1: 'chr1' is as long "
        r"as 'NC_1' there: rename one of them",
    ):
        found.match(probes)
    with pytest.raises(InputError, match="rename the sequences, or one column"):
        found.match(probes[:1])
    assert list(found.match([*probes, dx.Sequence("NC_1", "ACGT" * 10)])) == [2]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no feature"),
        ("chr1\tme\texon\t1\n", "line 1 is neither GFF3 or GTF"),
        ("#x\nchr1\tme\texon\t20\t11\t.\t+\t.\tID=x\n", "line 2 ends before it begins"),
        ("chr1\t20\t20\n", "line 1 ends before it begins"),
        (">seq\nACGT\n", "holds no feature"),
    ],
)
def test_what_is_no_annotation(text, words, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        read_annotation(path)
    with pytest.raises(InputError, match="There is no file"):
        read_annotation(tmp_path / "none.gff3")


def test_a_bed_whose_name_and_score_are_numbers_is_no_gff():
    found = read("chr1\t1000\t2000\t7\t960\t+\t1000\t2000\t0,0,0\n")
    assert found.features == {"chr1": (Feature(1000, 2000, "+", "region", "7"),)}


def test_features_beyond_the_sequence_are_told():
    found = read("chr1\t2\t6\tin\t0\t+\nchr1\t90\t120\tout\t0\t+\n", "x.bed")
    words = r"1 of 2 features of 'chr1' in x\.bed end beyond its 100"
    with pytest.warns(ReadingWarning, match=words):
        assert [one.name for one in found.of(dx.Sequence("chr1", "ACGT" * 25))] == ["in"]
