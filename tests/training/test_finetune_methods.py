"""Thirty steps of every method on every kind of label; what is saved says what was measured."""

from __future__ import annotations

import dataclasses
import json
import warnings

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification

import dnabert2_explore.network  # noqa: F401 - registers the Auto classes
from dnabert2_explore import load
from dnabert2_explore.errors import Cancelled, CheckpointError, InputError
from dnabert2_explore.training.finetune import finetune

from .labelled import authors, read_csv, tiny_model, write_csv, write_splits

TASKS = ("classification", "multi_label", "regression", "pairs")


@pytest.fixture(scope="module")
def pretrained(tokenizer_folder, tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("pretrained"), tokenizer_folder)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    return {task: write_splits(root / task, task) for task in TASKS}


@pytest.fixture
def config(pretrained, tmp_path):
    return authors(
        model=str(pretrained),
        train="",
        dev="",
        out=str(tmp_path / "run"),
        batch_size=16,
        max_steps=30,
        learning_rate=1e-2,
        warmup_steps=5,
        evaluate_every=10,
        threads=1,
        pooling="mean",
        dropout=0.0,
        bootstrap=20,
    )


def on(config, folder, **change):
    return dataclasses.replace(
        config, **{name: str(folder / f"{name}.csv") for name in ("train", "dev", "test")}, **change
    )


@pytest.mark.parametrize("method", ["full", "lora", "probe"])
@pytest.mark.parametrize("task", TASKS)
def test_learns_and_saves_what_it_measured(config, data, task, method):
    result = finetune(on(config, data[task], method=method, max_tokens=24))
    log = read_csv(result.model.parent / "log.csv")
    assert float(log[-1]["dev_loss"]) < float(log[0]["dev_loss"])
    # What was measured while training is what the saved model answers, read back from disk.
    best = next(row for row in log if int(row["step"]) == result.best_step)
    assert result.dev.loss == pytest.approx(float(best["dev_loss"]), rel=1e-5)
    enc = load(result.model, dtype="float32")
    rows = read_csv(data[task] / "test.csv")
    said = read_csv(result.model.parent / "predictions.csv")
    if task == "pairs":
        outputs = enc.predict(
            [row["sequence1"] for row in rows], second=[row["sequence2"] for row in rows]
        )
    else:
        outputs = enc.predict([row["sequence"] for row in rows])
    if task == "regression":
        assert result.classes == ()
        written = [float(row["predicted"]) for row in said]
        assert np.abs(outputs - written).max() <= 1e-6 * 1500
        assert 900 < outputs.min() < outputs.max() < 1700  # the labels' unit
    else:
        written = [[float(row[f"p_{name}"]) for name in result.classes] for row in said]
        np.testing.assert_allclose(outputs, written, atol=1e-6, rtol=0)
    assert [row["label"] for row in said] == (
        [str(float(row["label"])) for row in rows]
        if task == "regression"
        else [row["label"] for row in rows]
    )


def test_full_and_lora_learn_more_than_chance(config, data):
    for method in ("full", "lora"):
        result = finetune(on(config, data["regression"], method=method, max_steps=60, lora_rank=4))
        assert result.test["r2"] > 0.5
        assert result.test["spearman"] > 0.5
    assert result.test["rmse"] == pytest.approx(result.test.loss**0.5)


def test_plain_transformers_answers_in_the_labels_unit(config, data):
    result = finetune(on(config, data["regression"]))
    network = AutoModelForSequenceClassification.from_pretrained(result.model).eval()
    enc = load(result.model, dtype="float32")
    ids = enc.input_ids(enc.tokenize("ACGTTGCA" * 5))
    with torch.no_grad():
        value = network(ids).logits
    assert value.shape == (1, 1)
    assert float(value) == pytest.approx(float(enc.predict("ACGTTGCA" * 5)[0]), rel=1e-6)


