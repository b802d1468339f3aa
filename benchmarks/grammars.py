"""Three grammars of two motifs: what tells the classes apart is how the two stand.

Every sequence holds one site of either motif in a stretch of a real genome, in both classes on the
same strands as often. How the two stand differs:

===============  =======  ===================================  ==================================
grammar          bases    class "kept"                         class "broken"
===============  =======  ===================================  ==================================
``orientation``  60       both on one strand                   on opposite strands
``order``        240      the first motif stands first         it stands second
``spacing``      104      3 to 10 bases between the sites      28 to 36
===============  =======  ===================================  ==================================

One site alone must say nothing of the class (`circuits.measure_one_site`). In ``orientation`` that
is so by construction, and in ``spacing`` because the two places are drawn such that either site is
spread evenly over the sequence in both classes (`evenly`). In ``order`` it cannot be exact: what
stands first stands further left on average. Sites are therefore near each other in a sequence that
is long: the spreads of a site in the two classes differ by the 13 to 18 bases that it moves, of
some 210 on which it can stand.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dnabert2_explore import reverse_complement
from dnabert2_explore.sequences.motifs.plant import plant

__all__ = ["GRAMMARS", "MOTIFS", "SIZES", "Sentence", "evenly", "sentences"]

#: JASPAR's names. Neither is near its own reverse complement, which orientation needs.
MOTIFS = ("HSF1", "GFI1")
GRAMMARS = ("orientation", "order", "spacing")
#: Bases of a sequence, by grammar.
SIZES = {"orientation": 60, "order": 240, "spacing": 104}
#: Bases between the sites, by grammar: kept, broken. With three or more no 4-mer sees both sites.
_GAPS = {
    "orientation": ((4, 22), (4, 22)),
    "order": ((3, 5), (3, 5)),
    "spacing": ((3, 10), (28, 36)),
}
#: Bases left free at either end of a sequence.
_EDGE = 2


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sequence with two sites in it.

    Attributes
    ----------
    bases : str
    label : str
        ``"kept"`` or ``"broken"``.
    first, second : tuple of int
        Bases [start, end) of the site of the first and of the second motif.
    strands : tuple of int
        1 or -1 of each.
    """

    bases: str
    label: str
    first: tuple[int, int]
    second: tuple[int, int]
    strands: tuple[int, int]


@cache
def evenly(length: int, sizes: tuple[int, int], gaps: tuple[int, int]) -> NDArray[np.float64]:
    """Chances of two places, such that either site alone stands anywhere as often.

    Starts from all pairs of places with an allowed gap, in either order, and scales rows and
    columns by turns until both sums are even (Sinkhorn and Knopp, 1967).

    Parameters
    ----------
    length : int
        Bases of the sequence.
    sizes : tuple of int
        Bases of the first and of the second site.
    gaps : tuple of int
        Fewest and most bases between them.

    Returns
    -------
    numpy.ndarray, shape (starts of the first, starts of the second)
        Sums to 1; the first start is base 2.
    """
    first, second = (_EDGE + np.arange(length - 2 * _EDGE - size + 1) for size in sizes)
    ahead = second[None, :] - first[:, None] - sizes[0]
    behind = first[:, None] - second[None, :] - sizes[1]
    gap = np.maximum(ahead, behind)
    chances = ((gap >= gaps[0]) & (gap <= gaps[1])).astype(float)
    for _ in range(500):
        chances /= chances.sum(axis=1, keepdims=True) * len(first)
        chances /= chances.sum(axis=0, keepdims=True) * len(second)
    return chances


def sentences(
    grammar: str, backgrounds: list[str], words: tuple[str, str], seed: int
) -> list[Sentence]:
    """Plant both motifs into every background, by turns with the grammar kept and broken.

    Parameters
    ----------
    grammar : {"orientation", "order", "spacing"}
    backgrounds : list of str
        Longer than both motifs, the widest gap and the edges.
    words : tuple of str
        The two motifs; backgrounds that hold one already, on either strand, are not taken.
    seed : int

    Returns
    -------
    list of Sentence
        As many of either class, the two classes by turns.
    """
    rng = np.random.default_rng(seed)
    taken = [*words, *map(reverse_complement, words)]
    made: list[Sentence] = []
    for bases in backgrounds:
        if any(word in bases for word in taken):
            continue
        kept = len(made) % 2 == 0
        low, high = _GAPS[grammar][0 if kept else 1]
        gap = int(rng.integers(low, high + 1))
        turned = tuple(int(one) for one in rng.choice((-1, 1), 2))
        if grammar == "orientation":
            turned = (turned[0], turned[0] if kept else -turned[0])
        ahead = kept if grammar == "order" else bool(rng.random() < 0.5)
        sizes = [len(words[0]), len(words[1])]
        lead, tail = (0, 1) if ahead else (1, 0)
        starts = [0, 0]
        if grammar == "spacing":
            chances = evenly(len(bases), (sizes[0], sizes[1]), (low, high))
            drawn = int(np.searchsorted(np.cumsum(chances), rng.random(), side="right"))
            starts = [_EDGE + int(place) for place in np.unravel_index(drawn, chances.shape)]
        else:
            # The middle of the pair is drawn alike for every gap.
            slack = len(bases) - 2 * _EDGE - sum(sizes) - max(_GAPS[grammar][1])
            begin = _EDGE + int(rng.integers(slack + 1)) + (max(_GAPS[grammar][1]) - gap) // 2
            starts[lead], starts[tail] = begin, begin + sizes[lead] + gap
        for start, word, strand in zip(starts, words, turned, strict=True):
            bases = plant(bases, word, start, strand)
        spans = [(start, start + size) for start, size in zip(starts, sizes, strict=True)]
        made.append(Sentence(bases, "kept" if kept else "broken", spans[0], spans[1], turned))
    return made
