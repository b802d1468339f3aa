import bz2
import contextlib
import gzip
import io
import lzma
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from dnabert2_explore.errors import InputError
from dnabert2_explore.sequences import ReadingWarning, Sequence, iter_fasta, read_sequences
from dnabert2_explore.sequences.reading.read import iter_sequences

FASTA = ">one the first\nACGTAC\nGT\n>two\nacgu\n"
RECORDS = [Sequence("one", "ACGTACGT", description="the first"), Sequence("two", "acgu")]
PACK = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refused(source: object, **kwargs: str) -> str:
    """Return the one sentence that reading ``source`` is refused with."""
    with pytest.raises(InputError) as caught:
        read_sequences(source, **kwargs)  # type: ignore[arg-type]
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    return message


# --- what must work


@pytest.mark.parametrize("packed", PACK)
@pytest.mark.parametrize("suffix", [".fa", ".fasta", ".fna", ".FA", ".txt"])
def test_fasta_files(tmp_path, suffix, packed):
    path = write(tmp_path, f"x{suffix}{packed}", PACK[packed](FASTA.encode()))
    assert read_sequences(path) == read_sequences(str(path)) == RECORDS
    assert list(iter_fasta(path)) == RECORDS


@pytest.mark.parametrize("packed", PACK)
def test_tables(tmp_path, packed):
    text = (
        "name,sequence,label,species,\nfirst,ACGT,exon,Mus musculus,0\nsecond,AC,,Homo sapiens,1\n"
    )
    expected = [
        Sequence("first", "ACGT", label="exon", fields={"species": "Mus musculus"}),
        Sequence("second", "AC", fields={"species": "Homo sapiens"}),
    ]
    path = write(tmp_path, f"x.csv{packed}", PACK[packed](text.encode()))
    assert read_sequences(path) == read_sequences(str(path)) == expected
    path = write(tmp_path, f"x.tsv{packed}", PACK[packed](text.replace(",", "\t").encode()))
    assert read_sequences(path) == expected
    assert read_sequences(text) == expected
    assert read_sequences(text.replace(",", ";")) == expected


def test_the_dnabert2_table_needs_no_names():
    assert read_sequences("sequence,label\nACGT,0\nTTTT,1\n") == [
        Sequence("sequence 1", "ACGT", label="0"),
        Sequence("sequence 2", "TTTT", label="1"),
    ]
    assert read_sequences('"Sequence"\n"AC\nGT"\n') == [Sequence("sequence 1", "ACGT")]


def test_a_table_with_a_first_column_without_name():
    assert read_sequences("\tsequence\n0\tAC\n1\tGT\n")[1].bases == "GT"


def test_a_table_holds_sequences_longer_than_the_csv_module_allows():
    (record,) = read_sequences("sequence,label\n" + "ACGT" * 100_000 + ",x\n")
    assert len(record) == 400_000


@pytest.mark.parametrize(
    "text",
    [
        FASTA.replace("\n", "\r\n"),
        FASTA.replace("\n", "\r"),
        FASTA.rstrip("\n"),
        "\n\n" + FASTA.replace("\n", "\n\n"),
        "\ufeff" + FASTA,
        FASTA.replace("ACGTAC", " AC GT\tAC  "),
        "    >one the first\n    ACGTACGT\n    >two\n    acgu\n",
        "> one  the first\nACGTACGT\n>\ttwo \nacgu",
    ],
    ids=["crlf", "cr", "no final newline", "blank lines", "mark", "spaces", "indented", "> name"],
)
def test_forms_of_fasta(tmp_path, text):
    assert read_sequences(text) == RECORDS
    path = write(tmp_path, "x.fa", text)
    assert read_sequences(path) == RECORDS
    for handle in (path.open("rb"), path.open(encoding="utf-8"), path.open(newline="")):
        with handle:
            assert read_sequences(handle) == RECORDS


