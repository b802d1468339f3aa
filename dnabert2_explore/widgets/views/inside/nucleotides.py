"""The nucleotide view: which base a model of tokens expects at every place."""

from __future__ import annotations

from collections.abc import Sequence as Items
from html import escape
from typing import Any

import numpy as np

from ....analysis.inside import NucleotideProbabilities, nucleotide_probabilities
from ....common.costs import duration
from ....encoder import Encoder
from ....encoder.passes.cost import clock
from ....figures.core.parts import Figure
from ....figures.inside.nucleotides import nucleotide_figure
from ....sequences import Sequence, in_place
from ....sequences.motifs.motif import ALPHABET
from ...core.controls import twin_choice
from ...core.state import Selection
from ..tokens.explorer import base_at, select_token
from . import on_demand
from .on_demand import OnDemandExplorer, Wanted

__all__ = ["NucleotideExplorer"]

#: Bases on which the cost is tried out.
_TRIED = 12


class NucleotideExplorer(OnDemandExplorer):
    """See which bases the model expects, and how sure it is, beside an untrained network.

    Every token is masked in turn, and the masked-LM head's probabilities are summed over all tokens
    that could stand there. Click a base to select its token; keys: T for trained, U for untrained,
    arrows from token to token.

    Class ``dx-nucleotides``; parts ``dx-shown``, ``dx-compute`` (what takes more than 10 s is
    computed when this is pressed).

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

    title = "Predicted bases"
    kind = "nucleotides"
    nothing = "There are no probabilities yet: choose a sequence first."
    help = (
        "Each token is masked, and the probability of a base is summed over all entries of the "
        "vocabulary that could stand there. Letters are as high as their probability times the "
        "information of their base (2 bits less its entropy). The borders of the tokens around "
        "stay, and give something away: so an <i>untrained</i> network is better than nothing too, "
        "and what counts is the distance to its line."
    )

    def __init__(
        self,
        enc: Encoder | None = None,
        sequences: Items[Sequence] | None = None,
        *,
        selection: Selection | None = None,
        active: bool = True,
    ) -> None:
        self._base: int | None = None
        self.shown = twin_choice()
        super().__init__(enc, sequences, selection, active, [self.shown], height=300)

    def _forget(self) -> None:
        self._base = None

    def _announce(self, wanted: Wanted) -> str:
        return "probabilities of bases, passes"

    def _cost(self, wanted: Wanted, seconds: float) -> str:
        return f"All bases in sight take about {duration(seconds)}. Compute them, or zoom in first."

    def _work(
        self, wanted: Wanted, agreed: bool, progress: Any
    ) -> tuple[NucleotideProbabilities | None, float]:
        """Compute it, unless a few bases say that it takes long."""
        bases, (start, end) = wanted[0].bases, wanted[0].region
        begun = clock(self.enc)
        if not agreed and end - start > 4 * _TRIED:
            middle = (start + end - _TRIED) // 2
            nucleotide_probabilities(self.enc, bases, (middle, middle + _TRIED))
            seconds = 2 * (clock(self.enc) - begun) * (end - start) / _TRIED
            if seconds > on_demand.LONG:
                return None, seconds
            begun = clock(self.enc)
        found = nucleotide_probabilities(
            self.enc, bases, (start, end), twin=True, progress=progress
        )
        return found, clock(self.enc) - begun

    def _picture(self, result: NucleotideProbabilities, **of_all: Any) -> Figure:
        return nucleotide_figure(result, width=self.plot.width or 900, **of_all)

    def _words(self, result: NucleotideProbabilities) -> str:
        current, one = self.selection.current, self._one(result)
        assert current is not None
        who, other = escape(self.enc.name), ""
        if result.twin is not None:
            other = f", untrained {result.twin.nats:.3f}"
        if one is not result:
            who, other = "an untrained network", f", trained {result.nats:.3f}"
        return (
            f"Bases that {who} expects in <b>{escape(current.name)}</b>, every token masked in "
            f"turn: {one.nats:.3f} nats a base (composition {one.composition_nats:.3f}{other}; "
            "less is better)."
        )

    def _cell(self, result: NucleotideProbabilities) -> str:
        """Say what is expected at the base that was pressed."""
        if self._base is None:
            return ""
        row = self._one(result).probabilities[self._base - result.region[0]]
        if np.isnan(row).any():
            return f"Base {self._base + 1:,} is not known to the vocabulary."
        letters = ", ".join(f"{base} {p:.2f}" for base, p in zip(ALPHABET, row, strict=True))
        here = in_place(result.sequence.bases)[self._base]
        return f"Base {self._base + 1:,}, <code>{here}</code> there: expected {letters}"

    def _press(self, event: dict[str, Any]) -> None:
        result = self.result
        if result is None:
            return
        base = base_at(event["x"], len(result.sequence.bases))
        self._base = base if result.region[0] <= base < result.region[1] else None
        tokens = self.enc.tokenize(result.sequence.bases)
        select_token(self.selection, tokens, event["x"], bool(event.get("shift")))
        self._read_out.value = self._cell(result)

    def _call(self, result: NucleotideProbabilities) -> str:
        return f"dx.nucleotide_probabilities(enc, bases, {result.region}, twin=True)"
