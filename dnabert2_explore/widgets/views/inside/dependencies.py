"""The dependency view: which predictions change when a base does, on the axes of attention."""

from __future__ import annotations

from collections.abc import Sequence as Items
from contextlib import suppress
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import numpy as np

from ....analysis.inside.dependencies import BASES, TOKENS, DependencyMap, dependency_map
from ....analysis.inside.heads import HeadAgreement
from ....common.costs import duration
from ....encoder import Encoder
from ....encoder.loading.twin import random_twin
from ....encoder.passes.cost import clock
from ....errors import InputError
from ....figures.core.parts import Figure
from ....figures.inside.attention import cell_text
from ....figures.inside.dependencies import dependency_figure
from ....sequences import Sequence, in_place
from ...core.controls import TRAINED, menu, twin_choice
from ...core.state import Selection
from ..tokens.explorer import base_at, select_token
from . import on_demand
from .on_demand import OnDemandExplorer, Wanted

__all__ = ["DependencyExplorer"]


@dataclass(frozen=True, slots=True)
class _Computed:
    """A map, and which heads agree with it where that was asked."""

    found: DependencyMap
    heads: HeadAgreement | None


class DependencyExplorer(OnDemandExplorer):
    """See which tokens' predictions change when a base is substituted.

    Columns are the substituted bases, rows the tokens predicted, as an attention map has keys and
    queries. "untrained" shows a network of the same shape that has learnt nothing, "difference"
    what training added. Click a cell to select the token under its column; keys: U for untrained,
    D for the difference, T for trained, arrows from token to token.

    Class ``dx-dependencies``; parts ``dx-shown``, ``dx-of``, ``dx-compute`` (what takes more than
    10 s is computed when this is pressed).

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

    title = "Dependencies"
    kind = "dependencies"
    typed = "TUD"
    nothing = "There is no dependency map yet: choose a sequence first."
    units = "positions 0-based, half-open; change in nats; own: the base lies in that token"
    help = (
        "Every base is replaced by each of the three others, the mutant is cut into tokens anew, "
        "and the masked-LM head reads it as it stands. The map holds, for each token that kept its "
        "span, the symmetrised Kullback-Leibler divergence (nats) between its predictions before "
        "and after, the largest of the three. A base and its own token depend on each other in any "
        "network: look beside the diagonal, and at the <i>untrained</i> one. "
        "<cite>After Tomaz da Silva et al. 2025 (nucleotide dependencies).</cite>"
    )

    def __init__(
        self,
        enc: Encoder | None = None,
        sequences: Items[Sequence] | None = None,
        *,
        selection: Selection | None = None,
        active: bool = True,
    ) -> None:
        self.shown = twin_choice(difference=True)
        self.of = menu(
            "dx-of",
            [("tokens predicted", TOKENS), ("bases predicted", BASES)],
            "Whose predictions are compared",
        )
        self._twin: Encoder | None = None
        self._pressed = ""
        super().__init__(enc, sequences, selection, active, [self.shown, self.of], height=420)

    @property
    def _of(self) -> str:
        return str(self.of.value)

    def _forget(self) -> None:
        self._pressed = ""

    @property
    def _wanted(self) -> list[Wanted]:
        """Maps that the view shows: of the model, and of its twin where that is looked at."""
        asked = self._asked()
        if asked is None:
            return []
        return [(asked, False)] + ([(asked, True)] if self.shown.value != TRAINED else [])

    def _announce(self, wanted: Wanted) -> str:
        return f"dependencies{' of an untrained network' if wanted[1] else ''}, mutants"

    def _cost(self, wanted: Wanted, seconds: float) -> str:
        start, end = wanted[0].region
        return (
            f"{'The untrained network' if wanted[1] else 'The map'} takes about "
            f"{duration(seconds)}: {3 * (end - start):,} mutants. Compute it, or zoom in first."
        )

    def _work(self, wanted: Wanted, agreed: bool, progress: Any) -> tuple[_Computed | None, float]:
        """Compute a map, unless a few of its mutants say that it takes long."""
        asked, untrained = wanted
        enc = self.enc
        if untrained:
            self._twin = enc = self._twin or random_twin(self.enc)
        start, end = asked.region
        if not agreed and end - start > 8:
            middle = (start + end) // 2
            letters = in_place(asked.bases)
            few = next(
                (i for i in range(middle, end - 4) if set(letters[i : i + 4]) <= set("ACGT")), None
            )
            if few is not None:
                begun = clock(enc)
                dependency_map(enc, asked.bases, (few, few + 4), of=asked.of)
                seconds = (clock(enc) - begun) * (end - start) / 4
                if seconds > on_demand.LONG:
                    return None, seconds
        begun = clock(enc)
        found = dependency_map(enc, asked.bases, asked.region, of=asked.of, progress=progress)
        seconds = clock(enc) - begun
        heads = None
        if asked.of == TOKENS and not untrained:
            with suppress(InputError):  # too few pairs of tokens to rank: the map is there
                heads = found.heads()
        return _Computed(found, heads), seconds

    # What is shown -----------------------------------------------------------------------------

    @property
    def result(self) -> DependencyMap | None:
        """The map on show, with its twin where that was computed."""
        asked = self._asked()
        if asked is None or (asked, False) not in self._kept:
            return None
        twin = self._kept.get((asked, True))
        return replace(self._kept[asked, False].found, twin=None if twin is None else twin.found)

    @property
    def _ready(self) -> str:
        """What can be shown of it now."""
        result = self.result
        return self.shown.value if result is not None and result.twin is not None else TRAINED

    def _picture(self, result: DependencyMap, **of_all: Any) -> Figure:
        return dependency_figure(result, width=self.plot.width or 900, **of_all)

    def _cell(self, result: DependencyMap) -> str:
        return self._pressed

    def _words(self, result: DependencyMap) -> str:
        current, asked = self.selection.current, self._asked()
        assert current is not None
        assert asked is not None
        what = "token" if result.of == TOKENS else "base"
        means = [f"the model {_mean(result):.2g}"]
        if result.twin is not None:
            means.append(f"untrained {_mean(result.twin):.2g}")
        parts = [
            f"How far each {what}'s prediction moves when a base is substituted, in "
            f"<b>{escape(current.name)}</b>: mean outside the base's own token, nats: "
            f"{', '.join(means)}. {result.kept:.0%} of tokens kept their span."
        ]
        heads = self._kept[asked, False].heads
        if heads is not None and not np.isnan(heads.beyond_distance).all():
            layer, head = np.unravel_index(
                int(np.nanargmax(heads.beyond_distance)), heads.chance.shape
            )
            parts.append(
                f"Of all heads, head {head + 1} in layer {layer + 1} agrees best: rank correlation "
                f"{heads.beyond_distance[layer, head]:.2f} at equal distance (chance up to "
                f"{heads.chance[layer, head]:.2f})."
            )
        parts.append("Colours end at the 99th percentile outside of own tokens.")
        return " ".join(parts)

    # Pressing and typing -----------------------------------------------------------------------

    def _press(self, event: dict[str, Any]) -> None:
        result = self.result
        if result is None:
            return
        tokens = result.tokens
        n = len(tokens.bases)
        base = base_at(event["x"], n)
        start, end = result.region
        self._pressed = ""
        if start <= base < end and event.get("panel", "y") == "y":
            other = base_at(event["y"], n)
            column = tokens.at(other) if result.of == TOKENS else other
            value = result.values[base - start, column]
            name = (
                cell_text(tokens, column)
                if result.of == TOKENS
                else f"{in_place(tokens.bases)[other]} (base {other + 1:,})"
            )
            said = "is not known: it is cut otherwise" if np.isnan(value) else f"{value:.4f} nats"
            more = ""
            if result.twin is not None and not np.isnan(result.twin.values[base - start, column]):
                more = f" (untrained {result.twin.values[base - start, column]:.4f})"
            self._pressed = (
                f"Substituting <code>{in_place(tokens.bases)[base]}</code> at base {base + 1:,} · "
                f"change at {escape(name)}: <b>{said}</b>{more}"
            )
        select_token(self.selection, tokens, event["x"], bool(event.get("shift")))
        self._read_out.value = self._pressed

    def _call(self, result: DependencyMap) -> str:
        return (
            f"dx.dependency_map(enc, bases, {result.region}, of={result.of!r}, "
            f"twin={result.twin is not None})"
        )


def _mean(found: DependencyMap) -> float:
    """Mean of what bases do outside their own token."""
    values = found.elsewhere
    known = ~np.isnan(values)
    return float(values[known].mean()) if known.any() else float("nan")
