"""A small world: four species in two categories, a held-out one, and a tokenizer trained on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dnabert2_explore.training.corpus.windows import Corpus

TABLE = """file\tcategory\tspecies\tsplit
a.fa\tbacteria\talpha\ttrain
b.fa\tbacteria\tbeta\ttrain
c.fa\tfungi\tgamma\ttrain
d.fa\tfungi\tdelta\theldout
e.fa\tfungi\tepsilon\tskip
"""

# Different composition by species, so that a window tells where it comes from.
WEIGHTS = {
    "a": (0.7, 0.1, 0.1, 0.1),
    "b": (0.1, 0.7, 0.1, 0.1),
    "c": (0.1, 0.1, 0.7, 0.1),
    "d": (0.25, 0.25, 0.25, 0.25),
    "e": (0.1, 0.1, 0.1, 0.7),
}
SIZES = {"a": 40_000, "b": 10_000, "c": 20_000, "d": 10_000, "e": 5_000}


@pytest.fixture(scope="session")
def genomes(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("genomes")
    for seed, (name, weights) in enumerate(WEIGHTS.items()):
        letters = np.random.default_rng(seed).choice(list("ACGT"), size=SIZES[name], p=weights)
        text = "".join(letters)
        # soft-masked stretches, unknown bases and a record too short for a window
        text = text[:500].lower() + "N" * 30 + text[530:]
        (folder / f"{name}.fa").write_text(f">one\n{text}\n>one\nACGT\n")
    return folder


@pytest.fixture(scope="session")
def table(genomes) -> Path:
    path = genomes / "species.tsv"
    path.write_text(TABLE)
    return path


@pytest.fixture(scope="session")
def corpus(genomes, table) -> Corpus:
    return Corpus.load(genomes, table, shortest=100)


@pytest.fixture(scope="session")
def tokenizer_folder(genomes, table, tmp_path_factory) -> Path:
    from dnabert2_explore.training.tokenizer import train_tokenizer

    out = tmp_path_factory.mktemp("tokenizer")
    train_tokenizer(genomes, table, out, vocabulary=64, windows=200, window_bases=100)
    return out


@pytest.fixture(scope="session")
def backend(tokenizer_folder):
    from dnabert2_explore.training.corpus.rows import load_backend

    return load_backend(tokenizer_folder)
