"""The nucleotide lens: what a model of tokens says of single bases."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from ...common.costs import says_cost
from ...common.names import check_name
from ...common.progress import Progress, within
from ...encoder import Bases, Encoder
from ...encoder.inputs import tokens_of
from ...encoder.passes.batches import Budget, budget_of
from ...encoder.passes.masked import masked_passes, need_masked_lm
from ...errors import InputError
from ...results.origins import recorded
from ...results.rich_display import RichDisplay, bases_text
from ...sequences import Sequence, in_place, stretch
from ...sequences.annotation.tracks import write_track
from ...sequences.given import as_sequences
from ...sequences.motifs.motif import ALPHABET
from ...tokens import Tokens
from ..variants.segments import Vocabulary
from .beside_twin import beside_twin
from .fillings import Fillings

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TRACKS", "NucleotideProbabilities", "nucleotide_probabilities"]


#: What can be written as a track.
TRACKS = ("entropy", "information", "true", *ALPHABET)

#: Passes' worth of inputs that are made at once.
_PASSES = 16


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NucleotideProbabilities(RichDisplay):
    """Probabilities of A, C, G and T at every base, from a masked-LM head.

    Attributes
    ----------
    sequence : Sequence
    tokens : Tokens
        Of the sequence as it is.
    region : tuple of int
        Bases [start, end): the rows.
    probabilities : numpy.ndarray, shape (bases in region, 4), float32
        Columns A, C, G, T; rows sum to 1. NaN under [UNK] and white space.
    spans : numpy.ndarray, shape (spans, 2), int64
        Bases of each stretch of whole tokens that was masked and read at once.
    model : str
    twin : NucleotideProbabilities or None
        The same of a network of the same shape that has learnt nothing.
    """

    sequence: Sequence
    tokens: Tokens
    region: tuple[int, int]
    probabilities: NDArray[np.float32]
    spans: NDArray[np.int64]
    model: str
    twin: NucleotideProbabilities | None

    def _line(self) -> str:
        start, end = self.region
        untrained = "" if self.twin is None else f", untrained {self.twin.nats:.3f}"
        return (
            f"of {bases_text(start, end)}: {self.nats:.3f} nats a base "
            f"(composition {self.composition_nats:.3f}{untrained}), {self.model}"
        )

    @property
    def how(self) -> str:
        """What is exact and what is approximated, in words."""
        longest = int((self.spans[:, 1] - self.spans[:, 0]).max(initial=0))
        return (
            f"Each of {len(self.spans):,} stretches of whole tokens (up to {longest} bp) is masked "
            "in turn and summed exactly over all numbers of tokens and all entries that fill it; "
            "masks are taken as independent, every number of masks as equally likely, and the cut "
            "and the bases around the stretch as given."
        )

    @property
    def entropy(self) -> NDArray[np.float32]:
        """Entropy of each base in bits, 0 to 2, shape (bases in region,)."""
        p = self.probabilities
        terms = np.where(p > 0, p * np.log2(np.maximum(p, 1e-30)), 0 * p)
        entropy: NDArray[np.float32] = -terms.sum(axis=1)
        return entropy

    @property
    def true(self) -> NDArray[np.float32]:
        """Probability of the base that is there; NaN where it is unknown."""
        codes = self._codes
        known = codes >= 0
        values = np.full(len(codes), np.nan, dtype=np.float32)
        values[known] = self.probabilities[known, codes[known]]
        return values

    @property
    def nats(self) -> float:
        """Mean of -log(probability of the base that is there), nats; less is better."""
        true = self.true[~np.isnan(self.true)]
        return float(-np.log(np.maximum(true, 1e-30)).mean()) if len(true) else float("nan")

    @property
    def composition_nats(self) -> float:
        """The same of the region's own frequencies of bases: what knows no order reaches."""
        codes = self._codes[~np.isnan(self.true)]
        if not len(codes):
            return float("nan")
        shares = np.bincount(codes, minlength=4) / len(codes)
        return float(np.log(1 / shares[codes]).mean())

    @property
    def _codes(self) -> NDArray[np.int64]:
        letters = in_place(self.sequence.bases)[slice(*self.region)]
        return np.array([ALPHABET.find(letter) for letter in letters], dtype=np.int64)

    def table(self) -> pd.DataFrame:
        """Return a row a base: ``position`` (0-based), ``base``, A, C, G, T, ``true``, ``entropy``.

        Entropy in bits; ``twin_true`` where the twin was computed.
        """
        import pandas as pd

        letters = in_place(self.sequence.bases)[slice(*self.region)]
        data = pd.DataFrame(self.probabilities, columns=list(ALPHABET))
        data.insert(0, "position", np.arange(*self.region))
        data.insert(1, "base", list(letters))
        data["true"], data["entropy"] = self.true, self.entropy
        if self.twin is not None:
            data["twin_true"] = self.twin.true
        return data

    def track(self, what: str = "entropy") -> NDArray[np.float32]:
        """Return one number a base of the whole sequence; NaN outside of the region.

        Parameters
        ----------
        what : str
            ``"entropy"`` or ``"information"`` (2 - entropy) in bits, ``"true"``: probability of the
            base that is there, or ``"A"``, ``"C"``, ``"G"``, ``"T"``.

        Raises
        ------
        InputError
            If there is no such track.
        """
        check_name("Track", what, TRACKS)
        values = np.full(len(self.sequence.bases), np.nan, dtype=np.float32)
        inside = values[slice(*self.region)]
        if what in ALPHABET:
            inside[:] = self.probabilities[:, ALPHABET.index(what)]
        else:
            inside[:] = self.true if what == "true" else self.entropy
            if what == "information":
                inside[:] = 2 - inside
        return values

    def write(self, path: str | PathLike[str], *, what: str = "entropy") -> None:
        """Write a track for genome browsers.

        Parameters
        ----------
        path : str or path-like
            ``.bw``, ``.bigwig`` (needs the extra ``[bigwig]``) or ``.bedgraph``.
        what : str
            As for `track`.

        Raises
        ------
        InputError
            If there is no such track, the name ends in anything else, or pybigtools is missing.
        """
        path = Path(path)
        values = self.track(what)
        write_track(path, [self.sequence], [values], name=f"{self.sequence.name} {what}")


