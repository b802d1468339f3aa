"""Exported models compute what ours do: against the original's values, and without this package."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from dnabert2_explore.encoder import SHIPPED
from dnabert2_explore.errors import CheckpointError
from dnabert2_explore.network import (
    Dnabert2Config,
    Dnabert2ForMaskedLM,
    Dnabert2ForSequenceClassification,
    Dnabert2Model,
)
from dnabert2_explore.network.checkpoints.load import find_checkpoint, load_network
from dnabert2_explore.network.checkpoints.saving import save_model
from dnabert2_explore.network.export import export_transformers
from dnabert2_explore.network.export.standalone import standalone_network, type_of

from .test_golden import FIXTURES, GOLDEN, Case

SHAPE = {
    "vocab_size": 64, "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3,
    "intermediate_size": 32, "initializer_range": 0.3,
}  # fmt: skip


def batch(rows=3, tokens=19):
    """Ids and a mask with padding at the end, in the middle, and a row of nothing else."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(5, 64, (rows, tokens), generator=generator)
    mask = torch.ones_like(ids)
    mask[1, 8:] = 0
    mask[2] = 0
    return {"input_ids": ids, "attention_mask": mask}


def network(cls, **changes):
    torch.manual_seed(1)
    return cls(Dnabert2Config(**SHAPE, **changes)).eval()


@pytest.mark.skipif(not GOLDEN.is_dir(), reason=f"golden values not found at {GOLDEN}")
@pytest.mark.parametrize("stem", [stem for stem in FIXTURES if "long" not in stem])
def test_standalone_equals_the_original(stem):
    case = Case(stem, "eager")
    model = standalone_network(case.model(Dnabert2ForSequenceClassification))
    with torch.no_grad():
        out = model.bert(**case.inputs())
    case.close(out.pooler_output, "pooled_output")
    model = standalone_network(case.model(Dnabert2ForMaskedLM))
    labels = case.labels("mlm_labels")
    with torch.no_grad():
        out = model(**case.inputs(), labels=labels)
    case.close(out.loss, "mlm_loss")


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_standalone_equals_ours(pooling):
    ours = network(
        Dnabert2ForSequenceClassification, num_labels=3, classifier_pooling=pooling,
        attn_implementation="eager",
    )  # fmt: skip
    theirs = standalone_network(ours)
    asked = batch() | {"output_attentions": True, "output_hidden_states": True}
    with torch.no_grad():
        one, two = ours(**asked), theirs(**asked)
        fused = theirs(**batch())
    torch.testing.assert_close(two.logits, one.logits, atol=1e-5, rtol=0)
    torch.testing.assert_close(fused.logits, one.logits, atol=1e-5, rtol=0)
    for first, second in zip(one.attentions, two.attentions, strict=True):
        torch.testing.assert_close(second, first, atol=1e-5, rtol=0)
    for first, second in zip(one.hidden_states, two.hidden_states, strict=True):
        torch.testing.assert_close(second, first, atol=1e-4, rtol=0)
    assert not two.hidden_states[-1][2].any()


def test_standalone_trains_with_activation_checkpointing():
    labels = torch.tensor([0, 2, 1])

    def step(checkpointing):
        model = standalone_network(
            network(Dnabert2ForSequenceClassification, num_labels=3, hidden_dropout_prob=0.0)
        ).train()
        if checkpointing:
            model.gradient_checkpointing_enable()
        seen = []
        model.bert.encoder.layer[0].mlp.wo.register_forward_hook(lambda *_: seen.append(1))
        model(**batch(), labels=labels).loss.backward()
        return len(seen), model.bert.encoder.layer[0].mlp.wo.weight.grad

    (once, plain), (twice, checkpointed) = step(False), step(True)
    assert (once, twice) == (1, 2)
    torch.testing.assert_close(checkpointed, plain)


def test_standalone_hands_out_what_it_computes_with():
    ours = network(Dnabert2ForSequenceClassification, num_labels=3, attn_implementation="eager")
    theirs = standalone_network(ours)
    asked = batch() | {"output_attentions": True, "output_hidden_states": True}
    gradients = []
    for model in (ours, theirs):
        out = model(**asked)
        wanted = (*out.hidden_states[:-1], *out.attentions)
        gradients.append(torch.autograd.grad(out.logits[:, 1].sum(), wanted))
    mask = batch()["attention_mask"].bool()
    both = mask[:, None, :, None] & mask[:, None, None, :]
    for one, two in zip(*gradients, strict=True):
        here = mask[..., None] if one.dim() == 3 else both
        torch.testing.assert_close(one * here, two * here, atol=1e-5, rtol=1e-4)
        assert one.any()
    with pytest.raises(TypeError, match="takes no head_mask"):
        theirs(**batch(), head_mask=torch.zeros(2, 3))


@pytest.mark.parametrize(
    ("kind", "labels"),
    [
        ("single_label_classification", torch.tensor([0, 2, 1])),
        ("multi_label_classification", torch.tensor([[0.0, 1, 1], [1, 0, 0], [0, 0, 1]])),
        (None, torch.tensor([0, 2, 1])),
    ],
)
def test_losses(kind, labels):
    ours = network(Dnabert2ForSequenceClassification, num_labels=3, problem_type=kind)
    with torch.no_grad():
        one = ours(**batch(), labels=labels).loss
        two = standalone_network(ours)(**batch(), labels=labels).loss
    torch.testing.assert_close(two, one)


