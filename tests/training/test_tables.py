from __future__ import annotations

import gzip

import numpy as np
import pytest

from dnabert2_explore.errors import InputError
from dnabert2_explore.sequences import ReadingWarning
from dnabert2_explore.training.labelled.records import RecordFile
from dnabert2_explore.training.labelled.tables import read_labelled


def write(tmp_path, text, name="t.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_words_and_integers(tmp_path):
    words = read_labelled(write(tmp_path, "sequence,label,x\nacgu,b,1\nGG,a,2\n"))
    assert words.bases == ("ACGT", "GG")
    assert (words.classes, words.task) == (("a", "b"), "classification")
    assert words.labels.tolist() == [1, 0]
    assert words.names == ("sequence 1", "sequence 2")
    numbers = read_labelled(write(tmp_path, "label,sequence\n10,A\n9,C\n10,G\n"))
    assert numbers.classes == ("9", "10")
    assert numbers.labels.tolist() == [1, 0, 1]


def test_sequences_are_cleaned_as_at_inference(tmp_path):
    data = read_labelled(write(tmp_path, "\ufeffSequence,Label\nACGT ACNRT,x\nGG,y\n"))
    assert data.bases == ("ACGTACNNT", "GG")


def test_classes_of_the_training_file_are_kept(tmp_path):
    dev = read_labelled(write(tmp_path, "sequence,label\nA,b\n"), classes=("a", "b"))
    assert dev.labels.tolist() == [1]
    assert [dev.label_text(0), dev.take([0]).bases] == ["b", ("A",)]


@pytest.mark.parametrize(
    ("labels", "task", "classes"),
    [
        (("0.5", "2", "1e3"), "regression", ()),
        (("-1", "3"), "classification", ("-1", "3")),
        (("0.0", "1"), "classification", ("0", "1")),
        (("none", "site"), "classification", ("none", "site")),
        (("a;b", "b", ""), "multi_label", ("a", "b")),
        (tuple(map(str, range(51))), "regression", ()),
        (("x", "2"), "classification", ("2", "x")),
    ],
)
def test_the_task_is_told_from_the_labels(tmp_path, labels, task, classes):
    text = "sequence,label\n" + "".join(f"ACGT,{label}\n" for label in labels)
    data = read_labelled(write(tmp_path, text))
    assert (data.task, data.classes) == (task, classes)
    assert data.labels.dtype == (np.float64 if task == "regression" else np.int64)
    assert [data.label_text(i) for i in range(len(data))] == [
        str(float(label)) if task == "regression" else label.removesuffix(".0") for label in labels
    ]


def test_a_task_that_is_named_wins(tmp_path):
    path = write(tmp_path, "sequence,label\nA,1\nC,2\n")
    assert read_labelled(path, "regression").labels.tolist() == [1.0, 2.0]
    assert read_labelled(path, "multi_label").labels.tolist() == [[1, 0], [0, 1]]


def test_multi_label_as_lists_and_as_columns(tmp_path):
    lists = read_labelled(write(tmp_path, 'sequence,label\nA,"b; a"\nC,\nG,a\n'))
    assert lists.labels.tolist() == [[1, 1], [0, 0], [1, 0]]
    columns = read_labelled(
        write(tmp_path, "label_Nanog,sequence,label_Sox2\n1,A,0\n1.0,C,true\n0,G,\n")
    )
    assert (columns.classes, columns.task) == (("Nanog", "Sox2"), "multi_label")
    assert columns.labels.tolist() == [[1, 0], [1, 1], [0, 0]]
    with pytest.raises(InputError, match=r"line 2: label_x is 'maybe'; expected 0 or 1"):
        read_labelled(write(tmp_path, "sequence,label_x\nA,maybe\n"))


@pytest.mark.parametrize("header", ["sequence1,sequence2,label", "sequence,Sequence2,label"])
def test_pairs(tmp_path, header):
    data = read_labelled(write(tmp_path, f"{header}\nAC,gg,1\nA,T,0\n"))
    assert (data.bases, data.second) == (("AC", "A"), ("GG", "T"))
    with pytest.raises(InputError, match="line 2, sequence2, has no bases"):
        read_labelled(write(tmp_path, f"{header}\nAC,,1\nA,T,0\n"))


def test_fasta_tsv_gzip_and_parquet_say_the_same(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    fasta = write(tmp_path, ">r1 x label=b\nAC\nGT\n>r2 label=a\nGG\n", "t.fa")
    table = "name\tsequence\tlabel\nr1\tACGT\tb\nr2\tGG\ta\n"
    packed = tmp_path / "t.tsv.gz"
    packed.write_bytes(gzip.compress(table.encode()))
    parquet = tmp_path / "t.parquet"
    columns = {"name": ["r1", "r2"], "label": ["b", "a"], "sequence": ["ACGT", "GG"], "x": [1, 2]}
    pq.write_table(pa.table(columns), parquet)
    found = [read_labelled(p) for p in (fasta, write(tmp_path, table, "t.tsv"), packed, parquet)]
    for one in found:
        assert one.names == ("r1", "r2")
        assert one.bases == ("ACGT", "GG")
        assert [one.label_text(i) for i in range(2)] == ["b", "a"]


def test_parquet_types(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    def parquet(**columns):
        pq.write_table(pa.table(columns), tmp_path / "t.parquet")
        return read_labelled(tmp_path / "t.parquet")

    assert parquet(sequence=["A", "C"], label=[0.25, 3.0]).labels.tolist() == [0.25, 3.0]
    assert parquet(sequence=["A", "C"], label=[1, 0]).classes == ("0", "1")
    lists = parquet(sequence=["A", "C"], label=[["x", "y"], []])
    assert lists.labels.tolist() == [[1, 1], [0, 0]]
    with pytest.raises(InputError, match=r"row 2 .* has no label"):
        parquet(sequence=["A", "C"], label=[0.5, None])
    with pytest.raises(InputError, match="row 1: sequence is 3; expected text"):
        parquet(sequence=[3], label=["x"])


@pytest.mark.parametrize(
    ("text", "classes", "message"),
    [
        ("seq,label\nA,1\n", None, "no 'sequence' column; its columns are 'seq', 'label'"),
        ("ACGTACGTAC,1\nGGCCTTAAGG,0\n", None, "has no header: its first line holds bases"),
        ("", None, "is empty"),
        ("sequence,label\n", None, "has a header but no rows"),
        ("sequence,x\nA,1\n", None, "has no labels; expected a column 'label'"),
        ("sequence,label\nMKVLA,1\nAC,2\n", None, "line 2 looks like a protein"),
        ("sequence,label\nA,1\nAC--GT,2\n", None, "line 3 holds 2 alignment gaps"),
        ("sequence,label\nA,1\nC,1\n", None, "all 2 rows have the label '1'"),
        ("sequence,label\nA,1\n,2\n", None, "line 3 has no bases"),
        ("sequence,label\nA,1\nC\n", None, "line 3 has 1 cells"),
        ("sequence,label\nA,1\nC,\nG,2\n", None, "line 3 .* has no label"),
        ("sequence,label\nA,1\nC,NA\nG,2\n", None, "line 3 .* has no label .'NA'"),
        ("sequence,label\nA,0.5\nC,NaN\n", None, "line 3 .*'NaN' is not a finite number"),
        ("sequence,label\nA,0.5\nC,inf\n", None, "line 3 .*'inf' is not a finite number"),
        ("sequence,label\nA,c\n", ("a", "b"), "line 2 .*: label 'c' is not among the training"),
        ("sequence,label,label\nA,1,2\n", None, "more than one column 'label'"),
        ("sequence,label,label_x\nA,1,2\n", None, "keep the one or the others"),
        ('sequence,label\n"A,1\nC,2\n', None, "line 2 cannot be read as a table row"),
    ],
)
def test_bad_files(tmp_path, text, classes, message):
    with pytest.raises(InputError, match=message):
        read_labelled(write(tmp_path, text), classes=classes)


def test_words_where_numbers_are_needed(tmp_path):
    path = write(tmp_path, "sequence,label\nA,0.5\nC,high\nG,0.1\n")
    with pytest.raises(InputError, match=r"line 3 .*'high' is not a finite number"):
        read_labelled(path, "regression")
    with pytest.raises(InputError, match="task is 'guess'"):
        read_labelled(path, "guess")


def test_labels_that_are_names(tmp_path):
    text = "sequence,label\n" + "".join(f"ACGT,gene{i}\n" for i in range(60))
    with pytest.raises(InputError, match="60 different labels in 60 rows"):
        read_labelled(write(tmp_path, text))


def test_a_fasta_record_without_a_label(tmp_path):
    with pytest.raises(InputError, match=r"record 'r2' .* has no label"):
        read_labelled(write(tmp_path, ">r1 label=a\nAC\n>r2\nGG\n>r3 label=b\nT\n", "t.fa"))


def test_absent_file(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv"):
        read_labelled(tmp_path / "none.csv")
    with pytest.raises(InputError, match=r"none\.parquet"):
        read_labelled(tmp_path / "none.parquet")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        read_labelled(write(tmp_path, "no", "t.parquet"))


def test_rows_are_read_one_at_a_time(tmp_path):
    path = write(tmp_path, "sequence,label\nACGT,1\nAC-T,2\n")
    rows = iter(RecordFile(path))
    assert next(rows).bases == "ACGT"
    with pytest.raises(InputError, match="line 3"):
        next(rows)


def test_quoted_cells_over_several_lines_keep_line_numbers(tmp_path):
    path = write(tmp_path, 'x,sequence,label\n"two\nlines",ACGT,1\nb,A-C,2\n')
    with pytest.raises(InputError, match="line 4 holds 1 alignment gaps"):
        read_labelled(path)


def labelled(tmp_path, labels, task="auto"):
    """Read a table with these labels, one row each, in quotes."""
    rows = "".join(f'ACGT,"{label}"\n' for label in labels)
    return read_labelled(write(tmp_path, f"sequence,label\n{rows}"), task)


def test_many_integer_classes_stay_classes(tmp_path):
    """O2: sixty classes, ten rows each, were a regression, while c0 … c59 were classes."""
    for first in (0, 1):
        data = labelled(tmp_path, [i % 60 + first for i in range(600)])
        assert data.task == "classification"
        assert data.classes == tuple(str(i + first) for i in range(60))
    assert labelled(tmp_path, [3 * (i % 60) for i in range(600)]).task == "regression"
    assert labelled(tmp_path, range(60)).task == "regression"


def test_paths_of_a_taxonomy_are_asked_about(tmp_path):
    """O3: they were five labels at once in silence."""
    paths = ["Bacteria;Firmicutes;Bacilli", "Bacteria;Proteobacteria;Gamma"]
    with pytest.raises(InputError, match="may be paths of a taxonomy, each a class, or lists"):
        labelled(tmp_path, paths)
    assert labelled(tmp_path, paths, "classification").classes == tuple(paths)
    assert len(labelled(tmp_path, paths, "multi_label").classes) == 5
    assert labelled(tmp_path, ["a;b", "b;a", "a;c"]).task == "multi_label"
    assert labelled(tmp_path, ["a;b", "c", ""]).task == "multi_label"


@pytest.mark.parametrize(
    "labels",
    [("0;1;1", "1;0;1"), ("[0, 1, 1]", "[1, 0, 1]"), ("[0. 1. 1.]", "[1. 0. 1.]")],
)
def test_vectors_are_no_lists_of_names(tmp_path, labels):
    data = labelled(tmp_path, labels)
    assert data.task == "multi_label"
    assert data.classes == ("label 1", "label 2", "label 3")
    assert data.labels.tolist() == [[0, 1, 1], [1, 0, 1]]
    path = write(tmp_path, f'sequence,label\nA,"{labels[0]}"\nA,0;1\n')
    with pytest.raises(InputError, match="label '0;1' has 2 values; expected 3"):
        read_labelled(path, "multi_label", data.classes)


def test_vectors_of_parquet(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    for rows in ([[0, 1, 1], [1, 0, 1]], [[False, True, True], [True, False, True]]):
        table = pa.table({"sequence": ["A", "C"], "label": rows})
        pq.write_table(table, tmp_path / "t.parquet")
        assert read_labelled(tmp_path / "t.parquet").labels.tolist() == [[0, 1, 1], [1, 0, 1]]


@pytest.mark.parametrize("labels", [("True", "TRUE", "False"), ("1", "+1", "-1"), ("Exon", "exon")])
def test_one_class_written_in_two_ways(tmp_path, labels):
    with pytest.raises(InputError, match="look like one class written in two ways: write them"):
        labelled(tmp_path, labels)


def test_decimal_commas(tmp_path):
    with pytest.raises(InputError, match=r"line 3 .*: label '0,05' has a decimal comma"):
        labelled(tmp_path, [1, "0,05", "0,1"])
    with pytest.raises(InputError, match="21 different labels in 21 rows"):
        labelled(tmp_path, [f"gene{i}" for i in range(21)])


def test_a_label_in_a_header_may_hold_blanks(tmp_path):
    text = (
        ">r1 x label=Homo sapiens\nAC\n"
        '>r2 label="Mus musculus" chromosome=1\nAC\n'
        ">r3 label=b k=1\nA\n"
    )
    data = read_labelled(write(tmp_path, text, "t.fa"))
    assert data.classes == ("Homo sapiens", "Mus musculus", "b")


def test_one_reader_for_training_too(tmp_path):
    """O7, O8: what `read_sequences` takes, training takes, and the same records."""
    text = "\ufeffsep=;\r\nname;sequence;label\r\n\r\np;ACGTAG CGTAGC GTAGCT;x\r\np;AC GT;y\r\n"
    with pytest.warns(ReadingWarning, match="line 4 is written as overlapping 6-mers"):
        data = read_labelled(write(tmp_path, text))
    assert data.bases == ("ACGTAGCT", "ACGT")
    fasta = write(tmp_path, ";c\r>p label=x\r\rAC GT\r>p label=y\rGG\r", "t.fa")
    with pytest.warns(ReadingWarning, match="two records 'p'"):
        data = read_labelled(fasta)
    assert (data.names, data.bases) == (("p", "p_2"), ("ACGT", "GG"))
    with pytest.warns(ReadingWarning, match="has no headers"):
        lines = list(RecordFile(write(tmp_path, "ACGT\nGGCC\n", "lines.txt")))
    assert [one.bases for one in lines] == ["ACGT", "GGCC"]


def test_stretches_of_a_genome_with_labels(tmp_path):
    """Labelled sequences could be given as bases only."""
    genome = write(tmp_path, ">c\nAACCGGTTAC\n", "g.fa")
    bed = write(tmp_path, "c\t0\t4\ton\t0\t+\nc\t4\t8\toff\t0\t-\nc\t2\t6\ton\n", "x.bed")
    table = write(
        tmp_path,
        "chrom\tstart\tend\tstrand\tlabel\nc\t0\t4\t+\ton\nc\t4\t8\t-\toff\nc\t2\t6\t\ton\n",
        "x.tsv",
    )
    for path in (bed, table):
        data = read_labelled(path, genome=genome)
        assert data.bases == ("AACC", "AACC", "CCGG")
        assert [data.label_text(row) for row in range(3)] == ["on", "off", "on"]
        assert data.names == ("c:0-4(+)", "c:4-8(-)", "c:2-6(+)")
    with pytest.raises(InputError, match=r"x\.bed, record 'c:0-4\(\+\)'.*label"):
        read_labelled(write(tmp_path, "c\t2\t6\ton\nc\t0\t4\n", "x.bed"), genome=genome)
    with pytest.raises(InputError, match=r"no labels; expected .* \(in BED: a name in each line"):
        read_labelled(write(tmp_path, "c\t0\t4\n", "y.bed"), genome=genome)
    # To predict, a BED's names are names.
    assert [one.name for one in RecordFile(table, genome)] == list(data.names)
    assert not RecordFile(write(tmp_path, "c\t0\t4\tpeak\n", "z.bed"), genome).labelled
