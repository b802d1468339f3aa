"""Masked-LM scores of alleles that are cut differently. The formulas are in docs/variants.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite, log, nan

import numpy as np
import torch
from numpy.typing import NDArray

from ...common.progress import Progress
from ...encoder import Encoder
from ...encoder.passes.batches import Budget
from ...encoder.passes.masked import masked_passes
from ...sequences import common_ends
from .segments import Allele, Pair, Vocabulary

__all__ = ["BASE_NATS", "Likelihood", "context_free", "likelihoods", "pseudo_likelihoods"]


#: A base under the null model: all four as likely. Nats.
BASE_NATS = log(4.0)


#: Masks around the one at which the model is asked without a context.
_MASKS = 101


@dataclass(frozen=True, slots=True)
class Likelihood:
    """What the masked language model says of a pair of alleles on one strand, ALT minus REF.

    ``llr == prior + context`` up to rounding.

    Attributes
    ----------
    llr : float
        Log-odds against equal bases, nats.
    llr_per_base : float
        Mean log-likelihood a base, nats.
    prior : float
        Part of `llr` that the tokens have without any context.
    context : float
        The rest: log-odds against the same model without a context.
    content : float
        Part of `context` that stays when both alleles are cut alike; NaN where they cannot be.
    cells : int
        How many of the two ways to cut both alleles alike could be computed.
    exact : int
        How many of these needed vocabulary entries only.
    """

    llr: float
    llr_per_base: float
    prior: float
    context: float
    content: float
    cells: int
    exact: int


def context_free(enc: Encoder) -> NDArray[np.float64]:
    """Ask the model where everything is masked: how common it takes each token to be.

    Log-probabilities in nats, (vocabulary,), in the middle of 101 masks.
    """
    tokenizer = enc.tokenizer
    ids = np.array([tokenizer.cls_id, *[tokenizer.mask_id] * _MASKS, tokenizer.sep_id])
    (rows,) = enc.masked_log_probs([ids], [np.array([1 + _MASKS // 2])])
    return rows[0].astype(np.float64)


def likelihoods(
    enc: Encoder,
    pairs: Sequence[Pair],
    vocabulary: Vocabulary,
    free: NDArray[np.float64],
    budget: Budget,
    progress: Progress | None = None,
) -> list[Likelihood]:
    """Mask the region of each allele as a whole, and compare what the model expects there.

    Two sequences a pair go through the network. `free` is that of `context_free`. Progress is told
    in sequences.
    """
    alleles = [allele for pair in pairs for allele in (pair.ref, pair.alt)]
    others = [allele for pair in pairs for allele in (pair.alt, pair.ref)]
    known = [_known(allele, enc.tokenizer.unk_id) for allele in alleles]

    def take(number: int, rows: torch.Tensor) -> NDArray[np.float64]:
        logs = rows.double().cpu().numpy()
        tokens = alleles[number].ids[known[number]]
        own, common = logs[np.arange(len(tokens)), tokens], free[tokens]
        bases = int(vocabulary.lengths[tokens].sum())
        crossed, exact = _crossed(
            alleles[number], others[number], own - common, logs, free, vocabulary
        )
        return np.array([own.sum(), common.sum(), bases, crossed, exact])

    found = masked_passes(enc, [a.ids for a in alleles], known, take, budget, progress)
    return [_combine(found[2 * i], found[2 * i + 1]) for i in range(len(pairs))]


def _combine(ref: NDArray[np.float64], alt: NDArray[np.float64]) -> Likelihood:
    """Compare two alleles: log-likelihood, without context, bases, the other's odds, exact."""
    (ref_nats, ref_free, ref_bases, alt_as_ref, ref_exact) = ref.tolist()
    (alt_nats, alt_free, alt_bases, ref_as_alt, alt_exact) = alt.tolist()
    ref_odds, alt_odds = ref_nats - ref_free, alt_nats - alt_free
    # The content is the mean of the exchange under either cut, where it can be made.
    exchanges = [
        (value, exact)
        for value, exact in ((alt_as_ref - ref_odds, ref_exact), (alt_odds - ref_as_alt, alt_exact))
        if isfinite(value)
    ]
    null = (alt_bases - ref_bases) * BASE_NATS
    return Likelihood(
        llr=alt_nats - ref_nats + null,
        llr_per_base=alt_nats / alt_bases - ref_nats / ref_bases
        if alt_bases and ref_bases
        else nan,
        prior=alt_free - ref_free + null,
        context=alt_odds - ref_odds,
        content=sum(value for value, _ in exchanges) / len(exchanges) if exchanges else nan,
        cells=len(exchanges),
        exact=sum(int(exact) for _, exact in exchanges),
    )


def _known(allele: Allele, unknown: int) -> NDArray[np.int64]:
    """Tokens of the region that the model can predict: all but [UNK]."""
    places = np.arange(allele.first, allele.last)
    return places[allele.ids[places] != unknown]


