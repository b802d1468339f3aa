"""Which rows of the full table a machine cannot give, and why."""

from __future__ import annotations

from collections.abc import Collection

import torch

from ..encoder.machine import describe_machine

__all__ = ["missing_rows"]


def missing_rows(
    device: torch.device,
    dtypes: Collection[torch.dtype],
    features: Collection[str] | None = None,
) -> list[str]:
    """Say, one sentence each, what cannot be measured on this machine, or was not asked for.

    `device` and `dtypes` are what was measured; `features` are instruction sets of the processor,
    as `Machine.features` names them, by default this one's.

    Examples
    --------
    >>> cpu = torch.device("cpu")
    >>> missing_rows(cpu, [torch.float32], ["avx2"])[1]
    'bfloat16 on a CPU: this processor has neither avx512_bf16 nor amx_bf16'
    """
    if features is None:
        features = describe_machine(torch.device("cpu")).features or ()
    said = []
    if device.type != "cuda":
        there = torch.cuda.is_available()
        said.append(
            "GPU: --device cuda measures the one that is here"
            if there
            else "GPU: torch sees none on this machine"
        )
    if device.type == "cpu":
        halves = [name for name in ("avx512_bf16", "amx_bf16") if name in features]
        if not halves:
            said.append("bfloat16 on a CPU: this processor has neither avx512_bf16 nor amx_bf16")
        elif torch.bfloat16 not in dtypes:
            said.append(f"bfloat16: --dtype bfloat16 measures it ({', '.join(halves)})")
        if "amx_bf16" not in features:
            said.append("bfloat16 with AMX: this processor has no amx_bf16")
        whole = [name for name in ("avx512_vnni", "avx_vnni", "amx_int8") if name in features]
        said.append(
            f"int8: benchmarks/int8.py measures it ({', '.join(whole)}); the engine has none"
            if whole
            else "int8 with VNNI: this processor has no avx512_vnni, avx_vnni or amx_int8"
        )
    return said
