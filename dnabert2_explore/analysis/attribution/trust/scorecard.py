"""How far one attribution is to be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence as Items
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
from numpy.typing import NDArray

from ....common.costs import says_cost
from ....common.progress import Progress, split
from ....encoder import Bases, Encoder
from ....encoder.loading.twin import random_twin
from ....errors import InputError
from ....results.origins import recorded
from ....results.rich_display import RichDisplay
from ....sequences.given import bases_of
from ...many import one_or_many
from ...methods import find_method
from ...settings import USUAL, AttributionOptions, AttributionSettings, takes_settings
from ..attribute import attribute
from ..explained_output import ExplainedOutput, Target
from ..mutagenesis import importance_of, mutate_all
from ..offsets import OffsetAverage, most_crops, offsets_of
from ..result import Attribution
from ..strands import StrandMirror, mirror_strands
from .checks import (
    CHECKS,
    Check,
    check_convergence,
    check_curves,
    check_mutations,
    check_offsets,
    check_planted,
    check_randomised,
    check_strands,
    recovery,
)
from .curves import TokenCurves, token_curves
from .skill import check_skill

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Scorecard", "scorecard"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Scorecard(RichDisplay):
    """An attribution with the checks it was put to; `str` of it is a table to print.

    Attributes
    ----------
    attribution : Attribution
    checks : tuple of Check
        In the order of `dnabert2_explore.analysis.attribution.CHECKS`.
    strands : StrandMirror
    offsets : OffsetAverage or None
    curves : TokenCurves or None
        None, like `offsets`, where the sequence is too short for them.
    mutations : numpy.ndarray, shape (n_bases,), float32, or None
        What each base adds by its three mutations (`Mutagenesis.importance`); NaN at bases that
        were not mutated or are not read, None where the method is this itself.
    twins : numpy.ndarray, shape (twins, n_bases), float32
        Contributions by the same method in networks with random weights.
    """

    attribution: Attribution
    checks: tuple[Check, ...]
    strands: StrandMirror
    offsets: OffsetAverage | None
    curves: TokenCurves | None
    mutations: NDArray[np.float32] | None
    twins: NDArray[np.float32]

    def _line(self) -> str:
        found = self.attribution
        return f"{found.target_name} by {found.method}: {self.verdict}"

    @property
    def trusted(self) -> bool:
        """Whether all checks that judge and apply are passed, and the model is known to have skill.

        A picture of a model that knows nothing may be a true picture of it, and says nothing of
        DNA.
        """
        return self._held and not self._failed and self._check("skill") is True

    @property
    def verdict(self) -> str:
        """In words.

        ``"trust"``; ``"do not trust: "`` and what speaks against it; or ``"undecided: "``, where
        nothing speaks against it as a picture of the model, but the model is not known to have
        learnt more than simple methods know.
        """
        if self._failed:
            return f"do not trust: {'; '.join(check.meaning for check in self._failed)}"
        if not self._held:
            return "do not trust: no check applies"
        skill = self._check("skill")
        if skill is True:
            text = "trust"
        elif skill is False:
            text = (
                "undecided: nothing speaks against it as a picture of this model, but "
                f"{CHECKS['skill'].meaning}"
            )
        else:
            text = (
                "undecided: nothing speaks against it as a picture of this model, but that the "
                "model has learnt anything is not shown"
            )
        if any(check.name == "strands" and check.passed is None for check in self.checks):
            text += "; the check that tells most, strand agreement, did not apply"
        return text

    @property
    def _failed(self) -> list[Check]:
        return [one for one in self.checks if CHECKS[one.name].judges and one.passed is False]

    @property
    def _held(self) -> bool:
        return any(CHECKS[one.name].judges and one.passed is not None for one in self.checks)

    def _check(self, name: str) -> bool | None:
        return next((one.passed for one in self.checks if one.name == name), None)

    def table(self) -> pd.DataFrame:
        """Make a table with a row for each check.

        Returns
        -------
        pandas.DataFrame
            ``check``, ``value``, ``threshold``, ``result`` (see `Check.result`) and ``words``.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "check": [check.title for check in self.checks],
                "value": [np.nan if c.value is None else c.value for c in self.checks],
                "threshold": [check.threshold for check in self.checks],
                "result": [check.result for check in self.checks],
                "words": [check.words for check in self.checks],
            }
        )

    def __str__(self) -> str:
        rows = [
            f"{one.title:<20} {one.result:<15} {one.words.removeprefix('not applicable: ')}"
            for one in self.checks
        ]
        return "\n".join([*rows, self.verdict])


