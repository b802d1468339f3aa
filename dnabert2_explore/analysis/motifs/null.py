"""The null of the whole motif pipeline: what models find that have learnt nothing of the kind."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence as Items
from dataclasses import dataclass

import numpy as np

from ...encoder import Encoder
from ...encoder.loading.twin import random_twin
from ...errors import InputError
from ...results.rich_display import RichDisplay, counted
from ...sequences import Sequence

__all__ = ["NullModels", "NullRun", "null_share", "null_words"]


@dataclass(frozen=True, slots=True, repr=False)
class NullRun(RichDisplay):
    """What one null model led to.

    Attributes
    ----------
    model : str
    patterns : int
        Motifs found.
    q_value : float
        The least of all matches; NaN where no motif was found.
    name : str
        Of the known motif with that match; empty where there is none.
    """

    model: str
    patterns: int
    q_value: float
    name: str

    def _line(self) -> str:
        match = f", best match {self.name} at q = {self.q_value:.2g}" if self.name else ""
        return f"{counted(self.patterns, 'motif')}{match}, by {self.model}"


def null_share(q_value: float, runs: Items[NullRun]) -> float:
    """Share of null models whose best q-value is as small: (1 + those) / (1 + all).

    The model itself is counted with them, as in a permutation test, so that the share is never 0:
    Davison & Hinkley 1997, Bootstrap Methods and Their Application, section 4.2. NaN without null
    models, or without a match.
    """
    if not runs or math.isnan(q_value):
        return math.nan
    return (1 + sum(one.q_value <= q_value for one in runs)) / (1 + len(runs))


def null_words(q_value: float, runs: Items[NullRun]) -> str:
    """Say in a sentence how the best match stands beside those of null models; "" without any."""
    if not runs:
        return ""
    found = sorted(one.q_value for one in runs if not math.isnan(one.q_value))
    least = f", the least of them q = {found[0]:.2g}" if found else ""
    text = f"{len(found)} of {len(runs)} null models led to a match at all{least}"
    if math.isnan(q_value):
        return f"{text}; the model itself to none."
    count = sum(one <= q_value for one in found)
    return (
        f"{text}; {count} to one as good as the model's own best (q = {q_value:.2g}): p = "
        f"{null_share(q_value, runs):.2g} of the whole pipeline."
    )


class NullModels:
    """Null models one after the other, and the sequences that each is asked about.

    `given` are so many networks of the shape of `enc` with random weights (seeds 0, 1, …), or
    models, such as some that were trained on permuted labels. They are asked about the model's own
    `sequences`, or each chooses as many from a `pool`: those that it gives the target most. Raises
    InputError for a negative number, a model without a head or with other classes, or a pool that
    is smaller than the set of sequences.
    """

    def __init__(
        self,
        enc: Encoder,
        given: int | Iterable[Encoder],
        sequences: Items[Sequence],
        pool: Items[Sequence] | None,
    ) -> None:
        self.enc, self.sequences, self.pool = enc, sequences, pool
        self.models: tuple[Encoder, ...] | None = None
        if isinstance(given, int):
            if given < 0:
                raise InputError(f"null is {given}: give a number of null models, or the models.")
            self.count = given
        else:
            self.models = tuple(given)
            self.count = len(self.models)
            for one in self.models:
                if not isinstance(one, Encoder) or not one.has_head or one.classes != enc.classes:
                    raise InputError(
                        f"{one!r} is no null model of {enc.name!r}: give loaded models with the "
                        f"classes {', '.join(enc.classes)}."
                    )
        if pool is not None and len(pool) < len(sequences):
            raise InputError(
                f"pool holds {len(pool):,} sequences, fewer than the {len(sequences):,} that the "
                "model was asked about: give all that they were chosen from."
            )

    def __iter__(self) -> Iterator[Encoder]:
        for number in range(self.count):
            yield random_twin(self.enc, seed=number) if self.models is None else self.models[number]

    def chosen(self, model: Encoder, target: int | None) -> Items[Sequence]:
        """Return the sequences a null model is asked about."""
        if self.pool is None:
            return self.sequences
        outputs = model.predict(self.pool)
        column = outputs[:, target or 0]
        order = np.argsort(-column, kind="stable")[: len(self.sequences)]
        return [self.pool[int(row)] for row in order]
