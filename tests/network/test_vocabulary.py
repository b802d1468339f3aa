"""A tokenizer of the right size whose ids mean other tokens loaded in silence."""

from __future__ import annotations

import json
import warnings

import pytest
from transformers import AutoModel, AutoTokenizer

from dnabert2_explore import CheckpointError, load
from dnabert2_explore.network.checkpoints.load import find_checkpoint, load_network
from dnabert2_explore.network.checkpoints.saving import save_model
from dnabert2_explore.network.checkpoints.vocabulary import vocabulary_sha256


@pytest.fixture
def saved(model_folder, tmp_path):
    save_model(load_network(find_checkpoint(model_folder)), tmp_path / "mine", model_folder)
    return tmp_path / "mine"


def permuted(folder) -> None:
    """Give two bases each other's id."""
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text())
    vocabulary = content["model"]["vocab"]
    vocabulary["A"], vocabulary["C"] = vocabulary["C"], vocabulary["A"]
    path.write_text(json.dumps(content))


def test_another_tokenizer_is_refused(saved, bases) -> None:
    assert load(saved).embed([bases]).shape == (1, 32)
    permuted(saved)
    for opened in (load, lambda folder: load_network(find_checkpoint(folder))):
        with pytest.raises(CheckpointError, match="is not the tokenizer that its model was saved"):
            opened(saved)


def test_a_model_that_says_nothing_takes_any(model_folder, tmp_path, saved) -> None:
    """The published one, and those that were saved before."""
    config = json.loads((saved / "config.json").read_text())
    del config["digest"]
    assert config.pop("vocabulary_sha256") == vocabulary_sha256(model_folder / "tokenizer.json")
    (saved / "config.json").write_text(json.dumps(config))
    permuted(saved)
    assert load(saved) is not None


def test_a_flipped_bit_of_a_configuration_is_refused_and_a_change_by_hand_is_told(saved) -> None:
    """A flipped bit in layer_norm_eps gave other vectors in silence."""
    path = saved / "config.json"
    text = path.read_text()
    assert ord("1") ^ ord("0") == 1
    assert ord("t") ^ ord("p") == 4
    for changed in (text.replace("1e-12", "1e-02"), text.replace("dnabert2", "dnaberp2")):
        assert changed != text
        path.write_text(changed)
        with pytest.raises(CheckpointError, match="is not what was written"):
            load(saved)
    content = json.loads(text) | {"layer_norm_eps": 1e-6}
    path.write_text(json.dumps(content))
    with pytest.warns(UserWarning, match="was changed after it was written"):
        assert load(saved).network.config.layer_norm_eps == 1e-6
    del content["digest"]  # as the message says
    path.write_text(json.dumps(content))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load(saved).network.config.layer_norm_eps == 1e-6


def test_transformers_reads_and_writes_a_sealed_configuration(saved, bases) -> None:
    network = AutoModel.from_pretrained(saved)
    network.config.layer_norm_eps = 1e-6
    network.save_pretrained(saved)
    assert "digest" not in json.loads((saved / "config.json").read_text())
    assert load(saved).network.config.layer_norm_eps == 1e-6


def test_the_same_tokenizer_written_by_transformers(saved) -> None:
    AutoTokenizer.from_pretrained(saved).save_pretrained(saved)
    content = json.loads((saved / "tokenizer.json").read_text())
    content["model"]["merges"] = [
        pair if isinstance(pair, str) else " ".join(pair) for pair in content["model"]["merges"]
    ]
    (saved / "tokenizer.json").write_text(json.dumps(content, indent=4))
    assert load(saved) is not None


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"model": 5}', '{"model": {"vocab": [1], "merges": []}}',
     '{"model": {"vocab": {"A": 1}, "merges": [5]}}',
     '{"model": {"vocab": {"A": 1, "C": "x"}, "merges": []}}',
     '{"model": {"vocab": {}, "merges": []}, "added_tokens": [{"id": 1}]}'],
)  # fmt: skip
def test_what_is_no_tokenizer_is_one_sentence(saved, content) -> None:
    (saved / "tokenizer.json").write_text(content)
    with pytest.raises(CheckpointError, match=r"tokenizer\.json"):
        load(saved)
