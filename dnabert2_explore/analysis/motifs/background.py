"""Scores and p-values of motifs against bases that are not equally common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence as Items

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...sequences.motifs.motif import ALPHABET, Motif

__all__ = ["BIN", "EVEN", "background_of", "is_even", "sites", "steps_of", "tail_of"]

#: Added to every probability before its logarithm is taken, since a count of 0 is no proof.
PSEUDO = 1e-4
#: Scores of bases are rounded to this many bits, and p-values are exact for the rounded ones.
BIN = 1 / 8
#: A quarter of each base.
EVEN = (0.25, 0.25, 0.25, 0.25)

#: Motif and start of hits, their strand, scores in steps and p-values.
Site = tuple[
    NDArray[np.int64],
    NDArray[np.int64],
    int | NDArray[np.int64],
    NDArray[np.float64],
    NDArray[np.float64],
]

_CELLS = 1 << 24  # scores computed at once, in float32


def background_of(
    given: str | Items[float], texts: Iterable[str], both_strands: bool
) -> tuple[float, float, float, float]:
    """Return the frequencies of A, C, G and T that motifs are compared with.

    As given, "even", or "sequences": as often as bases occur in `texts` (upper-case; other letters
    are passed over), one added to each count. For both strands they are the same for A and T, and
    for C and G. Raises InputError for another word, or numbers that are no frequencies above 0.
    """
    if isinstance(given, str):
        if given == "even":
            return EVEN
        if given != "sequences":
            raise InputError(
                f"background is {given!r}: give 'even', 'sequences', or the frequencies of A, C, "
                "G and T."
            )
        counts = np.ones(4)
        for text in texts:
            counts += [text.count(letter) for letter in ALPHABET]
    else:
        counts = np.asarray(given, dtype=np.float64)
        if counts.shape != (4,) or not np.isfinite(counts).all() or (counts <= 0).any():
            raise InputError(
                f"background is {given!r}: give four frequencies above 0, of A, C, G and T."
            )
    if both_strands:
        counts = counts + counts[::-1]
    a, c, g, t = map(float, counts / counts.sum())
    return a, c, g, t


def is_even(background: Items[float]) -> bool:
    """Whether all bases are equally common."""
    return bool(np.allclose(background, EVEN, rtol=0, atol=1e-12))


def steps_of(motif: Motif, background: Items[float] = EVEN) -> NDArray[np.float64]:
    """Log-likelihood ratio of each base to the background, in steps of `BIN`, shape (length, 4)."""
    logs = np.log2(motif.probabilities + PSEUDO) - np.log2(np.asarray(background))
    return np.round(logs / BIN)


def tail_of(steps: NDArray[np.float64], background: Items[float]) -> NDArray[np.float64]:
    """P-values of all scores: how probable so much or more is at one place of random bases.

    Of `steps_of`. Entry i is of the score ``i + steps.min(axis=1).sum()``; exact but for rounding.
    """
    levels = (steps - steps.min(axis=1, keepdims=True)).astype(np.int64)
    chances = np.zeros(int(levels.max(axis=1).sum()) + 1)
    chances[0] = 1.0
    for position in levels:
        spread = np.zeros_like(chances)
        for level, share in zip(position, background, strict=True):
            spread[level:] += share * chances[: len(chances) - level]
        chances = spread
    return np.minimum(chances[::-1].cumsum()[::-1], 1.0)


def sites(
    codes: NDArray[np.int8],
    motifs: Items[NDArray[np.float64]],
    background: Items[float],
    threshold: float,
    both_strands: bool,
) -> Iterator[Site]:
    """Find where motifs (length, 4) of `steps_of` score with a p-value below a threshold.

    All scores are sums of whole steps, which a convolution in float32 computes exactly. Codes (n,)
    are 0 to 3, and 4 for what is no base, which scores 0: drop what holds one. The background is
    that of the steps; equal for A and T, and C and G, where both strands are searched. Yields
    motif, start, strand (1 or -1), score in steps and p-value of some hits.
    """
    import torch
    from torch.nn import functional

    width = max(map(len, motifs))
    lengths = np.array([len(one) for one in motifs])
    least = np.array([one.min(axis=1).sum() for one in motifs])
    tails = [tail_of(one, background) for one in motifs]
    # P-values fall with the score: the first below the threshold is the least score of a hit.
    needed = np.array([low + np.argmax(tail < threshold) if (tail < threshold).any() else np.inf
                       for low, tail in zip(least, tails, strict=True)])  # fmt: skip
    every = np.concatenate(tails)
    first = np.cumsum([0, *map(len, tails[:-1])])
    hot = (codes == np.arange(4, dtype=np.int8)[:, None]).astype(np.float32)
    hot = np.pad(hot, ((0, 0), (0, width)))
    block = max(width, _CELLS // len(motifs))
    for strand in (1, -1) if both_strands else (1,):
        kernels = np.zeros((len(motifs), 4, width), dtype=np.float32)
        for number, one in enumerate(motifs):
            turned = one if strand > 0 else one[::-1, ::-1]
            kernels[number, :, : len(one)] = turned.T
        weights = torch.from_numpy(kernels)
        for begin in range(0, len(codes), block):
            part = torch.from_numpy(hot[None, :, begin : begin + block + width - 1])
            with torch.inference_mode():
                scores = functional.conv1d(part, weights)[0].numpy()
            motif, place = np.nonzero(scores >= needed[:, None])
            start = begin + place
            inside = (start + lengths[motif] <= len(codes)) & (place < block)
            motif, start, score = motif[inside], start[inside], scores[motif, place][inside]
            level = np.rint(score - least[motif]).astype(np.int64)
            yield motif, start, strand, score.astype(np.float64), every[first[motif] + level]
