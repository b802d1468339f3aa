"""The attribution view as a table, and as the Python that rebuilds it."""

from __future__ import annotations

from typing import Any

from ...analysis.attribution import METHODS, Attribution
from ...common.delimited import csv_line
from ..core.code import csv_text, sequence_code
from ..core.state import Selection
from .content import AttributionContent

__all__ = ["code_of", "table_of"]


def code_of(shown: AttributionContent, selection: Selection, model: str, cursor: int | None) -> str:
    """Write the lines of Python that rebuild what is on show; the last is the figure."""
    lines = [f"enc = dx.load({model!r})", sequence_code(selection).rstrip("\n")]
    request, result = shown.request, shown.result
    how = f"view={selection.view!r}, selected={selection.bases!r}"
    if shown.plain and cursor is None:
        lines.append(f"result = {_attribute(shown, result)}")
        lines.append(f"dx.plot(result, {how})")
        return "\n".join(["import dnabert2_explore as dx", "", *lines])
    imports = [
        "from dnabert2_explore.figures.attribution.lanes import Lane",
        "from dnabert2_explore.figures.attribution.stack import attribution_stack",
    ]
    if shown.original is None:
        lines += [
            f"result = {_attribute(shown, result)}",
            "lanes = [Lane.of_tokens(result), Lane.of_bases(result)]",
        ]
    else:
        imports.append("from dnabert2_explore.sequences import mutate")
        lines.append(f"original = {_attribute(shown, shown.original)}")
        lines += [f"bases = mutate(bases, {e.position}, {e.after!r})  # {e}" for e in shown.edits]
        lines += [f"result = {_attribute(shown, result)}", *_pairs(shown)]
    for other in shown.others:
        lines.append(f"lanes.append(Lane.of_bases({_attribute(shown, other)}))")
    more = []
    if shown.strands is not None:
        call = _attribute(shown, result, "dx.mirror_strands")
        lines += [f"mirror = {call}", "lanes.append(Lane.of_mirror(mirror))"]
        if shown.strands.applicable:
            lines.append("lanes.append(Lane.of_strands(mirror))")
    if shown.offsets is not None:
        call = _attribute(shown, result, "dx.average_offsets")
        lines.append(f"lanes.append(Lane.of_offsets({call}))")
    if shown.features:
        imports.append("from dnabert2_explore.widgets.examples import Site")
        lines.append("features = [")
        lines += [
            f"    Site({f.start}, {f.end}, {f.strand!r}, {f.kind!r}, {f.name!r}),"
            for f in shown.features
        ]
        lines.append("]")
        more.append("features=features")
    if (hits := shown.hits) is not None:
        motifs = _motifs(shown, imports)
        lines.append(f"hits = dx.scan_motifs(bases, {motifs}, threshold={hits.threshold!r})")
        more.append("hits=hits")
    if shown.effects is not None:
        given = request.settings.given()
        output = f", output={given['output']!r}" if "output" in given else ""
        lines.append(
            f"effects = dx.saturation_mutagenesis(enc, bases, {request.target!r}{output}, "
            f"region={shown.region!r})"
        )
        more.append("effects=effects")
    if cursor is not None:
        more.append(f"cursor={cursor}")
    lines.append(f"attribution_stack({', '.join(['lanes', *more, how])})")
    return "\n".join(["import dnabert2_explore as dx", *sorted(set(imports)), "", *lines])


def _attribute(shown: AttributionContent, found: Attribution, call: str = "dx.attribute") -> str:
    """Write the call that gave an attribution of what is on show, or another with its settings."""
    steps = int(dict(found.settings).get("steps", 0))
    request = shown.request.by(found.method)
    given = {"n_steps": steps} if steps else {}
    given |= {n: v for n, v in request.settings.given().items() if n not in ("method", "n_steps")}
    target = request.target if shown.original is None else found.target
    more = "".join(f", {name}={value!r}" for name, value in given.items())
    return f"{call}(enc, bases, target={target!r}, method={found.method!r}{more})"


