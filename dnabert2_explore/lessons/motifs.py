"""Lesson 06: from peaks to a motif, with the null of the pipeline."""

from __future__ import annotations

from collections.abc import Iterable

from ..analysis.motifs import MotifFindings, Pattern
from ..sequences import Sequence, reverse_complement
from .answers import require, whole, word

__all__ = ["CHECKS"]


def _true(answer: object, *, called: Iterable[Sequence]) -> str:
    given, chosen = whole(answer), list(called)
    right = sum(one.label == "planted" for one in chosen)
    require(given <= len(chosen), f"Only {len(chosen)} windows are called.")
    require(given == right, f"{given} is too {'many' if given > right else 'few'}.")
    return f"{right} of {len(chosen)}: real peaks come without this number."


def _name(answer: object, *, findings: MotifFindings) -> str:
    require(findings.matches, "No pattern was found, so there is nothing to name.")
    assert findings.matches is not None
    given = word(answer)
    best = findings.matches.best(0)
    names = {best.target.name.upper(), best.target.accession.upper()}
    known = set(findings.matches.table()["target"].str.upper())
    if given.upper() not in names:
        require(
            given.upper() not in known,
            f"{given} resembles the pattern, but another profile resembles it more.",
        )
    require(given.upper() in names, f"{given!r} is not among the matches of the first pattern.")
    return f"{best.target.label}, q = {best.q_value:.1g}. Factors of one family share a motif."


def _sites(answer: object, *, pattern: Pattern, called: Iterable[Sequence]) -> str:
    given, chosen, sites = whole(answer), list(called), pattern.sites
    right = 0
    for i, start, end in zip(sites.sequence, sites.start, sites.end, strict=True):
        one = chosen[int(i)]
        planted = one.label == "planted"
        overlaps = start < int(one.fields["end"]) and int(one.fields["start"]) < end
        right += planted and overlaps
    require(given <= len(sites), f"The pattern has only {len(sites)} sites.")
    require(given == right, f"{given} is too {'many' if given > right else 'few'}.")
    return f"{right} of {len(sites)} sites lie on a planted one: the model reads what was planted."


def _nulls(answer: object, *, level: float) -> str:
    """How many null models it takes before (0 + 1) / (n + 1) can fall to a level."""
    given, right = max(whole(answer), 0), 0
    while (0 + 1) / (right + 1) > level * (1 + 1e-9):
        right += 1
    require(
        given >= right,
        f"After {given} null runs the least share is {1 / (given + 1):.3f}: above {level:g}.",
    )
    require(given == right, f"{given} would do, and fewer would too.")
    return f"{right} runs: a null is a sample, and a small one cannot say much."


def _word(answer: object, *, windows: Iterable[Sequence]) -> str:
    given = word(answer).upper()
    require(set(given) <= set("ACGT"), f"{given!r} holds letters that are no bases.")
    turned = reverse_complement(given)
    holds = {"planted": 0, "decoy": 0}
    total = {"planted": 0, "decoy": 0}
    for one in windows:
        label = str(one.label)
        total[label] += 1
        holds[label] += given in one.bases or turned in one.bases
    share = {label: holds[label] / max(total[label], 1) for label in holds}
    require(
        share["decoy"] <= 0.1,
        f"{given} is in {share['decoy']:.0%} of the decoys: it is too short or too common.",
    )
    require(
        share["planted"] >= 0.8,
        f"{given} is in {share['planted']:.0%} of the windows with a site: too long, or another.",
    )
    return (
        f"'Does it hold {given}?' finds {share['planted']:.0%} of the sites and takes "
        f"{share['decoy']:.0%} of the decoys: set the model's score beside that."
    )


CHECKS = {"true": _true, "name": _name, "sites": _sites, "nulls": _nulls, "word": _word}
