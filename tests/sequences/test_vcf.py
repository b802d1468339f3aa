"""VCF: line numbers, odd files, and that nothing is lost on the way through."""

import gzip

import pytest

from dnabert2_explore import InputError
from dnabert2_explore.sequences.variants.variant import Variant
from dnabert2_explore.sequences.variants.vcf import Info, VcfReader, VcfWriter, check_contigs

pysam = pytest.importorskip("pysam", reason="pysam does not exist for Windows")

HEADER = (
    "##fileformat=VCFv4.2\n"
    "##contig=<ID=chr1,length=500>\n"
    '##INFO=<ID=AC,Number=A,Type=Integer,Description="count">\n'
    '##INFO=<ID=DB,Number=0,Type=Flag,Description="flag">\n'
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="genotype">\n'
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tone\ttwo\n"
)
RECORDS = (
    "chr1\t10\trs1\tA\tC\t50\tPASS\tAC=1;DB\tGT\t0/1\t0|0\n"
    "chr1\t20\t.\tAT\tA,ATT\t.\t.\tAC=1,2\tGT\t1/2\t./.\n"
    "chr1\t30\t.\tG\t<DEL>\t.\tq10;low\t.\tGT\t0/1\t0/0\n"
    "chr1\t40\t.\tG\t.\t.\t.\t.\tGT\t0/0\t0/0\n"
)
LLR = Info("DX_LLR", "Float", 'odds, "nats"')


def write(path, text=HEADER + RECORDS):
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_every_alternative_allele_is_a_variant(tmp_path):
    reader = VcfReader(write(tmp_path / "a.vcf"))
    records = list(reader)
    assert [r.line for r in records] == [7, 8, 9, 10]
    assert records[1].variants == (
        Variant("chr1", 19, "AT", "A"),
        Variant("chr1", 19, "AT", "ATT"),
    )
    assert records[0].variants[0].name == "rs1"
    assert records[0].variants[0].where.endswith("a.vcf, line 7")
    assert records[3].problem is not None
    assert records[3].problem.reason == "no_alt"
    assert reader.contigs == ("chr1",)
    assert reader.count() == 4
    assert reader.problem == ""


def test_a_round_trip_loses_nothing(tmp_path):
    """What pysam reads of the output is what it reads of the input, and our field."""
    source = write(tmp_path / "a.vcf")
    reader = VcfReader(source)
    for target in (tmp_path / "b.vcf", tmp_path / "b.vcf.gz"):
        with VcfWriter(target, reader, [LLR]) as writer:
            for record in reader:
                numbers = [f"{0.5 * i}" for i in range(len(record.variants))]
                writer.write(record, {"DX_LLR": numbers})
        with pysam.VariantFile(str(source)) as before, pysam.VariantFile(str(target)) as after:
            assert list(after.header.samples) == ["one", "two"]
            assert after.header.info["DX_LLR"].description == "odds, 'nats'"
            for old, new in zip(before, after, strict=True):
                assert dict(old.info) == {k: v for k, v in new.info.items() if k != "DX_LLR"}
                for name in ("chrom", "pos", "id", "ref", "alts", "qual"):
                    assert getattr(old, name) == getattr(new, name)
                assert list(old.filter) == list(new.filter)
                for sample in ("one", "two"):
                    assert dict(old.samples[sample]) == dict(new.samples[sample])
                    assert old.samples[sample].phased == new.samples[sample].phased
                if new.alts is not None:
                    assert new.info["DX_LLR"] == tuple(0.5 * i for i in range(len(new.alts)))
        text = gzip.decompress(target.read_bytes()) if target.suffix == ".gz" else None
        text = target.read_bytes() if text is None else text
        stripped = b"".join(
            line for line in text.splitlines(True) if not line.startswith(b"##INFO=<ID=DX_LLR")
        )
        for number in (b";DX_LLR=0.0,0.5", b";DX_LLR=0.0"):
            stripped = stripped.replace(number, b"")
        assert stripped.replace(b"DX_LLR=0.0", b".") == source.read_bytes()


def test_scoring_again_replaces_the_fields(tmp_path):
    first, second = tmp_path / "1.vcf", tmp_path / "2.vcf"
    reader = VcfReader(write(tmp_path / "a.vcf"))
    for source, target, value in ((reader, first, "1"), (None, second, "2")):
        own = source or VcfReader(first)
        with VcfWriter(target, own, [LLR], ["##mine=x"]) as writer:
            for record in own:
                writer.write(record, {"DX_LLR": [value] * len(record.variants)})
    assert second.read_text() == first.read_text().replace("DX_LLR=1", "DX_LLR=2").replace(
        "=2,1", "=2,2"
    )
    assert second.read_text().count("##INFO=<ID=DX_LLR") == 1
    assert second.read_text().count("##mine=x") == 1


