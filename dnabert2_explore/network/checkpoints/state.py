"""The weights of a checkpoint under their published names, whatever kind of file holds them."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError

from ...errors import CheckpointError
from ...results.sealed import read_json
from ..config import Dnabert2Config
from .weights import read_weights

__all__ = [
    "DECODER",
    "EMBEDDINGS",
    "INDEX",
    "check_sizes",
    "misshapen",
    "parts_of",
    "read_state",
    "refuse",
]

#: Says which weights lie in which part, where a model was saved in several.
INDEX = "model.safetensors.index.json"

EMBEDDINGS = "bert.embeddings.word_embeddings.weight"
DECODER = "cls.predictions.decoder.weight"

_LAYER = re.compile(r"bert\.encoder\.layer\.(\d+)\.")
# What wrappers put before every name: torch's DataParallel, torch.compile.
_WRAPPERS = ("module.", "_orig_mod.")


def parts_of(index: Path) -> tuple[Path, ...]:
    """Return the files that an index names, in their order.

    One that is no index, or names a file that is missing, is a `CheckpointError`.
    """
    named = read_json(index, CheckpointError).get("weight_map")
    names = list(dict.fromkeys(named.values())) if isinstance(named, dict) else []
    if not names or not all(
        isinstance(name, str) and Path(name).name == name and name.endswith(".safetensors")
        for name in names
    ):
        raise CheckpointError(
            f"{index} does not say in which .safetensors files the weights lie: copy it again."
        )
    if missing := [name for name in names if not (index.parent / name).is_file()]:
        raise CheckpointError(
            f"{index.parent} lacks {', '.join(missing)}, which {index.name} names: copy every part."
        )
    return tuple(index.parent / name for name in names)


def read_state(path: Path, parts: tuple[Path, ...] = ()) -> dict[str, torch.Tensor]:
    """Read all weights of a checkpoint: of a file, or of the `parts` that an index names.

    Safetensors files and zipped ``.bin`` files stay mapped from the disk. A file that is damaged,
    asks to run code, or is no state dict is a `CheckpointError`.
    """
    state: dict[str, torch.Tensor] = {}
    for file in parts or (path,):
        state |= _read(file)
    return _published_names(state)


def _read(path: Path) -> dict[str, torch.Tensor]:
    try:
        if path.suffix == ".safetensors":
            return read_weights(path)
        # mmap leaves pages on disk until they are used, which files of torch before 1.6 do not
        # allow; weights_only refuses code in the pickle.
        state = torch.load(
            path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
        )
    except CheckpointError:
        raise
    except (SafetensorError, RuntimeError, EOFError, ValueError, OSError) as error:
        raise _unreadable(path, error) from error
    except Exception as error:  # what a damaged pickle raises is open-ended
        # torch raises pickle.UnpicklingError for anything but plain tensors.
        if type(error).__name__ != "UnpicklingError":
            raise _unreadable(path, error) from error
        raise CheckpointError(
            f"{path} is not a plain state dict (it asks to run code, or is no weights file), and "
            "was not loaded: save it as model.safetensors first."
        ) from error
    if not isinstance(state, dict) or not all(
        isinstance(name, str) and isinstance(tensor, torch.Tensor) for name, tensor in state.items()
    ):
        raise CheckpointError(
            f"{path} is not a plain state dict (names of weights and tensors): save the model's "
            "state_dict() alone."
        )
    return state


def _unreadable(path: Path, error: Exception) -> CheckpointError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return CheckpointError(
        f"{path} is not a readable weights file ({reason[:120]}): it may be cut short or a "
        "Git LFS pointer; download it again."
    )


def _published_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Bring old spellings, and those of wrappers, to the published names."""
    for _ in range(4):  # a wrapper may lie in a wrapper
        for prefix in _WRAPPERS:
            if state and all(name.startswith(prefix) for name in state):
                state = {name.removeprefix(prefix): tensor for name, tensor in state.items()}
    renamed = {}
    for name, tensor in state.items():
        new = name.replace("LayerNorm.gamma", "LayerNorm.weight")
        renamed[new.replace("LayerNorm.beta", "LayerNorm.bias")] = tensor
    if not any(name.startswith("bert.") for name in renamed):
        # A bare encoder (DNABERT-S): its names lack the prefix that models with a head carry.
        renamed = {f"bert.{name}": tensor for name, tensor in renamed.items()}
    return renamed


def check_sizes(config: Dnabert2Config, state: dict[str, torch.Tensor], path: Path) -> None:
    """Raise where a configuration and the weights speak of different networks.

    Before anything is built: a number of layers alone can take all memory and time there is. The
    `CheckpointError` has the sizes on both sides.
    """
    layers = {found[1] for name in state if (found := _LAYER.match(name))}
    if config.num_hidden_layers > len(layers):
        raise CheckpointError(
            f"{path} holds {len(layers)} layers, its config.json says num_hidden_layers "
            f"{config.num_hidden_layers}: pass a complete DNABERT-2 checkpoint with its own "
            "config.json."
        )
    width, block = config.hidden_size, "bert.encoder.layer.0."
    expected = {
        EMBEDDINGS: (config.vocab_size, width),
        "bert.embeddings.token_type_embeddings.weight": (config.type_vocab_size, width),
        f"{block}attention.self.Wqkv.weight": (3 * width, width),
        f"{block}mlp.gated_layers.weight": (2 * config.intermediate_size, width),
    }
    refuse(
        {
            "missing": [name for name in expected if name not in state],
            "of another shape": misshapen(state, expected),
        },
        "DNABERT-2",
        path,
    )


def misshapen(state: dict[str, torch.Tensor], expected: Mapping[str, tuple[int, ...]]) -> list[str]:
    """Name the weights whose shape is not the one expected, with both."""
    return [
        f"{name} {tuple(state[name].shape)} instead of {shape}"
        for name, shape in expected.items()
        if name in state and tuple(state[name].shape) != shape
    ]


def refuse(problems: dict[str, list[str]], network: str, path: Path) -> None:
    """Raise if there are names under any kind of problem; at most 40 of each are told."""
    told = [
        f"{kind}: {', '.join(names[:40])}" + (f" and {len(names) - 40} more" * (len(names) > 40))
        for kind, names in problems.items()
        if names
    ]
    if told:
        raise CheckpointError(
            f"{path} does not fit a {network} of its config.json ({'; '.join(told)}): pass a "
            "complete DNABERT-2 checkpoint with its own config.json."
        )
