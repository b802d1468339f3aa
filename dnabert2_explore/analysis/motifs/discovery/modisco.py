"""Patterns as TF-MoDISco finds them, through modisco-lite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from inspect import signature
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ....errors import InputError
from ....sequences.motifs.motif import Motif
from ..scan import numba_alone
from ..scored_sequences import ScoredSequences
from .grow import informative
from .pattern import Discovery, Pattern, Sites
from .seqlets import scaled

__all__ = ["check_modisco", "discover_with_modisco"]

_INSTEAD = "take caller='seqlets', which works for short windows and mixed lengths"
# Its own defaults, which decide how long a sequence has to be and how many seqlets it needs.
_DEFAULTS: dict[str, int | float] = {
    "sliding_window_size": 21,
    "flank_size": 10,
    "min_metacluster_size": 100,
    "target_seqlet_fdr": 0.2,
}


def check_modisco(sequences: Sequence[str], options: Mapping[str, int | float]) -> Any:
    """Return what runs TF-MoDISco, if it can work with these sequences and options.

    Raises InputError where modisco-lite is not installed or has no such option, or lengths differ
    or are too short.
    """
    run = _modisco()
    unknown = [name for name in options if name not in signature(run).parameters]
    if unknown:
        raise InputError(
            f"TF-MoDISco does not take these options: {', '.join(unknown)}; leave them out."
        )
    settings = _DEFAULTS | dict(options)
    lengths = np.array([len(bases) for bases in sequences])
    needed = int(settings["sliding_window_size"] + 2 * settings["flank_size"])
    if lengths.min() != lengths.max():
        raise InputError(
            f"The sequences have {lengths.min():,} to {lengths.max():,} bp and TF-MoDISco needs "
            f"one length: cut them to one, or {_INSTEAD}."
        )
    if lengths[0] < needed:
        raise InputError(
            f"The sequences have {lengths[0]} bp and TF-MoDISco needs {needed}: give longer ones, "
            f"or {_INSTEAD}."
        )
    return run


def discover_with_modisco(
    sequences: Sequence[str],
    contributions: Sequence[ArrayLike],
    hypothetical: Sequence[ArrayLike] | None,
    least: int,
    options: Mapping[str, int | float],
) -> Discovery:
    """Run TF-MoDISco (Shrikumar et al. 2018, arXiv:1811.00416) and trim what it finds.

    Its patterns are cut to their informative part (see `informative`). Sequences are of one length;
    contributions (n_bases,) are only checked against the hypothetical ones (n_bases, 4), whose
    values at the bases themselves count; `least` is ``final_min_cluster_size``, and options are
    further arguments of ``modiscolite.tfmodisco.TFMoDISco``. Raises InputError as `check_modisco`
    does, where hypothetical contributions are missing or fit neither sequences nor contributions,
    or no pattern is found.
    """
    run = check_modisco(sequences, options)
    settings = _DEFAULTS | {"final_min_cluster_size": least} | dict(options)
    scores = scaled(contributions)
    scored = ScoredSequences.of(sequences, scores)
    lengths = np.array([len(bases) for bases in sequences])
    hot, _ = scored.stretches(scored.first, np.ones(len(lengths), dtype=np.int64), int(lengths[0]))
    values = _checked(hypothetical, hot, contributions)
    try:
        with numba_alone():
            found = run(hot, values, **settings)
    except TypeError as error:
        raise InputError(f"TF-MoDISco does not take these options: {error}.") from error
    except (IndexError, ValueError) as error:
        # It says nothing of its own where one sign of contributions or all spread is missing.
        raise InputError(
            f"TF-MoDISco could set no threshold for these contributions ({error}): {_INSTEAD}."
        ) from error
    both = [(sign, one) for sign, group in zip((1, -1), found, strict=True) for one in group or ()]
    if not both:
        raise InputError(
            f"TF-MoDISco found no pattern in {len(lengths):,} sequences of {lengths[0]} bp (it "
            f"needs more than {settings['min_metacluster_size']} seqlets of one sign): give more "
            f"sequences, or {_INSTEAD}."
        )
    both.sort(key=lambda one: -len(one[1].seqlets))
    patterns = tuple(_pattern(one, sign, number) for number, (sign, one) in enumerate(both, 1))
    count = sum(len(pattern.sites) for pattern in patterns)
    return Discovery(
        patterns=patterns,
        caller="modisco",
        n_sequences=len(lengths),
        # It tells of the seqlets in its patterns only.
        n_seqlets=count,
        n_in_patterns=count,
        n_control=None,
        lengths=lengths,
        settings={"modisco-lite": version("modisco-lite"), **settings},
    )


def _modisco() -> Any:
    try:
        from modiscolite.tfmodisco import TFMoDISco
    except ImportError as error:
        raise InputError(
            "TF-MoDISco needs modisco-lite, which is not installed: `pip install -c "
            "constraints.txt -e \".[motifs]\"`, or take caller='seqlets'."
        ) from error
    return TFMoDISco


def _checked(
    hypothetical: Sequence[ArrayLike] | None,
    hot: NDArray[np.float32],
    contributions: Sequence[ArrayLike],
) -> NDArray[np.float32]:
    """Hypothetical contributions as (n, length, 4), scaled as the others are."""
    if hypothetical is None:
        raise InputError(
            "TF-MoDISco needs hypothetical contributions, of A, C, G and T at each position: give "
            "`hypothetical`, or take caller='seqlets'."
        )
    shapes = {np.shape(values) for values in hypothetical}
    if len(hypothetical) != len(hot) or shapes != {hot.shape[1:]}:
        raise InputError(
            f"Hypothetical contributions have {len(hypothetical):,} arrays of shapes "
            f"{', '.join(map(str, sorted(shapes)))}; expected {len(hot):,} of shape "
            f"{hot.shape[1:]}: give one row for each base and the columns A, C, G, T."
        )
    values = np.asarray(hypothetical, dtype=np.float64)
    if not np.isfinite(values).all():
        raise InputError(
            "Hypothetical contributions hold NaN or infinity: leave those sequences out."
        )
    given = np.asarray(contributions, dtype=np.float64)
    known = hot.sum(axis=2) > 0
    own = (values * hot).sum(axis=2)
    far = np.abs(own - given)[known].max(initial=0.0)
    if far > 1e-3 * max(float(np.abs(given).max()), 1e-12):
        raise InputError(
            f"Hypothetical contributions differ by up to {far:.3g} from the contributions at the "
            "bases that sites there: give those of the same sequences and method."
        )
    scale = np.abs(given).mean(axis=1)
    return np.asarray(values / np.where(scale > 0, scale, 1.0)[:, None, None], dtype=np.float32)


def _pattern(found: Any, sign: int, number: int) -> Pattern:
    motif = Motif("pattern", found.sequence, sites=len(found.seqlets))
    left, right = informative(motif.information, len(found.seqlets))
    columns = np.array(
        [(s.example_idx, s.start, s.end, -1 if s.is_revcomp else 1) for s in found.seqlets],
        dtype=np.int64,
    )
    sequence, start, end, strand = columns.T
    begin = np.where(strand > 0, start + left, end - right)
    return Pattern(
        motif=Motif(
            f"pattern {number}",
            motif.probabilities[left:right],
            sites=len(found.seqlets),
            source=f"TF-MoDISco, {'positive' if sign > 0 else 'negative'} seqlets",
        ),
        contribution=np.array(found.contrib_scores[left:right], dtype=np.float64),
        sign=sign,
        sites=Sites(sequence, begin, begin + right - left, strand),
        e_value=float("nan"),
    )
