"""The command line: what it writes, what it refuses, its exit codes."""

from __future__ import annotations

import csv
import importlib
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import dnabert2_explore as dx
from dnabert2_explore import __version__
from dnabert2_explore.cli import app
from dnabert2_explore.cli.common import stop_between_steps
from dnabert2_explore.cli.look.server import Server
from dnabert2_explore.cli.output import check_output, replacing
from dnabert2_explore.errors import Cancelled, InputError
from dnabert2_explore.sequences import UnknownBasesWarning, reverse_complement
from dnabert2_explore.stores import open_store

from .conftest import random_bases

FASTA = ">one first\nACGTAGCATCGGATCTATC\nTATCG\n>two\nGGGTTTAAACCC\n"
COMMANDS = (
    "lab",
    "tokenize",
    "embed",
    "export",
    "bench",
    "train-tokenizer",
    "pretrain",
    "info",
)


@pytest.fixture
def run():
    runner = CliRunner()

    def run(*arguments: object, stdin: str | None = None):
        return runner.invoke(app, [str(a) for a in arguments], input=stdin)

    return run


@pytest.fixture
def fasta(tmp_path) -> Path:
    path = tmp_path / "genes.fa"
    path.write_text(FASTA)
    return path


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter="\t"))


def real(*arguments: object, **options) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dnabert2_explore", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


# --- help and usage ---------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_shows_an_example(run, command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"dnabert2-explore {command}" in result.output
    assert "Example" in result.output


def test_help_lists_every_command_and_version_is_the_packages(run):
    assert all(command in run("--help").output for command in COMMANDS)
    assert run("--version").output.strip() == f"dnabert2-explore {__version__}"


