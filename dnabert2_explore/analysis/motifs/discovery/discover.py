"""From contributions to motifs: what the stretches that count have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import signature
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ....common.names import check_name
from ....common.progress import Progress, split
from ....errors import InputError
from ....results.rich_display import counted
from ....sequences.motifs.motif import Motif
from ..scored_sequences import GAP, ScoredSequences
from .cluster import FoundPattern, cluster
from .pattern import Discovery, Pattern, Sites
from .seqlets import Seqlets, call_seqlets, check_calling, scaled

__all__ = ["CALLERS", "check_discovery", "discover_patterns"]

CALLERS = ("seqlets", "modisco")


#: Shares of the time: calling and clustering, then the same of the control.
_SHARES = (15, 45, 15, 25)


def discover_patterns(
    sequences: Sequence[str],
    contributions: Sequence[ArrayLike],
    hypothetical: Sequence[ArrayLike] | None = None,
    caller: str = "seqlets",
    *,
    widths: tuple[int, int] = (5, 14),
    null: str = "bases",
    p_value: float = 0.01,
    fdr: float = 0.05,
    least: int = 20,
    similar: float = 0.7,
    e_value: float = 1e-6,
    most: int = 5000,
    seed: int = 0,
    options: Mapping[str, int | float] | None = None,
    progress: Progress | None = None,
) -> Discovery:
    """Find the motifs that contributions to a model's output point at.

    Parameters
    ----------
    sequences : sequence of str
        Letters other than A, C, G, T and U belong to no site.
    contributions : sequence of array_like, shape (n_bases,)
        For each sequence the contribution of each of its bases.
    hypothetical : sequence of array_like, shape (n_bases, 4), optional
        Contributions that A, C, G and T would have at each position; only ``"modisco"`` uses them.
    caller : {"seqlets", "modisco"}
        ``"seqlets"``: stretches are called by `call_seqlets` and clustered by what they have in
        common; works for short windows and mixed lengths. Patterns have to be concentrated in
        seqlets (`e_value`), and more so than any pattern found by the same search in a control:
        contributions rotated along their sequence by a random part of its length, which keeps them
        as they are but for the bases under them. ``"modisco"``: TF-MoDISco (Shrikumar et al. 2018)
        as modisco-lite computes it, for sequences of one length, at least 41 bp; it needs
        `hypothetical` and the extra ``[motifs]``. The settings below, `least` apart, are not its.
    widths, null, p_value, fdr
        As `call_seqlets` has them.
    least : int
        Fewest sites of a pattern.
    similar : float
        Correlation of frequencies from which two patterns are one, 0 to 1; words of 6 bases that
        differ in one have 0.78.
    e_value : float
        Most patterns as concentrated in seqlets that chance may give. Low, since a motif is fitted
        to the very seqlets in which it is then counted, which flatters it.
    most : int
        Seqlets compared with each other, the most significant; the time grows with its square.
    seed : int
        Of the shuffles and the rotations.
    options : mapping, optional
        Further arguments of ``modiscolite.tfmodisco.TFMoDISco``.
    progress : callable, optional
        Called with parts done and in all.

    Returns
    -------
    Discovery
        Without patterns where no set of seqlets passes the tests.

    Raises
    ------
    InputError
        If sequences, contributions or settings cannot be used as they are, or there are fewer
        seqlets than a pattern needs.

    References
    ----------
    Shrikumar et al. (2018), arXiv:1811.00416. Bailey & Elkan (1994), ISMB 2:28-36.
    """
    check_discovery(
        sequences,
        caller,
        widths=widths,
        null=null,
        p_value=p_value,
        fdr=fdr,
        least=least,
        options=options,
    )
    if caller == "modisco":
        from .modisco import discover_with_modisco

        return discover_with_modisco(sequences, contributions, hypothetical, least, options or {})
    scores = scaled(contributions)
    scored = ScoredSequences.of(sequences, scores)

    parts = split(progress, _SHARES)

    def search(values: list[NDArray[np.float64]], part: Progress) -> tuple[Seqlets, int]:
        every = call_seqlets(values, widths, null, p_value, fdr, seed=seed, progress=part)
        return every.take(np.arange(min(len(every), most))), len(every)

    seqlets, called = search(scores, parts[0])
    if len(seqlets) < least:
        raise InputError(
            f"{counted(len(seqlets), 'seqlet')} in {counted(len(sequences), 'sequence')} are too "
            f"few for a pattern of {least} sites: give more sequences, raise fdr ({fdr:g})"
            + (", or take null='bases'." if null != "bases" else " or p_value.")
        )

    found = cluster(scored, seqlets, least, similar, e_value, parts[1])
    control: list[FoundPattern] = []
    searched = bool(found)
    if searched:
        turned = _rotated(scores, seed)
        others, _ = search(turned, parts[2])
        elsewhere = ScoredSequences.of(sequences, turned)
        control = cluster(elsewhere, others, least, similar, e_value, parts[3])
        limit = min((one.e_value for one in control), default=np.inf)
        found = [one for one in found if one.e_value < limit]
    parts[3](1, 1)
    return Discovery(
        patterns=tuple(_pattern(scored, one, number) for number, one in enumerate(found, 1)),
        caller=caller,
        n_sequences=len(sequences),
        n_seqlets=called,
        n_in_patterns=sum(len(one.grown.sites.start) for one in found),
        n_control=len(control) if searched else None,
        lengths=np.array([len(values) for values in scores]),
        settings={
            "widths": f"{widths[0]} to {widths[1]} bp",
            "null": seqlets.null,
            "p_value": p_value,
            "fdr": fdr,
            "seqlets compared": len(seqlets),
            "least sites": least,
            "similar": similar,
            "e_value": e_value,
            "control": "contributions rotated along their sequence",
            "seed": seed,
        },
    )


def check_discovery(sequences: Sequence[str], caller: str = "seqlets", **settings: Any) -> None:
    """Refuse sequences and settings that `discover_patterns` cannot use, before any work.

    Settings that are left out have its defaults. Raises InputError where one is unknown or out of
    range, there is no sequence, or `caller` cannot work with these.
    """
    known = {
        name: one.default
        for name, one in signature(discover_patterns).parameters.items()
        if one.kind is one.KEYWORD_ONLY and name != "progress"
    }
    unknown = next((name for name in settings if name not in known), None)
    if unknown is not None:
        raise InputError(f"Discovery has no setting {unknown!r}: choose from {', '.join(known)}.")
    check_name("Caller", caller, CALLERS)
    if not len(sequences):
        raise InputError("There are no sequences: give at least one, with its contributions.")
    given = known | settings
    if given["least"] < 2:
        raise InputError(f"least is {given['least']}: a pattern needs at least 2 sites.")
    if caller == "modisco":
        from .modisco import check_modisco

        check_modisco(sequences, given["options"] or {})
        return
    widths = given["widths"]
    if widths[1] > GAP // 2:
        raise InputError(f"Widths go to {widths[1]} bp: seqlets have at most {GAP // 2} bp.")
    longest = max(map(len, sequences))
    check_calling(longest, widths, given["null"], given["p_value"], given["fdr"])


def _rotated(scores: list[NDArray[np.float64]], seed: int) -> list[NDArray[np.float64]]:
    """Move each sequence's scores on by a quarter to three quarters of its length."""
    rng = np.random.default_rng([seed, 1])
    return [
        np.roll(values, int(rng.integers(len(values) // 4, 3 * len(values) // 4 + 1)))
        for values in scores
    ]


def _pattern(scored: ScoredSequences, found: FoundPattern, number: int) -> Pattern:
    sites = found.grown.sites
    if (sites.strand < 0).sum() > len(sites.strand) / 2:
        sites = sites.turned()
    hot, scores = scored.stretches(sites.start, sites.strand, sites.length)
    owner = scored.owner[sites.start]
    start = sites.start - scored.first[owner]
    order = np.lexsort((start, owner))
    return Pattern(
        motif=Motif(
            f"pattern {number}",
            hot.sum(axis=0),
            sites=len(start),
            source=f"{'positive' if found.sign > 0 else 'negative'} seqlets",
        ),
        contribution=(hot * scores[:, :, None]).mean(axis=0, dtype=np.float64),
        sign=found.sign,
        sites=Sites(owner[order], start[order], start[order] + sites.length, sites.strand[order]),
        e_value=found.e_value,
    )