def test_the_unit_of_the_labels_makes_no_difference(config, data, tmp_path):
    plain = finetune(on(config, data["regression"]))
    for split in ("train", "dev", "test"):
        rows = [
            (row["sequence"], float(row["label"]) * 1e-3 - 7)
            for row in read_csv(data["regression"] / f"{split}.csv")
        ]
        write_csv(tmp_path / f"{split}.csv", ("sequence", "label"), rows)
    scaled = finetune(on(config, tmp_path, task="regression"))
    assert scaled.test["r2"] == pytest.approx(plain.test["r2"], abs=1e-3)
    assert scaled.test["rmse"] == pytest.approx(plain.test["rmse"] * 1e-3, rel=1e-2)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_an_adapter_alone_is_the_merged_model(config, data, task):
    result = finetune(on(config, data[task], method="lora", lora_targets=("Wqkv", "wo")))
    adapter = result.model / "adapter"
    assert sorted(path.name for path in adapter.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    one, two = load(result.model, dtype="float32"), load(adapter, dtype="float32")
    assert two.classes == one.classes
    assert two.config.training_bases == one.config.training_bases
    sequences = ["ACGT" * 10, "GGCC" * 9, "ATTA" * 11]
    np.testing.assert_allclose(one.predict(sequences), two.predict(sequences), rtol=1e-5, atol=1e-6)
    assert two.sha256 == ""  # in no file: nothing of it is cached under another model's name

    from peft import PeftModel

    from dnabert2_explore.encoder.loading.heads import under_fresh_head
    from dnabert2_explore.network.checkpoints.load import find_checkpoint, load_network

    base = load_network(find_checkpoint(config.model))
    network = under_fresh_head(base, one.config)
    network = PeftModel.from_pretrained(network, str(adapter), torch_device="cpu").eval()
    ids = one.input_ids(one.tokenize(sequences[0]))
    with torch.no_grad():
        logits = network(ids).logits
    np.testing.assert_allclose(
        one.activate(logits)[0].numpy(), np.atleast_1d(one.predict(sequences[0])[0]), rtol=1e-5,
        atol=1e-6,
    )  # fmt: skip


def test_the_adapter_is_that_of_the_best_step_when_it_is_written_late(config, data, monkeypatch):
    import dnabert2_explore.training.finetune.folder as folder

    save, calls = folder.save_model, []

    def full_for_a_while(*arguments, **more):
        calls.append(1)
        if len(calls) < 2:
            raise OSError(28, "No space left on device")
        save(*arguments, **more)

    monkeypatch.setattr(folder, "save_model", full_for_a_while)

    def cancel(step, steps):
        if step == 7:  # by then the weights have moved on from the best, of step 5
            raise Cancelled("enough")

    with pytest.warns(UserWarning, match="Training goes on"):
        result = finetune(
            on(config, data["classification"], method="lora", evaluate_every=5), progress=cancel
        )
    assert (result.best_step, result.steps) == (5, 7)
    one, two = load(result.model, dtype="float32"), load(result.model / "adapter", dtype="float32")
    np.testing.assert_allclose(one.predict("ACGT" * 9), two.predict("ACGT" * 9), atol=1e-6)


def test_an_adapter_of_a_shipped_model_names_it_and_asks_no_hub(config, data):
    change = {"model": "pocket", "max_steps": 1, "max_tokens": 8, "batch_size": 2, "train_rows": 4}
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # peft tells of a look-up that failed
        result = finetune(on(config, data["classification"], method="lora", **change))
        enc = load(result.model / "adapter")
    assert enc.classes == ("poor", "rich")
    settings = json.loads((result.model / "adapter/adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == "pocket"


def test_adapters_that_cannot_be_used(config, data, tmp_path):
    result = finetune(on(config, data["classification"], method="lora", max_steps=1))
    adapter = result.model / "adapter"
    settings = json.loads((adapter / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == config.model

    def write(**change):
        (adapter / "adapter_config.json").write_text(json.dumps(settings | change))

    write(base_model_name_or_path=str(tmp_path / "gone"))
    with pytest.raises(CheckpointError, match=r"belongs to the model .*gone.*cannot be found"):
        load(adapter)
    write(peft_type="IA3")
    with pytest.raises(CheckpointError, match="IA3 adapter: only LoRA"):
        load(adapter)
    write(base_model_name_or_path="pocket")
    with pytest.raises(CheckpointError, match="does not fit the model in"):
        load(adapter)
    write()
    load(adapter)
    (adapter / "adapter_model.safetensors").rename(tmp_path / "elsewhere")
    with pytest.raises(CheckpointError, match=r"lacks adapter_model\.safetensors"):
        load(adapter)


def test_only_adapters_and_head_are_trained(config, data):
    result = finetune(on(config, data["classification"], method="lora"))
    before, after = (load(one).network for one in (config.model, result.model))
    old, new = before.state_dict(), after.state_dict()
    changed = {
        name for name in old if name in new and not torch.equal(old[name].float(), new[name])
    }
    assert changed == {
        "bert.encoder.layer.0.attention.self.Wqkv.weight",
        "bert.encoder.layer.0.attention.output.dense.weight",
        "bert.encoder.layer.0.mlp.gated_layers.weight",
        "bert.encoder.layer.0.mlp.wo.weight",
    }


def test_a_probe_leaves_the_encoder_alone_and_is_linear(config, data):
    result = finetune(on(config, data["classification"], method="probe", max_steps=100))
    before, after = (load(one, dtype="float32").network for one in (config.model, result.model))
    old, new = before.state_dict(), after.state_dict()
    assert all(torch.equal(old[name], new[name]) for name in old if name in new)
    assert result.test["mcc"] > 0.5

    from sklearn.linear_model import LogisticRegression

    enc = load(result.model, dtype="float32")
    rows = {s: read_csv(data["classification"] / f"{s}.csv") for s in ("train", "test")}
    vectors = {}
    for split, table in rows.items():
        # The mean over all tokens, as the classifier takes it.
        vectors[split] = np.stack([enc.hidden_states(r["sequence"])[-1].mean(0) for r in table])
    labels = [row["label"] for row in rows["train"]]
    scale = vectors["train"].std(0)
    reference = LogisticRegression(C=1.0, max_iter=2000).fit(vectors["train"] / scale, labels)
    expected = reference.predict(vectors["test"] / scale)
    said = np.array(result.classes)[enc.predict([r["sequence"] for r in rows["test"]]).argmax(1)]
    assert (expected == said).mean() > 0.9
    # Linear: the logit at the mean of two vectors is the mean of their logits.
    pooled = torch.from_numpy(vectors["test"])
    with torch.no_grad():
        head = lambda x: enc.network.classifier(enc.network.bert.pooler(x))  # noqa: E731
        middle = head((pooled[0] + pooled[1]) / 2)
        torch.testing.assert_close(middle, (head(pooled[0]) + head(pooled[1])) / 2, rtol=1e-3,
                                   atol=1e-4)  # fmt: skip


def test_balanced_weights_find_the_rare_class(config, data, tmp_path):
    rows = [tuple(row.values()) for row in read_csv(data["classification"] / "train.csv")]
    rare = [row for row in rows if row[1] == "poor"] + [r for r in rows if r[1] == "rich"][:6]
    train = write_csv(tmp_path / "rare.csv", ("sequence", "label"), rare)
    base = on(config, data["classification"], learning_rate=1e-3)
    found = [
        finetune(dataclasses.replace(base, train=str(train), class_weights=weights))
        for weights in ("none", "balanced")
    ]
    share = [
        np.mean([r["predicted"] == "rich" for r in read_csv(f.model.parent / "predictions.csv")])
        for f in found[1:]
    ]
    assert found[1].dev.loss < found[0].dev.loss  # dev is balanced
    assert share[0] > 0


def test_balanced_weights_of_labels(config, data):
    result = finetune(on(config, data["multi_label"], class_weights="balanced"))
    assert result.test["auroc"] > 0.6
    with pytest.raises(InputError, match="a regression has no classes"):
        finetune(on(config, data["regression"], class_weights="balanced"))


def test_pairs_in_one_file_only(config, data, tmp_path):
    dev = write_csv(tmp_path / "dev.csv", ("sequence", "label"), [("ACGT", "same")])
    with pytest.raises(InputError, match="one holds pairs and the other does not"):
        finetune(dataclasses.replace(on(config, data["pairs"]), dev=str(dev)))


def test_the_other_strand_is_trained_on(config, tmp_path):
    # Label and strand go together: what is learnt on both strands cannot tell them apart.
    rng = np.random.default_rng(0)
    for split, count in (("train", 160), ("dev", 40), ("test", 40)):
        rows = []
        for i in range(count):
            weights = (0.4, 0.1, 0.4, 0.1) if i % 2 else (0.1, 0.4, 0.1, 0.4)  # A and G; C and T
            rows.append(("".join(rng.choice(list("ACGT"), 40, p=weights)), i % 2))
        write_csv(tmp_path / f"{split}.csv", ("sequence", "label"), rows)
    one, both = (
        finetune(on(config, tmp_path, augment=augment))
        for augment in ("none", "reverse_complement")
    )
    assert one.test["mcc"] > 0.8
    assert both.test.loss > one.test.loss + 0.2
