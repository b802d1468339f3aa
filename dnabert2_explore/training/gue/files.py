"""Where the files of a dataset are, and which are missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...common.files import expanded
from ...errors import InputError
from ..labelled.tables import Labelled, read_labelled
from .datasets import Dataset, find_dataset

__all__ = [
    "REDUCED_SHARE",
    "SPLITS",
    "DatasetFiles",
    "find_files",
    "read_files",
    "reduced_training",
]

SPLITS = ("train", "dev", "test")

#: Share of dev that trains where train.csv is missing; the rest chooses the checkpoint.
REDUCED_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class DatasetFiles:
    """The files of a dataset under a root, those that exist.

    `folder` is None where none of the dataset is there; `looked` are those that were tried.
    """

    dataset: Dataset
    folder: Path | None
    files: dict[str, Path]
    looked: tuple[Path, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Splits without a file."""
        return tuple(split for split in SPLITS if split not in self.files)

    @property
    def state(self) -> str:
        """Full, reduced (dev and test only: dev has to serve for training) or unusable."""
        if not self.missing:
            return "full"
        return "reduced" if self.missing == ("train",) else "unusable"

    def __str__(self) -> str:
        if self.folder is None:
            places = ", ".join(str(path) for path in self.looked)
            return f"{self.dataset.name}: no folder; looked for {places}"
        if not self.missing:
            return f"{self.dataset.name}: complete in {self.folder}"
        names = ", ".join(f"{split}.csv" for split in self.missing)
        return f"{self.dataset.name}: {names} missing in {self.folder}"


def find_files(root: str | Path, name: str) -> DatasetFiles:
    """Look for the files of a dataset, by a name that `find_dataset` takes.

    `root` is the unpacked archive (the folder that holds ``GUE/``, or ``GUE`` itself), or a folder
    in the layout of the copies on Hugging Face (one folder a dataset). Where it is no folder, or no
    dataset has that name, it is an `InputError`.
    """
    root = expanded(root)
    if not root.is_dir():
        raise InputError(
            f"{root} is no folder: pass the folder that the authors' archive was unpacked into."
        )
    dataset = find_dataset(name)
    looked = tuple(
        top / below
        for below in dict.fromkeys((dataset.folder, dataset.mirror, dataset.name))
        for top in (root, root / "GUE", root / "GUE_plus", root / "GUE+")
    )
    for folder in looked:
        files = {split: folder / f"{split}.csv" for split in SPLITS}
        files = {split: path for split, path in files.items() if path.is_file()}
        if files:
            return DatasetFiles(dataset, folder, files, looked)
    return DatasetFiles(dataset, None, {}, looked[:2])


def read_files(files: Mapping[str, Path]) -> dict[str, Labelled]:
    """Read the splits there are; their classes are those of the first."""
    data: dict[str, Labelled] = {}
    for split, path in files.items():
        classes = next((one.classes for one in data.values()), None)
        data[split] = read_labelled(path, task="classification", classes=classes)
    return data


def reduced_training(labels: Sequence[str]) -> NDArray[np.bool_]:
    """Choose the rows of dev that train where train.csv is missing: four fifths of each label.

    Labels are as the file has them. The same rows for every model and seed.
    """
    every = np.asarray(labels)
    chosen = np.zeros(len(every), dtype=bool)
    rng = np.random.default_rng(42)
    for one in np.unique(every):
        places = rng.permutation(np.nonzero(every == one)[0])
        chosen[places[: round(REDUCED_SHARE * len(places))]] = True
    return chosen
