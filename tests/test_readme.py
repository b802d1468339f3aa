"""What README.md shows runs, and what it points to exists."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from dnabert2_explore.cli import app

ROOT = Path(__file__).resolve().parent.parent
if not (ROOT / "README.md").is_file():
    pytest.skip("not a checkout: README.md is not beside tests/", allow_module_level=True)
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{re.escape(language)}\n(.*?)^```$", README, re.M | re.S)


def test_the_python_of_the_readme_runs_as_it_stands(tmp_path, monkeypatch):
    tour, reasons, atlas_answers, training, genomes = blocks("python")
    assert len([line for line in tour.splitlines() if line.strip()]) <= 11  # the import and ten
    names: dict = {}
    exec(compile(tour, "README.md", "exec"), names)
    n = len(names["sequences"])
    atlas = names["dx"].load(names["dx"].ATLAS_MODEL)
    assert names["vectors"].shape == (n, atlas.embedding_size)
    assert names["plane"].shape == (n, 2)
    assert names["head"].shape == (len(names["tokens"]),) * 2
    np.testing.assert_allclose(names["probabilities"].sum(axis=1), 1, rtol=1e-5)
    assert names["why"].base_scores.shape == (len(names["site"]),)
    exec(compile(reasons, "README.md", "exec"), names)
    assert names["card"].verdict
    assert names["mutants"].effects.shape == (200, 4)
    assert names["sweep"].effect.shape[1] > 100
    assert len(names["hits"].sequence) == len(names["hits"].p_value)
    exec(compile(atlas_answers, "README.md", "exec"), names)
    assert names["contrast"].kmers.n_selected == len(names["group"])
    monkeypatch.chdir(tmp_path)
    demo = names["dx"].demo
    locus = demo.locus().sequence
    Path("genome.fa").write_text(f">{locus.name}\n{locus.bases}\n")
    base = locus.bases[999]
    Path("calls.vcf").write_text(
        "##fileformat=VCFv4.2\n"
        f"##contig=<ID={locus.name}>\n"
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        f"{locus.name}\t1000\t.\t{base}\t{base}TT\t.\t.\t.\n"
    )
    for start, split in enumerate(("train", "dev", "test")):
        rows = [f"{site.bases},{site.label}" for site in demo.splice()[start::3]]
        Path(f"{split}.csv").write_text("\n".join(["sequence,label", *rows, ""]))
    exec(compile(training, "README.md", "exec"), names)
    assert names["mine"].classes == names["result"].classes
    assert len(names["table"]) == 1
    exec(compile(genomes, "README.md", "exec"), names)
    store = names["store"]
    assert store.complete
    assert store.vectors().shape == (len(store.coordinates()), names["enc"].info.hidden)
    assert str(names["long"]).startswith("10,000 bp in 3 windows")


def test_the_lines_about_other_weights_are_python():
    for block in blocks("python no-run"):
        compile(block, "README.md", "exec")


def test_commands_and_options_exist():
    import typer

    commands = typer.main.get_command(app).commands
    shown = [
        shlex.split(part.partition(">")[0])
        for block in blocks("console")
        for line in block.splitlines()
        for part in line.split("&&")
        if part.strip().startswith("dnabert2-explore")
    ]
    assert {words[1] for words in shown} == set(commands)
    for _, name, *rest in shown:
        command = commands[name]
        if hasattr(command, "commands"):  # a group such as gue
            command = command.commands[rest.pop(0)]
        known = {opt for param in command.params for opt in param.opts}
        assert {word for word in rest if word.startswith("-")} <= known, name


def test_links_to_files_lead_somewhere():
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
            assert (ROOT / target).exists(), f"{name}: {target}"


def scores_of(model: str) -> dict:
    path = ROOT / "dnabert2_explore/models" / model / "scores.json"
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_table_of_models_is_that_of_their_scores():
    rows = {
        line.split("`")[1].strip('"'): [cell.strip() for cell in line.split("|")[4:8]]
        for line in README.splitlines()
        if line.startswith('| `"pocket')
    }

    def number(value: float) -> str:
        return f"{value:.3f}"

    masked = scores_of("pocket")["scores"]["mean"]
    probe = scores_of("pocket-atlas")["probe"]
    nats = {name: number(masked[name]["nats"]) for name in ("model", "bigram_both", "untrained")}
    accuracy = {name: number(one["accuracy"]) for name, one in probe.items()}
    expected = {
        "pocket": [nats["model"], "–", f"bigram of both neighbours {nats['bigram_both']}",
                   nats["untrained"]],
        "pocket-atlas": [accuracy["pocket-atlas"], accuracy["4-mers"],
                         f"pocket {accuracy['pocket']}", accuracy["its untrained twin"]],
    }  # fmt: skip
    for name, other, words in (
        ("pocket-splice", "position_weights", "position weight matrix"),
        ("pocket-motif", "markov", "order-3 Markov chains"),
    ):
        found = scores_of(name)
        simple = {key: number(one["mcc"]) for key, one in found["baselines"].items()}
        expected[name] = [
            number(found["test"]["mcc"]), simple["kmer"], f"{words} {simple[other]}",
            number(found["random_weights"]["mcc"]),
        ]  # fmt: skip
    assert rows == expected
