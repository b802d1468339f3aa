"""What the token view can show: the ribbon, merges, tokenizers side by side, sizes.

Each knows its figure, words, code and table.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from ....analysis.tokenizers import (
    MergeReplay,
    TokenizerComparison,
    compare_tokenizers,
    replay_merges,
)
from ....figures.core.parts import Figure
from ....figures.core.style import span_text
from ....figures.tokens.merges import merge_tree
from ....figures.tokens.ribbon import token_ribbon
from ....figures.tokens.tokenizers import tokenizer_lanes
from ....sequences import Sequence
from ....tokens import Tokens
from ...core.code import csv_text, frame_csv, opening
from .tables import edit_words, merge_line, ripple_table

if TYPE_CHECKING:
    from .explorer import TokenExplorer

__all__ = ["Compared", "Merges", "Mode", "Ribbon", "Sizes"]


class Mode:
    """One way to show the tokens of the sequence that a token view looks at."""

    #: Letters whose keys are reported.
    typed = ""
    #: Whether its x axis is the base axis.
    on_bases = True

    def __init__(self, view: TokenExplorer) -> None:
        self.view = view

    @property
    def tokens(self) -> Tokens:
        """Tokens of the sequence looked at."""
        tokens = self.view.tokens
        assert tokens is not None  # callers looked
        return tokens

    @property
    def sequence(self) -> Sequence:
        """The sequence looked at."""
        current = self.view.selection.current
        assert current is not None
        return current

    @property
    def sight(self) -> tuple[int, int]:
        """Visible bases."""
        return self.view.selection.view or (0, len(self.sequence))

    def _how(self) -> dict[str, Any]:
        """Return the options that every one of these figures has."""
        selection = self.view.selection
        width, theme = self.view.plot.width or 900, selection.theme
        return {"selected": selection.bases, "width": width, "theme": theme}

    def _opening(self) -> str:
        return opening(self.view.enc, self.view.selection)

    def figure(self) -> Figure | None:
        """Draw it."""
        raise NotImplementedError

    def read_out(self) -> str:
        """Say what is selected, as HTML."""
        raise NotImplementedError

    def caption(self) -> str:
        """Say what is shown, as HTML."""
        raise NotImplementedError

    def code(self) -> str:
        """Write the lines of Python that draw it."""
        raise NotImplementedError

    def table(self) -> str:
        """Write its numbers as CSV."""
        raise NotImplementedError


class Ribbon(Mode):
    """The tokens of the model as blocks."""

    def figure(self) -> Figure:
        """Draw it."""
        selection = self.view.selection
        features = selection.features
        return token_ribbon(self.tokens, view=selection.view, features=features, **self._how())

    def read_out(self) -> str:
        """Say which tokens are selected."""
        tokens, bases = self.tokens, self.view.selection.bases
        if bases is None:
            return ""
        first, last = tokens.covering(*bases)
        if last - first == 1:
            start, end = (int(v) for v in tokens.spans[first])
            what = " · not in the vocabulary" if tokens.unknown[first] else ""
            return (
                f"<code>{escape(tokens.tokens[first][:60])}</code> token "
                f"{int((~tokens.special[: first + 1]).sum()):,} of "
                f"{int((~tokens.special).sum()):,} · id {tokens.ids[first]} · {end - start} bp · "
                f"bases {span_text(start, end)}{what}"
            )
        shown = " ".join(f"<code>{escape(t[:30])}</code>" for t in tokens.tokens[first:last][:14])
        more = f" and {last - first - 14:,} more" if last - first > 14 else ""
        return f"{last - first:,} tokens in bases {span_text(*bases)}: {shown}{more}"

    def caption(self) -> str:
        """Say what is shown, as HTML."""
        info = self.view.enc.info
        return (
            f"<b>{escape(self.sequence.name)}</b> cut into {int((~self.tokens.special).sum()):,} "
            f"tokens by the byte-pair encoding of {escape(info.name)} ({info.vocabulary:,} "
            "entries). Height: bases in a token; the two tints only part neighbours. Positions "
            "count from 1."
        )

    def code(self) -> str:
        """Write the lines of Python that draw it."""
        selection = self.view.selection
        return (
            f"{self._opening()}tokens = enc.tokenize(bases)\n"
            f"dx.plot(tokens, view={selection.view!r}, selected={selection.bases!r})"
        )

    def table(self) -> str:
        """Write the tokens as CSV."""
        tokens = self.tokens
        rows = (
            (i, token, tokens.ids[i], a, b, b - a, int(tokens.special[i]), int(tokens.unknown[i]))
            for i, (token, (a, b)) in enumerate(zip(tokens.tokens, tokens.spans, strict=True))
        )
        return csv_text(
            (
                f"{self.sequence.name}: tokens of {self.view.enc.info}",
                "start and end: 0-based, half-open; special tokens have no bases",
            ),
            ("index", "token", "id", "start", "end", "length", "special", "unknown"),
            rows,
        )


class Merges(Mode):
    """How the tokens were made, merge by merge."""

    _found: MergeReplay | None = None

    @property
    def found(self) -> MergeReplay:
        """The merges of the sequence looked at."""
        bases = self.sequence.bases
        if self._found is None or self._found.tokens.bases != bases:
            self._found = replay_merges(self.view.enc, bases)
        return self._found

    @property
    def smaller(self) -> int | None:
        """Entries of the vocabulary that is asked for; None for all of them."""
        entries = self.view.entries.value
        return None if entries == len(self.view.enc.tokenizer) else entries

    def figure(self) -> Figure:
        """Draw it."""
        return merge_tree(self.found, view=self.sight, vocabulary=self.smaller, **self._how())

    def read_out(self) -> str:
        """Say by which merges the selection was joined."""
        return merge_line(self.found, self.view.selection.bases)

    def caption(self) -> str:
        """Say what is shown, as HTML."""
        entries = self.view.entries.value
        count = len(self.found.borders(entries)) - 1
        return (
            f"<b>{escape(self.sequence.name)}</b>: each bracket is a merge, as high as its number "
            f"in the vocabulary of {escape(self.view.enc.info.name)}; what was learnt first joins "
            f"what stands together most often. With {entries:,} entries: {count:,} tokens. Select "
            "a token to read its merges."
        )

    def code(self) -> str:
        """Write the lines of Python that draw it."""
        return (
            f"{self._opening()}"
            "found = dx.replay_merges(enc, bases)  # found.table(), found.borders(256)\n"
            f"dx.plot(found, view={self.sight!r}, vocabulary={self.smaller!r})"
        )

    def table(self) -> str:
        """Write the merges as CSV."""
        units = "start, border and end: 0-based, half-open; rank: number in the vocabulary"
        title = f"{self.sequence.name}: merges of {self.view.enc.info}"
        return frame_csv(self.found.table(), title, units)


class Compared(Mode):
    """Other models' tokenizers beside the model's, and what they make of a mutant."""

    typed = "ACGTXZ"
    _found: TokenizerComparison | None = None

    @property
    def found(self) -> TokenizerComparison:
        """The tokenizers on the sequence looked at."""
        bases = self.sequence.bases
        if self._found is None or self._found.bases != bases:
            self._found = compare_tokenizers(self.view.enc, bases)
        return self._found

    def figure(self) -> Figure:
        """Draw it."""
        return tokenizer_lanes(self.found, view=self.sight, edit=self.view.edit, **self._how())

    def read_out(self) -> str:
        """Say what an edit does to every tokenizer."""
        return ripple_table(self.found, self.view.selection.bases, self.view.edit)

    def caption(self) -> str:
        """Say what is shown, as HTML."""
        return (
            f"<b>{escape(self.sequence.name)}</b> cut by {escape(self.view.enc.info.name)} and by "
            "other models' tokenizers; overlapping k-mers share their bases, and stand in as many "
            "rows. A BPE cuts the other strand otherwise: its borders are turned back. "
            "Substitute, insert or delete at a click to see the mutant, and in numbers what "
            "becomes of each."
        )

    def code(self) -> str:
        """Write the lines of Python that draw it."""
        selected, edit = self.view.selection.bases, self.view.edit
        return (
            f"{self._opening()}"
            "found = dx.compare_tokenizers(enc, bases)  # found.table(), found.edit(…)\n"
            f"dx.plot(found, view={self.sight!r}, selected={selected!r}, edit={edit!r})"
        )

    def table(self) -> str:
        """Write every tokenizer's numbers as CSV."""
        frame, edit = self.found.table(), self.view.edit
        words = ""
        if edit is not None:
            words = f"; {edit_words(self.sequence.bases, edit)}"
            done = self.found.edit(*edit)
            frame["replaced"], frame["new"], frame["reach"] = (
                [getattr(one, field) for one in done] for field in ("before", "after", "reach")
            )
        return frame_csv(frame, f"{self.sequence.name}: tokenizers beside each other{words}")


class Sizes(Mode):
    """Encodings of growing vocabularies, trained on the set that is looked at."""

    on_bases = False

    def figure(self) -> Figure | None:
        """Draw it."""
        return self.view._sizes.figure(len(self.view.enc.tokenizer), self.view.selection.theme)

    def read_out(self) -> str:
        """Write the numbers as a table."""
        return self.view._sizes.rows()

    def caption(self) -> str:
        """Say what is shown, as HTML."""
        return self.view._sizes.caption(len(self.view.enc.tokenizer))

    def code(self) -> str:
        """Write the lines of Python that draw it."""
        return self.view._sizes.code(len(self.view.enc.tokenizer))

    def table(self) -> str:
        """Write the numbers as CSV."""
        return self.view._sizes.table()
