import bz2
import gzip
import lzma
from datetime import UTC, datetime

import pytest

from dnabert2_explore import InputError, Sequence
from dnabert2_explore.widgets import Selection
from dnabert2_explore.widgets.core import add_panel
from dnabert2_explore.widgets.core.inputs import InputBar, parse_span, zoomed
from dnabert2_explore.widgets.core.state import MINE


@pytest.fixture
def bar():
    selection = Selection([Sequence(f"s{i}", "ACGT" * 100) for i in range(3)], "Examples")
    return InputBar(selection)


def test_the_lists_follow_the_selection(bar):
    assert bar.set.value == "Examples"
    bar.selection.update(index=2)
    assert bar.sequence.value == 2
    bar.sequence.value = 1
    assert bar.selection.index == 1


def test_previous_and_next_go_round(bar):
    bar.previous.click()
    assert bar.selection.index == 2
    bar.next.click()
    assert bar.selection.index == 0


def test_pasting_adds_to_my_sequences_and_looks_at_them(bar):
    bar.paste.value = ">mine\nACGTNNACGT"
    bar.add.click()
    assert bar.selection.current.name == "mine"
    assert bar.set.value == MINE
    assert "Added 1 sequence" in bar.message.value
    assert bar.paste.value == ""


@pytest.mark.parametrize("text", ["", "   \n", ">protein\nMKVLEEFFPPQQII\n", ">empty\n"])
def test_what_cannot_be_read_is_said_in_one_sentence_and_nothing_is_lost(bar, text):
    bar.paste.value = text
    bar.add.click()
    assert bar.message.layout.display == ""
    assert "dx-error" in bar.message._dom_classes
    assert bar.paste.value == text
    assert len(bar.selection.sequences) == 3


def test_a_pasted_path_is_not_opened(bar, tmp_path):
    secret = tmp_path / "x.fa"
    secret.write_text(">x\nACGT\n")
    bar.paste.value = str(secret)
    bar.add.click()
    assert len(bar.selection.sequences) == 3


def test_uploading_reads_by_name_and_content(bar):
    bar.upload.value = (
        {
            "name": "two.csv",
            "type": "text/csv",
            "size": 40,
            "content": memoryview(b"sequence,label\nACGTACGT,x\nTTTT,y\n"),
            "last_modified": datetime(2026, 1, 1, tzinfo=UTC),
        },
    )
    assert [s.label for s in bar.selection.sequences[3:]] == ["x", "y"]


def test_the_range_box_moves_the_view_and_names_its_mistakes(bar):
    bar.range.value = "101-250"
    assert bar.selection.view == (100, 250)
    bar.range.value = "900-1000"
    assert "do not lie in this sequence" in bar.message.value
    assert bar.selection.view == (100, 250)
    bar.range.value = "1–400"
    assert bar.selection.view is None


def test_zoom_buttons(bar):
    bar.zoom_in.click()
    assert bar.selection.view == (100, 300)
    assert bar.range.value == "101–300"
    bar.zoom_all.click()
    assert bar.selection.view is None


def test_zoom_goes_to_the_selected_bases(bar):
    bar.selection.update(bases=(300, 310))
    start, end = zoomed(bar.selection, 0.25)
    assert start <= 300 < 310 <= end
    assert end - start == 100


def test_what_is_selected_is_written_and_cleared(bar):
    assert bar.clear.layout.visibility == "hidden"
    bar.selection.update(bases=(9, 20))
    assert "10–20" in bar.selected.value
    bar.clear.click()
    assert bar.selection.bases is None


@pytest.mark.parametrize("text", ["abc", "5-", "0-4", "9-3", "1-2-3", ""])
def test_wrong_spans(text):
    with pytest.raises(InputError):
        parse_span(text, 100)


def test_names_in_messages_are_escaped(bar):
    bar.upload.value = (
        {
            "name": "<img src=x>.fa",
            "type": "",
            "size": 0,
            "content": memoryview(b""),
            "last_modified": datetime(2026, 1, 1, tzinfo=UTC),
        },
    )
    assert "<img" not in bar.message.value


def test_what_can_be_meant_in_two_ways_is_said(bar):
    bar.paste.value = "ACGTTGCA\nTTGCATTA"
    bar.add.click()
    assert "2 lines without a header, is read as one sequence of 16 bases" in bar.message.value
    bar.paste.value = ">a\nACGTAC CGTACG GTACGT"
    bar.add.click()
    assert "joined back" in bar.message.value
    assert bar.selection.current.bases == "ACGTACGT"


def test_positions_are_ascii_digits():
    for text in ("²", "٣", "1-" + "9" * 5000):
        with pytest.raises(InputError):
            parse_span(text, 100)


def test_what_does_not_fit_in_memory_is_said(bar, monkeypatch):
    def full(*args, **settings):
        raise MemoryError

    monkeypatch.setattr(add_panel, "read_sequences", full)
    bar.paste.value = ">a\nACGT"
    bar.add.click()
    assert "what you pasted does not fit in memory" in bar.message.value