@pytest.mark.parametrize("ends", ["\r\n", "\r"])
def test_tables_with_other_line_ends(ends):
    text = "sequence,label\nACGT,0\n\nTTTT,1"
    assert read_sequences(text.replace("\n", ends)) == read_sequences(text)


def test_case_uracil_and_iupac_codes_stay_as_they_are():
    (record,) = read_sequences(">x\nacgtACGUNnRYSWKMBDHV\n")
    assert record.bases == "acgtACGUNnRYSWKMBDHV"


def test_pasted_lines_are_one_sequence_and_that_is_said():
    with pytest.warns(ReadingWarning, match="3 lines without a header, is read as one sequence"):
        assert read_sequences("ACGT\nacg\n\nTT\n") == [Sequence("pasted", "ACGTacgTT")]
    assert read_sequences("ACGT ACGT") == [Sequence("pasted", "ACGTACGT")]
    with pytest.warns(ReadingWarning, match="2 lines"):
        assert read_sequences("ACGT\tACGT\nAC") == [Sequence("pasted", "ACGTACGTAC")]


def test_lines_of_a_file_are_sequences_of_their_own(tmp_path):
    text = "ACGTTGCATTAGCATGCAATACG\nGGGTTGCATTAGCATGCAATCCC\n\nTTTTTGCATTAGCATGCAATAAA\n"
    path = write(tmp_path, "lines.txt", text)
    for source in (path, str(path), io.StringIO(text), io.BytesIO(text.encode())):
        with pytest.warns(ReadingWarning, match="each of its lines is read as a sequence"):
            records = read_sequences(source)
        assert [record.name for record in records] == ["sequence 1", "sequence 2", "sequence 3"]
        assert [record.bases for record in records] == text.split()
    assert read_sequences(io.StringIO("ACGT\n")) == [Sequence("pasted", "ACGT")]
    with pytest.warns(ReadingWarning):
        assert "line 4 looks like a protein: L" in refused(
            write(tmp_path, "p.txt", text[:49] + "L")
        )


KMERS = "ACGTAG CGTAGC GTAGCT TAGCTT"


@pytest.mark.filterwarnings("default::dnabert2_explore.errors.ExploreWarning")  # two lines
def test_overlapping_kmers_are_joined_back(tmp_path):
    told = "written as overlapping 6-mers"
    for text in (
        f"sequence\tlabel\n{KMERS}\t1\n",
        f">a\n{KMERS}\n",
        KMERS,
        f"{KMERS[:13]}\n{KMERS[14:]}",
    ):
        with pytest.warns(ReadingWarning, match=told):
            (record,) = read_sequences(text)
        assert record.bases == "ACGTAGCTT"
    with pytest.warns(ReadingWarning, match="line 2") as warned:
        read_sequences(write(tmp_path, "x.tsv", f"sequence\n{KMERS}\n{KMERS}\n"))
    assert len(warned) == 1


@pytest.mark.parametrize(
    "text",
    [
        "ACGTACGTAC GTACGTACGT ACG",  # GenBank's groups of ten
        "AAAAAAAAAA AAAAAAAAAA",  # of one base: groups, as k-mers of it would be
        "ACGTAC GTTCAT CCAGTA",  # words side by side
        "ACG CGT",  # two words of three letters overlap by chance
        "ACGT CGTTA GTTAC",
    ],
)
def test_other_words_are_white_space_within_a_sequence(text):
    (record,) = read_sequences(f">a\n{text}\n")
    assert record.bases == text.replace(" ", "")


def test_a_long_line_of_bases_is_no_table(tmp_path):
    (record,) = read_sequences("ACGT" * 100_000 + "\n")
    assert len(record) == 400_000
    assert "has no header: its first line holds bases" in refused(
        write(tmp_path, "x.csv", "ACGT" * 100_000)
    )


