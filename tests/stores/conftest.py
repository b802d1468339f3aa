"""A small genome with a short record and a stretch of N, and a store of it."""

from __future__ import annotations

import shutil

import pytest

from dnabert2_explore.sequences.reading.genome import Genome
from dnabert2_explore.stores import embed_windows

from .fake import ROWS, STRIDE, WINDOW, FakeEmbedder, write_fasta


@pytest.fixture
def fasta(tmp_path):
    return write_fasta(tmp_path / "genome.fa")


@pytest.fixture
def genome(fasta):
    with Genome(fasta) as genome:
        yield genome


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A finished store for tests to copy."""
    folder = tmp_path_factory.mktemp("made")
    fasta = write_fasta(folder / "genome.fa")
    embed_windows(folder / "finished.zarr", fasta, FakeEmbedder(), WINDOW, STRIDE, ROWS)
    return folder / "finished.zarr"


@pytest.fixture
def store(tmp_path, fasta, made):
    """Path of a finished store."""
    with Genome(fasta):  # leaves an index, as the run did
        pass
    return shutil.copytree(made, tmp_path / "finished.zarr")
