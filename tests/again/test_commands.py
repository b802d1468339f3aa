"""A file that a command wrote says how, and is made again by the same command."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import dnabert2_explore as dx
from dnabert2_explore.again import commands
from dnabert2_explore.cli.app import app
from dnabert2_explore.errors import InputError
from dnabert2_explore.results.records import beside, read_record

FASTA = ">a\nACGTTGCATTAGCATGCAATTTGACCA\n>b\nGGGCATTAGCATGACATTTAGCCA\n"


def invoke(*words):
    return CliRunner().invoke(app, [str(one) for one in words])


@pytest.fixture
def fasta(tmp_path):
    path = tmp_path / "s.fa"
    path.write_text(FASTA)
    return path


@pytest.fixture
def in_process(monkeypatch):
    """The command in this process: another one takes seconds to start."""
    asked = []

    def run(words):
        asked.append(words)
        result = invoke(*words)
        assert result.exit_code == 0, result.output

    monkeypatch.setattr(commands, "_run", run)
    return asked


def test_a_table_is_made_again_by_another_process(fasta, tmp_path):
    table = tmp_path / "t.tsv"
    assert invoke("tokenize", fasta, "-o", table, "--no-special").exit_code == 0
    record = read_record(table)
    assert record["command"] == "tokenize"
    assert record["inputs"]["source"]["path"] == str(fasta)
    assert "--no-special" in record["arguments"]
    found = dx.reproduce(table)
    assert found.identical, found
    result = invoke("reproduce", table, "--show")
    assert json.loads(result.output)["file"] == "t.tsv"


def test_predictions_and_vectors_are_made_again(fasta, tmp_path, in_process, classifier_folder):
    table, vectors = tmp_path / "p.csv", tmp_path / "e.npz"
    assert invoke("predict", classifier_folder, fasta, "-o", table).exit_code == 0
    assert (
        invoke("embed", fasta, "-o", vectors, "-m", classifier_folder, "--layer", "-1").exit_code
        == 0
    )
    digest = dx.load(classifier_folder, device="cpu").weights_sha256
    for path in (table, vectors):
        assert read_record(path)["models"][0]["sha256"] == digest
        assert dx.reproduce(path).identical
    assert any(word == "--layer=-1" for word in in_process[-1])
    lines = table.read_text().splitlines()
    cells = lines[1].split(",")
    table.write_text("\n".join([lines[0], ",".join([*cells[:-1], "7.5"]), *lines[2:]]) + "\n")
    result = invoke("reproduce", table)
    assert result.exit_code == 1
    assert "the file was changed after it was written" in result.output
    assert "now" in result.output


@pytest.mark.parametrize(
    ("command", "name"),
    [("tokenize", "t.csv"), ("tokenize", "t.tsv"), ("tokenize", "t.jsonl"),
     ("embed", "e.npy"), ("embed", "e.parquet"), ("embed", "e.csv"), ("embed", "e.tsv"),
     ("attribute", "a.tsv"), ("attribute", "a.parquet"), ("attribute", "a.bedgraph")],
)  # fmt: skip
def test_each_kind_of_file_is_made_again(
    command, name, fasta, tmp_path, in_process, classifier_folder
):
    file = tmp_path / name
    words = [command, fasta, "-o", file]
    if command != "tokenize":
        words += ["-m", classifier_folder]
    if command == "attribute":
        words += ["--method", "input_x_gradient", "--target", "0"]
    result = invoke(*words)
    assert result.exit_code == 0, result.output
    found = dx.reproduce(file)
    assert found.identical, found


@pytest.mark.parametrize("name", ["v.vcf", "v.vcf.gz", "v.parquet"])
def test_scored_variants_are_made_again(name, tmp_path, in_process, classifier_folder):
    genome, calls, file = tmp_path / "g.fa", tmp_path / "c.vcf", tmp_path / name
    genome.write_text(">chr1\n" + FASTA.splitlines()[1] * 20 + "\n")
    calls.write_text(
        "##fileformat=VCFv4.2\n##contig=<ID=chr1,length=540>\n"
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        f"chr1\t101\t.\t{(FASTA.splitlines()[1] * 20)[100]}\tN\t.\t.\t.\n"
        f"chr1\t201\t.\t{(FASTA.splitlines()[1] * 20)[200]}\t<DEL>\t.\t.\t.\n"
        f"chr1\t301\t.\t{(FASTA.splitlines()[1] * 20)[300]}\tTTTT\t.\t.\t.\n"
    )
    words = ["variants", calls, "--genome", genome, "-m", classifier_folder, "-o", file]
    result = invoke(*words, "--window", 200)
    assert result.exit_code == 0, result.output
    found = dx.reproduce(file)
    assert found.identical, found


@pytest.mark.parametrize("name", ["m.html"])
def test_motifs_are_made_again(name, tmp_path, in_process, classifier_folder):
    source, file = tmp_path / "peaks.fa", tmp_path / name
    letters = np.random.default_rng(0).choice(list("ACGT"), (24, 60))
    source.write_text("".join(f">s{i}\n{''.join(row)}\n" for i, row in enumerate(letters)))
    words = ["motifs", source, "-m", classifier_folder, "-t", "donor", "--confident", 0]
    result = invoke(*words, "--least", 8, "--null", 0, "-o", file)
    assert result.exit_code == 0, result.output
    found = dx.reproduce(file)
    assert found.identical, found


def test_a_store_is_made_again(fasta, tmp_path, in_process, model_folder):
    store = tmp_path / "v.zarr"
    words = ("embed", fasta, "-o", store, "-m", model_folder, "--window", 20)
    assert invoke(*words).exit_code == 0
    found = dx.reproduce(store)
    assert found.identical, found
    result = invoke("reproduce", store, "--show")
    assert json.loads(result.output)["file"] == "v.zarr"


def test_other_input_and_other_weights_are_told(fasta, tmp_path, in_process, classifier_folder):
    table = tmp_path / "t.tsv"
    assert invoke("tokenize", fasta, "-o", table).exit_code == 0
    fasta.write_text(FASTA.replace("GGGCATT", "GGGCAAA"))
    found = dx.reproduce(table)
    assert "input: source s.fa has other bytes than it had" in found.differences
    fasta.unlink()
    with pytest.raises(InputError, match=r"s\.fa, which is not there"):
        dx.reproduce(table)


def test_what_cannot_be_made_again_says_why(fasta, tmp_path, in_process):
    table = tmp_path / "t.tsv"
    result = CliRunner().invoke(app, ["tokenize", "-", "-o", str(table)], input=FASTA)
    assert result.exit_code == 0
    with pytest.raises(InputError, match="standard input"):
        dx.reproduce(table)
    record = json.loads(beside(table).read_text())
    del record["digest"]
    for change in ({"command": "lab"}, {"what": "other"}, {"inputs": None}):
        beside(table).write_text(json.dumps(record | change))
        with pytest.raises(InputError):
            dx.reproduce(table)
    with pytest.raises(InputError, match="does not say where it comes from"):
        dx.reproduce(fasta)
    assert not in_process
