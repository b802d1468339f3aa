"""Mutating what is looked at: a base under the cursor, and the list of what was changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ipywidgets import Button, HBox, VBox

from ...sequences import as_dna, mutate
from ...sequences.motifs.motif import ALPHABET
from ...tokens import Tokens
from ..core.controls import button, part, row, show, undo_keep

__all__ = ["Edit", "MutationBar", "apply_edits", "changed_tokens", "with_edit"]


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """One base replaced by another; `position` is 0-based, `str` counts from 1."""

    position: int
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.before}{self.position + 1}{self.after}"


def apply_edits(bases: str, edits: tuple[Edit, ...]) -> str:
    """Return the mutant."""
    for edit in edits:
        bases = mutate(bases, edit.position, edit.after)
    return bases


def changed_tokens(
    old: Tokens, new: Tokens
) -> list[tuple[tuple[int, int], tuple[str, ...], tuple[str, ...]]]:
    """Find where two sequences of one length are cut otherwise, or into other tokens.

    The least stretches [start, end) that begin and end between tokens of both, each with the tokens
    before and after.
    """
    before, after = (
        [(int(a), int(b), t) for (a, b), t, s in zip(x.spans, x.tokens, x.special, strict=True)
         if not s] for x in (old, new)
    )  # fmt: skip
    found = []
    i = j = 0
    while i < len(before) and j < len(after):
        start, first, second = before[i][0], i, j
        left, right = before[i][1], after[j][1]
        i, j = i + 1, j + 1
        while left != right:  # on to the next border that both have
            if left < right:
                left, i = before[i][1], i + 1
            else:
                right, j = after[j][1], j + 1
        names = tuple(t for _, _, t in before[first:i]), tuple(t for _, _, t in after[second:j])
        if names[0] != names[1]:
            found.append(((start, left), *names))
    return found


class MutationBar(VBox):
    """The base under the cursor with what it can become, and the changes made so far.

    Classes ``dx-mutations``; parts ``dx-cursor``, ``dx-mutate``, ``dx-edits``, ``dx-edit``,
    ``dx-undo``, ``dx-keep``, ``dx-change``. Hidden while there is nothing to show.

    mutated(letter) is called when the base under the cursor is to change, removed(edit) when a
    change is taken back, kept() when the mutant is to be a sequence of its own.
    """

    def __init__(
        self,
        mutated: Callable[[str], None],
        removed: Callable[[Edit], None],
        kept: Callable[[], None],
    ) -> None:
        self._removed = removed
        self._cursor = part("dx-cursor-text")
        self.letters = {letter: self._letter(letter, mutated) for letter in ALPHABET}
        self.cursor_row = row("dx-cursor", self._cursor, *self.letters.values())
        self._chips = HBox().add_class("dx-edits")
        self.undo, self.keep = undo_keep("Take the last change back (Esc)", self._undo, kept)
        self._edits: tuple[Edit, ...] = ()
        self._row = row("dx-edit-row", self._chips, self.undo, self.keep)
        self._change = part("dx-change")
        super().__init__([row("dx-mutation-row", self._row, self.cursor_row), self._change])
        self.add_class("dx-mutations")
        self.show(None, "", (), "")

    @staticmethod
    def _letter(letter: str, mutated: Callable[[str], None]) -> Button:
        tip = f"Change this base to {letter}"
        made = button(letter, "dx-mutate", tip, lambda: mutated(letter))
        return made.add_class(f"dx-base-{letter.lower()}")

    def _undo(self) -> None:
        self._removed(self._edits[-1])

    def show(self, cursor: int | None, bases: str, edits: tuple[Edit, ...], change: str) -> None:
        """Show the cursor (a 0-based position in `bases`), the edits, and what they change."""
        own = "" if cursor is None else as_dna(bases[cursor])
        show(self.cursor_row, cursor is not None)
        if cursor is not None:
            self._cursor.value = (
                f"Base <b>{cursor + 1:,}</b> is <b>{own}</b>; change it to"
                if own in ALPHABET
                else f"Base <b>{cursor + 1:,}</b> is <b>{own}</b>; make it"
            )
        for letter, change_to in self.letters.items():
            change_to.disabled = letter == own
        if edits != self._edits:
            self._edits = edits
            self._chips.children = [self._chip(edit) for edit in edits]
        show(self._row, edits)
        self._change.value = change
        show(self._change, change)
        show(self, edits or cursor is not None)

    def _chip(self, edit: Edit) -> Button:
        tip = f"Take {edit} back"
        return button(f"{edit} ✕", "dx-edit", tip, lambda: self._removed(edit))


def with_edit(edits: tuple[Edit, ...], bases: str, position: int, letter: str) -> tuple[Edit, ...]:
    """Add a change to `bases`, the sequence without any; changing a base back takes it out.

    Examples
    --------
    >>> edits = with_edit((), "ACGT", 1, "T")
    >>> [str(edit) for edit in with_edit(edits, "ACGT", 1, "G")], with_edit(edits, "ACGT", 1, "C")
    (['C2G'], ())
    """
    rest = tuple(edit for edit in edits if edit.position != position)
    before = as_dna(bases[position])
    return rest if before == letter else (*rest, Edit(position, before, letter))
