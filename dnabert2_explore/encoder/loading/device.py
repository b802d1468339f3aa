"""Where a model computes."""

from __future__ import annotations

import os

import torch

from ...errors import InputError

__all__ = ["DEVICE_VARIABLE", "find_device"]

#: Environment variable that names the device "auto" stands for: the CPU of a machine whose GPU is
#: busy, or the second of its GPUs.
DEVICE_VARIABLE = "DNABERT2_EXPLORE_DEVICE"


def find_device(name: str) -> torch.device:
    """Resolve a device by name.

    ``"cpu"``, ``"cuda"``, ``"cuda:1"``, …, or ``"auto"``: what the environment variable
    ``DNABERT2_EXPLORE_DEVICE`` names, else the GPU if there is one, else the CPU. Raises InputError
    where the name is unknown or the device is not there.

    Examples
    --------
    >>> find_device("cpu")
    device(type='cpu')
    """
    said = ""
    if name == "auto":
        name = os.environ.get(DEVICE_VARIABLE, "").strip() or "auto"
        said = f" (from {DEVICE_VARIABLE})"
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        if device.type not in ("cpu", "cuda"):
            raise NotImplementedError("this package computes on a CPU or a CUDA GPU")
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise InputError(
            f"Device {name!r}{said} is not available here ({str(error).splitlines()[0][:100]}): "
            "choose 'cpu' or 'auto'."
        ) from error
    return device