def test_open_files_and_their_names(tmp_path):
    assert read_sequences(io.StringIO(FASTA)) == RECORDS
    assert read_sequences(io.BytesIO(gzip.compress(FASTA.encode()))) == RECORDS
    assert "upload.fa" in refused(io.BytesIO(b"ACGT"), name="upload.fa")


def test_a_path_object_is_always_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "GATTACA", FASTA)
    assert read_sequences(Path("GATTACA")) == RECORDS
    assert read_sequences("GATTACA") == RECORDS
    assert read_sequences("GATTACAT") == [Sequence("pasted", "GATTACAT")]
    assert "There is no file 'GATTACAT'" in refused(Path("GATTACAT"))


def test_control_characters_in_an_ncbi_header_are_no_binary(tmp_path):
    path = write(tmp_path, "x.fa", b">a one\x01b two\nACGT\n")
    assert read_sequences(path)[0].name == "a"


def test_a_header_in_latin_1_still_reads(tmp_path):
    (record,) = read_sequences(write(tmp_path, "x.fa", ">x Béla\nACGT\n".encode("latin-1")))
    assert record.description == "B\ufffdla"


def test_iter_fasta_holds_one_record_at_a_time(tmp_path):
    record = "ACGT" * 25_000
    path = write(tmp_path, "x.fa", "".join(f">{i}\n{record}\n" for i in range(50)))
    tracemalloc.start()
    assert sum(len(sequence) for sequence in iter_fasta(path)) == 5_000_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_500_000


names = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)
bases = st.text("ACGTUNRYKMacgtn", min_size=1, max_size=90)


@given(
    st.dictionaries(names, bases, min_size=1, max_size=5),
    st.integers(1, 70),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(list(PACK)),
)
@settings(deadline=None)
def test_fasta_comes_back_however_it_is_wrapped_and_packed(records, width, end, packed):
    text = "".join(
        f">{name}{end}"
        + "".join(sequence[i : i + width] + end for i in range(0, len(sequence), width))
        for name, sequence in records.items()
    )
    expected = [Sequence(name, sequence) for name, sequence in records.items()]
    assert read_sequences(text) == expected
    assert read_sequences(io.BytesIO(PACK[packed](text.encode()))) == expected


@given(st.text())
@settings(deadline=None)
def test_any_pasted_text_reads_or_is_refused_in_one_sentence(text):
    records = []
    with contextlib.suppress(InputError):  # any other exception fails the test
        records = read_sequences(text)
    assert all(record.bases for record in records)


# --- what is refused, and how


@pytest.mark.parametrize("name", ["x.fa", "x.csv", "x.txt", "x.fa.gz"])
@pytest.mark.parametrize("content", ["", "\n \n"])
def test_empty_files(tmp_path, name, content):
    data = gzip.compress(content.encode()) if name.endswith(".gz") else content
    path = write(tmp_path, name, data)
    message = refused(path)
    assert message.startswith(f"{path} is empty; expected")


def test_no_text():
    assert refused("").startswith("There is no text to read; expected")
    assert refused("\n").startswith("The pasted text is empty; expected")


@pytest.mark.parametrize("content", [bytes(range(256)) * 40, b"\x89PNG\r\n\x1a\n\0\0", b"BAM\1\0"])
@pytest.mark.parametrize("packed", PACK)
def test_binary_files(tmp_path, content, packed):
    path = write(tmp_path, f"x.fa{packed}", PACK[packed](content))
    assert refused(path).startswith(f"{path} is a binary file; expected FASTA")


def test_files_of_other_kinds(tmp_path):
    assert "a ZIP archive: unpack it first" in refused(write(tmp_path, "x.fa", b"PK\x03\x04aa"))
    assert "UTF-16" in refused(write(tmp_path, "x.csv", "sequence\nACGT".encode("utf-16")))
    assert "is a CLUSTAL alignment" in refused("CLUSTAL W\n\na  ACGT\n")
    assert "is GFF3, which holds features" in refused("##gff-version 3\n##FASTA\n>a\nAC\n")
    assert "looks like BED" in refused(write(tmp_path, "x.bed", "chr1\t1\t20\n"))
    assert "is a VCF" in refused("##fileformat=VCFv4.2\n#CHROM\n")
    assert "is SAM" in refused("@HD\tVN:1.6\n")
    assert "not nucleotide codes (*)" in refused(">a\nACGT*\n")


