"""See DNA the way DNABERT-2 sees it: tokens, attention, attributions and embeddings in Jupyter.

Importing this package is light. torch, captum, umap and plotly load when a name that needs them
is first used. transformers' Auto classes know DNABERT-2 from then on, whenever they are imported.

Examples
--------
>>> import dnabert2_explore as dx
>>> enc = dx.load("pocket")
>>> tokens = enc.tokenize("ACGTAGCATCGGATCTATCTATCG")
>>> int(tokens.lengths.sum())
24
"""

from __future__ import annotations

from typing import Any

import lazy_loader

from .autoclasses import register_when_needed
from .extras import translated
from .results.rich_display import draw_with
from .version import __version__ as __version__

# The names stand in __init__.pyi, and are resolved on first use so that importing stays light.
_resolve, _, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ = sorted([*__all__, "__version__"])

register_when_needed()


def _bundle(result: Any) -> dict[str, str]:
    """Draw a result that a notebook shows: only then are pictures loaded."""
    from .figures.display import bundle_of

    return bundle_of(result)


draw_with(_bundle)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with translated():
        return _resolve(name)


def __dir__() -> list[str]:
    return list(__all__)
