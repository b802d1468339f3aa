"""Whether one set has a thing more often than another, stratum by stratum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["common_odds_ratio", "expected_count", "stratified_p"]

_EXACT = 64  # counts that can occur, up to which their distribution is computed and not approached


def expected_count(
    selected: NDArray[np.int64], rest: NDArray[np.int64],
    n_selected: NDArray[np.int64], n_rest: NDArray[np.int64],
) -> NDArray[np.float64]:  # fmt: skip
    """Count selected sequences with each word as if they were like the rest of their stratum.

    Of sequences with each word, (strata, words), and in all, (strata,), to (words,). Strata without
    any rest say nothing, and count as they are.
    """
    share = np.where(n_rest[:, None] > 0, rest / np.maximum(n_rest, 1)[:, None],
                     selected / np.maximum(n_selected, 1)[:, None])  # fmt: skip
    return (n_selected[:, None] * share).sum(axis=0)


def common_odds_ratio(
    selected: NDArray[np.int64], rest: NDArray[np.int64],
    n_selected: NDArray[np.int64], n_rest: NDArray[np.int64],
) -> NDArray[np.float64]:  # fmt: skip
    """Odds ratio that strata have in common (Mantel and Haenszel 1959), shape (words,).

    Infinite where only selected sequences have the word in any stratum, NaN where nothing tells.
    """
    n = np.maximum(n_selected + n_rest, 1)[:, None]
    above = (selected * (n_rest[:, None] - rest) / n).sum(axis=0)
    below = ((n_selected[:, None] - selected) * rest / n).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return above / below


def stratified_p(
    selected: NDArray[np.int64], rest: NDArray[np.int64],
    n_selected: NDArray[np.int64], n_rest: NDArray[np.int64],
) -> NDArray[np.float64]:  # fmt: skip
    """Two-sided p-values of an association within strata, (words,), of `expected_count`'s counts.

    Given how many sequences of a stratum have a word, the selected ones among them are
    hypergeometric by chance, and their sum over the strata is what is tested: the exact form of
    the test of Cochran, Mantel and Haenszel; of one stratum, Fisher's. Two-sided is twice the
    smaller tail. Where more than 64 values of the sum can occur, its distribution is a Pearson III
    with the same mean, variance and skewness, at half a count's continuity.
    """
    with_word = selected + rest
    n = n_selected + n_rest
    low = np.maximum(0, with_word - n_rest[:, None])
    high = np.minimum(with_word, n_selected[:, None])
    few = (high - low).sum(axis=0) <= _EXACT
    out = np.ones(selected.shape[1])
    if few.any():
        out[few] = _exact(selected[:, few], with_word[:, few], n_selected, n)
    if (~few).any():
        out[~few] = _pearson3(selected[:, ~few], with_word[:, ~few], n_selected, n)
    return out


def _exact(
    selected: NDArray[np.int64], with_word: NDArray[np.int64],
    n_selected: NDArray[np.int64], n: NDArray[np.int64],
) -> NDArray[np.float64]:  # fmt: skip
    from scipy.special import gammaln

    words = selected.shape[1]
    total = np.zeros((words, _EXACT + 1))
    total[:, 0] = 1.0
    observed = np.zeros(words, dtype=np.int64)  # above the least count that can occur
    factorial = gammaln(np.arange(int(n.max(initial=0)) + 2) + 1.0)

    def choose(whole: NDArray[np.int64], part: NDArray[np.int64]) -> NDArray[np.float64]:
        inside = (part >= 0) & (part <= whole)
        kept = np.where(inside, part, 0)
        logs = factorial[whole] - factorial[kept] - factorial[whole - kept]
        return np.where(inside, logs, -np.inf)

    for stratum in range(len(n)):
        m, size, drawn = with_word[stratum], n[stratum], n_selected[stratum]
        low = np.maximum(0, m - (size - drawn))
        span = np.minimum(m, drawn) - low
        observed += selected[stratum] - low
        width = int(span.max(initial=0))
        if not width:
            continue
        count = low[:, None] + np.arange(width + 1)
        whole = np.broadcast_to(m[:, None], count.shape)
        logs = (
            choose(whole, count)
            + choose(size - whole, drawn - count)
            - choose(np.full((1, 1), size), np.full((1, 1), drawn))
        )
        chance = np.where(np.arange(width + 1) <= span[:, None], np.exp(logs), 0.0)
        spread = np.zeros_like(total)
        for step in range(width + 1):
            spread[:, step:] += chance[:, step : step + 1] * total[:, : _EXACT + 1 - step]
        total = spread
    place = np.arange(_EXACT + 1)
    upper = (total * (place >= observed[:, None])).sum(axis=1)
    lower = (total * (place <= observed[:, None])).sum(axis=1)
    return np.clip(2 * np.minimum(upper, lower), 0, 1)


def _pearson3(
    selected: NDArray[np.int64], with_word: NDArray[np.int64],
    n_selected: NDArray[np.int64], n: NDArray[np.int64],
) -> NDArray[np.float64]:  # fmt: skip
    size = np.maximum(n, 1)[:, None].astype(np.float64)
    drawn, m = n_selected[:, None].astype(np.float64), with_word.astype(np.float64)
    mean = drawn * m / size
    variance = mean * (size - m) * (size - drawn) / (size * np.maximum(size - 1, 1))
    # Third central moment of the hypergeometric distribution.
    third = variance * (size - 2 * m) * (size - 2 * drawn) / (size * np.maximum(size - 2, 1))
    deviation = (selected - mean).sum(axis=0)
    sd = np.sqrt(variance.sum(axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        skew = third.sum(axis=0) / sd**3
        more = _above((deviation - 0.5) / sd, skew)
        less = _above((-deviation - 0.5) / sd, -skew)
    return np.where(sd > 0, np.clip(2 * np.minimum(more, less), 0, 1), 1.0)


def _above(z: NDArray[np.float64], skew: NDArray[np.float64]) -> NDArray[np.float64]:
    """Chance of more than z in a standardised Pearson III distribution: a shifted gamma."""
    from scipy.special import gammainc, gammaincc, ndtr

    flat = np.abs(skew) < 1e-4
    shape = 4 / np.where(flat, 1.0, skew) ** 2
    at = np.maximum(shape + z * np.sqrt(shape) * np.sign(skew), 0)
    tail = np.where(skew > 0, gammaincc(shape, at), gammainc(shape, at))
    return np.where(flat, ndtr(-z), tail)
