"""Tokenization offset: the same bases attributed from several cuts, and what stays the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Unpack

import numpy as np
from numpy.typing import NDArray

from ...common.costs import says_cost
from ...common.progress import Progress, split
from ...common.stats import pearson, spearman
from ...encoder import Bases, Encoder
from ...errors import InputError
from ...results.origins import recorded
from ...results.rich_display import RichDisplay, counted
from ...sequences.given import bases_of
from ...tokens import Tokens
from ..many import one_or_many
from ..settings import USUAL, AttributionOptions, AttributionSettings, takes_settings
from .attribute import attribute
from .explained_output import ExplainedOutput, Target
from .result import Attribution

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["OffsetAverage", "average_offsets"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class OffsetAverage(RichDisplay):
    """Attributions of one sequence from several crops, on the sequence's coordinates.

    Attributes
    ----------
    tokens : Tokens
        Of the whole sequence, which is the first crop.
    per_crop : numpy.ndarray, shape (crops, n_bases), float32
        Contribution of each base, in `unit`; NaN at bases that the crop does not have.
    scores : numpy.ndarray, shape (crops,), float32
        The output that was explained, for each crop.
    method, target_name, unit, model : str
    target : int or tuple of int
        Class index, or base span on the whole sequence.
    visible : numpy.ndarray, shape (n_bases,), bool, or None
        Bases that the model reads in every crop that has them; None for all.
    """

    tokens: Tokens
    per_crop: NDArray[np.float32]
    scores: NDArray[np.float32]
    method: str
    target: int | tuple[int, int]
    target_name: str
    unit: str
    model: str
    visible: NDArray[np.bool_] | None = None

    def _line(self) -> str:
        return (
            f"{self.target_name} by {self.method}, {self.words} of "
            f"{counted(self.per_crop.shape[1], 'base')}, mean rank correlation {self.agreement:.2f}"
        )

    @property
    def crops(self) -> int:
        """Crops, the whole sequence among them."""
        return len(self.per_crop)

    @property
    def words(self) -> str:
        """The crops in words: how many, and which ends they lose bases at."""
        right = bool(np.isnan(self.per_crop[-1, -1]))
        return f"{self.crops} crops of both ends" if right else f"{self.crops} left crops"

    @property
    def mean(self) -> NDArray[np.float32]:
        """Mean over the crops that have the base, shape (n_bases,)."""
        return np.nanmean(self.per_crop, axis=0)

    @property
    def deviation(self) -> NDArray[np.float32]:
        """Standard deviation over the crops that have the base, shape (n_bases,).

        0 where only one does.
        """
        return np.nanstd(self.per_crop, axis=0)

    @property
    def band(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Least and largest over the crops that have the base, each of shape (n_bases,)."""
        return np.nanmin(self.per_crop, axis=0), np.nanmax(self.per_crop, axis=0)

    @property
    def shared(self) -> NDArray[np.bool_]:
        """Bases that all crops have, and the model reads in them, shape (n_bases,)."""
        every = ~np.isnan(self.per_crop.sum(axis=0))
        return every if self.visible is None else every & self.visible

    @property
    def agreement(self) -> float:
        """Mean Spearman correlation of all pairs of crops over the bases that all of them have.

        NaN where a crop gives all of these bases the same score.
        """
        return self._over_pairs(spearman)

    @property
    def correlation(self) -> float:
        """The same by Pearson: the few large scores weigh most, as in a scorecard's check."""
        return self._over_pairs(pearson)

    def _over_pairs(
        self, correlate: Callable[[NDArray[np.float32], NDArray[np.float32]], float]
    ) -> float:
        common = self.per_crop[:, self.shared]
        pairs = [(i, j) for i in range(self.crops) for j in range(i)]
        return float(np.mean([correlate(common[i], common[j]) for i, j in pairs]))

    def table(self) -> pd.DataFrame:
        """Return the bases as a table, one row each.

        Returns
        -------
        pandas.DataFrame
            ``position`` (0-based), ``base``, and over the crops ``mean``, ``deviation``, ``low``
            and ``high``, in `unit`.
        """
        import pandas as pd

        bases = list(self.tokens.bases)
        low, high = self.band
        return pd.DataFrame(
            {"position": range(len(bases)), "base": bases, "mean": self.mean,
             "deviation": self.deviation, "low": low, "high": high}
        )  # fmt: skip


