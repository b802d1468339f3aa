"""``dnabert2-explore page``: one HTML file in which a model computes, without Python."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ...errors import InputError
from ...extras import installed_by
from ..common import FORCE, MODEL
from ..output import check_output

__all__ = ["page"]


def page(
    output: Annotated[Path, typer.Option("--output", "--out", "-o", help="The .html to write.")],
    model: MODEL = "pocket-splice",
    runtime: Annotated[
        Path | None,
        typer.Option(
            help="Folder of an unpacked onnxruntime-web; by default npm fetches it once.",
        ),
    ] = None,
    force: FORCE = False,
) -> None:
    """Write one HTML file in which a small model computes, offline and without Python.

    It opens from a USB stick or a static host: tokens, attention, prediction,
    occlusion and saturation mutagenesis (of a masked-LM model: a dependency map),
    the place among the demo windows, and sequences that are pasted in. Takes about
    half a minute; needs the extra "onnx", and npm or --runtime the first time.

    [bold]Examples[/bold]

      dnabert2-explore page -m pocket-splice -o lab.html

      dnabert2-explore page -m runs/mine/model -o mine.html --runtime node_modules/onnxruntime-web
    """
    if output.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{output} is no .html: browsers tell a page by its name")
    check_output(output, force)
    from ...page import build_page

    try:
        path = build_page(model, output, runtime)
    except ImportError as error:
        raise InputError(
            f"A page needs {error.name}, which is not installed: {installed_by('onnx')}"
        ) from error
    print(
        f"{path}: {path.stat().st_size / 1e6:.1f} MB; open it in a browser, offline",
        file=sys.stderr,
    )
