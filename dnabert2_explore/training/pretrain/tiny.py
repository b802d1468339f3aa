"""A pre-training run that fits into a lesson: shipped sequences, a small vocabulary, a minute."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ... import demo
from ...common.files import write_text
from ...tokens import DnaTokenizer
from ..tokenizer import train_tokenizer
from . import PretrainConfig
from .logs import write_references

__all__ = ["HELD_OUT", "tiny_run"]

#: Species never trained on, from three categories.
HELD_OUT = ("Canis lupus familiaris", "Plasmodium knowlesi", "Vibrio cholerae O395")


def tiny_run(out: str | Path, steps: int = 400, seed: int = 0, threads: int = 0) -> PretrainConfig:
    """Prepare a small pre-training run on :func:`dnabert2_explore.demo.windows`.

    17 species (425 kb) to train on and 3 held out; a byte-pair encoding of 256 entries learnt from
    the former; 2 layers of 64; about a dozen snapshots. It learns the composition of genomes and
    little more: something to watch, not something to use.

    ``genomes/``, ``species.tsv`` and ``tokenizer/`` are written into the run folder `out`, and
    ``references.json`` with the loss of the training windows' token frequencies alone, on the
    held-out windows (every frequency with one count added).
    """
    out = Path(out)
    genomes, table, tokenizer = out / "genomes", out / "species.tsv", out / "tokenizer"
    genomes.mkdir(parents=True, exist_ok=True)
    records: dict[str, list[str]] = {}
    rows = ["file\tcategory\tspecies\tsplit"]
    for window in demo.windows():
        species = window.fields["species"]
        if species not in records:
            split = "heldout" if species in HELD_OUT else "train"
            rows.append(f"{_file(species)}\t{window.label}\t{species}\t{split}")
        records.setdefault(species, []).append(f">{window.name}\n{window.bases}\n")
    for species, texts in records.items():
        write_text(genomes / _file(species), "".join(texts))
    write_text(table, "\n".join(rows) + "\n")
    train_tokenizer(genomes, table, tokenizer, vocabulary=256, windows=2000, seed=seed)
    write_references(out, _frequency_loss(tokenizer))
    return PretrainConfig(
        genomes=str(genomes),
        table=str(table),
        tokenizer=str(tokenizer),
        out=str(out),
        network={
            "hidden_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 128,
            "initializer_range": 0.05,
        },
        # Hidden alike in training and on the held-out rows, so that the two losses compare.
        mask_strategy="mask",
        row_tokens=128,
        batch_rows=16,
        shortest=700,
        longest=1000,
        total_steps=steps,
        warmup_steps=max(1, steps // 20),
        learning_rate=3e-3,
        seed=seed,
        threads=threads,
        log_every=max(1, steps // 80),
        evaluate_every=max(1, steps // 10),
        evaluate_rows=12,
        checkpoint_every=max(1, steps // 2),
        snapshots_every=max(1, steps // 12),
    )


def _frequency_loss(tokenizer: Path) -> float:
    """Nats a held-out token costs who knows only how frequent tokens are."""
    encode = DnaTokenizer.from_file(tokenizer / "tokenizer.json").encode_batch
    sides: dict[bool, list[NDArray[np.int64]]] = {True: [], False: []}
    windows = demo.windows()
    for window, tokens in zip(windows, encode([one.bases for one in windows]), strict=True):
        sides[window.fields["species"] in HELD_OUT].append(tokens.ids[~tokens.special])
    size = 1 + max(int(ids.max()) for side in sides.values() for ids in side)
    train, held_out = (
        np.bincount(np.concatenate(sides[side]), minlength=size) for side in (False, True)
    )
    frequencies = (train + 1) / (train + 1).sum()
    return float(-(held_out @ np.log(frequencies)) / held_out.sum())


def _file(species: str) -> str:
    return re.sub(r"\W+", "_", species).lower() + ".fa"
