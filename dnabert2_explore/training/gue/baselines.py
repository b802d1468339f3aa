"""The baselines on a dataset: fitted once, kept beside the runs, and part of each run's file."""

from __future__ import annotations

import time
from pathlib import Path

import torch

from ...common.progress import Progress, split
from ...errors import InputError
from ...results.plain import to_plain
from ...results.sealed import read_json, write_json
from ..baselines import BASELINES
from ..baselines.strands import check_strands
from ..labelled.tables import Labelled
from ..scores.metrics import score
from .results import FORMAT, BaselineRun, encode

__all__ = ["run_baselines"]


def run_baselines(
    names: tuple[str, ...],
    data: dict[str, Labelled],
    checksums: dict[str, str],
    path: Path,
    seed: int = 42,
    device: torch.device | None = None,
    max_minutes: float = 0.0,
    strands: str = "given",
    bootstrap: int = 1000,
    progress: Progress | None = None,
) -> tuple[tuple[BaselineRun, ...], tuple[str, ...]]:
    """Fit baselines on a dataset, or read those that have been; also say why one does not apply.

    `data` are "train", "dev" and "test", and `checksums` of their files: results of others, kept at
    `path`, are not used again. Device and `max_minutes` (0 for no limit) are the CNN's. With
    `strands` "both" baselines learn from both strands and answer with the mean of the two.
    `progress` counts thousandths of a baseline, and may raise Cancelled. An unknown baseline, or
    other strands, are an `InputError`.
    """
    unknown = [name for name in names if name not in BASELINES]
    if unknown:
        raise InputError(f"no baseline {unknown[0]!r}; expected some of {', '.join(BASELINES)}.")
    check_strands(strands)
    key = {
        "format": FORMAT,
        "checksums": checksums,
        "seed": seed,
        "max_minutes": max_minutes,
        "strands": strands,
    }
    kept = _kept(path, key)
    notes: list[str] = []
    parts = split(progress, [1] * len(names))
    for index, name in enumerate(names):
        if name in kept:
            continue
        begun = time.monotonic()
        more = {}
        if name == "cnn":
            more = {
                "device": str(device or "cpu"),
                "max_minutes": max_minutes,
                "progress": parts[index],
            }
        try:
            fitted = BASELINES[name](data["train"], data["dev"], seed=seed, strands=strands, **more)
            outputs = fitted.probabilities(data["test"])
        except InputError as error:  # the data do not suit this baseline
            notes.append(f"Baseline {name} left out: {error}")
            continue
        test = data["test"]
        kept[name] = BaselineRun(
            name=name,
            title=fitted.title,
            settings=fitted.settings,
            parameters=fitted.parameters,
            seconds=round(time.monotonic() - begun, 3),
            test=score(test.task, test.labels, outputs, test.classes, bootstrap=bootstrap),
            predicted=encode(outputs.argmax(axis=1)),
        )
        write_json(path, key | {"baselines": to_plain(list(kept.values()))})
        if progress is not None:
            progress(1000 * (index + 1), 1000 * len(names))
    return tuple(kept[name] for name in names if name in kept), tuple(notes)


def _kept(path: Path, key: dict[str, object]) -> dict[str, BaselineRun]:
    if not path.is_file():
        return {}
    content = read_json(path)
    if any(content.get(name) != value for name, value in key.items()):
        return {}  # other files, seed or strands: fitted anew
    try:
        return {one.name: one for one in map(BaselineRun.from_json, content["baselines"])}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path} holds no results of baselines ({type(error).__name__}: {error}): remove it, "
            "and they are fitted anew."
        ) from error
