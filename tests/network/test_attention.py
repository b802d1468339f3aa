"""Every attention backend against the step-by-step reference, on every device there is."""

from __future__ import annotations

import sys
import types

import pytest
import torch

from dnabert2_explore.network.alibi import AlibiBias, alibi_slopes
from dnabert2_explore.network.attention import BACKENDS, choose, flash, flex, sdpa, why_not
from dnabert2_explore.network.attention.choose import fastest_backend, try_backend
from dnabert2_explore.network.packing import Packing

HEADS, HEAD_DIM = 6, 16

#: Lengths in a batch: mixed, equal neighbours, one token, across the borders of flex's blocks.
BATCHES = {
    "mixed": [200, 131, 131, 40, 3, 1],
    "one": [17],
    "one token": [1],
    "block borders": [128, 256, 127, 129],
}


@pytest.fixture(params=["cpu", "cuda"])
def device(request) -> torch.device:
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    return torch.device(request.param)


def runs(name: str, device: torch.device, dtype: torch.dtype) -> None:
    """Skip where a backend cannot run, with the reason."""
    if (problem := why_not(name, device, dtype)) is not None:
        pytest.skip(problem)


def projected(total: int, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    generator = torch.Generator().manual_seed(total)
    values = torch.randn(total, 3, HEADS, HEAD_DIM, generator=generator)
    return (values * 1.5).to(device, dtype)


def reference(qkv: torch.Tensor, packing: Packing) -> torch.Tensor:
    """Softmax of scaled scores with -slope·|i-j|, one sequence and one head at a time."""
    slopes = alibi_slopes(HEADS).to(qkv.device)
    contexts = []
    for start, end in zip(packing.offsets[:-1], packing.offsets[1:], strict=True):
        place = packing.places[start:end]
        bias = -(place[:, None] - place[None, :]).abs()
        query, key, value = qkv[start:end].double().unbind(1)
        heads = [
            (query[:, h] @ key[:, h].T / HEAD_DIM**0.5 + slopes[h] * bias).softmax(-1) @ value[:, h]
            for h in range(HEADS)
        ]
        contexts.append(torch.stack(heads, dim=1))
    return torch.cat(contexts)


TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 0.06, torch.float16: 0.01}


@pytest.mark.parametrize("dtype", TOLERANCE, ids=lambda dtype: str(dtype).removeprefix("torch."))
@pytest.mark.parametrize("lengths", BATCHES.values(), ids=BATCHES)
@pytest.mark.parametrize("name", BACKENDS)
def test_backends_are_equal(name, lengths, dtype, device) -> None:
    runs(name, device, dtype)
    packing = Packing.from_lengths(lengths, device)
    qkv = projected(sum(lengths), device, dtype)
    alibi = AlibiBias(HEADS, packing.longest, dtype, device)
    with torch.no_grad():
        context, _ = BACKENDS[name](qkv, packing, alibi)
    assert context.shape == (sum(lengths), HEADS, HEAD_DIM)
    assert context.dtype == dtype
    expected = reference(qkv, packing).to(torch.float64)
    torch.testing.assert_close(context.double(), expected, atol=TOLERANCE[dtype], rtol=0)


@pytest.mark.parametrize("name", BACKENDS)
def test_gradients_are_equal(name, device) -> None:
    dtype = torch.float16 if name == "flash" else torch.float32
    runs(name, device, dtype)
    packing = Packing.from_lengths(BATCHES["mixed"], device)
    alibi = AlibiBias(HEADS, packing.longest, dtype, device)
    qkv = projected(sum(BATCHES["mixed"]), device, dtype).requires_grad_()
    if name == "flex" and device.type == "cpu":
        with pytest.raises(ValueError, match="no backward pass on the CPU"):
            BACKENDS[name](qkv, packing, alibi)
        return
    weights = projected(len(qkv), device, dtype)[:, 0]
    (BACKENDS[name](qkv, packing, alibi)[0] * weights).sum().backward()
    exact = qkv.detach().double().requires_grad_()
    (reference(exact, packing) * weights.double()).sum().backward()
    torch.testing.assert_close(
        qkv.grad.double(), exact.grad, atol=10 * TOLERANCE[dtype], rtol=10 * TOLERANCE[dtype]
    )


