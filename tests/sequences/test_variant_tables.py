"""Variants as CSV and TSV, in memory, and lines that are none."""

from __future__ import annotations

import gzip

import pandas as pd
import pytest

from dnabert2_explore.errors import InputError
from dnabert2_explore.sequences.variants.tables import as_variants, open_calls
from dnabert2_explore.sequences.variants.variant import Variant
from dnabert2_explore.sequences.variants.vcf import VcfReader

HEAD = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
EXPECTED = [Variant("chr1", 99, "A", "G", "rs1"), Variant("chr1", 1233, "", "TT")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.csv", "contig,position,ref,alt,name\nchr1,100,A,G,rs1\nchr1,1234,-,TT,\n"),
        ("x.tsv", "#CHROM\tPOS\tID\tREF\tALT\nchr1\t100\trs1\tA\tG\nchr1\t1,234\t.\t\tTT\n"),
        (
            "x.csv.gz",
            "\ufeffsep=;\r\nChr;Pos;Ref;Alt;Id\r\nchr1;100;A;G;rs1\r\nchr1;1234;;TT;.\r\n",
        ),
        ("x.csv", "variant,name\nchr1:100 A>G,rs1\nchr1:1234 ->TT,\n"),
    ],
)
def test_tables(tmp_path, name, text):
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    reader = open_calls(path)
    records = list(reader)
    assert [one for record in records for one in record.variants] == EXPECTED
    assert reader.count() == 2
    assert records[0].variants[0].where.startswith(f"{path}, line ")
    assert records[0].text == "chr1\t100\trs1\tA\tG\t.\t.\t."


def test_bad_rows_cost_themselves_only(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(
        "chrom,pos,ref,alt\nc,5,A,C\nc,²,A,C\nc,0,A,C\n,5,A,C\nc," + "9" * 30 + ",A,C\nc,6,A,C\n"
    )
    records = list(open_calls(path))
    assert [bool(record.variants) for record in records] == [True] + [False] * 4 + [True]
    assert all(record.problem.reason == "malformed" for record in records[1:5])
    assert "line 3: position '²' is no number from 1 on" in records[1].problem.message
    assert [record.stand_in.position for record in records[1:3]] == [-1, -1]


def test_a_table_without_the_columns(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("chrom,pos,ref\nc,5,A\n")
    with pytest.raises(InputError, match="has no column alt; expected contig"):
        open_calls(path)
    path.write_text(HEAD)
    assert isinstance(open_calls(path), VcfReader)


def test_in_memory():
    frame = pd.DataFrame(
        {"CHROM": ["chr1", "chr1"], "pos": [100, 1234], "ref": ["A", None], "alt": ["G", "TT"],
         "id": ["rs1", None]}
    )  # fmt: skip
    assert [one for one, _ in as_variants(frame)] == EXPECTED
    texts = ["chr1:100 A>G", "chr1-1234--TT"]
    assert [one for one, _ in as_variants(texts[:1])] == [Variant("chr1", 99, "A", "G")]
    assert as_variants(EXPECTED[0]) == [(EXPECTED[0], None)]
    with pytest.raises(InputError, match="Variant 2 was given as tuple; expected a Variant, or a"):
        as_variants([EXPECTED[0], ("c", 5, "A", "G")])
    with pytest.raises(InputError, match="'5' is no variant"):
        as_variants(["5"])


@pytest.mark.parametrize("position", ["²", "9" * 20, "9" * 5000, "-1", "1e3", "", "٣"])
def test_one_bad_line_of_a_vcf_never_costs_the_file(tmp_path, position):
    path = tmp_path / "x.vcf"
    good = "c\t{}\t.\tA\tC\t.\t.\t.\n"
    path.write_text(f"\n{HEAD}{good.format(5)}{good.format(position)}{good.format(6)}")
    records = list(VcfReader(path))
    assert [len(record.variants) for record in records] == [1, 0, 1]
    assert records[1].problem.reason == "malformed"
    assert records[1].stand_in.position == -1
