"""The server: standard input and output only, no port is opened."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ....errors import ExploreError, InputError
from ....extras import installed_by
from ....version import __version__
from .tools import Tools

__all__ = ["TOOLS", "serve_tools"]

#: By the names that a client calls them.
TOOLS = ("load", "embed", "predict", "attribute", "variants", "motifs")

_WORDS = (
    "DNABERT-2 on this machine: embeddings, predictions, attributions, variant scores and motifs "
    "of DNA sequences. The shipped models are small teaching models. Every answer names the file "
    "with all numbers; verdict and intervals are part of the result and must be passed on."
)


def serve_tools(folder: Path) -> None:
    """Answer an assistant until it goes; results are written into the folder.

    Without the extra ``[mcp]`` it is an `InputError`.
    """
    try:
        from mcp.server import MCPServer
        from mcp.server.mcpserver.exceptions import ToolError
    except ImportError as error:
        raise InputError(
            f"The server for assistants needs mcp, which is not installed: {installed_by('mcp')}"
        ) from error
    server = MCPServer("dnabert2-explore", version=__version__, instructions=_WORDS)
    tools = Tools(folder)

    def told(tool: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        """Let the client hear what is wrong, where that is a sentence of ours."""

        @functools.wraps(tool)
        def run(*args: Any, **kwargs: Any) -> dict[str, Any]:
            try:
                return tool(*args, **kwargs)
            except ExploreError as error:
                raise ToolError(str(error)) from error

        return run

    for name in TOOLS:
        server.tool(name=name)(told(getattr(tools, name)))
    server.run("stdio")
