"""Fixtures of every floor: a small tokenizer and small random networks, made on the spot."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

# Tests compute; those of the cache bring their own folder.
os.environ["DNABERT2_EXPLORE_CACHE"] = "off"
# Most pin numbers, which are the CPU's in float32 wherever they run; those for GPUs name the GPU.
os.environ["DNABERT2_EXPLORE_DEVICE"] = "cpu"
os.environ["TRANSFORMERS_TEST_DEVICE"] = "cpu"  # of its own tests, which take a GPU by themselves

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference values beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip(f"reference values not found at {SHARED}")
    return SHARED


def random_bases(n: int, seed: int = 0, alphabet: str = "ACGT") -> str:
    """Random letters, the same ones for the same seed."""
    return "".join(np.random.default_rng(seed).choice(list(alphabet), size=n))


@pytest.fixture(scope="session")
def bases() -> str:
    return random_bases(300, seed=1)


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory) -> Path:
    """A masked-LM checkpoint in the published layout: 2 layers, 32 wide, 4 heads, 64 entries."""
    return make_folder(tmp_path_factory.mktemp("masked-lm"), head="masked-lm")


@pytest.fixture(scope="session")
def classifier_folder(tmp_path_factory) -> Path:
    """The same shape with a head of three named classes."""
    return make_folder(tmp_path_factory.mktemp("classifier"), head="classifier")


def make_folder(folder: Path, head: str) -> Path:
    """Write a small random model as the hub publishes DNABERT-2: no model_type in config.json."""
    import torch
    from safetensors.torch import save_file
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

    from dnabert2_explore.network import (
        Dnabert2Config,
        Dnabert2ForMaskedLM,
        Dnabert2ForSequenceClassification,
    )

    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    special = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    trainer = trainers.BpeTrainer(vocab_size=64, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator([random_bases(200, seed=s) for s in range(20)], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    shape = {
        "vocab_size": tokenizer.get_vocab_size(),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 48,
        # Large enough that the random network is far from linear and from uniform attention.
        "initializer_range": 0.2,
    }
    torch.manual_seed(0)
    if head == "masked-lm":
        network = Dnabert2ForMaskedLM(Dnabert2Config(**shape))
    else:
        shape["id2label"] = {"0": "donor", "1": "acceptor", "2": "neither"}
        network = Dnabert2ForSequenceClassification(Dnabert2Config(**shape))
    (folder / "config.json").write_text(json.dumps(shape))
    save_file(
        {k: v.contiguous().clone() for k, v in network.state_dict().items()},
        folder / "model.safetensors",
    )
    return folder


@pytest.fixture(scope="session")
def enc(model_folder):
    """A small pre-trained-like encoder."""
    from dnabert2_explore import load

    return load(model_folder)


@pytest.fixture(scope="session")
def classifier(classifier_folder):
    """A small encoder with a head of three classes."""
    from dnabert2_explore import load

    return load(classifier_folder)


@pytest.fixture
def flash_calls(monkeypatch):
    """flash-attn without a GPU: a stand-in; the tokens of each of its calls.

    It asserts what the package asks of its caller (`flash_attn_varlen_qkvpacked_func` and its
    kernels' checks in flash-attn 2.8) and computes it step by step, with gradients.
    """
    import importlib.machinery
    import sys
    import types

    import torch

    from dnabert2_explore.network.attention import flash

    made: list[torch.Tensor] = []

    def flash_attn_varlen_qkvpacked_func(
        qkv,
        cu_seqlens,
        max_seqlen,
        dropout_p=0.0,
        softmax_scale=None,
        causal=False,
        window_size=(-1, -1),
        softcap=0.0,
        alibi_slopes=None,
        deterministic=False,
        return_attn_probs=False,
    ):
        total, three, heads, width = qkv.shape
        assert three == 3
        assert qkv.dtype in (torch.float16, torch.bfloat16)
        assert qkv.stride(-1) == 1
        assert cu_seqlens.dtype == torch.int32
        assert cu_seqlens.is_contiguous()
        lengths = cu_seqlens.diff()
        assert cu_seqlens[0] == 0
        assert cu_seqlens[-1] == total
        assert (lengths > 0).all()
        assert type(max_seqlen) is int
        assert max_seqlen >= int(lengths.max())
        assert alibi_slopes.dtype == torch.float32
        assert alibi_slopes.shape == (heads,)
        assert alibi_slopes.stride(-1) == 1
        assert (alibi_slopes > 0).all()
        assert not causal
        made.append(qkv)
        with torch.autocast("cpu", enabled=False):
            contexts = []
            for one in qkv.float().split(lengths.tolist()):
                query, key, value = one.permute(1, 2, 0, 3)
                place = torch.arange(len(one))
                bias = -alibi_slopes[:, None, None] * (place[:, None] - place).abs()
                weights = (query @ key.transpose(1, 2) * width**-0.5 + bias).softmax(-1)
                weights = torch.nn.functional.dropout(weights, dropout_p, dropout_p > 0)
                contexts.append((weights @ value).transpose(0, 1))
            return torch.cat(contexts).to(qkv.dtype)

    module = types.ModuleType("flash_attn")
    module.__spec__ = importlib.machinery.ModuleSpec("flash_attn", None)
    module.flash_attn_varlen_qkvpacked_func = flash_attn_varlen_qkvpacked_func
    monkeypatch.setitem(sys.modules, "flash_attn", module)
    monkeypatch.setattr(flash, "why_not_flash", lambda device, dtype: None)
    monkeypatch.setattr("dnabert2_explore.network.attention.why_not_flash", lambda *a: None)
    return made
