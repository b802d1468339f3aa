"""What a measurement or a run was made on: the line that stands beside every number."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import torch
import transformers

from ..version import __version__

__all__ = ["Machine", "describe_machine", "processor_of"]

#: What decides how fast a CPU multiplies matrices, as torch names it.
FEATURES = ("avx2", "avx512_f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8")


@dataclass(frozen=True, slots=True)
class Machine:
    """Hardware, versions, date and load; `str` of it is one line.

    Attributes
    ----------
    processor : str
    cores : int
        That this process may use.
    threads : int
        That torch uses.
    features : tuple of str or None
        Instruction sets for matrix products; None where torch does not tell.
    gpu : str
        Name, or empty.
    system : str
    versions : tuple of (str, str)
        Package and version.
    day : str
        ISO 8601.
    load : float or None
        Processes that wanted a core, averaged over the last minute; None where unknown.
    """

    processor: str
    cores: int
    threads: int
    features: tuple[str, ...] | None
    gpu: str
    system: str
    versions: tuple[tuple[str, str], ...]
    day: str
    load: float | None

    def __str__(self) -> str:
        parts = [self.gpu] if self.gpu else []
        features = "" if self.features is None else f" ({', '.join(self.features)})"
        parts += [
            f"{self.processor}{features}",
            f"{self.cores} cores",
            f"{self.threads} threads",
            self.system,
            *(f"{name} {version}" for name, version in self.versions),
            self.day,
        ]
        if self.load is not None:
            parts.append(f"load {self.load:.1f} before")
        return ", ".join(parts)


def describe_machine(device: torch.device) -> Machine:
    """Describe this machine, and the GPU if `device` is one."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    # torch before 2.12 or so does not tell.
    capabilities: Mapping[str, object] | None = getattr(
        torch.cpu, "get_capabilities", lambda: None
    )()
    return Machine(
        processor=processor_of(),
        cores=len(affinity(0)) if affinity else os.cpu_count() or 1,
        threads=torch.get_num_threads(),
        features=None
        if capabilities is None
        else tuple(name for name in FEATURES if capabilities.get(name)),
        gpu=torch.cuda.get_device_name(device) if device.type == "cuda" else "",
        system=f"{platform.system()} {platform.release()}",
        versions=(
            ("Python", platform.python_version()),
            ("torch", torch.__version__),
            ("transformers", transformers.__version__),
            ("dnabert2-explore", __version__),
        ),
        day=date.today().isoformat(),
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    )


def processor_of() -> str:
    """Name this machine's processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
