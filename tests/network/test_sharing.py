"""Weights stay the file's own memory, so that every process on a machine shares one copy."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from dnabert2_explore import load
from dnabert2_explore.bench import mappings_of
from dnabert2_explore.encoder import SHIPPED
from dnabert2_explore.network import Dnabert2Config, Dnabert2ForMaskedLM

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="/proc/PID/smaps, which tells what is shared, is Linux's"
)

SHAPE = {
    "vocab_size": 4096,
    "hidden_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 256,
}


@pytest.fixture(params=["model.safetensors", "pytorch_model.bin"])
def folder(request, tmp_path) -> Path:
    """A model of 3 MB in float32, in either format, safely on the disk."""
    torch.manual_seed(0)
    state = Dnabert2ForMaskedLM(Dnabert2Config(**SHAPE)).state_dict()
    weights = tmp_path / request.param
    if weights.suffix == ".bin":
        torch.save(state, weights)
    else:
        del state["cls.predictions.decoder.weight"]  # the embeddings' once more
        save_file(state, weights)
    (tmp_path / "config.json").write_text(json.dumps(SHAPE))
    shutil.copy(SHIPPED["pocket"] / "tokenizer.json", tmp_path)
    with weights.open("rb") as file:  # pages on their way to the disk would count as dirty
        os.fsync(file.fileno())
    return tmp_path


def test_weights_are_mapped_and_never_written_to(folder):
    enc = load(folder, device="cpu", dtype="float32")
    enc.embed(["ACGTTGCA" * 20, "GGGTTTAAACCC"])
    stretches = mappings_of(enc.checkpoint.weights)
    outside = [
        name
        for name, weight in enc.network.named_parameters()
        if not any(weight.data_ptr() in stretch for stretch in stretches)
    ]
    assert outside == []
    assert sum(stretch.rss for stretch in stretches) > 1e6
    # The last page of the file may hold other things of ours.
    assert sum(stretch.private_dirty for stretch in stretches) <= os.sysconf("SC_PAGESIZE")
