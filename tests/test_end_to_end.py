"""Thirty steps of everything, from genomes to a scored variant, by the commands a person types."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import dnabert2_explore as dx
from dnabert2_explore.cli import app
from dnabert2_explore.sequences import gc_content

STEPS = 30


def run(*words: object) -> str:
    """Run a command; its output."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output + result.stderr
    return result.output


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as handle:
        table = csv.DictWriter(handle, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    return path


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory) -> Path:
    """A run folder of `pretrain`, on the shipped genome windows."""
    from dnabert2_explore.training.configuration import write_yaml
    from dnabert2_explore.training.pretrain.tiny import tiny_run

    out = tmp_path_factory.mktemp("pretrained")
    config = tiny_run(out, steps=STEPS, threads=1)
    write_yaml(config, out / "run.yaml")
    run("pretrain", out / "run.yaml")
    return Path(config.out)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory) -> Path:
    """Files of every task, from the shipped splice sites, in the same three splits."""
    folder = tmp_path_factory.mktemp("labelled")
    sites = dx.demo.splice()
    tasks = {
        "classes": lambda s: {"sequence": s.bases, "label": s.label},
        "several": lambda s: {
            "sequence": s.bases,
            "label": f"{s.label};{'rich' if gc_content(s.bases) > 0.5 else 'poor'}",
        },
        "values": lambda s: {"sequence": s.bases, "label": round(gc_content(s.bases), 4)},
        "pairs": lambda s: {
            "sequence1": s.bases[:100],
            "sequence2": s.bases[100:],
            "label": s.label,
        },
    }
    for task, row in tasks.items():
        for start, split in enumerate(("train", "dev", "test")):
            write(folder / task / f"{split}.csv", [row(site) for site in sites[start::3]])
    return folder


def test_pretraining_learns_and_leaves_snapshots(pretrained):
    with (pretrained / "log.csv").open(encoding="utf-8") as handle:
        losses = [float(row["loss"]) for row in csv.DictReader(handle)]
    assert losses[-1] < losses[0]
    enc = dx.load(str(pretrained / "model"))
    assert enc.has_masked_lm
    from dnabert2_explore.analysis.timelapse import find_snapshots

    assert find_snapshots(pretrained)[-1][0] == STEPS


@pytest.mark.parametrize(
    ("task", "kind", "options", "metric"),
    [
        ("classes", "classification", (), "mcc"),
        ("classes", "classification", ("--method", "lora"), "mcc"),
        ("classes", "classification", ("--method", "probe"), "mcc"),
        ("several", "multi_label", (), "f1_macro"),
        ("values", "regression", (), "r2"),
        ("pairs", "classification", (), "mcc"),
    ],
    ids=["classes", "lora", "probe", "multi-label", "regression", "pairs"],
)
def test_fine_tuning_and_prediction_agree(
    pretrained, labelled, tmp_path, task, kind, options, metric
):
    out = tmp_path / "run"
    common = ("-m", pretrained / "model", "-o", out, "--max-steps", STEPS, "--lr", "1e-3")
    run("finetune", labelled / task, *common, "--evaluate-every", 10, *options)
    result = json.loads((out / "result.json").read_text(encoding="utf-8"))
    assert result["task"] == kind
    assert result["steps"] == STEPS
    run("predict", out / "model", labelled / task / "test.csv", "-o", tmp_path / "predicted.csv")
    again = json.loads((tmp_path / "predicted.scores.json").read_text(encoding="utf-8"))
    assert again["values"][metric]["value"] == pytest.approx(
        result["test"]["values"][metric]["value"], abs=1e-6
    )
    assert again["loss"] == pytest.approx(result["test"]["loss"], abs=1e-6)


def test_the_benchmark_runs_and_its_table_shows_every_number(pretrained, labelled, tmp_path):
    names = {"donor": 1, "acceptor": 0}
    for split in ("train", "dev", "test"):
        with (labelled / "classes" / f"{split}.csv").open(encoding="utf-8") as handle:
            rows = [row | {"label": names.get(row["label"], 2)} for row in csv.DictReader(handle)]
        write(tmp_path / "GUE" / "splice" / "reconstructed" / f"{split}.csv", rows)
    words = ("gue", "run", tmp_path / "GUE", "-m", pretrained / "model", "-o", tmp_path / "results")
    run(*words, "--name", "short", "--max-steps", STEPS, "--baselines", "majority,kmer")
    (file,) = (tmp_path / "results" / "splice").glob("*short*.json")
    score = json.loads(file.read_text(encoding="utf-8"))["test"]["values"]["mcc"]["value"]
    table = run("gue", "table", tmp_path / "results")
    assert f"{score:.3f}" in table
    assert "0.850" in table  # DNABERT-2's published 84.99


def test_variants_of_the_locus_are_scored(pretrained, tmp_path):
    locus = dx.demo.locus().sequence
    (tmp_path / "ref.fa").write_text(f">{locus.name}\n{locus.bases}\n", encoding="utf-8")
    lines = ["##fileformat=VCFv4.2", f"##contig=<ID={locus.name},length={len(locus)}>",
             "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"]  # fmt: skip
    for position in (500, 1500, 2500):
        ref = locus.bases[position].upper()
        alt = "ACGT"[("ACGT".index(ref) + 1) % 4]
        lines.append(f"{locus.name}\t{position + 1}\t.\t{ref}\t{alt},{ref}GA\t.\t.\t.")
    (tmp_path / "calls.vcf").write_text("\n".join(lines) + "\n", encoding="utf-8")
    outputs = ("-o", tmp_path / "scored.vcf", "-o", tmp_path / "scored.parquet")
    model = ("-m", pretrained / "model")
    run("variants", tmp_path / "calls.vcf", "--genome", tmp_path / "ref.fa", *model, *outputs)
    import pandas as pd

    table = pd.read_parquet(tmp_path / "scored.parquet")
    assert len(table) == 6
    assert np.isfinite(table["llr"]).all()
    text = (tmp_path / "scored.vcf").read_text(encoding="utf-8")
    assert text.count("DX_LLR=") == 3


def test_a_model_leaves_for_plain_transformers(pretrained, tmp_path):
    run("export-model", pretrained / "model", "-o", tmp_path / "plain")
    from transformers import AutoModelForMaskedLM

    network = AutoModelForMaskedLM.from_pretrained(tmp_path / "plain")
    assert type(network).__module__.startswith("dnabert2_explore.")  # ours, no remote code
    assert (tmp_path / "plain" / "modeling_dnabert2.py").is_file()
