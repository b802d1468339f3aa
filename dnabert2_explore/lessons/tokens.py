"""Lesson 01: how BPE reads DNA."""

from __future__ import annotations

from ..encoder import Encoder
from ..sequences import mutate, reverse_complement
from ..tokens import Tokens
from .answers import items, require, whole, word

__all__ = ["CHECKS"]


def _count(answer: object, *, tokens: Tokens) -> str:
    given, all_of_them = whole(answer), len(tokens)
    real = all_of_them - int(tokens.special.sum())
    require(
        given != all_of_them,
        "That counts [CLS] and [SEP] too, which hold no bases: leave special tokens out.",
    )
    require(given != len(tokens.bases), "That is the number of bases, not of tokens.")
    require(given == real, f"{given} is too {'many' if given > real else 'few'}: count again.")
    return f"{len(tokens.bases)} bases in {real} tokens are {tokens.bases_per_token:.1f} a token."


def _at(answer: object, *, tokens: Tokens, position: int) -> str:
    """`position` counts from 1, as on screen."""
    given = word(answer).upper()
    right = tokens.tokens[tokens.at(position - 1)]
    if position < len(tokens.bases) and given != right:
        require(
            given != tokens.tokens[tokens.at(position)],
            f"That token covers index {position}, which is base {position + 1}: Python counts "
            "from 0.",
        )
    require(given in tokens.tokens, f"{given!r} is no token of this sequence.")
    require(given == right, f"{given!r} is a token here, but base {position} is not in it.")
    return f"Base {position} lies in {right}, {len(right)} bases long."


def _ripple(answer: object, *, enc: Encoder, sequence: str) -> str:
    place, base = items(answer, 2)
    position, letter = whole(place), word(base).upper()
    require(
        0 <= position < len(sequence),
        f"There is no index {position}: of these bases they are 0 to {len(sequence) - 1}.",
    )
    require(letter in set("ACGT"), f"{letter!r} is no base: write A, C, G or T.")
    require(letter != sequence[position], f"Index {position} is {letter} already: change it.")
    changed = _changed(enc, sequence, mutate(sequence, position, letter))
    require(
        changed >= 3,
        f"That changes {changed} token{'s' if changed != 1 else ''}, and 3 are asked for: look for "
        "a place where tokens meet.",
    )
    return f"One base, and {changed} tokens are others: the network reads {changed} new words."


def _changed(enc: Encoder, sequence: str, mutant: str) -> int:
    """How many tokens of a sequence a substitution takes from their place."""

    def placed(bases: str) -> set[tuple[int, str]]:
        found = enc.tokenize(bases)
        return set(zip(found.spans[:, 0].tolist(), found.tokens, strict=True))

    return len(placed(sequence) - placed(mutant))


def _strand(answer: object, *, enc: Encoder, sequence: str) -> str:
    given = whole(answer)
    forward, backward = enc.tokenize(sequence), enc.tokenize(reverse_complement(sequence))
    n = len(sequence)
    mine = {(a, b) for a, b in forward.spans.tolist() if b > a}
    theirs = {(n - b, n - a) for a, b in backward.spans.tolist() if b > a}
    shared = len(mine & theirs)
    unturned = len(mine & {(n - b, n - a) for a, b in theirs})
    require(
        given == shared or given != unturned,
        "Those spans were compared as they are: base i of one strand is base n - 1 - i of the "
        "other, so turn them first.",
    )
    require(0 <= given <= len(mine), f"There are only {len(mine)} tokens on this strand.")
    require(given == shared, f"{given} is too {'many' if given > shared else 'few'}.")
    return (
        f"On the same bases on both strands: {shared} of {len(mine)} tokens. To the network "
        "the strands are two texts."
    )


def _unknown(answer: object, *, enc: Encoder) -> str:
    given = word(answer)
    require(len(given) == 20, f"The sequence has {len(given)} letters, and 20 are asked for.")
    found = int(enc.tokenizer.encode(given).unknown.sum())
    require(
        found == 3, f"{found} of its tokens {'is' if found == 1 else 'are'} [UNK], 3 are asked for."
    )
    return "Every letter that is no base costs a token, and the network learns nothing from it."


CHECKS = {"count": _count, "at": _at, "ripple": _ripple, "strand": _strand, "unknown": _unknown}
