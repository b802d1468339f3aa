"""Motifs as cards that lead to their places."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from ....analysis.motifs.match import Matches
from ....figures.motifs.logo import logo_svg
from ....sequences.motifs.motif import Motif
from ...core.rows import RowTable

__all__ = ["LogoCards"]

HERE = Path(__file__).parent


class LogoCards(anywidget.AnyWidget):
    """Logos with the nearest known motif of each; the number of one that is pressed is told.

    Class ``dx-pictures``; each is a button ``dx-motif-card``, and the last one pressed has
    ``aria-current``.
    """

    _esm = (HERE / "logos.js").read_text(encoding="utf-8")
    _css = RowTable._css

    cards: Any = traitlets.List().tag(sync=True)
    current = traitlets.Int(-1).tag(sync=True)

    def __init__(self, pressed: Callable[[int], None]) -> None:
        super().__init__()
        self._pressed = pressed
        self.on_msg(self._receive)
        self.add_class("dx-pictures")

    def show(
        self, motifs: Iterable[Motif] = (), matches: Matches | None = None, theme: str = "light"
    ) -> None:
        """Show motifs in place of those that are there, with the `matches` that they resemble.

        Three dots stand where that is not known yet.
        """
        made = [_card(number, one, matches, theme) for number, one in enumerate(motifs)]
        with self.hold_sync():
            if [card["key"] for card in made] != [card["key"] for card in self.cards]:
                self.current = -1
            self.cards = made

    def _receive(self, _widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        key = content.get("key")
        if content.get("event") == "card" and isinstance(key, int) and key < len(self.cards):
            self._pressed(key)


def _card(number: int, motif: Motif, matches: Matches | None, theme: str) -> dict[str, Any]:
    best = None if matches is None else matches.best(number)
    known = "…" if best is None else f"{best.target.label}, q = {best.q_value:.2g}"
    consensus = motif.consensus
    return {
        "key": f"{motif.name} {motif.sites}",
        "svg": logo_svg(motif, column=15, height=62, axis=False, label=consensus, theme=theme),
        "lines": [f"{motif.sites:,} place{'' if motif.sites == 1 else 's'}", known],
    }
