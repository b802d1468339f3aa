"""``dnabert2-explore info``: what is installed, what it runs on, which models are at hand."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import __version__
from ..common.folders import CACHE_VARIABLE, cache_folder
from .common import MODELS

__all__ = ["info"]

PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "captum",
    "umap-learn",
    "numpy",
    "plotly",
    "ipywidgets",
    "anywidget",
    "jupyterlab",
    "flash-attn",
)


def info(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    attempt: Annotated[
        bool, typer.Option("--try", help="Try flash, flex and bfloat16 here (up to a minute).")
    ] = False,
) -> None:
    """Show versions, device, attention backends, the cache and the models of the package.

    Of flash, flex and bfloat16 it says whether this machine has been seen to run them: when a
    model was loaded on a GPU, or by --try, which computes a small batch and compares.
    Paste its output into a bug report: it names no file of yours.

    [bold]Examples[/bold]

      dnabert2-explore info

      dnabert2-explore info --try
      dnabert2-explore info --json | jq .device
    """
    facts = {
        "dnabert2-explore": __version__,
        "python": f"{platform.python_version()} on {platform.platform()}",
        "packages": {name: _version(name) for name in PACKAGES},
        **_hardware(attempt),
        "models": shipped_models(),
    }
    if as_json:
        print(json.dumps(facts, indent=2))
    else:
        _print(facts)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _hardware(attempt: bool) -> dict[str, Any]:
    import torch

    from ..encoder import DEVICE_VARIABLE, find_device
    from ..encoder.loading.precision import gains_from_bfloat16
    from ..encoder.loading.probes import known_probes, run_probes
    from ..network.attention import BACKENDS, why_not

    where = find_device("auto")
    # Half precision on a GPU, where it is fast and flash knows nothing else.
    dtype = torch.bfloat16 if where.type == "cuda" else torch.float32
    missing = {name: why_not(name, where, dtype) for name in BACKENDS}
    seen = {one.kind: one for one in run_probes(where)} if attempt else known_probes(where)

    def state(name: str) -> str:
        if name in seen:
            return str(seen[name])
        return "not tried here: run dnabert2-explore info --try"

    device = str(where)
    if where.type == "cuda":
        device = f"{where} ({torch.cuda.get_device_name(where)})"
    if os.environ.get(DEVICE_VARIABLE, "").strip():
        device += f", named by {DEVICE_VARIABLE}"
    fast = "fast here" if gains_from_bfloat16(where) else "slower than float32 here"
    return {
        "device": device,
        "threads": torch.get_num_threads(),
        "bfloat16": f"{fast}; {state('bfloat16')}",
        "attention": {
            name: problem or (state(name) if name in ("flash", "flex") else "works")
            for name, problem in missing.items()
        },
        "cache": _cache(),
    }


def _cache() -> str:
    folder = cache_folder()
    if folder is None:
        return f"off ({CACHE_VARIABLE})"
    size = 0
    for file in folder.rglob("*"):
        with suppress(OSError):  # another process may remove what it made
            size += file.stat().st_size if file.is_file() else 0
    home = Path.home()
    shown = f"~/{folder.relative_to(home)}" if folder.is_relative_to(home) else str(folder)
    return f"{shown} ({size / 1e6:,.1f} MB)"


def shipped_models() -> dict[str, dict[str, Any]]:
    """Name, size and checksum of the models inside the package, weights unread."""
    models = {}
    for weights in sorted(MODELS.glob("*/model.safetensors")):
        config = json.loads((weights.parent / "config.json").read_text(encoding="utf-8"))
        models[weights.parent.name] = {
            "layers": config["num_hidden_layers"],
            "hidden": config["hidden_size"],
            "heads": config["num_attention_heads"],
            "megabytes": round(weights.stat().st_size / 1e6, 1),
            "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        }
    return models


def _print(facts: dict[str, Any]) -> None:
    named = ("dnabert2-explore", "python", "device", "threads", "bfloat16", "cache")
    rows = [(key, str(facts[key])) for key in named]
    rows += [(f"attention {name}", state) for name, state in facts["attention"].items()]
    rows += [(name, version or "not installed") for name, version in facts["packages"].items()]
    for name, model in facts["models"].items():
        shape = f"{model['layers']} layers x {model['hidden']}, {model['heads']} heads"
        rows.append((name, f"{shape}, {model['megabytes']} MB"))
        # On a line of its own and never folded: a checksum cut in two cannot be compared.
        rows.append(("", f"sha256 {model['sha256']}"))
    width = max(len(key) for key, _ in rows)
    for key, value in rows:
        print(f"{key:<{width}}  {value}")
