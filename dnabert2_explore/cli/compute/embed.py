"""``dnabert2-explore embed``: one vector a sequence or window, in a file or a store."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...common.names import Pooling
from ...errors import InputError
from ...results.records import note_output
from ...results.rich_display import counted
from ..common import (
    ATTENTION,
    DEVICE,
    DTYPE,
    FORCE,
    GENOME,
    MODEL,
    SOURCE,
    progress_bar,
    read_source,
    stop_between_steps,
    told_in_one_line,
)
from ..output import check_output

if TYPE_CHECKING:
    from distributed import Client


__all__ = ["embed"]

#: As `stores.vectors` has them, which takes pandas and more to ask.
_SUFFIXES = (".npz", ".parquet", ".csv", ".tsv", ".npy", ".h5ad")


def embed(
    source: SOURCE,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="What to write: .npz, .parquet, .csv, .tsv, .npy, .h5ad, or a .zarr store.",
        ),
    ] = None,
    window: Annotated[
        int | None,
        typer.Option(min=1, help="Bases in a window, for a .zarr store; else whole sequences."),
    ] = None,
    stride: Annotated[
        int | None,
        typer.Option(min=1, help="Bases between the starts of windows; by default the window."),
    ] = None,
    genome: GENOME = None,
    pooling: Annotated[
        Pooling,
        typer.Option(
            help="mean and max leave special tokens out; cls means little before fine-tuning."
        ),
    ] = "mean",
    layer: Annotated[
        list[int] | None,
        typer.Option(
            help="0 the embeddings, 1 the first layer, ..., -1 the last; by default the last, or "
            "what config.json says. Repeat it for several layers in one .zarr store."
        ),
    ] = None,
    model: MODEL = "pocket",
    device: DEVICE = "auto",
    dtype: DTYPE = "auto",
    attention: ATTENTION = "auto",
    batch_tokens: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Tokens in one batch; lower needs less memory. By default 1024 on a CPU, 65536 "
            "on a GPU.",
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Dask scheduler whose workers compute, such as tcp://node1:8786 (.zarr only).",
        ),
    ] = None,
    rows_per_chunk: Annotated[
        int,
        typer.Option(min=1, help="Windows computed, written and resumed together (.zarr only)."),
    ] = 256,
    cache: Annotated[
        bool,
        typer.Option(help="Keep vectors for the next time (.npz and .parquet; see info)."),
    ] = True,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Verify the store named as SOURCE instead; what is damaged is computed anew by "
            "the embedding that made it.",
        ),
    ] = False,
    force: FORCE = False,
) -> None:
    r"""Embed sequences, or the windows of a genome: one vector each, with names.

    .npz holds names (n), embeddings (n, hidden) in float32, labels where the
    file has them, and about (JSON: model, pooling, layer). .parquet holds the
    columns name, label and embedding, and the same JSON in its metadata under
    'about'. .csv and .tsv have a column for each dimension, .npy holds the
    vectors alone, .h5ad is AnnData. Rows keep the order of the file.

    .zarr is a store for FASTA of any size, in constant memory: vectors with
    record, start, end and strand. Stopped or killed, the same command goes on
    where it was. 'export' turns a store into .h5ad, .parquet or .npz. Its files
    carry checksums, which are compared when they are read; --check reads all.

    [bold]Examples[/bold]

      dnabert2-explore embed genes.fa.gz -o genes.npz
      dnabert2-explore embed genes.csv -o genes.parquet --pooling max --layer 2
      dnabert2-explore embed genome.fa --window 1000 --stride 500 -o genome.zarr
      dnabert2-explore embed peaks.bed --genome hg38.2bit -o peaks.h5ad

      dnabert2-explore embed --check genome.zarr

    The published model, in half precision:

      dnabert2-explore embed genes.fa -o genes.npz --dtype bfloat16 \
          --model zhihan1996/DNABERT-2-117M
    """
    if check:
        _verify(source, output)
        return
    if output is None:
        raise InputError("nothing says what to write: name it with --output (-o)")
    if output.suffix != ".zarr":
        _only_for_stores(output, window, stride, scheduler, layer)
        check_output(output, force)
        sequences = read_source(source, genome)
    else:
        _check_store(source, output, force, genome is not None)
        note_output(output)
        # A BED's stretches are records in memory, a genome's windows are read as they are needed.
        sequences = [] if genome is None else read_source(source, genome)
    from ...encoder import load

    keeps = None if cache and output.suffix != ".zarr" else False
    encoder = load(model, device=device, dtype=dtype, attention=attention, cache=keeps)
    if output.suffix == ".zarr":
        with (
            _cluster(scheduler) as client,
            progress_bar("Embedding", "bases") as bar,
            stop_between_steps(bar, "bases") as report,
        ):
            summary = encoder.embed_to(
                output,
                Path(source) if genome is None else sequences,
                window=window,
                stride=stride,
                layers=layer or None,
                pooling=pooling,
                client=client,
                rows_per_chunk=rows_per_chunk,
                batch_tokens=batch_tokens,
                progress=report,
            )
        print(f"{summary}, {encoder.info}", file=sys.stderr)
        return
    with progress_bar("Embedding") as progress:
        vectors = encoder.embed(
            sequences,
            pooling=pooling,
            layer=layer[0] if layer else None,
            batch_tokens=batch_tokens,
            progress=progress,
        )
    read = layer or [*encoder.embedding_layers]
    layers = {"layer": read[0]} if len(read) == 1 else {"layers": read}
    about = {"model": str(encoder.info), "pooling": pooling} | layers
    from ...stores.files.vectors import write_vectors

    write_vectors(output, sequences, vectors, about)
    rows, width = vectors.shape
    many = counted(rows, "sequence")
    print(f"{output}: {many} x {width} dimensions, {encoder.info}", file=sys.stderr)


def _verify(path: str, output: Path | None) -> None:
    """Read all of a store; take the marks off what is damaged."""
    from ...stores import EmbeddingStore, StoreError, check_store, open_store

    if output is not None:
        raise InputError("--check reads the store named as SOURCE and writes nothing: leave -o out")
    with progress_bar("Verifying", "chunks") as bar, stop_between_steps(bar) as report:
        found = check_store(open_store(path), progress=report)
    if not found.damages:
        print(found, file=sys.stderr)
        return
    for one in found.damages:
        print(f"{one.file}: {one.reason}")
    try:
        EmbeddingStore.open(path, writable=True).forget(found.damaged)
        mend = "the same embedding as before computes them anew"
    except StoreError as error:
        mend = f"their marks stay ({error})"
    raise StoreError(f"{found}; {mend}")


def _only_for_stores(
    output: Path,
    window: int | None,
    stride: int | None,
    scheduler: str | None,
    layers: list[int] | None,
) -> None:
    """Refuse settings that only a store can take, before anything is read."""
    if output.suffix not in _SUFFIXES:
        raise InputError(
            f"{output}: a name ending in {', '.join(_SUFFIXES)} or .zarr says what to write"
        )
    if output.suffix == ".h5ad" and find_spec("h5py") is None:
        raise InputError(f"{output} needs h5py, which is not installed: pip install h5py")
    several = "several --layer" if layers and len(layers) > 1 else None
    asked = {"--window": window, "--stride": stride, "--scheduler": scheduler, several: several}
    for name, value in asked.items():
        if value is not None:
            raise InputError(
                f"{output}: {name} is for a store; give -o {output.with_suffix('.zarr')}, then "
                "turn it into another format with 'dnabert2-explore export'"
            )


def _check_store(source: str, output: Path, force: bool, bed: bool) -> None:
    if source == "-":
        raise InputError(
            "a store is made from a FASTA file, which is read again where the work goes on: name "
            "the file instead of -"
        )
    if force:
        raise InputError(
            f"{output}: --force does not replace a store; delete the folder, or give another name"
        )
    if not output.resolve().parent.is_dir():
        raise InputError(f"the folder {output.parent} does not exist; make it first")
    if bed:
        return  # is read, and so checked, before a model is
    from ...sequences.reading.genome import Genome

    # What is wrong with the file is told before a model is loaded, or downloaded.
    with told_in_one_line(), Genome(source):
        pass


@contextmanager
def _cluster(scheduler: str | None) -> Iterator[Client | None]:
    """Yield a Dask client, or nothing where no scheduler is named."""
    if scheduler is None:
        yield None
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError("--scheduler needs Dask: run 'pip install distributed'") from error
    try:
        client = Client(scheduler, timeout=20)
    except (OSError, ValueError) as error:
        raise InputError(
            f"no Dask scheduler answers at {scheduler} ({error}): start it with 'dask scheduler', "
            "or check the address"
        ) from error
    with client:
        yield client