#: Runs where dnabert2_explore cannot be imported.
ALONE = """
import sys, numpy, torch
sys.modules["dnabert2_explore"] = None
folder, place = sys.argv[1:]
card = open(folder + "/README.md", encoding="utf-8").read()
lines = card.split("```python")[1].split("```")[0]
exec(lines.replace("path/to/this/folder", folder))  # as its reader would
model.eval()
assert type(model).__module__.startswith("transformers_modules"), type(model)
inputs = tokenizer(["ACGTACGTTTGACA", "GATTACA"], padding=True, return_tensors="pt")
inputs.pop("token_type_ids", None)
with torch.no_grad():
    found = model(**inputs)[0]
numpy.savez(place, found=found.numpy(), **{k: v.numpy() for k, v in inputs.items()})
"""


@pytest.mark.parametrize(
    ("head", "auto"),
    [("classifier", "AutoModelForSequenceClassification"), ("masked-lm", "AutoModelForMaskedLM")],
)
def test_loads_in_plain_transformers(head, auto, classifier_folder, model_folder, tmp_path):
    source = classifier_folder if head == "classifier" else model_folder
    folder = export_transformers(source, tmp_path / "exported")
    environment = os.environ | {
        "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"
    }  # fmt: skip
    command = [sys.executable, "-c", ALONE, str(folder), str(tmp_path / "out.npz")]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert auto in (folder / "README.md").read_text()
    assert "y/N" not in done.stdout  # nobody is asked about code who has decided
    found = np.load(tmp_path / "out.npz")
    ours = load_network(find_checkpoint(source))
    with torch.no_grad():
        expected = ours(
            input_ids=torch.from_numpy(found["input_ids"]),
            attention_mask=torch.from_numpy(found["attention_mask"]),
        ).logits
    assert (found["attention_mask"] == 0).any()
    np.testing.assert_allclose(found["found"], expected.numpy(), atol=1e-5)


def test_an_exported_folder_loads_here_without_its_code(model_folder, tmp_path):
    import dnabert2_explore as dx

    folder = export_transformers(model_folder, tmp_path / "exported", torch.float16)
    config = json.loads((folder / "config.json").read_text())
    assert config["auto_map"]["AutoModel"] == "modeling_dnabert2.Dnabert2Model"
    assert config["dtype"] == "float32"  # what transformers is to open it in
    assert type_of(find_checkpoint(folder)) == torch.float16
    enc = dx.load(folder, device="cpu")
    np.testing.assert_allclose(
        enc.embed(["ACGTTGCA"]), dx.load(model_folder, device="cpu").embed(["ACGTTGCA"]), atol=0.01
    )
    assert "trust_remote_code=True" in (folder / "README.md").read_text()


def test_the_originals_card_goes_along(model_folder, tmp_path):
    save_model(load_network(find_checkpoint(model_folder)), tmp_path / "mine", model_folder)
    folder = export_transformers(tmp_path / "mine", tmp_path / "exported")
    assert "# mine" in (folder / "ORIGINAL_CARD.md").read_text()
    assert "ORIGINAL_CARD.md" in (folder / "README.md").read_text()


@pytest.mark.parametrize(
    ("cls", "more"),
    [
        (Dnabert2ForSequenceClassification, {"num_labels": 3, "classifier_pooling": "mean"}),
        (Dnabert2ForMaskedLM, {}),
        (Dnabert2Model, {}),
    ],
    ids=["classifier", "masked-lm", "encoder"],
)
def test_onnx_computes_the_same(cls, more, model_folder, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    pytest.importorskip("onnxscript", reason="needs the extra onnx")
    from dnabert2_explore.network.export import export_onnx

    ours = network(cls, **more)
    save_model(ours, tmp_path / "mine", model_folder)
    path = export_onnx(tmp_path / "mine", tmp_path / "onnx")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert [one.name for one in session.get_inputs()] == ["input_ids", "attention_mask"]
    # Other sizes than the exporter saw: one token more than a power of two, one row, a long one.
    for rows, tokens in ((3, 19), (3, 33), (1, 2), (1, 700)):
        inputs = batch(3, tokens)
        inputs = {name: value[:rows] for name, value in inputs.items()}
        (found,) = session.run(None, {name: value.numpy() for name, value in inputs.items()})
        with torch.no_grad():
            expected = ours(**inputs)[0]
        np.testing.assert_allclose(found, expected.numpy(), atol=2e-4)
    assert (tmp_path / "onnx/tokenizer.json").is_file()


def test_no_model_no_export(tmp_path):
    with pytest.raises(CheckpointError, match="lacks"):
        export_transformers(tmp_path, tmp_path / "out")


def test_plain_transformers_writes_no_digest_of_another_file(tmp_path):
    """It was kept and written with what had changed, and loading warned of a change by hand."""
    from dnabert2_explore.network.plain.configuration_dnabert2 import Dnabert2Config as Plain

    Plain(**SHAPE, digest="blake2b:00", embedding_layers=[0, 2]).save_pretrained(tmp_path)
    written = json.loads((tmp_path / "config.json").read_text())
    assert "digest" not in written
    assert written["embedding_layers"] == [0, 2]


def test_the_card_says_which_layers_the_vectors_are_of(tmp_path):
    for name, stacked in (("pocket-atlas", True), ("pocket", False)):
        export_transformers(SHIPPED[name], tmp_path / name)
        card = (tmp_path / name / "README.md").read_text(encoding="utf-8")
        assert ("tokens of layers 0, 1, 2 stand side by side" in card) == stacked
