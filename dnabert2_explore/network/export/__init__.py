"""Models for people who do not have dnabert2-explore: plain transformers, and ONNX."""

from __future__ import annotations

from .onnx import export_onnx
from .standalone import export_transformers

__all__ = ["export_onnx", "export_transformers"]