def _pairs(shown: AttributionContent) -> list[str]:
    """Lanes of original and mutant, as `AttributionContent.lanes` has them."""
    tokens, bases = shown.lanes[0].marked, shown.lanes[2].marked
    title = METHODS[shown.result.method].title
    return [
        "lanes = [",
        f'    Lane.of_tokens(original, "original", scale="tokens", marked={tokens!r}, '
        f"detail={title!r}),",
        f'    Lane.of_tokens(result, "mutant", scale="tokens", marked={tokens!r}),',
        f'    Lane.of_bases(original, "original", scale="bases", marked={bases!r}),',
        f'    Lane.of_bases(result, "mutant", scale="bases", marked={bases!r}),',
        "]",
    ]


def _motifs(shown: AttributionContent, imports: list[str]) -> str:
    hits = shown.hits
    assert hits is not None  # the caller asked
    if len(hits.motifs) > 1:
        imports.append("from dnabert2_explore.widgets.attribution.tasks import typed_motifs")
        return f"typed_motifs('', {hits.threshold!r})[0]"
    (motif,) = hits.motifs
    if motif.accession:
        return f"dx.jaspar_motif({motif.accession!r})"
    return f"dx.Motif.of_word({motif.name!r})"


def table_of(shown: AttributionContent, stamps: tuple[tuple[str, str], ...]) -> str:
    """Write the numbers on show as CSV: tokens of one method alone, else all of it by base."""
    result = shown.result
    remarks = [
        f"{shown.name}: {result.method}, {result.target_name}, {result.model}",
        f"scores in {result.unit}; delta {result.delta}; start and end 0-based, half-open",
        f"baseline {result.baseline or 'none'}; spread {result.spread}; "
        + ("; ".join(f"{k} {v}" for k, v in result.settings) or "no settings"),
        *(f"{name}: {value}" for name, value in stamps),
    ]
    if shown.edits:
        remarks.append(f"mutant: {', '.join(map(str, shown.edits))}")
    if shown.card is not None:
        remarks += [f"check {c.title}: {c.result}, {c.words}" for c in shown.card.checks]
    if not shown.plain:
        return _bases(shown, remarks)
    rows = (
        (i, token, a, b, f"{score:.6g}")
        for i, (token, (a, b), score) in enumerate(
            zip(result.tokens.tokens, result.tokens.spans, result.token_scores, strict=True)
        )
    )
    return csv_text(remarks, ("token_index", "token", "start", "end", "score"), rows)


def _bases(shown: AttributionContent, lines: list[str]) -> str:
    """One line a base: position, base, token, and a column for each lane of bases."""
    result, original = shown.result, shown.original
    if (found := shown.correlations) is not None:
        lines += [
            f"Spearman {found.methods[j]}, {found.methods[i]}: {found.rho[i, j]:.6g}"
            + (" (magnitudes)" if found.magnitudes[i, j] else "")
            for i in range(len(found.methods))
            for j in range(i)
        ]
    if (hits := shown.hits) is not None:
        lines.append(f"motif hits: {hits}")
        for row in hits.table().itertuples():
            about = (row.motif, row.accession, row.start, row.end, row.strand)
            numbers = f"{row.score:.4g} bits", f"p {row.p_value:.3g}"
            lines.append(f"motif hit: {csv_line([*about, *numbers])}")
    columns: dict[str, Any] = {}
    if original is not None:
        columns["original_base"] = list(original.tokens.bases)
        columns[f"original_{original.method}"] = original.base_scores
    columns[result.method] = result.base_scores
    columns |= {other.method: other.base_scores for other in shown.others}
    if shown.strands is not None:
        columns["reverse_strand"] = shown.strands.mirrored
        if shown.strands.applicable:
            columns["strands_mean"] = shown.strands.mean
    if shown.offsets is not None:
        low, high = shown.offsets.band
        columns |= {"offsets_mean": shown.offsets.mean, "offsets_low": low, "offsets_high": high}
    if shown.effects is not None:
        columns |= {f"to_{b}": shown.effects.effects[:, i] for i, b in enumerate("ACGT")}
    tokens, values = result.tokens, list(columns.values())
    rows = (
        [i, base, tokens.tokens[tokens.at(i)],
         *(one[i] if isinstance(one[i], str) else f"{one[i]:.6g}" for one in values)]
        for i, base in enumerate(tokens.bases)
    )  # fmt: skip
    return csv_text(lines, ["position", "base", "token", *columns], rows)
