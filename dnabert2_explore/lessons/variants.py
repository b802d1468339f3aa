"""Lesson 07: variants."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from ..analysis.variants import VariantScores
from ..demo import Locus
from ..sequences.variants.variant import parse_variant
from .answers import number, require, word, yes

__all__ = ["CHECKS"]


def _write(answer: object, *, locus: Locus) -> str:
    """Grade a substitution of the first base of an intron on the forward strand."""
    variant = parse_variant(word(answer))
    name, bases = locus.sequence.name, locus.sequence.bases.upper()
    require(variant.contig == name, f"There is no {variant.contig} here: the record is {name}.")
    require(
        variant.position < len(bases), f"{name} ends at base {len(bases)}, before that position."
    )
    held = bases[variant.position : variant.position + len(variant.ref)]
    require(
        held == variant.ref.upper(),
        f"REF is {variant.ref} and the genome holds {held} there: positions of a variant count "
        "from 1.",
    )
    require(
        len(variant.ref) == len(variant.alt) == 1, "That is no substitution of one base by another."
    )
    starts = {one.start for one in locus.of_kind("intron") if one.strand == "+"}
    require(
        variant.position in starts,
        f"Base {variant.position + 1} is not the first of an intron on the forward strand.",
    )
    return f"{variant} takes the G from the GT that an intron begins with."


def _times(answer: object, *, llr: float) -> str:
    given = number(answer)
    require(
        not math.isclose(given, llr, rel_tol=0.01),
        "That is the log-ratio itself: its exponential is asked for.",
    )
    require(
        not math.isclose(given, 10**llr, rel_tol=0.01) or abs(llr) < 0.01,
        "The scores are in nats: take e to the power, not 10.",
    )
    require(
        math.isclose(given, math.exp(llr), rel_tol=0.01),
        f"{given:g} is not e to the power of {llr:.3f}.",
    )
    return f"To the model ALT is {given:.2f} times as likely as REF."


def _recut(answer: object, *, scores: VariantScores) -> str:
    given = parse_variant(word(answer))
    listed = [str(one) for one in scores.variants]
    require(str(given) in listed, f"{given} is none of {', '.join(listed)}.")
    sizes = np.abs(scores["retokenisation"])
    mine = float(sizes[listed.index(str(given))])
    require(
        mine >= float(np.nanmax(sizes)),
        f"Of {given} {mine:.2f} nats are re-tokenisation, and of another more.",
    )
    return f"{mine:.2f} nats of its score are the other cut, not the other base."


def _auroc(answer: object, *, hits: ArrayLike, others: ArrayLike) -> str:
    """Lower scores are worse; ties count a half."""
    given = number(answer)
    require(0 <= given <= 1, f"{given:g} is no AUROC: that lies between 0 and 1.")
    first, second = np.asarray(hits, float)[:, None], np.asarray(others, float)[None]
    right = float(((first < second) + 0.5 * (first == second)).mean())
    require(
        abs(given - (1 - right)) > 0.005 or abs(right - 0.5) < 0.005,
        "Turned round: a variant that breaks a site should have the lower score.",
    )
    require(
        abs(given - right) <= 0.005,
        f"{given:.2f} is not the share of pairs in which the variant of the site scores lower.",
    )
    return f"AUROC {right:.2f}, where a coin has 0.50."


def _beyond(answer: object, *, model: float, rule: float) -> str:
    right = model > rule
    require(
        yes(answer) == right,
        f"The model has {model:.2f} and the rule that looks at one neighbour {rule:.2f}.",
    )
    return f"{model:.2f} beside {rule:.2f}: a score means something beside the simplest rule."


CHECKS = {
    "write": _write,
    "times": _times,
    "auroc": _auroc,
    "beyond": _beyond,
    "recut": _recut,
}