@recorded
@says_cost
def nucleotide_probabilities(
    enc: Encoder,
    bases: Bases,
    region: tuple[int, int] | None = None,
    *,
    width: int = 1,
    twin: bool = False,
    batch_tokens: int | None = None,
    progress: Progress | None = None,
) -> NucleotideProbabilities:
    """Ask a model of tokens for the probability of every base.

    A stretch of whole tokens is masked: its L bases are replaced by k masks, for every k that can
    fill them. The probability of a base is summed over all k and all sequences of k vocabulary
    entries that are L bases long together, without listing them (a forward and a backward sum).

    Within a stretch that sum is exact. Three things are approximations: the head reads each mask on
    its own, so that the masks of a stretch are taken as independent; every k is taken as equally
    likely beforehand; and the tokens around the stretch are kept as they are, so that its borders,
    which depend on the bases inside, are given away.

    Parameters
    ----------
    enc : Encoder
    bases : str or Sequence
    region : tuple of int, optional
        Bases [start, end); all by default. The tokens at its ends are read as a whole.
    width : int
        Neighbouring tokens are masked together up to so many bases; a longer token stands alone.
        1, the default, masks one token at a time. Cost: about one pass a base.
    twin : bool
        Also ask a network of the same shape that has learnt nothing.
    batch_tokens : int, optional
        As in `Encoder.embed`.
    progress : callable, optional
        Called as progress(passes done, passes in all); raise `Cancelled` from it to stop.

    Returns
    -------
    NucleotideProbabilities

    Raises
    ------
    InputError
        If the model has no masked-LM head, the sequence no bases, the region is no stretch of it
        or holds no A, C, G or T, or the width is not positive.

    Examples
    --------
    >>> import dnabert2_explore as dx
    >>> site = dx.demo.splice()[0]
    >>> found = dx.nucleotide_probabilities(dx.load("pocket"), site, region=(96, 108))
    >>> found.probabilities.shape, found.entropy.max() <= 2
    ((12, 4), np.True_)
    """
    need_masked_lm(enc)
    (sequence,) = as_sequences([bases])
    tokens = tokens_of(enc, sequence.bases)
    if width < 1:
        raise InputError(f"width is {width}: give at least 1 base.")
    start, end = stretch(region, len(sequence.bases))
    if not set(in_place(sequence.bases)[start:end]) & set(ALPHABET):
        raise InputError(
            f"Bases [{start}, {end}) hold no A, C, G or T, and others are never predicted: choose "
            "a region that does."
        )
    groups = _groups(tokens, start, end, width)
    fillings = Fillings(Vocabulary(enc.tokenizer))
    sizes = [sum(len(tokens.tokens[i]) for i in range(*group)) for group in groups]
    jobs = [(n, k) for n, size in enumerate(sizes) for k in fillings.masks(size)]

    def of(
        model: Encoder, count: Progress, untrained: NucleotideProbabilities | None
    ) -> NucleotideProbabilities:
        summed = _sums(
            model, tokens, groups, sizes, jobs, fillings, budget_of(model, batch_tokens), count
        )
        probabilities = np.full((len(sequence.bases), 4), np.nan, dtype=np.float32)
        places = [np.concatenate([_places(tokens, i) for i in range(*group)]) for group in groups]
        for at, by_base in zip(places, summed, strict=True):
            probabilities[at] = by_base / by_base.sum(axis=1, keepdims=True)
        spans = [(tokens.spans[a, 0], tokens.spans[b - 1, 1]) for a, b in groups]
        return NucleotideProbabilities(
            sequence=sequence,
            tokens=tokens,
            region=(start, end),
            probabilities=probabilities[start:end],
            spans=np.array(spans, dtype=np.int64).reshape(-1, 2),
            model=str(model.info),
            twin=untrained,
        )

    return beside_twin(enc, twin, len(jobs), progress, of)


