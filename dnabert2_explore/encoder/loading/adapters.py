"""LoRA adapters (Hu et al. 2021) as peft saves them: found, checked, and merged into their base."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open

from ...common.files import expanded, located
from ...errors import CheckpointError, silenced
from ...extras import translated
from ...network import Dnabert2Config
from ...network.checkpoints.load import (
    CONFIG,
    Checkpoint,
    check_classes,
    find_checkpoint,
    load_network,
    read_config,
)
from ...network.checkpoints.weights import check_weights
from ...network.forward import EncoderForward
from ...network.headed import ClassifierForward
from ...results.rich_display import counted
from ...results.sealed import read_json
from .heads import under_fresh_head

if TYPE_CHECKING:
    from ...network import Dnabert2PreTrainedModel

__all__ = ["ADAPTER_CONFIG", "ADAPTER_WEIGHTS", "find_base", "is_adapter", "merge_adapter"]

ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"

_PREFIX = "base_model.model."
_HEAD = "classifier.weight"


def is_adapter(source: str | Path) -> bool:
    """Whether a folder holds an adapter rather than a whole model."""
    return (located(source) / ADAPTER_CONFIG).is_file()


def find_base(folder: str | Path, shipped: Mapping[str, Path]) -> Checkpoint:
    """Find the model that the adapter in a folder belongs to, among those `shipped` by name too.

    The folder has ``adapter_config.json``, which names the base model, and
    ``adapter_model.safetensors``. Raises CheckpointError where it is incomplete, holds another kind
    of adapter, or the model cannot be found.
    """
    folder = expanded(folder)
    path = folder / ADAPTER_CONFIG
    settings = read_json(path, CheckpointError)
    name, kind = settings.get("base_model_name_or_path"), settings.get("peft_type")
    if not isinstance(name, str) or not name or not isinstance(kind, str):
        raise CheckpointError(
            f"{path} is no adapter configuration (base_model_name_or_path {name!r}, peft_type "
            f"{kind!r}): copy the folder again."
        )
    if kind != "LORA":
        raise CheckpointError(f"{path} describes a {kind} adapter: only LoRA can be merged.")
    # Only safetensors are read: peft would take a pickle too.
    if not (folder / ADAPTER_WEIGHTS).is_file():
        raise CheckpointError(f"Adapter folder {folder} lacks {ADAPTER_WEIGHTS}: copy it too.")
    try:
        return find_checkpoint(shipped.get(name, name))
    except CheckpointError as error:
        raise CheckpointError(
            f"The adapter in {folder} belongs to the model {name!r}, which cannot be found "
            f"({error}): put that model there, or correct base_model_name_or_path in {path}."
        ) from error


def merge_adapter(
    folder: str | Path, base: Checkpoint, attention: str = "sdpa"
) -> Dnabert2PreTrainedModel:
    """Merge an adapter into its base model: in float32, on the CPU, in eval mode.

    The folder is as for `find_base`; with ``config.json``, if `finetune` wrote it, which names the
    classes. Every weight comes from one of the two: what neither holds would be random. A
    classifier, if either is one; else as the base. Raises CheckpointError where the two do not fit
    each other, or neither holds the pooler or the classifier.
    """
    with translated():
        from peft import PeftModel, get_peft_model_state_dict

    folder = expanded(folder)
    weights = folder / ADAPTER_WEIGHTS
    source = load_network(base, torch.float32, attention)
    try:
        check_weights(weights)
        with safe_open(weights, framework="pt") as file:
            shapes = {
                name.removeprefix(_PREFIX): file.get_slice(name).get_shape()
                for name in file.keys()  # noqa: SIM118
            }
        network = _under_adapter(folder, source, shapes)
        network.set_attn_implementation(attention)
        # peft's, of a name in transformers, and of keys, which are looked at below.
        with silenced(FutureWarning), silenced(UserWarning, ".*missing adapter keys"):
            # peft reads onto a GPU by itself, which may be full, or not the one that was asked for.
            adapted: Any = PeftModel.from_pretrained(network, str(folder), torch_device="cpu")
        # What peft would save by itself of the embeddings it asks the hub.
        wanted = {
            name.removeprefix(_PREFIX)
            for name in get_peft_model_state_dict(adapted, save_embedding_layers=False)
        }
        if lacking := sorted(wanted - set(shapes)):  # each would be a fresh weight
            raise CheckpointError(
                f"The adapter in {folder} does not fit the model in {base.folder}: it lacks "
                f"{lacking[0]}, of {counted(len(lacking), 'weight')}; use the model it was trained "
                "on."
            )
        merged: Dnabert2PreTrainedModel = adapted.merge_and_unload(safe_merge=True)
    except CheckpointError:
        raise
    except (
        SafetensorError, RuntimeError, ValueError, TypeError, AttributeError, LookupError,
        ArithmeticError, OSError,
    ) as error:  # fmt: skip
        reason = str(error).splitlines()[0][:150] if str(error) else type(error).__name__
        raise CheckpointError(
            f"The adapter in {folder} does not fit the model in {base.folder} ({reason}): use the "
            "model it was trained on."
        ) from error
    return merged.eval()


def _under_adapter(
    folder: Path, source: Dnabert2PreTrainedModel, shapes: Mapping[str, Any]
) -> Dnabert2PreTrainedModel:
    """Make of the base model what the adapter was trained on, with no random weight in the end."""
    named = folder / CONFIG
    if not (named.is_file() or _HEAD in shapes):
        if isinstance(source, EncoderForward | ClassifierForward):
            return source
        # Trained on the bare encoder, as AutoModel gives it?
        return source if any(name.startswith("bert.") for name in shapes) else source.bert
    if named.is_file():
        config = read_config(named)
        if _HEAD in shapes:
            check_classes(named, config, shapes[_HEAD][0])
    else:
        config = Dnabert2Config.from_dict(source.config.to_dict())
        if config.num_labels != shapes[_HEAD][0]:
            config.num_labels = shapes[_HEAD][0]
    network = under_fresh_head(source, config)
    heads = ("bert.pooler.", "classifier.")
    fresh = {name for name in network.state_dict() if name.startswith(heads)} - shapes.keys()
    if isinstance(source, ClassifierForward):
        # peft saves no more of a head than it was told to; the rest is the base model's own.
        own = {
            name: tensor
            for name, tensor in source.state_dict().items()
            if name in fresh and tensor.shape == network.state_dict()[name].shape
        }
        network.load_state_dict(own, strict=False)
        fresh -= own.keys()
    if fresh:
        raise CheckpointError(
            f"Neither the adapter in {folder} nor its base model holds {', '.join(sorted(fresh))}, "
            'which would be random: train it with modules_to_save=["pooler", "classifier"] in '
            "LoraConfig, which peft then saves, too."
        )
    return network
