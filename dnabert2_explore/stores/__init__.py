"""Embeddings of whole genomes on disk: windows, the store, filling it, exporting it.

Light to import: zarr, pandas, pyarrow, h5py and distributed load where they are used.
"""

from .check import Damage, StoreCheck, check_store
from .embedded import EmbeddedSequences, read_embedded
from .embedder import Embedder
from .errors import StoreError
from .files.exporting import export
from .filling.embed import embed_windows
from .filling.plan import Chunk, WindowPlan
from .filling.summary import Summary
from .search import StoreHits
from .store import EmbeddingStore, open_store

__all__ = [
    "Chunk",
    "Damage",
    "EmbeddedSequences",
    "Embedder",
    "EmbeddingStore",
    "StoreCheck",
    "StoreError",
    "StoreHits",
    "Summary",
    "WindowPlan",
    "check_store",
    "embed_windows",
    "export",
    "open_store",
    "read_embedded",
]