@recorded
@says_cost
@one_or_many
@takes_settings()
def scorecard(
    enc: Encoder,
    sequences: Bases,
    target: Target | None = None,
    *,
    truth: Items[tuple[int, int]] | None = None,
    crops: int = 8,
    twins: int = 3,
    orders: int = 20,
    mutated: int = 300,
    scores: Mapping[str, Any] | None = None,
    settings: AttributionSettings = USUAL,
    progress: Progress | None = None,
    **options: Unpack[AttributionOptions],
) -> Scorecard:
    """Attribute a sequence, and check what came out.

    =====================  ======================================================================
    convergence            size of delta beside that of the change: what the sum of scores misses
    deletion, insertion    area between the output's curve in the order of scores and the mean one
                           in random orders, in shares of the output's range
    mutation agreement     Pearson correlation with the effects of mutating single bases
    randomised weights     Spearman correlation of magnitudes with those in networks of the same
                           shape and random weights: whether the method looks at the weights.
                           Information; nothing is judged by it
    strand agreement       Pearson correlation with the reverse complement's scores
    offset agreement       mean Pearson correlation between left crops
    planted motif          AUROC of base scores for planted bases
    held-out skill         the model's own test MCC minus that of the best simple method, 4-mers or
                           an untrained network among them, as ``scores.json`` beside its weights
                           states them
    =====================  ======================================================================

    Thresholds were calibrated on planted motifs: docs/attribution.md. They say whether an
    attribution is like those that found the motif. Passing is no proof, and without held-out skill
    of the model the verdict is at best "undecided".

    Parameters
    ----------
    enc : Encoder
    sequences : str, Sequence, or iterable of them
        Of several, results come in order, as a list.
    target : int, str, tuple of int, or None
        As in `attribute`.
    method : str
        As in `attribute`.
    truth : sequence of tuple of int, optional
        Base spans [start, end) that are known to matter.
    crops : int
        Left crops, at most: fewer where the sequence leaves no room.
    twins : int
        Networks with random weights.
    orders : int
        Random orders of deletion and insertion.
    mutated : int
        Bases to replace by every other, at most: of more, the stretch with the largest scores.
    scores : mapping, optional
        What the model reaches, where no ``scores.json`` beside its weights says it:
        ``{"test": {"mcc": 0.8}, "baselines": {"kmer": {"mcc": 0.6}, "untrained": {"mcc": 0.5}}}``.
    output, n_steps, baseline, spread, samples, window, groups, layer, noise, noise_samples, seed
        As in `attribute`; see `AttributionSettings`. Deletion and insertion put tokens of the
        `baseline` in place of others, [MASK] where that is the default, the mean. The seed is that
        of random orders and random weights too.
    settings : AttributionSettings, optional
        All of these, and the method, as one object; what is named beside it goes before.
    progress : callable, optional
        Called as progress(done, total); raise `Cancelled` from it to stop.

    Returns
    -------
    Scorecard

    Raises
    ------
    InputError
        As `attribute` does; if crops (2), twins, orders (1) or mutated (10) are below that, a span
        of `truth` is no stretch of the sequence, or all bases are planted.

    References
    ----------
    Adebayo et al. 2018, Sanity checks for saliency maps, arXiv 1810.03292 (randomised weights);
    Petsiuk et al. 2018, RISE, arXiv 1806.07421 (deletion and insertion).

    Examples
    --------
    >>> import dnabert2_explore as dx
    >>> site = dx.demo.splice()[0]
    >>> card = scorecard(dx.load("pocket-splice"), site, "donor", method="occlusion")
    >>> [check.title for check in card.checks if check.passed is None]
    ['convergence', 'randomised weights', 'strand agreement', 'planted motif']
    """
    info = find_method(settings.method)
    for name, value, least in (
        ("crops", crops, 2), ("twins", twins, 1), ("orders", orders, 1), ("mutated", mutated, 10)
    ):  # fmt: skip
        if value < least:
            raise InputError(f"{name} is {value}; expected at least {least}.")
    text = bases_of(sequences)
    explained = ExplainedOutput.of(enc, text, target, settings.output)
    if truth is not None:
        recovery(np.zeros(len(text)), truth)  # bad spans are told before anything is computed
    room = min(crops, most_crops(explained, text))
    grouped = bool(settings.groups)
    with_offsets = room >= 2 and not grouped
    own_mutants = settings.method != "saturation_mutagenesis"
    of_strands, of_crops, *of_each, of_curves, of_mutants, end = split(
        progress, [2, room if with_offsets else 0, *[1] * twins, 1, 2 * own_mutants, 0]
    )

    mirror = mirror_strands(enc, text, explained.target, settings=settings, progress=of_strands)
    found = mirror.forward
    offsets = None
    if with_offsets:
        offsets = offsets_of(enc, text, explained.target, settings, room, of_crops, found)
    of_twins = [
        attribute(
            random_twin(enc, seed=settings.seed + number),
            text,
            explained.target,
            settings=settings,
            progress=of_each[number],
        ).base_scores
        for number in range(twins)
    ]
    curves = None
    if (~explained.fixed).sum() >= 2:
        curves = token_curves(
            explained,
            found.token_scores,
            info.signed,
            "mask" if settings.baseline == USUAL.baseline else settings.baseline,
            orders,
            seed=settings.seed,
            progress=of_curves,
        )
    mutations = None
    if own_mutants:
        effects = mutate_all(explained, _strongest(found, mutated), of_mutants)
        mutations = np.where(np.isnan(effects).all(axis=1), np.nan, importance_of(effects))
        mutations[slice(*explained.stretch)] = np.nan  # which the model does not see
        mutations[~found.seen] = np.nan
    end(1, 1)
    return Scorecard(
        attribution=found,
        checks=(
            check_convergence(found),
            *check_curves(curves, "there are not two tokens to take away"),
            check_mutations(found, mutations),
            check_randomised(found, np.stack(of_twins)),
            check_strands(mirror),
            check_offsets(
                offsets,
                "groups are stretches of the whole sequence"
                if grouped
                else "the sequence, or what lies before the masked span, is too short to crop, or "
                "crops would move the place that the model is told of",
            ),
            check_planted(found, truth),
            check_skill(enc, isinstance(explained.target, tuple), scores),
        ),
        strands=mirror,
        offsets=offsets,
        curves=curves,
        mutations=mutations,
        twins=np.stack(of_twins),
    )


def _strongest(found: Attribution, size: int) -> tuple[int, int]:
    """Find the stretch of so many bases whose magnitudes sum to most."""
    sums = np.concatenate([[0.0], np.cumsum(abs(found.base_scores), dtype=np.float64)])
    size = min(size, len(found.base_scores))
    start = int((sums[size:] - sums[:-size]).argmax())
    return start, start + size
