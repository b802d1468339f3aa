"""The token view: how the model's vocabulary cuts a sequence."""

from __future__ import annotations

from collections.abc import Sequence as Items
from typing import Any

import numpy as np
from ipywidgets import Widget

from ....encoder import Encoder, load
from ....errors import InputError
from ....figures.core.parts import Figure
from ....figures.tokens.merges import MOST
from ....sequences import Sequence
from ....tokens import Tokens
from ...core.controls import menu, part, show, toggle
from ...core.explorer import ARROWS, Explorer, guarded
from ...core.kept import Kept
from ...core.state import MINE, Selection
from ...examples import fill
from .modes import Compared, Merges, Mode, Ribbon, Sizes
from .tables import DELETE, INSERT, LOOK, SUBSTITUTE, EditBar, edit_words, statistics
from .vocabularies import Vocabularies

__all__ = ["TokenExplorer", "base_at", "select_token", "step_token"]


def base_at(x: float, n: int) -> int:
    """Find the base, counted from 0, at a place of an axis of `n` bases that counts from 1."""
    return int(np.clip(round(x) - 1, 0, n - 1))


def select_token(selection: Selection, tokens: Tokens, x: float, shift: bool) -> None:
    """Select the bases of the token at display position `x`; with shift, extend to it."""
    start, end = tokens.spans[tokens.at(base_at(x, len(tokens.bases)))].tolist()
    if shift and selection.bases:
        start, end = min(start, selection.bases[0]), max(end, selection.bases[1])
    elif selection.bases == (start, end):
        selection.update(bases=None)
        return
    selection.update(bases=(start, end))


