"""Where motifs occur in sequences."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence as Items
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...common.costs import says_cost
from ...common.progress import Progress, quiet
from ...common.threads import torch_threads
from ...errors import ExploreWarning, InputError, warn
from ...results.origins import recorded
from ...sequences import Cleaned, Sequence, clean
from ...sequences.codes import UNKNOWN, codes
from ...sequences.given import as_sequences
from ...sequences.motifs.jaspar import as_motifs
from ...sequences.motifs.motif import Motif
from .background import BIN, EVEN, Site, background_of, is_even, sites, steps_of
from .hits import Hits

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["OutOfReachWarning", "numba_alone", "out_of_reach", "scan_motifs"]

_guard = threading.Lock()

#: Bases scanned at once: 8 MB, and some seconds for a thousand motifs.
CHUNK = 1 << 21


Bases = str | Sequence


class OutOfReachWarning(ExploreWarning):
    """No site of some motifs, however good, can have a p-value below the threshold."""


@recorded
@says_cost
def scan_motifs(
    sequences: Bases | Iterable[Bases],
    motifs: Motif | str | Iterable[Motif | str],
    *,
    threshold: float = 1e-4,
    both_strands: bool = True,
    background: str | Items[float] = "even",
    progress: Progress | None = None,
) -> Hits:
    """Find the sites of motifs in sequences, as FIMO does (Grant et al. 2011; memelite).

    Each place is scored by the log-likelihood ratio of motif and background, with 0.0001 added to
    every probability of the motif and rounded to 1/8 bit at every position, and is a hit if its
    p-value is below `threshold`. In 1 kb, both strands, chance alone gives up to 0.2 hits of each
    motif at 1e-4 where bases occur as the background says. Where they do not it gives more: with
    70% G and C an even background finds up to eight times as many of a GC-rich motif.

    Parameters
    ----------
    sequences : str, Sequence, or iterable of these
        DNA or RNA in any case and of any lengths. Places with an N or other ambiguous letter are
        not scored; white space is passed over.
    motifs : Motif, str, or iterable of them
        A str is a word such as TGACTCA, or a name or accession among JASPAR's vertebrates.
    threshold : float
        On p-values, between 0 and 1.
    both_strands : bool
        Also find reverse complements.
    background : {"even", "sequences"} or sequence of four float
        How often A, C, G and T occur by chance: equally, as in the sequences that are scanned, or
        as given. On both strands A and T, and C and G, get the mean of the two.
    progress : callable, optional
        Called as progress(bases done, bases in all); may raise `Cancelled`.

    Returns
    -------
    Hits

    Raises
    ------
    InputError
        If there are no sequences or no motifs, `threshold` is no probability, `background` is no
        distribution, or no site of any motif can have a p-value below the threshold.

    Warns
    -----
    OutOfReachWarning
        If that is so of some motifs, as at 1e-4 of all that are six bases or shorter.

    References
    ----------
    Grant, Bailey and Noble 2011, FIMO: scanning for occurrences of a given motif.

    Examples
    --------
    >>> hits = scan_motifs("ccTGACTCAccTGAGTCAcc", Motif.of_word("TGACTCA", "AP-1"))
    >>> hits.start.tolist(), hits.end.tolist(), hits.strand.tolist()
    ([2, 11], [9, 18], [1, -1])
    """
    names, cleaned = _named(sequences)
    each = as_motifs(motifs)
    if not each:
        raise InputError("There are no motifs to look for: give at least one.")
    if not 0 < threshold < 1:
        raise InputError(
            f"The threshold on p-values is {threshold}: give a number between 0 and 1, such as "
            "0.0001."
        )
    texts = [one.bases for one in cleaned]
    expected = background_of(background, texts, both_strands)
    _tell_out_of_reach(each, threshold, expected)
    found = _scan(texts, each, threshold, both_strands, progress, expected)
    lengths = [one.composition.length + one.composition.whitespace for one in cleaned]
    for number, one in enumerate(cleaned):
        if one.positions is not None:  # white space was dropped
            mine = found.sequence == number
            found.start[mine] = one.positions[found.start[mine]]
            found.end[mine] = one.positions[found.end[mine] - 1] + 1
    order = np.lexsort((found.strand, found.motif, found.start, found.sequence))
    return Hits(
        **{name: column[order] for name, column in found._asdict().items()},
        motifs=each,
        names=names,
        lengths=np.array(lengths, dtype=np.int64),
        threshold=threshold,
        both_strands=both_strands,
        background=expected,
    )


def out_of_reach(
    motifs: Iterable[Motif], threshold: float, background: Items[float] = EVEN
) -> tuple[int, ...]:
    """Tell which motifs (indices) have no site that could get a p-value below `threshold`."""
    return tuple(
        i for i, motif in enumerate(motifs) if _least_p_value(motif, background) >= threshold
    )


def _least_p_value(motif: Motif, background: Items[float] = EVEN) -> float:
    """P-value of a motif's best site: how probable are words that score as high."""
    steps = steps_of(motif, background)
    best = (steps == steps.max(axis=1, keepdims=True)) * np.asarray(background)
    return float(np.prod(best.sum(axis=1)))