def test_help_needs_no_heavy_import():
    code = (
        "import sys; from dnabert2_explore.cli import app\n"
        "heavy = {'torch', 'transformers', 'numpy', 'jupyterlab', 'captum', 'plotly', 'pandas'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("arguments", [["no-such-command"], ["embed"], ["tokenize", "--bogus"]])
def test_wrong_usage_exits_2(run, arguments):
    assert run(*arguments).exit_code == 2


# --- tokenize ---------------------------------------------------------------------------------


def test_tokenize_tiles_the_sequences(run, fasta, model_folder):
    result = run("tokenize", fasta, "--model", model_folder, "--no-special")
    assert result.exit_code == 0, result.output
    rows = table(result.stdout)
    for name, bases in (("one", "ACGTAGCATCGGATCTATCTATCG"), ("two", "GGGTTTAAACCC")):
        mine = [row for row in rows if row["name"] == name]
        assert [int(row["index"]) for row in mine] == list(range(len(mine)))
        assert "".join(bases[int(r["start"]) : int(r["end"])] for r in mine) == bases
        assert "".join(row["token"] for row in mine) == bases


def test_tokenize_needs_no_torch(model_folder):
    code = (
        "import sys; sys.argv[1:] = ['tokenize', '-m', sys.argv[1]]\n"
        "from dnabert2_explore.cli import main\n"
        "try: main()\n"
        "finally: print('torch' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(model_folder)],
        input=FASTA,
        capture_output=True,
        text=True,
        check=True,
    )
    assert table(done.stdout)[0]["token"] == "[CLS]"
    assert done.stderr.strip() == "False"


def test_tokenize_summary_compares_schemes(run, fasta, model_folder):
    arguments = ["--kmer", 6, "--kmer", 3, "--sixmers", "--summary", "--no-special"]
    result = run("tokenize", fasta, "-m", model_folder, *arguments)
    rows = {(row["name"], row["scheme"]): row for row in table(result.stdout)}
    assert {scheme for _, scheme in rows} == {"bpe", "6-mer", "3-mer", "sixmers"}
    assert rows["one", "6-mer"]["token_count"] == str(24 - 6 + 1)
    assert rows["one", "sixmers"]["token_count"] == "4"
    assert rows["two", "sixmers"]["bases_per_token"] == "6.0"


def test_tokenize_json_from_standard_input(run, model_folder):
    result = run("tokenize", "-", "--format", "json", "-m", model_folder, stdin=FASTA)
    one, two = json.loads(result.stdout)
    assert one["name"] == "one"
    assert one["tokens"][0] == "[CLS]"
    assert len(one["tokens"]) == len(one["ids"]) == len(one["spans"]) == one["token_count"]
    assert two["bases"] == 12


def test_tokenize_writes_a_file_once(run, fasta, model_folder, tmp_path):
    out = tmp_path / "tokens.tsv"
    assert run("tokenize", fasta, "-m", model_folder, "-o", out).exit_code == 0
    before = out.read_bytes()
    refused = run("tokenize", fasta, "-m", model_folder, "-o", out, "--summary")
    assert refused.exit_code == 1
    assert "--force" in refused.stderr
    assert out.read_bytes() == before
    assert run("tokenize", fasta, "-m", model_folder, "-o", out, "--force").exit_code == 0
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_tokenize_counts_unknown_bases_once(run, model_folder, tmp_path):
    fasta = tmp_path / "n.fa"
    fasta.write_text(">a\nACGTN\n>b\nNNACGTAC\n")
    with pytest.warns(UnknownBasesWarning, match="3 of 13") as record:
        assert run("tokenize", fasta, "-m", model_folder, "--kmer", "3").exit_code == 0
    assert len(record) == 1


@pytest.mark.skipif(os.name != "posix", reason="named pipes and links as POSIX has them")
def test_output_that_is_no_file_or_a_link(run, tmp_path, fasta, model_folder):
    os.mkfifo(tmp_path / "pipe")
    refused = run("tokenize", fasta, "-m", model_folder, "-o", tmp_path / "pipe", "--force")
    assert refused.exit_code == 1
    assert "no regular file" in refused.stderr
    (tmp_path / "link").symlink_to(tmp_path / "there")
    (tmp_path / "there").write_text("old")
    assert (
        run("tokenize", fasta, "-m", model_folder, "-o", tmp_path / "link", "--force").exit_code
        == 0
    )
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there").read_text() != "old"


def test_tokenize_survives_a_reader_that_goes_away(model_folder, tmp_path):
    long = tmp_path / "long.fa"
    long.write_text(">long\n" + "ACGT" * 50_000 + "\n")
    command = f"{sys.executable} -m dnabert2_explore tokenize {long} -m {model_folder} | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=120)
    assert done.stdout.startswith("name\tscheme")
    assert "Traceback" not in done.stderr


# --- embed ------------------------------------------------------------------------------------


def test_embed_npz_equals_the_encoder(run, fasta, model_folder, enc, tmp_path):
    out = tmp_path / "genes.npz"
    result = run("embed", fasta, "-o", out, "-m", model_folder, "--pooling", "max", "--layer", 1)
    assert result.exit_code == 0, result.output
    with np.load(out, allow_pickle=False) as file:
        assert file["names"].tolist() == ["one", "two"]
        assert "labels" not in file
        about = json.loads(str(file["about"]))
        embeddings = file["embeddings"]
    assert about["pooling"] == "max"
    assert about["layer"] == 1
    assert embeddings.dtype == np.float32
    bases = ["ACGTAGCATCGGATCTATCTATCG", "GGGTTTAAACCC"]
    np.testing.assert_allclose(embeddings, enc.embed(bases, pooling="max", layer=1), rtol=1e-5)


def test_embed_parquet_keeps_names_and_labels(run, model_folder, enc, tmp_path):
    import pandas as pd
    import pyarrow.parquet as pq

    source, out = tmp_path / "genes.csv", tmp_path / "genes.parquet"
    source.write_text("sequence,label\nACGTAGCATCGG,donor\nGGGTTTAAACCC,neither\n")
    assert run("embed", source, "-o", out, "-m", model_folder).exit_code == 0
    frame = pd.read_parquet(out)
    assert frame["label"].tolist() == ["donor", "neither"]
    expected = enc.embed(["ACGTAGCATCGG", "GGGTTTAAACCC"])
    np.testing.assert_allclose(np.stack(frame["embedding"]), expected, rtol=1e-5)
    assert json.loads(pq.read_schema(out).metadata[b"about"])["pooling"] == "mean"


def test_memory_that_is_used_up_is_one_sentence(run, fasta, tmp_path, monkeypatch):
    def out_of_memory(source, genome=None):
        raise MemoryError

    monkeypatch.setattr("dnabert2_explore.cli.compute.embed.read_source", out_of_memory)
    result = run("embed", fasta, "-o", tmp_path / "a.npz")
    assert result.exit_code == 1
    assert result.stderr.startswith("dnabert2-explore: the memory that this process may take is")


def test_embed_refuses_before_it_works(run, fasta, tmp_path):
    # The model does not exist: had it been asked for, the sentence would be about the model.
    existing = tmp_path / "there.npz"
    existing.write_bytes(b"precious")
    for out, word in (
        (existing, "--force"),
        (tmp_path / "genes.txt", ".parquet"),
        (tmp_path / "nowhere" / "genes.npz", "does not exist"),
    ):
        result = run("embed", fasta, "-o", out, "-m", "no-such-model")
        assert result.exit_code == 1
        assert word in result.stderr
    assert existing.read_bytes() == b"precious"


@pytest.fixture
def genome(tmp_path):
    path = tmp_path / "genome.fa"
    path.write_text(f">chr1\n{random_bases(2500)}\n>chr2\n{random_bases(700, 1)}\n")
    return path


def test_embed_a_genome_then_export(run, genome, model_folder, enc, tmp_path):
    import pandas as pd

    out = tmp_path / "genome.zarr"
    command = ["embed", genome, "--window", 400, "--stride", 200, "-o", out, "-m", model_folder]
    result = run(*command, "--layer", 0, "--layer", -1)
    assert result.exit_code == 0, result.output
    assert "15 windows" in result.stderr
    again = run(*command, "--layer", 0, "--layer", -1)
    assert again.exit_code == 0
    assert "15 done before" in again.stderr
    other = run(*command)
    assert other.exit_code == 1
    assert "layers" in other.stderr
    assert run("export", out, "-o", tmp_path / "genome.parquet").exit_code == 0
    frame = pd.read_parquet(tmp_path / "genome.parquet")
    assert len(frame) == 15
    assert run("export", out, "-o", tmp_path / "genome.parquet").exit_code == 1
    assert "--force" in run("export", out, "-o", tmp_path / "genome.parquet").stderr
    assert run("export", tmp_path, "-o", tmp_path / "x.npz").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--window", 10, "-o", "x.npz"], "--window is for a store"),
        (["--layer", 1, "--layer", 2, "-o", "x.npz"], "several --layer is for a store"),
        (["--force", "-o", "x.zarr"], "--force does not replace a store"),
        (["-o", "nowhere/x.zarr"], "does not exist"),
    ],
)
def test_stores_and_files_keep_their_options_apart(run, genome, tmp_path, arguments, word):
    where = [str(tmp_path / a) if str(a).endswith((".npz", ".zarr")) else a for a in arguments]
    result = run("embed", genome, *where, "-m", "no-such-model")
    assert result.exit_code == 1
    assert word in result.stderr


