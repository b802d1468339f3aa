"""One DNA sequence and what its file said about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import InputError
from ..results.rich_display import RichDisplay, counted

__all__ = ["Sequence"]

_SHOWN = 24
_FIELDS = 120


@dataclass(frozen=True, slots=True, repr=False)
class Sequence(RichDisplay):
    """A named DNA sequence.

    Parameters
    ----------
    name : str
        The record's name, unique within one source.
    bases : str
        As in the source (case, U and IUPAC codes kept); the readers remove white space.
    label : str or None
        The class this sequence belongs to, where the source gives one.
    description : str
        The rest of the FASTA header, or the ``description`` column.
    fields : mapping of str to str
        Every other column of a table, e.g. ``species`` and ``category``.

    Raises
    ------
    InputError
        If the bases are no str.

    Examples
    --------
    >>> Sequence("probe", "ACGTACGT", label="promoter")
    Sequence('probe', 8 bases 'ACGTACGT', label='promoter')
    """

    name: str
    bases: str
    label: str | None = None
    description: str = ""
    fields: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not isinstance(self.bases, str):
            raise InputError(
                f"The bases of sequence {self.name!r} are given as {type(self.bases).__name__}: "
                "give a str."
            )

    def _line(self) -> str:
        label = f", label {self.label}" if self.label is not None else ""
        return f"{self.name}, {counted(len(self), 'base')}{label}"

    def __len__(self) -> int:
        return len(self.bases)

    def __repr__(self) -> str:
        # A chromosome in a notebook cell must not print millions of letters.
        bases = self.bases
        if len(bases) > _SHOWN:
            bases = f"{bases[: _SHOWN // 2]}…{bases[-_SHOWN // 2 :]}"
        parts = [repr(self.name), f"{counted(len(self), 'base')} {bases!r}"]
        if self.label is not None:
            parts.append(f"label={self.label!r}")
        if self.fields:
            fields = repr(dict(self.fields))
            parts.append(f"fields={fields if len(fields) <= _FIELDS else fields[:_FIELDS] + '…'}")
        return f"Sequence({', '.join(parts)})"
