from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from huggingface_hub import HfApi

from dnabert2_explore.errors import CheckpointError
from dnabert2_explore.network.checkpoints.card import Card, write_card
from dnabert2_explore.network.checkpoints.load import find_checkpoint, load_network
from dnabert2_explore.network.checkpoints.saving import save_model


def front(text):
    """The lines between the first two ---."""
    return text.split("---")[1].strip().splitlines()


def test_every_saved_model_has_a_card(classifier_folder, tmp_path):
    network = load_network(find_checkpoint(classifier_folder))
    save_model(network, tmp_path / "mine", classifier_folder)
    text = (tmp_path / "mine/README.md").read_text(encoding="utf-8")
    parameters = sum(one.numel() for one in network.parameters())
    assert text.count("\n# mine\n") == 1
    assert f"| parameters | {parameters:,} |" in text
    assert "| classes | donor, acceptor, neither |" in text
    assert "AutoModelForSequenceClassification.from_pretrained" in text
    assert "did not say here what it was trained on" in text
    assert "pipeline_tag: text-classification" in front(text)
    # Without these settings transformers would know of no padding.
    settings = json.loads((tmp_path / "mine/tokenizer_config.json").read_text())
    assert settings["pad_token"] == "[PAD]"


def test_what_only_the_trainer_knows(model_folder, tmp_path):
    card = Card(
        title="A model",
        summary="For a test.",
        base_model="zhihan1996/DNABERT-2-117M",
        license="apache-2.0",
        data={"train": "a|b.csv, 10 sequences"},
        settings={"learning rate": 3e-5},
        scores={"MCC": "0.5 (0.4 to 0.6)"},
        scored_on="test.csv",
        limits=("Nothing is known of frogs.",),
    )
    save_model(load_network(find_checkpoint(model_folder)), tmp_path, model_folder, card=card)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert {"license: apache-2.0", "base_model: zhihan1996/DNABERT-2-117M"} <= set(front(text))
    for words in ("# A model", "a\\|b.csv", "| learning rate | 3e-05 |", "## Scores on test.csv",
                  "- Nothing is known of frogs."):  # fmt: skip
        assert words in text
    assert "did not say here" not in text


def test_a_local_base_model_is_no_hub_id(model_folder, tmp_path):
    network = load_network(find_checkpoint(model_folder))
    save_model(network, tmp_path, model_folder, card=Card(base_model="./models/mine"))
    assert not [
        line for line in front((tmp_path / "README.md").read_text()) if "base_model" in line
    ]


def test_a_card_can_be_renewed(model_folder, tmp_path):
    save_model(load_network(find_checkpoint(model_folder)), tmp_path, model_folder, torch.float16)
    write_card(tmp_path, Card(title="Later"))
    assert "# Later" in (tmp_path / "README.md").read_text()
    assert (
        "| number type | float16 in the file; opened in float32 "
        in (tmp_path / "README.md").read_text()
    )
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    with pytest.raises(CheckpointError, match="holds no model to describe"):
        write_card(tmp_path)


def test_names_are_text_not_tags(model_folder, tmp_path):
    card = Card(
        title="<b>mine</b>",
        data={"train": "<img src=x>|b.csv"},
        limits=("Not for\n# <i>frogs</i>.",),
    )
    save_model(load_network(find_checkpoint(model_folder)), tmp_path, model_folder, card=card)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "\n# &lt;b>mine&lt;/b>\n" in text
    assert "| train | &lt;img src=x>\\|b.csv |" in text
    assert "\n- Not for # &lt;i>frogs&lt;/i>.\n" in text


def test_a_folder_goes_onto_the_hub_with_its_card(classifier_folder, tmp_path, monkeypatch):
    """As docs/huggingface.md says; transformers' push_to_hub sends an empty card, no tokenizer."""
    sent = {}

    def create_commit(self, repo_id, operations, **settings):
        for one in operations:
            held = one.path_or_fileobj
            sent[one.path_in_repo] = Path(held).read_bytes() if isinstance(held, str) else held

    monkeypatch.setattr(HfApi, "create_commit", create_commit)
    # The hub is asked whether it can read the card's front matter.
    monkeypatch.setattr(HfApi, "_validate_yaml", lambda *given, **named: None, raising=False)
    monkeypatch.setattr("huggingface_hub.hf_api.is_xet_available", lambda: False, raising=False)
    network = load_network(find_checkpoint(classifier_folder))
    card = Card(summary="Tells promoters.", license="apache-2.0")
    save_model(network, tmp_path / "model", tokenizer=classifier_folder, card=card)
    HfApi().upload_folder(repo_id="lab/promoters", folder_path=tmp_path / "model")
    assert {"config.json", "model.safetensors", "tokenizer.json", "README.md"} <= set(sent)
    assert b"Tells promoters." in sent["README.md"]
    assert b"More Information Needed" not in sent["README.md"]
