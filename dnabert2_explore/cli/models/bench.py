"""``dnabert2-explore bench``: the engine beside the original's way, on this machine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ..common import DEVICE, progress_bar

if TYPE_CHECKING:
    from ...bench import Table

__all__ = ["bench"]

SHORT = ("mixed", 128, 512, 2048)
FULL = (*SHORT, 4096, 8192)
MEMORY = 4096

#: Which network is measured.
Shape = Literal["pocket", "117M"]


def bench(
    shape: Annotated[Shape, typer.Option(help="Network, with random weights.")] = "pocket",
    dtype: Annotated[
        str,
        typer.Option(
            help="Type ours computes in: float32, bfloat16, float16; auto is float32, and bfloat16 "
            "where the hardware gains from it."
        ),
    ] = "auto",
    device: DEVICE = "auto",
    length: Annotated[
        list[int] | None,
        typer.Option("--length", "-n", help="Tokens in a sequence; may be repeated."),
    ] = None,
    full: Annotated[
        bool,
        typer.Option(
            "--full",
            help="Up to 8,192 tokens, and all mutants of 300 bp: minutes; for 117M on a CPU an "
            "hour and 16 GB of memory.",
        ),
    ] = False,
    memory: Annotated[
        bool, typer.Option(help="Measure memory, too, of the longest or 4,096 tokens (on Linux).")
    ] = True,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown, for a report.")
    ] = False,
) -> None:
    """Measure this machine: our engine beside one that works as the original does.

    Both have the same weights and take the same sequences, in turns; what they
    compute is compared, too. It takes about a minute for the pocket shape on
    two cores. Close what else is running.

    [bold]Examples[/bold]

      dnabert2-explore bench
      dnabert2-explore bench --shape 117M -n 512 --dtype bfloat16
      dnabert2-explore bench --full --markdown > speed.md
    """
    import torch

    from ...bench import (
        MUTATED_BASES,
        Plan,
        describe_machine,
        measure,
        missing_rows,
        why_unmeasurable,
    )
    from ...encoder import find_device
    from ...encoder.loading.precision import find_dtype, gains_from_bfloat16
    from ...errors import ExploreError

    where = find_device(device)
    if dtype == "auto":
        dtypes = (torch.float32, torch.bfloat16)[: 1 + gains_from_bfloat16(where)]
    else:
        dtypes = (find_dtype(dtype, where, 0),)
    longest = max(length) if length else MEMORY
    reason = why_unmeasurable(where) if memory else ""
    plan = Plan(
        shape=shape,
        device=where,
        dtypes=dtypes,
        lengths=tuple(length) if length else FULL if full else SHORT,
        memory=(longest,) if memory and not reason else (),
        mutated_bases=MUTATED_BASES if full and not length else 0,
        repeats=2,
        seconds=1.0,
    )
    machine = str(describe_machine(where))  # before anything runs, for the load
    with progress_bar("Measuring") as progress:
        speed, rest = replace(plan, memory=()), replace(plan, lengths=(), mutated_bases=0)
        total = plan.n_rows
        tables = measure(speed, lambda done, _n, _row: progress(done, total))
        if plan.memory:
            try:
                tables += measure(rest, lambda d, _n, _row: progress(speed.n_rows + d, total))
            except ExploreError as error:  # what took minutes to measure is told all the same
                reason = str(error)
    remarks = [f"memory: not measured here ({reason})"] if reason else []
    remarks += [f"missing: {reason}" for reason in missing_rows(where, dtypes)]
    if markdown:
        print("\n\n".join([machine, *(table.markdown() for table in tables), *remarks]))
    else:
        _draw(machine, tables, remarks)


def _draw(machine: str, tables: list[Table], remarks: list[str]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table as Drawn

    console = Console()
    console.print(machine, highlight=False, soft_wrap=True)
    for table in tables:
        drawn = Drawn(
            title=table.title,
            caption=table.note,
            box=box.SIMPLE_HEAD,
            padding=(0, 1, 0, 0),
            show_edge=False,
            title_justify="left",
            caption_justify="left",
        )
        for index, name in enumerate(table.header):
            cells = [name, *(row[index] for row in table.rows)]
            widest = max(len(word) for cell in cells for word in cell.split())
            drawn.add_column(name, justify="right" if index else "left", min_width=widest)
        for row in table.rows:
            drawn.add_row(*row)
        console.print()
        console.print(drawn)
    for remark in remarks:
        console.print()
        console.print(remark, highlight=False, markup=False, soft_wrap=True)
