"""Both strands of a sequence attributed, on one axis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Unpack

import numpy as np
from numpy.typing import NDArray

from ...common.costs import says_cost
from ...common.progress import Progress, split
from ...common.stats import pearson, spearman
from ...encoder import Bases, Encoder
from ...results.origins import recorded
from ...results.rich_display import RichDisplay, counted
from ...sequences import reverse_complement
from ...sequences.given import bases_of
from ..many import one_or_many
from ..settings import USUAL, AttributionOptions, AttributionSettings, takes_settings
from .attribute import attribute
from .explained_output import Target
from .result import Attribution

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["StrandMirror", "mirror_strands"]


#: Bases that two attributions must share to be compared.
LEAST = 10


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StrandMirror(RichDisplay):
    """One output of a model explained on either strand.

    Attributes
    ----------
    forward : Attribution
        Of the sequence as it was given.
    reverse : Attribution
        Of its reverse complement, on that strand's own axis; `mirrored` has it on the forward's.
    reason : str
        Why the strands need not agree, in words; empty where they ought to. A model that predicts
        the target on one strand only does not hold the strands for the same, and its attributions
        cannot be held against each other. Values of a regression and likelihoods of a masked span
        have no such sign.
    """

    forward: Attribution
    reverse: Attribution
    reason: str = ""

    def _line(self) -> str:
        ought = self.reason or f"rank correlation {self.agreement:.2f}"
        return (
            f"{self.forward.target_name} by {self.forward.method} on both "
            f"strands of {counted(len(self.forward.base_scores), 'base')}; {ought}"
        )

    @property
    def mirrored(self) -> NDArray[np.float32]:
        """Contributions on the reverse strand, each at the base it pairs with, (n_bases,)."""
        return self.reverse.base_scores[::-1]

    @property
    def mean(self) -> NDArray[np.float32]:
        """Mean of the strands' contributions where each is read, (n_bases,); 0 where none is.

        It has a meaning where the strands ought to agree: see `applicable`.
        """
        read = np.stack([self.forward.seen, self.reverse.seen[::-1]])
        both = np.stack([self.forward.base_scores, self.mirrored])
        return np.asarray((both * read).sum(axis=0) / np.maximum(read.sum(axis=0), 1), np.float32)

    @property
    def band(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Lesser and larger of the two contributions, (n_bases,) each; `mean` where one is read."""
        both = np.stack([self.forward.base_scores, self.mirrored])
        return (
            np.where(self.seen, both.min(axis=0), self.mean),
            np.where(self.seen, both.max(axis=0), self.mean),
        )

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Bases that the model reads on both strands, shape (n_bases,)."""
        return self.forward.seen & self.reverse.seen[::-1]

    @property
    def disagreement(self) -> NDArray[np.float32]:
        """Forward minus reverse contribution of each base, in the output's unit, (n_bases,)."""
        return self.forward.base_scores - self.mirrored

    @property
    def agreement(self) -> float:
        """Spearman correlation of the two strands' contributions over the bases read on both.

        NaN where all contributions of a strand are equal.
        """
        return spearman(self.forward.base_scores[self.seen], self.mirrored[self.seen])

    @property
    def correlation(self) -> float:
        """The same by Pearson: the few large scores weigh most, as in a scorecard's check."""
        return pearson(self.forward.base_scores[self.seen], self.mirrored[self.seen])

    @property
    def applicable(self) -> bool:
        """Whether the strands ought to agree."""
        return not self.reason

    def table(self) -> pd.DataFrame:
        """Return the bases as a table, one row each.

        Returns
        -------
        pandas.DataFrame
            ``position`` (0-based), ``base``, ``forward``, ``reverse`` (at the base it pairs with),
            ``mean``, in the output's unit, and ``seen`` on both strands.
        """
        import pandas as pd

        bases = list(self.forward.tokens.bases)
        return pd.DataFrame(
            {"position": range(len(bases)), "base": bases, "forward": self.forward.base_scores,
             "reverse": self.mirrored, "mean": self.mean, "seen": self.seen}
        )  # fmt: skip


@recorded
@says_cost
@one_or_many
@takes_settings()
def mirror_strands(
    enc: Encoder,
    sequences: Bases,
    target: Target | None = None,
    *,
    settings: AttributionSettings = USUAL,
    progress: Progress | None = None,
    **options: Unpack[AttributionOptions],
) -> StrandMirror:
    """Attribute a sequence and its reverse complement.

    The reverse strand is cut into tokens anew, from its own start. DNA of both strands is the same
    molecule, but only a model that was trained so takes it for the same.

    Parameters
    ----------
    enc : Encoder
    sequences : str, Sequence, or iterable of them
        Of several, results come in order, as a list.
    target : int, str, tuple of int, or None
        As in `attribute`. None is the class predicted for the forward strand, on both; a span
        stands for the bases it pairs with.
    method : str
        As in `attribute`.
    output, n_steps, baseline, spread, samples, window, groups, layer, noise, noise_samples, seed
        As in `attribute`; see `AttributionSettings`.
    settings : AttributionSettings, optional
        All of these, and the method, as one object; what is named beside it goes before.
    progress : callable, optional
        Called as progress(done, total); raise `Cancelled` from it to stop.

    Returns
    -------
    StrandMirror

    Raises
    ------
    InputError
        As `attribute` does.

    Examples
    --------
    >>> import dnabert2_explore as dx
    >>> site = dx.demo.splice()[0]
    >>> found = mirror_strands(dx.load("pocket-splice"), site, "donor", method="occlusion")
    >>> found.disagreement.shape, found.applicable
    ((200,), False)
    """
    text = bases_of(sequences)
    first, second = split(progress, [1, 1])
    forward = attribute(enc, text, target, settings=settings, progress=first)
    wanted = forward.target
    n = len(text)
    if isinstance(wanted, tuple):
        wanted = n - wanted[1], n - wanted[0]
    if settings.groups:
        turned = tuple((n - end, n - start) for start, end in settings.groups)
        settings = replace(settings, groups=turned)
    other = reverse_complement(text)
    reverse = attribute(enc, other, wanted, settings=settings, progress=second)
    mirror = StrandMirror(forward, reverse)
    reason = _why_not(enc, forward, reverse)
    if not reason and mirror.seen.sum() < LEAST:
        reason = f"only {mirror.seen.sum()} bases are read on both strands"
    return replace(mirror, reason=reason)


def _why_not(enc: Encoder, forward: Attribution, reverse: Attribution) -> str:
    one, other, target = forward.probabilities, reverse.probabilities, forward.target
    if one is None or other is None or isinstance(target, tuple):
        return ""
    if enc.config.problem_type == "multi_label_classification":
        here, there = bool(one[target] >= 0.5), bool(other[target] >= 0.5)
    else:
        here, there = one.argmax() == target, other.argmax() == target
    if here == there:
        return ""
    return (
        f"the model predicts {forward.target_name} on the {'forward' if here else 'reverse'} "
        f"strand only (probability {one[target]:.2f} forward, {other[target]:.2f} reverse)"
    )
