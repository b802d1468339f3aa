"""Fine-tune a model on a dataset of GUE and write its result file."""

from __future__ import annotations

import csv
import dataclasses
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...common.files import replacing
from ...common.progress import Progress, noting, quiet, split
from ...common.threads import torch_threads
from ...encoder import find_device
from ...encoder.machine import describe_machine
from ...errors import Cancelled, CheckpointError, InputError, warn
from ...network.checkpoints.load import Checkpoint, find_checkpoint, load_network
from ...results.digests import sha256_of
from ..baselines import BASELINES
from ..finetune import FinetuneConfig, FinetuneResult, finetune
from ..finetune.methods.recipe import settle
from ..finetune.methods.source import find_source
from ..labelled.tables import Labelled
from ..loop.processes import is_main, processes_started
from .baselines import run_baselines
from .datasets import Dataset
from .files import REDUCED_SHARE, DatasetFiles, find_files, read_files, reduced_training
from .results import GueRun, encode
from .variation import Variation, deviations, settings_of

__all__ = ["result_path", "run_dataset"]


def result_path(out: str | Path, dataset: Dataset, label: str, seed: int) -> Path:
    """Where the result file of a run is."""
    return Path(out) / dataset.name / f"{label}-seed{seed}.json"


def label_of(model: str, variation: Variation) -> str:
    """Name a model and a variation, fit for a file's name."""
    folder = Path(model)
    name = model.replace("/", "_").replace(":", "-")
    if folder.is_dir():  # runs/mine/model -> mine
        name = folder.resolve().name
        name = folder.resolve().parent.name if name == "model" else name
    return f"{name}-{variation.name}" if variation.name else name


