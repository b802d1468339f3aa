"""Several tokenizers on one base axis: what each makes of a sequence, and of a change in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...encoder import Bases, Encoder
from ...encoder.inputs import bases_of
from ...errors import InputError
from ...results.origins import recorded
from ...results.rich_display import RichDisplay, counted
from ...sequences import clean, common_ends, in_place, reverse_complement
from ...sequences.motifs.motif import ALPHABET
from ...tokens import DnaTokenizer, Tokens, overlapping_kmers, sixmers

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Cut", "Edited", "TokenizerComparison", "compare_tokenizers"]

#: Overlapping k-mers of DNABERT's models.
_KMERS = (3, 4, 5, 6)


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """One tokenizer's segmentation of the sequence.

    Attributes
    ----------
    name : str
    tokens : Tokens
        Without special tokens.
    vocabulary : int
        Entries of bases it could choose from.
    cover : numpy.ndarray, shape (n_bases,), int64
        Tokens that hold each base: 1 of a cut into stretches, up to k of overlapping k-mers.
    tokenizer : DnaTokenizer or None
        Where it is a BPE.
    again : callable
        Cuts other bases.
    other_strand : Tokens or None
        What a BPE makes of the reverse complement, spans and letters turned back; None of k-mers,
        which are cut by place.
    """

    name: str
    tokens: Tokens
    vocabulary: int
    cover: NDArray[np.int64]
    tokenizer: DnaTokenizer | None = field(repr=False)
    again: Callable[[str], Tokens] = field(repr=False)
    other_strand: Tokens | None = field(repr=False)

    @property
    def overlapping(self) -> bool:
        """Whether tokens share bases."""
        return bool((self.cover > 1).any())


@dataclass(frozen=True, slots=True)
class Edited:
    """What an edit does to one tokenizer's segmentation.

    Attributes
    ----------
    name : str
    before, after : int
        Tokens that the edit replaces, and by how many.
    reach : int
        Bases of the edited sequence from the first to the last token that is new.
    """

    name: str
    before: int
    after: int
    reach: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TokenizerComparison(RichDisplay):
    """Segmentations of one sequence by several tokenizers.

    Attributes
    ----------
    cuts : tuple of Cut
        BPE first, then overlapping k-mers, 6-mers, single bases.
    """

    cuts: tuple[Cut, ...]

    @property
    def bases(self) -> str:
        """The sequence."""
        return self.cuts[0].tokens.bases

    def strand_agreement(self, name: str | None = None) -> tuple[float, float]:
        """Share of borders that a BPE puts at the same place on either strand.

        The reverse complement is cut and its borders are turned back. Models that read both
        strands see both cuts.

        Parameters
        ----------
        name : str, optional
            Of a tokenizer; the model's BPE by default.

        Returns
        -------
        shared, chance : float
            Borders that both cuts have, over the mean of how many each has; and what as many
            borders put anywhere between bases would share. NaN without a border.

        Raises
        ------
        InputError
            If there is no such tokenizer, or it is no BPE: k-mers are cut by place.
        """
        cut = self.cuts[0] if name is None else self._cut(name)
        other = cut.other_strand
        if other is None:
            raise InputError(f"{cut.name} are cut by place, from either end: name a BPE.")
        ends = (0, len(self.bases))
        one, two = (set(tokens.spans.ravel()) - set(ends) for tokens in (cut.tokens, other))
        if not one or not two:
            return float("nan"), float("nan")
        mean = (len(one) + len(two)) / 2
        places = max(len(self.bases) - 1, 1)
        return len(one & two) / mean, len(one) * len(two) / places / mean

    def _line(self) -> str:
        said = ", ".join(f"{cut.name} {len(cut.tokens):,}" for cut in self.cuts)
        return f"{counted(len(clean(self.bases).bases), 'base')} as tokens: {said}"

    def table(self) -> pd.DataFrame:
        """Return a row a tokenizer.

        Returns
        -------
        pandas.DataFrame
            ``tokenizer``, ``tokens``, ``compression`` (bases over tokens), ``vocabulary`` (entries
            of bases), ``used`` (different ones here), ``sharing`` (other tokens that hold the same
            base, the mean over bases: how much of a masked token its neighbours give away),
            ``unknown`` (tokens with unknown bases), ``ripple`` (tokens that a substitution
            replaces by others, the mean over all of them).
        """
        import pandas as pd

        n = len(clean(self.bases).bases)
        return pd.DataFrame(
            [
                {
                    "tokenizer": cut.name,
                    "tokens": len(cut.tokens),
                    "compression": n / max(len(cut.tokens), 1),
                    "vocabulary": cut.vocabulary,
                    "used": len(set(cut.tokens.tokens)),
                    "sharing": float(cut.cover[cut.cover > 0].mean() - 1),
                    "unknown": int(cut.tokens.unknown.sum()),
                    "ripple": float(np.nanmean(ripple)) if len(ripple) else float("nan"),
                }
                for cut, ripple in ((cut, self.ripple(cut.name)) for cut in self.cuts)
            ]
        )

    def ripple(self, name: str) -> NDArray[np.float64]:
        """Count the new tokens that substituting each base brings, the mean of the three.

        Parameters
        ----------
        name : str
            Of a tokenizer.

        Returns
        -------
        numpy.ndarray, shape (n_bases,), float64
            NaN at bases that are not A, C, G or T.

        Raises
        ------
        InputError
            If there is no such tokenizer.
        """
        cut = self._cut(name)
        letters = in_place(self.bases)
        known = np.array([letter in ALPHABET for letter in letters])
        counts = np.full(len(letters), np.nan)
        if cut.tokenizer is None:
            # k-mers are cut by place: a substitution replaces those that hold the base.
            counts[known] = cut.cover[known]
            return counts
        for place in np.flatnonzero(known).tolist():
            mutants = [
                letters[:place] + base + letters[place + 1 :]
                for base in ALPHABET
                if base != letters[place]
            ]
            new = cut.tokenizer.encode_batch(mutants, special=False, warn=False)
            counts[place] = np.mean([_replaced(cut.tokens, one)[1] for one in new])
        return counts

    def edit(self, start: int, end: int, to: str) -> tuple[Edited, ...]:
        """Replace bases [start, end) by others and see what becomes of every segmentation.

        Parameters
        ----------
        start, end : int
            0-based, half-open; equal for an insertion.
        to : str
            What stands there then; empty for a deletion.

        Returns
        -------
        tuple of Edited
            One a tokenizer.

        Raises
        ------
        InputError
            If that is no place in the sequence, or nothing is left of it.
        """
        found = []
        for cut, new in zip(self.cuts, self.mutant(start, end, to), strict=True):
            before, after, first = _replaced(cut.tokens, new)
            spans = new.spans[first : first + after]
            reach = int(spans[:, 1].max() - spans[:, 0].min()) if after else 0
            found.append(Edited(cut.name, before, after, reach))
        return tuple(found)

    @recorded
    def mutant(self, start: int, end: int, to: str) -> tuple[Tokens, ...]:
        """Cut the sequence with bases [start, end) replaced, as `edit` does.

        Parameters
        ----------
        start, end : int
            0-based, half-open; equal for an insertion.
        to : str
            What stands there then; empty for a deletion.

        Returns
        -------
        tuple of Tokens
            One a tokenizer, in the coordinates of the edited sequence.

        Raises
        ------
        InputError
            If that is no place in the sequence, or nothing is left of it.
        """
        if not 0 <= start <= end <= len(self.bases):
            raise InputError(
                f"Bases [{start}, {end}) are not in a sequence of {len(self.bases)} bases: give "
                "0 <= start <= end <= length."
            )
        edited = self.bases[:start] + to + self.bases[end:]
        if len(clean(edited).bases) < max(_KMERS):
            raise InputError(
                f"The edit leaves {len(clean(edited).bases)} bases, fewer than a "
                f"{max(_KMERS)}-mer has: edit less."
            )
        return tuple(cut.again(edited) for cut in self.cuts)

    def _cut(self, name: str) -> Cut:
        for cut in self.cuts:
            if cut.name == name:
                return cut
        raise InputError(
            f"Tokenizer {name!r} is not among these: choose one of "
            f"{', '.join(cut.name for cut in self.cuts)}."
        )


@recorded
def compare_tokenizers(
    enc: Encoder,
    bases: Bases,
    others: Mapping[str, DnaTokenizer | Encoder | str | PathLike[str]] | None = None,
) -> TokenizerComparison:
    """Cut a sequence as several models' tokenizers do.

    The model's byte-pair encoding, others where they are given, DNABERT's overlapping 3- to 6-mers,
    the Nucleotide Transformer's 6-mers with single bases where six clean ones are not to be had,
    and single bases.

    Parameters
    ----------
    enc : Encoder
    bases : str or Sequence
        At least six bases.
    others : mapping of str to DnaTokenizer, Encoder or path, optional
        Names and further BPE tokenizers, such as the published ``tokenizer.json``.

    Returns
    -------
    TokenizerComparison

    Raises
    ------
    InputError
        If the sequence is shorter than a 6-mer.
    CheckpointError
        If a file is no tokenizer.

    Examples
    --------
    >>> import dnabert2_explore as dx
    >>> found = dx.compare_tokenizers(dx.load("pocket"), "ACGTTGCATTAGCATGCAATGG")
    >>> found.table().tokens.tolist()[1:]
    [20, 19, 18, 17, 7, 22]
    """
    text = bases_of(bases)
    enough = len(clean(text).bases)
    if enough < max(_KMERS):
        raise InputError(
            f"A sequence of {counted(enough, 'base')} holds no {max(_KMERS)}-mer: give a longer "
            "one."
        )
    known: dict[str, DnaTokenizer] = {f"{enc.name} BPE": _whole(enc.tokenizer)}
    for name, other in (others or {}).items():
        if isinstance(other, Encoder):
            other = other.tokenizer
        known[name] = _whole(
            other if isinstance(other, DnaTokenizer) else DnaTokenizer.from_file(str(other))
        )
    cuts = [
        _cut(name, partial(one.encode, special=False), text, one) for name, one in known.items()
    ]
    schemes: dict[str, Callable[[str], Tokens]] = {
        f"{k}-mers, overlapping": partial(overlapping_kmers, k=k) for k in _KMERS
    }
    schemes |= {"6-mers": sixmers, "single bases": partial(overlapping_kmers, k=1)}
    sizes = [*(4**k for k in _KMERS), 4**6 + 4, 4]
    cuts += [
        _cut(name, again, text, None, size)
        for (name, again), size in zip(schemes.items(), sizes, strict=True)
    ]
    return TokenizerComparison(tuple(cuts))


def _mirrored(tokenizer: DnaTokenizer, tokens: Tokens) -> Tokens:
    """Cut the reverse complement; spans and letters are those of the strand as given."""
    bases = tokens.bases
    turned = tokenizer.encode_batch([reverse_complement(bases)], special=False, warn=False)[0]
    return Tokens(
        bases=bases,
        ids=turned.ids[::-1],
        tokens=tuple(
            "[UNK]" if unknown else reverse_complement(token)
            for token, unknown in zip(turned.tokens[::-1], turned.unknown[::-1], strict=True)
        ),
        spans=np.ascontiguousarray(len(bases) - turned.spans[::-1, ::-1]),
        special=turned.special[::-1],
        unknown=turned.unknown[::-1],
        composition=tokens.composition,
    )


def _whole(tokenizer: DnaTokenizer) -> DnaTokenizer:
    """Return a tokenizer that reads sequences whole: an anchor is a model's, not the cut's."""
    return tokenizer if tokenizer.anchor is None else DnaTokenizer(tokenizer.backend)


def _cut(
    name: str,
    again: Callable[[str], Tokens],
    bases: str,
    tokenizer: DnaTokenizer | None,
    vocabulary: int = 0,
) -> Cut:
    tokens = again(bases)
    if tokenizer is not None:
        vocabulary = sum(not set(entry) - set(ALPHABET) for entry in tokenizer.vocabulary)
    cover = np.zeros(len(bases) + 1, dtype=np.int64)
    np.add.at(cover, tokens.spans[:, 0], 1)
    np.add.at(cover, tokens.spans[:, 1], -1)
    other = None if tokenizer is None else _mirrored(tokenizer, tokens)
    return Cut(name, tokens, vocabulary, np.cumsum(cover)[:-1], tokenizer, again, other)


def _replaced(old: Tokens, new: Tokens) -> tuple[int, int, int]:
    """Tokens of the old and of the new cut that are not the same from either end; the first."""
    head, tail = common_ends(old.tokens, new.tokens)
    return len(old) - head - tail, len(new) - head - tail, head
