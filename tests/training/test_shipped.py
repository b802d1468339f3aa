"""The models in the package: small, complete, scored, and clean of what they are tested on."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from dnabert2_explore import load
from dnabert2_explore.encoder import ATLAS_MODEL, SHIPPED
from dnabert2_explore.errors import InputError

TABLE = Path(__file__).parents[2] / "configs" / "pocket_species.tsv"


@pytest.mark.parametrize("name", SHIPPED)
def test_size_files_and_card(name):
    folder = SHIPPED[name]
    assert (folder / "model.safetensors").stat().st_size <= 16e6
    assert (folder / "tokenizer.json").is_file()
    card = (folder / "MODEL_CARD.md").read_text()
    assert "Apache-2.0" in card
    assert not re.search(r"\{\w*\}|\bnan\b", card)
    json.loads((folder / "scores.json").read_text())


def test_card_of_pocket_says_what_the_scores_say():
    scores = json.loads((SHIPPED["pocket"] / "scores.json").read_text())
    card = (SHIPPED["pocket"] / "MODEL_CARD.md").read_text()
    assert f"{scores['run']['tokens']:,}" in card
    for name, by in scores["scores"].items():
        label = "**mean**" if name == "mean" else name.replace("_", " ")
        line = next(one for one in card.splitlines() if one.startswith(f"| {label} |"))
        assert f"{by['model']['nats']:.3f}" in line
    assert max(map(abs, scores["float16_rounding"].values())) < 0.01


def test_card_of_pocket_splice_says_what_the_scores_say():
    scores = json.loads((SHIPPED["pocket-splice"] / "scores.json").read_text())
    card = (SHIPPED["pocket-splice"] / "MODEL_CARD.md").read_text()
    for one in (scores["test"], scores["random_weights"], *scores["baselines"].values()):
        assert f"{one['mcc']:.3f}" in card


def test_pocket_knows_more_than_both_neighbours_and_its_twin_on_every_held_out_species():
    scores = json.loads((SHIPPED["pocket"] / "scores.json").read_text())["scores"]
    mean = scores["mean"]
    assert mean["bigram_both"]["nats"] - mean["model"]["nats"] >= 0.05
    for by in scores.values():
        assert by["model"]["nats"] < by["untrained"]["nats"]
        assert by["model"]["accuracy"] > by["unigram"]["accuracy"]


def test_card_of_pocket_atlas_says_what_the_scores_say():
    scores = json.loads((SHIPPED["pocket-atlas"] / "scores.json").read_text())
    card = (SHIPPED["pocket-atlas"] / "MODEL_CARD.md").read_text()
    for row in scores["probe"].values():
        assert f"| {row['accuracy']:.3f} | {row['unseen']:.3f} | {row['knn']:.3f} |" in card
    for value in scores["demo_knn"].values():
        assert f"{value:.3f}" in card
    mine, four = scores["probe"]["pocket-atlas"], scores["probe"]["4-mers"]
    assert mine["accuracy"] >= four["accuracy"] + 0.08
    assert mine["knn"] >= four["knn"] + 0.10
    assert mine["after"] >= 0.25
    assert mine["gc"] < 0.5
    # Of species that it had not been trained on, while it was developed.
    assert scores["probe"]["before its last part"]["unseen"] >= four["unseen"]
    assert all(one["low"] > 0 for one in scores["ahead_of_4_mers"].values())


def test_the_atlas_model_is_named_and_has_no_masked_lm_head():
    enc = load(ATLAS_MODEL)
    assert not enc.has_masked_lm
    assert not enc.has_head
    with pytest.raises(InputError, match="pocket-atlas"):
        enc.masked_log_probs([enc.tokenize("ACGTACGT").ids], [np.array([1])])


def test_the_readme_says_what_the_scores_say():
    page = (TABLE.parents[1] / "README.md").read_text(encoding="utf-8")
    rows = {name: page.split(f'| `"{name}"` |')[1].splitlines()[0] for name in SHIPPED}
    scores = {name: json.loads((SHIPPED[name] / "scores.json").read_text()) for name in SHIPPED}
    mean = scores["pocket"]["scores"]["mean"]
    for who in ("model", "bigram_both", "untrained"):
        assert f"{mean[who]['nats']:.3f}" in rows["pocket"]
    probe = scores["pocket-atlas"]["probe"]
    for who in ("pocket-atlas", "4-mers", "pocket", "its untrained twin"):
        assert f"{probe[who]['accuracy']:.3f}" in rows["pocket-atlas"]
    splice = scores["pocket-splice"]
    for one in (splice["test"], splice["random_weights"], splice["baselines"]["kmer"]):
        assert f"{one['mcc']:.3f}" in rows["pocket-splice"]
    assert f"{splice['baselines']['position_weights']['mcc']:.3f}" in rows["pocket-splice"]


def test_pocket_motif_beats_every_rule_and_its_null():
    folder = SHIPPED["pocket-motif"]
    scores = json.loads((folder / "scores.json").read_text())
    page = (TABLE.parents[1] / "README.md").read_text(encoding="utf-8")
    row = page.split('| `"pocket-motif"` |')[1].splitlines()[0]
    card = (folder / "MODEL_CARD.md").read_text()
    rules = [scores["baselines"][name] for name in ("kmer", "markov")]
    for one in (scores["test"], scores["random_weights"], *rules):
        assert f"{one['mcc']:.3f}" in row
        assert f"{one['mcc']:.3f}" in card
    assert scores["test"]["mcc"] >= 0.9
    assert scores["rule"]["minus"]["low"] > 0
    motif = scores["motif"]
    assert "NFE2" in motif["best_match"]
    assert all(q is None or q > motif["q"] for q in motif["null_best_q"])


def test_all_share_their_tokenizer():
    (one,) = {(folder / "tokenizer.json").read_text() for folder in SHIPPED.values()}
    assert one


def test_predictions_are_probabilities_by_name():
    enc = load("pocket-splice")
    assert set(enc.classes) == {"acceptor", "donor", "neither"}
    found = enc.predict(["ACGTAAGTCTGACTTGCAGG" * 10])
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)


def test_species_of_the_splice_data_was_held_out():
    rows = [line.split("\t") for line in TABLE.read_text().splitlines()[1:]]
    splits = {species: split for _, _, species, split in rows}
    assert splits["zymoseptoria_tritici"] == "heldout"
    held = {category for _, category, _, split in rows if split == "heldout"}
    trained = {category for _, category, _, split in rows if split == "train"}
    assert held == trained
