"""ONNX: the network as a graph for onnxruntime, with any batch and length, and ALiBi in it."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ...common.files import called, filling
from ...errors import CheckpointError, silenced
from ..checkpoints.card import CARD, Card, card_text
from ..checkpoints.load import find_checkpoint, load_network
from ..checkpoints.saving import copy_tokenizer
from .standalone import keep_card, standalone_network

__all__ = ["MODEL", "export_graph", "export_onnx"]

MODEL = "model.onnx"

#: Weights beyond this do not fit into one ONNX file (protobuf's limit is 2 GB).
_LARGEST = 1_900_000_000


class _Graph(nn.Module):
    """What the graph computes: ids and mask in, plain tensors out."""

    def __init__(self, network: nn.Module, output: str) -> None:
        super().__init__()
        self.network = network
        self.output = output

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        found = self.network(input_ids=input_ids, attention_mask=attention_mask)
        return getattr(found, self.output)


def export_onnx(source: str | Path, folder: str | Path, opset: int = 20) -> Path:
    """Write a model as ONNX, in float32.

    Inputs are ``input_ids`` and ``attention_mask``, (batch, tokens) int64 each, both dimensions
    free. The output is ``logits`` of a classifier (batch, classes) or masked-LM head (batch,
    tokens, vocabulary), else ``last_hidden_state`` (batch, tokens, width), 0 at padding.

    Parameters
    ----------
    source : path or str
        Model folder or hub id.
    folder : path
        Receives model.onnx, config.json, the tokenizer and README.md, all of them or none.
    opset : int
        ONNX operator set.

    Returns
    -------
    pathlib.Path
        model.onnx.

    Raises
    ------
    CheckpointError
        If `source` is no DNABERT-2, or too large for one file.
    OSError
        If the disk is full, or the folder cannot be written.
    ImportError
        Without the extra ``onnx``.
    """
    import onnx  # noqa: F401 - asked for before minutes of work, not after
    import onnxscript  # noqa: F401

    checkpoint = find_checkpoint(source)
    network = load_network(checkpoint, torch.float32)
    parameters = sum(one.numel() for one in network.parameters())
    if 4 * parameters > _LARGEST:
        raise CheckpointError(
            f"{checkpoint.folder} has {parameters:,} parameters, too many for one ONNX file: "
            "export it to transformers instead."
        )
    output = "last_hidden_state" if type(network).__name__ == "Dnabert2Model" else "logits"
    graph = _Graph(standalone_network(network), output).eval()
    folder = Path(folder)
    with filling(folder) as fresh:
        # Two sequences of 16 tokens, one padded.
        ids = torch.arange(5, 37).reshape(2, 16)
        mask = torch.ones_like(ids)
        mask[1, 10:] = 0
        names = ("input_ids", "attention_mask")
        export_graph(graph, (ids, mask), fresh / MODEL, names, (output,), opset)
        copy_tokenizer(checkpoint.tokenizer, fresh)
        config: dict[str, Any] = network.config.to_dict() | {
            "architectures": [type(network).__name__],
            "dtype": "float32",
        }
        text = json.dumps(config, indent=2) + "\n"
        (fresh / "config.json").write_text(text, encoding="utf-8")
        card = card_text(
            config,
            parameters,
            Card(limits=keep_card(checkpoint, folder, fresh)),
            called(folder),
            _USAGE.format(output=output),
        )
        (fresh / CARD).write_text(card, encoding="utf-8")
    return folder / MODEL


def export_graph(
    graph: nn.Module,
    examples: tuple[torch.Tensor, ...],
    path: Path,
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    opset: int,
) -> None:
    """Write a module as one ONNX file; batch and tokens stay free.

    `examples` are inputs, (batch, tokens) each, of sizes above 1, to which the exporter
    specialises; names come in the order of these, and of what the module returns.
    """
    batch, tokens = torch.export.Dim("batch", min=1), torch.export.Dim("tokens", min=2)
    shape = {0: batch, 1: tokens}
    # Of the exporter's own, and of axes that two inputs share.
    with (
        silenced(FutureWarning),
        silenced(UserWarning, "# The axis name"),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        logger = logging.getLogger("torch.onnx")
        level = logger.level
        logger.setLevel(logging.ERROR)
        try:
            torch.onnx.export(
                graph,
                examples,
                path,
                input_names=list(inputs),
                output_names=list(outputs),
                dynamic_shapes=tuple(shape for _ in examples),
                opset_version=opset,
                dynamo=True,
                external_data=False,
                verbose=False,
            )
        finally:
            logger.setLevel(level)


_USAGE = """\
```python
import onnxruntime
from tokenizers import Tokenizer

tokenizer = Tokenizer.from_file("tokenizer.json")
session = onnxruntime.InferenceSession("model.onnx")
ids = [tokenizer.encode("ACGTACGTTTGACA").ids]
(out,) = session.run(None, {{"input_ids": ids, "attention_mask": [[1] * len(ids[0])]}})
```

`out` is `{output}`. Pad shorter sequences with any id and a mask of 0. Sequences are upper-case A,
C, G and T; anything else becomes [UNK] in silence."""
