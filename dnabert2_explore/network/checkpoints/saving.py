"""Write a model folder: config.json, model.safetensors, the tokenizer's files and a card."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ...common.files import filling, write_text
from ...results.sealed import read_json, write_json
from .card import Card, write_card
from .load import CONFIG
from .tokenizer_settings import TOKENIZER_SETTINGS
from .vocabulary import vocabulary_sha256
from .weights import save_weights

if TYPE_CHECKING:
    from ..modeling import Dnabert2PreTrainedModel

__all__ = ["copy_tokenizer", "save_model"]


def save_model(
    network: Dnabert2PreTrainedModel,
    folder: str | Path,
    tokenizer: str | Path | None = None,
    dtype: torch.dtype | None = None,
    card: Card | None = None,
    more: dict[str, Any] | None = None,
    usage: str = "",
) -> None:
    """Write a model in the layout that :func:`dnabert2_explore.load` reads, all files or none.

    The folder is made if needed, and files of the same name are replaced; the network is left as it
    is. The files of `tokenizer` (a folder, or ``tokenizer.json``) are copied. `dtype` is that of
    the weights in the file, by default the network's own. `card` is what README.md says of the
    model beside what the files say, `usage` what it says on loading in place of the usual lines,
    and `more` are further entries of config.json. A full disk, or a folder that cannot be written,
    is an OSError.
    """
    folder = Path(folder)
    dtype = network.dtype if dtype is None else dtype
    # The decoder is the word embeddings under a second name; as in the published layout of
    # safetensors files it is stored once.
    tied = set(network._tied_weights_keys or ())
    weights = {
        name: tensor.detach().to("cpu", dtype).contiguous()
        for name, tensor in network.state_dict().items()
        if name not in tied
    }
    config = type(network.config).from_dict(network.config.to_dict())
    config.architectures = [type(network).__name__]
    config.dtype = dtype
    config.sparse_prediction = False  # a shortcut of training; users expect logits everywhere
    for name, value in (more or {}).items():
        setattr(config, name, value)
    with filling(folder) as fresh:
        save_weights(weights, fresh / "model.safetensors")
        if tokenizer is not None:
            copy_tokenizer(tokenizer, fresh)
            if (fresh / "tokenizer.json").is_file():
                config.vocabulary_sha256 = vocabulary_sha256(fresh / "tokenizer.json")
        config.save_pretrained(fresh)
        write_json(fresh / CONFIG, read_json(fresh / CONFIG))  # the same, with its digest
        write_card(fresh, card, usage)


def copy_tokenizer(source: str | Path, folder: Path) -> None:
    """Copy a tokenizer's files, of a folder or beside ``tokenizer.json``.

    Where its settings are missing, those of all DNABERT-2's are written.
    """
    source = Path(source)
    source = source if source.is_dir() else source.parent
    for name in ("tokenizer.json", "tokenizer_config.json"):
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)
    settings = folder / "tokenizer_config.json"
    if not settings.is_file():
        write_text(settings, json.dumps(TOKENIZER_SETTINGS, indent=1) + "\n")
