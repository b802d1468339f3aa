"""Predictions of a fine-tuned model for a whole file, a chunk at a time."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.delimited import cell
from ..common.files import replacing
from ..common.names import DType
from ..common.progress import Progress
from ..encoder import Encoder, load
from ..encoder.inputs import far_lengths
from ..encoder.passes.readings import Readings
from ..errors import ExploreWarning, InputError, silenced
from ..results.rich_display import RichDisplay, counted
from ..results.sealed import write_json
from ..sequences import UnknownBasesWarning
from .labelled.records import Record, RecordFile
from .labelled.tables import Labelled, label_of
from .scores.metrics import Scores, score

__all__ = ["PredictionSummary", "predict_table", "predicted_texts", "task_of", "write_predictions"]

#: Rows that are read, predicted and written together.
CHUNK = 4096


_TASKS = {
    "single_label_classification": "classification",
    "multi_label_classification": "multi_label",
    "regression": "regression",
}


@dataclass(frozen=True, slots=True, repr=False)
class PredictionSummary(RichDisplay):
    """What `predict_table` wrote; `str` is a sentence.

    Attributes
    ----------
    rows : int
    out : pathlib.Path
    task : {"classification", "multi_label", "regression"}
    classes : tuple of str
    model : str
        The line that says what computed.
    scores : Scores or None
        Where the file has labels; also in ``<out>.scores.json``.
    notes : tuple of str
        What to know of the input, in words.
    """

    rows: int
    out: Path
    task: str
    classes: tuple[str, ...]
    model: str
    scores: Scores | None
    notes: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"{self.out}: {counted(self.rows, 'prediction')} by {self.model}"]
        lines += [] if self.scores is None else [f"scores: {self.scores}"]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


def task_of(encoder: Encoder) -> tuple[str, tuple[str, ...]]:
    """Return what a model was trained to tell, and its classes (none for a regression).

    A model without a head is an `InputError`.
    """
    if not encoder.has_head:
        raise InputError(
            f"Model {encoder.name!r} has no classification head: load a fine-tuned model such as "
            '"pocket-splice", or fine-tune this one.'
        )
    usual = "regression" if encoder.config.num_labels == 1 else "classification"
    task = _TASKS.get(encoder.config.problem_type or "", usual)
    return task, () if task == "regression" else encoder.classes


def predict_table(
    model: Encoder | str | Path,
    source: str | Path,
    out: str | Path,
    *,
    device: str = "auto",
    dtype: DType = "float32",
    batch_tokens: int | None = None,
    bootstrap: int = 1000,
    progress: Progress | None = None,
    genome: str | Path | None = None,
    strands: str | None = None,
    segmentations: int | None = None,
) -> PredictionSummary:
    """Predict every row of a file; memory does not grow with it, but for labels to be scored.

    Parameters
    ----------
    model : Encoder, str or path-like
        A fine-tuned model, or what `dnabert2_explore.load` takes.
    source : path-like
        CSV, TSV, Parquet, FASTA and what else `read_sequences` reads, with or without labels; see
        `dnabert2_explore.training.labelled.tables.read_labelled`. A BED with `genome`.
    out : path-like
        ``.csv``, ``.tsv`` or ``.parquet``: row (from 1), name, label where the source has one,
        predicted, and ``p_<class>``. Written whole or not at all.
    device, dtype
        As for `load`. In float32, what training wrote is found again digit for digit.
    batch_tokens : int, optional
        As in `Encoder.embed`.
    bootstrap : int
        Samples for the scores' intervals.
    progress : callable, optional
        Called as progress(rows done, rows in all).
    genome : path-like, optional
        The source is a BED, of stretches of this genome.
    strands, segmentations : optional
        What each answer is the mean over, as for `Encoder.predict`; by default what the model was
        saved with.

    Raises
    ------
    InputError
        If the model has no head, cannot be read so, or a row cannot be used; the message names it.
        All rows are looked at before the first is predicted.
    """
    out = Path(out)
    if out.suffix not in _WRITERS:
        raise InputError(f"{out}: a name ending in {', '.join(_WRITERS)} says what to write.")
    encoder = model if isinstance(model, Encoder) else load(model, device=device, dtype=dtype)
    task, classes = task_of(encoder)
    readings = Readings.of(encoder, strands=strands, segmentations=segmentations)
    file = RecordFile(source, genome)
    if file.pairs != encoder.config.sequence_pairs:
        raise InputError(
            f"{source} has {'pairs of sequences' if file.pairs else 'single sequences'}, and model "
            f"{encoder.name!r} reads {'single ones' if file.pairs else 'pairs'}: give the columns "
            + ("'sequence1' and 'sequence2'." if not file.pairs else "'sequence' alone.")
        )
    columns = ["row", "name", *(["label"] if file.labelled else []), "predicted"]
    columns += [f"p_{name}" for name in classes]
    total = 0
    for record in file:
        total += 1
        if file.labelled:
            label_of(record, task, classes)
    seen = _Seen(encoder, readings)
    labels: list[Any] = []
    kept: list[NDArray[np.float32]] = []
    with replacing(out) as temporary, _WRITERS[out.suffix](temporary, columns) as write:
        rows = iter(file)
        while records := list(islice(rows, CHUNK)):
            if file.labelled:
                labels += [label_of(record, task, classes) for record in records]
            before = seen.rows

            def tick(done: int, _chunk: int, before: int = before) -> None:
                if progress is not None:
                    progress(before + done, total)

            outputs = seen.predict(records, batch_tokens, tick)
            if file.labelled:
                kept.append(outputs)
            write(_columns(records, before, task, classes, outputs, file.labelled))
    scores = None
    if file.labelled:
        scores = score(task, np.array(labels), np.concatenate(kept), classes, bootstrap)
        about = {"model": str(encoder.info), "readings": str(readings), "source": str(source)}
        write_json(out.with_suffix(".scores.json"), about | scores.to_json())
    return PredictionSummary(seen.rows, out, task, classes, str(encoder.info), scores, seen.notes())


class _Seen:
    """Predicts chunks, and remembers what to say of the input in the end, once."""

    def __init__(self, encoder: Encoder, readings: Readings) -> None:
        self.encoder, self.readings = encoder, readings
        self.rows = self.bases = self.unknown = 0
        self.lengths: dict[int, int] = {}

    def predict(
        self, records: list[Record], batch_tokens: int | None, progress: Progress
    ) -> NDArray[np.float32]:
        first = [record.bases for record in records]
        second = [record.second or "" for record in records]
        pairs = self.encoder.config.sequence_pairs
        self.rows += len(records)
        for text in first + (second if pairs else []):
            self.bases += len(text)
            self.unknown += text.count("N")
            self.lengths[len(text)] = self.lengths.get(len(text), 0) + 1
        # Told once for the whole file, by `notes`.
        with silenced(UnknownBasesWarning), silenced(ExploreWarning, ".*this model was trained on"):
            return self.encoder.predict(
                first,
                batch_tokens=batch_tokens,
                progress=progress,
                second=second if pairs else None,
                strands=self.readings.strands,
                segmentations=self.readings.segmentations,
            )

    def notes(self) -> tuple[str, ...]:
        found = []
        if len(self.readings) > 1:
            found.append(f"each prediction is the {self.readings}")
        if self.unknown:
            found.append(
                f"{self.unknown:,} of {self.bases:,} bases ({self.unknown / self.bases:.2%}) are "
                "not A, C, G or T and were read as N"
            )
        trained = self.encoder.config.training_bases
        if trained is not None:
            every = (length for length, count in self.lengths.items() for _ in range(count))
            far = far_lengths(every, (trained[0], trained[1]))
            found += [] if far is None else [far]
        return tuple(found)


def predicted_texts(task: str, classes: tuple[str, ...], outputs: NDArray[Any]) -> list[str]:
    """Say what a model predicts for each sequence, as a label would be written."""
    if task == "regression":
        return [_digits(value) for value in outputs]
    if task == "classification":
        return [classes[index] for index in outputs.argmax(axis=1)]
    return [
        ";".join(c for c, given in zip(classes, row, strict=True) if given)
        for row in outputs >= 0.5
    ]


def _columns(
    records: list[Record],
    before: int,
    task: str,
    classes: tuple[str, ...],
    outputs: NDArray[np.float32],
    labelled: bool,
) -> dict[str, list[Any]]:
    content: dict[str, list[Any]] = {
        "row": list(range(before + 1, before + len(records) + 1)),
        "name": [record.name for record in records],
    }
    if labelled:
        content["label"] = [record.label or "" for record in records]
    regression = task == "regression"
    content["predicted"] = list(outputs) if regression else predicted_texts(task, classes, outputs)
    for column, name in enumerate(classes):
        content[f"p_{name}"] = list(outputs[:, column])
    return content


def write_predictions(path: Path, data: Labelled, outputs: NDArray[Any]) -> None:
    """Write predictions for labelled rows into a ``.csv``, as `predict_table` does.

    Outputs are probabilities (n, classes), or values (n,).
    """
    rows = range(len(data))
    records = [Record("", data.names[i], "", None, data.label_text(i)) for i in rows]
    content = _columns(records, 0, data.task, data.classes, outputs, True)
    with replacing(path) as temporary, _csv(temporary, list(content)) as write:
        write(content)


def _digits(value: Any) -> str:
    return f"{float(value):.9g}"  # as many as tell every float32 from its neighbours


Write = Callable[[dict[str, list[Any]]], None]


@contextmanager
def _csv(path: Path, columns: list[str], delimiter: str = ",") -> Iterator[Write]:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(columns)

        def write(content: dict[str, list[Any]]) -> None:
            for row in zip(*(content[column] for column in columns), strict=True):
                writer.writerow(
                    [_digits(x) if isinstance(x, np.floating) else cell(x) for x in row]
                )

        yield write


@contextmanager
def _parquet(path: Path, columns: list[str]) -> Iterator[Write]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with path.open("wb") as file:
        writer: Any = None

        def write(content: dict[str, list[Any]]) -> None:
            nonlocal writer
            table = pa.table({column: content[column] for column in columns})
            if writer is None:
                writer = pq.ParquetWriter(file, table.schema)
            writer.write_table(table)

        try:
            yield write
        finally:
            if writer is not None:
                writer.close()


_WRITERS: dict[str, Callable[[Path, list[str]], AbstractContextManager[Write]]] = {
    ".csv": _csv,
    ".tsv": partial(_csv, delimiter="\t"),
    ".parquet": _parquet,
}
