"""The network of a page as ONNX: one graph for predictions, attention maps and mean vectors."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from ..network.export.onnx import export_graph
from ..network.export.standalone import standalone_network
from ..network.modeling import Dnabert2PreTrainedModel

__all__ = ["OUTPUTS", "write_graph"]

#: Of a network with a head; one without has no logits.
OUTPUTS = ("logits", "attention_maps", "mean_vector")


class _Graph(nn.Module):
    """What the page asks for: plain tensors, every token of a batch present."""

    def __init__(self, network: nn.Module, with_logits: bool) -> None:
        super().__init__()
        self.network = network
        self.with_logits = with_logits

    def forward(self, input_ids: torch.Tensor, counted: torch.Tensor) -> tuple[torch.Tensor, ...]:
        found = self.network(input_ids=input_ids, output_hidden_states=True, output_attentions=True)
        weights = counted[..., None].to(found.hidden_states[-1].dtype)
        mean = (found.hidden_states[-1] * weights).sum(1) / weights.sum(1)
        rest = (torch.stack(found.attentions), mean)
        return (found.logits, *rest) if self.with_logits else rest


def write_graph(network: Dnabert2PreTrainedModel, path: Path) -> tuple[str, ...]:
    """Write a network as one ONNX file; return the names of its outputs.

    Inputs are ``input_ids``, (batch, tokens) int64 without padding, and ``counted``, int64 of the
    same shape, 1 where a token counts in the mean. Outputs are ``logits`` where there is a head,
    ``attention_maps`` (layers, batch, heads, tokens, tokens) and ``mean_vector`` (batch, hidden).
    """
    with_logits = type(network).__name__ != "Dnabert2Model"
    graph = _Graph(standalone_network(network).float(), with_logits).eval()
    outputs = OUTPUTS if with_logits else OUTPUTS[1:]
    ids = (torch.arange(32) % network.config.vocab_size).reshape(2, 16)
    counted = torch.ones_like(ids)
    export_graph(graph, (ids, counted), path, ("input_ids", "counted"), outputs, 20)
    return outputs
