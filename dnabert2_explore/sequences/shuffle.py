"""Shuffled sequences that keep what composition alone would explain."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

__all__ = ["shuffle_dinucleotides"]


def shuffle_dinucleotides(bases: str, rng: np.random.Generator) -> str:
    """Shuffle a sequence so that it keeps the number of each dinucleotide.

    Letters are nodes and dinucleotides edges of a graph; a shuffle is a random path that takes
    every edge once. For each letter, the edge it is left by for the last time is drawn until these
    edges lead to the last letter from everywhere; the other edges are shuffled freely (Altschul and
    Erickson 1985, Mol. Biol. Evol. 2:526). The first and the last letter stay where they are.

    Examples
    --------
    >>> shuffled = shuffle_dinucleotides("ACGTTGCAACGGT", np.random.default_rng(1))
    >>> sorted(a + b for a, b in zip(shuffled, shuffled[1:])) == sorted(
    ...     a + b for a, b in zip("ACGTTGCAACGGT", "CGTTGCAACGGT")
    ... )
    True
    """
    if len(bases) < 3:
        return bases
    following: dict[str, list[str]] = {}
    for letter, after in pairwise(bases):
        following.setdefault(letter, []).append(after)
    end = bases[-1]
    while True:
        last = {
            letter: every[rng.integers(len(every))]
            for letter, every in following.items()
            if letter != end
        }
        if all(_leads_to(letter, end, last) for letter in last):
            break
    order: dict[str, list[str]] = {}
    for letter, every in following.items():
        rest = list(every)
        if letter in last:
            rest.remove(last[letter])
        rest = [rest[i] for i in rng.permutation(len(rest))]
        order[letter] = rest + ([last[letter]] if letter in last else [])
    path = [bases[0]]
    taken = dict.fromkeys(order, 0)
    for _ in range(len(bases) - 1):
        here = path[-1]
        path.append(order[here][taken[here]])
        taken[here] += 1
    return "".join(path)


def _leads_to(letter: str, end: str, last: dict[str, str]) -> bool:
    """Whether the last edges lead from a letter to the end."""
    for _ in range(len(last) + 1):
        if letter == end:
            return True
        letter = last[letter]
    return False
