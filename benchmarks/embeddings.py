"""Plain against composed token embeddings in pre-training: masked loss on held-out species.

Networks of 2 × 128, the same batches for both, several seeds, each judged on the same rows; beside
them what token frequencies alone reach, and the untrained network. Runs that stand are not
repeated, those that were interrupted go on.

    dnabert2-explore train-tokenizer ../shared/genomes --table configs/pocket_species.tsv \
        --output runs/tokenizer
    python benchmarks/embeddings.py ../shared/genomes --tokenizer runs/tokenizer \
        --runs runs/embeddings --out benchmarks/results/embeddings.json
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnabert2_explore import PretrainConfig, pretrain
from dnabert2_explore.bench import Table, describe_machine, write_tables

ROOT = Path(__file__).parents[1]
KINDS = ("plain", "composed")


def losses(folder: Path, step: int) -> dict[str, float]:
    """Held-out loss of each species at a step, in nats per hidden token."""
    with (folder / "evaluation.csv").open() as file:
        return {
            row["species"]: float(row["loss"])
            for row in csv.DictReader(file)
            if int(row["step"]) == step
        }


def train(kind: str, seed: int, options: argparse.Namespace) -> Path:
    """Train one network, or go on with it; return its folder."""
    out = options.runs / f"{kind}-{seed}"
    if (out / "model").is_dir():
        return out
    config = PretrainConfig(
        genomes=str(options.genomes), table=str(ROOT / "configs/pocket_species.tsv"),
        tokenizer=str(options.tokenizer), out=str(out),
        network={"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
                 "intermediate_size": 512, "initializer_range": 0.05},
        exclude=[str(ROOT / "dnabert2_explore/data/windows.csv.gz")],
        embeddings=kind, row_tokens=128, batch_rows=32, total_steps=options.steps,
        warmup_steps=options.steps // 10, decay_steps=options.steps // 3, schedule="trapezoid",
        learning_rate=options.rate, precision="float32", threads=1, seed=seed,
        evaluate_every=options.steps, evaluate_rows=options.rows, checkpoint_every=100,
        keep_checkpoints=1, snapshots_every=0,
    )  # fmt: skip
    pretrain(config, resume=any((out / "checkpoints").glob("*")))
    return out


def interval(differences: NDArray[np.float64]) -> tuple[float, float]:
    """95% bootstrap interval of a mean over species, each the mean of its seeds."""
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(differences), size=(10_000, len(differences)))
    low, high = np.quantile(differences[drawn].mean(axis=1), (0.025, 0.975))
    return float(low), float(high)


def main() -> None:
    """Train, judge and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("genomes", type=Path)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--steps", type=int, default=400, help="of 32 rows of 128 tokens")
    parser.add_argument("--rate", type=float, default=2e-3, help="learning rate of both")
    parser.add_argument("--rows", type=int, default=64, help="held-out rows of a species")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", help="JSON file of the table")
    options = parser.parse_args()
    found: dict[str, list[list[float]]] = {kind: [] for kind in KINDS}
    names: list[str] = []
    frequency = 0.0
    for seed in range(options.seeds):
        for kind in KINDS:
            folder = train(kind, seed, options)
            here = losses(folder, options.steps)
            names = list(here)
            found[kind].append([here[name] for name in names])
            references = json.loads((folder / "references.json").read_text())
            frequency = references["token frequencies alone"]
    plain, composed = (np.array(found[kind]) for kind in KINDS)
    rows = [
        (
            name,
            f"{plain[:, at].mean():.3f}",
            f"{composed[:, at].mean():.3f}",
            f"{(composed - plain)[:, at].mean():+.3f}",
        )
        for at, name in enumerate(names)
    ]
    difference = (composed - plain).mean(axis=0)
    low, high = interval(difference)
    rows.append(
        (
            "mean",
            f"{plain.mean():.3f}",
            f"{composed.mean():.3f}",
            f"{difference.mean():+.3f} ({low:+.3f} to {high:+.3f})",
        )
    )
    table = Table(
        title=f"Masked loss on held-out species after {options.steps} steps, nats",
        header=("species", "plain", "composed", "difference"),
        rows=tuple(rows),
        note=f"2 × 128, {options.seeds} seeds, {options.rows} rows of 128 tokens a species; in "
        f"brackets the 95% bootstrap interval over species. Token frequencies alone: "
        f"{frequency:.2f} on training rows; an untrained network: ln 4,096 = 8.32.",
    )
    import torch

    machine = describe_machine(torch.device("cpu"))
    print(f"{machine}\n\n{table.markdown()}")
    if options.out:
        write_tables(options.out, machine, [table], " ".join(["python", *sys.argv]))


if __name__ == "__main__":
    main()
