"""A small genome with a short record and a stretch of N, and a store of it."""

from __future__ import annotations

import pytest

from dnabert2_explore.sequences.genome import Genome
from dnabert2_explore.stores import embed_windows

from .fake import ROWS, STRIDE, WINDOW, FakeEmbedder, write_fasta


@pytest.fixture
def fasta(tmp_path):
    return write_fasta(tmp_path / "genome.fa")


@pytest.fixture
def genome(fasta):
    with Genome(fasta) as genome:
        yield genome


@pytest.fixture
def store(tmp_path, fasta):
    """Path of a finished store."""
    path = tmp_path / "finished.zarr"
    embed_windows(path, fasta, FakeEmbedder(), WINDOW, STRIDE, ROWS)
    return path
