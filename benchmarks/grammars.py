"""Three grammars of two motifs: what tells the classes apart is how the two stand.

Every sequence holds one site of either motif in a stretch of a real genome, in both classes on the
same strands as often. How the two stand differs:

===============  ===================================  ========================================
grammar          class "kept"                         class "broken"
===============  ===================================  ========================================
``orientation``  both on one strand                   on opposite strands
``order``        the first motif stands first         it stands second
``spacing``      2 to 6 bases between the sites       26 to 32
===============  ===================================  ========================================

Only of ``orientation`` one site alone says nothing. Sequences are so short that with ``order`` and
``spacing`` the place of either site tells the class as well (`circuits.measure_one_site`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dnabert2_explore.sequences import reverse_complement
from dnabert2_explore.sequences.plant import plant

__all__ = ["GRAMMARS", "MOTIFS", "Sentence", "sentences"]

#: JASPAR's names. Neither is near its own reverse complement, which orientation needs.
MOTIFS = ("HSF1", "GFI1")
GRAMMARS = ("orientation", "order", "spacing")
#: Bases between the sites, by grammar: kept, broken.
_GAPS = {
    "orientation": ((4, 22), (4, 22)),
    "order": ((4, 22), (4, 22)),
    "spacing": ((2, 6), (26, 32)),
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
        # The middle of the pair is drawn alike for every gap: where a site stands tells little.
        slack = len(bases) - 2 * _EDGE - sum(sizes) - max(_GAPS[grammar][1])
        begin = _EDGE + int(rng.integers(slack + 1)) + (max(_GAPS[grammar][1]) - gap) // 2
        starts = [0, 0]
        starts[lead], starts[tail] = begin, begin + sizes[lead] + gap
        for start, word, strand in zip(starts, words, turned, strict=True):
            bases = plant(bases, word, start, strand)
        spans = [(start, start + size) for start, size in zip(starts, sizes, strict=True)]
        made.append(Sentence(bases, "kept" if kept else "broken", spans[0], spans[1], turned))
    return made
