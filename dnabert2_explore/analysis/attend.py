"""Attention maps of one sequence, any layer and head on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..common.costs import says_cost
from ..common.names import check_name
from ..common.progress import Progress, quiet
from ..encoder import Bases, Encoder
from ..encoder.inputs import tokens_of
from ..errors import InputError
from ..network import alibi_slopes
from ..results.origins import recorded
from ..results.rich_display import RichDisplay, counted
from ..tokens import Tokens
from .many import one_or_many

__all__ = ["PARTS", "Attention", "attend"]

#: What attention can be made of: the scores of queries and keys with ALiBi's bias, either alone.
PARTS = ("both", "content", "distance")

#: Queries whose rows are computed at once: what a map takes beside itself.
_BLOCK = 256
_WHOLE = 1024  # tokens whose rollout is one product
_PARTS = 10  # of a longer one: a fifth of the map beside it, and its rows computed ten times
_FEW = 64  # queries at once there


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Attention(RichDisplay):
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
            f"{self.n_layers} layers × {self.n_heads} heads over "
            f"{counted(len(self.tokens), 'token')}, [CLS] and [SEP] among them, of "
            f"{counted(len(self.tokens.bases), 'base')}"
        )

    @property
    def n_layers(self) -> int:
        """Number of layers."""
        return self.queries.shape[0]

    @property
    def n_heads(self) -> int:
        """Heads in a layer."""
        return self.queries.shape[1]

    def head(self, layer: int, head: int, *, part: str = "both") -> NDArray[np.float32]:
        """Attention probabilities of one head.

        Parameters
        ----------
        layer, head : int
            Counted from 0; negative counts from the last.
        part : {"both", "content", "distance"}
            ``"both"`` is what the network computes with. ``"content"`` leaves ALiBi's bias out,
            ``"distance"`` leaves everything else out: what any sequence of as many tokens gets.

        Returns
        -------
        numpy.ndarray, shape (n, n), float32
            Rows are queries and sum to 1, columns are keys.

        Raises
        ------
        InputError
            If there is no such layer, head or part.
        """
        return self._filled(lambda queries: self.rows(layer, head, queries, part=part))

    def rows(
        self,
        layer: int | None,
        head: int | None,
        queries: NDArray[np.int64],
        *,
        part: str = "both",
    ) -> NDArray[np.float32]:
        """Attention probabilities of some queries of one head.

        Parameters
        ----------
        layer, head : int or None
            As in `head`; None for the mean over all of them.
        queries : numpy.ndarray, shape (m,), int64
            Token indices.
        part : {"both", "content", "distance"}
            As in `head`.

        Returns
        -------
        numpy.ndarray, shape (m, n), float32
            Those rows of `head`, in time and memory linear in n.

        Raises
        ------
        InputError
            If there is no such layer, head or part.
        """
        check_name("Part", part, PARTS)
        if layer is None or head is None:
            layers = range(self.n_layers) if layer is None else (layer,)
            heads = range(self.n_heads) if head is None else (head,)
            total = np.zeros((len(queries), self.keys.shape[2]), dtype=np.float32)
            for one in layers:
                for other in heads:
                    total += self.rows(one, other, queries, part=part)
            total /= np.float32(len(layers) * len(heads))
            return total
        self._check("layer", layer, self.n_layers)
        self._check("head", head, self.n_heads)
        query, key = self.queries[layer, head, queries], self.keys[layer, head]
        if part == "distance":
            scores = np.zeros((len(query), len(key)), dtype=np.float32)
        else:
            scores = query @ key.T
            scores *= np.float32(query.shape[-1] ** -0.5)
        if part != "content":
            places = np.arange(len(key), dtype=np.float32)
            distances = queries.astype(np.float32)[:, None] - places
            np.abs(distances, out=distances)
            distances *= self.slopes[head]
            scores -= distances
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        return scores

    def mean(self, layer: int | None = None, *, part: str = "both") -> NDArray[np.float32]:
        """Mean over the heads of one layer, or over all layers and heads.

        Parameters
        ----------
        layer : int, optional
            None: all layers.
        part : {"both", "content", "distance"}
            As in `head`.

        Returns
        -------
        numpy.ndarray, shape (n, n), float32
        """
        return self._filled(lambda queries: self.rows(layer, None, queries, part=part))

    def reach(self, share: float = 0.95) -> NDArray[np.float64]:
        """How far ALiBi alone lets each head look.

        Parameters
        ----------
        share : float
            Of a token's attention, where queries and keys say nothing.

        Returns
        -------
        numpy.ndarray, shape (heads,), float64
            Bases to either side within which that share lies, in a sequence without ends: tokens of
            distance times the mean bases of a token here.

        Raises
        ------
        InputError
            If the share is not between 0 and 1.

        Notes
        -----
        A head's weights fall by q = exp(-slope) a token: of 1 + 2 q + 2 q² + …, all but
        2 q^(t+1) / (1 + q) lies within t tokens.
        """
        if not 0 < share < 1:
            raise InputError(f"share is {share}: give a number between 0 and 1.")
        slopes = self.slopes.astype(np.float64)
        q = np.exp(-slopes)
        tokens = np.maximum(np.log((1 - share) * (1 + q) / 2) / -slopes - 1, 0)
        return np.ceil(tokens) * self.tokens.bases_per_token

    def _filled(
        self, rows: Callable[[NDArray[np.int64]], NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """Put rows together, a few at a time: the map and little more is in memory."""
        n = self.keys.shape[2]
        out = np.empty((n, n), dtype=np.float32)
        for start in range(0, n, _BLOCK):
            queries = np.arange(start, min(start + _BLOCK, n))
            out[queries] = rows(queries)
        return out

    def rollout(self) -> NDArray[np.float32]:
        """Attention rollout: how attention composes from the last layer down to the tokens.

        Each layer's mean map is averaged with the identity, for the residual stream, and the
        layers are multiplied (Abnar & Zuidema 2020, arXiv 2005.00928). Of more than 1,024 tokens a
        tenth of the columns is computed at a time: 1.3 times the map's memory in place of twice, at
        two to three times the work.

        Returns
        -------
        numpy.ndarray, shape (n, n), float32
            Rows sum to 1.
        """
        n = len(self.tokens)
        if n <= _WHOLE:
            return self._rolled_out(np.arange(n))
        # A few columns at a time: two whole products beside each other are twice the map.
        product = np.empty((n, n), dtype=np.float32)
        for columns in np.array_split(np.arange(n), _PARTS):
            product[:, columns] = self._rolled_out(columns)
        return product

    def _rolled_out(self, columns: NDArray[np.int64]) -> NDArray[np.float32]:
        """Compute columns of the rollout, (n, len(columns))."""
        part = np.zeros((len(self.tokens), len(columns)), dtype=np.float32)
        part[columns, np.arange(len(columns))] = 1
        for layer in range(self.n_layers):
            part = self._composed(layer, part)
        return part

    def _composed(self, layer: int, before: NDArray[np.float32]) -> NDArray[np.float32]:
        """Multiply a layer's mean map, averaged with the identity, by what came before."""
        after = np.empty_like(before)
        for start in range(0, len(before), _FEW):
            queries = np.arange(start, min(start + _FEW, len(before)))
            mean = self.rows(layer, None, queries)
            mean[np.arange(len(queries)), queries] += 1
            mean *= np.float32(0.5)
            after[queries] = mean @ before
        return after

    @staticmethod
    def _check(what: str, index: int, count: int) -> None:
        if not -count <= index < count:
            raise InputError(
                f"There is no {what} {index}: this model has {what}s 0 to {count - 1}."
            )


@recorded
@says_cost
@one_or_many
def attend(enc: Encoder, sequences: Bases, *, progress: Progress | None = None) -> Attention:
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
    tokens = tokens_of(enc, sequences)
    queries, keys = enc.projections(tokens)
    (progress or quiet)(1, 1)
    return Attention(
        tokens=tokens,
        queries=queries,
        keys=keys,
        slopes=alibi_slopes(enc.config.num_attention_heads).numpy(),
        model=str(enc.info),
    )
