"""What the token view says in words and small tables."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from ipywidgets import HBox

from ....figures.core.style import span_text
from ....sequences.motifs.motif import ALPHABET
from ...core.controls import chips, choice, show, undo_keep

if TYPE_CHECKING:
    from ....analysis.tokenizers import MergeReplay, TokenizerComparison
    from ....tokens import Tokens

__all__ = ["EditBar", "edit_words", "merge_line", "ripple_table", "statistics"]

#: What a click on a base does.
LOOK, SUBSTITUTE, INSERT, DELETE = "select", "substitute", "insert", "delete"
_HOW = {
    LOOK: "A click selects",
    SUBSTITUTE: "A click replaces a base by the letter (keys A C G T)",
    INSERT: "A click puts the letter before a base (keys A C G T put more)",
    DELETE: "A click takes a base out (key X)",
}

_FEWEST = 8  # bases: fewer hold no 6-mer once one is deleted
_STEPS = 12
_TRANSITIONS = {"A": "G", "C": "T", "G": "A", "T": "C"}


def merge_line(found: MergeReplay, bases: tuple[int, int] | None) -> str:
    """Say by which merges the selected bases were joined."""
    if bases is None:
        return ""
    inside = (found.spans[:, 0] >= bases[0]) & (found.spans[:, 2] <= bases[1])
    text = found.tokens.bases
    steps = [
        f"<code>{escape(text[a:b])}</code>+<code>{escape(text[b:c])}</code> {rank + 1:,}"
        for (a, b, c), rank in zip(
            found.spans[inside].tolist(), found.ranks[inside].tolist(), strict=True
        )
    ]
    more = f" and {len(steps) - _STEPS:,} more" if len(steps) > _STEPS else ""
    return (
        f"Bases {span_text(*bases)}, {len(steps):,} merges by their number in the vocabulary: "
        f"{', '.join(steps[:_STEPS])}{more}"
    )


def ripple_table(
    found: TokenizerComparison,
    bases: tuple[int, int] | None,
    edit: tuple[int, int, str] | None = None,
) -> str:
    """Say what an edit, or changes of the first selected base, do to every tokenizer."""
    if edit is not None:
        start, end, to = edit
        words = edit_words(found.bases, edit)
        done = found.edit(start, end, to)
        heads = "".join(f"<th>{escape(one.name)}</th>" for one in done)
        cells = "".join(
            f"<td>{one.before} → {one.after} <small>({one.reach} bp)</small></td>" for one in done
        )
        return (
            f"<table class='dx-ripple'><caption>{escape(words)}: tokens replaced → new ones, and "
            f"the bases these span</caption><tr><td></td>{heads}</tr><tr><th>mutant</th>{cells}"
            "</tr></table>"
        )
    if bases is None:
        return ""
    at = bases[0]
    letter = found.bases[at].upper()
    other = _TRANSITIONS.get(letter, "A")
    changes = {f"{letter}→{other}": (at + 1, other), "A inserted": (at, "A")}
    if len(found.bases) > _FEWEST:
        changes["deleted"] = (at + 1, "")
    heads = "".join(f"<th>{escape(cut.name)}</th>" for cut in found.cuts)
    body = ""
    for words, (end, to) in changes.items():
        cells = "".join(
            f"<td>{one.after} <small>({one.reach} bp)</small></td>"
            for one in found.edit(at, end, to)
        )
        body += f"<tr><th>{words}</th>{cells}</tr>"
    return (
        f"<table class='dx-ripple'><caption>New tokens where base {at + 1:,} is changed, and the "
        f"bases they span</caption><tr><td></td>{heads}</tr>{body}</table>"
    )


def edit_words(bases: str, edit: tuple[int, int, str]) -> str:
    """Say what an edit does, as one reads it on screen.

    Examples
    --------
    >>> edit_words("ACGT", (1, 2, "T")), edit_words("ACGT", (2, 2, "AA"))
    ('C2T', 'AA inserted before base 3')
    """
    start, end, to = edit
    if start == end:
        return f"{to} inserted before base {start + 1:,}"
    if not to:
        return f"{bases[start:end][:20]} at {span_text(start, end)} deleted"
    return f"{bases[start:end].upper()}{start + 1:,}{to}"


class EditBar(HBox):
    """What a click on a base does: its letter replaced, letters put before it, or it deleted.

    Class ``dx-token-edit``; parts ``dx-edit-how``, ``dx-edit-letter``, ``dx-undo``, ``dx-keep``.
    changed(letter) is called when a letter is pressed, `undone` when the edit is to be taken back,
    `kept` when the mutant is to be a sequence.
    """

    def __init__(
        self, changed: Callable[[str], None], undone: Callable[[], None], kept: Callable[[], None]
    ) -> None:
        self.how = choice("dx-edit-how", list(_HOW), list(_HOW.values()))
        self.letter = choice(
            "dx-edit-letter", list(ALPHABET), [f"Letter {one} (key {one})" for one in ALPHABET]
        )
        self.undo, self.keep = undo_keep("Take the edit back (key Z)", undone, kept)
        self.letter.observe(lambda change: changed(change["new"]), names="value")
        super().__init__([self.how, self.letter, self.undo, self.keep])
        self.add_class("dx-token-edit")

    def show(self, edited: bool) -> None:
        """Show what there is to do."""
        show(self.letter, self.how.value in (SUBSTITUTE, INSERT))
        show(self.undo, edited)
        show(self.keep, edited)


def statistics(tokens: Tokens) -> str:
    """Write the numbers over the token view."""
    lengths = tokens.lengths[~tokens.special]
    composition = tokens.composition
    longest = int(np.max(lengths, initial=0))
    told = [
        f"<b>{composition.length:,}</b> bp",
        f"<b>{len(lengths):,}</b> tokens",
        f"<b>{tokens.bases_per_token:.2f}</b> bases per token",
        f"longest <b>{longest}</b> bp",
    ]
    unknown = composition.n + composition.iupac + composition.unknown
    if unknown:
        kinds = [
            f"{count:,} {name}"
            for count, name in (
                (composition.n, "N"),
                (composition.iupac, "IUPAC codes"),
                (composition.unknown, "other letters"),
            )
            if count
        ]
        told.append(
            f"<b class='dx-warn'>▨ {unknown:,} unknown</b> ({', '.join(kinds)}): "
            "the model sees [UNK]"
        )
    if composition.lower:
        told.append(f"<i class='dx-read-as'>{composition.lower:,} lower case, read as upper</i>")
    if composition.uracil:
        told.append(f"<i class='dx-read-as'>{composition.uracil:,} U, read as T</i>")
    last = "" if unknown else "<span class='dx-nothing-odd'>no unknown bases</span>"
    return chips(told, _histogram(lengths), last)


def _histogram(lengths: Any) -> str:
    """Token lengths as a thumbnail; the figure of the same data is ``figures.token_lengths``."""
    if not len(lengths):
        return ""
    counts = np.bincount(np.minimum(lengths, 24))[1:]
    bars = "".join(
        f"<rect x='{i * 7}' y='{24 - 22 * c / counts.max():.1f}' width='6' "
        f"height='{22 * c / counts.max():.1f}'><title>{c:,} tokens of {i + 1} bp</title></rect>"
        for i, c in enumerate(counts)
    )
    return (
        f"<svg class='dx-spark' width='{len(counts) * 7}' height='24' role='img' "
        f"aria-label='token lengths from 1 to {len(counts)} bp'>{bars}</svg>"
    )
