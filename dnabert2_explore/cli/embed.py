"""``dnabert2-explore embed``: one vector a sequence, in a file with their names."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InputError
from .common import DEVICE, DTYPE, FORCE, MODEL, SOURCE, progress_bar, read_source
from .output import check_output, replacing

if TYPE_CHECKING:
    import numpy as np

    from ..sequences import Sequence

__all__ = ["embed"]


class Pooling(StrEnum):
    """How a sequence's token vectors become one vector."""

    mean = "mean"
    max = "max"
    cls = "cls"


def embed(
    source: SOURCE,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write: .npz or .parquet.")
    ],
    pooling: Annotated[
        Pooling,
        typer.Option(
            help="mean and max leave padding and special tokens out; cls means little before "
            "fine-tuning."
        ),
    ] = Pooling.mean,
    layer: Annotated[
        int, typer.Option(help="0 the embeddings, 1 the first layer, ..., -1 the last.")
    ] = -1,
    model: MODEL = "pocket",
    device: DEVICE = "auto",
    dtype: DTYPE = "auto",
    batch_tokens: Annotated[
        int,
        typer.Option(min=1, help="Tokens in one batch, padding counted; lower needs less memory."),
    ] = 8192,
    force: FORCE = False,
) -> None:
    r"""Embed sequences: one vector each, with their names, in .npz or .parquet.

    .npz holds names (n), embeddings (n, hidden) in float32, labels where the
    file has them, and about (JSON: model, pooling, layer). .parquet holds the
    columns name, label and embedding, and the same JSON in its metadata under
    'about'. Rows keep the order of the file.

    [bold]Examples[/bold]

      dnabert2-explore embed genes.fa.gz -o genes.npz
      dnabert2-explore embed genes.csv -o genes.parquet --pooling max --layer 2

    The published model, in half precision:

      dnabert2-explore embed genes.fa -o genes.npz --dtype bfloat16 \
          --model zhihan1996/DNABERT-2-117M
    """
    if output.suffix not in _WRITERS:
        raise InputError(f"{output}: a name ending in {' or '.join(_WRITERS)} says what to write")
    check_output(output, force)
    sequences = read_source(source)
    from ..encoder import load

    encoder = load(model, device=device, dtype=dtype)
    with progress_bar("Embedding") as progress:
        vectors = encoder.embed(
            sequences,
            pooling=pooling.value,
            layer=layer,
            batch_tokens=batch_tokens,
            progress=progress,
        )
    about = {"model": str(encoder.info), "pooling": pooling.value, "layer": layer}
    with replacing(output) as temporary:
        _WRITERS[output.suffix](temporary, sequences, vectors, about)
    rows, width = vectors.shape
    print(f"{output}: {rows} sequences x {width} dimensions, {encoder.info}", file=sys.stderr)


def _write_npz(
    path: Path, sequences: list[Sequence], vectors: np.ndarray, about: dict[str, Any]
) -> None:
    import numpy as np

    arrays: dict[str, Any] = {
        "names": np.array([sequence.name for sequence in sequences], dtype=np.str_),
        "embeddings": vectors,
        "about": np.array(json.dumps(about)),
    }
    if any(sequence.label is not None for sequence in sequences):
        arrays["labels"] = np.array([sequence.label or "" for sequence in sequences], dtype=np.str_)
    with path.open("wb") as file:
        np.savez(file, **arrays)


def _write_parquet(
    path: Path, sequences: list[Sequence], vectors: np.ndarray, about: dict[str, Any]
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = {"name": [sequence.name for sequence in sequences]}
    if any(sequence.label is not None for sequence in sequences):
        columns["label"] = [sequence.label for sequence in sequences]
    columns["embedding"] = pa.FixedSizeListArray.from_arrays(
        pa.array(vectors.ravel()), vectors.shape[1]
    )
    table = pa.table(columns)
    pq.write_table(table.replace_schema_metadata({"about": json.dumps(about)}), path)


_WRITERS = {".npz": _write_npz, ".parquet": _write_parquet}