@recorded
@says_cost
@one_or_many
@takes_settings()
def average_offsets(
    enc: Encoder,
    sequences: Bases,
    target: Target | None = None,
    *,
    crops: int = 8,
    settings: AttributionSettings = USUAL,
    progress: Progress | None = None,
    **options: Unpack[AttributionOptions],
) -> OffsetAverage:
    """Attribute a sequence from several left crops, each cut into tokens anew.

    Where a byte-pair encoding puts its borders depends on where the sequence begins, and tokens are
    all a model sees. A pattern that stays through all crops is the sequence's; one that moves with
    the borders is the segmentation's. The encoding soon finds back to the borders it had, so that
    crops move few of them far from the left end: `mirror_strands` moves most.

    A crop is not only another cut: it is up to ``crops - 1`` bases shorter, and puts every base as
    much nearer to the left end. A model that reads positions, as one of splice sites does that has
    always seen them in the middle, sees its site out of place. A model that is told where the
    middle is (``config.anchor``) would read another site: of its windows as many bases are removed
    from the right, so that the middle stays.

    Parameters
    ----------
    enc : Encoder
    sequences : str, Sequence, or iterable of them
        Of several, results come in order, as a list.
    target : int, str, tuple of int, or None
        As in `attribute`. None is the class predicted for the whole sequence, for every crop; a
        span moves with the crop.
    method : str
        As in `attribute`.
    crops : int
        0, 1, … crops - 1 bases are removed from the left; 8 to 16 are usual.
    output, n_steps, baseline, spread, samples, window, groups, layer, noise, noise_samples, seed
        As in `attribute`, see `AttributionSettings`; not `groups`, which are stretches of the whole
        sequence.
    settings : AttributionSettings, optional
        All of these, and the method, as one object; what is named beside it goes before.
    progress : callable, optional
        Called as progress(done, total); raise `Cancelled` from it to stop.

    Returns
    -------
    OffsetAverage

    Raises
    ------
    InputError
        As `attribute` does; if there are fewer than 2 crops, or the sequence or what lies before a
        masked span is too short for them; if groups are given, or the model reads sites a number of
        bases from the left end, which every crop would move.

    Examples
    --------
    >>> import dnabert2_explore as dx
    >>> enc, site = dx.load("pocket-splice"), dx.demo.splice()[0]
    >>> found = average_offsets(enc, site, "donor", method="occlusion", crops=3)
    >>> found.per_crop.shape, found.mean.shape
    ((3, 200), (200,))
    """
    return offsets_of(enc, sequences, target, settings, crops, progress)


def offsets_of(
    enc: Encoder,
    bases: Bases,
    target: Target | None,
    settings: AttributionSettings,
    crops: int,
    progress: Progress | None,
    whole: Attribution | None = None,
) -> OffsetAverage:
    """Do what `average_offsets` does; `whole` attributes the same output of the whole sequence."""
    if settings.groups:
        raise InputError(
            "groups are stretches of the whole sequence, which crops do not have: leave groups out."
        )
    text = bases_of(bases)
    explained = ExplainedOutput.of(enc, text, target, settings.output)
    _check(explained, text, crops)
    starts = _starts(text)
    parts = split(progress, [1] * crops)
    per_crop = np.full((crops, len(text)), np.nan, dtype=np.float32)
    scores = np.zeros(crops, dtype=np.float32)
    visible = np.ones(len(text), dtype=bool)
    for crop in range(crops):
        cut = starts[crop] if crop else 0
        end = starts[-crop] if crop and enc.config.anchor is not None else len(text)
        wanted = explained.target
        if isinstance(wanted, tuple):
            wanted = wanted[0] - cut, wanted[1] - cut
        found = whole if crop == 0 else None
        if found is None:
            found = attribute(enc, text[cut:end], wanted, settings=settings, progress=parts[crop])
        per_crop[crop, cut:end] = found.base_scores
        scores[crop] = found.score
        visible[cut:end] &= found.seen
    return OffsetAverage(
        tokens=explained.tokens,
        per_crop=per_crop,
        scores=scores,
        method=settings.method,
        **explained.about,
        visible=visible,
    )


def most_crops(explained: ExplainedOutput, text: str) -> int:
    """Crops that leave at least two bases, all of a masked span, and the anchor where it was."""
    starts = _starts(text)
    anchor = explained.enc.config.anchor
    if anchor is not None and anchor != "middle":
        return 1
    if isinstance(explained.target, tuple):
        return sum(start < explained.target[0] for start in starts) + 1
    # A crop of nothing but N has nothing to attribute to.
    known = [start for start in starts if text[start].upper() in "ACGTU"]
    if anchor == "middle":
        # A crop takes from both ends; what is left begins before the last known base and ends
        # behind the first.
        first, last = starts.index(known[0]), starts.index(known[-1])
        return min(len(starts) // 2, last + 1, len(starts) - first)
    return min(len(starts) - 1, sum(start <= known[-1] for start in starts))


def _starts(text: str) -> list[int]:
    """Where crops begin: at each base, white space left out."""
    return [place for place, letter in enumerate(text) if not letter.isspace()]


def _check(explained: ExplainedOutput, text: str, crops: int) -> None:
    if crops < 2:
        raise InputError(f"crops is {crops}: at least 2 are needed to compare.")
    most = most_crops(explained, text)
    if crops <= most:
        return
    anchor = explained.enc.config.anchor
    if anchor is not None and anchor != "middle":
        raise InputError(
            f"Model {explained.enc.name!r} reads a site {anchor} bases from the left end, which "
            "crops would move: crops are for models of whole sequences, or of sites in the middle."
        )
    if isinstance(explained.target, tuple):
        raise InputError(
            f"{crops} left crops need {crops - 1} bases before the masked span, which begins at "
            f"base {explained.target[0] + 1}: ask for at most {most}, or a span further right."
        )
    raise InputError(
        f"A sequence of {len(_starts(text))} bases is too short for {crops} left crops: ask for at "
        f"most {most}."
    )
