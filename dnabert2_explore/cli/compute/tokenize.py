"""``dnabert2-explore tokenize``: sequences in, their tokens with coordinates out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TextIO

import typer

from ...common.delimited import cell, rows_writer
from ...common.files import located
from ...errors import silenced
from ..common import FORCE, GENOME, MODEL, MODELS, SOURCE, read_source
from ..output import check_output, replacing

if TYPE_CHECKING:
    from ...sequences import Sequence
    from ...tokens import DnaTokenizer, Tokens

__all__ = ["tokenize"]

#: What ``tokenize`` writes.
Format = Literal["tsv", "json"]


def tokenize(
    source: SOURCE = "-",
    genome: GENOME = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write.", show_default="standard output"),
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="Table or JSON.")] = "tsv",
    kmer: Annotated[
        list[int] | None,
        typer.Option(
            min=1,
            max=12,
            help="Also list overlapping k-mers, as DNABERT cut them; repeatable.",
        ),
    ] = None,
    sixmers: Annotated[
        bool, typer.Option("--sixmers", help="Also list 6-mers side by side, as NT cuts them.")
    ] = False,
    summary: Annotated[
        bool, typer.Option("--summary", help="One row a sequence and scheme, with counts only.")
    ] = False,
    special: Annotated[
        bool, typer.Option("--special/--no-special", help="List \\[CLS] and \\[SEP].")
    ] = True,
    model: MODEL = "pocket",
    force: FORCE = False,
) -> None:
    r"""List the tokens a model reads, with their places in the sequence.

    start and end count bases from 0, end not included, in the sequence as it
    stands in the file. Lower case, U and white space are read as the bases
    they mean; N and other letters become \[UNK], and a warning counts them.

    [bold]Examples[/bold]

      dnabert2-explore tokenize genes.fa.gz > tokens.tsv
      dnabert2-explore tokenize promoters.csv --format json -o tokens.json
      echo ACGTAGCATCGGATCTATCTATCG | dnabert2-explore tokenize

    Beside the first DNABERT and the Nucleotide Transformer (NT):

      dnabert2-explore tokenize genes.fa --kmer 6 --sixmers --summary
    """
    if output is not None:
        check_output(output, force)
    sequences = read_source(source, genome)
    segmentations = _segment(sequences, _schemes(_tokenizer(model), special, kmer or [], sixmers))
    write = _WRITERS[form, summary]
    with _opened(output) as file:
        write(segmentations, file)


def _tokenizer(model: str) -> DnaTokenizer:
    """Tokenizer of a model, its weights and torch left alone where the file is at hand."""
    from ...tokens import DnaTokenizer

    for folder in (MODELS / model, located(model)):
        if (folder / "tokenizer.json").is_file():
            return DnaTokenizer.from_file(folder / "tokenizer.json")
    from ...network.checkpoints.load import find_checkpoint

    return DnaTokenizer.from_file(find_checkpoint(model).tokenizer)


def _schemes(
    tokenizer: DnaTokenizer, special: bool, kmers: list[int], six: bool
) -> dict[str, Callable[[str], Tokens]]:
    """Ways to cut a sequence, by the name the output calls them."""
    from ...tokens import overlapping_kmers, sixmers

    schemes: dict[str, Callable[[str], Tokens]] = {
        "bpe": partial(tokenizer.encode, special=special)
    }
    schemes |= {f"{k}-mer": partial(overlapping_kmers, k=k) for k in kmers}
    if six:
        schemes["sixmers"] = sixmers
    return schemes


def _segment(
    sequences: list[Sequence], schemes: dict[str, Callable[[str], Tokens]]
) -> Iterator[tuple[str, str, Tokens]]:
    """Yield (sequence name, scheme, tokens); unknown bases are warned about once for all."""
    from ...sequences import Composition, UnknownBasesWarning, clean, warn_unknown

    warn_unknown(Composition.total(clean(one.bases).composition for one in sequences))
    for sequence in sequences:
        for scheme, cut in schemes.items():
            with silenced(UnknownBasesWarning):
                tokens = cut(sequence.bases)
            yield sequence.name, scheme, tokens


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        return
    with replacing(output) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        yield file


def _rows(segmentations: Iterator[tuple[str, str, Tokens]], file: TextIO) -> None:
    writer = rows_writer(file, "\t")
    writer.writerow(["name", "scheme", "index", "token", "id", "start", "end"])
    for name, scheme, tokens in segmentations:
        spans = tokens.spans.tolist()
        for i, (token, number) in enumerate(zip(tokens.tokens, tokens.ids.tolist(), strict=True)):
            writer.writerow([cell(name), scheme, i, token, number, *spans[i]])


def _counts(name: str, scheme: str, tokens: Tokens) -> dict[str, str | int | float]:
    return {
        "name": name,
        "scheme": scheme,
        "bases": len(tokens.bases),
        "token_count": len(tokens),
        "unknown_count": int(tokens.unknown.sum()),
        "bases_per_token": round(tokens.bases_per_token, 3),
    }


def _summary(segmentations: Iterator[tuple[str, str, Tokens]], file: TextIO) -> None:
    writer = rows_writer(file, "\t")
    for number, segmentation in enumerate(segmentations):
        row = _counts(*segmentation)
        if not number:
            writer.writerow(row)
        writer.writerow(map(cell, row.values()))


def _whole(name: str, scheme: str, tokens: Tokens) -> dict[str, Any]:
    return {
        **_counts(name, scheme, tokens),
        "tokens": list(tokens.tokens),
        "ids": tokens.ids.tolist(),
        "spans": tokens.spans.tolist(),
    }


def _json(
    row: Callable[..., dict[str, Any]],
    segmentations: Iterator[tuple[str, str, Tokens]],
    file: TextIO,
) -> None:
    """Write one array, an item a line, without holding a genome's tokens in memory."""
    lead = "["
    for segmentation in segmentations:
        file.write(f"{lead}\n{json.dumps(row(*segmentation))}")
        lead = ","
    file.write("[]\n" if lead == "[" else "\n]\n")


_WRITERS: dict[tuple[str, bool], Callable[[Iterator[tuple[str, str, Tokens]], TextIO], None]] = {
    ("tsv", False): _rows,
    ("tsv", True): _summary,
    ("json", False): partial(_json, _whole),
    ("json", True): partial(_json, _counts),
}
