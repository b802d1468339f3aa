"""Adapters that peft itself saved, as its own documentation has it."""

from __future__ import annotations

import json
import shutil
import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoModelForMaskedLM, AutoModelForSequenceClassification

from dnabert2_explore import CheckpointError, load
from dnabert2_explore.encoder import SHIPPED
from dnabert2_explore.network.checkpoints.load import find_checkpoint, load_network
from dnabert2_explore.network.checkpoints.saving import save_model

peft = pytest.importorskip("peft")

SEQUENCES = ["ACGTTGCA" * 6, "GATTACA" * 5]


@pytest.fixture
def bases(model_folder, classifier_folder, tmp_path):
    """A masked-LM and a classifier that transformers can open."""
    for name, folder in (("masked-lm", model_folder), ("classifier", classifier_folder)):
        save_model(load_network(find_checkpoint(folder)), tmp_path / name, folder)
    return tmp_path


def adapter(model, base, folder, saved=None, kind="SEQ_CLS"):
    """Give a model an adapter with some effect, and let peft save it."""
    config = peft.LoraConfig(task_type=kind, r=4, target_modules=["Wqkv"], modules_to_save=saved)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        adapted = peft.get_peft_model(model, config).eval()
    torch.manual_seed(7)
    with torch.no_grad():
        for weight in adapted.parameters():
            if weight.requires_grad:
                weight.add_(0.05 * torch.randn_like(weight))
    adapted.peft_config["default"].base_model_name_or_path = str(base)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        adapted.save_pretrained(folder)
    return adapted


def logits(model, enc):
    with torch.no_grad():
        return np.stack([model(enc.input_ids(enc.tokenize(s)))[0][0].numpy() for s in SEQUENCES])


def ours(enc):
    return logits(enc.network, enc)


def test_a_random_pooler_is_refused(bases, tmp_path) -> None:
    """peft saves the classifier by itself, but not the pooler: each load answered otherwise."""
    model = AutoModelForSequenceClassification.from_pretrained(bases / "masked-lm", num_labels=3)
    adapter(model, bases / "masked-lm", tmp_path / "adapter")
    assert not [k for k in load_file(tmp_path / "adapter/adapter_model.safetensors") if "pool" in k]
    with pytest.raises(
        CheckpointError,
        match=r"holds bert\.pooler\.dense\.bias, bert\.pooler\.dense\.weight, which would be "
        r'random: .*modules_to_save=\["pooler", "classifier"\]',
    ):
        load(tmp_path / "adapter")