@pytest.mark.parametrize("name", ["eager", "sdpa", "flex"])
def test_padding_inside_a_sequence_counts_as_distance(name, device) -> None:
    runs(name, device, torch.float32)
    mask = torch.tensor([[1, 0, 0, 1, 1, 0], [1, 1, 1, 1, 1, 1], [0, 1, 1, 0, 0, 0]]).to(device)
    packing = Packing.from_mask(mask)
    assert packing.has_gaps
    alibi = AlibiBias(HEADS, packing.longest, device=device)
    qkv = projected(int(mask.sum()), device, torch.float32)
    with torch.no_grad():
        context, _ = BACKENDS[name](qkv, packing, alibi)
    torch.testing.assert_close(context.double(), reference(qkv, packing), atol=1e-5, rtol=0)


@pytest.mark.parametrize("gap", [False, True])
def test_sdpa_in_blocks_of_queries(gap, device, monkeypatch) -> None:
    """What long sequences go through where the bias cannot be a view."""
    monkeypatch.setattr(sdpa, "DENSE_UP_TO", 8)
    monkeypatch.setattr(sdpa, "BLOCK", 16)
    mask = torch.ones(2, 70, device=device)
    mask[1, 50:] = 0
    mask[0, 20] = mask[1, 20] = 1 - gap
    packing = Packing.from_mask(mask)
    alibi = AlibiBias(HEADS, packing.longest, device=device)
    qkv = projected(int(mask.sum()), device, torch.float32)
    made = []
    rows = AlibiBias.rows
    monkeypatch.setattr(
        AlibiBias,
        "rows",
        lambda self, *arguments: made.append(rows(self, *arguments)) or made[-1],
    )
    context, _ = BACKENDS["sdpa"](qkv, packing, alibi)
    torch.testing.assert_close(context.double(), reference(qkv, packing), atol=1e-5, rtol=0)
    assert all(bias.shape[2] <= 16 for bias in made), "the whole bias was made"
    assert bool(made) == (gap or device.type != "cpu")


def test_maps_come_from_eager_only(device) -> None:
    packing = Packing.from_lengths([3, 3, 5], device)
    alibi = AlibiBias(HEADS, 5, device=device)
    qkv = projected(11, device, torch.float32)
    _, maps = BACKENDS["eager"](qkv, packing, alibi)
    assert [m.shape for m in maps] == [(2, HEADS, 3, 3), (1, HEADS, 5, 5)]
    torch.testing.assert_close(maps[0].sum(-1), torch.ones_like(maps[0][..., 0]))
    assert BACKENDS["sdpa"](qkv, packing, alibi)[1] == []


def test_flex_refuses_what_it_cannot_do() -> None:
    packing = Packing.from_lengths([3], torch.device("cpu"))
    with pytest.raises(ValueError, match="no dropout"):
        BACKENDS["flex"](projected(3, "cpu", torch.float32), packing, AlibiBias(HEADS, 3), 0.1)
    with pytest.raises(ValueError, match="float64"):
        BACKENDS["flex"](projected(3, "cpu", torch.float64), packing, AlibiBias(HEADS, 3))


def test_what_cannot_run_says_why(monkeypatch) -> None:
    cpu, half = torch.device("cpu"), torch.bfloat16
    assert why_not("sdpa", cpu, half) is None
    assert "on a GPU only" in why_not("flash", cpu, half)
    monkeypatch.setattr(flex.shutil, "which", lambda name: None)
    assert "no C++ compiler" in why_not("flex", cpu, half)


def test_flash_is_called_as_its_documentation_asks(monkeypatch) -> None:
    """No GPU, no flash-attn: a stand-in that checks the documented contract and computes it."""
    packing = Packing.from_lengths([4, 4, 2], torch.device("cpu"))
    qkv = projected(10, torch.device("cpu"), torch.bfloat16)

    def flash_attn_varlen_qkvpacked_func(
        qkv, cu_seqlens, max_seqlen, dropout_p=0.0, alibi_slopes=None, causal=False
    ):
        assert qkv.shape == (10, 3, HEADS, HEAD_DIM)
        assert cu_seqlens.dtype == torch.int32
        assert cu_seqlens.tolist() == [0, 4, 8, 10]
        assert max_seqlen == 4
        assert alibi_slopes.dtype == torch.float32
        torch.testing.assert_close(alibi_slopes, alibi_slopes.abs())
        assert not causal
        return reference(qkv, packing).to(qkv.dtype)

    module = types.ModuleType("flash_attn")
    module.flash_attn_varlen_qkvpacked_func = flash_attn_varlen_qkvpacked_func
    monkeypatch.setitem(sys.modules, "flash_attn", module)
    monkeypatch.setattr(flash, "why_not_flash", lambda device, dtype: None)
    alibi = AlibiBias(HEADS, 4, torch.bfloat16)
    context, maps = BACKENDS["flash"](qkv, packing, alibi)
    expected, _ = BACKENDS["eager"](qkv, packing, alibi)
    torch.testing.assert_close(context, expected, atol=0.06, rtol=0)
    assert maps == []
    gapped = Packing.from_mask(torch.tensor([[1, 0, 1]]))
    with pytest.warns(UserWarning, match="goes through sdpa"):
        context, _ = BACKENDS["flash"](qkv[:2], gapped, AlibiBias(HEADS, 3, torch.bfloat16))
    torch.testing.assert_close(
        context,
        BACKENDS["eager"](qkv[:2], gapped, AlibiBias(HEADS, 3, torch.bfloat16))[0],
        atol=0.06,
        rtol=0,
    )