def run_dataset(
    name: str,
    root: str | Path,
    model: str,
    out: str | Path,
    seed: int = 42,
    variation: Variation | None = None,
    baselines: tuple[str, ...] = tuple(BASELINES),
    baseline_minutes: float = 0.0,
    baseline_strands: str = "auto",
    bootstrap: int = 1000,
    label: str = "",
    device: str = "auto",
    precision: str = "auto",
    threads: int = 0,
    keep_model: bool = False,
    progress: Progress | None = None,
) -> GueRun:
    """Run a model on a dataset by the authors' protocol, or a stated variation of it.

    A run whose result file exists is not run again, if it was made from the same files. Where
    train.csv is missing, four fifths of dev train and the rest chooses the checkpoint; such a run
    is "reduced" wherever it is shown.

    Parameters
    ----------
    name : str
        The dataset.
    root : path
        Where the data are (see `find_files`).
    model : str
        A shipped model, a folder, or a hub id.
    out : path
        Results folder: ``<dataset>/<label>-seed<seed>.json``.
    seed : int
        The authors use 42.
    variation : Variation, optional
        Departures from the authors' settings.
    baselines : tuple of str
        Which to fit on the same files.
    baseline_minutes : float
        Limit for the CNN; 0 for none.
    baseline_strands : {"auto", "given", "both"}
        Strands that baselines learn from and answer with; auto: both, but for datasets in which
        the strand means something (promoters, splice sites, covid).
    bootstrap : int
        Resamples of the test sequences for intervals.
    label : str
        What files and tables call the run; by default the model's name and the variation's.
    device, precision, threads
        As in fine-tuning; none of them is part of the protocol.
    keep_model : bool
        Keep the fine-tuned weights beside the result file.
    progress : callable, optional
        Called as ``progress(done, total)``; may raise Cancelled.

    Returns
    -------
    GueRun

    Raises
    ------
    InputError
        If files are missing, or a result file of that name was made with other settings, from other
        data or other weights; or if these changed while the run went on.
    Cancelled
        If `progress` asks for it; nothing is written then.
    """
    variation = variation or Variation()
    label = label or label_of(model, variation)
    found = find_files(root, name)
    if found.state == "unusable":
        raise InputError(f"{found}; expected train.csv, dev.csv and test.csv.")
    dataset = found.dataset
    path = result_path(out, dataset, label, seed)
    work = path.with_suffix("")
    files, roles = _files(found, path.parent / "reduced")
    config = FinetuneConfig(
        model=str(model),
        train=str(files["train"]),
        dev=str(files["dev"]),
        test=str(files["test"]),
        out=str(work),
        task="classification",
        seed=seed,
        device=device,
        precision=precision,
        threads=threads,
        bootstrap=bootstrap,
        **settings_of(dataset, variation),
    )
    data = read_files(files)
    # The network's size decides only where the recipe is left open, which it never is here; a
    # result that is there is looked at before the model, which may be gone.
    config, _ = settle(config, 0, data["train"], data["dev"])
    if path.is_file():
        return _finished(path, config, roles)
    checkpoint = find_source(config.model).checkpoint
    before = _digests(checkpoint)  # told before the baselines are fitted
    if not is_main():
        # Of several processes (torchrun, accelerate) the first fits baselines and writes.
        _finetune(config, progress or quiet)
        return _await(path)
    # A fifth of the bar for the baselines, the rest for fine-tuning.
    report = split(progress, [1 if baselines else 0, 4])
    with torch_threads(threads):
        where = find_device(device)
        machine = str(describe_machine(where))  # before anything runs, for the load
        checksums = {split: sha256_of(file) for split, file in files.items()}
        beside, notes = run_baselines(
            tuple(baselines),
            data,
            checksums,
            path.parent / f"baselines-seed{seed}.json",
            seed=seed,
            device=where,
            max_minutes=baseline_minutes,
            strands=dataset.strands if baseline_strands == "auto" else baseline_strands,
            bootstrap=bootstrap,
            progress=report[0],
        )
    processes = processes_started()
    machine = f"{processes} processes on {machine}" if processes > 1 else machine
    result = _finetune(config, report[1])
    assert result.test is not None  # a test file was given
    test = data["test"]
    run = GueRun(
        dataset=dataset.name,
        model=str(model),
        label=label,
        variation=variation.name,
        seed=seed,
        state=found.state,
        roles=roles,
        splits={
            split: {"rows": len(data[split].bases), "file": str(file), "sha256": checksums[split]}
            for split, file in files.items()
        },
        deviations=deviations(dataset, config),
        settings=dataclasses.asdict(config),
        parameters=_parameters(result.model),
        machine=machine,
        seconds=round(result.seconds, 3),
        best_step=result.best_step,
        steps=result.steps,
        dev=result.dev,
        test=result.test,
        baselines=beside,
        leakage=tuple(str(pair) for pair in result.leakage.pairs),
        notes=(
            *(one for one in result.notes if not one.startswith("task:")),
            *notes,
            *_class_note(dataset, data["train"]),
        ),
        labels=encode(test.labels),
        predicted=encode(_predictions(work / "predictions.csv", test)),
        files=before,
    )
    _unchanged(run, checkpoint)
    run.save(path)
    if not keep_model:
        shutil.rmtree(result.model)
    return run


def _await(path: Path, seconds: float = 600.0) -> GueRun:
    """Wait for the result file that another process writes."""
    until = time.monotonic() + seconds
    while not path.is_file():
        if time.monotonic() > until:
            raise InputError(f"{path} was not written by the first process: look at its messages.")
        time.sleep(0.1)
    return GueRun.load(path)