def step_token(selection: Selection, tokens: Tokens, by: int) -> None:
    """Select the token before or after the selected one; the first in sight without any."""
    n = len(tokens)
    if selection.bases:
        first, last = tokens.covering(*selection.bases)
        index = first + by if by < 0 else last - 1 + by
    else:
        index = tokens.at((selection.view or (0, 1))[0])
    while 0 <= index < n and tokens.special[index]:
        index += by
    if not 0 <= index < n:
        return
    start, end = tokens.spans[index].tolist()
    changes: dict[str, Any] = {"bases": (start, end)}
    view = selection.view
    if view and not view[0] <= start < end <= view[1]:
        width = view[1] - view[0]
        low = min(max(0, (start + end - width) // 2), max(0, len(tokens.bases) - width))
        changes["view"] = (low, low + width)
    selection.update(**changes)


class TokenExplorer(Explorer):
    """See how a sequence is cut into tokens.

    Blocks are tokens, as wide as the bases they cover and as high as they are long. Click a token
    to select its bases, shift-click to extend, drag to zoom, double-click for the whole sequence;
    with the keyboard: arrow keys go from token to token, + − 0 zoom, Esc unselects.

    Class ``dx-tokens``; parts ``dx-stats``, ``dx-compare-tokenizers`` (other models' tokenizers on
    the same axis, with ``dx-token-edit``: what a click on a base does; keys: A C G T, X deletes, Z
    takes back), ``dx-merges`` (how the tokens were made, merge by merge), ``dx-entries`` (what a
    smaller vocabulary makes) and ``dx-vocabularies`` (encodings of other sizes, trained on the set
    looked at; what takes more than 10 s waits for ``dx-compute``).

    Parameters
    ----------
    enc : Encoder, optional
        Whose tokenizer to use; the pocket model by default.
    sequences : sequence of Sequence, optional
        The examples by default.
    selection : Selection, optional
        Shared with other views.
    low : bool
        Put the numbers into the heading, not below it.

    Examples
    --------
    >>> from dnabert2_explore import Sequence
    >>> view = TokenExplorer(sequences=[Sequence("probe", "ACGTTGCATTAGCATGCAAT")])
    >>> view.tokens.tokens[0]
    '[CLS]'
    """

    title = "Tokens"
    kind = "tokens"
    help = (
        "DNABERT-2 does not read bases one by one: a byte-pair encoding, learned from genomes, "
        "joins bases that often stand together into tokens of different lengths. A change of one "
        "base can move the boundaries around it. "
        "<cite>Zhou et al. 2024, DNABERT-2, ICLR; Sennrich et al. 2016.</cite>"
    )

    def __init__(
        self,
        enc: Encoder | None = None,
        sequences: Items[Sequence] | None = None,
        *,
        selection: Selection | None = None,
        low: bool = False,
    ) -> None:
        self.enc = enc if enc is not None else load()
        self._kept: Kept[str, Tokens] = Kept(8)
        self._stats = part("dx-stats")
        self._low = low
        self.compare = toggle(
            "Tokenizers",
            "dx-compare-tokenizers",
            "Beside DNABERT's overlapping k-mers, 6-mers and single bases",
        )
        self.merges = toggle(
            "Merges", "dx-merges", "How byte-pair encoding makes the tokens, merge by merge"
        )
        most = len(self.enc.tokenizer)
        sizes = [2**k for k in range(4, 16) if 2**k < most]
        self.entries = menu(
            "dx-entries",
            [(f"{size:,} entries", size) for size in (*sizes, most)],
            "What a smaller vocabulary of the same encoding makes of the sequence",
            most,
        )
        show(self.entries, False)
        self._sizes = Vocabularies(
            lambda: self.selection,
            lambda what, work, done: self._start(what, work, done),
            lambda words: self.say(words),
            lambda: self._draw(),
        )
        self.vocabularies = self._sizes.toggle
        for one in (self.compare, self.merges, self.vocabularies):
            one.observe(self._toggled, names="value")
        self._when(self._draw, self.entries)
        self.editing = EditBar(self._lettered, self._undo, self._keep)
        self._when(self._draw, self.editing.how)
        self.edit_how = self.editing.how  # remembered with the other settings
        self._edit: tuple[str, int, int, str] | None = None
        self._at: int | None = None
        self._ribbon, self._merged = Ribbon(self), Merges(self)
        self._compared, self._sized = Compared(self), Sizes(self)
        more = [self.merges, self.compare, self.vocabularies, self.entries]
        super().__init__(selection, [self._stats, *more] if low else more)
        if selection is None:
            fill(self.selection, sequences)
        self._guarded(self._draw)

    def _toggled(self, change: dict[str, Any]) -> None:
        """Show one of the three at a time."""
        if change["new"]:
            for other in (self.compare, self.merges, self.vocabularies):
                if other is not change["owner"]:
                    other.value = False
        show(self.entries, self.merges.value)
        self._guarded(self._draw)

    def _above(self) -> list[Widget]:
        more = [self.editing, self._sizes.compute]
        return more if self._low else [self._stats, *more]

    # Edits -------------------------------------------------------------------------------------

    @property
    def edit(self) -> tuple[int, int, str] | None:
        """Bases [start, end) of the sequence looked at, and what a click put in their place."""
        current = self.selection.current
        if self._edit is None or current is None or self._edit[0] != current.bases:
            return None
        return self._edit[1:]

    def _change(self, at: int, letter: str | None) -> None:
        """Do at a base what the bar says; a letter typed once more is inserted behind the last."""
        current = self.selection.current
        if current is None:
            return
        how, bases = self.editing.how.value, current.bases
        letter = letter or self.editing.letter.value
        edit = (at, at + 1, letter)
        if how == DELETE:
            chosen = self.selection.bases
            wide = chosen is not None and chosen[0] <= at < chosen[1] and self._at is None
            edit = (*chosen, "") if wide and chosen is not None else (at, at + 1, "")
        elif how == INSERT:
            before = self.edit
            more = before is not None and before[0] == before[1] == at
            edit = (at, at, (before[2] if more and before is not None else "") + letter)
        elif how == SUBSTITUTE and bases[at].upper() == letter:
            self.say(f"Base {at + 1:,} is {letter} already: choose another letter.")
            return
        self._compared.found.mutant(*edit)  # says what cannot be
        self._edit, self._at = (bases, *edit), at
        self._draw()

    def _lettered(self, letter: str) -> None:
        """Follow a letter: of a substitution that is there, or one more of an insertion."""
        if self._at is not None and self.edit is not None and self.editing.how.value != DELETE:
            at = self._at
            self._guarded(lambda: self._change(at, letter))

    @guarded
    def _undo(self) -> None:
        self._edit = self._at = None
        self._draw()

    @guarded
    def _keep(self) -> None:
        edit, current = self.edit, self.selection.current
        if edit is None or current is None:
            raise InputError("There is no mutant to keep: click a base first.")
        start, end, to = edit
        mutant = current.bases[:start] + to + current.bases[end:]
        name = f"{current.name} {edit_words(current.bases, edit)}"
        self.selection.add([Sequence(name, mutant, label=current.label)], MINE)

    def _memory(self) -> dict[str, Any]:
        return {} if self.edit is None else {"edit": list(self.edit)}

    def _recall(self, more: dict[str, Any]) -> None:
        current, edit = self.selection.current, more.get("edit")
        if edit is not None and current is not None:
            self._edit = (current.bases, int(edit[0]), int(edit[1]), str(edit[2]))
        self._draw()

    @property
    def tokens(self) -> Tokens | None:
        """Tokens of the sequence looked at."""
        current = self.selection.current
        if current is None:
            return None
        return self.tokens_of(current.bases)

    def tokens_of(self, bases: str) -> Tokens:
        """Tokens of a sequence, the last few kept."""
        if bases not in self._kept:
            self._kept[bases] = self.enc.tokenize(bases)
        self._kept.move_to_end(bases)
        return self._kept[bases]

    @property
    def _mode(self) -> Mode:
        """What is on show."""
        if self.vocabularies.value:
            return self._sized
        if self.comparing:
            return self._compared
        return self._merged if self.replaying else self._ribbon

    def _figure(self) -> Figure | None:
        if self.tokens is None:
            return None
        mode = self._mode
        figure = mode.figure()
        if figure is None or not mode.on_bases:
            return figure
        return figure.update_layout(dragmode=self.selection.drag)

    @property
    def comparing(self) -> bool:
        """Whether other tokenizers are on show."""
        return bool(self.compare.value) and self._near

    @property
    def replaying(self) -> bool:
        """Whether merges are on show."""
        return bool(self.merges.value) and self._near

    @property
    def _near(self) -> bool:
        """Whether few enough bases are in sight to tell tokens apart."""
        current, view = self.selection.current, self.selection.view
        if current is None:
            return False
        start, end = view or (0, len(current))
        return end - start <= MOST

    def _draw(self) -> None:
        tokens, current = self.tokens, self.selection.current
        if tokens is None or current is None:
            self._stats.value = ""
            self._show(None, "Choose an example, or add a sequence of your own.")
            return
        self.say("")
        show(self.editing, self.comparing)
        show(self._sizes.compute, False)
        self.editing.show(self.edit is not None)
        self._stats.value = statistics(tokens)
        if (self.compare.value or self.merges.value) and not self._near:
            what = "the other tokenizers" if self.compare.value else "how tokens were made"
            self.say(f"Zoom in to {MOST} bases or less to see {what}.")
        if self.vocabularies.value:
            self._sizes.ask()
        mode = self._mode
        self._read_out.value = mode.read_out()
        if mode.on_bases:
            self._show_on_bases(self._figure(), mode.caption(), typed=mode.typed)
        else:
            self._show(self._figure(), mode.caption(), config={"displayModeBar": False})

    def _press(self, event: dict[str, Any]) -> None:
        tokens = self.tokens
        if tokens is None or self.vocabularies.value:
            return
        if self.comparing and self.editing.how.value != LOOK:
            self._at = None
            self._change(base_at(event["x"], len(tokens.bases)), None)
        else:
            select_token(self.selection, tokens, event["x"], bool(event.get("shift")))

    def _key(self, key: str, shift: bool) -> None:
        if key in ARROWS and (tokens := self.tokens) is not None:
            step_token(self.selection, tokens, ARROWS[key])
        elif self.comparing and key in "ACGTXZ":
            self._typed(key)
        else:
            super()._key(key, shift)

    def _typed(self, key: str) -> None:
        """Edit by keyboard: at the last edit, or at the first selected base."""
        chosen = self.selection.bases
        at = self._at if self._at is not None else None if chosen is None else chosen[0]
        if key == "Z":
            self._undo()
        elif at is None:
            self.say("Select a base first: with the arrows, or by a click.")
        elif key == "X":
            self.editing.how.value = DELETE
            self._change(at, None)
        else:
            if self.editing.how.value not in (SUBSTITUTE, INSERT):
                self.editing.how.value = SUBSTITUTE
            follows = self.editing.letter.value != key
            follows = follows and self.edit is not None and self._at is not None
            self.editing.letter.value = key
            if not follows:  # the letter alone changes no edit that is not there
                self._change(at, key)

    def _cancelled(self) -> None:
        super()._cancelled()
        self._sizes.halt()

    def _needs(self) -> tuple[int, ...]:
        return self._sizes.members if self.vocabularies.value else super()._needs()

    def _code(self) -> str:
        return self._mode.code()

    def _table(self) -> str:
        if self.tokens is None:
            raise InputError("There are no tokens yet: choose a sequence first.")
        return self._mode.table()
