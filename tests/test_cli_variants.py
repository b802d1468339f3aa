"""``dnabert2-explore variants``, end to end with the shipped models."""

import pandas as pd
import pytest
from typer.testing import CliRunner

from dnabert2_explore import demo
from dnabert2_explore.cli.app import app

pysam = pytest.importorskip("pysam", reason="pysam does not exist for Windows")

HEADER = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


@pytest.fixture
def files(tmp_path):
    bases = demo.locus().sequence.bases.upper()[:3000]
    (tmp_path / "ref.fa").write_text(f">1\n{bases}\n")
    lines = []
    for i in range(500, 1100, 50):
        alt = "ACGT"["ACGT".index(bases[i]) - 1] if i % 100 else bases[i] + "TAG"
        lines.append(f"1\t{i + 1}\tv{i}\t{bases[i]}\t{alt}\t.\t.\tKNOWN={int(i % 150 == 0)}")
    (tmp_path / "calls.vcf").write_text(HEADER + "\n".join(lines) + "\n")
    return tmp_path


def run(files, *more, calls="calls.vcf", genome="ref.fa"):
    arguments = ["variants", str(files / calls), "--genome", str(files / genome)]
    return CliRunner().invoke(app, [*arguments, "--window", "64", *map(str, more)])


@pytest.mark.filterwarnings("default::dnabert2_explore.errors.ExploreWarning")  # short ones
def test_scores_a_vcf_and_says_how_well(files):
    result = run(
        files, "-o", files / "out.vcf.gz", "-o", files / "out.parquet", "--head", "pocket-splice",
        "--labels", "INFO/KNOWN",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "12 of 12 alternative alleles in 12 records scored" in result.stderr
    assert "AUROC" in result.stdout
    assert "|gc_change|" in result.stdout
    with pysam.VariantFile(str(files / "out.vcf.gz")) as file:
        scores = [record.info["DX_LLR"][0] for record in file]
    frame = pd.read_parquet(files / "out.parquet")
    assert scores == pytest.approx(frame.llr.tolist(), rel=1e-4)
    assert frame.change_donor.notna().all()
    again = run(files, "-o", files / "out.vcf.gz")
    assert again.exit_code == 1
    assert "--force" in again.stderr


def test_names_of_contigs_are_never_guessed(files):
    text = (files / "calls.vcf").read_text().replace("\n1\t", "\nchr1\t")
    (files / "chr.vcf").write_text(text)
    result = run(files, "-o", files / "out.vcf", calls="chr.vcf")
    assert result.exit_code == 1  # nothing was scored
    assert "rename chr1=1" in result.stderr
    (files / "names.txt").write_text("chr1 1\n")
    for value in ("chr1=1", files / "names.txt"):
        mended = run(files, "-o", files / "out.vcf", "--force", "--rename", value, calls="chr.vcf")
        assert mended.exit_code == 0, mended.stderr
        assert "12 of 12" in mended.stderr
    declared = text.replace("#CHROM", "##contig=<ID=chr1>\n#CHROM")
    (files / "chr.vcf").write_text(declared)
    refused = run(files, "-o", files / "other.vcf", calls="chr.vcf")
    assert refused.exit_code == 1
    assert not (files / "other.vcf").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-o", "out.txt"), "says what to write"),
        (("-o", "a.vcf", "-o", "b.vcf"), "given twice"),
        (("-o", "a.vcf", "--labels", "INFO/KNOWN"), ".parquet too"),
        (("-o", "a.parquet", "--labels", "INFO/NO"), "no variant has a label"),
        (("-o", "a.parquet", "--positive", "1"), "say which of the --labels are meant"),
        (("-o", "a.vcf", "--rename", "=1"), "expected FROM=TO"),
        (("-o", "a.vcf", "--rename", "none.txt"), "two columns"),
        (("-o", "a.vcf", "--model", "pocket-splice", "--score", "llr"), "masked-LM head"),
    ],
)
def test_wrong_arguments_end_in_one_sentence(files, arguments, said, monkeypatch):
    monkeypatch.chdir(files)
    result = run(files, *arguments)
    assert result.exit_code == 1
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_outputs_lie_in_this_folder_unless_named(files, monkeypatch):
    (files / "here").mkdir()
    monkeypatch.chdir(files / "here")
    result = run(files)
    assert result.exit_code == 0, result.stderr
    assert sorted(path.name for path in (files / "here").iterdir()) == [
        "calls.scored.parquet", "calls.scored.parquet.record.json",
        "calls.scored.vcf.gz", "calls.scored.vcf.gz.record.json", "calls.scored.vcf.gz.tbi",
    ]  # fmt: skip


def test_a_header_alone(files):
    (files / "empty.vcf").write_text(HEADER)
    result = run(files, "-o", files / "out.vcf", calls="empty.vcf")
    assert result.exit_code == 0
    assert "has a header and no records" in result.stderr
