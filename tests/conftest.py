"""Fixtures of every floor: a small tokenizer and small random networks, made on the spot."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

# Tests compute; those of the cache bring their own folder.
os.environ["DNABERT2_EXPLORE_CACHE"] = "off"

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
