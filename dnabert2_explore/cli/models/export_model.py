"""``dnabert2-explore export-model``: a model for people without this package."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from ...errors import InputError
from ...extras import installed_by
from ..common import FORCE

__all__ = ["export_model"]

#: Where the model is to run.
Target = Literal["transformers", "onnx"]


def export_model(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="pocket, a model folder, or a hub id.")
    ],
    output: Annotated[Path, typer.Option("--output", "--out", "-o", help="Folder to write.")],
    to: Annotated[Target, typer.Option("--to", help="Where it is to run.")] = "transformers",
    dtype: Annotated[
        str,
        typer.Option(help="Of the weights, for transformers.", show_default="the model's"),
    ] = "",
    force: FORCE = False,
) -> None:
    """Write a model for transformers without this package, or for onnxruntime.

    transformers: a folder with its own two short code files, which
    from_pretrained(FOLDER, trust_remote_code=True) runs. onnx: model.onnx in
    float32 with free batch and length, ALiBi inside (needs the extra "onnx").

    [bold]Examples[/bold]

      dnabert2-explore export-model runs/mine/model -o mine-hf

      dnabert2-explore export-model pocket-splice -o splice-onnx --to onnx
    """
    if output.exists() and not output.is_dir():
        raise InputError(f"{output} is a file; expected the name of a folder to write")
    if output.is_dir() and any(output.iterdir()) and not force:
        raise InputError(f"{output} is not empty; pass --force to write into it, or name another")
    import torch

    from ...encoder import SHIPPED
    from ...network.export import export_onnx, export_transformers

    source = SHIPPED.get(model, model)
    if to == "onnx":
        if dtype not in ("", "float32"):
            raise InputError(f"ONNX is written in float32, not {dtype}: leave --dtype out")
        try:
            path = export_onnx(source, output)
        except ImportError as error:
            raise InputError(
                f"ONNX export needs {error.name}, which is not installed: {installed_by('onnx')}"
            ) from error
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB", file=sys.stderr)
        return
    kinds = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
    if dtype and dtype not in kinds:
        raise InputError(f"--dtype is {dtype}; expected {', '.join(kinds)}")
    folder = export_transformers(source, output, kinds.get(dtype))
    print(
        f"{folder}: load it with from_pretrained({str(folder)!r}, trust_remote_code=True), or "
        "without that after `import dnabert2_explore`",
        file=sys.stderr,
    )
