"""What the token view says in words and small tables."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from ..figures.style import span_text

if TYPE_CHECKING:
    from ..analysis.tokenizers import MergeReplay, TokenizerComparison
    from ..tokens import Tokens

__all__ = ["merge_line", "ripple_table", "statistics"]

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


def ripple_table(found: TokenizerComparison, bases: tuple[int, int] | None) -> str:
    """Say what changes of the first selected base do to every tokenizer."""
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


def statistics(tokens: Tokens) -> str:
    """Write the numbers over the token view."""
    lengths = tokens.lengths[~tokens.special]
    composition = tokens.composition
    longest = int(np.max(lengths, initial=0))
    chips = [
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
        chips.append(
            f"<b class='dx-warn'>▨ {unknown:,} unknown</b> ({', '.join(kinds)}): "
            "the model sees [UNK]"
        )
    if composition.lower:
        chips.append(f"<i class='dx-read-as'>{composition.lower:,} lower case, read as upper</i>")
    if composition.uracil:
        chips.append(f"<i class='dx-read-as'>{composition.uracil:,} U, read as T</i>")
    return (
        "<div class='dx-chips'>"
        + _histogram(lengths)
        + "".join(f"<span>{chip}</span>" for chip in chips)
        + ("" if unknown else "<span class='dx-nothing-odd'>no unknown bases</span>")
        + "</div>"
    )


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