def test_a_store_needs_a_file_to_go_on_with(run, tmp_path):
    result = run("embed", "-", "-o", tmp_path / "x.zarr", "-m", "no-such-model")
    assert result.exit_code == 1
    assert "name the file instead of -" in result.stderr


def test_a_scheduler_that_is_not_there(run, genome, model_folder, tmp_path, monkeypatch):
    import distributed

    def refuse(address, timeout):
        raise OSError(f"Timed out trying to connect to {address}")

    monkeypatch.setattr(distributed, "Client", refuse)
    out = tmp_path / "x.zarr"
    result = run("embed", genome, "-o", out, "-m", model_folder, "--scheduler", "tcp://127.0.0.1:1")
    assert result.exit_code == 1
    assert "no Dask scheduler answers at tcp://127.0.0.1:1" in result.stderr
    assert not out.exists()


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_control_c_leaves_a_store_that_goes_on(genome, model_folder, tmp_path, number):
    """The real command, interrupted as a person or SLURM does it, then run again."""
    from dnabert2_explore import open_store

    genome.write_text(f">chr1\n{random_bases(400_000)}\n")
    out = tmp_path / "genome.zarr"
    arguments = ["embed", genome, "--window", 100, "-o", out, "-m", model_folder]
    command = [sys.executable, "-m", "dnabert2_explore", *map(str, arguments)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if open_store(out).n_done:
                break
        except InputError:  # not made yet
            pass
        time.sleep(0.05)
    process.send_signal(number)
    stderr = process.communicate(timeout=60)[1]
    assert process.returncode == 130, stderr
    assert "stopped after" in stderr
    assert "the same command goes on from there" in stderr
    done = open_store(out).n_done
    assert 0 < done < 16  # chunks of 256 windows
    again = real(*arguments)
    assert again.returncode == 0, again.stderr
    assert f"{256 * done:,} done before" in again.stderr
    assert open_store(out).complete


def test_embed_from_the_cache(run, fasta, model_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("DNABERT2_EXPLORE_CACHE", str(tmp_path / "cache"))
    for name in ("first", "second"):
        out = tmp_path / f"{name}.npz"
        assert run("embed", fasta, "-o", out, "-m", model_folder).exit_code == 0
    assert (tmp_path / "cache" / "vectors.sqlite").exists()
    with np.load(tmp_path / "first.npz") as a, np.load(tmp_path / "second.npz") as b:
        assert np.array_equal(a["embeddings"], b["embeddings"])
    monkeypatch.setenv("DNABERT2_EXPLORE_CACHE", str(tmp_path / "other"))
    out = tmp_path / "third.npz"
    assert run("embed", fasta, "-o", out, "-m", model_folder, "--no-cache").exit_code == 0
    assert not (tmp_path / "other").exists()


# --- errors -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "word"),
    [("missing.fa", "missing.fa"), ("empty.fa", "empty.fa"), ("protein.fa", "protein.fa")],
)
def test_bad_input_is_one_sentence_and_exit_1(tmp_path, model_folder, source, word):
    (tmp_path / "empty.fa").write_text("")
    (tmp_path / "protein.fa").write_text(">p\nMKVLEEFFPPQQIIKLLE\n")
    done = real("tokenize", tmp_path / source, "-m", model_folder)
    assert done.returncode == 1
    assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


def test_a_missing_model_is_one_sentence_and_exit_1(fasta, tmp_path):
    done = real("embed", fasta, "-o", tmp_path / "x.npz", "-m", "no-such-model")
    assert done.returncode == 1
    assert "no-such-model" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "x.npz").exists()


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_control_c_exits_130(tmp_path, number):
    # A named pipe nobody writes to: the command waits for its input until it is interrupted.
    pipe = tmp_path / "pipe.fa"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "dnabert2_explore", "tokenize", str(pipe)]
    # A shell that runs the tests in the background has its children ignore SIGINT.
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with pipe.open("w"):  # returns when the command has opened the other end
        time.sleep(0.2)  # and now it reads
        process.send_signal(number)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in stderr


