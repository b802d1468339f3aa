"""The way of a model through FlashAttention, with a stand-in that computes what is documented.

No GPU and no flash-attn here: see `flash_calls` in ../conftest.py.
"""

from __future__ import annotations

import pytest
import torch
from transformers import AutoModelForMaskedLM

from dnabert2_explore import load
from dnabert2_explore.network import Dnabert2Config, Dnabert2ForSequenceClassification
from dnabert2_explore.network.checkpoints.load import find_checkpoint, load_network


def test_a_model_loads_with_flash_and_computes(flash_calls, model_folder, bases) -> None:
    """Without the package too: what cannot compute says so when it is called."""
    network = load_network(find_checkpoint(model_folder), torch.bfloat16, "flash")
    reference = load_network(find_checkpoint(model_folder), torch.bfloat16, "eager")
    ids = torch.randint(5, 60, (3, 40), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    mask[0, 25:] = mask[1, :7] = mask[2] = 0
    with torch.no_grad():
        one, two = network(ids, mask).logits, reference(ids, mask).logits
    assert len(flash_calls) == 2, "one call a layer"
    assert len(flash_calls[0]) == int(mask.sum())
    assert torch.cosine_similarity(one.float(), two.float(), dim=-1)[mask.bool()].min() > 0.99
    enc = load(model_folder, dtype="bfloat16", attention="flash", device="cpu")
    assert enc.attention == "flash"
    assert enc.embed([bases]).shape == (1, 32)


def test_every_way_to_ask_for_flash(flash_calls, model_folder, tmp_path) -> None:
    network = load_network(find_checkpoint(model_folder))
    network.set_attn_implementation("flash")
    assert network.config._attn_implementation == "flash"
    network.save_pretrained(tmp_path)
    for dtype in (torch.bfloat16, torch.float32):
        again = AutoModelForMaskedLM.from_pretrained(
            tmp_path, attn_implementation="flash", dtype=dtype
        )
        assert again.config._attn_implementation == "flash"


def test_without_the_package_loading_works_and_computing_says_why(model_folder) -> None:
    network = load_network(find_checkpoint(model_folder), torch.float32, "flash")
    with pytest.raises(ValueError, match="computes in float16 and bfloat16 on a GPU only"):
        network(torch.tensor([[1, 7, 2]]))


def test_training_under_autocast_equals_eager(flash_calls) -> None:
    """Padding on both sides, a row of padding, activation checkpointing."""
    ids = torch.randint(5, 64, (5, 40), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(ids)
    mask[0, 30:] = mask[1, :9] = mask[2, 20:] = mask[3] = 0
    labels = torch.tensor([0, 1, 2, 1, 0])

    def step(attention: str, checkpointing: bool) -> tuple[float, torch.Tensor]:
        torch.manual_seed(0)
        model = Dnabert2ForSequenceClassification(
            Dnabert2Config(
                vocab_size=64,
                hidden_size=32,
                num_hidden_layers=2,
                num_attention_heads=4,
                intermediate_size=48,
                initializer_range=0.2,
                hidden_dropout_prob=0.0,
                num_labels=3,
                classifier_pooling="mean",
                attn_implementation=attention,
            )
        ).train()
        if checkpointing:
            model.gradient_checkpointing_enable()
        with torch.autocast("cpu", torch.bfloat16):
            loss = model(ids, mask, labels=labels).loss
        loss.backward()
        # Token type 1 is nobody's here, and has no gradient.
        slopes = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
        return float(loss.detach()), torch.cat(slopes)

    loss, slopes = step("eager", False)
    for checkpointing in (False, True):
        flash_calls.clear()
        with_flash, slopes_of_flash = step("flash", checkpointing)
        # Two layers, which checkpointing computes twice.
        assert len(flash_calls) == (4 if checkpointing else 2)
        assert with_flash == pytest.approx(loss, rel=2e-3)
        assert torch.cosine_similarity(slopes, slopes_of_flash, dim=0) > 0.999
