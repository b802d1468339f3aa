"""The models in the package: small, complete, scored, and clean of what they are tested on."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from dnabert2_explore import load
from dnabert2_explore.encoder import SHIPPED

TABLE = Path(__file__).parents[2] / "configs" / "pocket_species.tsv"


@pytest.mark.parametrize("name", ["pocket", "pocket-splice"])
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
    for one in (scores["test"], *scores["baselines"].values()):
        assert f"{one['mcc']:.3f}" in card


def test_both_share_their_tokenizer():
    one, two = ((SHIPPED[name] / "tokenizer.json").read_text() for name in SHIPPED)
    assert one == two


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
