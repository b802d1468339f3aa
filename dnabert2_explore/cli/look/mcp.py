"""``dnabert2-explore mcp``: tools for an assistant, over standard input and output."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["mcp"]


def mcp(
    directory: Annotated[
        Path, typer.Option("--dir", help="Folder that results are written to.")
    ] = Path("dnabert2-results"),
) -> None:
    """Let an assistant ask: load, embed, predict, attribute, variants, motifs.

    Speaks the Model Context Protocol on standard input and output; no port is
    opened, nothing downloaded, nothing written over. Needs the extra "mcp".
    A client starts it itself; in its settings:

      {"command": "dnabert2-explore", "args": ["mcp", "--dir", "/home/me/dna"]}

    [bold]Examples[/bold]

      dnabert2-explore mcp --dir ~/dna
    """
    from .assistant.server import serve_tools

    serve_tools(directory)
