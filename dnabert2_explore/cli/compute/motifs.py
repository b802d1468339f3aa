"""``dnabert2-explore motifs``: the motifs behind a classifier's decisions, as a report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from ...common.files import write_text
from ...common.names import Collection
from ...errors import InputError
from ...results.table_files import plain_text
from ..common import (
    DEVICE,
    DTYPE,
    FORCE,
    GENOME,
    SOURCE,
    progress_bar,
    read_source,
    stop_between_steps,
)
from ..output import check_output
from .attribute import find_target

if TYPE_CHECKING:
    from ...analysis.motifs import MotifFindings
    from ...common.names import Caller, Method
    from ...encoder import Encoder
    from ...sequences import Sequence

__all__ = ["motifs"]


def motifs(
    source: SOURCE,
    model: Annotated[str, typer.Option("--model", "-m", help="A fine-tuned model.")],
    target: Annotated[
        str | None,
        typer.Option(
            "--target", "-t", help="Class name or index; needed where there are several classes."
        ),
    ] = None,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            help=".html for the report, .meme for the motifs, .tsv for their matches; repeat it.",
        ),
    ] = None,
    method: Annotated[
        str, typer.Option(help="As in 'attribute'; only mutagenesis resolves single bases.")
    ] = "saturation_mutagenesis",
    caller: Annotated[
        str, typer.Option(help="seqlets, or modisco (needs the extra \\[motifs]).")
    ] = "seqlets",
    database: Annotated[
        Path | None,
        typer.Option(help="Known motifs, MEME or JASPAR.", show_default="JASPAR's vertebrates"),
    ] = None,
    collection: Annotated[
        Collection,
        typer.Option(
            help="Of JASPAR: vertebrates; plants, insects, fungi, … need the extra \\[motifs]."
        ),
    ] = "vertebrates",
    least: Annotated[int, typer.Option(min=2, help="Fewest sites of a pattern.")] = 20,
    confident: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Only sequences that the model gives the target so probably."
        ),
    ] = 0.5,
    genome: GENOME = None,
    most: Annotated[
        int, typer.Option(min=1, help="At most so many sequences, the most confident first.")
    ] = 500,
    null: Annotated[
        int,
        typer.Option(
            min=0,
            help="Do it all again with so many networks of random weights; each takes as long.",
        ),
    ] = 0,
    device: DEVICE = "auto",
    dtype: DTYPE = "auto",
    force: FORCE = False,
) -> None:
    """Find the motifs that speak for a class: attribute, call seqlets, match with JASPAR.

    A few hundred sequences that the model assigns to the class are enough. A
    match names a family of factors with similar motifs, not one factor.

    [bold]Examples[/bold]

      dnabert2-explore motifs peaks.fa -m runs/tf/model --target bound -o report.html

      dnabert2-explore motifs test.csv -m runs/tf/model -t 1 -o motifs.meme -o matches.tsv

      dnabert2-explore motifs peaks.fa -m runs/tf/model -t bound --most 300 --null 10
    """
    from ...analysis.motifs import discover_motifs
    from ...encoder import load
    from ...sequences.known import check_known
    from ...sequences.motifs.files import read_motifs
    from ...sequences.motifs.jaspar import jaspar

    output = output or [Path("motifs.html")]
    for path in output:
        if path.suffix not in (".html", ".meme", ".tsv"):
            raise InputError(f"{path}: a name ending in .html, .meme or .tsv says what to write")
        check_output(path, force)
    sequences = read_source(source, genome)
    check_known(sequences)
    known = jaspar(collection) if database is None else read_motifs(database)
    enc = load(model, device=device, dtype=dtype)
    if not enc.has_head:
        raise InputError(f"model {enc.name!r} has no head: load a fine-tuned model")
    wanted = find_target(enc, target)
    assert not isinstance(wanted, tuple)
    chosen = _choose(enc, sequences, wanted, confident, most)
    with progress_bar("Motifs") as bar, stop_between_steps(bar) as report:
        found = discover_motifs(
            enc,
            chosen,
            wanted,
            method=cast("Method", method),  # or refused, with those there are
            database=known,
            caller=cast("Caller", caller),
            least=least,
            null=null,
            pool=sequences if null else None,
            progress=report,
        )
    # A file of motifs without any would be none.
    written = [p for p in output if found.discovery.patterns or p.suffix != ".meme"]
    for path in written:
        _write(path, enc, found)
    for path in output:
        if path not in written:
            print(f"{path}: not written, since there is no motif", file=sys.stderr)
    print(f"{', '.join(map(str, written)) or 'nothing'}: {found.caption}", file=sys.stderr)
    _tell(found)


def _choose(
    enc: Encoder, sequences: list[Sequence], target: int | str | None, confident: float, most: int
) -> list[Sequence]:
    """Take the sequences that the model gives the target, the most confident first."""
    import numpy as np

    from ...analysis.attribution import ExplainedOutput

    if len(enc.classes) < 2:
        return sequences[:most]
    if target is None:
        raise InputError(f"--target: name a class, one of {', '.join(enc.classes)}")
    index = ExplainedOutput.of(enc, sequences[0], target).target
    assert isinstance(index, int)
    probability = enc.predict(sequences)[:, index]
    order = np.argsort(-probability, kind="stable")
    chosen = [sequences[i] for i in order if probability[i] >= confident]
    print(
        f"{len(chosen):,} of {len(sequences):,} sequences have “{enc.classes[index]}” with a "
        f"probability of at least {confident:g}; {min(len(chosen), most):,} are taken",
        file=sys.stderr,
    )
    if not chosen:
        raise InputError("no sequence is left: lower --confident, or name another --target")
    return chosen[:most]


def _write(path: Path, enc: Encoder, found: MotifFindings) -> None:
    from ...figures.motifs.report import motif_report
    from ...sequences.motifs.files import write_motifs

    if path.suffix == ".meme":
        write_motifs(path, found.discovery.motifs)
        return
    if path.suffix == ".tsv":
        table = found.discovery.table() if found.matches is None else found.matches.table()
        text = plain_text(table, "\t")
    else:
        text = motif_report(
            found.discovery,
            found.matches,
            title=f"Motifs of “{found.target_name}”",
            model=found.model,
            caption=f"{found.caption} {found.null_words}".strip(),
            sequences=enc.tokenizer.encode_batch(
                (one.bases for one in found.sequences), warn=False
            ),
        )
    write_text(path, text)


def _tell(found: MotifFindings) -> None:
    """Print a line a pattern, or why there is none."""
    for number, pattern in enumerate(found.discovery.patterns):
        line = f"{pattern.motif.name}\t{pattern.motif.consensus}\t{len(pattern.sites):,} sites"
        if found.matches is not None:
            best = found.matches.best(number)
            line += f"\t{best.target.label}\tq = {best.q_value:.2g}"
        print(line)
    if found.null:
        print(found.null_words, file=sys.stderr)
    if not found.discovery.patterns:
        print(
            f"no motif: {found.discovery.n_seqlets:,} stretches count, but nothing recurs in them "
            "more than chance and the control allow; try more sequences",
            file=sys.stderr,
        )
