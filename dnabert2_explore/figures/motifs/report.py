"""A report of discovered motifs: one HTML page that opens without a network and prints."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from ...common.kinds import checked
from ...errors import InputError
from ...sequences import Sequence as Record
from ...tokens import Tokens
from ...version import __version__
from ..core.colours import Theme, theme_of
from ..core.page import facts, page, table, tiny
from ..core.style import span_text
from .card import anchor, card
from .logo import logo_svg

if TYPE_CHECKING:
    from ...analysis.motifs import Differential, Hits, Match, Matches
    from ...analysis.motifs.discovery.pattern import Discovery

__all__ = ["motif_report"]

_HITS = 30
_DIFFERENCES = 25
_WORDS = {
    "widths": "widths of seqlets",
    "null": "null of seqlets",
    "p_value": "largest p of a seqlet",
    "fdr": "false discovery rate",
    "least sites": "fewest sites of a pattern",
    "similar": "one pattern from a correlation of",
    "e_value": "largest E of a pattern",
}


@checked
def motif_report(
    discovery: Discovery,
    matches: Matches | None = None,
    hits: Hits | None = None,
    *,
    title: str,
    model: str,
    caption: str,
    sequences: Sequence[str | Record | Tokens] | None = None,
    differential: Differential | None = None,
    theme: str = "light",
) -> str:
    """Write what was discovered as one HTML page.

    Parameters
    ----------
    discovery : Discovery
    matches : Matches, optional
        Of the patterns' motifs with known ones.
    hits : Hits, optional
        Of any motifs in the sequences.
    title : str
    model : str
        The model and how it ran.
    caption : str
        What was computed: the output explained, the method, the sequences.
    sequences : sequence of str, Sequence or Tokens, optional
        Those of the discovery, to show some sites; as `Tokens`, with the model's tokens.
    differential : Differential, optional
        Motifs that two sets of sequences hold unequally often.
    theme : str
        ``"light"`` or ``"dark"``.

    Returns
    -------
    str
        HTML that loads nothing from anywhere.

    Raises
    ------
    InputError
        If `sequences` or `matches` are not those of the discovery.
    """
    colours = theme_of(theme)
    texts, names = _texts(discovery, sequences)
    nearest = _nearest(discovery, matches)
    parts = [
        f"<header><h1>{escape(title)}</h1><p>{escape(caption)}</p>"
        f'<p class="muted">{escape(model)}</p>{facts(_numbers(discovery))}</header>',
        "<h2>Patterns</h2>",
    ]
    if discovery.patterns:
        parts.append(_overview(discovery, nearest, colours))
        for number, pattern in enumerate(discovery.patterns):
            near = None if nearest is None else nearest[number]
            parts.append(card(pattern, near, discovery.lengths, texts, names, colours))
    else:
        parts.append(
            "<p>No pattern passed the tests: the stretches with high contributions have no more in "
            "common than chance gives. More sequences, or scores that are resolved by base, may "
            "show one.</p>"
        )
    if hits is not None:
        parts.append(_hits(hits))
    if differential is not None:
        parts.append(_differential(differential))
    parts.append(_computed(discovery, matches))
    parts.append(_caveats(discovery, matches, hits))
    return page(title, "".join(parts), colours)


def _texts(
    discovery: Discovery, sequences: Sequence[str | Record | Tokens] | None
) -> tuple[list[str | Tokens] | None, list[str] | None]:
    if sequences is None:
        return None, None
    texts = [one.bases if isinstance(one, Record) else one for one in sequences]
    lengths = [len(one.bases if isinstance(one, Tokens) else one) for one in texts]
    if not np.array_equal(lengths, discovery.lengths):
        raise InputError(
            f"These {len(lengths):,} sequences are not the {discovery.n_sequences:,} that the "
            "motifs were discovered in (number or lengths differ): give those."
        )
    names = [
        one.name if isinstance(one, Record) and one.name else f"sequence {number}"
        for number, one in enumerate(sequences, 1)
    ]
    return texts, names


def _nearest(discovery: Discovery, matches: Matches | None) -> list[list[Match]] | None:
    """Part the matches by pattern, best first."""
    if matches is None:
        return None
    mine = [pattern.motif.name for pattern in discovery.patterns]
    if [query.name for query in matches.queries] != mine:
        raise InputError(
            f"The matches are of {len(matches.queries)} other motifs than the {len(mine)} "
            "patterns: match `discovery.motifs`."
        )
    result: list[list[Match]] = [[] for _ in mine]
    for row in range(len(matches)):
        result[matches.query[row]].append(matches[row])
    return result


def _numbers(discovery: Discovery) -> list[tuple[str, str]]:
    low, high = int(discovery.lengths.min()), int(discovery.lengths.max())
    share = discovery.n_in_patterns / max(discovery.n_seqlets, 1)
    numbers = [
        ("sequences", f"{discovery.n_sequences:,}"),
        ("length", f"{low:,} bp" if low == high else f"{low:,}–{high:,} bp"),
        ("seqlets", f"{discovery.n_seqlets:,}"),
        ("seqlets in patterns", f"{discovery.n_in_patterns:,} ({share:.0%})"),
        ("patterns", f"{len(discovery.patterns)}"),
    ]
    if discovery.n_control is not None:
        numbers.append(("patterns in the control", f"{discovery.n_control}"))
    return numbers


def _overview(discovery: Discovery, nearest: list[list[Match]] | None, colours: Theme) -> str:
    heads = ["pattern", "", "output", "sites", "sequences"]
    if nearest is not None:
        heads += ["nearest known motif", "q"]
    rows = []
    for number, pattern in enumerate(discovery.patterns):
        motif = pattern.motif
        small = logo_svg(
            motif, column=11, height=34, axis=False, label=motif.consensus, theme=colours.name
        )
        row = [
            f'<a href="#{anchor(motif)}">{escape(motif.name)}</a>',
            small,
            "▲ for" if pattern.sign > 0 else "▼ against",
            f"{len(pattern.sites):,}",
            f"{len(np.unique(pattern.sites.sequence)):,}",
        ]
        if nearest is not None:
            best = nearest[number][0]
            row += [escape(best.target.label), tiny(best.q_value)]
        rows.append(row)
    return f'<div class="card">{table(heads, rows, (3, 4, 6))}</div>'


def _hits(hits: Hits) -> str:
    order = np.lexsort((hits.start, hits.sequence, hits.p_value))[:_HITS]
    rows = [
        [
            escape(hits.motifs[hits.motif[i]].label),
            escape(hits.names[hits.sequence[i]]),
            span_text(hits.start[i], hits.end[i]),
            "+" if hits.strand[i] > 0 else "−",
            f"{hits.score[i]:.1f}",
            tiny(float(hits.p_value[i])),
        ]
        for i in order
    ]
    note = f"{len(hits):,} hits"
    if len(hits) > _HITS:
        note += f", the {_HITS} with the least p-values"
    heads = ["motif", "sequence", "bases", "strand", "score (bits)", "p"]
    return (
        "<h2>Hits</h2><p class='muted'>Sites of motifs by sequence alone (FIMO, p &lt; "
        f"{hits.threshold:g}), whatever they contribute: {note}.</p>"
        f'<div class="card">{table(heads, rows, (4, 5))}</div>'
    )


def _differential(result: Differential) -> str:
    rows = [
        [
            escape(result.motifs[i].label),
            f"{result.first_rate[i]:.1%}",
            f"{result.second_rate[i]:.1%}",
            f"{100 * result.difference[i]:+.1f}".replace("-", "−"),
            tiny(float(result.q_value[i])),
            f"{result.gc[i]:.0%}",
        ]
        for i in range(min(len(result), _DIFFERENCES))
    ]
    heads = ["motif", "first set", "second set", "difference (points)", "q", "GC of the motif"]
    return (
        "<h2>Two sets beside each other</h2><p class='muted'>Sequences with at least one hit. "
        f"First: {escape(str(result.first))}. Second: {escape(str(result.second))}. Fisher's exact "
        f"test, q over {len(result):,} motifs.</p>"
        f'<div class="card">{table(heads, rows, (1, 2, 3, 4, 5))}</div>'
    )


def _computed(discovery: Discovery, matches: Matches | None) -> str:
    settings = {
        "caller": "TF-MoDISco" if discovery.caller == "modisco" else "seqlets of this package",
        **{_WORDS.get(name, name): f"{value}" for name, value in discovery.settings.items()},
    }
    if matches is not None:
        settings["known motifs"] = f"{matches}"
    settings["software"] = f"dnabert2-explore {__version__}"
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in settings.items()
    )
    return f'<h2>How it was computed</h2><dl class="settings">{rows}</dl>'


def _caveats(discovery: Discovery, matches: Matches | None, hits: Hits | None) -> str:
    words = [
        "A pattern says that bases like these stand where the model's output depends on them. It "
        "does not say that a protein binds there, nor that the model is right.",
        "Base composition, repeats and overlapping or homologous sequences make patterns too; "
        "sequences that occur twice count twice. Compare with sets of like composition.",
        "Contributions that a method computes by token and spreads over its bases are no finer "
        "than a token: the contribution logo is then wider and flatter than the information logo.",
    ]
    if discovery.caller == "seqlets":
        words.append(
            f"Seqlets pass against a null: {discovery.settings['null']}. Shuffled bases also let "
            "a lone strong token pass; what counts is the test of the pattern."
        )
        words.append(
            "E counts patterns as concentrated in seqlets that chance would give; the motif was "
            "fitted to these seqlets, which flatters it. The control repeats the search with "
            "contributions rotated along their sequence, where there is nothing to find"
            + (
                "; it was not made, as there was nothing to compare."
                if discovery.n_control is None
                else f": it found {discovery.n_control or 'none'}, and only patterns more "
                "concentrated than any of those are shown."
            )
        )
    if matches is not None:
        words.append(
            "Motifs of one family of factors resemble each other: a match names a family, not a "
            "factor. q-values are over all pairs of pattern and known motif that were compared."
        )
    if hits is not None:
        apart = 1 / (hits.threshold * (2 if hits.both_strands else 1))
        words.append(
            f"Hits are found by sequence alone; at p < {hits.threshold:g} chance gives up to one "
            f"hit of a motif in {apart:,.0f} bases."
        )
    items = "".join(f"<li>{escape(one)}</li>" for one in words)
    return f"<h2>What it does not say</h2><ul>{items}</ul>"