# --- writing ----------------------------------------------------------------------------------


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "result.npz"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:  # noqa: PT012
        temporary.write_bytes(b"half")
        raise RuntimeError
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_written_file_has_the_usual_permissions(tmp_path):
    with replacing(tmp_path / "mine") as temporary:
        temporary.write_bytes(b"new")
    (tmp_path / "plain").write_bytes(b"new")
    assert (tmp_path / "mine").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_folder_is_no_output(tmp_path):
    with pytest.raises(InputError, match="is a folder"):
        check_output(tmp_path, force=True)


# --- training ---------------------------------------------------------------------------------


@pytest.fixture
def genomes(tmp_path) -> Path:
    rng = np.random.default_rng(0)
    for name in ("alpha", "beta"):
        bases = "".join(rng.choice(list("ACGT"), size=20_000))
        (tmp_path / f"{name}.fa").write_text(f">{name}\n{bases}\n")
    (tmp_path / "species.tsv").write_text(
        "file\tcategory\tspecies\tsplit\nalpha.fa\tone\talpha\ttrain\nbeta.fa\ttwo\tbeta\theldout\n"
    )
    return tmp_path


def test_train_tokenizer_then_pretrain_then_embed(run, genomes, fasta, tmp_path):
    bpe = tmp_path / "bpe"
    arguments = ["train-tokenizer", genomes, "-t", genomes / "species.tsv", "-o", bpe]
    small = ["--vocabulary", 64, "--windows", 200]
    result = run(*arguments, *small)
    assert result.exit_code == 0, result.output
    assert run(*arguments, *small).exit_code == 1  # there already
    assert run(*arguments, *small, "--force").exit_code == 0
    assert table(run("tokenize", fasta, "-m", bpe).stdout)

    config = tmp_path / "tiny.yaml"
    settings = {
        "genomes": str(genomes),
        "table": str(genomes / "species.tsv"),
        "tokenizer": str(bpe),
        "out": str(tmp_path / "unused"),
        "network": {
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 16,
        },
        "row_tokens": 16,
        "batch_rows": 2,
        "shortest": 40,
        "longest": 80,
        "total_steps": 3,
        "warmup_steps": 1,
        "evaluate_every": 0,
        "device": "cpu",
    }
    config.write_text(json.dumps(settings))  # JSON is YAML
    out = tmp_path / "run"
    result = run("pretrain", config, "-o", out)
    assert result.exit_code == 0, result.output
    assert "step 3 of 3" in result.stderr
    assert "Masking: 15% of the tokens are predicted" in result.stderr
    assert run("pretrain", config, "-o", out).exit_code == 1  # holds a checkpoint: --resume
    further = ["--set", f"init_from={out / 'model'}", "--set", "tokenizer=", "--set", "network={}"]
    result = run("pretrain", config, "-o", tmp_path / "more", *further, "--set", "total_steps=2")
    assert result.exit_code == 0, result.output
    assert "step 2 of 2" in result.stderr
    for wrong, message in (
        ("batch_rows", "expected NAME=VALUE"),
        ("batch_size=3", "unknown key 'batch_size'"),
        ("batch_rows=many", "batch_rows is 'many'"),
    ):
        result = run("pretrain", config, "--set", wrong)
        assert result.exit_code == 1
        assert message in result.stderr
    assert run("embed", fasta, "-o", tmp_path / "x.npz", "-m", out / "model").exit_code == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_control_c_stops_between_steps(number):
    steps = []

    def work(report):
        for i in range(1, 10):
            if i == 2:
                signal.raise_signal(number)  # in the middle of a step
            steps.append(i)
            report(i, 9)

    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    with stop_between_steps(lambda *_: None) as report, pytest.raises(Cancelled, match="2 of 9"):
        work(report)
    assert steps == [1, 2]
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == before