def _for_memelite(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrix that memelite turns into just these steps, each position's least at 0.

    It scores with what is not rounded and looks the sum up among rounded ones, towards 0: a best
    site can then lie beyond all there are, with p = 0. Whole steps from 0, and a grain more
    against rounding the other way, are looked up where they belong.
    """
    levels = steps - steps.min(axis=1, keepdims=True)
    return np.exp2(levels * BIN - 2 + 1e-9).T


def _tell_out_of_reach(
    motifs: tuple[Motif, ...], threshold: float, background: Items[float]
) -> None:
    lost = out_of_reach(motifs, threshold, background)
    if not lost:
        return
    example = motifs[lost[0]]
    about = f"{example.label}, whose best site has p = {_least_p_value(example, background):.2g}"
    if len(lost) == len(motifs):
        which = about if len(lost) == 1 else f"any of {len(lost):,} motifs, such as {about}"
        raise InputError(
            f"No site of {which}, can have p < {threshold:g}: raise the threshold, or give longer "
            "motifs."
        )
    warn(
        f"{len(lost):,} of {len(motifs):,} motifs are too short or too vague for any site to have "
        f"p < {threshold:g} (such as {about}) and are not found: raise the threshold where they "
        "matter.",
        OutOfReachWarning,
    )


def _named(sequences: Bases | Iterable[Bases]) -> tuple[tuple[str, ...], list[Cleaned]]:
    each = as_sequences(sequences)
    return tuple(one.name for one in each), [clean(one.bases) for one in each]


class _Found(NamedTuple):
    sequence: NDArray[np.int64]
    motif: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    strand: NDArray[np.int8]
    score: NDArray[np.float64]
    p_value: NDArray[np.float64]

    @classmethod
    def nothing(cls) -> _Found:
        whole, real = np.empty(0, dtype=np.int64), np.empty(0)
        return cls(whole, whole, whole, whole, np.empty(0, dtype=np.int8), real, real)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Part of a sequence; hits that begin at `own` or later belong to the next part."""

    sequence: int
    begin: int
    end: int
    own: int


def _batches(texts: list[str], longest: int) -> Iterator[list[_Piece]]:
    """Cut and group sequences so that each group has about `CHUNK` bases."""
    batch: list[_Piece] = []
    size = 0
    for number, text in enumerate(texts):
        for begin in range(0, len(text), CHUNK):
            own = min(begin + CHUNK, len(text))
            batch.append(_Piece(number, begin, min(own + longest - 1, len(text)), own))
            size += own - begin
            if size >= CHUNK:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch


def _scan(
    texts: list[str],
    motifs: tuple[Motif, ...],
    threshold: float,
    both_strands: bool,
    progress: Progress | None,
    background: Items[float],
) -> _Found:
    total, done, report = sum(map(len, texts)), 0, progress or quiet
    report(0, total)
    steps = [steps_of(motif, background) for motif in motifs]
    lengths = np.array([len(one) for one in steps])
    find = _by_memelite if is_even(background) else sites
    found = [_Found.nothing()]
    for batch in _batches(texts, max(map(len, motifs))):
        # End to end with an N between: what reaches across a border holds it, and is dropped.
        text = "N".join(texts[piece.sequence][piece.begin : piece.end] for piece in batch)
        coded = codes(text)
        found += [
            _placed(batch, coded, lengths, hits)
            for hits in find(coded, steps, background, threshold, both_strands)
        ]
        done += sum(piece.own - piece.begin for piece in batch)
        report(done, total)
    return _Found(*map(np.concatenate, zip(*found, strict=True)))


def _by_memelite(
    coded: NDArray[np.int8],
    steps: list[NDArray[np.float64]],
    background: Items[float],
    threshold: float,
    both_strands: bool,
) -> Iterator[Site]:
    """As `sites`, against even bases, the only ones that memelite knows."""
    from memelite import fimo  # numba and what else it brings take a second

    with numba_alone():
        tables = fimo(
            {str(i): _for_memelite(one) for i, one in enumerate(steps)},
            (coded == np.arange(4, dtype=np.int8)[:, None]).astype(np.int8)[None],
            bin_size=BIN,
            eps=0.0,
            threshold=threshold,
            reverse_complement=both_strands,
        )
    least = np.array([one.min(axis=1).sum() for one in steps])
    for table in _joined(tables):
        motif = table["motif_idx"].to_numpy(dtype=np.int64)
        start = table["start"].to_numpy(dtype=np.int64)
        strand = np.where(table["strand"] == "+", 1, -1)
        # Memelite took the least score of each motif for 0.
        score = np.round(table["score"].to_numpy(dtype=np.float64) / BIN) + least[motif]
        yield motif, start, strand, score, table["p-value"].to_numpy(dtype=np.float64)


@contextmanager
def numba_alone() -> Iterator[None]:
    """Hold while numba's parallel loops run, for what they do to their neighbours.

    Numba's work queue, all it has on some machines, does not survive two of them at once; and the
    first one sets the threads of the OpenMP that it shares with torch.
    """
    with _guard, torch_threads():
        yield


def _joined(tables: list[pd.DataFrame]) -> list[pd.DataFrame]:
    import pandas as pd

    filled = [table for table in tables if len(table)]
    return [pd.concat(filled, ignore_index=True)] if filled else []


def _placed(
    batch: list[_Piece], coded: NDArray[np.int8], lengths: NDArray[np.int64], hits: Site
) -> _Found:
    """Bring hits in a batch to their sequences, and drop those on letters other than bases."""
    motif, start, strand, score, p_value = hits
    end = start + lengths[motif]
    first = np.cumsum([0, *(piece.end - piece.begin + 1 for piece in batch[:-1])])
    which = np.searchsorted(first, start, side="right") - 1
    sequence, begin, own = np.array([(p.sequence, p.begin, p.own) for p in batch]).T
    shift = begin[which] - first[which]
    # FIMO proper passes over ambiguous letters too; here they score 0.
    doubtful = np.concatenate([[0], np.cumsum(coded == UNKNOWN)])
    kept = (doubtful[start] == doubtful[end]) & (start + shift < own[which])
    return _Found(
        sequence=sequence[which][kept],
        motif=motif[kept],
        start=(start + shift)[kept],
        end=(end + shift)[kept],
        strand=np.full(len(motif), strand, dtype=np.int8)[kept],
        score=score[kept] * BIN,
        p_value=p_value[kept],
    )
