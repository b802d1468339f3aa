"""All single substitutions of a stretch, and how far each moves the predictions of tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ...common.progress import Progress, within
from ...encoder import Encoder
from ...encoder.passes.batches import budget_of
from ...encoder.passes.masked import masked_passes
from ...errors import InputError
from ...sequences import in_place, mutate, substitutions
from ...tokens import Tokens
from ..variants.segments import Vocabulary

__all__ = ["Reading", "by_base", "by_token", "divergences", "kept_spans"]


#: Passes' worth of mutants that are cut into tokens at once: memory does not grow with the region.
_PASSES = 16


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A sequence, its region, and the region's mutants (position, new base), not computed yet."""

    tokens: Tokens
    region: tuple[int, int]
    mutants: tuple[tuple[int, str], ...]

    @classmethod
    def of(cls, tokens: Tokens, region: tuple[int, int]) -> Reading:
        """List the mutants of a region; raise InputError where it holds no A, C, G or T."""
        mutants = tuple(substitutions(tokens.bases, *region))
        if not mutants:
            raise InputError(
                f"Bases [{region[0]}, {region[1]}) hold no A, C, G or T to substitute: choose a "
                "region that does."
            )
        return cls(tokens, region, mutants)


def kept_spans(before: Tokens, after: Tokens) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the tokens that two segmentations of equally long sequences share by their spans.

    Indices into either, (k,) each; special tokens are left out.
    """
    one, other = np.flatnonzero(~before.special), np.flatnonzero(~after.special)
    starts = after.spans[other, 0]
    at = np.searchsorted(starts, before.spans[one, 0])
    inside = at < len(other)
    one, at = one[inside], at[inside]
    same = (after.spans[other[at]] == before.spans[one]).all(axis=1)
    return one[same], other[at[same]]


class by_token:  # noqa: N801 (called like a function of the model)
    """Compare distributions over the vocabulary; columns are tokens."""

    def __init__(self, enc: Encoder, tokens: Tokens) -> None:
        self.shape = len(tokens)
        inner = np.flatnonzero(~tokens.special)
        (self._logs,) = _read(enc, [tokens.ids], [inner])
        self._row = np.full(len(tokens), -1, dtype=np.int64)
        self._row[inner] = np.arange(len(inner))
        self._probabilities = self._logs.exp()

    def __call__(
        self, kept: NDArray[np.int64], rows: torch.Tensor
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return columns and their divergences, for the tokens `kept` and their new rows."""
        at = torch.from_numpy(self._row[kept]).to(rows.device)
        # KL(p‖q) + KL(q‖p) is the sum of (p - q)(log p - log q).
        change = (self._logs[at] - rows).mul_(self._probabilities[at].sub_(rows.exp()))
        return kept, change.sum(dim=-1).cpu().numpy()


class by_base:  # noqa: N801
    """Compare distributions over A, C, G and T at each base; columns are bases."""

    def __init__(self, enc: Encoder, tokens: Tokens) -> None:
        self.shape = len(tokens.bases)
        vocabulary = Vocabulary(enc.tokenizer)
        self._lengths = vocabulary.lengths[tokens.ids]
        self._lengths[tokens.unknown] = 0  # [UNK] is never predicted, and no base
        device = enc.device
        self._entries = {}
        for length in {int(n) for n in self._lengths if n}:
            ids, bases = vocabulary.by_length[length]
            hot = torch.nn.functional.one_hot(torch.from_numpy(bases.astype(np.int64)), 4)
            self._entries[length] = (
                torch.from_numpy(ids).to(device),
                hot.flatten(1).float().to(device),
            )
        # White space inside a token's span is no base of it.
        letters = in_place(tokens.bases)
        self._places = [
            np.array([p for p in range(start, end) if letters[p] != " "], dtype=np.int64)
            for start, end in tokens.spans
        ]
        inner = np.flatnonzero(~tokens.special)
        (logs,) = _read(enc, [tokens.ids], [inner])
        self._before: dict[int, torch.Tensor] = {}
        for at, values in self._spelt(inner, logs):
            self._before |= zip(at.tolist(), values, strict=True)

    def _spelt(
        self, kept: NDArray[np.int64], rows: torch.Tensor
    ) -> list[tuple[NDArray[np.int64], torch.Tensor]]:
        """Tokens of one length each, and log-probabilities of their bases, (tokens, length, 4)."""
        found = []
        for length, (ids, hot) in self._entries.items():
            which = np.flatnonzero(self._lengths[kept] == length)
            if which.size:
                chosen = rows[torch.from_numpy(which).to(rows.device)][:, ids].softmax(-1)
                shares = (chosen @ hot).unflatten(1, (length, 4)).clamp_min(1e-30)
                found.append((kept[which], shares.log()))
        return found

    def __call__(
        self, kept: NDArray[np.int64], rows: torch.Tensor
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """As `by_token`."""
        columns: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
        values: list[NDArray[np.float32]] = [np.zeros(0, np.float32)]
        for at, after in self._spelt(kept, rows):
            before = torch.stack([self._before[int(index)] for index in at])
            change = ((before - after) * (before.exp() - after.exp())).sum(dim=-1)
            columns += [self._places[index] for index in at]
            values.append(change.flatten().cpu().numpy())
        return np.concatenate(columns), np.concatenate(values)


def divergences(
    enc: Encoder,
    reading: Reading,
    compare: type[by_token] | type[by_base],
    batch_tokens: int | None,
    progress: Progress,
) -> tuple[NDArray[np.float32], float]:
    """Compute the largest divergence over the substitutions of each base, (bases, columns).

    NaN where there is none. Beside it, the share of tokens and substitutions in which the token
    kept its span.
    """
    tokens, (start, end) = reading.tokens, reading.region
    measure = compare(enc, tokens)
    values = np.full((end - start, measure.shape), -np.inf, dtype=np.float32)
    budget = budget_of(enc, batch_tokens)
    step = max(1, _PASSES * budget.tokens // len(tokens))
    shared = asked = 0
    for begin in range(0, len(reading.mutants), step):
        part = reading.mutants[begin : begin + step]
        texts = [mutate(tokens.bases, at, base) for at, base in part]
        cut = enc.tokenizer.encode_batch(texts, warn=False)
        pairs = [kept_spans(tokens, mutant) for mutant in cut]
        shared += sum(len(one) for one, _ in pairs)
        asked += len(pairs) * int((~tokens.special).sum())

        def take(number: int, rows: torch.Tensor) -> NDArray[np.float32]:
            columns, change = measure(pairs[number][0], rows)  # noqa: B023 (called in this turn)
            row = values[part[number][0] - start]  # noqa: B023
            row[columns] = np.maximum(row[columns], change)
            return change[:0]

        masked_passes(
            enc,
            [mutant.ids for mutant in cut],
            [other for _, other in pairs],
            take,
            budget,
            within(progress, begin, len(part), len(reading.mutants)),
            hide=False,
        )
    values[np.isneginf(values)] = np.nan
    # Rounding may leave a sum of nothing but noise below zero.
    return np.maximum(values, 0, out=values), shared / max(asked, 1)


def _read(
    enc: Encoder, ids: list[NDArray[np.int64]], positions: list[NDArray[np.int64]]
) -> list[torch.Tensor]:
    """Log-probabilities at positions of sequences as they stand, kept on the device."""
    found: list[torch.Tensor] = [torch.zeros(0)] * len(ids)

    def take(number: int, rows: torch.Tensor) -> NDArray[np.float32]:
        found[number] = rows
        return np.zeros(0, np.float32)

    masked_passes(enc, ids, positions, take, enc.budget, hide=False)
    return found
