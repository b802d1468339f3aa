"""The scorecard badge: how far an attribution is to be trusted, check by check."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from ipywidgets import HBox

from ...analysis.attribution import Attribution
from ...analysis.attribution.trust.checks import Check, check_convergence
from ...analysis.attribution.trust.scorecard import Scorecard
from ..core.controls import button, part, show

__all__ = ["ScorecardBadge", "verdict"]

#: The mark of each result: never by colour alone.
_MARKS = {"passed": "✓", "failed": "✗", "not applicable": "–", "information": "i", "not known": "?"}


class ScorecardBadge(HBox):
    """A chip per check, its words on hover and unfolded; the convergence delta without asking.

    Classes ``dx-badge``; parts ``dx-checks``, ``dx-check-chip``, ``dx-check``. `asked` is called
    when all checks are wanted.
    """

    def __init__(self, asked: Callable[[], None]) -> None:
        tip = "Put this attribution and its model to the checks of the scorecard"
        self.button = button("Check", "dx-check", tip, asked)
        self._chips = part("dx-checks")
        super().__init__([self._chips, self.button])
        self.add_class("dx-badge")

    def show(self, result: Attribution | None, card: Scorecard | None) -> None:
        """Show a scorecard; while there is none, what is known without it."""
        show(self, result is not None)
        if result is None:
            return
        show(self.button, card is None)
        if card is None:
            self._chips.value = f"<span class='dx-chips'>{_chip(check_convergence(result))}</span>"
            return
        rows = "".join(
            f"<tr><td>{_MARKS[check.result]}</td><th>{escape(check.title)}</th>"
            f"<td>{check.result}</td><td>{escape(check.words)}</td></tr>"
            for check in card.checks
        )
        self._chips.value = (
            f"<details><summary class='dx-chips'>{''.join(map(_chip, card.checks))}</summary>"
            f"<table>{rows}</table></details>"
        )


def verdict(card: Scorecard) -> str:
    """Write what follows from a scorecard, as HTML."""
    text = card.verdict[0].upper() + card.verdict[1:]
    if card.trusted:
        return (
            f"<span class='dx-verdict-good'>✓ {escape(text)}. Every check that judges and applies "
            "is passed, and the model has held-out skill; that is no proof.</span>"
        )
    if card.verdict.startswith("undecided"):
        return f"<b class='dx-undecided'>? {escape(text)}.</b>"
    return f"<b class='dx-warn dx-distrust'>✗ {escape(text)}.</b>"


def _chip(check: Check) -> str:
    mark, words = _MARKS[check.result], check.result
    failed = " dx-warn" if check.passed is False else ""
    return (
        f"<span class='dx-check-chip{failed}' title='{escape(check.title)} {words}: "
        f"{escape(check.words, quote=True)}'>{mark} {escape(check.title)}</span>"
    )
