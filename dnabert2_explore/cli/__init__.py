"""The command line, ``dnabert2-explore``: one module a command, heavy imports only inside them.

Exit codes: 0 done; 1 the input, a file or a model cannot be used (one sentence on stderr); 2 the
command was written wrongly; 130 stopped with Ctrl-C.
"""

from __future__ import annotations

from .app import app, main

__all__ = ["app", "main"]
