"""LoRA adapters (Hu et al. 2021) as peft saves them: found, checked, and merged into their base."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from ..errors import CheckpointError
from ..network import Dnabert2Config, Dnabert2ForSequenceClassification
from ..network.checkpoint import CONFIG, Checkpoint, find_checkpoint, load_network, read_config
from .heads import under_fresh_head

__all__ = ["ADAPTER_CONFIG", "ADAPTER_WEIGHTS", "find_base", "is_adapter", "merge_adapter"]

ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"

_HEAD = "base_model.model.classifier.weight"


def is_adapter(source: str | Path) -> bool:
    """Whether a folder holds an adapter rather than a whole model."""
    return (Path(source).expanduser() / ADAPTER_CONFIG).is_file()


def find_base(folder: str | Path, shipped: Mapping[str, Path]) -> Checkpoint:
    """Find the model that an adapter belongs to.

    Parameters
    ----------
    folder : path-like
        With ``adapter_config.json``, which names the base model, and
        ``adapter_model.safetensors``.
    shipped : mapping of str to pathlib.Path
        Models of the package by name.

    Raises
    ------
    CheckpointError
        If the folder is incomplete, holds another kind of adapter, or the model cannot be found.
    """
    folder = Path(folder).expanduser()
    path = folder / ADAPTER_CONFIG
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
        name, kind = settings["base_model_name_or_path"], settings["peft_type"]
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{path} is no adapter configuration ({type(error).__name__}: {error}): copy the "
            "folder again."
        ) from error
    if kind != "LORA":
        raise CheckpointError(f"{path} describes a {kind} adapter: only LoRA can be merged.")
    # Only safetensors are read: peft would take a pickle too.
    if not (folder / ADAPTER_WEIGHTS).is_file():
        raise CheckpointError(f"Adapter folder {folder} lacks {ADAPTER_WEIGHTS}: copy it too.")
    try:
        return find_checkpoint(shipped.get(str(name), name))
    except CheckpointError as error:
        raise CheckpointError(
            f"The adapter in {folder} belongs to the model {name!r}, which cannot be found "
            f"({error}): put that model there, or correct base_model_name_or_path in {path}."
        ) from error


def merge_adapter(
    folder: str | Path, base: Checkpoint, attention: str = "sdpa"
) -> Dnabert2ForSequenceClassification:
    """Merge an adapter into its base model.

    Parameters
    ----------
    folder : path-like
        As for `find_base`; with ``config.json``, if `finetune` wrote it, which names the classes.
    base : Checkpoint
    attention : str
        Attention backend.

    Returns
    -------
    Dnabert2ForSequenceClassification
        In float32, on the CPU, in eval mode.

    Raises
    ------
    CheckpointError
        If the two do not fit each other.
    """
    from peft import PeftModel

    folder = Path(folder).expanduser()
    source = load_network(base, torch.float32, attention)
    try:
        network = under_fresh_head(source, _config(folder, source.config))
        network.set_attn_implementation(attention)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft's, of a name in transformers
            # A key that is missing would leave a fresh weight in its place.
            warnings.filterwarnings("error", message=".*missing adapter keys.*")
            adapted: Any = PeftModel.from_pretrained(network, str(folder))
        merged: Dnabert2ForSequenceClassification = adapted.merge_and_unload(safe_merge=True)
    except (SafetensorError, RuntimeError, ValueError, KeyError, UserWarning) as error:
        raise CheckpointError(
            f"The adapter in {folder} does not fit the model in {base.folder} "
            f"({str(error).splitlines()[0][:150]}): use the model it was trained on."
        ) from error
    return merged.eval()


def _config(folder: Path, base: Dnabert2Config) -> Dnabert2Config:
    """Read the classifier's own configuration, or tell its classes from the weights."""
    if (folder / CONFIG).is_file():
        return read_config(folder / CONFIG)
    with safe_open(folder / ADAPTER_WEIGHTS, framework="pt") as weights:
        classes = weights.get_slice(_HEAD).get_shape()[0]
    return Dnabert2Config.from_dict(base.to_dict() | {"num_labels": classes})