def _crossed(
    own: Allele,
    other: Allele,
    odds: NDArray[np.float64],
    logs: NDArray[np.float64],
    free: NDArray[np.float64],
    vocabulary: Vocabulary,
) -> tuple[float, float]:
    """Log-odds of the other allele's bases in the masks of this one, and whether they are exact.

    Only the tokens that touch what differs are exchanged. Alleles of equal length keep every cut;
    for others the stretch is cut anew into as many tokens, the way that is likeliest without a
    context, so that the context has no say in what it then judges.
    """
    mine, theirs = own.text, other.text
    if not len(logs) or len(logs) != own.last - own.first or set(theirs) - set("ACGT"):
        return nan, 0.0  # nothing is masked, or there are unknown bases in the region
    cuts = own.starts[own.first : own.last + 1] - own.starts[own.first]
    if len(mine) == len(theirs):
        return _substitute(cuts, theirs, mine, odds, logs, free, vocabulary)
    low, tail = common_ends(mine, theirs)
    high = len(mine) - tail
    # Tokens that hold one of these bases; an insertion between two tokens concerns both.
    touched = np.flatnonzero((cuts[:-1] < high) & (cuts[1:] > low))
    if low == high:
        touched = np.flatnonzero((cuts[:-1] <= low) & (cuts[1:] >= low))
    first, last = int(touched[0]), int(touched[-1]) + 1
    longer = len(theirs) - len(mine)
    while cuts[last] + longer - cuts[first] < last - first and last - first < len(logs):
        # Too few bases are left for one in each mask: the next token's are needed too.
        first, last = (first - 1, last) if first else (first, last + 1)
    tokens = _likeliest_cut(
        theirs[cuts[first] : cuts[last] + longer], last - first, free, vocabulary
    )
    if tokens is None:
        return nan, 0.0
    new = logs[np.arange(first, last), tokens] - free[tokens]
    return float(odds.sum() - odds[first:last].sum() + new.sum()), 1.0


def _substitute(
    cuts: NDArray[np.int64],
    theirs: str,
    mine: str,
    odds: NDArray[np.float64],
    logs: NDArray[np.float64],
    free: NDArray[np.float64],
    vocabulary: Vocabulary,
) -> tuple[float, float]:
    """Exchange bases and keep all cuts; base by base where the result is no vocabulary entry."""
    total, exact = 0.0, 1.0
    for number, (start, end) in enumerate(pairwise(cuts.tolist())):
        old, new = mine[start:end], theirs[start:end]
        if new == old:
            total += odds[number]
        elif new in vocabulary.ids:
            index = vocabulary.ids[new]
            total += logs[number, index] - free[index]
        else:
            exact = 0.0
            with_context = _base_by_base(logs[number], old, new, vocabulary)
            total += odds[number] + with_context - _base_by_base(free, old, new, vocabulary)
    return (total, exact) if isfinite(total) else (nan, 0.0)


def _base_by_base(row: NDArray[np.float64], old: str, new: str, vocabulary: Vocabulary) -> float:
    """Log ratio of the probabilities of each base that differs, over all entries of that length."""
    ids, bases = vocabulary.by_length[len(old)]
    weights = np.exp(row[ids] - row[ids].max())
    ratio = 0.0
    for place, (before, after) in enumerate(zip(old, new, strict=True)):
        if before != after:
            shares = np.bincount(bases[:, place], weights=weights, minlength=4)
            two = [shares["ACGT".index(base)] for base in (after, before)]
            if not all(two):
                return nan
            ratio += log(two[0]) - log(two[1])
    return ratio


def _likeliest_cut(
    text: str, count: int, free: NDArray[np.float64], vocabulary: Vocabulary
) -> list[int] | None:
    """Cut `text` into exactly `count` vocabulary entries of the largest summed log-probability."""
    best: list[tuple[float, list[int]] | None] = [(0.0, [])] + [None] * len(text)
    for _ in range(count):
        after: list[tuple[float, list[int]] | None] = [None] * (len(text) + 1)
        for start, reached in enumerate(best[:-1]):
            if reached is None:
                continue
            for end in range(start + 1, min(len(text), start + vocabulary.longest) + 1):
                index = vocabulary.ids.get(text[start:end])
                if index is None:
                    continue
                value, present = reached[0] + float(free[index]), after[end]
                if present is None or value > present[0]:
                    after[end] = value, [*reached[1], index]
        best = after
    found = best[len(text)]
    return None if found is None or not text else found[1]


def pseudo_likelihoods(
    enc: Encoder,
    pairs: Sequence[Pair],
    vocabulary: Vocabulary,
    within: int | None,
    budget: Budget,
    progress: Progress | None = None,
) -> NDArray[np.float64]:
    """Difference in pseudo-log-likelihood, (pairs,): every token masked alone, all of them summed.

    In nats; the null model's share is taken out, as in `Likelihood.llr`. As many sequences a pair
    go through the network as its windows have tokens: all, or those that begin and end `within` so
    many bases of the region, the same ones for both alleles beside the regions.
    """
    ids: list[NDArray[np.int64]] = []
    positions: list[NDArray[np.int64]] = []
    bases: list[int] = []
    owners: list[int] = []
    for number, pair in enumerate(pairs):
        for allele in (pair.ref, pair.alt):
            places = _near(allele, within)
            places = places[allele.ids[places] != enc.tokenizer.unk_id]
            ids += [allele.ids] * len(places)
            positions += list(places[:, None])
            owners += [2 * number + (allele is pair.alt)] * len(places)
            bases.append(int(vocabulary.lengths[allele.ids[places]].sum()))

    def take(number: int, rows: torch.Tensor) -> NDArray[np.float32]:
        target = int(ids[number][positions[number][0]])
        return rows[:, target].cpu().numpy()

    found = masked_passes(enc, ids, positions, take, budget, progress)
    values = np.concatenate([np.zeros(0), *found]).astype(np.float64)
    sums = np.array(bases) * BASE_NATS
    np.add.at(sums, np.array(owners, dtype=np.int64), values)
    return sums[1::2] - sums[::2]


def _near(allele: Allele, within: int | None) -> NDArray[np.int64]:
    places = np.arange(1, len(allele.ids) - 1)
    if within is None:
        return places
    start, end = allele.span
    begins, ends = allele.starts[places], allele.starts[places + 1]
    return places[(begins >= start - within) & (ends <= end + within)]
