"""One HTML file that computes by itself: a model, its tokenizer and their views, without Python.

The network runs in the browser through onnxruntime-web (MIT, inlined); the file opens from a disk,
asks no host for anything and sends nothing.
"""

from __future__ import annotations

from .build import build_page
from .runtime import ORT_VERSION, Runtime, find_runtime

__all__ = ["ORT_VERSION", "Runtime", "build_page", "find_runtime"]
