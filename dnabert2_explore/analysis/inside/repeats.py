"""In-context recall: how far back an exact repeat helps to predict what is masked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence as Items
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from ...common.costs import says_cost
from ...common.progress import Progress
from ...common.stats import interval
from ...encoder import Bases, Encoder
from ...encoder.inputs import bases_of
from ...encoder.passes.batches import budget_of
from ...encoder.passes.masked import masked_passes, need_masked_lm
from ...errors import InputError
from ...results.origins import recorded
from ...results.rich_display import RichDisplay
from ...sequences import clean
from ...sequences.given import listed
from ...sequences.shuffle import shuffle_dinucleotides
from .beside_twin import beside_twin

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Recall", "recall"]


#: Bases kept on either side of the two copies.
_FLANK = 60


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Recall(RichDisplay):
    """What a copy of a stretch, so many bases before it, adds to predicting its tokens.

    Attributes
    ----------
    distances : tuple of int
        Bases from the start of the copy to that of the stretch.
    gain : numpy.ndarray, shape (distances, places), float64
        Log-likelihood of a masked token of the stretch with the copy less that with a
        dinucleotide-shuffled copy, mean over tokens, nats.
    nats : float
        Mean of -log(probability) of these tokens with the shuffled copy: what there is to gain.
    length : int
        Bases of the stretch.
    tokens : int
        Tokens predicted, over all distances and places.
    model : str
    twin : Recall or None
        The same of a network of the same shape that has learnt nothing.
    """

    distances: tuple[int, ...]
    gain: NDArray[np.float64]
    nats: float
    length: int
    tokens: int
    model: str
    twin: Recall | None

    def _line(self) -> str:
        told = ", ".join(
            f"{mean:+.3f} at {distance:,} bp"
            for distance, (mean, _, _) in zip(self.distances, self.intervals(), strict=True)
        )
        return f"{told} (nats a token, of {self.nats:.2f})"

    def intervals(self, samples: int = 1000, *, seed: int = 0) -> NDArray[np.float64]:
        """Mean gain at each distance with its 95% bootstrap interval over places.

        Parameters
        ----------
        samples : int
            Of the bootstrap.
        seed : int

        Returns
        -------
        numpy.ndarray, shape (distances, 3), float64
            Mean, low, high.
        """
        rng = np.random.default_rng(seed)
        drawn = rng.integers(self.gain.shape[1], size=(samples, self.gain.shape[1]))
        means = self.gain[:, drawn].mean(axis=2)
        low, high = interval(means)
        return np.stack([self.gain.mean(axis=1), low, high], axis=1)

    def table(self) -> pd.DataFrame:
        """Return a row a distance: ``distance`` (bp), ``gain``, ``low``, ``high`` (nats a token).

        Beside them ``twin``, ``twin_low`` and ``twin_high``, where there is one.
        """
        import pandas as pd

        columns = {"distance": np.array(self.distances)}
        for prefix, one in (("", self), ("twin", self.twin)):
            if one is not None:
                names = ("twin", "twin_low", "twin_high") if prefix else ("gain", "low", "high")
                columns |= dict(zip(names, one.intervals().T, strict=True))
        return pd.DataFrame(columns)


@recorded
@says_cost
def recall(
    enc: Encoder,
    sequences: Bases | Iterable[Bases],
    *,
    distances: Items[int] = (50, 100, 200, 400, 800),
    length: int = 40,
    places: int = 12,
    twin: bool = False,
    batch_tokens: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Recall:
    """Copy a stretch to some distance before it, and see whether its tokens are predicted better.

    A stretch of real sequence is written a second time `distance` bases before, over what stands
    there. Each of its tokens is masked alone, and the log-likelihood of what it was is compared
    with that beside a copy whose dinucleotides are shuffled: same place, same composition, nothing
    to recall. Only tokens that are cut the same in both count.

    Parameters
    ----------
    enc : Encoder
        With a masked-LM head.
    sequences : str, Sequence, or iterable of them
        Where stretches are drawn from: A, C, G and T only, longer than the largest distance,
        `length` and 120 bases.
    distances : sequence of int
        In bases, each at least `length`.
    length : int
        Bases of the stretch.
    places : int
        Stretches, the same at all distances. Cost: about `length` / 5 passes twice for each place
        and distance.
    twin : bool
        Also ask a network of the same shape that has learnt nothing.
    batch_tokens : int, optional
        As in `Encoder.embed`.
    seed : int
        Of places and shuffles.
    progress : callable, optional
        Called as progress(passes done, passes in all); raise `Cancelled` from it to stop.

    Returns
    -------
    Recall

    Raises
    ------
    InputError
        If the model has no masked-LM head, a number is out of range, a distance is shorter than the
        stretch, no sequence is long enough or the model reads fewer tokens, or a stretch has no
        token that both copies leave as it is.

    Examples
    --------
    >>> import dnabert2_explore as dx
    >>> windows = dx.demo.windows()[:4]
    >>> dx.recall(dx.load("pocket"), windows, distances=(50, 100), places=2).gain.shape
    (2, 2)
    """
    need_masked_lm(enc)
    if not distances or places < 1 or length < 10:
        raise InputError(
            f"distances is {tuple(distances)}, places {places} and length {length}: give at least "
            "one distance, one place, and 10 bases."
        )
    if min(distances) < length:
        raise InputError(
            f"A copy {min(distances)} bases before a stretch of {length} would overlap it: give "
            f"distances of {length} or more."
        )
    texts, goals = _texts(enc, listed(sequences), distances, length, places, seed)
    cut = enc.tokenizer.encode_batch(texts, warn=False)
    masked, shared = [], 0
    for (first, last), whole, control in zip(goals, cut[::2], cut[1::2], strict=True):
        inside = [
            {
                tuple(span): at
                for at, span in enumerate(one.spans.tolist())
                if first <= span[0] < span[1] <= last
            }
            for one in (whole, control)
        ]
        both = sorted(set(inside[0]) & set(inside[1]))
        shared += len(both)
        masked += [np.array([one[span] for span in both], dtype=np.int64) for one in inside]
    if not all(len(one) for one in masked):
        raise InputError(
            f"A stretch of {length} bases has no token that both copies leave as it is: give a "
            "longer one."
        )

    def of(model: Encoder, count: Progress, untrained: Recall | None) -> Recall:
        means = _read(model, cut, masked, batch_tokens, count).reshape(len(distances), places, 2)
        weights = np.array([len(one) for one in masked[::2]]).reshape(len(distances), places)
        return Recall(
            distances=tuple(map(int, distances)),
            gain=means[..., 0] - means[..., 1],
            nats=float(-(means[..., 1] * weights).sum() / weights.sum()),
            length=length,
            tokens=shared,
            model=str(model.info),
            twin=untrained,
        )

    return beside_twin(enc, twin, 2 * shared, progress, of)


def _texts(
    enc: Encoder,
    sequences: list[Bases],
    distances: Items[int],
    length: int,
    places: int,
    seed: int,
) -> tuple[list[str], list[tuple[int, int]]]:
    """Sequences with the copy and with the shuffled one, by turns; where the stretch stands."""
    bases = [clean(bases_of(one)).bases for one in sequences]
    need = max(distances) + length + 2 * _FLANK
    fitting = [one for one in bases if len(one) >= need and set(one) <= set("ACGT")]
    limit = enc.config.max_input_tokens
    if not fitting:
        raise InputError(
            f"A copy {max(distances):,} bases before a stretch of {length} needs sequences of "
            f"{need:,} bases of A, C, G and T, and there is none: give longer ones, or smaller "
            "distances."
        )
    if limit is not None and limit < need:
        raise InputError(
            f"Model {enc.name!r} reads {limit:,} tokens: give distances that fit, with "
            f"{length + 2 * _FLANK} more bases."
        )
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(places):
        one = fitting[int(rng.integers(len(fitting)))]
        start = int(rng.integers(max(distances) + _FLANK, len(one) - length - _FLANK + 1))
        word = one[start : start + length]
        drawn.append((one, start, word, shuffle_dinucleotides(word, rng)))
    texts, goals = [], []
    for distance in distances:
        for one, start, word, shuffled in drawn:
            begin = start - distance - _FLANK
            first = start - begin
            for copy in (word, shuffled):
                text = one[: start - distance] + copy + one[start - distance + length :]
                texts.append(text[begin : start + length + _FLANK])
            goals.append((first, first + length))
    return texts, goals


def _read(
    enc: Encoder,
    cut: Items[object],
    masked: list[NDArray[np.int64]],
    batch_tokens: int | None,
    count: Progress,
) -> NDArray[np.float64]:
    """Mean log-likelihood of the asked tokens of each sequence, each masked alone."""
    ids = [one.ids for one in cut]  # type: ignore[attr-defined]
    owners = np.repeat(np.arange(len(ids)), [len(one) for one in masked])
    flat = np.concatenate(masked)

    def take(number: int, rows: torch.Tensor) -> NDArray[np.float64]:
        truth = int(ids[owners[number]][flat[number]])
        return rows[:, truth].double().cpu().numpy()

    found = masked_passes(
        enc,
        [ids[owner] for owner in owners],
        list(flat[:, None]),
        take,
        budget_of(enc, batch_tokens),
        count,
    )
    sums = np.bincount(owners, weights=np.concatenate(found), minlength=len(ids))
    means: NDArray[np.float64] = sums / np.bincount(owners, minlength=len(ids))
    return means
