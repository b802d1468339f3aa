"""The atlas: sequences as points, what the picture is, and what a lasso holds."""

from .explorer import AtlasExplorer

__all__ = ["AtlasExplorer"]
