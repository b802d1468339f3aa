"""DNABERT-2's byte-pair encoding, with nucleotide coordinates."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from ..errors import CheckpointError, InputError
from ..results.rich_display import counted
from ..sequences import Cleaned, Composition, clean, warn_unknown
from .backend import check_backend, read_backend, speaking
from .tokens import Tokens

__all__ = ["DnaTokenizer"]

SPECIAL = ("[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]")


class DnaTokenizer:
    """A BPE vocabulary over DNA, behind explicit cleaning.

    The published tokenizer turns every lower-case base, N, IUPAC code and U into [UNK] and drops
    white space, all in silence. Here `sequences.clean` stands before it: case and U are
    normalised, what stays unknown becomes one [UNK] a character, is counted, and warned about
    once a call.

    Parameters
    ----------
    backend : tokenizers.Tokenizer
        A BPE tokenizer with the entries [UNK], [CLS], [SEP], [PAD] and [MASK].
    anchor : str, int or None
        Read each sequence as two parts with a [SEP] between them, so that tokens begin at a site:
        "middle" of the sequence, or after so many bases. None: as a whole.

    Raises
    ------
    CheckpointError
        If one of those entries is missing, or the tokenizer does not join two parts by [SEP] where
        an anchor asks for it.
    """

    def __init__(self, backend: Tokenizer, anchor: str | int | None = None) -> None:
        ids = {token: backend.token_to_id(token) for token in SPECIAL}
        missing = [token for token, index in ids.items() if index is None]
        if missing:
            raise CheckpointError(
                f"The tokenizer has no {', '.join(missing)}: pass the tokenizer.json of a "
                "DNABERT-2."
            )
        # Both are stored in tokenizer.json when a program used them before saving; here they would
        # cut sequences in silence, or make [PAD] a token like any other.
        backend.no_truncation()
        backend.no_padding()
        self.backend = backend
        self.unk_id, self.cls_id, self.sep_id, self.pad_id, self.mask_id = (
            int(index) for index in ids.values() if index is not None
        )
        self.anchor = anchor

    @property
    def anchor(self) -> str | int | None:
        """Where a sequence is read as two parts, as the class says."""
        return self._anchor

    @anchor.setter
    def anchor(self, anchor: str | int | None) -> None:
        if anchor is not None:
            with speaking("The tokenizer"):
                joined = self.backend.encode("A", "C").ids
                alone = [self.backend.encode(base, add_special_tokens=False).ids for base in "AC"]
            if joined != [self.cls_id, *alone[0], self.sep_id, *alone[1], self.sep_id]:
                raise CheckpointError(
                    "The tokenizer does not join two parts as [CLS] left [SEP] right [SEP], as an "
                    "anchored model reads a site: pass the tokenizer.json that belongs to the "
                    "model."
                )
        self._anchor = anchor
        self.__dict__.pop("sha256", None)  # kept of before

    @classmethod
    def from_file(cls, path: str | Path) -> DnaTokenizer:
        """Read a `tokenizer.json`, and cut a few sequences with it.

        Raises
        ------
        CheckpointError
            If the file is missing, is no tokenizer, or cuts DNA otherwise than a DNABERT-2's: it
            changes or splits text before BPE, does not know a base, or leaves [CLS] or [SEP] out.
        """
        path = Path(path)
        if not path.is_file():
            raise CheckpointError(f"No tokenizer file {path}: pass the path of a tokenizer.json.")
        backend = read_backend(path)
        tokenizer = cls(backend)
        check_backend(backend, path)
        return tokenizer

    @cached_property
    def sha256(self) -> str:
        """Digest of everything that says how this tokenizer cuts."""
        said = self.backend.to_str() + ("" if self.anchor is None else f"\n{self.anchor}")
        return hashlib.sha256(said.encode()).hexdigest()

    def __len__(self) -> int:
        return self.backend.get_vocab_size()

    @property
    def vocabulary(self) -> dict[str, int]:
        """Vocabulary entries and their ids."""
        return self.backend.get_vocab()

    @cached_property
    def merges(self) -> tuple[tuple[str, str], ...]:
        """Pairs that the encoding joins, in the order in which they were learnt."""
        pairs = json.loads(self.backend.to_str())["model"]["merges"]
        return tuple(
            (left, right)
            for left, right in (one.split(" ") if isinstance(one, str) else one for one in pairs)
        )

    def token(self, index: int) -> str:
        """Vocabulary entry of an id; raise IndexError where the vocabulary has no such id."""
        entry = self.backend.id_to_token(int(index))
        if entry is None:
            raise IndexError(f"The vocabulary of {len(self)} entries has no id {index}.")
        return entry

    def encode(self, bases: str, special: bool = True) -> Tokens:
        """Cut a sequence into tokens.

        Parameters
        ----------
        bases : str
            DNA or RNA in any case; white space is allowed.
        special : bool
            Put [CLS] before and [SEP] after, as the model was trained.

        Returns
        -------
        Tokens
            Spans are in the coordinates of `bases` as passed.

        Warns
        -----
        UnknownBasesWarning
            If characters other than A, C, G, T and U occur, with their numbers.
        """
        return self.encode_batch([bases], special)[0]

    def encode_batch(
        self, sequences: Iterable[str], special: bool = True, warn: bool = True
    ) -> list[Tokens]:
        """Cut many sequences into tokens, in parallel; warns once for all of them.

        See `encode` for parameters, result and warning. ``warn=False`` is for variations of a
        sequence that was warned of.
        """
        texts = list(sequences)
        cleaned = [clean(text) for text in texts]
        if warn:
            warn_unknown(Composition.total(c.composition for c in cleaned))
        with speaking("The tokenizer"):
            encodings = self.backend.encode_batch(
                [self._parts(c.bases) for c in cleaned], add_special_tokens=special
            )
        return [self._tokens(*parts) for parts in zip(texts, cleaned, encodings, strict=True)]

    def encode_ids_batch(self, cleaned: Iterable[Cleaned]) -> list[NDArray[np.int64]]:
        """Ids of many cleaned sequences with [CLS] and [SEP]; no spans, no warning, but fast."""
        with speaking("The tokenizer"):
            encodings = self.backend.encode_batch_fast([self._parts(c.bases) for c in cleaned])
        return [np.asarray(encoding.ids, dtype=np.int64) for encoding in encodings]

    def encode_ids(self, bases: str) -> NDArray[np.int32]:
        """Ids (n,) of already clean, upper-case bases without special tokens: the fast path.

        Anything but A, C, G and T becomes [UNK] unannounced.
        """
        with speaking("The tokenizer"):
            encoding = self.backend.encode(bases, add_special_tokens=False)
        return np.asarray(encoding.ids, dtype=np.int32)

    def place(self, length: int) -> int | None:
        """Bases before the anchor of a sequence of `length` bases; None without an anchor.

        Raises InputError where the sequence is too short to have one.
        """
        if self.anchor is None:
            return None
        at = length // 2 if self.anchor == "middle" else int(self.anchor)
        if not 0 < at < length:
            raise InputError(
                f"A sequence of {counted(length, 'base')} cannot be read as two parts"
                + ("" if self.anchor == "middle" else f" ({self.anchor} bases and the rest)")
                + ", as this model reads sites: give windows like those it was trained on."
            )
        return at

    def _parts(self, bases: str) -> str | tuple[str, str]:
        """Return a sequence as it is encoded: whole, or the pair of its parts."""
        at = self.place(len(bases)) if bases else None
        return bases if at is None else (bases[:at], bases[at:])

    def _tokens(self, text: str, cleaned: Cleaned, encoding: Encoding) -> Tokens:
        ids = np.asarray(encoding.ids, dtype=np.int64)
        special = np.asarray(encoding.special_tokens_mask, dtype=bool)
        spans = np.asarray(encoding.offsets, dtype=np.int64).reshape(-1, 2)
        inner = np.flatnonzero(~special)
        if (at := self.place(len(cleaned.bases)) if cleaned.bases else None) is not None:
            right = np.array([part == 1 for part in encoding.sequence_ids])
            spans[right & ~special] += at
        if cleaned.positions is not None and inner.size:
            # Where the caller's text has white space, a token reaches up to the next one's start.
            starts = cleaned.positions[spans[inner, 0]]
            starts[0] = 0
            spans[inner, 0] = starts
            spans[inner, 1] = np.append(starts[1:], len(text))
        if special.any():
            # Empty spans where they stand: [CLS] at the start, [SEP] at the end.
            edge = np.where(np.arange(len(ids)) == 0, 0, len(text))
            first = int(np.flatnonzero(ids == self.sep_id)[0])
            if first < len(ids) - 1:  # the [SEP] at an anchor
                edge[first] = spans[first + 1, 0]
            spans[special] = edge[special, None]
        return Tokens(
            bases=text,
            ids=ids,
            tokens=tuple(encoding.tokens),
            spans=spans,
            special=special,
            unknown=ids == self.unk_id,
            composition=cleaned.composition,
        )
