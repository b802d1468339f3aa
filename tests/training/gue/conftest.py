"""Result files made by hand: what a run would have written."""

from __future__ import annotations

import numpy as np
import pytest

from dnabert2_explore.training.gue import BaselineRun, GueRun
from dnabert2_explore.training.gue.results import encode
from dnabert2_explore.training.scores.metrics import score


def answers(labels, wrong):
    """Right but for every `wrong`-th answer."""
    found = labels.copy()
    found[::wrong] = 1 - found[::wrong]
    return found


def scores(labels, found):
    return score("classification", labels, np.eye(2)[found], ("0", "1"), bootstrap=20)


def made_run(dataset="tf_2", label="mine", seed=42, wrong=5, state="full", **more):
    labels = np.random.default_rng(0).integers(2, size=200)
    found, simple = answers(labels, wrong), answers(labels, 3)
    settings = {
        "recipe": "published", "segmentation": "fixed", "average": 0.0, "schedule": "linear",
        "embeddings": "plain", "anchor": "", "strands": "one", "segmentations": 0,
        "method": "full", "batch_size": 32, "learning_rate": 3e-5, "weight_decay": 0.01,
        "gradient_clip": 1.0, "dropout": 0.1, "pooling": "cls", "augment": "none",
        "class_weights": "none", "patience": 0, "select": "loss", "train_rows": 0,
        "max_minutes": 0.0, "max_tokens": 30, "epochs": 3.0, "max_steps": 0,
        "warmup_steps": 30, "evaluate_every": 200,
    }  # fmt: skip
    fields = {
        "dataset": dataset,
        "model": "pocket",
        "label": label,
        "variation": "",
        "seed": seed,
        "state": state,
        "roles": {"train": "80% of dev.csv", "dev": "20% of dev.csv", "test": "test.csv"},
        "splits": {
            split: {"rows": 200, "file": f"{split}.csv", "sha256": "0"}
            for split in ("train", "dev", "test")
        },
        "deviations": (),
        "settings": settings,
        "parameters": 1000,
        "machine": "a desk",
        "seconds": 90.0,
        "best_step": 100,
        "steps": 200,
        "dev": scores(labels, found),
        "test": scores(labels, found),
        "baselines": (
            BaselineRun(
                "kmer", "4-mer logistic regression", {"k": 4}, 257, 1.0,
                scores(labels, simple), encode(simple),
            ),
        ),
        "leakage": (),
        "notes": (),
        "labels": encode(labels),
        "predicted": encode(found),
    }  # fmt: skip
    return GueRun(**(fields | more))


@pytest.fixture
def make_run():
    return made_run
