"""What a GPU computes beside what the CPU does: networks, analyses, training.

All other tests compute on the CPU (tests/conftest.py), but for those of attention's backends.
"""

from __future__ import annotations

import csv
import dataclasses
import math

import numpy as np
import pytest
import torch

import dnabert2_explore as dx
from dnabert2_explore.analysis.methods import METHODS
from dnabert2_explore.encoder import SHIPPED
from dnabert2_explore.training.finetune import finetune
from dnabert2_explore.training.pretrain import PretrainConfig, pretrain

from ..analyses import BASES, CLASSES, MASKED, SEQUENCES, arrays, attributed
from ..training.conftest import genomes, table, tokenizer_folder  # noqa: F401
from ..training.labelled import authors, tiny_model, write_splits

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")

#: Not what is drawn on the device, nor what ranks and thresholds make of the last digit.
SMOOTH = ("embed", "embed_long", "hidden_states", "masked_log_probs", "attend", "dependency_map",
          "nucleotide_probabilities", "span", "patch")  # fmt: skip
DRAWN = ("gradient_shap", "shapley_value_sampling")


@pytest.fixture(autouse=True)
def full_float32():
    """NVIDIA's containers multiply float32 in TensorFloat-32, to three digits, unless told."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    yield
    torch.set_float32_matmul_precision(before)


def on_gpu(name, dtype="float32", **settings):
    # sdpa is there on every GPU; the other backends have tests of their own.
    return dx.load(name, device="cuda", dtype=dtype, attention="sdpa", **settings)


def on_cpu(name):
    return dx.load(name, device="cpu", dtype="float32")


def alike(found, expected) -> None:
    """Equal to float32's rounding over some layers of sums."""
    found, expected = arrays(found), arrays(expected)
    assert expected
    for one, other in zip(found, expected, strict=True):
        size = max(1.0, float(np.abs(other).max(initial=0.0)))
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4 * size)


@pytest.mark.parametrize("name", SMOOTH)
def test_a_masked_language_model(model_folder, name) -> None:
    alike(MASKED[name](on_gpu(model_folder)), MASKED[name](on_cpu(model_folder)))


@pytest.mark.parametrize("name", ["predict", "saturation_mutagenesis", "marginalize", "patch"])
def test_a_classifier(classifier_folder, name) -> None:
    alike(CLASSES[name](on_gpu(classifier_folder)), CLASSES[name](on_cpu(classifier_folder)))


@pytest.mark.parametrize("method", [name for name in METHODS if name not in DRAWN])
def test_attribution(classifier_folder, method) -> None:
    alike(
        attributed(on_gpu(classifier_folder), method), attributed(on_cpu(classifier_folder), method)
    )


def test_the_shipped_models() -> None:
    windows, sites = dx.demo.windows()[::50], dx.demo.splice()[:8]
    alike(on_gpu("pocket").embed(windows), on_cpu("pocket").embed(windows))
    alike(on_gpu("pocket-splice").predict(sites), on_cpu("pocket-splice").predict(sites))


def test_bfloat16_keeps_its_digits() -> None:
    """Measured on a CPU: 2e-5 from 1 in the cosine, 0.003 in a probability."""
    windows, sites = dx.demo.windows()[::50], dx.demo.splice()[:8]
    half = on_gpu("pocket", "bfloat16")
    assert half.dtype == torch.bfloat16
    one, other = half.embed(windows), on_cpu("pocket").embed(windows)
    cosine = (one * other).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
    assert cosine.min() > 0.999
    np.testing.assert_allclose(
        on_gpu("pocket-splice", "bfloat16").predict(sites),
        on_cpu("pocket-splice").predict(sites),
        atol=0.05,
    )


