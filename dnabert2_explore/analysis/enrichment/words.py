"""Words that sequences of one set hold more often than those of another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence as Items
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...results.rich_display import RichDisplay, counted
from ...sequences import Sequence, as_dna, clean
from ...sequences.given import as_sequences
from ...sequences.kmers import LONGEST, kmer_name, kmer_words, turned_kmers
from .association import common_odds_ratio, expected_count, stratified_p
from .strata import strata_of

if TYPE_CHECKING:
    import pandas as pd

    from ...tokens import DnaTokenizer

__all__ = ["Enrichment", "enriched_kmers", "enriched_tokens", "fitting_k"]

Bases = str | Sequence
_BY = {
    "gc+length": "within strata of GC content and length",
    "gc+cpg": "within strata of GC content and CpG",
    "gc": "within strata of GC content",
    "none": "all together",
}
_ROWS = 2048  # sequences whose words are marked at once
_FEWEST = 5  # sequences with a word, below which no test can tell


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Enrichment(RichDisplay):
    """How many sequences of two sets hold each word, the surest difference first.

    Attributes
    ----------
    words : tuple of str
        Those tested, ordered by p-value.
    what : str
        What they are, such as ``"6-mers of both strands"``.
    selected_count, rest_count : numpy.ndarray, shape (words,), int64
        Sequences of each set that hold the word.
    expected_count : numpy.ndarray, shape (words,), float64
        What `selected_count` would be, did selected sequences hold the word as often as the rest
        of the same stratum do.
    odds_ratio : numpy.ndarray, shape (words,), float64
        Common to all strata (Mantel and Haenszel).
    p_value : numpy.ndarray, shape (words,), float64
        Two-sided, exact within strata; see :func:`stratified_p`.
    q_value : numpy.ndarray, shape (words,), float64
        By Benjamini and Hochberg over the words tested.
    n_selected, n_rest : int
        Sequences.
    n_alone : int
        Selected sequences in whose stratum there is no rest: they say nothing here.
    n_strata : int
    match : str
        What strata share, as in `enriched_kmers`.
    """

    words: tuple[str, ...]
    what: str
    selected_count: NDArray[np.int64]
    rest_count: NDArray[np.int64]
    expected_count: NDArray[np.float64]
    odds_ratio: NDArray[np.float64]
    p_value: NDArray[np.float64]
    q_value: NDArray[np.float64]
    n_selected: int
    n_rest: int
    n_alone: int
    n_strata: int
    match: str

    def __len__(self) -> int:
        return len(self.words)

    def __str__(self) -> str:
        by = _BY[self.match]
        text = (
            f"{self.what} in {counted(self.n_selected, 'sequence')} and "
            f"{self.n_rest:,} others, {by}"
            f"{f' ({self.n_strata})' if self.match != 'none' else ''}: "
            f"{len(self.enriched()):,} enriched and {len(self.depleted()):,} depleted of "
            f"{len(self):,} (q < 0.05)"
        )
        if self.n_alone:
            text += f"; {self.n_alone:,} have no others like them and do not count"
        return text

    def _line(self) -> str:
        return (
            f"{self.what}, {len(self.enriched()):,} enriched and {len(self.depleted()):,} depleted "
            f"of {len(self):,} in {counted(self.n_selected, 'sequence')}"
        )

    @property
    def selected_rate(self) -> NDArray[np.float64]:
        """Share of the selected sequences that hold each word."""
        return self.selected_count / self.n_selected

    @property
    def expected_rate(self) -> NDArray[np.float64]:
        """Share that would, were they like the rest of their strata."""
        return self.expected_count / self.n_selected

    def enriched(self, fdr: float = 0.05) -> NDArray[np.int64]:
        """Return the rows of words that selected sequences hold more often, by a q below `fdr`."""
        return np.flatnonzero((self.q_value < fdr) & (self.selected_count > self.expected_count))

    def depleted(self, fdr: float = 0.05) -> NDArray[np.int64]:
        """Return the rows of words that selected sequences hold less often, by a q below `fdr`."""
        return np.flatnonzero((self.q_value < fdr) & (self.selected_count < self.expected_count))

    def table(self) -> pd.DataFrame:
        """Return the words as a table, one row each.

        Returns
        -------
        pandas.DataFrame
            ``word``, ``selected`` and ``rest`` (sequences with it), ``selected_rate``,
            ``expected_rate``, ``odds_ratio``, ``p_value``, ``q_value``.
        """
        import pandas as pd

        table = pd.DataFrame(
            {
                "word": self.words,
                "selected": self.selected_count,
                "rest": self.rest_count,
                "selected_rate": self.selected_rate,
                "expected_rate": self.expected_rate,
                "odds_ratio": self.odds_ratio,
                "p_value": self.p_value,
                "q_value": self.q_value,
            }
        )
        table.attrs["about"] = str(self)
        return table


def fitting_k(lengths: Iterable[int]) -> int:
    """Return the shortest k, 4 to 8, of which a median sequence holds less than half of all k-mers.

    Shorter k-mers stand in most sequences by chance, longer ones in too few to count.

    Examples
    --------
    >>> fitting_k([200]), fitting_k([1000]), fitting_k([10_000])
    (5, 6, 8)
    """
    every = list(lengths)
    median = float(np.median(every)) if every else 0.0
    fits = (k for k in range(4, LONGEST) if 4**k / 2 >= median / np.log(2))
    return next(fits, LONGEST)


def enriched_kmers(
    selected: Iterable[Bases],
    rest: Iterable[Bases],
    k: int | None = None,
    *,
    match: str = "gc+length",
) -> Enrichment:
    """Find k-mers that more sequences of one set hold than sequences like them of another.

    A sequence counts once, however often it holds a k-mer, so that a repeat is no evidence by
    itself. A k-mer and its reverse complement are one. GC content and length alone change what a
    sequence holds: both sets are sorted into strata of what `match` names, and compared within
    these. k is 1 to 8, by default `fitting_k` of the lengths. Raises InputError where a set is
    empty, or k or `match` is another.

    Examples
    --------
    >>> with_it, without = ["ccTGACTCAcc"] * 6, ["ccTGACTGAcc"] * 6
    >>> found = enriched_kmers(with_it, without, k=4, match="none")
    >>> sorted(found.words[i] for i in found.enriched())
    ['ACTC', 'CACC', 'CTCA', 'GTGA']
    """
    texts, n = _both_sets(selected, rest)
    chosen = fitting_k(map(len, texts)) if k is None else k
    groups, n_strata = _groups(texts, n, match)
    counts = np.zeros((2 * n_strata, 4**chosen if 0 < chosen <= LONGEST else 0), dtype=np.int64)
    turned = turned_kmers(chosen) if 0 < chosen <= LONGEST else np.zeros(0, dtype=np.int64)
    one = np.minimum(np.arange(len(turned)), turned).astype(np.int32)
    order = np.argsort(groups, kind="stable")
    for first, after, row, _, word in kmer_words([texts[i] for i in order], chosen):
        _count(counts, groups[order[first:after]], row, one[word])
    kept = np.unique(one)
    return _tested(
        counts[:, kept],
        [kmer_name(w, chosen) for w in kept],
        f"{chosen}-mers of both strands",
        np.bincount(groups, minlength=2 * n_strata),
        match,
    )


def enriched_tokens(
    selected: Iterable[Bases],
    rest: Iterable[Bases],
    tokenizer: DnaTokenizer,
    *,
    match: str = "gc+length",
) -> Enrichment:
    """Find tokens that more sequences of one set are cut into than sequences like them of another.

    As `enriched_kmers`; tokens are those of the strand as given.
    """
    texts, n = _both_sets(selected, rest)
    groups, n_strata = _groups(texts, n, match)
    vocabulary = tokenizer.vocabulary
    size = max(vocabulary.values()) + 1
    counts = np.zeros((2 * n_strata, size), dtype=np.int64)
    order = np.argsort(groups, kind="stable")
    for first in range(0, len(order), _ROWS):
        part = order[first : first + _ROWS]
        cut = [
            np.asarray(ids) for ids in tokenizer.encode_ids_batch([clean(texts[i]) for i in part])
        ]
        row = np.repeat(np.arange(len(cut)), [len(ids) for ids in cut])
        _count(counts, groups[part], row, np.concatenate(cut))
    words = {index: token for token, index in vocabulary.items() if token[0] not in "[<"}
    kept = np.array(sorted(words), dtype=np.int64)
    return _tested(
        counts[:, kept],
        [words[i] for i in kept],
        "tokens",
        np.bincount(groups, minlength=2 * n_strata),
        match,
    )


def _both_sets(selected: Iterable[Bases], rest: Iterable[Bases]) -> tuple[list[str], int]:
    """Bases of both sets, in capitals, and how many are selected."""
    texts = []
    for which, one in (("selection", selected), ("rest", rest)):
        try:
            texts.append([s.bases for s in as_sequences(one)])
        except InputError as error:
            raise InputError(f"The {which}: {error}") from None
    return [as_dna(text) for text in (*texts[0], *texts[1])], len(texts[0])


def _groups(texts: Items[str], n: int, match: str) -> tuple[NDArray[np.int64], int]:
    """Group of each sequence: its stratum, behind all strata where it is not selected."""
    strata = strata_of(texts, match)
    n_strata = int(strata.max()) + 1
    return np.where(np.arange(len(texts)) < n, strata, strata + n_strata), n_strata


def _count(
    counts: NDArray[np.int64],
    groups: NDArray[np.int64],
    row: NDArray[np.integer],
    word: NDArray[np.integer],
) -> None:
    """Add how many sequences of each group hold each word; sequences are ordered by group."""
    width = counts.shape[1]
    step = max(1, min(_ROWS, (1 << 26) // width))
    bounds = np.searchsorted(row, np.arange(0, len(groups) + step, step))
    for number, first in enumerate(range(0, len(groups), step)):
        inside = slice(bounds[number], bounds[number + 1])
        own = groups[first : first + step]
        marks = np.zeros((len(own), width), dtype=np.uint8)
        marks[row[inside] - first, word[inside]] = 1
        # Groups of a block lie one behind the other.
        begin = np.flatnonzero(np.diff(own, prepend=-1))
        for low, high in zip(begin, [*begin[1:], len(own)], strict=True):
            counts[own[low]] += marks[low:high].sum(axis=0, dtype=np.int64)


def _tested(
    counts: NDArray[np.int64], words: Items[str], what: str, sizes: NDArray[np.int64], match: str
) -> Enrichment:
    from scipy.stats import false_discovery_control

    n_strata = len(sizes) // 2
    n_selected, n_rest = sizes[:n_strata], sizes[n_strata:]
    kept = np.flatnonzero(counts.sum(axis=0) >= min(_FEWEST, int(sizes.sum())))
    selected, rest = counts[:n_strata, kept], counts[n_strata:, kept]
    p_value = stratified_p(selected, rest, n_selected, n_rest)
    expected = expected_count(selected, rest, n_selected, n_rest)
    # Of equal p-values, such as those too small for a number, the larger difference first.
    order = np.lexsort((-np.abs(selected.sum(axis=0) - expected), p_value))
    q_value = false_discovery_control(p_value, method="bh") if len(kept) else p_value
    return Enrichment(
        words=tuple(words[i] for i in kept[order]),
        what=what,
        selected_count=selected.sum(axis=0)[order],
        rest_count=rest.sum(axis=0)[order],
        expected_count=expected[order],
        odds_ratio=common_odds_ratio(selected, rest, n_selected, n_rest)[order],
        p_value=p_value[order],
        q_value=q_value[order],
        n_selected=int(n_selected.sum()),
        n_rest=int(n_rest.sum()),
        n_alone=int(n_selected[n_rest == 0].sum()),
        n_strata=n_strata,
        match=match,
    )