def uploaded(*files):
    return tuple(
        {
            "name": name,
            "type": "",
            "size": len(content),
            "content": memoryview(content),
            "last_modified": datetime(2026, 1, 1, tzinfo=UTC),
        }
        for name, content in files
    )


BED = b"chr1\t2\t6\nchr1\t0\t4\tpeak\t0\t-\n"
FASTA = b">chr1\nAACCGGTT\n"


def mine(bar):
    return [(one.name, one.bases) for one in bar.selection.sequences[3:]]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.bed", BED),
        ("x.bed.gz", gzip.compress(BED, mtime=0)),
        ("x.txt", BED),
        ("x.tsv", b"chrom\tstart\tend\tname\tstrand\nchr1\t2\t6\t\t\nchr1\t0\t4\tpeak\t-\n"),
    ],
)
def test_a_bed_is_read_with_its_genome(bar, tmp_path, name, content):
    """It "looks like BED": there was no way to say of which genome."""
    bar.upload.value = uploaded((name, content))
    assert mine(bar) == []
    assert "Type the path of the genome" in bar.message.value
    bar.genome.value = str(tmp_path / "no.fa")
    assert "There is no file" in bar.message.value
    (tmp_path / "g.fa").write_bytes(FASTA)
    bar.genome.value = str(tmp_path / "g.fa")  # what waited is read now
    assert mine(bar) == [("chr1:2-6(+)", "CCGG"), ("peak", "GGTT")]
    assert f"Added 2 sequences from {name}" in bar.message.value
    bar.genome.value = f"{tmp_path}/./g.fa"
    assert len(mine(bar)) == 2  # not once more


def test_a_bed_and_its_genome_uploaded_together_or_pasted(bar, tmp_path):
    bar.upload.value = uploaded(("x.bed", BED), ("g.fa.gz", gzip.compress(FASTA, mtime=0)))
    assert [bases for _, bases in mine(bar)] == ["CCGG", "GGTT"]
    bar.upload.value = uploaded(("y.bed", BED), ("g.fa", FASTA), ("h.fa", FASTA))
    assert "Which of these files is the genome" in bar.message.value
    bar.paste.value = "chr1\t2\t600\n"
    bar.add.click()
    assert bar.paste.value
    (tmp_path / "g.fa").write_bytes(FASTA)
    bar.genome.value = str(tmp_path / "g.fa")
    assert "line 1: chr1 ends at 8, before 600" in bar.message.value
    bar.paste.value = "chr1\t2\t5\n"
    bar.add.click()
    assert mine(bar)[2:] == [("chr1:2-5(+)", "CCG")]
    assert bar.paste.value == ""


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.gb", b"LOCUS       a 4 bp DNA\nORIGIN\n        1 acgt\n//\n"),
        (
            "x.embl",
            b"ID   a; SV 1; linear; DNA; STD; UNC; 4 BP.\nSQ   Sequence 4 BP;\n     acgt\n//\n",
        ),
        ("x.fastq.gz", gzip.compress(b"@a\nACGT\n+\nIIII\n", mtime=0)),
        ("x.tsv", b"name\tsequence\na\tACGT\n"),
        ("x.fa.xz", lzma.compress(b">a\nACGT\n")),
    ],
)
def test_every_kind_of_file_that_commands_read_can_be_uploaded(bar, name, content):
    bar.upload.value = uploaded((name, content))
    assert [bases.upper() for _, bases in mine(bar)] == ["ACGT"]
    suffix = name.removesuffix(".gz").removesuffix(".xz").rpartition(".")[2]
    assert f".{suffix}" in bar.upload.accept.split(",")


def test_annotation_is_put_on_the_sequences_that_are_there(bar):
    bar.selection.add([Sequence("chr9", "ACGT" * 25)])
    place = bar.selection.index
    gff = b"chr9\tme\texon\t11\t20\t.\t+\t.\tName=one\n"
    bar.upload.value = uploaded(("genes.gff3", gff))
    assert "1 features of genes.gff3 on 1 sequences" in bar.message.value
    assert bar.selection.annotations[place][0].name == "one"
    assert bar.selection.features[0].end == 20
    bar.upload.value = uploaded(("other.gtf", gff.replace(b"chr9", b"chrX")))
    assert "other.gtf annotates chrX" in bar.message.value
    assert bar.selection.annotations[place][0].name == "one"  # nothing is lost


def test_what_unpacks_to_more_than_is_allowed_is_refused(bar, monkeypatch):
    monkeypatch.setenv("DNABERT2_EXPLORE_MAX_UPLOAD", "0.1")
    bomb = b">x\n" + b"ACGT" * 100_000
    for name, pack in (("x.fa.gz", lambda b: gzip.compress(b, mtime=0)), ("x.fa.bz2", bz2.compress),
                       ("x.fa.xz", lzma.compress)):  # fmt: skip
        before = len(bar.selection.sequences)
        bar.upload.value = uploaded((name, pack(bomb)))
        assert f"{name}, unpacked, has" in bar.message.value
        assert len(bar.selection.sequences) == before
    bar.upload.value = uploaded(("y.fa.gz", gzip.compress(b">y\nACGT", mtime=0)))
    assert "Added 1 sequence" in bar.message.value