def test_the_cache_answers_again(model_folder, tmp_path, monkeypatch) -> None:
    first = on_gpu(model_folder, cache=tmp_path).embed(SEQUENCES)
    again = on_gpu(model_folder, cache=tmp_path)

    def computing(*arguments):
        raise AssertionError("computed again")

    monkeypatch.setattr(again.body, "packed_states", computing)
    assert np.array_equal(again.embed(SEQUENCES), first)


def test_transformers_device_map() -> None:
    from transformers import AutoModelForMaskedLM

    pytest.importorskip("accelerate")  # which transformers asks to place weights
    ids = torch.from_numpy(on_cpu("pocket").tokenize(BASES).ids)[None]
    with torch.no_grad():
        expected = AutoModelForMaskedLM.from_pretrained(SHIPPED["pocket"])(ids).logits
        mapped = AutoModelForMaskedLM.from_pretrained(SHIPPED["pocket"], device_map="cuda")
        assert mapped.device.type == "cuda"
        found = mapped(ids.to("cuda")).logits
    alike(found.cpu().numpy(), expected.numpy())


def losses(run) -> list[float]:
    with (run / "log.csv").open(newline="", encoding="utf-8") as handle:
        return [float(row["loss"]) for row in csv.DictReader(handle)]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    "more",
    [{}, {"embeddings": "composed", "average": 0.6}, {"objective": "both"}],
    ids=["masked", "composed", "both"],
)
def test_pre_training(genomes, table, tokenizer_folder, tmp_path, precision, more) -> None:  # noqa: F811
    config = PretrainConfig(
        genomes=str(genomes), table=str(table), tokenizer=str(tokenizer_folder),
        out=str(tmp_path / "gpu"), row_tokens=24, batch_rows=6, group_windows=2, shortest=60,
        longest=100, total_steps=4, warmup_steps=1, learning_rate=1e-3, threads=1, log_every=1,
        checkpoint_every=2, evaluate_every=2, evaluate_rows=2, snapshots_every=4,
        attention="sdpa", device="cuda", precision=precision,
        network={"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
                 "intermediate_size": 24}, **more,
    )  # fmt: skip
    result = pretrain(config)
    assert result.finished
    found = losses(tmp_path / "gpu")
    assert len(found) == 4
    assert all(map(math.isfinite, found))
    assert on_gpu(result.model).embed(SEQUENCES).shape == (len(SEQUENCES), 16)
    if not more:  # else the GPU draws numbers of its own
        pretrain(
            dataclasses.replace(
                config, device="cpu", precision="float32", out=str(tmp_path / "cpu")
            )
        )
        rel = 1e-3 if precision == "float32" else 0.02
        assert found == pytest.approx(losses(tmp_path / "cpu"), rel=rel)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    "more",
    [
        {"embeddings": "composed", "average": 0.6},
        {"method": "lora"},
        {"method": "probe", "augment": "reverse_complement"},
    ],
    ids=["full", "lora", "probe"],
)
def test_fine_tuning(tokenizer_folder, tmp_path, precision, more) -> None:  # noqa: F811
    data = write_splits(tmp_path / "data", "classification")
    config = authors(
        model=str(tiny_model(tmp_path / "pretrained", tokenizer_folder)),
        **{split: str(data / f"{split}.csv") for split in ("train", "dev", "test")},
        out=str(tmp_path / "gpu"), batch_size=8, max_steps=4, learning_rate=1e-3,
        evaluate_every=2, threads=1, pooling="mean", dropout=0.0, bootstrap=0,
        check_leakage=False, attention="sdpa", device="cuda", precision=precision, **more,
    )  # fmt: skip
    found = finetune(config)
    expected = finetune(
        dataclasses.replace(config, device="cpu", precision="float32", out=str(tmp_path / "cpu"))
    )
    assert found.dev.loss == pytest.approx(expected.dev.loss, rel=0.02)
    assert found.test.loss == pytest.approx(expected.test.loss, rel=0.02)
    assert on_gpu(found.model).predict(SEQUENCES).shape == (len(SEQUENCES), 2)