# --- info and lab -----------------------------------------------------------------------------


def test_info_as_json_and_as_a_table(run):
    facts = json.loads(run("info", "--json").stdout)
    assert facts["dnabert2-explore"] == __version__
    assert facts["packages"]["torch"]
    assert set(facts["attention"]) >= {"sdpa", "eager"}
    text = run("info").output
    assert "device" in text
    for name, model in facts["models"].items():
        assert name in text
        assert model["sha256"] in text


@pytest.fixture
def served(monkeypatch):
    """What a Jupyter server would have been started with, without starting one."""
    asked: dict[str, object] = {}

    def serve(options: list[str]) -> None:
        asked["options"] = options
        asked["token"] = os.environ["JUPYTER_TOKEN"]
        overlay = Path(os.environ["JUPYTER_CONFIG_PATH"].split(os.pathsep)[0])
        asked["page"] = json.loads((overlay / "labconfig" / "page_config.json").read_text())
        asked["template"] = (overlay / "voila/templates/dnabert2/index.html.j2").read_text()

    for command in ("lab", "workbench"):
        inner = importlib.import_module(f"dnabert2_explore.cli.look.{command}")
        inner = sys.modules[inner.__name__]
        monkeypatch.setattr(inner, "serve", serve)
        monkeypatch.setattr(inner, "announce", lambda server, notebook: None)
    for name in ("JUPYTER_CONFIG_PATH", "JUPYTER_PATH"):
        monkeypatch.setenv(name, "")
    monkeypatch.delenv("JUPYTER_TOKEN", raising=False)
    return asked


