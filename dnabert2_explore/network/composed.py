"""Token embeddings composed of what the tokens are made of: a parametrisation for training.

A small network sees most of the 4,096 tokens too seldom to learn a row of the table for each from
nothing, though ``TATAAA`` and ``TATAAT`` share all but one base. While it trains, the table is

    table = residual + composition · mixing

where ``composition`` (tokens, features; fixed) says which bases, dinucleotides and 3-mers a token
holds, and where, and the other two are learnt. When a model is saved the table is folded: it is
computed once and stored as any other, so that architecture, file and speed are DNABERT-2's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.func import functional_call

if TYPE_CHECKING:
    from .modeling import Dnabert2PreTrainedModel

__all__ = ["ComposedNetwork", "composition"]

#: Places from either end of a token whose bases and dinucleotides are told apart.
PLACES = 6
#: Lengths told apart; longer tokens share the last.
LENGTHS = 40

_NUMBER = {base: number for number, base in enumerate("ACGT")}


def composition(tokens: Sequence[str]) -> NDArray[np.float32]:
    """Describe every token by its bases, (tokens, features) float32.

    Tokens are the vocabulary's entries **in the order of their ids** (``get_vocab()`` of a
    tokenizer comes in another order in every process). Features are the bases (one of four) and
    dinucleotides (one of sixteen) at the first six places from the left and from the right end, the
    share of each 3-mer, the length (one of 40), and one for each entry that is not of A, C, G and
    T.

    Examples
    --------
    >>> composition(["[CLS]", "A", "ACG"]).shape
    (3, 345)
    """
    special = [token for token in tokens if not token or token.strip("ACGT")]
    ends = 2 * PLACES * 4, 2 * PLACES * 16
    trimers, lengths = sum(ends), sum(ends) + 64
    table = np.zeros((len(tokens), lengths + LENGTHS + len(special)), dtype=np.float32)
    for row, token in zip(table, tokens, strict=True):
        if not token or token.strip("ACGT"):
            row[lengths + LENGTHS + special.index(token)] = 1.0
            continue
        codes = np.array([_NUMBER[base] for base in token])
        pairs = 4 * codes[:-1] + codes[1:]
        for values, kinds, start in ((codes, 4, 0), (pairs, 16, ends[0])):
            for side, ordered in enumerate((values, values[::-1])):
                for place, value in enumerate(ordered[:PLACES]):
                    row[start + (side * PLACES + place) * kinds + value] = 1.0
        if len(codes) > 2:
            triples = 16 * codes[:-2] + pairs[1:]
            row[trimers:lengths] = np.bincount(triples, minlength=64) / len(triples)
        row[lengths + min(len(codes), LENGTHS) - 1] = 1.0
    return table


class ComposedNetwork(nn.Module):
    """A network whose token table is composed while it trains.

    Called as the network is, which is a submodule. Its own table takes no part in training;
    :meth:`fold` brings it up to date. `tokens` is the vocabulary in the order of ids; another
    number of entries than the table's is a ValueError.

    Where the network is `fresh` its table holds random numbers, which are left out: the table
    starts as composition · mixing with rows of about the same size. Otherwise the residual starts
    as that table and the mixing at 0, so that the network computes what it did.
    """

    composition: torch.Tensor
    accepts_loss_kwargs = False  # Trainer asks: as of the network itself

    def __init__(
        self, network: Dnabert2PreTrainedModel, tokens: Sequence[str], fresh: bool
    ) -> None:
        super().__init__()
        self.network = network
        own = self._own
        self._name = next(name for name, p in network.named_parameters() if p is own)
        if len(tokens) != len(own):
            raise ValueError(f"{len(tokens)} tokens for a table of {len(own)} rows.")
        own.requires_grad_(False)
        # The network may have been moved to a GPU before.
        described = torch.from_numpy(composition(tokens)).to(own.device)
        self.register_buffer("composition", described, persistent=False)
        self.residual = nn.Parameter(own.detach().clone())
        self.mixing = nn.Parameter(described.new_zeros(described.shape[1], own.shape[1]))
        if fresh:
            # Rows of C hold some 25 ones: their sum shall be as large as the row it replaces.
            size = float(own.detach().std()) / float(described.square().sum(1).mean()) ** 0.5
            nn.init.normal_(self.mixing, std=size)
            nn.init.zeros_(self.residual)
        self.fold()

    @property
    def _own(self) -> nn.Parameter:
        """The network's table. Looked up, so that it is registered once and copied with it."""
        table: nn.Parameter = self.network.get_input_embeddings().weight
        return table

    @property
    def config(self) -> Any:
        """The network's."""
        return self.network.config

    def table(self) -> torch.Tensor:
        """Token embeddings, shape (tokens, hidden)."""
        return self.residual + self.composition @ self.mixing

    def forward(self, *arguments: Any, **named: Any) -> Any:
        """Call the network with the composed table; the decoder that is tied to it follows."""
        return functional_call(self.network, {self._name: self.table()}, arguments, named)

    def composed_state(self) -> dict[str, torch.Tensor]:
        """Return what a resumed run loads beside the network's weights."""
        return {"residual": self.residual.detach(), "mixing": self.mixing.detach()}

    @torch.no_grad()
    def fold(self) -> Dnabert2PreTrainedModel:
        """Write the composed table into the network's own; return the network."""
        self._own.copy_(self.table())
        return self.network
