"""Two alleles of one sequence: the same output of both, and which tokens pair up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...encoder import Bases, Encoder
from ...encoder.inputs import bases_of
from ...errors import InputError
from ...sequences import common_ends
from ...tokens import Tokens
from ..attribution.explained_output import ExplainedOutput, Target

__all__ = ["align", "explained_pair", "spans_of"]

#: Alleles whose longest differing run has more tokens than this, and than half of the longer one,
#: are two sequences, not two alleles of one.
_RUN = 24


def explained_pair(
    enc: Encoder, ref: Bases, alt: Bases, target: Target | None, output: str
) -> tuple[ExplainedOutput, ExplainedOutput, list[tuple[int, int, int, int]]]:
    """Ask the same of both alleles, and pair their tokens; raises as `patch` does.

    The parts are tokens [a, b) of the reference and [c, d) of the alternative, as (a, b, c, d).
    """
    one = ExplainedOutput.of(enc, ref, target, output)
    if one.span is not None:
        other = _same_span(enc, one, bases_of(alt))
    else:
        other = ExplainedOutput.of(enc, alt, one.target, output)
    if one.n_read < len(one.tokens) or other.n_read < len(other.tokens):
        raise InputError(
            f"Model {enc.name!r} reads {enc.config.max_input_tokens} tokens, and an allele has "
            "more: give shorter ones."
        )
    ref_ids, alt_ids = one.ids[0].cpu().numpy(), other.ids[0].cpu().numpy()
    return one, other, align(one.tokens, other.tokens, ref_ids, alt_ids)


def _same_span(enc: Encoder, one: ExplainedOutput, alt: str) -> ExplainedOutput:
    """Ask the same masked tokens of the alternative, where it has them."""
    assert one.span is not None
    ref = one.tokens
    tokens = enc.tokenize(alt)
    first, last = one.span
    wanted = ref.ids[first:last]
    # Counted from the nearer end, as the rest of the sequence may be longer or shorter.
    places = [first, len(tokens) - (len(ref) - first)]
    for at in places:
        if at > 0 and np.array_equal(tokens.ids[at : at + last - first], wanted):
            start, end = int(tokens.spans[at, 0]), int(tokens.spans[at + last - first - 1, 1])
            return ExplainedOutput.of(enc, alt, (start, end))
    raise InputError(
        f"The alleles are cut differently in the target, {one.name}: choose a stretch away from "
        "the variant."
    )


def align(
    ref: Tokens, alt: Tokens, ref_ids: NDArray[np.int64], alt_ids: NDArray[np.int64]
) -> list[tuple[int, int, int, int]]:
    """Pair the tokens of two alleles: (first, last) of the one, (first, last) of the other.

    Alleles of equal length are paired wherever spans are the same; others from both ends, up to
    where their bases or spans differ.
    """
    shared = _by_spans(ref, alt) if len(ref.bases) == len(alt.bases) else _from_ends(ref, alt)
    parts: list[tuple[int, int, int, int]] = []
    a = c = 0
    for b, d in [*shared, (len(ref), len(alt))]:
        if b > a or d > c:
            parts.append((a, b, c, d))
        if b < len(ref):
            parts.append((b, b + 1, d, d + 1))
        a, c = b + 1, d + 1
    longest = max(max(b - a, d - c) for a, b, c, d in parts)
    if longest > max(_RUN, max(len(ref), len(alt)) // 2):
        raise InputError(
            f"The alleles differ in a run of {longest} tokens: too different to align; give two "
            "alleles of one sequence."
        )
    differing = sum(not np.array_equal(ref_ids[a:b], alt_ids[c:d]) for a, b, c, d in parts)
    if 2 * differing > len(parts) and len(parts) > 8:
        raise InputError(
            f"The alleles differ in {differing} of {len(parts)} places: too different to align; "
            "give two alleles of one sequence."
        )
    return parts


def _by_spans(ref: Tokens, alt: Tokens) -> list[tuple[int, int]]:
    """Tokens with the same span; special ones by their place, with which kind comes first."""

    def keys(tokens: Tokens) -> list[tuple[int, ...]]:
        columns = (*tokens.spans.T, tokens.special, tokens.ids * tokens.special)
        return list(zip(*(column.tolist() for column in columns), strict=True))

    places = {key: index for index, key in enumerate(keys(alt))}
    shared = []
    last = -1
    for index, key in enumerate(keys(ref)):
        found = places.get(key, -1)
        if found > last:
            shared.append((index, found))
            last = found
    return shared


def _from_ends(ref: Tokens, alt: Tokens) -> list[tuple[int, int]]:
    """Equal tokens from the left until one differs, then from the right."""
    head, tail = common_ends(ref.ids.tolist(), alt.ids.tolist())
    left = [(i, i) for i in range(head)]
    return left + [(len(ref) - tail + i, len(alt) - tail + i) for i in range(tail)]


def spans_of(tokens: Tokens, parts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the bases [start, end) of parts, shape (parts, 2), of their tokens [first, last)."""
    spans = []
    for first, last in parts:
        if last > first:
            spans.append((tokens.spans[first, 0], tokens.spans[last - 1, 1]))
        else:  # nothing stands here in the reference
            at = tokens.spans[first - 1, 1]
            spans.append((at, at))
    return np.array(spans, dtype=np.int64).reshape(-1, 2)