@pytest.mark.parametrize("command", ["lab", "app"])
def test_a_server_is_for_this_machine_only_behind_a_token(run, served, tmp_path, command):
    folder = tmp_path / "mine"
    result = run(command, "--dir", folder, "--no-browser", "--", "--LabApp.x=1")
    assert result.exit_code == 0, result.output
    assert (folder / "00_workbench.ipynb").is_file()
    options = served["options"]
    assert "--ServerApp.ip=127.0.0.1" in options
    assert "--ServerApp.open_browser=False" in options
    assert "--LabApp.news_url=None" in options
    assert options[-1] == "--LabApp.x=1"
    token = str(served["token"])
    assert len(token) >= 32
    assert f"?token={token}" in result.stdout
    assert not any(token in option for option in options)
    assert served["page"]["disabledExtensions"]
    # Nothing of a CDN: neither Voila's icon font nor its MathJax.
    assert "http" not in served["template"]
    assert served["page"]["fullMathjaxUrl"] == served["page"]["mathjaxConfig"] == "null"


def test_a_notebook_opens_in_its_folder_and_nothing_is_copied_there(run, served, tmp_path):
    lesson = tmp_path / "my lessons" / "lesson 01.ipynb"
    lesson.parent.mkdir()
    lesson.write_text("{}")
    result = run("lab", lesson, "--no-browser", "--", "--LabApp.x=1")
    assert result.exit_code == 0, result.output
    assert "/doc/tree/lesson%2001.ipynb?token=" in result.stdout
    assert f"--ServerApp.root_dir={lesson.parent}" in served["options"]
    assert "--LabApp.default_url=/doc/tree/lesson%2001.ipynb" in served["options"]
    assert served["options"][-1] == "--LabApp.x=1"
    assert [one.name for one in lesson.parent.iterdir()] == [lesson.name]


@pytest.mark.parametrize("name", ["missing.ipynb", "text.txt", "."])
def test_what_is_no_notebook_is_not_opened(run, served, tmp_path, name):
    (tmp_path / "text.txt").write_text("no notebook")
    result = run("lab", tmp_path / name)
    assert result.exit_code == 1
    assert "There is no notebook" in result.output
    assert "options" not in served


def test_a_notebook_and_a_folder_are_one_too_many(run, served, tmp_path):
    result = run("lab", tmp_path / "a.ipynb", "--dir", tmp_path)
    assert result.exit_code == 1
    assert "both named" in result.output


