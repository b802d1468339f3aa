"""A small convolutional network on one-hot bases, trained from scratch: motifs and their places."""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from ...common.progress import Progress
from ...common.randomness import RandomStream
from ...errors import InputError
from ...sequences.codes import UNKNOWN, padded_codes
from .fitted import Fitted, log_loss
from .strands import averaged, both_strands, titled

if TYPE_CHECKING:
    from ..labelled.tables import Labelled

__all__ = ["SmallCnn", "fit_cnn"]

#: Segments that the last feature map is averaged in: position survives coarsely.
_SEGMENTS = 8
_BETWEEN = 0.2  # dropout between convolutions


class SmallCnn(nn.Module):
    """Three convolutions (64, 128, 128 filters of 11, 7, 5), pooled in 8 segments, two layers.

    The shape of DeepSEA (Zhou & Troyanskaya 2015, doi:10.1038/nmeth.3547) and Basset (Kelley et al.
    2016, doi:10.1101/gr.200535.115) at a tenth of their size: about 210,000 parameters. The two
    sequences of a `pair` are read with the same convolutions. `dropout` stands before each linear
    layer: without it, and a little between the convolutions, such a network knows 20,000 sequences
    by heart within an epoch.
    """

    def __init__(self, classes: int, pair: bool = False, dropout: float = 0.5) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            *_block(4, 64, 11), nn.Dropout(_BETWEEN), nn.MaxPool1d(2),
            *_block(64, 128, 7), nn.Dropout(_BETWEEN), nn.MaxPool1d(2),
            *_block(128, 128, 5),
        )  # fmt: skip
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear((2 if pair else 1) * 128 * _SEGMENTS, 64),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(64, classes),
        )

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Classify codes (batch, sequences, length), int64: logits (batch, classes).

        Codes are 0 to 3, and 4 for unknown, which is all zeros.
        """
        batch, sequences, _ = codes.shape
        hot = functional.one_hot(codes.flatten(0, 1), UNKNOWN + 1)[..., :UNKNOWN]
        maps = self.trunk(hot.transpose(1, 2).float())
        pooled = _segments(maps).reshape(batch, sequences * 128 * _SEGMENTS)
        return self.head(pooled)


def _block(inputs: int, filters: int, width: int) -> tuple[nn.Module, ...]:
    return nn.Conv1d(inputs, filters, width, padding=width // 2), nn.BatchNorm1d(filters), nn.ReLU()


def _segments(maps: torch.Tensor) -> torch.Tensor:
    """Largest value in each of 8 segments; adaptive pooling is slow on CPUs and GPUs alike."""
    width = -(-maps.shape[-1] // _SEGMENTS)
    filled = functional.pad(maps, (0, width * _SEGMENTS - maps.shape[-1]))  # ReLU: 0 is the least
    return filled.unflatten(-1, (_SEGMENTS, width)).amax(dim=-1)


def _codes(data: Labelled, length: int) -> NDArray[np.int8]:
    """Code the one or two sequences of every row, (n, sequences, length)."""
    return np.stack([padded_codes(bases, length) for bases in data.parts], axis=1)


def _log_probabilities(
    network: SmallCnn, codes: NDArray[np.int8], device: torch.device, batch: int = 256
) -> NDArray[np.float64]:
    network.eval()
    with torch.inference_mode():
        parts = [
            network(torch.from_numpy(codes[start : start + batch]).to(device, torch.long))
            .double()
            .log_softmax(-1)
            .cpu()
            .numpy()
            for start in range(0, len(codes), batch)
        ]
    return np.concatenate(parts)


def fit_cnn(
    training: Labelled,
    dev: Labelled,
    epochs: int = 20,
    patience: int = 3,
    batch: int = 128,
    learning_rate: float = 5e-4,
    max_minutes: float = 0.0,
    longest: int = 10_000,
    seed: int = 42,
    strands: str = "given",
    device: str = "cpu",
    progress: Progress | None = None,
) -> Fitted:
    """Train the network; the epoch with the lowest loss on dev is kept.

    AdamW with a weight decay of 0.01, evaluated once an epoch; it ends after `patience` epochs
    without a better loss, and begins none after `max_minutes` (0 for no limit). Sequences are cut
    at `longest` bases. With `strands` "both" an epoch passes over both strands of every row, and
    answers are the mean over them, on dev too. `seed` is of the weights, the order and dropout; the
    global generator is left as it was. `progress(step, steps)` may raise Cancelled. Epochs,
    patience or a batch below 1 are an `InputError`.
    """
    if min(epochs, patience, batch) < 1:
        raise InputError(
            f"epochs {epochs}, patience {patience}, batch {batch}: expected at least 1 each."
        )
    where = torch.device(device)
    lengths = (len(one) for part in (*training.parts, *dev.parts) for one in part)
    length = min(longest, max(lengths))
    seen = both_strands(training, strands)
    inputs = _codes(seen, length)
    labels = torch.from_numpy(np.asarray(seen.labels, dtype=np.int64))
    order = np.random.default_rng(seed)
    begun = time.monotonic()
    best: tuple[float, int, dict[str, torch.Tensor]] | None = None
    steps = -(-len(inputs) // batch)
    epoch = 0
    numbers = RandomStream(seed)
    with numbers.drawing():
        network = SmallCnn(len(training.classes), training.second is not None).to(where)
    answer = averaged(
        lambda data: np.exp(_log_probabilities(network, _codes(data, length), where)), strands
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=0.01)
    for epoch in range(1, epochs + 1):
        network.train()
        shuffled = order.permutation(len(inputs))
        for step in range(steps):
            rows = shuffled[step * batch : (step + 1) * batch]
            if len(rows) == 1 and len(inputs) > 1:
                continue  # a batch of one has no variance to normalise by
            codes = torch.from_numpy(inputs[rows]).to(where, torch.long)
            with numbers.drawing():
                loss = functional.cross_entropy(network(codes), labels[rows].to(where))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            if progress is not None:
                progress((epoch - 1) * steps + step + 1, epochs * steps)
        dev_loss = log_loss(dev, answer(dev), least=1e-300)
        if best is None or dev_loss < best[0]:
            best = (dev_loss, epoch, copy.deepcopy(network.state_dict()))
        late = bool(max_minutes) and time.monotonic() - begun > 60 * max_minutes
        if late or epoch - best[1] >= patience:
            break
    assert best is not None  # epochs is at least 1
    network.load_state_dict(best[2])
    return Fitted(
        name="cnn",
        title=titled("small CNN", strands),
        settings={
            "epochs": epoch,
            "kept_epoch": best[1],
            "dev_loss": best[0],
            "patience": patience,
            "batch": batch,
            "learning_rate": learning_rate,
            "length": length,
            "max_minutes": max_minutes,
            "strands": strands,
        },
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        probabilities=answer,
    )
