"""The lens view: what every layer says of a masked token."""

from __future__ import annotations

from collections.abc import Sequence as Items
from html import escape
from typing import Any

import numpy as np

from ....analysis.inside.readout import LayerLens, lens
from ....common.costs import duration, pass_seconds
from ....encoder import Encoder
from ....figures.core.parts import Figure
from ....figures.core.style import span_text, touching
from ....figures.inside.states import lens_figure
from ....sequences import Sequence
from ...core.controls import twin_choice
from ...core.state import Selection
from ..tokens.explorer import select_token
from . import on_demand
from .on_demand import OnDemandExplorer, Wanted

__all__ = ["LensExplorer"]


class LensExplorer(OnDemandExplorer):
    """See after which layer the network knows a masked token, beside an untrained network.

    Tokens are masked one at a time, and the masked-LM head reads every layer. Click a column to
    select its token and read what was expected; keys: T for trained, U for untrained, arrows from
    token to token.

    Class ``dx-lens``; parts ``dx-shown``, ``dx-compute`` (what takes more than 10 s is computed
    when this is pressed).

    Parameters
    ----------
    enc : Encoder, optional
        With a masked-LM head; the pocket model by default.
    sequences : sequence of Sequence, optional
        The examples by default.
    selection : Selection, optional
        Shared with other views.
    active : bool
        Compute now; otherwise when `activate` is called.
    """

    title = "Lens"
    kind = "lens"
    nothing = "Nothing was read yet: choose a sequence first."
    units = "start, end: 0-based, half-open; log_prob and entropy in nats"
    help = (
        "Each token is masked alone, and the masked-LM head reads the state at its place after "
        "every layer: the map holds the rank of the true token among all entries of the "
        "vocabulary, 1 the likeliest. The head was trained on the last layer only: of the layers "
        "before it reads less than they hold. <i>Without context</i> is the rank with everything "
        "masked, how common the model takes the token to be; <i>untrained</i> that of a network "
        "which has learnt nothing. <cite>The logit lens of nostalgebraist 2020.</cite>"
    )

    def __init__(
        self,
        enc: Encoder | None = None,
        sequences: Items[Sequence] | None = None,
        *,
        selection: Selection | None = None,
        active: bool = True,
    ) -> None:
        self.shown = twin_choice()
        super().__init__(enc, sequences, selection, active, [self.shown], height=320)

    def _announce(self, wanted: Wanted) -> str:
        return "the head at every layer, tokens"

    def _cost(self, wanted: Wanted, seconds: float) -> str:
        many = duration(seconds)
        return f"All tokens in sight take about {many}. Compute them, or zoom in first."

    def _work(self, wanted: Wanted, agreed: bool, progress: Any) -> tuple[LayerLens | None, float]:
        """Compute it, unless it takes long: one pass a token, of the twin too."""
        bases, region = wanted[0].bases, wanted[0].region
        spans = self.enc.tokenize(bases).spans
        tokens = int(touching(spans, region).sum())
        parameters = sum(one.numel() for one in self.enc.body.encoder.parameters())
        seconds = 2 * pass_seconds(parameters, tokens * len(bases))
        if seconds > on_demand.LONG and not agreed:
            return None, seconds
        return lens(self.enc, bases, region, twin=True, progress=progress), seconds

    def _picture(self, result: LayerLens, **of_all: Any) -> Figure:
        return lens_figure(result, **of_all)

    def _words(self, result: LayerLens) -> str:
        current = self.selection.current
        assert current is not None
        untrained = " of an untrained network" if self._one(result) is not result else ""
        ranks = ", ".join(f"{rank:,.0f}" for rank in np.median(result.rank, axis=1))
        twin = "" if result.twin is None else f", untrained {np.median(result.twin.rank[-1]):,.0f}"
        return (
            f"Rank of {len(result.places):,} masked tokens of <b>{escape(current.name)}</b> after "
            f"every layer{untrained}. Median from the embeddings to the last layer: {ranks} "
            f"(without context {np.median(result.common):,.0f}{twin})."
        )

    def _cell(self, result: LayerLens) -> str:
        """Say what every layer expects at the selected token."""
        bases = self.selection.bases
        if bases is None:
            return ""
        inside = np.flatnonzero(touching(result.spans, bases))
        if not len(inside):
            return ""
        one, column = self._one(result), int(inside[0])
        texts = [self.enc.tokenizer.token(int(best)) for best in one.best[:, column]]
        steps = " → ".join(
            f"{rank:,} (<code>{escape(text)}</code>)"
            for rank, text in zip(one.rank[:, column].tolist(), texts, strict=True)
        )
        token = result.tokens.tokens[int(result.places[column])]
        return (
            f"<code>{escape(token)}</code> {span_text(*result.spans[column].tolist())}: rank, and "
            f"the likeliest, layer by layer: {steps}"
        )

    def _press(self, event: dict[str, Any]) -> None:
        result = self.result
        if result is not None:
            select_token(self.selection, result.tokens, event["x"], bool(event.get("shift")))

    def _call(self, result: LayerLens) -> str:
        return f"dx.lens(enc, bases, {self._region}, twin=True)"