def test_contigs_are_declared_where_the_header_has_none(tmp_path):
    bare = HEADER.replace("##contig=<ID=chr1,length=500>\n", "")
    reader = VcfReader(write(tmp_path / "a.vcf", bare + RECORDS))
    assert reader.contigs == ()
    check_contigs(reader, ("x",), {})  # nothing is known, so nothing is refused
    with VcfWriter(tmp_path / "b.vcf", reader, [LLR], (), {"chr1": 500}) as writer:
        for record in reader:
            writer.write(record, {})
    with pysam.VariantFile(str(tmp_path / "b.vcf")) as after:
        assert after.header.contigs["chr1"].length == 500
        assert len(list(after)) == 4


def test_names_that_do_not_meet_are_refused_with_the_mend(tmp_path):
    reader = VcfReader(write(tmp_path / "a.vcf"))
    with pytest.raises(InputError, match="rename chr1=1"):
        check_contigs(reader, ("1", "2"), {})
    with pytest.raises(InputError, match="the genome that the variants were called on"):
        check_contigs(reader, ("scaffold",), {})
    check_contigs(reader, ("1", "2"), {"chr1": "1"})


def test_bcf_is_read_too(tmp_path):
    filters = '##FILTER=<ID=q10,Description="low">\n##FILTER=<ID=low,Description="low">\n'
    filters += '##INFO=<ID=END,Number=1,Type=Integer,Description="end">\n#CHROM'
    source = write(tmp_path / "a.vcf", (HEADER + RECORDS).replace("#CHROM", filters))
    target = tmp_path / "a.bcf"
    with (
        pysam.VariantFile(str(source)) as before,
        pysam.VariantFile(str(target), "wb", header=before.header) as after,
    ):
        for record in before:
            after.write(record)
    reader = VcfReader(target)
    assert [r.variants for r in reader] == [r.variants for r in VcfReader(source)]
    assert reader.count() == 4


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("chr1\t5\t.\tA", "line 7 has 4 columns"),
        ("chr1 5 . A C . . .", "line 7 has 1 columns"),
        ("chr1\tx\t.\tA\tC\t.\t.\t.\tGT\t0/1\t0/1", "POS 'x'"),
        ("chr1\t5\t.\tA\tC\t.\t.\t.\tGT\t0/1", "has 10 columns and the header 11"),
        ("chr1\t5\t.\t\tC\t.\t.\t.\tGT\t0/1\t0/1", "empty CHROM, REF or ALT"),
    ],
)
def test_a_malformed_line_is_named_and_the_rest_is_read(tmp_path, line, said):
    records = list(VcfReader(write(tmp_path / "a.vcf", HEADER + line + "\n\n" + RECORDS)))
    assert len(records) == 5
    assert records[0].problem is not None
    assert records[0].problem.reason == "malformed"
    assert said in records[0].problem.message
    assert records[1].variants[0].name == "rs1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        (">seq\nACGT\n", "line 1 begins with '>seq'"),
        ("##fileformat=VCFv4.2\nchr1\t1\t.\tA\tC\t.\t.\t.\n", "line 1: the header has no line"),
        ("##fileformat=VCFv4.2\n#CHROM POS ID\n", "line 2: the header has no line"),
    ],
)
def test_what_is_no_vcf_is_refused(tmp_path, text, said):
    with pytest.raises(InputError, match=said):
        VcfReader(write(tmp_path / "a.vcf", text))


def test_missing_files_are_named(tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        VcfReader(tmp_path / "none.vcf")
    with pytest.raises(InputError, match="is a folder"):
        VcfReader(tmp_path)


def test_a_header_alone_is_a_vcf(tmp_path):
    reader = VcfReader(write(tmp_path / "a.vcf", HEADER))
    assert list(reader) == []
    assert reader.problem == ""


@pytest.mark.parametrize("block", ["gzip", "bgzf", "last block"])
def test_a_file_that_breaks_off_gives_what_it_has(tmp_path, block):
    many = "".join(
        f"chr1\t{i + 1}\t.\tA\tC\t.\t.\tAC={i * 7919 % 1000}\tGT\t0/1\t0/0\n" for i in range(9000)
    )
    path = tmp_path / "a.vcf.gz"
    if block == "gzip":
        path.write_bytes(gzip.compress((HEADER + many).encode()))
    else:
        with pysam.BGZFile(str(path), "wb", None) as file:
            file.write((HEADER + many).encode())
    whole = path.read_bytes()
    path.write_bytes(whole[:-28] if block == "last block" else whole[: len(whole) * 2 // 3])
    reader = VcfReader(path)
    assert reader.problem == ""
    records = list(reader)
    assert (len(records) == 9000) == (block == "last block")
    assert len(records) > 5500
    assert all(record.problem is None for record in records)
    assert f"after line {records[-1].line:,}" in reader.problem
    assert "download or copy it again" in reader.problem


def test_windows_line_ends_and_odd_bytes_survive(tmp_path):
    text = (HEADER + RECORDS).encode().replace(b"rs1", b"caf\xe9").replace(b"\n", b"\r\n")
    path = tmp_path / "a.vcf"
    path.write_bytes(text)
    reader = VcfReader(path)
    with VcfWriter(tmp_path / "b.vcf", reader, []) as writer:
        for record in reader:
            writer.write(record, {})
    assert (tmp_path / "b.vcf").read_bytes() == text.replace(b"\r\n", b"\n")
