"""What transformers and peft do with our models as they lie on disk."""

from __future__ import annotations

import json
import logging

import pytest
import torch
from safetensors import safe_open
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    Trainer,
    TrainingArguments,
    pipeline,
)

import dnabert2_explore as dx
from dnabert2_explore.encoder import SHIPPED
from dnabert2_explore.network import Dnabert2Config, Dnabert2ForSequenceClassification
from dnabert2_explore.network.checkpoints.load import find_checkpoint, load_network
from dnabert2_explore.network.checkpoints.saving import save_model


@pytest.mark.parametrize("bf16", [False, True])
def test_trainer_trains_a_shipped_model(tmp_path, bf16) -> None:
    """In the file's half precision its loss was 0 after some steps, and its weights no numbers."""
    model = AutoModelForSequenceClassification.from_pretrained(SHIPPED["pocket-splice"])
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    tokenizer = dx.load("pocket-splice").tokenizer
    sites = dx.demo.splice()[:24]
    numbers = model.config.label2id
    rows = [
        {"input_ids": tokenizer.encode(site.bases).ids, "labels": numbers[site.label]}
        for site in sites
    ]
    longest = max(len(row["input_ids"]) for row in rows)

    def collate(batch):
        ids = torch.full((len(batch), longest), tokenizer.pad_id)
        for line, row in zip(ids, batch, strict=True):
            line[: len(row["input_ids"])] = torch.from_numpy(row["input_ids"])
        return {
            "input_ids": ids,
            "attention_mask": (ids != tokenizer.pad_id).long(),
            "labels": torch.tensor([row["labels"] for row in batch]),
        }

    arguments = TrainingArguments(
        output_dir=str(tmp_path),
        max_steps=6,
        learning_rate=1e-3,
        per_device_train_batch_size=8,
        logging_steps=1,
        report_to=[],
        use_cpu=True,
        bf16=bf16,
        disable_tqdm=True,
        save_strategy="no",
    )
    trainer = Trainer(model=model, args=arguments, train_dataset=rows, data_collator=collate)
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(losses) == 6
    assert all(0 < loss < 3 for loss in losses)
    assert all(parameter.isfinite().all() for parameter in model.parameters())


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_models_open_in_float32(name) -> None:
    with safe_open(SHIPPED[name] / "model.safetensors", framework="pt") as weights:
        # Behind "bert." where there is a head.
        (key,) = (key for key in weights.keys() if key.endswith("encoder.layer.0.mlp.wo.weight"))  # noqa: SIM118
        stored = weights.get_tensor(key).dtype
    assert stored == torch.float16  # else the test says nothing
    assert AutoModel.from_pretrained(SHIPPED[name]).dtype == torch.float32
    assert AutoModel.from_pretrained(SHIPPED[name], dtype=torch.float16).dtype == torch.float16


def test_a_pipeline_computes_what_we_compute() -> None:
    """transformers' features are ours, though the file holds half precision."""
    enc = dx.load("pocket", dtype="float32")
    theirs = pipeline("feature-extraction", str(SHIPPED["pocket"]), device=enc.device)
    (features,) = theirs("ACGTACGTTTGACA" * 9)
    expected = enc.hidden_states("ACGTACGTTTGACA" * 9)[-1]
    torch.testing.assert_close(torch.tensor(features), torch.tensor(expected), atol=1e-5, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_however_a_model_is_saved_half_precision_is_not_declared(
    classifier_folder, tmp_path, dtype
) -> None:
    network = load_network(find_checkpoint(classifier_folder), dtype)
    save_model(network, tmp_path / "ours")
    network.save_pretrained(tmp_path / "theirs")
    wanted = "float64" if dtype == torch.float64 else "float32"
    for name in ("ours", "theirs"):
        assert json.loads((tmp_path / name / "config.json").read_text())["dtype"] == wanted
        again = AutoModelForSequenceClassification.from_pretrained(tmp_path / name)
        assert str(again.dtype) == f"torch.{wanted}"
        for one, two in zip(network.parameters(), again.parameters(), strict=True):
            assert torch.equal(one.to(two.dtype), two)
    assert str(network.config.dtype) in str(dtype)  # of what is in memory


def test_a_pooler_only_where_the_weights_have_one(
    model_folder, classifier_folder, tmp_path
) -> None:
    """Random ones answered in silence."""
    with_pooler = AutoModel.from_pretrained(SHIPPED["pocket-splice"])
    ids = torch.tensor([[1, 9, 30, 2]])
    splice = AutoModelForSequenceClassification.from_pretrained(SHIPPED["pocket-splice"]).eval()
    torch.testing.assert_close(
        with_pooler.eval()(ids).pooler_output, splice.bert(ids).pooler_output
    )
    without = AutoModel.from_pretrained(SHIPPED["pocket"])
    assert without(ids).pooler_output is None
    # However often it is saved, and whatever is made of it.
    with_pooler.save_pretrained(tmp_path / "with")
    without.save_pretrained(tmp_path / "without")
    again = AutoModel.from_pretrained(tmp_path / "with")
    assert torch.equal(again.pooler.dense.weight, with_pooler.pooler.dense.weight)
    assert AutoModel.from_pretrained(tmp_path / "without").pooler is None
    AutoModelForMaskedLM.from_pretrained(tmp_path / "with").save_pretrained(tmp_path / "masked")
    assert AutoModel.from_pretrained(tmp_path / "masked").pooler is None
    assert AutoModel.from_config(Dnabert2Config(num_hidden_layers=1)).pooler is None


def test_a_fresh_head_is_told_by_transformers(caplog) -> None:
    logging.getLogger("transformers").propagate = True
    try:
        AutoModelForSequenceClassification.from_pretrained(SHIPPED["pocket"], num_labels=4)
    finally:
        logging.getLogger("transformers").propagate = False
    assert "bert.pooler.dense.weight" in caplog.text
    assert "classifier.weight" in caplog.text
    assert "MISSING" in caplog.text


def test_new_classes_for_a_model_that_has_some(tmp_path) -> None:
    """transformers leaves the old label2id beside a new id2label; that is no contradiction."""
    names = {0: "a", 1: "b", 2: "c"}
    model = Dnabert2ForSequenceClassification.from_pretrained(
        SHIPPED["pocket-splice"], id2label=names
    )
    model.save_pretrained(tmp_path)
    assert Dnabert2Config.from_pretrained(tmp_path).id2label == names