def _sums(
    enc: Encoder,
    tokens: Tokens,
    groups: list[tuple[int, int]],
    sizes: list[int],
    jobs: list[tuple[int, int]],
    fillings: Fillings,
    budget: Budget,
    count: Progress,
) -> list[NDArray[np.float64]]:
    """Sum over all numbers of masks, for each group of tokens: (bases, 4)."""
    summed = [np.zeros((size, 4)) for size in sizes]
    step = max(1, _PASSES * budget.tokens // len(tokens))
    for begin in range(0, len(jobs), step):
        part = jobs[begin : begin + step]
        ids, positions = [], []
        for number, masks in part:
            first, last = groups[number]
            inside = np.full(masks, enc.tokenizer.mask_id, dtype=np.int64)
            ids.append(np.concatenate([tokens.ids[:first], inside, tokens.ids[last:]]))
            positions.append(np.arange(first, first + masks))

        def take(which: int, rows: torch.Tensor) -> NDArray[np.float64]:
            size = sizes[part[which][0]]  # noqa: B023 (called in this turn)
            return fillings.sums(rows.double().cpu().numpy(), size)[0]

        report = within(count, begin, len(part), len(jobs))
        found = masked_passes(enc, ids, positions, take, budget, report)
        for (number, _), by_base in zip(part, found, strict=True):
            summed[number] += by_base
    return summed


def _groups(tokens: Tokens, start: int, end: int, width: int) -> list[tuple[int, int]]:
    """Find the runs [first, last) of neighbouring tokens that are masked together."""
    touched = (tokens.spans[:, 0] < end) & (tokens.spans[:, 1] > start)
    readable = touched & ~tokens.special & ~tokens.unknown
    groups: list[tuple[int, int]] = []
    held = 0
    for index in np.flatnonzero(readable).tolist():
        size = len(tokens.tokens[index])  # its span may hold white space too
        if groups and groups[-1][1] == index and held + size <= width:
            groups[-1], held = (groups[-1][0], index + 1), held + size
        else:
            groups.append((index, index + 1))
            held = size
    return groups


def _places(tokens: Tokens, index: int) -> NDArray[np.int64]:
    """Where the bases of a token stand in the caller's text."""
    start, end = (int(edge) for edge in tokens.spans[index])
    text = tokens.bases[start:end]
    return np.array([start + i for i, c in enumerate(in_place(text)) if c != " "], dtype=np.int64)
