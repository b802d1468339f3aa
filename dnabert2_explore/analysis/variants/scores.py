"""What scores of variants are called, what they mean, and the table they stand in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...common.names import check_name
from ...results.rich_display import RichDisplay
from ...sequences.variants.variant import REASONS, Skipped, Variant

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Column", "VariantScores", "chunks", "safe_name"]

T = TypeVar("T")

_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Column:
    """One score.

    Attributes
    ----------
    name : str
    unit : str
    sign : int
        What exchanging REF and ALT does: -1 changes the sign, 1 changes nothing, 0 neither.
    meaning : str
        One sentence.
    """

    name: str
    unit: str
    sign: int
    meaning: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class VariantScores(RichDisplay):
    """Scores of variants, in the order they were given in.

    Attributes
    ----------
    variants : tuple of Variant
        One for each alternative allele.
    skipped : tuple of (Skipped or None)
        Why a variant has no scores.
    values : mapping of str to numpy.ndarray, shape (n,), float32
        By column; NaN where a variant has no score. ``scores["llr"]`` is short for
        ``scores.values["llr"]``.
    columns : tuple of Column
        What they mean.
    about : mapping of str to object
        Model, window, strands and so on.
    """

    variants: tuple[Variant, ...]
    skipped: tuple[Skipped | None, ...]
    values: Mapping[str, NDArray[np.float32]]
    columns: tuple[Column, ...]
    about: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.variants)

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        """Return a column by its name.

        Raises
        ------
        InputError
            If there is none.
        """
        check_name("Score", name, self.values)
        return self.values[name]

    def __str__(self) -> str:
        parts = [f"{self.scored:,} of {len(self):,} alternative alleles scored"]
        parts += [f"{count:,} skipped: {REASONS[why]}" for why, count in self.reasons.items()]
        return "; ".join(parts)

    @property
    def scored(self) -> int:
        """How many variants have scores."""
        return sum(one is None for one in self.skipped)

    @property
    def reasons(self) -> dict[str, int]:
        """How many were skipped, by reason."""
        return dict(Counter(one.reason for one in self.skipped if one is not None))

    @property
    def messages(self) -> tuple[str, ...]:
        """One sentence for each variant that was skipped."""
        return tuple(one.message for one in self.skipped if one is not None)

    def table(self) -> pd.DataFrame:
        """Return everything as a table, one row a variant.

        Returns
        -------
        pandas.DataFrame
            ``contig``, ``position`` (from 1, as in a VCF), ``ref``, ``alt``, ``name``, ``skipped``
            (the reason, or empty), then the scores. ``attrs["about"]`` holds the settings.
        """
        import pandas as pd

        table = pd.DataFrame(
            {
                "contig": [v.contig for v in self.variants],
                "position": np.array(
                    # Beyond what a table can hold lies no genome; the message has the number.
                    [min(v.position + 1, _LARGEST) for v in self.variants],
                    dtype=np.int64,
                ),
                "ref": [v.ref for v in self.variants],
                "alt": [v.alt for v in self.variants],
                "name": [v.name for v in self.variants],
                "skipped": ["" if one is None else one.reason for one in self.skipped],
                **self.values,
            }
        )
        table.attrs["about"] = dict(self.about)
        return table


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield items so many at a time, fewer at the end."""
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part


def safe_name(name: str) -> str:
    """Make a class name fit for a column or an INFO key.

    Examples
    --------
    >>> safe_name("5' UTR, coding")
    '5_UTR_coding'
    """
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "class"
