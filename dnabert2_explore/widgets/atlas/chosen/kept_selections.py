"""Selections that were given a name: kept, put together, chosen again, made a set."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from ipywidgets import Button, Text

from ....sequences import Sequence
from ...core.controls import Guard, button, hint, menu, offer, row
from ...core.state import Selection

__all__ = ["KeptSelections"]


class KeptSelections:
    """The controls of kept selections, in the places the panel gives them.

    `name`, `keep` and `use` have the classes ``dx-keep-name``, ``dx-keep`` and ``dx-use-set``; in
    `combine_row` two kept selections give a third (``dx-combine``), in `recall_row` one is chosen
    again (``dx-recall``). `chosen` returns the chosen sequences; `told` is called with HTML, and
    ``error=True`` where it is one.
    """

    def __init__(
        self,
        selection: Selection,
        chosen: Callable[[], list[Sequence]],
        told: Callable[..., None],
        guarded: Guard,
    ) -> None:
        self._selection, self._chosen, self._told = selection, chosen, told

        def press(text: str, name: str, tip: str, act: Callable[[], None]) -> Button:
            return button(text, name, tip, lambda: guarded(act))

        self.name = Text(placeholder="name", tooltip="Name to keep this selection under")
        self.name.add_class("dx-keep-name").layout.width = "84px"
        self.keep = press("Keep", "dx-keep", "Keep this selection under a name", self._on_keep)
        tip = "Make these sequences a set of their own, in the input bar of all views"
        self.use = press("Use as set", "dx-use-set", tip, self._on_use)
        self.first, self.second = (menu("dx-combine", [], "A kept selection") for _ in "ab")
        self.how = menu("dx-combine", ["and", "or", "minus"], "How the two are put together")
        self.combine = press("Choose", "dx-combine-go", "Choose what they give", self._on_combine)
        self.combine_row = row("dx-chosen-row", self.first, self.how, self.second, self.combine)
        self.recalled = menu("dx-recall", [], "A kept selection")
        self.recall = press("Choose", "dx-recall-go", "Choose it again", self._on_recall)
        self.recall_row = row("dx-chosen-row", hint("Kept selections"), self.recalled, self.recall)

    def offer(self, names: list[str]) -> None:
        """Offer the selections that are kept now."""
        for one in (self.first, self.second, self.recalled):
            offer(one, names)

    def _on_keep(self) -> None:
        chosen = self._selection.chosen
        if not chosen:
            self._told("Nothing is chosen yet: draw a lasso first.", error=True)
            return
        kept = dict(self._selection.kept)
        name = " ".join(self.name.value.split())
        if not name:
            number = next(i for i in range(1, len(kept) + 2) if f"selection {i}" not in kept)
            name = f"selection {number}"
        self._selection.update(kept={**kept, name: tuple(chosen)})
        self.name.value = ""
        self._told(f"Kept {len(chosen):,} sequences as “{escape(name)}”.")

    def _on_recall(self) -> None:
        self._selection.update(chosen=self._selection.kept.get(self.recalled.value, ()))

    def _on_combine(self) -> None:
        a, b = (set(self._selection.kept.get(m.value, ())) for m in (self.first, self.second))
        found = {"and": a & b, "or": a | b, "minus": a - b}[self.how.value]
        if not found:
            common = self.how.value == "and"
            words = (
                "They have no sequence in common." if common else "Nothing is left of the first."
            )
            self._told(words)
            return
        self._selection.update(chosen=tuple(sorted(found)))

    def _on_use(self) -> None:
        chosen = self._chosen()
        if not chosen:
            self._told("Nothing is chosen yet: draw a lasso first.", error=True)
            return
        used = set(self._selection.sets)
        name = " ".join(self.name.value.split()) or "Chosen in the atlas"
        name = next(n for n in (name, *(f"{name} {i}" for i in range(2, 10_000))) if n not in used)
        self._selection.add(chosen, name)