def test_auto_takes_what_works(device) -> None:
    """Full precision has no tensor cores: flex took forty times as long there as sdpa."""
    assert fastest_backend(device, torch.float32, HEADS, HEAD_DIM) == "sdpa"
    half = fastest_backend(device, torch.bfloat16, HEADS, HEAD_DIM)
    assert half == "sdpa" if device.type == "cpu" else half in ("flash", "flex")


@pytest.mark.filterwarnings("default::dnabert2_explore.errors.ExploreWarning")  # says so
def test_auto_passes_over_what_fails(monkeypatch) -> None:
    """The choice a GPU gets, made on the CPU with backends that break or compute wrongly."""

    class Gpu:
        type = "cuda"

    def broken(*arguments):
        raise RuntimeError("no kernel image is available")

    def wrong(qkv, *arguments):
        return qkv[:, 0], []

    class ForwardOnly(torch.autograd.Function):
        """The right values with gradients that are not numbers, as flex gave them."""

        @staticmethod
        def forward(context, values):
            return values.clone()

        @staticmethod
        def backward(context, gradient):
            return gradient * torch.nan

    def not_backward(*arguments):
        return ForwardOnly.apply(BACKENDS["sdpa"](*arguments)[0]), []

    def on_the_cpu(name, device, *arguments):
        return try_backend(name, torch.device("cpu"), *arguments)

    monkeypatch.setattr(choose, "why_not", lambda *arguments: None)
    monkeypatch.setattr(choose, "try_backend", on_the_cpu)
    for flash_backend, flex_backend, expected, message in (
        (wrong, broken, "sdpa", "no kernel image"),
        (broken, wrong, "sdpa", "does not compute here what the reference computes"),
        (broken, BACKENDS["sdpa"], "flex", "no kernel image"),
        (broken, not_backward, "sdpa", "gradients that the reference computes"),
    ):
        monkeypatch.setitem(BACKENDS, "flash", flash_backend)
        monkeypatch.setitem(BACKENDS, "flex", flex_backend)
        with torch.inference_mode(), pytest.warns(UserWarning, match=message):
            chosen = fastest_backend.__wrapped__(Gpu(), torch.bfloat16, HEADS, HEAD_DIM)
        assert chosen == expected


def test_flex_computes_whole_blocks(monkeypatch) -> None:
    """Gradients of other lengths are NaN (pytorch/pytorch#153799): no such length reaches torch."""
    lengths = []

    def dense(query, key, value, score_mod, block_mask):
        lengths.append(query.shape[2])
        assert block_mask.seq_lengths == (query.shape[2], query.shape[2])
        at = torch.arange(query.shape[2])
        scores = query @ key.transpose(-1, -2) / HEAD_DIM**0.5
        heads = torch.arange(HEADS)[:, None, None]
        scores = score_mod(scores, 0, heads, at[:, None], at[None, :])
        seen = block_mask.mask_mod(0, 0, at[:, None], at[None, :])
        blocks = block_mask.to_dense()[0, 0].repeat_interleave(128, 0).repeat_interleave(128, 1)
        assert not (seen & (blocks == 0)).any(), "the mask leaves out a block that is needed"
        return scores.masked_fill(~seen, -torch.inf).softmax(-1) @ value

    monkeypatch.setattr(flex, "_compiled", lambda: dense)
    cpu = torch.device("cpu")
    for batch in BATCHES.values():
        packing = Packing.from_lengths(batch, cpu)
        qkv = projected(sum(batch), cpu, torch.float32)
        context, _ = BACKENDS["flex"](qkv, packing, AlibiBias(HEADS, packing.longest))
        torch.testing.assert_close(context.double(), reference(qkv, packing), atol=1e-5, rtol=0)
        assert len(context) == sum(batch)
    assert lengths == [512, 128, 128, 640]
