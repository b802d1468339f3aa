"""Masked-LM scores of alleles that are cut differently. The formulas are in docs/variants.md."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, isfinite, log, nan

import numpy as np
import torch
from numpy.typing import NDArray

from ...encoder import Encoder
from ...encoder.batches import Budget
from ...encoder.masked import masked_passes
from .segments import Allele, Pair, Vocabulary

__all__ = ["BASE_NATS", "Likelihood", "likelihoods", "pseudo_likelihoods"]

Progress = Callable[[int, int], None]

#: A base under the null model: all four as likely. Nats.
BASE_NATS = log(4.0)


@dataclass(frozen=True, slots=True)
class Likelihood:
    """What the masked language model says of a pair of alleles on one strand.

    Attributes
    ----------
    llr : float
        Log-odds of the alternative region minus that of the reference region, nats.
    llr_per_base : float
        Mean log-likelihood a base of the one minus that of the other, nats.
    content : float
        Part of `llr` that stays when both alleles are cut alike; NaN where they cannot be.
    cells : int
        How many of the two ways to cut both alleles alike could be computed.
    exact : int
        How many of these needed vocabulary entries only.
    """

    llr: float
    llr_per_base: float
    content: float
    cells: int
    exact: int


def likelihoods(
    enc: Encoder,
    pairs: Sequence[Pair],
    vocabulary: Vocabulary,
    budget: Budget,
    progress: Progress | None = None,
) -> list[Likelihood]:
    """Mask the region of each allele as a whole, and compare what the model expects there.

    Two sequences a pair go through the network.

    Parameters
    ----------
    enc : Encoder
        With a masked-LM head.
    pairs : sequence of Pair
    vocabulary : Vocabulary
        Of `enc`.
    budget : Budget
        Tokens in one pass.
    progress : callable, optional
        Called as progress(sequences done, sequences in all).
    """
    alleles = [allele for pair in pairs for allele in (pair.ref, pair.alt)]
    others = [allele for pair in pairs for allele in (pair.alt, pair.ref)]
    known = [_known(allele, enc.tokenizer.unk_id) for allele in alleles]

    def take(number: int, rows: torch.Tensor) -> NDArray[np.float64]:
        logs = rows.double().cpu().numpy()
        allele, places = alleles[number], known[number]
        own = logs[np.arange(len(places)), allele.ids[places]]
        count = int(vocabulary.lengths[allele.ids[places]].sum())
        crossed, exact = _crossed(allele, others[number], own, logs, vocabulary)
        return np.array([own.sum(), count, crossed, exact], dtype=np.float64)

    found = masked_passes(enc, [a.ids for a in alleles], known, take, budget, progress)
    return [_combine(*found[2 * i], *found[2 * i + 1], pair) for i, pair in enumerate(pairs)]


def _combine(
    ref: float,
    ref_bases: float,
    alt_under_ref: float,
    ref_exact: float,
    alt: float,
    alt_bases: float,
    ref_under_alt: float,
    alt_exact: float,
    pair: Pair,
) -> Likelihood:
    null = (alt_bases - ref_bases) * BASE_NATS
    # The content is the mean of the exchange under either cut, where it can be made.
    exchanges = [
        (value, exact)
        for value, exact in (
            (alt_under_ref - ref + null, ref_exact),
            (alt - ref_under_alt + null, alt_exact),
        )
        if isfinite(value)
    ]
    return Likelihood(
        llr=alt - ref + null,
        llr_per_base=alt / alt_bases - ref / ref_bases if alt_bases and ref_bases else nan,
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
    likelihood: NDArray[np.float64],
    logs: NDArray[np.float64],
    vocabulary: Vocabulary,
) -> tuple[float, float]:
    """Log-likelihood of the other allele's bases in the masks of this one, and whether exact.

    Only the tokens that touch what differs are exchanged. Alleles of equal length keep every cut;
    for others the stretch is cut anew into as many tokens, the likeliest way.
    """
    mine, theirs = own.text, other.text
    if not len(logs) or len(logs) != own.last - own.first or set(theirs) - set("ACGT"):
        return nan, 0.0  # nothing is masked, or there are unknown bases in the region
    cuts = own.starts[own.first : own.last + 1] - own.starts[own.first]
    head = _common(mine, theirs)
    tail = _common(mine[head:][::-1], theirs[head:][::-1])
    low, high = head, len(mine) - tail
    if len(mine) == len(theirs):
        return _substitute(cuts, theirs, mine, likelihood, logs, vocabulary)
    # Tokens that hold one of these bases; an insertion between two tokens concerns both.
    touched = np.flatnonzero((cuts[:-1] < high) & (cuts[1:] > low))
    if low == high:
        touched = np.flatnonzero((cuts[:-1] <= low) & (cuts[1:] >= low))
    first, last = int(touched[0]), int(touched[-1]) + 1
    longer = len(theirs) - len(mine)
    while cuts[last] + longer - cuts[first] < last - first and last - first < len(logs):
        # Too few bases are left for one in each mask: the next token's are needed too.
        first, last = (first - 1, last) if first else (first, last + 1)
    stretch = theirs[cuts[first] : cuts[last] + longer]
    best = _best_cut(stretch, logs[first:last], vocabulary)
    kept = likelihood.sum() - likelihood[first:last].sum()
    return (kept + best, 1.0) if isfinite(best) else (nan, 0.0)


def _common(one: str, other: str) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


def _substitute(
    cuts: NDArray[np.int64],
    theirs: str,
    mine: str,
    likelihood: NDArray[np.float64],
    logs: NDArray[np.float64],
    vocabulary: Vocabulary,
) -> tuple[float, float]:
    """Exchange bases and keep all cuts; base by base where the result is no vocabulary entry."""
    total, exact = 0.0, 1.0
    for number, (start, end) in enumerate(pairwise(cuts.tolist())):
        text = theirs[start:end]
        if text == mine[start:end]:
            total += likelihood[number]
        elif text in vocabulary.ids:
            total += logs[number, vocabulary.ids[text]]
        else:
            exact = 0.0
            total += likelihood[number] + _base_by_base(
                logs[number], mine[start:end], text, vocabulary
            )
    return (total, exact) if isfinite(total) else (nan, 0.0)


def _base_by_base(
    row: NDArray[np.float64], mine: str, theirs: str, vocabulary: Vocabulary
) -> float:
    """Log ratio of the probabilities of each base that differs, over all entries of that length."""
    ids, bases = vocabulary.by_length[len(mine)]
    weights = np.exp(row[ids] - row[ids].max())
    ratio = 0.0
    for place, (old, new) in enumerate(zip(mine, theirs, strict=True)):
        if old != new:
            shares = np.bincount(bases[:, place], weights=weights, minlength=4)
            before, after = (shares["ACGT".index(base)] for base in (old, new))
            if not (before and after):
                return nan
            ratio += log(after) - log(before)
    return ratio


def _best_cut(text: str, logs: NDArray[np.float64], vocabulary: Vocabulary) -> float:
    """Largest log-likelihood of `text` as exactly one vocabulary entry in each mask."""
    n = len(text)
    best = [0.0] + [-inf] * n
    for row in logs:
        after = [-inf] * (n + 1)
        for start in range(n):
            if best[start] == -inf:
                continue
            for end in range(start + 1, min(n, start + vocabulary.longest) + 1):
                index = vocabulary.ids.get(text[start:end])
                if index is not None:
                    after[end] = max(after[end], best[start] + float(row[index]))
        best = after
    return best[n]


def pseudo_likelihoods(
    enc: Encoder,
    pairs: Sequence[Pair],
    vocabulary: Vocabulary,
    within: int | None,
    budget: Budget,
    progress: Progress | None = None,
) -> NDArray[np.float64]:
    """Difference in pseudo-log-likelihood: every token masked alone, all of them summed.

    As many sequences a pair go through the network as its windows have tokens.

    Parameters
    ----------
    enc, pairs, vocabulary, budget, progress
        As in `likelihoods`.
    within : int or None
        Only tokens that begin and end within so many bases of the region, the same ones for both
        alleles beside the regions; None takes all.

    Returns
    -------
    numpy.ndarray, shape (n,), float64
        Nats; the null model's share is taken out, as in `Likelihood.llr`.
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
    sums = np.bincount(np.array(owners, dtype=np.int64), values, minlength=2 * len(pairs))
    sums = sums + np.array(bases) * BASE_NATS
    return sums[1::2] - sums[::2]


def _near(allele: Allele, within: int | None) -> NDArray[np.int64]:
    places = np.arange(1, len(allele.ids) - 1)
    if within is None:
        return places
    start, end = allele.span
    begins, ends = allele.starts[places], allele.starts[places + 1]
    return places[(begins >= start - within) & (ends <= end + within)]
