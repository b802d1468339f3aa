"""One result file a run: everything a table needs, and everything that says what it means."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...results.plain import JsonFields
from ...results.sealed import read_json, write_json
from ..scores.metrics import Scores
from .datasets import DATASETS
from .variation import AUTHORS, authors_settings

__all__ = ["FORMAT", "BaselineRun", "GueRun", "decode", "encode"]

#: Version of the result files. Those of version 1 had no digests, of themselves or of the model.
FORMAT = 2

_READABLE = (1, FORMAT)

_SIGNS = "0123456789abcdefghijklmnopqrstuvwxyz"


def encode(classes: NDArray[np.int64]) -> str:
    """Write class indices below 36 as one sign each, so that a result file keeps every answer."""
    if len(classes) and not 0 <= classes.min() <= classes.max() < len(_SIGNS):
        raise InputError(
            f"class index {int(classes.max())} cannot be written; expected 0 to {len(_SIGNS) - 1}."
        )
    return "".join(_SIGNS[index] for index in classes)


def decode(text: str) -> NDArray[np.int64]:
    """Read what `encode` wrote.

    Examples
    --------
    >>> decode(encode(np.array([0, 2, 11]))).tolist()
    [0, 2, 11]
    """
    return np.array([_SIGNS.index(sign) for sign in text], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class BaselineRun(JsonFields):
    """A simple method on the same files.

    `settings` is what was set, and what was chosen on dev; `parameters` how many numbers were
    fitted; `seconds` went into fitting and answering; for the answers on test see `decode`.
    """

    name: str
    title: str
    settings: dict[str, Any]
    parameters: int
    seconds: float
    test: Scores
    predicted: str


@dataclass(frozen=True, slots=True)
class GueRun(JsonFields):
    """A model fine-tuned on a dataset of GUE.

    Attributes
    ----------
    dataset : str
    model : str
        What was fine-tuned: a shipped name, a folder, a hub id.
    label : str
        What tables call it: the model's name and the variation's.
    variation : str
        Name of the variation; "" for the authors' protocol.
    seed : int
    state : {"full", "reduced"}
        Reduced: train.csv is missing and dev took its place (see `roles`).
    roles : dict of str to str
        What served as train, dev and test, in words.
    splits : dict of str to dict
        Split -> {"rows", "file", "sha256"} of the files read.
    deviations : tuple of str
        How the run differs from the authors' protocol.
    settings : dict
        The fine-tuning configuration, whole.
    parameters : int
        Weights of the fine-tuned network.
    machine : str
    seconds : float
        Fine-tuning, evaluation included.
    best_step, steps : int
        Step kept, steps taken.
    dev, test : Scores
    baselines : tuple of BaselineRun
    leakage : tuple of str
        Sequences that splits share, in sentences.
    notes : tuple of str
        What was decided or approximated.
    labels, predicted : str
        Test labels and answers (see `decode`), for paired comparisons.
    files : dict of str to str
        SHA-256 of the model's files before it was fine-tuned: "weights", "tokenizer", "config".
        Empty in results of earlier versions.
    """

    dataset: str
    model: str
    label: str
    variation: str
    seed: int
    state: str
    roles: dict[str, str]
    splits: dict[str, dict[str, Any]]
    deviations: tuple[str, ...]
    settings: dict[str, Any]
    parameters: int
    machine: str
    seconds: float
    best_step: int
    steps: int
    dev: Scores
    test: Scores
    baselines: tuple[BaselineRun, ...]
    leakage: tuple[str, ...]
    notes: tuple[str, ...]
    labels: str
    predicted: str
    files: dict[str, str] = field(default_factory=dict)

    @property
    def protocol(self) -> str:
        """The word "authors", or how the run differs from theirs."""
        return "; ".join(self.deviations) if self.deviations else "authors"

    def save(self, path: str | Path) -> Path:
        """Write the result file, whole or not at all."""
        path = Path(path)
        write_json(path, {"format": FORMAT, "protocol": self.protocol} | self.to_json())
        return path

    @classmethod
    def load(cls, path: str | Path) -> GueRun:
        """Read a result file; one that is none of this version is an `InputError`."""
        content = read_json(path)
        if content.get("format") not in _READABLE:
            raise InputError(
                f"{path} is no GUE result file of format {FORMAT}: move it out of the results "
                "folder, or run the dataset again."
            )
        try:
            run = cls.from_json(content | {"settings": _ONCE | content["settings"]})
            wrong = _wrong(run)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise InputError(
                f"{path} lacks fields of a GUE result file ({type(error).__name__}: {error}): run "
                "the dataset again."
            ) from error
        if wrong:
            raise InputError(f"{path} is no result of GUE ({wrong}): run the dataset again.")
        return run


#: What runs of earlier versions did that had no choice of it, and whose files do not name it: as
#: the authors do.
_ONCE = {"recipe": "published"} | {
    name: AUTHORS[name]
    for name in ("segmentation", "average", "schedule", "embeddings", "anchor", "strands",
                 "segmentations")
}  # fmt: skip


def _wrong(run: GueRun) -> str:
    """Say what in a result no run writes; empty where nothing is."""
    if run.dataset not in DATASETS:
        return f"it names the dataset {str(run.dataset)[:40]!r}"
    if run.state not in ("full", "reduced"):
        return f"its state is {str(run.state)[:40]!r}"
    for name in authors_settings(DATASETS[run.dataset]):
        if name not in run.settings:
            return f"its settings lack {name}"
    for name in ("train", "dev", "test"):
        if not isinstance(run.splits.get(name, {}).get("rows"), int):
            return f"its splits do not say how many rows {name} has"
    if not all(isinstance(one["sha256"], str) for one in run.splits.values()):
        return "its splits are no words"
    count = len(decode(run.labels))
    answers = {"model": run.predicted} | {one.name: one.predicted for one in run.baselines}
    for name, predicted in answers.items():
        if not count or len(decode(predicted)) != count:
            return f"{len(predicted):,} answers of {name} to {count:,} test sequences"
    return ""
