"""``dnabert2-explore attribute`` and ``motifs``: what they write, say and refuse."""

from __future__ import annotations

import csv
import dataclasses
import io

import pytest
from typer.testing import CliRunner

import dnabert2_explore as dx
from dnabert2_explore.analysis import attribution
from dnabert2_explore.analysis.attribution.trust.checks import thresholds
from dnabert2_explore.cli import app
from dnabert2_explore.sequences import reverse_complement

from .conftest import random_bases


@pytest.fixture
def fasta(tmp_path):
    path = tmp_path / "sites.fa"
    path.write_text("".join(f">s{i}\n{random_bases(50, seed=i)}\n" for i in range(2)))
    return path


@pytest.fixture
def gap(tmp_path):
    path = tmp_path / "gap.fa"
    path.write_text(f">first\n{random_bases(50)}\n>gap\n{'N' * 50}\n")
    return path


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def table(text):
    return list(csv.DictReader(io.StringIO(text), delimiter="\t"))


def test_a_row_for_each_base_as_attribute_has_it(fasta, classifier_folder, classifier):
    result = run("attribute", fasta, "-m", classifier_folder, "-t", "donor", "--method", "saliency")
    assert result.exit_code == 0, result.output
    rows = table(result.stdout)
    for i in range(2):
        bases = random_bases(50, seed=i)
        mine = [row for row in rows if row["sequence"] == f"s{i}"]
        assert "".join(row["base"] for row in mine) == bases
        scores = dx.attribute(classifier, bases, "donor", method="saliency").base_scores
        assert [float(row["score"]) for row in mine] == pytest.approx(scores, rel=1e-4, abs=1e-7)
    assert {row["target"] for row in rows} == {"donor"}


@pytest.mark.parametrize(
    ("method", "option", "setting"),
    [
        ("gradient_shap", ("--samples", 3), {"samples": 3}),
        ("occlusion", ("--window", 4), {"window": 4}),
        ("layer_conductance", ("--layer", 2), {"layer": 2}),
        ("saliency", ("--noise-samples", 6), {"noise_samples": 6}),
    ],
)
def test_settings_reach_the_method(fasta, classifier_folder, classifier, method, option, setting):
    result = run(
        "attribute", fasta, "-m", classifier_folder, "-t", "donor", "--method", method, "--n-steps",
        "10", "--per", "token", *option,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    scores = [float(row["score"]) for row in table(result.stdout) if row["sequence"] == "s1"]
    bases = random_bases(50, seed=1)
    wanted = dx.attribute(
        classifier, bases, "donor", method=method, n_steps=10, **setting
    ).token_scores
    plain = dx.attribute(classifier, bases, "donor", method=method, n_steps=10).token_scores
    assert scores == pytest.approx(wanted, rel=1e-3, abs=1e-5)
    assert scores != pytest.approx(plain, rel=1e-3, abs=1e-5)


@pytest.mark.parametrize(
    ("method", "over", "told", "advised"),
    [
        ("layer_integrated_gradients", 1.1, True, True),
        ("layer_conductance", 1.1, True, True),
        ("layer_integrated_gradients", 0.9, False, False),
        ("deep_lift", 1.1, True, False),
    ],
)
def test_more_steps_are_advised_where_they_help(
    fasta, classifier_folder, monkeypatch, method, over, told, advised
):
    real = attribution.attribute

    def missing(*arguments, **settings):
        found = real(*arguments, **settings)
        delta = over * thresholds()["convergence"] * found.change
        return dataclasses.replace(found, delta=delta)

    monkeypatch.setattr(attribution, "attribute", missing)
    result = run(
        "attribute",
        fasta,
        "-m",
        classifier_folder,
        "--method",
        method,
        "--n-steps",
        2,
        "-t",
        "donor",
    )
    assert result.exit_code == 0, result.output
    assert ("of the change in 2" in result.stderr) == told
    assert ("take more --n-steps" in result.stderr) == advised


def test_a_model_without_classes_is_asked_for_bases_as_they_are_typed(fasta, model_folder):
    refused = run("attribute", fasta, "-m", model_folder)
    assert refused.exit_code == 1
    assert "such as --target 101-112" in refused.stderr
    assert "target=(" not in refused.stderr
    result = run("attribute", fasta, "-m", model_folder, "-t", "21-26", "--method", "saliency")
    assert result.exit_code == 0, result.output
    assert {row["unit"] for row in table(result.stdout)} == {"nats"}


@pytest.mark.parametrize("command", ["attribute", "motifs"])
def test_a_sequence_of_n_is_named_before_any_work(gap, command):
    result = run(command, gap, "-m", "no-such-model", "-t", "donor")
    assert result.exit_code == 1
    assert "Sequence 2 ('gap') has no A, C, G or T" in result.stderr


def test_methods_are_listed_without_a_source():
    result = run("attribute", "--methods")
    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.stdout.splitlines()] == list(attribution.METHODS)