@pytest.mark.parametrize(("packed", "kind"), [(".gz", "gzip"), (".bz2", "bzip2"), (".xz", "xz")])
def test_truncated_and_damaged_archives(tmp_path, packed, kind):
    data = PACK[packed](b">x\n" + bytes(ord("ACGT"[i * i % 7 % 4]) for i in range(99_999)))
    for length in (12, len(data) // 2, len(data) - 3):
        path = write(tmp_path, f"x.fa{packed}", data[:length])
        assert refused(path).startswith(f"{path} is truncated: its {kind} data end too early")
    path = write(tmp_path, f"y.fa{packed}", data[:30] + b"\x55" * 20 + data[50:])
    assert refused(path).startswith(f"{path} cannot be read as {kind} data (")


def test_proteins_are_named_by_letters_and_record(tmp_path):
    path = write(tmp_path, "x.fa", ">dna\nACGT\n>prot some\nMKV\nMKTLLEF\n")
    assert refused(path) == (
        f"{path}, record 'prot', line 5 looks like a protein: E, F, L are not nucleotide codes; "
        "expected A, C, G, T (or U, N and the other IUPAC codes): give the DNA that encodes it."
    )
    assert "'MKTLLEF'" in refused("MKTLLEF")
    assert "line 3 ('b') looks like a protein: L" in refused("name,sequence\na,AC\nb,MKL\n")
    assert "The pasted text, line 2 looks like a protein: P" in refused("ACGT\nACPT\n")


def test_alignment_gaps():
    message = refused(">x\nAC\n--G.T\n")
    assert "record 'x', line 3 holds 3 alignment gaps (-, .)" in message
    assert "remove the gap characters" in message
    assert "alignment gaps" in refused("ACGT--ACGT")
    assert "alignment gaps" in refused("ACGT..ACGT")


def test_other_characters():
    assert "holds 2 characters that are not nucleotide codes (1, X)" in refused(">x\nACX1\n")
    assert "\\x07" in refused(">x\nAC\x07GT\n")


def test_records_without_bases(tmp_path):
    path = write(tmp_path, "x.fa", ">a\nACGT\n>b\n\n>c\nAC\n")
    assert refused(path).startswith(f"{path}, record 'b' (line 3) has no bases; expected")
    assert "record 'b' (line 3) has no bases" in refused(">a\nAC\n>b")
    assert "line 3 ('b') has no bases" in refused("name,sequence\na,AC\nb,\n")


def test_names_that_come_twice_are_numbered_and_that_is_said():
    with pytest.warns(ReadingWarning, match=r"two records 'a' \(lines 1 and 5\): the later one is"):
        found = read_sequences(">a\nAC\n>b\nAC\n>a x\nGG\n>a_2\nT\n")
    assert [record.name for record in found] == ["a", "b", "a_2", "a_2_2"]
    with pytest.warns(ReadingWarning, match=r"two sequences 'a' \(lines 2 and 4\)"):
        found = read_sequences("name,sequence\na,AC\nb,A\na,C\n")
    assert [record.name for record in found] == ["a", "b", "a_2"]


def test_headers_without_a_name():
    assert "line 3 is a header without a name" in refused(">a\nAC\n>\nAC\n")


def test_comments_are_left_out(tmp_path):
    text = "; from 1988\n>a\nAC\n;within\nGT\n"
    for source in (text, write(tmp_path, "x.fa", text), write(tmp_path, "x.txt", text)):
        assert read_sequences(source) == [Sequence("a", "ACGT")]


def test_excels_line_about_the_delimiter():
    for mark in ",;\t|":
        text = f"\ufeffsep={mark}\r\nname{mark}sequence\r\nx{mark}ACGT\r\n"
        assert read_sequences(text) == [Sequence("x", "ACGT")]


def test_two_tables_read_in_turn_do_not_shorten_each_others_cells(tmp_path):
    path = write(tmp_path, "x.csv", f"sequence\n{'A' * 200_000}\n{'C' * 200_000}\n")
    one, other = iter_sequences(path), iter_sequences(path)
    assert len(next(one)) == len(next(other)) == 200_000
    list(one)
    assert len(next(other)) == 200_000


@pytest.mark.parametrize("text", ["ACGT\n>a\nAC\n", "some text\n>a\nAC\n"])
def test_text_before_the_first_header(tmp_path, text):
    path = write(tmp_path, "x.fa", text)
    assert f"{path}, line 1 (" in refused(path)
    assert "stands before the first header" in refused(text)


def test_tables_without_a_sequence_column(tmp_path):
    path = write(tmp_path, "x.csv", "seq,label\nACGT,1\n")
    message = refused(path)
    assert message.startswith(f"{path} has no 'sequence' column; its columns are 'seq', 'label'")
    assert "has no 'sequence' column" in refused("seq\tlabel\nACGT\t1\n")


def test_ragged_rows_and_other_faults_of_tables():
    message = refused("sequence,label\nAC,1\n\nAC,1,2\n")
    assert "line 4 has 3 cells; expected 2 (sequence, label)" in message
    assert "line 2 has 1 cells" in refused("sequence,label\nAC\n")
    assert "more than one column 'label'" in refused("sequence,label,Label\nAC,1,2\n")
    assert "has a header but no rows" in refused("sequence,label\n")
    message = refused('sequence,label\nAC,1\n"AC,1\nGT,2\n')
    assert "cannot be read as a table row" in message
    assert "quotation marks" in message


def test_paths_that_lead_nowhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert refused("no/such.fa").startswith("There is no file 'no/such.fa' (looked from ")
    assert refused(Path("such")).startswith("There is no file 'such'")
    assert "There is no file 'reads.txt'" in refused("reads.txt")
    assert "which is no existing file" in refused("sample_1")
    (tmp_path / "data").mkdir()
    assert refused("data").startswith("data is a folder; expected")
    assert refused(tmp_path).startswith(f"{tmp_path} is a folder")
    with pytest.raises(InputError, match="There is no file"):
        list(iter_fasta("none.fa"))


def test_things_that_are_no_source(tmp_path):
    assert "cannot be read from list" in refused([">a\nAC"])
    path = write(tmp_path, "x.fa.gz", gzip.compress(FASTA.encode()))
    with path.open(encoding="utf-8") as handle:
        assert "open it with mode 'rb'" in refused(handle)


def test_reading_needs_no_pandas():
    code = (
        "import sys; from dnabert2_explore.sequences import read_sequences; "
        "read_sequences('sequence\\nACGT\\n'); "
        "sys.exit(bool({'pandas', 'torch', 'transformers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_home_folder_of_nobody(tmp_path):
    """~~nobody was a RuntimeError out of pathlib."""
    for name in ("~~nobody/x.fa", "~nouser-here/x.fa"):
        assert "whom this system does not know" in refused(name)
        assert "whom this system does not know" in refused(Path(name))


def test_a_table_whose_first_column_has_no_name_is_no_comment(tmp_path):
    text = ";sequence;label\n0;ACGT;x\n1;GG;y\n"
    for source in (text, write(tmp_path, "x.txt", text), write(tmp_path, "x.csv", text)):
        assert [record.bases for record in read_sequences(source)] == ["ACGT", "GG"]
    assert "is empty" in refused(write(tmp_path, "y.txt", "; nothing\n"))
