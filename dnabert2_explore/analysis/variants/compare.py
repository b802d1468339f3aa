"""One variant, looked at: both alleles' tokens, attention and attributions on one axis."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Unpack

import numpy as np
from numpy.typing import NDArray

from ...common.costs import says_cost
from ...common.progress import Progress, quiet
from ...encoder import Encoder
from ...errors import InputError
from ...results.origins import recorded
from ...results.rich_display import RichDisplay
from ...sequences.variants.variant import Skipped, Variant, place, windows_of
from ...tokens import Tokens
from ..attend import Attention, attend
from ..attribution import attribute
from ..settings import (
    USUAL,
    AttributionOptions,
    AttributionSettings,
    takes_settings,
)
from .scorer import VariantScorer
from .scores import VariantScores
from .segments import Pair, cut_pairs

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["VariantComparison", "compare_variant"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class VariantComparison(RichDisplay):
    """Both alleles of a variant in their windows, forward strand, laid over one another.

    The axis they share has a column for every base of the longer allele: the bases before the
    alleles, the alleles from their left ends, and the bases behind, which are the same again. An
    allele that is shorter leaves columns empty.

    Attributes
    ----------
    variant : Variant
    ref, alt : Tokens
    pair : Pair
        Which tokens differ.
    first : int
        0-based position on the record of the first column.
    start : int
        Column at which the alleles begin.
    ref_length, alt_length : int
        Bases of the alleles in their fully justified form.
    scores : VariantScores
        Of this variant alone.
    ref_attention, alt_attention : Attention
    attribution : numpy.ndarray, shape (columns,), or None
        Attribution of ALT minus that of REF: what a base adds for one and not for the other, in
        `unit`. None where the model has nothing to explain.
    rest : float
        What special tokens add to that difference.
    unit, target : str
        Of the attribution: ``"logit"`` of a class, or ``"nats"`` of the masked tokens.
    method : str
        Of the attribution.
    change : float
        Change of the output that is explained, in `unit`.
    delta : float
        Convergence of integrated gradients: what the sum of all differs from `change`, besides the
        baselines'; NaN for methods that promise no sum.
    model, explained : str
        The models, and how they ran.
    """

    variant: Variant
    ref: Tokens
    alt: Tokens
    pair: Pair
    first: int
    start: int
    ref_length: int
    alt_length: int
    scores: VariantScores
    ref_attention: Attention
    alt_attention: Attention
    attribution: NDArray[np.float32] | None
    rest: float
    unit: str
    target: str
    method: str
    change: float
    delta: float
    model: str
    explained: str
    _attention: dict[int | None, NDArray[np.float32]] = field(default_factory=dict, repr=False)

    def _line(self) -> str:
        change = f"change {self.change:+.3f} {self.unit}"
        return f"{self.variant}: {self.target} by {self.method}, {change}"

    @property
    def columns(self) -> int:
        """Columns of the shared axis."""
        return len(self.ref.bases) + self.width - self.ref_length

    @property
    def width(self) -> int:
        """Columns of the alleles."""
        return max(self.ref_length, self.alt_length)

    def column(self, allele: str) -> NDArray[np.int64]:
        """Column of every base of an allele's window.

        Parameters
        ----------
        allele : {"ref", "alt"}

        Returns
        -------
        numpy.ndarray, shape (n_bases,), int64
        """
        tokens, length = (
            (self.ref, self.ref_length) if allele == "ref" else (self.alt, self.alt_length)
        )
        return _columns(tokens, self.start, length, self.width)

    def attention(self, layer: int | None = None) -> NDArray[np.float32]:
        """Attention that the differing tokens pay to each base, ALT minus REF.

        Parameters
        ----------
        layer : int, optional
            Counted from 0; None is the mean over all layers. Always the mean over the heads.

        Returns
        -------
        numpy.ndarray, shape (columns,), float32
            Mean over the differing tokens; what a token receives is shared evenly by its bases.
            Sums, with the special tokens' share, to 0.
        """
        if layer not in self._attention:
            total = np.zeros(self.columns, dtype=np.float32)
            for sign, name, tokens, attention, allele in (
                (-1, "ref", self.ref, self.ref_attention, self.pair.ref),
                (1, "alt", self.alt, self.alt_attention, self.pair.alt),
            ):
                differing = np.arange(allele.first, allele.last)
                paid = attention.rows(layer, None, differing).mean(axis=0)
                lengths = tokens.lengths
                inner = lengths > 0
                shares = np.repeat(paid[inner] / lengths[inner], lengths[inner])
                np.add.at(total, self.column(name), sign * shares)
            self._attention[layer] = total
        return self._attention[layer]

    def table(self) -> pd.DataFrame:
        """Return the variant's scores as a table; see `VariantScores.table`."""
        return self.scores.table()


