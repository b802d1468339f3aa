"""The masked-LM head read at every layer: how early the network knows a masked token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from ...common.costs import says_cost
from ...common.progress import Progress
from ...encoder import Bases, Encoder
from ...encoder.inputs import bases_of, tokens_of
from ...encoder.passes.batches import budget_of
from ...encoder.passes.masked import masked_passes, need_masked_lm
from ...errors import InputError
from ...results.origins import recorded
from ...results.rich_display import RichDisplay, counted
from ...sequences import stretch
from ...tokens import Tokens
from ..variants.likelihood import context_free
from .beside_twin import beside_twin

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LayerLens", "lens"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LayerLens(RichDisplay):
    """What the masked-LM head says after every layer where a token is masked.

    Attributes
    ----------
    tokens : Tokens
    places : numpy.ndarray, shape (k,), int64
        Tokens that were masked, one at a time.
    rank : numpy.ndarray, shape (layers + 1, k), int64
        Place of the true token among all entries, 1 the likeliest; row 0 reads the embeddings.
    log_prob : numpy.ndarray, shape (layers + 1, k), float32
        Of the true token, nats.
    entropy : numpy.ndarray, shape (layers + 1, k), float32
        Of the whole distribution, nats.
    best : numpy.ndarray, shape (layers + 1, k), int64
        The likeliest entry's id.
    common : numpy.ndarray, shape (k,), int64
        Rank of the true token where everything around is masked too: how common the model takes it
        to be, without any context.
    model : str
    twin : LayerLens or None
        The same of a network of the same shape that has learnt nothing.
    """

    tokens: Tokens
    places: NDArray[np.int64]
    rank: NDArray[np.int64]
    log_prob: NDArray[np.float32]
    entropy: NDArray[np.float32]
    best: NDArray[np.int64]
    common: NDArray[np.int64]
    model: str
    twin: LayerLens | None

    def _line(self) -> str:
        ranks = ", ".join(f"{rank:,.0f}" for rank in np.median(self.rank, axis=1))
        untrained = "" if self.twin is None else f", untrained {np.median(self.twin.rank[-1]):,.0f}"
        return (
            f"{counted(len(self.places), 'masked token')}: median rank {ranks} from the "
            f"embeddings to the last layer (without context {np.median(self.common):,.0f}"
            f"{untrained}); {self.model}"
        )

    @property
    def spans(self) -> NDArray[np.int64]:
        """Bases [start, end) of the masked tokens, shape (k, 2)."""
        return self.tokens.spans[self.places]

    def table(self) -> pd.DataFrame:
        """Return a row a layer and token.

        Returns
        -------
        pandas.DataFrame
            ``layer`` (0 the embeddings), ``start`` and ``end`` (bases, 0-based, half-open),
            ``token``, ``rank``, ``log_prob`` and ``entropy`` (nats), ``common``, and ``twin_rank``
            where there is a twin.
        """
        import pandas as pd

        layers, at = np.indices(self.rank.shape).reshape(2, -1)
        data = {
            "layer": layers,
            "start": self.spans[at, 0],
            "end": self.spans[at, 1],
            "token": [self.tokens.tokens[self.places[i]] for i in at],
            "rank": self.rank.ravel(),
            "log_prob": self.log_prob.ravel(),
            "entropy": self.entropy.ravel(),
            "common": self.common[at],
        }
        if self.twin is not None:
            data["twin_rank"] = self.twin.rank.ravel()
        return pd.DataFrame(data)


@recorded
@says_cost
def lens(
    enc: Encoder,
    bases: Bases,
    region: tuple[int, int] | None = None,
    *,
    twin: bool = False,
    batch_tokens: int | None = None,
    progress: Progress | None = None,
) -> LayerLens:
    """Read the masked-LM head after every layer, at tokens that are masked one at a time.

    Masked, because the own token of an unmasked one is on top from the embeddings on. The head was
    trained on the last layer only: what it reads before is a lower bound of what a layer holds.

    Parameters
    ----------
    enc : Encoder
    bases : str or Sequence
    region : tuple of int, optional
        Tokens that overlap the bases [start, end); all by default. Cost: one pass a token.
    twin : bool
        Also read a network of the same shape that has learnt nothing.
    batch_tokens : int, optional
        As in `Encoder.embed`.
    progress : callable, optional
        Called as progress(tokens done, tokens in all); raise `Cancelled` from it to stop.

    Returns
    -------
    LayerLens

    Raises
    ------
    InputError
        If the model has no masked-LM head, the region is no stretch of the sequence, or holds no
        token that the model could predict.

    Notes
    -----
    The logit lens of nostalgebraist 2020, at masked positions.

    Examples
    --------
    >>> import dnabert2_explore as dx
    >>> enc = dx.load("pocket")
    >>> found = dx.lens(enc, dx.demo.splice()[0], region=(90, 110))
    >>> found.rank.shape == (enc.info.layers + 1, len(found.places))
    True
    """
    need_masked_lm(enc)
    text = bases_of(bases)
    tokens = tokens_of(enc, text)
    start, end = stretch(region, len(text))
    inside = (tokens.spans[:, 0] < end) & (tokens.spans[:, 1] > start)
    places = np.flatnonzero(inside & ~tokens.special & ~tokens.unknown)
    if not len(places):
        raise InputError(
            f"Bases [{start}, {end}) hold no token of A, C, G and T, and others are never "
            "predicted: choose a stretch that does."
        )

    def of(model: Encoder, count: Progress, untrained: LayerLens | None) -> LayerLens:
        read = _read(model, tokens, places, batch_tokens, count)
        free = context_free(model)
        common = (free[None, :] > free[tokens.ids[places]][:, None]).sum(axis=1) + 1
        rank, log_prob, entropy, best = read.transpose(2, 1, 0)
        return LayerLens(
            tokens=tokens,
            places=places,
            rank=rank.astype(np.int64),
            log_prob=log_prob.astype(np.float32),
            entropy=entropy.astype(np.float32),
            best=best.astype(np.int64),
            common=common.astype(np.int64),
            model=str(model.info),
            twin=untrained,
        )

    return beside_twin(enc, twin, len(places), progress, of)


def _read(
    enc: Encoder,
    tokens: Tokens,
    places: NDArray[np.int64],
    batch_tokens: int | None,
    count: Progress,
) -> NDArray[np.float64]:
    """Rank, log-probability, entropy and best entry, shape (tokens, layers + 1, 4)."""

    def take(number: int, rows: torch.Tensor) -> NDArray[np.float64]:
        truth = rows[:, int(tokens.ids[places[number]])]
        rank = (rows > truth[:, None]).sum(dim=-1) + 1
        entropy = -(rows.exp() * rows).sum(dim=-1)
        every = [rank, truth, entropy, rows.argmax(dim=-1)]
        return torch.stack([one.double() for one in every], dim=-1).cpu().numpy()

    found = masked_passes(
        enc,
        [tokens.ids] * len(places),
        list(places[:, None]),
        take,
        budget_of(enc, batch_tokens),
        count,
        layers=range(enc.config.num_hidden_layers + 1),
    )
    return np.stack(found)
