"""From a model and a set of sequences to motifs with names: attribute, discover, match."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence as Items
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...common.costs import says_cost
from ...common.names import Caller
from ...common.progress import Progress, split
from ...encoder import Bases, Encoder
from ...encoder.passes.readings import explained_line
from ...errors import InputError
from ...results.origins import recorded
from ...results.rich_display import RichDisplay, counted
from ...sequences import Sequence
from ...sequences.given import as_sequences, listed
from ...sequences.known import check_known
from ...sequences.motifs.jaspar import as_motifs
from ...sequences.motifs.motif import Motif
from ..attribution import (
    ExplainedOutput,
    Mutagenesis,
    attribute,
    find_method,
    saturation_mutagenesis,
)
from ..settings import USUAL, AttributionSettings, takes_settings
from .discovery.discover import check_discovery, discover_patterns
from .discovery.flanks import FLANK, check_flank, match_patterns
from .discovery.pattern import Discovery
from .match import Matches
from .null import NullModels, NullRun, null_share, null_words

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MotifFindings", "discover_motifs"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MotifFindings(RichDisplay):
    """Motifs behind a model's output over a set of sequences.

    Attributes
    ----------
    sequences : tuple of Sequence
    contributions : tuple of numpy.ndarray, shape (n_bases,), float32
        Contribution of each base of each sequence, in `unit`.
    discovery : Discovery
    matches : Matches or None
        What the patterns resemble; None where there is no pattern.
    target_name, unit, method, model : str
    null : tuple of NullRun
        What null models led to in the same way; empty where there were none.
    """

    sequences: tuple[Sequence, ...]
    contributions: tuple[NDArray[np.float32], ...]
    discovery: Discovery
    matches: Matches | None
    target_name: str
    unit: str
    method: str
    model: str
    null: tuple[NullRun, ...] = ()

    def _line(self) -> str:
        return (
            f"{counted(len(self.discovery), 'motif')} behind {self.target_name} in "
            f"{counted(len(self.sequences), 'sequence')}, by {self.method}"
        )

    @property
    def best_q(self) -> float:
        """The least q-value of a pattern's match; NaN where there is no pattern."""
        return best_match(self.matches)[0]

    @property
    def null_share(self) -> float:
        """Share of null models, the model itself among them, with a best q as small.

        A small q says that a pattern resembles a known motif; a small share says that models which
        have learnt nothing do not lead there. NaN where there is none.
        """
        return null_share(self.best_q, self.null)

    @property
    def null_words(self) -> str:
        """How the best match stands beside those of null models, in a sentence."""
        return null_words(self.best_q, self.null)

    @property
    def caption(self) -> str:
        """What was computed, in one sentence."""
        return (
            f"{find_method(self.method).title.capitalize()} of the {self.unit} of "
            f"“{self.target_name}” in {len(self.sequences):,} sequences, by {self.model}."
        )

    def table(self) -> pd.DataFrame:
        """Return the motifs as a table, one row each.

        Returns
        -------
        pandas.DataFrame
            As `Discovery.table`, and ``match``, ``accession`` and ``q_value`` of the nearest known
            motif.
        """
        table = self.discovery.table()
        best = [] if self.matches is None else [self.matches.best(i) for i in range(len(table))]
        return table.assign(
            match=[one.target.name for one in best],
            accession=[one.target.accession for one in best],
            q_value=[one.q_value for one in best],
        )


def best_match(matches: Matches | None) -> tuple[float, str]:
    """Return the least q-value and the known motif it is of; NaN and "" without a match."""
    if matches is None or not len(matches):
        return math.nan, ""
    row = int(matches.q_value.argmin())
    return float(matches.q_value[row]), matches[row].target.label


