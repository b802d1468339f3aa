"""Tiny labelled files, and a tiny model to fine-tune, for the tests of fine-tuning."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dnabert2_explore.network import Dnabert2Config, Dnabert2ForMaskedLM
from dnabert2_explore.network.checkpoints.saving import save_model
from dnabert2_explore.training.finetune import FinetuneConfig
from dnabert2_explore.training.finetune.methods.recipe import PUBLISHED


def authors(**settings: Any) -> FinetuneConfig:
    """A run by the authors' protocol, whatever its size, with nothing left open."""
    return FinetuneConfig(**{"recipe": "published", **PUBLISHED, **settings})


def tiny_model(folder: Path, tokenizer: Path, vocabulary: int = 64, heads: int = 2) -> Path:
    torch.manual_seed(0)
    network = Dnabert2ForMaskedLM(
        Dnabert2Config(
            vocab_size=vocabulary,
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=heads,
            intermediate_size=16,
            initializer_range=0.1,
        )
    )
    save_model(network, folder, tokenizer, torch.float16)
    return folder


def gc_rows(count: int, seed: int, length: int = 40) -> list[tuple[str, float]]:
    """Sequences with their share of G and C."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(count):
        weights = (0.4, 0.1, 0.1, 0.4) if i % 2 else (0.1, 0.4, 0.4, 0.1)
        bases = "".join(rng.choice(list("ACGT"), size=length, p=weights))
        rows.append((bases, (bases.count("G") + bases.count("C")) / length))
    return rows


def write_csv(path: Path, header: tuple[str, ...], rows: list[tuple]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


SPLITS = {"train": 160, "dev": 40, "test": 40}


def write_splits(folder: Path, task: str) -> Path:
    """Three files for a task; which label a sequence has follows from its G and C."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, (split, count) in enumerate(SPLITS.items()):
        rows = gc_rows(count, seed)
        if task == "classification":
            table = [(s, "rich" if gc > 0.5 else "poor") for s, gc in rows]
        elif task == "multi_label":
            table = [
                (s, ";".join(["rich"] * (gc > 0.5) + ["starts_C"] * (s[0] in "CG")))
                for s, gc in rows
            ]
        elif task == "regression":
            table = [(s, f"{1000 + 500 * gc:.2f}") for s, gc in rows]
        else:
            other = gc_rows(count, seed + 10, 30)[::-1]
            table = [
                (a, b, "same" if (x > 0.5) == (y > 0.5) else "other")
                for (a, x), (b, y) in zip(rows, other, strict=True)
            ]
            table[::2] = [(a, a[:30], "same") for a, _, _ in table[::2]]
            write_csv(folder / f"{split}.csv", ("sequence1", "sequence2", "label"), table)
            continue
        write_csv(folder / f"{split}.csv", ("sequence", "label"), table)
    return folder
