"""``finetune`` and ``predict`` as a user types them."""

from __future__ import annotations

import gzip
import json
import random
import shutil

import pytest
from typer.testing import CliRunner

from dnabert2_explore.cli.app import app
from dnabert2_explore.encoder import SHIPPED
from dnabert2_explore.training.finetune import FinetuneResult, find_splits

from .training.labelled import read_csv, tiny_model, write_splits

QUICK = ["--max-steps", "6", "--evaluate-every", "3", "--set", "threads=1", "--set", "bootstrap=20"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("world")
    # The published vocabulary's size, a network of no size.
    tiny_model(root / "base", SHIPPED["pocket"], vocabulary=4096)
    write_splits(root / "data", "classification")
    return root


def call(*arguments):
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    return result


def test_a_folder_then_predictions(world, tmp_path):
    out = tmp_path / "run"
    done = call("finetune", world / "data", "-o", out, "-m", world / "base", *QUICK)
    assert done.exit_code == 0, done.output
    assert "step 3: train loss" in done.stderr
    assert "classification on 160 sequences" in done.stdout
    assert FinetuneResult.load(out).steps == 6
    again = call("finetune", world / "data", "-o", out, "-m", world / "base", *QUICK)
    assert again.exit_code == 1
    assert "holds a finished run; pass --force" in again.stderr
    found = call("predict", out / "model", world / "data/test.csv", "-o", tmp_path / "p.csv")
    assert found.exit_code == 0, found.output
    assert "40 predictions by" in found.stderr
    assert (tmp_path / "p.csv").read_bytes() == (out / "predictions.csv").read_bytes()
    assert json.loads((tmp_path / "p.scores.json").read_text())["count"] == 40
    assert "each prediction is the mean over both strands, 5 segmentations each" in found.stderr
    one = call("predict", out / "model", world / "data/test.csv", "-o", tmp_path / "one.csv",
               "--strands", "one", "--segmentations", "0")  # fmt: skip
    assert one.exit_code == 0, one.output
    assert "mean over" not in one.stderr
    assert (tmp_path / "one.csv").read_bytes() != (tmp_path / "p.csv").read_bytes()
    refused = call("predict", out / "model", world / "data/test.csv", "-o", tmp_path / "p.csv")
    assert "exists; pass --force" in refused.stderr


def test_one_file_and_several_seeds(world, tmp_path):
    seeds = ["--seed", "1", "--seed", "2"]
    done = call(
        "finetune", world / "data/train.csv", "-o", tmp_path / "run", "-m", world / "base",
        "--task", "classification", "--method", "probe", *seeds, *QUICK,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "test, mean ± standard deviation over seeds 1, 2" in done.stdout
    results = [FinetuneResult.load(tmp_path / f"run/seed-{n}") for n in (1, 2)]
    assert all("one file was split by seed" in one.notes[1] for one in results)
    rows = [read_csv(tmp_path / f"run/seed-{n}/predictions.csv") for n in (1, 2)]
    assert rows[0] != rows[1]


def test_settings_of_a_file_and_of_the_command(world, tmp_path):
    settings = tmp_path / "run.yaml"
    settings.write_text(
        f"model: {world / 'base'}\ntrain: {world / 'data/train.csv'}\n"
        f"dev: {world / 'data/dev.csv'}\nout: {tmp_path / 'run'}\nmax_steps: 2\nthreads: 1\n"
        "bootstrap: 0\nlora_targets: [Wqkv]\n"
    )
    done = call("finetune", settings, "--set", "pooling=mean", "--max-steps", "1")
    assert done.exit_code == 0, done.output
    written = (tmp_path / "run/config.yaml").read_text()
    assert "pooling: mean" in written
    assert "max_steps: 1" in written
    assert "lora_targets:\n- Wqkv" in written


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "pooling"], "expected NAME=VALUE"),
        (["--set", "colour=red"], "--set: unknown key 'colour'"),
        (["--set", "dropout=high"], "--set: dropout is 'high'; expected float"),
        (["--set", "lora_targets=Wqkv"], "lora_targets is 'Wqkv'; expected a list of words"),
        (["--task", "regression"], "is not a finite number"),
        (["--dev", "none.csv"], "no file 'none.csv'"),
        (["-m", "./none"], "No model folder './none'"),
    ],
)
def test_mistakes_are_one_sentence(world, tmp_path, arguments, message):
    done = call("finetune", world / "data", "-o", tmp_path / "run", *QUICK, *arguments)
    assert done.exit_code == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_files_of_a_folder(world, tmp_path):
    for source, name in (("train.csv", "Train.csv.gz"), ("dev.csv", "validation.csv")):
        data = (world / "data" / source).read_bytes()
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    (tmp_path / "train.txt").write_text("not a table")
    (tmp_path / "train.csv.csv").write_text("another name")
    found = find_splits(tmp_path)
    assert found["train"].endswith("Train.csv.gz")
    assert found["dev"].endswith("validation.csv")
    assert found["test"] == ""
    shutil.copy(tmp_path / "validation.csv", tmp_path / "dev.csv")
    done = call("finetune", tmp_path, *QUICK)
    assert "either of which could be dev" in done.stderr
    (tmp_path / "Train.csv.gz").unlink()
    (tmp_path / "dev.csv").unlink()
    assert "has no train.csv" in call("finetune", tmp_path, *QUICK).stderr


def test_settings_of_the_recipe(world, tmp_path):
    out = tmp_path / "run"
    done = call(
        "finetune", world / "data", "-o", out, "-m", "scratch:1x32", "--recipe", "small",
        "--anchor", "20", "--segmentations", "0", "--strands", "one", *QUICK,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "recipe small, as asked: " in done.stdout
    config = json.loads((out / "model/config.json").read_text())
    assert (config["anchor"], config["num_hidden_layers"]) == (20, 1)
    refused = call("predict", out / "model", world / "data/test.csv", "-o", tmp_path / "p.csv",
                   "--strands", "both")  # fmt: skip
    assert refused.exit_code == 1
    assert "reads sites of one strand" in refused.stderr


def test_stretches_of_a_genome(world, tmp_path):
    """There was no --genome: "No such option"."""
    rng = random.Random(3)
    bases = "".join(rng.choice("ACGT") for _ in range(3_000))
    (tmp_path / "g.fa").write_text(f">c\n{bases}\n")
    rows = [f"c\t{60 * i}\t{60 * i + 40}\t{'ab'[i % 2]}\t0\t{'+-'[i % 2]}\n" for i in range(48)]
    (tmp_path / "x.bed").write_text("".join(rows))
    genome = ("--genome", tmp_path / "g.fa")
    done = call("finetune", tmp_path / "x.bed", *genome, "-o", tmp_path / "run", "-m",
                world / "base", *QUICK)  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "classification on 40 sequences" in done.stdout
    assert f"genome: {tmp_path / 'g.fa'}" in (tmp_path / "run/config.yaml").read_text()
    assert {row["label"] for row in read_csv(tmp_path / "run/predictions.csv")} == {"a", "b"}
    wrong = call("finetune", tmp_path / "x.bed", "-o", tmp_path / "no", *QUICK)
    assert "looks like BED, intervals without bases" in wrong.stderr
