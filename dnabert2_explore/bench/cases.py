"""What is computed: sequences of one length, of many lengths, and the mutants of one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import InputError
from ..network import Dnabert2Config
from ..sequences.transform import mutate
from ..tokens import DnaTokenizer

__all__ = ["MIXED", "Case", "mutant_case", "mutants", "random_cases"]

#: What asks for sequences of mixed lengths, among lengths.
MIXED = "mixed"

#: Shortest and longest of the mixed lengths, in tokens: both occur.
SHORTEST, LONGEST = 32, 512

#: Shorter random sequences could be equal, and ours computes equal ones once.
FEWEST = 8

#: More sequences nobody gave the original at once on a CPU, where larger batches gain nothing.
MOST_ROWS = 32
#: A GPU must be kept busy as ours keeps it.
MOST_ROWS_GPU = 512
#: No more bytes than these for the scores of one layer.
MOST_SCORES = 4 * 2**30


def batch_tokens(device: torch.device) -> int:
    """Tokens that the reference path gets at once, as far as its other limits allow."""
    return 65_536 if device.type == "cuda" else 4_096


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """Work for both paths.

    `ids` are the token ids of each sequence, (n,) int64, no two of them equal; `rows` are sequences
    in a padded batch of the reference path.
    """

    name: str
    ids: tuple[NDArray[np.int64], ...]
    rows: int

    @property
    def tokens(self) -> int:
        """Tokens in all, without padding."""
        return sum(map(len, self.ids))

    def flops(self, config: Dnabert2Config) -> float:
        """Floating-point operations that the encoder needs for this work.

        A layer takes ``2 · (4·hidden² + 3·hidden·intermediate)`` a token in its linear layers (a
        multiplication and an addition for each weight) and ``4 · n · hidden`` a token of a
        sequence of n in attention (scores, and their product with the values). Norms, GELU and
        softmax are not counted.
        """
        hidden, inner = config.hidden_size, config.intermediate_size
        linear = 2 * (4 * hidden**2 + 3 * hidden * inner) * self.tokens
        attention = 4 * hidden * sum(len(sequence) ** 2 for sequence in self.ids)
        return float(config.num_hidden_layers * (linear + attention))


def random_cases(
    lengths: Iterable[int | str],
    config: Dnabert2Config,
    device: torch.device,
    tokens: int | None = None,
) -> Iterator[Case]:
    """Make a case of random tokens for each length, in tokens.

    ``"mixed"`` draws lengths evenly between 32 and 512. About `tokens` in all, at least one
    sequence; by default 4,096 on a CPU (8,192 of mixed lengths) and 262,144 on a GPU. A length
    below 8, or one that is neither a number nor ``"mixed"``, is an `InputError`.
    """
    gpu = device.type == "cuda"
    total = tokens or (4 if gpu else 1) * batch_tokens(device)
    for length in lengths:
        rng = np.random.default_rng(0)
        if length == MIXED:
            number = max(2 if tokens else 32, 2 * total // (SHORTEST + LONGEST))
            sizes = rng.integers(SHORTEST, LONGEST + 1, size=number)
            sizes[:2] = SHORTEST, LONGEST
            rng.shuffle(sizes)
            name = f"{MIXED} {SHORTEST}-{LONGEST}"
        elif isinstance(length, int) and length >= FEWEST:
            sizes = np.full(max(1, total // length), length)
            name = f"{length:,}"
        else:
            raise InputError(
                f"Length {length!r} cannot be measured: give {FEWEST} tokens or more, or 'mixed'."
            )
        # Ids from 5 on are no special tokens.
        ids = tuple(rng.integers(5, config.vocab_size, size=int(size)) for size in sizes)
        yield Case(name, ids, reference_rows(ids, config, device))


def mutants(bases: str) -> Iterator[str]:
    """Yield every single-base substitution: three a base, from the first base to the last.

    Examples
    --------
    >>> list(mutants("AC"))
    ['CC', 'GC', 'TC', 'AA', 'AG', 'AT']
    """
    for position, here in enumerate(bases):
        for base in "ACGT":
            if base != here:
                yield mutate(bases, position, base)


def mutant_case(
    bases: str, tokenizer: DnaTokenizer, config: Dnabert2Config, device: torch.device
) -> Case:
    """Make a case of the saturation mutagenesis of A, C, G and T: its mutants, tokenized."""
    ids = tuple(tokens.ids for tokens in tokenizer.encode_batch(mutants(bases)))
    name = f"{len(ids):,} mutants of {len(bases):,} bp"
    return Case(name, ids, reference_rows(ids, config, device))


def reference_rows(
    ids: tuple[NDArray[np.int64], ...], config: Dnabert2Config, device: torch.device
) -> int:
    """Sequences that the reference path gets at once.

    About as many tokens as `batch_tokens` says: the nearest power of two, at most 32 (512 on a
    GPU), and fewer where the scores of one layer would take more than 4 GiB.
    """
    lengths = [len(sequence) for sequence in ids]
    mean, longest = sum(lengths) / len(lengths), max(lengths)
    rows = 2 ** max(0, round(math.log2(batch_tokens(device) / mean)))
    fitting = MOST_SCORES // (4 * config.num_attention_heads * longest**2)
    most = MOST_ROWS_GPU if device.type == "cuda" else MOST_ROWS
    return max(1, min(rows, most, fitting))
