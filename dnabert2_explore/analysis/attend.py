"""Attention maps of one sequence, any layer and head on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..encoder import Bases, Encoder
from ..errors import InputError
from ..network import alibi_slopes
from ..shown import Shown
from ..tokens import Tokens
from .many import one_or_many

__all__ = ["Attention", "attend"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Attention(Shown):
    """Everything that makes the attention maps of one sequence.

    The maps themselves are computed when asked for: 144 maps of 2,000 tokens would take 2.3 GB in
    float32, their queries and keys take 148 MB.

    Attributes
    ----------
    tokens : Tokens
        The axis of every map, special tokens included.
    queries, keys : numpy.ndarray, shape (layers, heads, n, head_dim), float32
    slopes : numpy.ndarray, shape (heads,), float32
        ALiBi: each head's score falls by its slope for every token of distance.
    model : str
        The model and how it ran.
    """

    tokens: Tokens
    queries: NDArray[np.float32]
    keys: NDArray[np.float32]
    slopes: NDArray[np.float32]
    model: str

    def _line(self) -> str:
        return (
            f"{self.n_layers} layers × {self.n_heads} heads over {len(self.tokens):,} tokens of "
            f"{len(self.tokens.bases):,} bases"
        )

    @property
    def n_layers(self) -> int:
        """Number of layers."""
        return self.queries.shape[0]

    @property
    def n_heads(self) -> int:
        """Heads in a layer."""
        return self.queries.shape[1]

    def head(self, layer: int, head: int) -> NDArray[np.float32]:
        """Attention probabilities of one head.

        Parameters
        ----------
        layer, head : int
            Counted from 0; negative counts from the last.

        Returns
        -------
        numpy.ndarray, shape (n, n), float32
            Rows are queries and sum to 1, columns are keys.

        Raises
        ------
        InputError
            If there is no such layer or head.
        """
        return self.rows(layer, head, np.arange(self.queries.shape[2]))

    def rows(self, layer: int, head: int, queries: NDArray[np.int64]) -> NDArray[np.float32]:
        """Attention probabilities of some queries of one head.

        Parameters
        ----------
        layer, head : int
            As in `head`.
        queries : numpy.ndarray, shape (m,), int64
            Token indices.

        Returns
        -------
        numpy.ndarray, shape (m, n), float32
            Those rows of `head`, in time and memory linear in n.

        Raises
        ------
        InputError
            If there is no such layer or head.
        """
        self._check("layer", layer, self.n_layers)
        self._check("head", head, self.n_heads)
        query, key = self.queries[layer, head, queries], self.keys[layer, head]
        scores = query @ key.T
        scores *= np.float32(query.shape[-1] ** -0.5)
        distances = np.abs(queries[:, None] - np.arange(len(key))[None, :])
        scores -= self.slopes[head] * distances.astype(np.float32)
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        return scores

    def mean(self, layer: int | None = None) -> NDArray[np.float32]:
        """Mean over the heads of one layer, or over all layers and heads.

        Parameters
        ----------
        layer : int, optional
            None: all layers.

        Returns
        -------
        numpy.ndarray, shape (n, n), float32
        """
        layers = range(self.n_layers) if layer is None else [layer]
        total = np.zeros((len(self.tokens),) * 2, dtype=np.float32)
        for one in layers:
            for head in range(self.n_heads):
                total += self.head(one, head)
        return total / np.float32(len(layers) * self.n_heads)

    def rollout(self) -> NDArray[np.float32]:
        """Attention rollout: how attention composes from the last layer down to the tokens.

        Each layer's mean map is averaged with the identity, for the residual stream, and the
        layers are multiplied (Abnar & Zuidema 2020, arXiv 2005.00928).

        Returns
        -------
        numpy.ndarray, shape (n, n), float32
            Rows sum to 1.
        """
        identity = np.eye(len(self.tokens), dtype=np.float32)
        product: NDArray[np.float32] = identity
        for layer in range(self.n_layers):
            step: NDArray[np.float32] = (self.mean(layer) + identity) * np.float32(0.5)
            product = step @ product
        return product

    @staticmethod
    def _check(what: str, index: int, count: int) -> None:
        if not -count <= index < count:
            raise InputError(
                f"There is no {what} {index}: this model has {what}s 0 to {count - 1}."
            )


@one_or_many
def attend(
    enc: Encoder, sequences: Bases, *, progress: Callable[[int, int], None] | None = None
) -> Attention:
    """Run a sequence through the network once and keep what its attention maps are made of.

    Parameters
    ----------
    enc : Encoder
        With any attention backend: the maps are computed here, exactly, from queries and keys.
    sequences : str, Sequence, or iterable of them
        Of several, results come in order, as a list.
    progress : callable, optional
        Called as progress(done, total); raise `Cancelled` from it to stop.

    Returns
    -------
    Attention

    Raises
    ------
    InputError
        If the sequence has no bases.

    Examples
    --------
    >>> from dnabert2_explore import load
    >>> attention = attend(load("pocket"), "ACGTTGCATTAGCATGCAAT")
    >>> attention.head(0, 0).shape == (len(attention.tokens),) * 2
    True
    """
    tokens = enc.tokenize(sequences)
    if tokens.special.all():
        raise InputError("The sequence has no bases: give at least one.")
    queries, keys = enc.projections(tokens)
    if progress is not None:
        progress(1, 1)
    return Attention(
        tokens=tokens,
        queries=queries,
        keys=keys,
        slopes=alibi_slopes(enc.config.num_attention_heads).numpy(),
        model=str(enc.info),
    )
