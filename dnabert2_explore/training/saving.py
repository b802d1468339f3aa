"""Write a model folder: config.json, model.safetensors and the tokenizer's files."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

from ..network import Dnabert2PreTrainedModel

__all__ = ["save_model"]


def save_model(
    network: Dnabert2PreTrainedModel,
    folder: str | Path,
    tokenizer: str | Path | None = None,
    dtype: torch.dtype | None = None,
) -> None:
    """Write a model in the layout that :func:`dnabert2_explore.load` reads.

    Parameters
    ----------
    network : Dnabert2PreTrainedModel
        Left as it is.
    folder : path
        Made if needed; files of the same name are replaced.
    tokenizer : path, optional
        Folder (or ``tokenizer.json``) whose tokenizer files are copied.
    dtype : torch.dtype, optional
        Type of the weights in the file; by default the network's own.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    dtype = network.dtype if dtype is None else dtype
    # The decoder is the word embeddings under a second name; as in the published layout of
    # safetensors files it is stored once.
    tied = set(network._tied_weights_keys or ())
    weights = {
        name: tensor.detach().to("cpu", dtype).contiguous()
        for name, tensor in network.state_dict().items()
        if name not in tied
    }
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)  # safetensors writes files only the owner reads
    config = type(network.config).from_dict(network.config.to_dict())
    config.architectures = [type(network).__name__]
    config.dtype = dtype
    config.sparse_prediction = False  # a shortcut of training; users expect logits everywhere
    config.save_pretrained(folder)
    if tokenizer is not None:
        tokenizer = Path(tokenizer)
        source = tokenizer if tokenizer.is_dir() else tokenizer.parent
        for name in ("tokenizer.json", "tokenizer_config.json"):
            if (source / name).is_file():
                shutil.copyfile(source / name, folder / name)
