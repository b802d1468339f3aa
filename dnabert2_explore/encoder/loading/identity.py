"""Which network it is that computes: by its file, or by its weights where they were changed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

import torch

from ...network import Network
from ...network.checkpoints.load import Checkpoint

Weights = dict[str, torch.nn.Parameter]

__all__ = ["Sample", "Snapshot", "file_sha256", "hooked", "network_sha256", "shape_of"]

#: Entries of a configuration that change what a network computes.
_SHAPE = (
    "num_hidden_layers",
    "num_attention_heads",
    "layer_norm_eps",
    "classifier_pooling",
    "problem_type",
)


#: Integer types to read the bits of a weight as, by its bytes.
_BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


#: A sample takes every word (of eight bytes) of a small weight, and of a large one the first of so
#: many numbers: one word less than a row of DNABERT-2, so that samples meet every row, and wander
#: over its columns. No edit of a whole row or column of such a network passes them by.
_WIDTH = 768
_SMALL = 1 << 15


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """How the weights of a network stand, told by their counters and a sample of their bits."""

    weights: tuple[tuple[str, int, int], ...]
    bits: torch.Tensor

    @classmethod
    def of(cls, network: Network) -> Sample:
        """Take a sample; a tenth of the time of reading all weights."""
        weights = dict(network.named_parameters())
        return cls(_counters(weights), _sample(weights))

    def same(self, other: Sample) -> bool:
        """Whether the two are of the same weights, as far as a sample shows."""
        return self.weights == other.weights and torch.equal(self.bits, other.bits)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How a network's weights stood when it was loaded.

    What is cached belongs to the weights of a file. A network that was trained, edited or given
    adapters since then computes something else, and `holds` says so. Looked at are
    torch's version counters, where the weights lie, a sample of their bits, and a sum over all of
    them, which shows edits through ``.data`` that no counter sees.
    """

    weights: tuple[tuple[str, int, int], ...]
    sums: tuple[int, ...]
    sample: torch.Tensor = field(compare=False)

    @classmethod
    def of(cls, network: Network) -> Snapshot:
        """Take a snapshot; some ten milliseconds for 117 million weights."""
        weights = dict(network.named_parameters())
        return cls(_counters(weights), _sums(weights), _sample(weights))

    @classmethod
    def never(cls) -> Snapshot:
        """Make one that no network fits."""
        return cls((), (), torch.empty(0))

    def holds(self, network: Network, thorough: bool = True) -> bool:
        """Whether the weights are still those of then, and the network is not in training.

        If not `thorough`, a tenth of the time is spent on a sample of the weights, which an edit of
        a few numbers through ``.data`` may pass by; every other edit is seen.
        """
        if network.training:
            return False
        weights = dict(network.named_parameters())
        if _counters(weights) != self.weights or not torch.equal(_sample(weights), self.sample):
            return False
        return not thorough or _sums(weights) == self.sums


def hooked(network: Network) -> bool:
    """Whether anything hooks into a network's forward pass."""
    return any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def _counters(weights: Weights) -> tuple[tuple[str, int, int], ...]:
    return tuple((name, weight._version, weight.data_ptr()) for name, weight in weights.items())


def _sums(weights: Weights) -> tuple[int, ...]:
    """Sum over the bits of each weight, modulo 2**64."""
    sums = []
    for weight in weights.values():
        bits = _bits(weight.detach())
        sums.append(bits.sum(dtype=torch.int64))
    return tuple(torch.stack(sums).tolist())


def _sample(weights: Weights) -> torch.Tensor:
    parts = []
    for weight in weights.values():
        bits = _bits(weight.detach()).reshape(-1)
        if len(bits) > _SMALL:
            bits = bits[:: _WIDTH * weight.element_size() // bits.element_size() - 1]
        parts.append(bits)
    return torch.cat([part.long() for part in parts])


def _bits(weight: torch.Tensor) -> torch.Tensor:
    """View a weight as whole numbers.

    By words of eight bytes where it consists of such, which reads it five times as fast as four
    bytes at a time, each made a number of eight.
    """
    size = weight.element_size()
    if (
        weight.is_contiguous()
        and weight.dim()
        and not weight.shape[-1] * size % 8
        and not weight.storage_offset() * size % 8  # a part of another tensor may begin anywhere
    ):
        return weight.view(torch.int64)
    return weight.view(_BITS[size])


def file_sha256(checkpoint: Checkpoint) -> str:
    """Digest of the weights' file; empty if it is gone or another than when it was loaded."""
    try:
        digest = checkpoint.sha256()
        return digest if checkpoint.untouched() else ""
    except OSError:
        return ""


def network_sha256(network: Network) -> str:
    """Digest of the names, types and values of a network's weights."""
    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        data = tensor.detach().cpu().contiguous().view(-1).view(torch.uint8)
        digest.update(data.numpy().data)
    return digest.hexdigest()


def shape_of(network: Network) -> str:
    """Tell, as JSON, what of a network its weights do not say."""
    config = network.config
    # Other models than DNABERT-2 do not have them all.
    return json.dumps({name: getattr(config, name, None) for name in _SHAPE}, sort_keys=True)