def test_where_there_is_no_motif_that_is_said_of_every_file(tmp_path, classifier_folder):
    fasta, outputs = tmp_path / "s.fa", [tmp_path / f"out.{end}" for end in ("html", "meme", "tsv")]
    fasta.write_text("".join(f">s{i}\n{random_bases(60, seed=i)}\n" for i in range(60)))
    options = [part for path in outputs for part in ("-o", path)]
    result = run(
        "motifs", fasta, "-m", classifier_folder, "-t", "donor", "--confident", 0, "--least", 8,
        *options,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert f"{outputs[1]}: not written, since there is no motif" in result.stderr
    assert "no motif:" in result.stderr
    assert [path.exists() for path in outputs] == [True, False, True]


def test_motifs_needs_a_model_with_a_head(fasta, model_folder, tmp_path):
    result = run("motifs", fasta, "-m", model_folder, "-o", tmp_path / "out.tsv")
    assert result.exit_code == 1
    assert "has no head: load a fine-tuned model" in result.stderr


def test_motifs_are_of_confident_sequences(fasta, classifier_folder, tmp_path):
    shared = ("motifs", fasta, "-m", classifier_folder, "-o", tmp_path / "out.tsv")
    unnamed = run(*shared)
    assert unnamed.exit_code == 1
    assert "one of donor, acceptor, neither" in unnamed.stderr
    none = run(*shared, "-t", "donor", "--confident", 1)
    assert none.exit_code == 1
    assert "lower --confident" in none.stderr
    few = run(*shared, "-t", "donor", "--confident", 0, "--method", "saliency")
    assert few.exit_code == 1
    assert "2 of 2 sequences" in few.stderr
    assert "too few for a pattern of 20 sites" in few.stderr


def test_names_with_tabs_and_quotation_marks_stay_one_cell(tmp_path, classifier_folder):
    """O5: seven tabs in a row where the header had five."""
    source = tmp_path / "odd.csv"
    source.write_text(f'name,sequence\n"a\tb ""c""",{random_bases(50)}\n=1+1,{random_bases(50)}\n')
    result = run(
        "attribute", source, "-m", classifier_folder, "-t", "donor", "--method", "saliency"
    )
    assert result.exit_code == 0, result.output
    rows = table(result.stdout)
    assert [row["sequence"] for row in rows[::50]] == ['a\tb "c"', "'=1+1"]
    assert None not in rows[0]


def test_a_bed_and_its_genome_to_a_track(tmp_path, classifier_folder, classifier):
    (tmp_path / "g.fa").write_text(f">chr1 x\n{random_bases(300)}\n")
    (tmp_path / "peaks.bed").write_text("chr1\t200\t250\tb\t0\t-\nchr1\t20\t70\n")
    for suffix in ("bedgraph", "bw"):
        result = run(
            "attribute", tmp_path / "peaks.bed", "--genome", tmp_path / "g.fa",
            "-m", classifier_folder, "-t", "donor", "--method", "saliency",
            "-o", tmp_path / f"x.{suffix}",
        )  # fmt: skip
        assert result.exit_code == 0, result.output
    rows = [line.split("\t") for line in (tmp_path / "x.bedgraph").read_text().splitlines()[1:]]
    assert [int(row[1]) for row in rows] == [*range(20, 70), *range(200, 250)]
    bases = reverse_complement(random_bases(300)[200:250])
    scores = dx.attribute(classifier, bases, "donor", method="saliency").base_scores[::-1]
    assert [float(row[3]) for row in rows[50:]] == pytest.approx(scores, rel=1e-4, abs=1e-7)
    pybigtools = pytest.importorskip("pybigtools", reason="bigWig needs the extra [bigwig]")
    track = pybigtools.open(str(tmp_path / "x.bw"))
    assert track.chroms() == {"chr1": 300}
    found = [value for *_, value in track.records("chr1")]
    assert found == pytest.approx([float(row[3]) for row in rows], rel=1e-4, abs=1e-7)


def test_a_track_of_overlapping_sequences_is_refused_before_the_work(tmp_path):
    (tmp_path / "x.fa").write_text(">chr1:1-4\nACGT\n>chr1:3-6\nACGT\n")
    result = run("attribute", tmp_path / "x.fa", "-o", tmp_path / "x.bedgraph")
    assert result.exit_code == 1
    assert "share bases of chr1" in result.stderr


@pytest.mark.parametrize("target", ["²", "9" * 5000, "1²-3"])
def test_targets_that_are_no_numbers(fasta, model_folder, target):
    result = run("attribute", fasta, "-m", model_folder, "-t", target)
    assert result.exit_code == 1
    assert "expected bases such as 101-112" in result.stderr
