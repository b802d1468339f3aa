"""The lanes that attributions are stacked in, and what each of them draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.colours import Theme
from ..core.parts import area, line
from ..core.style import span_text
from .marks import Sight, base_bars, logo, reach, strongest_tokens, token_bars

if TYPE_CHECKING:
    from ...analysis.attribution import Attribution, MethodInfo
    from ...analysis.attribution.offsets import OffsetAverage
    from ...analysis.attribution.strands import StrandMirror
    from ...tokens import Tokens

__all__ = ["Lane"]


@dataclass(frozen=True, slots=True, eq=False)
class Lane:
    """Scores of one sequence on one scale that is symmetric about zero.

    Attributes
    ----------
    name : str
        What stands above the lane.
    tokens : Tokens
    scores : numpy.ndarray, shape (n_tokens,) or (n_bases,)
    unit : str
        Of the scores.
    per : str
        ``"token"`` or ``"base"``.
    detail : str
        Stands behind name and unit, muted.
    low, high : numpy.ndarray, shape (n_bases,), or None
        A band around the scores of bases.
    scale : str
        Lanes that name the same scale are drawn to the same one; empty for one of its own.
    marked : tuple of (int, int)
        Stretches of bases to mark in this lane: what a mutation changed.
    signed : bool
        False for scores that only say how much: their scale begins at zero.

    Examples
    --------
    >>> import dnabert2_explore as dx
    >>> site = dx.demo.splice()[0]
    >>> result = dx.attribute(dx.load("pocket-splice"), site, method="saliency")
    >>> Lane.of_bases(result).name, Lane.of_tokens(result).per
    ('saliency', 'token')
    """

    name: str
    tokens: Tokens
    scores: NDArray[np.float32]
    unit: str
    per: str = "base"
    detail: str = ""
    low: NDArray[np.float32] | None = None
    high: NDArray[np.float32] | None = None
    scale: str = ""
    marked: tuple[tuple[int, int], ...] = ()
    signed: bool = True

    @classmethod
    def of_tokens(cls, result: Attribution, name: str = "", **more: Any) -> Lane:
        """Make a lane of token scores; `more` are attributes."""
        more = {"signed": _info(result.method).signed, "per": "token", **more}
        name = name or _info(result.method).title
        return cls(name, result.tokens, result.token_scores, result.unit, **more)

    @classmethod
    def of_bases(cls, result: Attribution, name: str = "", **more: Any) -> Lane:
        """Make a lane of base scores; `more` are attributes."""
        more = {"signed": _info(result.method).signed, **more}
        name = name or _info(result.method).title
        return cls(name, result.tokens, result.base_scores, result.unit, **more)

    @classmethod
    def of_offsets(cls, offsets: OffsetAverage, name: str = "", **more: Any) -> Lane:
        """Make a lane of the mean over tokenization offsets, with the band of all of them."""
        low, high = offsets.band
        detail = f"band: least to largest of {offsets.crops} crops"
        signed = _info(offsets.method).signed
        more = {"detail": detail, "signed": signed, **more, "low": low, "high": high}
        name = name or f"mean of {offsets.crops} tokenization offsets"
        return cls(name, offsets.tokens, offsets.mean, offsets.unit, **more)

    @classmethod
    def of_mirror(cls, mirror: StrandMirror, name: str = "reverse strand", **more: Any) -> Lane:
        """Make a lane of the reverse strand's scores, each at the base it pairs with."""
        result = mirror.forward
        detail = f"rank correlation with the forward strand {mirror.agreement:.2f}"
        more = {"detail": detail, "signed": _info(result.method).signed, **more}
        return cls(name, result.tokens, mirror.mirrored, result.unit, **more)

    @classmethod
    def of_strands(
        cls, mirror: StrandMirror, name: str = "mean of both strands", **more: Any
    ) -> Lane:
        """Make a lane of the mean of the two strands' scores, with a band from one to the other."""
        result = mirror.forward
        low, high = mirror.band
        detail = "band: from the one strand to the other"
        signed = _info(result.method).signed
        more = {"detail": detail, "signed": signed, **more, "low": low, "high": high}
        return cls(name, result.tokens, mirror.mean, result.unit, **more)

    @property
    def heading(self) -> str:
        """What stands behind the name above the lane."""
        detail = f" · {self.detail}" if self.detail else ""
        return f"{self.unit}/{self.per}{detail}"

    def reach(self, sight: Sight) -> float:
        """Half range of the scale: of the stretch in sight where letters are drawn."""
        if self.per == "token":
            return reach(self.scores[sight.tokens(self.tokens)])
        first, last = sight.shown if sight.letters else (0, None)
        values = [v for v in (self.scores, self.low, self.high) if v is not None]
        return max(reach(v[first:last]) for v in values)

    def traces(self, sight: Sight, colours: Theme, yaxis: str) -> list[dict[str, Any]]:
        """Everything that is drawn in the lane."""
        if self.per == "token":
            args = (self.tokens, self.scores, self.unit, sight, colours, yaxis)
            return [token_bars(*args), strongest_tokens(*args)]
        bases = self.tokens.bases
        return [
            *self._band(sight, colours, yaxis),
            base_bars(self.scores, bases, self.unit, sight, colours, yaxis),
            *logo(self.scores, bases, sight, colours, yaxis),
            *self._whiskers(sight, colours, yaxis),
        ]

    def _band(self, sight: Sight, colours: Theme, yaxis: str) -> list[dict[str, Any]]:
        """Far out: least and largest per pixel or so, as a filled band."""
        if self.low is None or self.high is None or sight.letters:
            return []
        size = max(1, int(np.ceil(1.5 / sight.pixels)))
        edges = np.arange(*sight.sent, size)
        low = np.minimum.reduceat(self.low[: sight.sent[1]], edges)
        high = np.maximum.reduceat(self.high[: sight.sent[1]], edges)
        x = (np.concatenate([edges, edges[::-1]]) + size / 2 + 0.5).astype(np.float32)
        y = np.concatenate([high, low[::-1]]).astype(np.float32)
        return [area(x, y, colours.fill, yaxis=yaxis)]

    def _whiskers(self, sight: Sight, colours: Theme, yaxis: str) -> list[dict[str, Any]]:
        """Near: a whisker from least to largest through each letter."""
        if self.low is None or self.high is None or not sight.letters:
            return []
        at = np.arange(*sight.sent)
        nothing = np.full(len(at), np.nan)
        x = np.stack([at + 1.0, at + 1.0, nothing], axis=1).ravel().astype(np.float32)
        y = np.stack([self.low[at], self.high[at], nothing], axis=1).ravel().astype(np.float32)
        said = [
            f"{span_text(i, i + 1)}: {self.low[i]:+.4f} to {self.high[i]:+.4f} {self.unit}"
            for i in at.tolist()
        ]
        three = np.repeat(said, 3)
        style: dict[str, Any] = {"yaxis": yaxis, "opacity": 0.75, "hovertext": three}
        return [line(x, y, colours.ink, 1.4, hover="%{hovertext}", **style)]


def _info(method: str) -> MethodInfo:
    from ...analysis.attribution import METHODS

    return METHODS[method]