def _files(found: DatasetFiles, folder: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """Return the file of each split, and what it is in words."""
    if found.state == "full":
        return found.files, {split: f"{split}.csv" for split in found.files}
    folder.mkdir(parents=True, exist_ok=True)
    files = {"train": folder / "train.csv", "dev": folder / "dev.csv", "test": found.files["test"]}
    share = round(100 * REDUCED_SHARE)
    roles = {
        "train": f"{share}% of dev.csv, as train.csv is missing",
        "dev": f"the other {100 - share}% of dev.csv",
        "test": "test.csv",
    }
    with found.files["dev"].open(encoding="utf-8", newline="") as handle:
        header, *rows = csv.reader(handle)
    if "label" not in header:
        raise InputError(
            f"{found.files['dev']}, line 1: no column 'label'; expected the header sequence,label."
        )
    column = header.index("label")
    chosen = reduced_training([row[column] for row in rows])
    for part, keep in (("train", chosen), ("dev", ~chosen)):
        with (
            replacing(files[part]) as temporary,
            temporary.open("w", encoding="utf-8", newline="") as handle,
        ):
            writer = csv.writer(handle, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows[index] for index in np.nonzero(keep)[0])
    return files, roles


def _finished(path: Path, config: FinetuneConfig, roles: dict[str, str]) -> GueRun:
    """Read a result file; one of other settings, data or weights is not this run's."""
    run = GueRun.load(path)
    # Where and how fast it ran is no part of what was asked.
    free = {"out", "device", "threads", "train", "dev", "test", "precision", "device_batch"}
    asked = {k: v for k, v in dataclasses.asdict(config).items() if k not in free}
    different = [
        name
        for name, value in asked.items()
        if name in run.settings and _plain(run.settings[name]) != _plain(value)
    ]
    if different:
        raise InputError(
            f"{path} was made with another {', '.join(different)}: name this variation otherwise, "
            "or move the file away."
        )
    files = {"train": config.train, "dev": config.dev, "test": config.test}
    other = [
        Path(file).name
        for split, file in files.items()
        if run.splits.get(split, {}).get("sha256") != sha256_of(Path(file))
    ]
    if run.roles != roles:
        other = [f"division of the files ({run.roles.get('train')})"]
    if other:
        raise InputError(
            f"{path} was made from another {', another '.join(other)} than "
            f"{Path(config.test).parent} holds now: put the data back, name this run otherwise, or "
            "move the file away."
        )
    _same_model(path, run, config.model)
    return run


def _same_model(path: Path, run: GueRun, model: str) -> None:
    """Refuse a result of other weights; say so where that cannot be told."""
    unknown = ""
    if not run.files:
        unknown = "the file was written before digests of the model were kept"
    else:
        try:
            now = _digests(find_source(model).checkpoint)
        except CheckpointError as error:
            unknown = str(error)
        else:
            other = [kind for kind, digest in run.files.items() if now.get(kind) != digest]
            if other:
                raise InputError(
                    f"{path} was made from another {' and another '.join(other)} than {model} has "
                    "now (it was trained again, or replaced): name this run otherwise, or move the "
                    "file away."
                )
    if unknown:
        warn(
            f"{path} is taken as it is, without a look whether {model} is still the model it was "
            f"made from ({unknown.rstrip('.')}): move the file away to run again."
        )


def _digests(checkpoint: Checkpoint) -> dict[str, str]:
    """SHA-256 of the files that a model is made of."""
    return {
        "weights": checkpoint.sha256(),
        "tokenizer": sha256_of(checkpoint.tokenizer),
        "config": sha256_of(checkpoint.config),
    }


def _unchanged(run: GueRun, checkpoint: Checkpoint) -> None:
    """Refuse a result whose files were replaced while it was computed."""
    now = {split: sha256_of(Path(one["file"])) for split, one in run.splits.items()}
    changed = [split for split, one in run.splits.items() if one["sha256"] != now[split]]
    changed += [kind for kind, digest in _digests(checkpoint).items() if run.files[kind] != digest]
    if changed:
        raise InputError(
            f"{run.dataset}, {run.model}: {', '.join(changed)} changed on disk while the run went "
            "on, so that nobody can say what its result is of: run it again."
        )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _finetune(config: FinetuneConfig, report: Progress) -> FinetuneResult:
    """Fine-tune; a run that was stopped by hand is no result."""
    stopped: list[Cancelled] = []
    result = finetune(config, progress=noting(report, stopped))
    if stopped:
        raise stopped[0]
    return result


def _parameters(model: Path) -> int:
    network = load_network(find_checkpoint(model), torch.float32)
    return sum(parameter.numel() for parameter in network.parameters())


def _predictions(path: Path, test: Labelled) -> NDArray[np.int64]:
    """Read the answers on test that fine-tuning wrote."""
    index = {name: i for i, name in enumerate(test.classes)}
    with path.open(encoding="utf-8", newline="") as handle:
        answers = [index[row["predicted"]] for row in csv.DictReader(handle)]
    if len(answers) != len(test.bases):
        raise InputError(
            f"{path} holds {len(answers)} predictions for {len(test.bases)} test sequences: run "
            "the dataset again."
        )
    return np.array(answers, dtype=np.int64)


def _class_note(dataset: Dataset, training: Labelled) -> tuple[str, ...]:
    if len(training.classes) == dataset.classes:
        return ()
    return (
        f"The files hold {len(training.classes)} classes; the paper speaks of {dataset.classes}.",
    )