@recorded
@says_cost
@takes_settings(method="saturation_mutagenesis")
def discover_motifs(
    enc: Encoder,
    sequences: Bases | Iterable[Bases],
    target: int | str | None = None,
    *,
    database: Motif | str | Iterable[Motif | str] | None = None,
    caller: Caller = "seqlets",
    flank: int = FLANK,
    null: int | str | Iterable[Encoder] = 0,
    pool: Iterable[Bases] | None = None,
    settings: AttributionSettings = USUAL,
    progress: Progress | None = None,
    **discovery: Any,
) -> MotifFindings:
    """Find the motifs that speak for one output of a model in a set of sequences.

    Every sequence is attributed, stretches that count are called and grown to patterns, and the
    patterns are compared with known motifs.

    Parameters
    ----------
    enc : Encoder
        With a head.
    sequences : str, Sequence, or iterable of them
        Best those the model assigns to the target, a few hundred or more.
    target : int or str, optional
        Class index or name, the same for all sequences. May be left out for a regression model.
    method : str
        As in `attribute`. Saturation mutagenesis is the only one that resolves single bases;
        methods that score tokens blur a motif over the tokens it is cut into.
    database : Motif, str, or iterable of them, optional
        What patterns are compared with; JASPAR's vertebrate profiles by default.
    caller : {"seqlets", "modisco"}
        As in `discover_patterns`; TF-MoDISco needs saturation mutagenesis.
    flank : int
        Bases on either side of a pattern that are compared with known motifs too; see
        `match_patterns`.
    null : int or iterable of Encoder
        Do it all again with so many networks of the same shape and random weights, or with models
        that are given, such as some trained on permuted labels; each takes as long as the model
        itself. `MotifFindings.null_share` tells how many led to a match as good. (A word is the
        setting `null` of `discover_patterns`.)
    pool : iterable of str or Sequence, optional
        What `sequences` were chosen from: each null model then chooses as many of its own, those
        that it gives the target most. By default null models get `sequences`.
    output, n_steps, baseline, spread, samples, window, groups, layer, noise, noise_samples, seed
        As in `attribute`; see `AttributionSettings`. Mutagenesis takes none but the output. The
        seed is that of the discovery, too.
    settings : AttributionSettings, optional
        All of these, and the method, as one object; what is named beside it goes before.
    progress : callable, optional
        Called as progress(done, total).
    **discovery
        Further settings of ``analysis.motifs.discover_patterns``: `widths` of seqlets (least and
        largest, bp), their `p_value` and `fdr`, `least` sites of a pattern, `similar` (correlation
        from which two are one), `e_value`, `most` seqlets compared, `options` of TF-MoDISco.

    Returns
    -------
    MotifFindings

    Raises
    ------
    InputError
        If the model has no head, no target is named where there are several classes, a sequence
        has no A, C, G or T, a setting is unknown or out of range, a null model is none, or there
        are too few sequences for a pattern. Only the last is found out after the attribution.
    """
    if not enc.has_head:
        raise InputError(
            f"Model {enc.name!r} has no head whose decisions have motifs: load a fine-tuned model."
        )
    if target is None and len(enc.classes) > 1:
        raise InputError(
            f"Motifs are those of one class: name it as target, one of {', '.join(enc.classes)}."
        )
    if caller == "modisco" and settings.method != "saturation_mutagenesis":
        raise InputError(
            "TF-MoDISco needs what every base would contribute: leave method at "
            "'saturation_mutagenesis', or take caller='seqlets'."
        )
    each = listed(sequences)
    check_known(each)
    named = as_sequences(each)
    texts = [one.bases for one in named]
    if isinstance(null, str):  # what `discover_patterns` calls null
        discovery["null"], null = null, 0
    choices = None if pool is None else listed(pool)
    if choices is not None:
        check_known(choices)
        choices = as_sequences(choices)
    models = NullModels(enc, null, named, choices)
    # Attribution takes most of the time: all that can be refused is refused before it.
    _check_attribution(settings)
    discovery["seed"] = settings.seed
    check_discovery(texts, caller, **discovery)
    check_flank(flank)
    known = None if database is None else as_motifs(database)
    if known is not None and not known:
        raise InputError("There are no motifs to match against: give at least one.")
    parts = split(progress, [1] * (1 + models.count))

    def run(model: Encoder, number: int, asked: Items[Sequence]) -> MotifFindings:
        return _run(model, asked, target, settings, known, caller, flank, parts[number], discovery)

    found = run(enc, 0, named)
    index = ExplainedOutput.of(enc, named[0], target, settings.output).target
    nulls = []
    for number, model in enumerate(models):
        asked = models.chosen(model, index if isinstance(index, int) else None)
        try:
            other = run(model, number + 1, asked)
        except InputError:  # too few stretches count for a pattern: no match either
            nulls.append(NullRun(model.name, 0, math.nan, ""))
            continue
        q_value, name = best_match(other.matches)
        nulls.append(NullRun(model.name, len(other.discovery.patterns), q_value, name))
    parts[-1](1, 1)
    return replace(found, null=tuple(nulls))


def _run(
    enc: Encoder,
    named: Items[Sequence],
    target: int | str | None,
    settings: AttributionSettings,
    known: tuple[Motif, ...] | None,
    caller: Caller,
    flank: int,
    progress: Progress,
    discovery: dict[str, Any],
) -> MotifFindings:
    """Attribute, discover and match."""
    attributed, discovered, matched = split(progress, [70, 25, 5])
    texts = [one.bases for one in named]
    contributions: list[NDArray[np.float32]] = []
    hypothetical: list[NDArray[np.float32]] = []
    for number, one in enumerate(named):
        attributed(number, len(named))
        if settings.method == "saturation_mutagenesis":
            found: Mutagenesis = saturation_mutagenesis(
                enc, one, target, output=settings.output, approximate=False
            )
            contributions.append(found.importance)
            hypothetical.append(found.hypothetical)
        else:
            result = attribute(enc, one, target, settings=settings)
            contributions.append(result.base_scores)
    explained = ExplainedOutput.of(enc, named[0], target, settings.output)
    # TF-MoDISco counts a base beside the mean of all four; `importance` beside the other three.
    counted = [one * np.float32(0.75) for one in contributions]
    made = discover_patterns(
        texts,
        counted if caller == "modisco" else contributions,
        hypothetical or None,
        caller,
        progress=discovered,
        **discovery,
    )
    matches = match_patterns(made, texts, known, flank=flank) if made.patterns else None
    matched(1, 1)
    return MotifFindings(
        sequences=tuple(named),
        contributions=tuple(contributions),
        discovery=made,
        matches=matches,
        target_name=explained.name,
        unit=explained.unit,
        method=settings.method,
        model=explained_line(enc),
    )


def _check_attribution(settings: AttributionSettings) -> None:
    """Refuse settings that a method would not look at."""
    takes = ("method", "output", "seed", *find_method(settings.method).takes)
    idle = [name for name in settings.given() if name not in takes]
    if idle:
        raise InputError(
            f"Method {settings.method!r} takes no {', '.join(idle)}: leave it out, or take another "
            "method."
        )
