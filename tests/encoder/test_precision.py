from __future__ import annotations

import pytest
import torch

from dnabert2_explore import InputError
from dnabert2_explore.encoder.loading import precision
from dnabert2_explore.encoder.loading.precision import find_dtype, gains_from_bfloat16

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("capabilities", "hidden", "expected"),
    [
        ({"avx512_bf16": True}, 768, torch.bfloat16),
        ({"amx_bf16": True, "avx512_bf16": False}, 768, torch.bfloat16),
        ({"avx512_bf16": True}, 192, torch.float32),
        ({"avx2": True, "avx512_bf16": False, "amx_bf16": False}, 768, torch.float32),
        ({}, 768, torch.float32),
    ],
)
def test_auto_follows_the_processor_and_the_width(
    monkeypatch, capabilities, hidden, expected
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert find_dtype("auto", CPU, hidden) == expected


@pytest.mark.parametrize("native", [True, False])
def test_an_older_torch_is_asked_in_its_own_way(monkeypatch, native) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: native)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert find_dtype("auto", CPU, 768) == (torch.bfloat16 if native else torch.float32)


@pytest.mark.parametrize("native", [True, False])
def test_auto_follows_the_gpu(monkeypatch, native) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native)
    expected = torch.bfloat16 if native else torch.float32
    assert find_dtype("auto", torch.device("cuda"), 192) == expected


def test_other_devices_do_not_gain() -> None:
    assert not gains_from_bfloat16(torch.device("mps"))


def test_names() -> None:
    for name, dtype in precision.DTYPES.items():
        assert find_dtype(name, CPU, 768) == dtype
    with pytest.raises(InputError, match="dtype 'bf16' is unknown"):
        find_dtype("bf16", CPU, 768)