def test_with_the_cure_it_answers_as_it_was_trained(bases, tmp_path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(bases / "masked-lm", num_labels=3)
    saved = ["pooler", "classifier"]
    adapted = adapter(model, bases / "masked-lm", tmp_path / "adapter", saved)
    for _ in range(2):
        enc = load(tmp_path / "adapter")
        np.testing.assert_allclose(ours(enc), logits(adapted, enc), atol=1e-5)


def test_an_adapter_is_read_where_its_base_is(bases, tmp_path, monkeypatch) -> None:
    """On a machine with a GPU peft took that, whatever device was asked for."""
    model = AutoModelForMaskedLM.from_pretrained(bases / "masked-lm")
    adapter(model, bases / "masked-lm", tmp_path / "adapter", kind=None)
    expected = load(tmp_path / "adapter").embed(SEQUENCES)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    read = []

    def reading(path, device="cpu", **options):
        read.append(str(device))
        return load_file(path)

    monkeypatch.setattr("peft.utils.save_and_load.safe_load_file", reading)
    assert np.array_equal(load(tmp_path / "adapter", device="cpu").embed(SEQUENCES), expected)
    assert read == ["cpu"]


def test_the_pooler_of_a_base_that_has_one_is_taken(bases, tmp_path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(bases / "classifier")
    adapted = adapter(model, bases / "classifier", tmp_path / "adapter")
    enc = load(tmp_path / "adapter")
    np.testing.assert_allclose(ours(enc), logits(adapted, enc), atol=1e-5)
    assert enc.classes == ("donor", "acceptor", "neither")
    # Another head on the same body: what the adapter holds counts.
    model = AutoModelForSequenceClassification.from_pretrained(
        bases / "classifier", num_labels=5, ignore_mismatched_sizes=True
    )
    adapted = adapter(model, bases / "classifier", tmp_path / "five")
    enc = load(tmp_path / "five")
    np.testing.assert_allclose(ours(enc), logits(adapted, enc), atol=1e-5)
    assert len(enc.classes) == 5


def test_a_head_that_neither_holds_is_refused(bases, tmp_path) -> None:
    """The adapter of a bare encoder in a folder whose config.json speaks of a classifier."""
    model = AutoModelForMaskedLM.from_pretrained(bases / "masked-lm")
    adapter(model, bases / "masked-lm", tmp_path / "adapter", kind=None)
    shutil.copy(bases / "classifier/config.json", tmp_path / "adapter")
    with pytest.raises(CheckpointError, match=r"holds bert\.pooler.*classifier\.weight"):
        load(tmp_path / "adapter")


@pytest.mark.parametrize("auto", [AutoModel, AutoModelForMaskedLM])
def test_adapters_of_models_without_classes(bases, tmp_path, auto) -> None:
    model = auto.from_pretrained(bases / "masked-lm")
    adapted = adapter(model, bases / "masked-lm", tmp_path / "adapter", kind=None)
    enc = load(tmp_path / "adapter")
    np.testing.assert_allclose(
        np.concatenate([enc.hidden_states(s)[-1].ravel() for s in SEQUENCES]),
        np.concatenate(
            [
                adapted(enc.input_ids(enc.tokenize(s)), output_hidden_states=True)
                .hidden_states[-1]
                .detach()
                .numpy()
                .ravel()
                for s in SEQUENCES
            ]
        ),
        atol=1e-5,
    )


@pytest.mark.parametrize(
    "change",
    [
        {"base_model_name_or_path": 5},
        {"base_model_name_or_path": None},
        {"base_model_name_or_path": ["pocket"]},
        {"peft_type": "IA3"},
        {"peft_type": 3},
        {"r": "x"},
        {"r": -1},
        {"target_modules": 5},
        {"target_modules": ["nothing"]},
        {"lora_alpha": None},
    ],
)
def test_a_damaged_configuration_is_one_sentence(bases, tmp_path, change) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(bases / "classifier")
    adapter(model, bases / "classifier", tmp_path / "adapter")
    path = tmp_path / "adapter/adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(CheckpointError, match="adapter"):
        load(tmp_path / "adapter")


@pytest.mark.parametrize("content", ["[" * 100_000, "{", "[]", "\ud800"])
def test_what_is_no_configuration_is_one_sentence(bases, tmp_path, content) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(bases / "classifier")
    adapter(model, bases / "classifier", tmp_path / "adapter")
    (tmp_path / "adapter/adapter_config.json").write_bytes(content.encode(errors="surrogatepass"))
    with pytest.raises(CheckpointError, match=r"adapter_config\.json"):
        load(tmp_path / "adapter")


def test_weights_of_another_width_are_refused(bases, tmp_path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(bases / "classifier")
    adapter(model, SHIPPED["pocket"], tmp_path / "adapter", ["pooler", "classifier"])
    with pytest.raises(CheckpointError, match="does not fit the model in"):
        load(tmp_path / "adapter")
    weights = tmp_path / "adapter/adapter_model.safetensors"
    state = load_file(weights)
    save_file({k: v for k, v in state.items() if "layer.1" not in k}, weights)
    path = tmp_path / "adapter/adapter_config.json"
    settings = json.loads(path.read_text())
    path.write_text(json.dumps(settings | {"base_model_name_or_path": str(bases / "classifier")}))
    with pytest.raises(CheckpointError, match=r"lacks bert\.encoder\.layer\.1\..*, of 2 weights"):
        load(tmp_path / "adapter")
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="adapter"):
        load(tmp_path / "adapter")
