"""Answers averaged over several readings of a sequence: both strands, several segmentations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...common.costs import says_cost
from ...common.progress import Progress, quiet
from ...errors import InputError
from ...results.rich_display import RichDisplay
from ...sequences import reverse_complement
from ...tokens.segmentation import random_cuts
from ..inputs import cut_ids
from ..model import Model
from .batches import Budget

__all__ = ["CUTS", "STRANDS", "Readings", "explained_line"]

STRANDS = ("one", "both")

#: Chance of a forced border before each base in further segmentations.
CUTS = 0.05


@dataclass(frozen=True, slots=True)
class Readings(RichDisplay):
    """What an answer is the mean over; `str` says it in words.

    Parameters
    ----------
    strands : {"one", "both"}
    segmentations : int
        Beside the tokenizer's own.

    Examples
    --------
    >>> print(Readings("both", 4))
    mean over both strands, 5 segmentations each
    >>> len(Readings("both", 4))
    10
    """

    strands: str = "one"
    segmentations: int = 0

    def __post_init__(self) -> None:
        if self.strands not in STRANDS:
            raise InputError(f"strands is {self.strands!r}; expected 'one' or 'both'.")
        if self.segmentations < 0:
            raise InputError(f"segmentations is {self.segmentations}; expected 0 or more.")

    @classmethod
    def of(
        cls, enc: Model, *, strands: str | None = None, segmentations: int | None = None
    ) -> Readings:
        """Take what the caller says, and the model's own setting for what is None.

        Raises
        ------
        InputError
            If a setting is impossible, or both strands are asked of an anchored model.
        """
        config = enc.config
        found = cls(
            config.prediction_strands if strands is None else strands,
            config.prediction_segmentations if segmentations is None else segmentations,
        )
        if found.strands == "both" and config.anchor is not None:
            raise InputError(
                f"Model {enc.name!r} reads sites of one strand, at an anchor: the other strand of "
                "a window is no such site; leave strands at 'one'."
            )
        return found

    def __len__(self) -> int:
        return (1 + (self.strands == "both")) * (1 + self.segmentations)

    def _line(self) -> str:
        return str(self)

    def __str__(self) -> str:
        if len(self) == 1:
            return "one reading"
        count = 1 + self.segmentations
        each = " each" if self.strands == "both" else ""
        parts = ["both strands"] if self.strands == "both" else []
        parts += [f"{count} segmentations{each}"] if count > 1 else []
        return "mean over " + ", ".join(parts)

    @says_cost
    def predict(
        self,
        enc: Model,
        ids: list[list[NDArray[np.int64]]],
        texts: list[list[str]],
        budget: Budget | None = None,
        progress: Progress | None = None,
    ) -> NDArray[np.float32]:
        """Predict sequences, or pairs of them.

        Parameters
        ----------
        enc : Model
            With a head.
        ids : list of list of numpy.ndarray
            Token ids of the first reading: of the sequences, and of the second ones of pairs (or of
            the pairs as they are joined).
        texts : list of list of str
            The same, as clean bases.
        budget, progress
            As in `Encoder.predict_ids`.

        Returns
        -------
        numpy.ndarray, float32
            Probabilities (n, classes), or values (n,): the mean over the readings.
        """
        limit = enc.config.max_input_tokens
        count = len(ids[0])
        done = 0
        total: NDArray[np.float64] | None = None

        def tick(within: int, _count: int) -> None:
            (progress or quiet)((done + within) // len(self), count)

        for turned in (False, True)[: 1 + (self.strands == "both")]:
            strand = [list(map(reverse_complement, one)) for one in texts] if turned else texts
            for number in range(1 + self.segmentations):
                rows = (
                    ids
                    if not (turned or number)
                    else [random_cuts(enc.tokenizer, one, CUTS * bool(number), number)
                          for one in strand]
                )  # fmt: skip
                read = cut_ids(rows[0], rows[1] if len(rows) > 1 else None, limit)
                found = enc.predict_ids(read, budget=budget, progress=tick)
                if len(self) == 1:
                    return found
                total = found.astype(np.float64) if total is None else total + found
                done += count
        assert total is not None  # there is at least one reading
        return (total / len(self)).astype(np.float32)


def explained_line(enc: Model) -> str:
    """Return the model's line for captions of what is computed on one reading of a sequence.

    Attributions, saturation mutagenesis and sweeps look at the tokens of one reading. Where the
    model's predictions are means over several, the line says so.
    """
    line = str(enc.info)
    readings = Readings.of(enc) if enc.has_head else Readings()
    if len(readings) == 1:
        return line
    return f"{line} · explains one reading, where its predictions are the {readings}"
