"""Training a TopK sparse autoencoder on one layer's states."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from ...common.costs import RATE, expect_cost, pass_seconds, says_cost
from ...common.progress import Progress, within
from ...encoder import Bases, Encoder
from ...encoder.loading.twin import random_twin
from ...errors import InputError
from ...results.origins import recorded
from ...sequences import Sequence
from ...sequences.given import as_sequences
from .autoencoder import Features
from .states import states_of

__all__ = ["train", "training_cost"]

#: Tokens that are trained on at most: 150 MB of a network 192 wide.
_MOST = 200_000
_LEAST = 200
_BATCH = 1024
#: Steps without a token after which a feature counts as dead and is led to what is left over.
_PATIENCE = 50
_AUXILIARY = 1 / 32


@recorded
@says_cost
def train(
    enc: Encoder,
    sequences: Bases | Iterable[Bases],
    layer: int,
    *,
    n_features: int = 0,
    k: int = 16,
    steps: int = 300,
    learning_rate: float = 2e-3,
    twin: bool = True,
    seed: int = 0,
    progress: Progress | None = None,
) -> Features:
    """Train a sparse autoencoder on the states of one layer at all tokens of sequences.

    Cost: `steps` steps of 1,024 tokens (about 40 ms each of a network 192 wide), and one pass of
    the network; twice that with `twin`. `training_cost` says it for a case.

    Parameters
    ----------
    enc : Encoder
    sequences : str, Sequence, or iterable of them
        A tenth of their tokens are held out to say how much is explained: those of whole sequences
        where there are ten or more. Of more than 200,000 tokens, so many are drawn.
    layer : int
        0 for the embeddings, i for the output of layer i; negative counts from the last.
    n_features : int
        4 times the width by default (0).
    k : int
        Features that are active at a token.
    steps : int
    learning_rate : float
        Of Adam; it falls to 0 over the last third.
    twin : bool
        Also train one on the states of a network of the same shape that has learnt nothing.
    seed : int
        Of weights, batches and what is held out: the same seed makes the same features.
    progress : callable, optional
        Called as progress(done, total), of sequences and steps; raise `Cancelled` from it to stop.

    Returns
    -------
    Features

    Raises
    ------
    InputError
        If there is no such layer, a number is out of range, or there are fewer than 200 tokens.

    Notes
    -----
    TopK autoencoders with an auxiliary loss for dead features: Gao et al. 2024 (arXiv 2406.04093).
    States are divided by their mean length for training, which is folded into the weights.

    Examples
    --------
    >>> import dnabert2_explore as dx
    >>> windows = dx.demo.windows()[:8]
    >>> enc = dx.load("pocket")
    >>> found = dx.features.train(enc, windows, 2, n_features=64, k=4, steps=5, twin=False)
    >>> len(found), found.layer
    (64, 2)
    """
    batch = as_sequences(sequences)
    (number,) = enc.find_layers(layer)
    width = enc.config.hidden_size
    count = n_features or 4 * width
    if count < 1 or steps < 1 or not 1 <= k <= count:
        raise InputError(
            f"n_features is {n_features}, k {k} and steps {steps}: give at least one of each, and "
            "no more active features than there are."
        )
    tokens = sum(int((~enc.tokenize(one).special).sum()) for one in batch)
    if tokens < _LEAST:
        raise InputError(
            f"The sequences have {tokens} tokens, too few to train on: give sequences with "
            f"{_LEAST} or more in all."
        )
    expect_cost(progress, training_cost(enc, batch, n_features=n_features, steps=steps, twin=twin))
    each = len(batch) + steps
    total = each * (2 if twin else 1)

    def of(model: Encoder, before: int) -> Features:
        read = within(progress, before, len(batch), total)
        fitted = within(progress, before + len(batch), steps, total)
        train_states, held = _split(model, batch, number, seed, read)
        made = _fit(train_states, count, k, steps, learning_rate, seed, fitted)
        found = replace(made, layer=number, model=str(model.info), seed=seed)
        active = np.zeros(count, dtype=bool)
        for part in np.array_split(train_states, max(1, len(train_states) // 4096)):
            active |= (found.activations(part) > 0).any(axis=0)
        left = held - found.reconstruct(found.activations(held))
        explained = 1 - (left**2).sum() / ((held - held.mean(axis=0)) ** 2).sum()
        return replace(found, explained=float(explained), dead=float(1 - active.mean()))

    own = of(enc, 0)
    return replace(own, twin=of(random_twin(enc, seed=seed), each)) if twin else own


def training_cost(
    enc: Encoder,
    sequences: Bases | Iterable[Bases],
    *,
    n_features: int = 0,
    steps: int = 300,
    twin: bool = True,
) -> float:
    """Estimate what `train` takes, by counting its multiplications.

    Parameters
    ----------
    enc, sequences, n_features, steps, twin
        As in `train`.

    Returns
    -------
    float
        Seconds of one processor core of a laptop, within a factor of two or so.

    Examples
    --------
    >>> import dnabert2_explore as dx
    >>> dx.features.training_cost(dx.load("pocket"), dx.demo.windows()[::5]) > 10
    True
    """
    width = enc.config.hidden_size
    bases = sum(len(one.bases) for one in as_sequences(sequences))
    parameters = sum(one.numel() for one in enc.body.encoder.parameters())
    step = 12 * _BATCH * width * (n_features or 4 * width) / RATE
    return (2 if twin else 1) * (pass_seconds(parameters, bases) + steps * step)


def _split(
    enc: Encoder, batch: list[Sequence], layer: int, seed: int, report: Progress
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """States to train on, and those held out."""
    rng = np.random.default_rng(seed)
    by_sequence = [states for _, _, states in states_of(enc, batch, layer, report)]
    tokens = sum(map(len, by_sequence))
    order = rng.permutation(len(by_sequence))
    if len(order) >= 10:
        out = set(order[: len(order) // 10].tolist())
        held = np.concatenate([by_sequence[i] for i in sorted(out)])
        kept = np.concatenate([one for i, one in enumerate(by_sequence) if i not in out])
    else:
        every = np.concatenate(by_sequence)
        chosen = np.zeros(tokens, dtype=bool)
        chosen[rng.permutation(tokens)[: tokens // 10]] = True
        held, kept = every[chosen], every[~chosen]
    if len(kept) > _MOST:
        kept = kept[np.sort(rng.permutation(len(kept))[:_MOST])]
    return kept, held


def _fit(
    states: NDArray[np.float32],
    count: int,
    k: int,
    steps: int,
    learning_rate: float,
    seed: int,
    report: Progress,
) -> Features:
    """Minimise the squared error of what the k largest features put together."""
    with torch.inference_mode(False), torch.enable_grad():
        generator = torch.Generator().manual_seed(seed)
        data = torch.from_numpy(states)
        centre = data.mean(dim=0)
        scale = float((data - centre).norm(dim=1).mean()) or 1.0
        data = data / scale
        decode = torch.randn(count, data.shape[1], generator=generator)
        decode = torch.nn.functional.normalize(decode, dim=1).requires_grad_()
        encode = decode.detach().T.clone().requires_grad_()
        encode_bias = torch.zeros(count, requires_grad=True)
        bias = (centre / scale).clone().requires_grad_()
        optimiser = torch.optim.Adam([encode, encode_bias, decode, bias], lr=learning_rate)
        idle = torch.zeros(count, dtype=torch.long)
        for step in range(steps):
            rate = learning_rate * min(1.0, (steps - step) / max(1, steps / 3))
            optimiser.param_groups[0]["lr"] = rate
            rows = torch.randint(len(data), (min(_BATCH, len(data)),), generator=generator)
            x = data[rows]
            before = (x - bias) @ encode + encode_bias
            error = x - _decoded(before, k, decode) - bias
            loss = error.square().sum(dim=1).mean()
            used = torch.zeros(count, dtype=torch.bool)
            used[before.detach().topk(k, dim=1).indices.unique()] = True
            idle = torch.where(used, 0, idle + 1)
            dead = idle > _PATIENCE
            if dead.any():
                # Dead features are asked for what the others leave over.
                alone = before.masked_fill(~dead, -torch.inf)
                some = min(int(dead.sum()), 2 * k)
                rest = error.detach() - _decoded(alone, some, decode)
                loss = loss + _AUXILIARY * rest.square().sum(dim=1).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            with torch.no_grad():
                decode /= decode.norm(dim=1, keepdim=True).clamp_min(1e-8)
            report(step + 1, steps)

        def array(values: torch.Tensor) -> NDArray[np.float32]:
            found: NDArray[np.float32] = values.detach().numpy().astype(np.float32)
            return found

        # Activations of x / scale are those of x over scale: biases take it up.
        return Features(
            encode=array(encode),
            encode_bias=array(encode_bias * scale),
            decode=array(decode),
            bias=array(bias * scale),
            activation="topk",
            k=k,
            thresholds=None,
            layer=0,
            model="",
        )


def _decoded(before: torch.Tensor, k: int, decode: torch.Tensor) -> torch.Tensor:
    """Put together what the k largest features say, if they are positive."""
    top = before.topk(k, dim=1)
    active = torch.zeros_like(before).scatter(1, top.indices, top.values.relu())
    return active @ decode
