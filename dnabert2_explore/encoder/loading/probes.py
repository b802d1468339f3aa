"""What this machine has been seen to run: fused kernels and bfloat16, tried and compared.

That a package is installed and a chip has a flag says little of whether a kernel compiles here and
computes what it should. What was tried is kept in the cache folder, with the day and the versions.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import torch

from ...common.folders import cache_folder
from ...errors import ExploreError
from ...network.attention import why_not
from ...network.attention.choose import try_backend
from ...results.sealed import read_json, write_json
from ..machine import processor_of

__all__ = ["Probe", "known_probes", "remember_backend", "run_probes"]

#: What is told of; "eager" and "sdpa" run everywhere.
KINDS = ("flash", "flex", "bfloat16")

_FILE = "seen.json"


@dataclass(frozen=True, slots=True)
class Probe:
    """What came of trying one thing on one device; `str` of it is a sentence's end.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    device : str
        Name of the GPU or processor.
    ran : bool
        Whether it computed what the reference computes.
    result : str
        What was computed, or what went wrong.
    torch : str
        Version.
    day : str
        ISO 8601.
    """

    kind: str
    device: str
    ran: bool
    result: str
    torch: str
    day: str

    def __str__(self) -> str:
        what = "seen to run" if self.ran else "tried and failed"
        return f"{what} ({self.result}; torch {self.torch}, {self.day})"


def run_probes(device: torch.device) -> list[Probe]:
    """Compute with each of `KINDS` that could run on a device, compare, and remember.

    On a CPU this compiles for up to a minute.
    """
    found = []
    half = torch.bfloat16 if device.type == "cuda" else torch.float32
    for name in ("flash", "flex"):
        if why_not(name, device, half) is not None:
            continue
        gradients = device.type == "cuda"  # flex has no backward pass on a CPU
        problem = try_backend(name, device, half, gradients=gradients)
        found.append(_backend(name, device, half, problem, gradients))
    found.append(_bfloat16(device))
    _keep(found)
    return found


def remember_backend(name: str, device: torch.device, dtype: torch.dtype) -> None:
    """Keep in mind that a backend was tried on a device, forward and backward, and ran."""
    if name in KINDS:
        _keep([_backend(name, device, dtype, None, True)])


def known_probes(device: torch.device) -> dict[str, Probe]:
    """Return what is known of a device, by kind; of other versions of torch nothing."""
    here = _name(device), torch.__version__
    return {one.kind: one for one in _seen(_path()) if (one.device, one.torch) == here}


def _keep(new: list[Probe]) -> None:
    path = _path()
    if path is None:
        return
    old = _seen(path)
    replaced = {(one.kind, one.device) for one in new}
    kept = [one for one in old if (one.kind, one.device) not in replaced] + new
    if kept != old:
        try:
            write_json(path, {"seen": [asdict(one) for one in kept]})
        except OSError:
            return  # a cache that cannot be written is never in the way


def _seen(path: Path | None) -> list[Probe]:
    """Read what was kept; a file that cannot be read tells nothing."""
    if path is None or not path.is_file():
        return []
    try:
        return [Probe(**one) for one in read_json(path).get("seen", ())]
    except (ExploreError, TypeError):
        return []


def _path() -> Path | None:
    folder = cache_folder()
    return None if folder is None else folder / _FILE


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else processor_of()


def _probe(kind: str, device: torch.device, ran: bool, result: str) -> Probe:
    return Probe(kind, _name(device), ran, result, torch.__version__, date.today().isoformat())


def _backend(
    name: str, device: torch.device, dtype: torch.dtype, problem: str | None, gradients: bool
) -> Probe:
    passes = "forward and backward" if gradients else "forward"
    kind = str(dtype).removeprefix("torch.")
    return _probe(name, device, problem is None, problem or f"{passes} in {kind} as the reference")


def _bfloat16(device: torch.device) -> Probe:
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(256, 256, generator=generator).to(device) for _ in range(2))
    exact = left @ right
    try:
        found = (left.bfloat16() @ right.bfloat16()).float()
    except RuntimeError as error:
        return _probe("bfloat16", device, False, str(error).splitlines()[0][:150])
    # Eight bits a factor, 256 products: errors of about 2^-9 · sqrt(256) of the values' size, 1.
    if not bool((found - exact).abs().max() < 1.0):
        return _probe("bfloat16", device, False, "does not compute here what float32 computes")
    return _probe("bfloat16", device, True, "matrix products as in float32, to its 3 digits")
