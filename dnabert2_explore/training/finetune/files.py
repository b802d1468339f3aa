"""Which files of a folder are train, dev and test."""

from __future__ import annotations

from pathlib import Path

from ...common.files import expanded
from ...errors import InputError
from ...sequences.reading.read import suffix_of

__all__ = ["find_splits"]

_NAMES = {
    "train": ("train", "training"),
    "dev": ("dev", "valid", "validation", "val", "eval"),
    "test": ("test",),
}
_SUFFIXES = (".csv", ".tsv", ".parquet", ".fa", ".fasta", ".fna", ".bed")


def find_splits(data: str | Path) -> dict[str, str]:
    """Find the files of a run, as `FinetuneConfig` takes them.

    Parameters
    ----------
    data : path-like
        A folder with ``train.csv``, ``dev.csv`` (or valid, validation, val, eval) and ``test.csv``
        (or .tsv, .parquet, .fa, …); of dev and test each may be missing. Or one file, all of it
        train.

    Returns
    -------
    dict of str to str
        Paths under "train", "dev" and "test"; "" where there is none.

    Raises
    ------
    InputError
        If a folder has no file train, or two files for one of them.
    """
    data = expanded(data)
    if not data.is_dir():
        return {"train": str(data), "dev": "", "test": ""}
    found: dict[str, str] = {}
    for split, names in _NAMES.items():
        files = [path for path in sorted(data.iterdir()) if _stem(path) in names]
        if len(files) > 1:
            raise InputError(
                f"{data} holds {' and '.join(path.name for path in files)}, either of which could "
                f"be {split}: name the files one by one, or move one away."
            )
        found[split] = str(files[0]) if files else ""
    if not found["train"]:
        held = ", ".join(path.name for path in sorted(data.iterdir())[:8]) or "nothing"
        raise InputError(
            f"{data} has no train.csv (or .tsv, .parquet, .fasta); it holds {held}: give a folder "
            "with train, dev and test, or one file."
        )
    return found


def _stem(path: Path) -> str:
    """Name without suffixes, in lower case; empty for files of another kind."""
    name, suffix = path.name.lower(), suffix_of(path.name)
    fits = suffix in _SUFFIXES and path.is_file()
    return name.rpartition(suffix)[0] if fits else ""  # the last: train.fasta.fa is no train
