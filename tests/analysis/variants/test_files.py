"""From VCF to VCF and Parquet, with everything that a VCF may hold."""

import gzip
import json
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnabert2_explore import Cancelled, InputError
from dnabert2_explore.analysis.variants import VariantScorer, files, score_variants, score_vcf

pysam = pytest.importorskip("pysam", reason="pysam does not exist for Windows")

HEADER = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


@pytest.fixture
def scorer(enc, head, genome):
    return VariantScorer.make(enc, genome, window=60, head=head, rename={"chrC": "c"})


@pytest.fixture
def calls(tmp_path, bases):
    lines = [
        f"c\t101\tsnv\t{bases[100]}\t{other(bases[100])}\t.\tPASS\tAC=3",
        f"c\t201\tdel\t{bases[200:204]}\t{bases[200]}\t.\t.\t.",
        f"c\t301\tmulti\t{bases[300]}\t{other(bases[300])},{bases[300]}GAT,<DEL>\t.\t.\t.",
        f"c\t351\tnone\t{bases[350]}\t.\t.\t.\t.",
        f"c\t401\twrong\t{other(bases[400])}\t{bases[400]}\t.\t.\t.",
        "c\tfour\tbad\tA\tC\t.\t.\t.",
        f"chrC\t501\tother\t{bases[500]}\t{other(bases[500])}\t.\t.\t.",
        "x\t1\tmissing\tA\tC\t.\t.\t.",
    ]
    path = tmp_path / "calls.vcf"
    path.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def other(base):
    return "ACGT"["ACGT".index(base) - 1]


def test_a_vcf_through_pysam_and_a_table(scorer, calls, tmp_path, genome, enc):
    vcf, table = tmp_path / "out.vcf.gz", tmp_path / "out.parquet"
    seen = []
    summary = score_vcf(scorer, calls, vcf, table, 3, lambda *n: seen.append(n))
    assert (summary.records, summary.alleles, summary.scored) == (8, 8, 5)
    assert summary.reasons == {
        "symbolic": 1, "no_alt": 1, "mismatch": 1, "malformed": 1, "no_record": 1
    }  # fmt: skip
    assert seen[-1] == (8, 8)
    assert any("line 8 has POS 'four'" in message for message in summary.messages)
    assert "5 of 8 alternative alleles in 8 records scored" in str(summary)
    assert summary.unindexed == summary.problem == ""

    with pysam.VariantFile(str(vcf)) as file:
        records = {record.id: record for record in file}
        assert file.header.contigs["chrC"].length == genome.length("c")  # the VCF's own name
        assert [r.pos for r in file.fetch("c", 150, 320)] == [201, 301]  # through the index
    assert set(records) == {"snv", "del", "multi", "none", "wrong", "other", "missing"}
    assert records["snv"].info["AC"] in (3, ("3",), "3")  # kept, though it was never declared
    assert records["multi"].info["DX_NOTE"] == (".", ".", "symbolic")
    assert records["wrong"].info["DX_NOTE"] == ("mismatch",)
    assert "DX_LLR" not in records["wrong"].info

    frame = pd.read_parquet(table)
    assert list(frame.name) == [
        "snv", "del", "multi", "multi", "multi", "none", "wrong", "bad", "other", "missing"
    ]  # fmt: skip
    assert frame.llr.notna().sum() == summary.scored
    assert "exchanged" in frame.message[6]
    assert frame.llr[2] == pytest.approx(records["multi"].info["DX_LLR"][0], rel=1e-4)
    assert frame.llr[8] == pytest.approx(records["other"].info["DX_LLR"][0], rel=1e-4)

    import pyarrow.parquet as pq

    metadata = pq.read_schema(table).metadata
    assert json.loads(metadata[b"about"])["window"] == 60
    assert json.loads(metadata[b"columns"])["llr"]["sign"] == -1

    direct = score_variants(enc, calls, genome, window=60, head=scorer.head, rename={"chrC": "c"})
    assert [one.reason if one else "" for one in direct.skipped] == list(frame.skipped)
    for name in direct.values:
        np.testing.assert_allclose(direct[name], frame[name].to_numpy(), atol=1e-5, err_msg=name)


def test_what_breaks_off_is_scored_as_far_as_it_goes(scorer, tmp_path, bases):
    lines = [
        f"c\t{i + 1}\tv{i}\t{bases[i]}\t{other(bases[i])}\t.\t.\tX={i * 7919 % 997}"
        for i in range(600, 700)
    ]
    whole = gzip.compress((HEADER + "\n".join(lines) + "\n").encode())
    path = tmp_path / "calls.vcf.gz"
    path.write_bytes(whole[: len(whole) // 2])
    summary = score_vcf(scorer, path, tmp_path / "out.vcf")
    assert "breaks off after line" in summary.problem
    assert 0 < summary.scored == summary.records < 100
    with pysam.VariantFile(str(tmp_path / "out.vcf")) as file:
        assert len(list(file)) == summary.records


def test_an_empty_vcf_gives_an_empty_one(scorer, tmp_path):
    path = tmp_path / "calls.vcf"
    path.write_text(HEADER)
    summary = score_vcf(scorer, path, tmp_path / "out.vcf", tmp_path / "out.parquet")
    assert (summary.records, summary.scored) == (0, 0)
    with pysam.VariantFile(str(tmp_path / "out.vcf")) as file:
        assert "DX_LLR" in file.header.info
        assert list(file) == []
    assert len(pd.read_parquet(tmp_path / "out.parquet")) == 0


def test_an_unsorted_vcf_has_no_index_and_says_so(scorer, tmp_path, bases):
    path = tmp_path / "calls.vcf"
    lines = [f"c\t{i}\t.\t{bases[i - 1]}\t{other(bases[i - 1])}\t.\t.\t." for i in (900, 800)]
    path.write_text(HEADER + "\n".join(lines) + "\n")
    summary = score_vcf(scorer, path, tmp_path / "out.vcf.gz")
    assert "sort it by position first" in summary.unindexed
    assert not (tmp_path / "out.vcf.gz.tbi").exists()
    with pysam.VariantFile(str(tmp_path / "out.vcf.gz")) as file:
        assert [record.pos for record in file] == [900, 800]


def test_stopped_work_leaves_nothing_half(scorer, calls, tmp_path):
    def stop(done, total):
        if done >= 3:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        score_vcf(scorer, calls, tmp_path / "o.vcf", tmp_path / "o.parquet", 2, stop)
    assert [path.name for path in tmp_path.iterdir()] == ["calls.vcf"]


def test_settings_are_checked(scorer, calls, tmp_path):
    with pytest.raises(InputError, match="Nothing is to be written"):
        score_vcf(scorer, calls)
    with pytest.raises(InputError, match="at least 1"):
        score_vcf(scorer, calls, tmp_path / "o.vcf", chunk=0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("full", ["out.vcf", "out.vcf.gz", "out.parquet"])
def test_a_full_disk_is_named_and_leaves_no_half_of_the_outputs(
    scorer, calls, tmp_path, monkeypatch, full
):
    real = files.replacing

    @contextmanager
    def on_a_full_disk(path):
        with real(path) as temporary:
            if path.name == full:
                temporary.unlink()
                temporary.symlink_to("/dev/full")
            yield temporary

    monkeypatch.setattr(files, "replacing", on_a_full_disk)
    vcf = full if full.startswith("out.vcf") else "out.vcf"
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match=rf"{full} cannot be written \(.*: make room, or name"):
        score_vcf(scorer, calls, tmp_path / vcf, tmp_path / "out.parquet")
    assert sorted(tmp_path.iterdir()) == before
