"""From a file to the same file: what made it, made again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..encoder import Encoder
from ..errors import InputError
from ..results.records import beside, read_record, versions
from ..results.rich_display import RichDisplay
from ..sequences import Sequence
from ..sequences.given import as_sequences
from .compare import Comparison
from .offline import offline

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Reproduction", "reproduce"]


@dataclass(frozen=True, slots=True, repr=False)
class Reproduction(RichDisplay):
    """What became of making a file again.

    Attributes
    ----------
    file : str
    identical : bool
        Whether all values came out as they stand in the file.
    differences : tuple of str
        What differs, in words: model, dtype, backend, inputs, values.
    largest : float
        The largest difference of two numbers in the same place; 0 where there is none.
    where : str
        That place, with both numbers.
    versions : tuple of str
        Packages that are not what they were, which by itself changes no value.
    record : dict
        What the file says of itself.
    """

    file: str
    identical: bool
    differences: tuple[str, ...]
    largest: float
    where: str
    versions: tuple[str, ...]
    record: Mapping[str, Any]

    def __str__(self) -> str:
        name = Path(self.file).name
        parts = [f"{name}: {'identical' if self.identical else 'differs'}"]
        parts += self.differences
        if self.largest:
            parts.append(f"numbers by up to {self.largest:.3g} ({self.where})")
        if self.versions:
            parts.append(f"other versions: {', '.join(self.versions)}")
        return "; ".join(parts)

    def table(self) -> pd.DataFrame:
        """Return what differs as a table: ``difference``."""
        import pandas as pd

        rows = [*self.differences, *([f"numbers: {self.where}"] if self.largest else [])]
        return pd.DataFrame({"difference": rows}, dtype=object)


def reproduce(
    file: str | Path,
    *,
    model: Encoder | None = None,
    sequences: str | Sequence | Iterable[str | Sequence] | None = None,
) -> Reproduction:
    """Make an exported figure, table, page or result again, and say whether it came out the same.

    Files that views export (PNG, SVG, HTML, CSV), that commands write (with their record beside
    them), and figures and tables made in Python (`plot`, ``.table()``, `write_table`) say which
    model, versions, settings and sequences made them. No line of a file is run as
    code; models are taken from this machine and never downloaded.

    Parameters
    ----------
    file : str or pathlib.Path
        Or a store, or the folder of a session: all of its tables.
    model : Encoder, optional
        In place of the one that the file names.
    sequences : sequences, optional
        In place of those in the file; needed where they were too long to be kept in it.

    Returns
    -------
    Reproduction
        ``identical``, or ``differences`` with the ``largest``.

    Raises
    ------
    InputError
        If the file does not say where it comes from, its record is damaged, what it takes is not
        on this machine, or `model` or `sequences` is given for a file that a command wrote.

    Examples
    --------
    >>> import dnabert2_explore as dx, pathlib, tempfile
    >>> view = dx.TokenExplorer(sequences=[dx.Sequence("probe", "ACGTTGCATTAGCATGCAAT")])
    >>> file = pathlib.Path(tempfile.mkdtemp(), "tokens.csv")
    >>> _ = file.write_text(view.to_csv())
    >>> dx.reproduce(file)
    <Reproduction: tokens.csv: identical>
    """
    path = Path(file).expanduser()
    with offline():
        return _again(path, model, sequences)


def _again(
    path: Path,
    model: Encoder | None,
    sequences: str | Sequence | Iterable[str | Sequence] | None,
) -> Reproduction:
    if path.is_dir() and not beside(path).is_file():  # a store has its record beside it
        return _folder(path, model)
    record = read_record(path)
    given = None if sequences is None else as_sequences(sequences)
    what = record.get("what")
    try:
        if what == "view":
            from .views import rebuild_view

            found, _ = rebuild_view(path, record, model, given)
        elif what == "call":
            from .calls import rebuild_call

            found = rebuild_call(path, record, model, given)
        elif what == "command":
            from .commands import rebuild_command

            if model is not None or given is not None:
                raise InputError(
                    f"{path} was written by a command, which reads its own files: leave model and "
                    "sequences out."
                )
            found = rebuild_command(path, record)
        else:
            raise InputError(f"{path} says that it is {what!r}, which this version cannot make.")
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise InputError(
            f"The record of {path} is not complete ({error}): it is of another version "
            f"({record.get('versions', {}).get('dnabert2-explore', 'unknown')})."
        ) from error
    return _told(path, record, found)


def _told(path: Path, record: Mapping[str, Any], found: Comparison) -> Reproduction:
    # What computes may be another; whether it matters is for the values to say.
    harmless = ("dtype", "attention backend", "device")
    real = [one for one in found.said if not one.startswith(harmless)]
    return _result(path, record, found, not real and not found.largest)


def _result(
    path: Path, record: Mapping[str, Any], found: Comparison, identical: bool
) -> Reproduction:
    then = record.get("versions", {})
    changed = tuple(
        f"{name} {then.get(name, 'none')}, now {now}"
        for name, now in versions().items()
        if then.get(name) != now
    )
    return Reproduction(
        str(path),
        identical=identical,
        differences=tuple(found.said),
        largest=found.largest,
        where=found.where,
        versions=changed,
        record=record,
    )


def _folder(path: Path, model: Encoder | None) -> Reproduction:
    """Make all tables of a session again."""
    from ..widgets.session import VIEWS, read_session

    state = read_session(path)
    whole, compared, identical = Comparison(), 0, True
    for name in VIEWS:
        table = path / f"{name}.csv"
        if not table.is_file():
            if name in state.get("tables", ()):
                whole.said.append(f"{table.name}: is not in the folder any more")
                identical = False
            continue
        one = _again(table, model, None)
        compared += 1
        identical = identical and one.identical
        whole.said += [f"{table.name}: {what}" for what in one.differences]
        if one.largest > whole.largest:
            whole.largest, whole.where = one.largest, f"{table.name}, {one.where}"
    if not compared:
        whole.said.append("no table is in the folder: nothing was compared")
    return _result(path, state, whole, identical and bool(compared))