@recorded
@says_cost
@takes_settings(method="occlusion")
def compare_variant(
    scorer: VariantScorer,
    variant: Variant,
    target: int | str | None = None,
    *,
    settings: AttributionSettings = USUAL,
    progress: Progress | None = None,
    **options: Unpack[AttributionOptions],
) -> VariantComparison:
    """Score a variant and collect what a figure of it needs.

    Parameters
    ----------
    scorer : VariantScorer
    variant : Variant
    target : int or str, optional
        Class of the head to explain; by default the one whose probability changes most. Without a
        head, the log-likelihood of the masked tokens that differ is explained.
    method : str
        As in `attribute`. Occlusion needs no integral to converge, which
        between two alleles that differ little can be off by more than they differ.
    output, n_steps, baseline, spread, samples, window, groups, layer, noise, noise_samples, seed
        As in `attribute`; see `AttributionSettings`.
    settings : AttributionSettings, optional
        All of these as one object; what is named beside it goes before.
    progress : callable, optional
        Called as progress(steps done, steps in all).

    Returns
    -------
    VariantComparison

    Raises
    ------
    InputError
        If the variant cannot be scored; the sentence says why.
    """

    def step(number: int) -> None:
        (progress or quiet)(number, 4)

    step(0)
    placed = place(variant, scorer.genome, scorer.window // 2, scorer.rename)
    if isinstance(placed, Skipped):
        raise InputError(placed.message)
    scores = scorer.score([variant])
    if scores.messages:
        raise InputError(scores.messages[0])
    step(1)
    windows = windows_of(placed, scorer.genome, scorer.window)
    (pair,) = cut_pairs([windows], scorer.vocabulary)
    enc = scorer.enc
    ref, alt = enc.tokenize(windows.ref), enc.tokenize(windows.alt)
    attentions = attend(enc, windows.ref), attend(enc, windows.alt)
    step(2)
    explained = _explain(scorer, pair, target, settings, step)
    width = max(len(placed.ref), len(placed.alt))
    ref_columns = _columns(ref, windows.start, len(placed.ref), width)
    alt_columns = _columns(alt, windows.start, len(placed.alt), width)
    difference: NDArray[np.float32] | None = None
    if explained.ref is not None and explained.alt is not None:
        difference = np.zeros(int(max(ref_columns[-1], alt_columns[-1])) + 1, dtype=np.float32)
        difference[ref_columns] -= explained.ref
        difference[alt_columns] += explained.alt
    step(4)
    return VariantComparison(
        variant=variant,
        ref=ref,
        alt=alt,
        pair=pair,
        first=windows.first,
        start=windows.start,
        ref_length=len(placed.ref),
        alt_length=len(placed.alt),
        scores=scores,
        ref_attention=attentions[0],
        alt_attention=attentions[1],
        attribution=difference,
        rest=explained.rest,
        unit=explained.unit,
        target=explained.target,
        method=settings.method,
        change=explained.change,
        delta=explained.delta,
        model=str(enc.info),
        explained=explained.model,
    )


@dataclass(frozen=True, slots=True)
class _Explained:
    ref: NDArray[np.float32] | None = None
    alt: NDArray[np.float32] | None = None
    rest: float = 0.0
    unit: str = ""
    target: str = ""
    change: float = float("nan")
    delta: float = float("nan")
    model: str = ""


def _explain(
    scorer: VariantScorer,
    pair: Pair,
    target: int | str | None,
    settings: AttributionSettings,
    step: Callable[[int], None],
) -> _Explained:
    enc: Encoder = scorer.head or scorer.enc
    targets: Iterable[int | str | tuple[int, int]]
    if enc.has_head:
        if target is None:
            two = enc.predict([pair.ref.bases, pair.alt.bases])
            target = int(np.abs(two[1] - two[0]).argmax()) if two.ndim == 2 else 0
        targets = (target, target)
    elif enc.has_masked_lm:
        unknown = enc.tokenizer.unk_id
        if any((a.region == unknown).any() or a.first == a.last for a in (pair.ref, pair.alt)):
            return _Explained()
        targets = (pair.ref.span, pair.alt.span)
    else:
        return _Explained()
    found = []
    for number, (allele, one) in enumerate(zip((pair.ref, pair.alt), targets, strict=True)):
        found.append(
            attribute(
                enc, allele.bases, one, settings=settings,
                progress=lambda _done, _total: step(2),
            )
        )  # fmt: skip
        step(3 + number)
    before, after = found
    rest = [float(one.token_scores[one.tokens.special].sum()) for one in found]
    deltas = [float("nan") if one.delta is None else one.delta for one in found]
    return _Explained(
        ref=before.base_scores,
        alt=after.base_scores,
        rest=rest[1] - rest[0],
        unit=before.unit,
        target=before.target_name if enc.has_head else "masked tokens that differ",
        change=after.score - before.score,
        delta=deltas[1] - deltas[0],
        model=before.model,
    )


def _columns(tokens: Tokens, start: int, length: int, width: int) -> NDArray[np.int64]:
    """Column of each base of a window whose allele, from `start` on, has `width` columns."""
    columns = np.arange(len(tokens.bases))
    columns[start + length :] += width - length
    return columns