def test_notebooks_are_copies_and_none_is_copied_over_mine(run, served, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mine = tmp_path / "dnabert2-notebooks"
    mine.mkdir()
    (mine / "00_workbench.ipynb").write_text("mine")
    monkeypatch.setenv("JUPYTER_TOKEN", "chosen")
    result = run("lab")
    assert "token=chosen" in result.stdout
    assert (mine / "00_workbench.ipynb").read_text() == "mine"
    assert (mine / "04_motifs.ipynb").is_file()
    assert f"--ServerApp.root_dir={mine}" in served["options"]


def test_the_app_opens_sequences_and_a_model(run, served, tmp_path, model_folder):
    fasta = tmp_path / "it's.fa"
    fasta.write_text(">one\nACGTTGCATTAGC\n")
    result = run("app", fasta, "-m", model_folder, "--dir", tmp_path / "w")
    assert result.exit_code == 0, result.output
    port = re.search(r"127\.0\.0\.1:(\d+)/", result.stdout).group(1)
    # One a server: a second one in the same folder must not change what the first shows.
    made = json.loads((tmp_path / "w" / f"workbench-app-{port}.ipynb").read_text())
    names: dict[str, object] = {}
    exec("".join(made["cells"][0]["source"]), names)
    own = names["bench"].selection  # one sequence makes no map: it stands among the windows
    assert own.current.name == "one"
    assert [one.name for one in own.sequences[:1]] == ["one"]
    assert names["bench"].encoder.checkpoint.folder == model_folder
    assert f"--LabApp.default_url=/voila/render/workbench-app-{port}.ipynb" in served["options"]
    (tmp_path / "bad.fa").write_text(">one\n")
    assert "one" in run("app", tmp_path / "bad.fa", "--dir", tmp_path / "w").stderr
    assert "standard input" in run("app", "-", "--dir", tmp_path / "w").stderr


def test_the_token_goes_to_the_server_and_to_no_proxy(tmp_path, monkeypatch):
    seen = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append((self.path, self.headers["Authorization"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as proxy, HTTPServer(("127.0.0.1", 0), Answer) as own:
        for one in (proxy, own):
            threading.Thread(target=one.handle_request, daemon=True).start()
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.server_port}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        server = Server(tmp_path, own.server_port, "a&b c", tmp_path)
        assert server.ask("api/status")
    assert seen == [("/api/status", "token a&b c")]  # a proxy would see the whole address
    assert server.url("lab").endswith("/lab?token=a%26b%20c")


def test_lab_on_a_taken_port_says_so(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run("lab", "--port", port)
    assert result.exit_code == 1
    assert str(port) in result.stderr


def test_what_a_reader_warns_of_is_one_line(tmp_path, model_folder):
    (tmp_path / "lines.txt").write_text("ACGTTGCATTAGC\nGGGTTGCATTAGC\n")
    done = real("tokenize", tmp_path / "lines.txt", "-m", model_folder, "--summary")
    assert done.returncode == 0
    assert [row["name"] for row in table(done.stdout)] == ["sequence 1", "sequence 2"]
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith(f"dnabert2-explore: {tmp_path / 'lines.txt'} has no headers: each of")


def test_tokenize_stretches_of_a_genome(run, tmp_path, model_folder):
    (tmp_path / "g.fa").write_text(">chr1\nACGTTGCATTAGCACGTTT\n")
    bed = "chr1\t2\t9\nchr1\t4\t14\tname\t0\t-\n"
    (tmp_path / "x.bed").write_text(bed)
    for source, stdin in ((tmp_path / "x.bed", None), ("-", bed)):
        done = run("tokenize", source, "-g", tmp_path / "g.fa", "-m", model_folder, "--summary",
                   stdin=stdin)  # fmt: skip
        assert [(r["name"], r["bases"]) for r in table(done.stdout)] == [
            ("chr1:2-9(+)", "7"),
            ("name", "10"),
        ]
    done = run("tokenize", tmp_path / "x.bed", "-m", model_folder)
    assert done.exit_code == 1
    assert "give the genome too (--genome" in done.stderr


@pytest.mark.parametrize("suffix", ["csv", "tsv", "npy", "h5ad"])
def test_embed_to_what_other_programs_read(run, model_folder, enc, tmp_path, suffix):
    table_of = 'name,sequence,label,species\n"a,""b""\t",ACGTTGCATTAGC,x,s\n=c,GGGTTGCATTA,y,t\n'
    source, out = tmp_path / "x.csv", tmp_path / f"v.{suffix}"
    source.write_text(table_of)
    done = run("embed", source, "-o", out, "-m", model_folder)
    assert done.exit_code == 0, done.stderr
    expected = enc.embed(["ACGTTGCATTAGC", "GGGTTGCATTA"])
    if suffix == "npy":
        np.testing.assert_array_equal(np.load(out), expected)
        return
    if suffix == "h5ad":
        anndata = pytest.importorskip("anndata", reason="h5ad needs the extra [anndata]")
        read = anndata.read_h5ad(out)
        np.testing.assert_array_equal(read.X, expected)
        assert list(read.obs_names) == ['a,"b"', "=c"]
        assert list(read.obs["species"]) == ["s", "t"]
        assert read.uns["about"]["pooling"] == "mean"
        return
    frame = pd.read_csv(out, sep="\t" if suffix == "tsv" else ",")
    assert frame["name"].tolist() == ['a,"b"', "'=c"]
    assert frame["label"].tolist() == ["x", "y"]
    np.testing.assert_array_equal(frame.iloc[:, 2:].to_numpy(np.float32), expected)


@pytest.mark.filterwarnings("default::dnabert2_explore.errors.ExploreWarning")  # short ones
def test_embed_and_predict_stretches_of_a_genome(run, model_folder, enc, tmp_path):
    bases = "ACGTTGCATTAGCACGTTTGGCATCAATCAGCATCA"
    (tmp_path / "g.fa").write_text(f">chr1\n{bases}\n")
    (tmp_path / "x.bed").write_text("chr1\t2\t20\nchr1\t4\t30\tname\t0\t-\n")
    texts = [bases[2:20], reverse_complement(bases[4:30])]
    settings = "--genome", tmp_path / "g.fa", "-m", model_folder
    for out in ("v.npz", "v.zarr"):
        done = run("embed", tmp_path / "x.bed", "-o", tmp_path / out, *settings)
        assert done.exit_code == 0, done.stderr
    found = np.load(tmp_path / "v.npz")
    assert found["names"].tolist() == ["chr1:2-20(+)", "name"]
    np.testing.assert_array_equal(found["embeddings"], enc.embed(texts))
    store = open_store(tmp_path / "v.zarr")
    assert store.names == ("chr1:2-20(+)", "name")
    np.testing.assert_allclose(store.vectors()[:], enc.embed(texts), atol=1e-5)
    out = tmp_path / "p.csv"
    done = run("predict", "pocket-splice", tmp_path / "x.bed", "-o", out, *settings[:2])
    assert done.exit_code == 0, done.stderr
    frame = pd.read_csv(out)
    assert frame["name"].tolist() == ["chr1:2-20(+)", "name"]
    splice = dx.load("pocket-splice", dtype="float32")
    np.testing.assert_allclose(frame.filter(like="p_"), splice.predict(texts), rtol=1e-5)


def test_a_panic_of_a_rust_library_is_one_sentence(monkeypatch):
    """It is a BaseException: the command ended in a traceback of Rust."""

    class PanicException(BaseException):
        """As pyo3 calls it."""

    def broken(*_arguments, **_more):
        raise PanicException("no entry found for key\nbacktrace")

    monkeypatch.setattr("dnabert2_explore.sequences.read_sequences", broken)
    done = CliRunner().invoke(app, ["tokenize", "x.fa"])
    assert done.exit_code == 1
    assert "no entry found for key" in done.output
    assert done.output.count("\n") == 1
