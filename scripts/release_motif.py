"""Plant a motif into real windows, train pocket-motif to see it, and export model and examples.

    python scripts/release_motif.py --work ../runs/motif

Sites of JASPAR's NFE2 stand in half of the 100-bp backgrounds, which are cut from the package's demo
windows; in the other half stand decoys, sites of the same motif with its positions shuffled, in many
ways, so that the motif has to be learnt and not the decoy. Train, dev and test are cut from different
windows of the genomes, and their decoys are shuffled in different ways. Written: the model's folder with
scores.json and MODEL_CARD.md, and ``data/motif.csv``, test sequences with their sites. Models that are
trained on permuted labels are the null of the motif that is found. Resumable: finished runs stay.
"""

# ruff: noqa: E501  (the card's tables and commands do not wrap)

from __future__ import annotations

import argparse
import csv
import math
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

import dnabert2_explore as dx
from dnabert2_explore.analysis.motifs.find import best_match
from dnabert2_explore.common.files import replacing
from dnabert2_explore.network.checkpoints.load import find_checkpoint, load_network
from dnabert2_explore.network.checkpoints.saving import save_model
from dnabert2_explore.results.sealed import write_json
from dnabert2_explore.sequences import windows
from dnabert2_explore.sequences.motifs.plant import Planted, planted_set
from dnabert2_explore.training.labelled.tables import read_labelled
from dnabert2_explore.training.scores.metrics import score
from dnabert2_explore.training.scores.rules import compare_with_rules

MOTIF, SIZE, SEED = "NFE2", 100, 0
#: Bases from one background to the next in training (in dev and test they do not overlap), times each
#: background is used, and ways in which decoys are shuffled.
STEP, TIMES, DECOYS = 50, 3, 100
#: Windows of the genomes whose pieces each split gets.
SPLITS = {"train": slice(0, 400), "dev": slice(400, 450), "test": slice(450, 500)}
SHOWN = 200
EPOCHS = 10.0
PACKAGE = Path(dx.__file__).parent

CARD = """\
# pocket-motif

A DNABERT-2-shaped network of {parameters:,} parameters ({layers} layers, hidden {hidden}) that tells windows of
100 bases with a site of {motif} (JASPAR {accession}) from windows with a **decoy**, a site of the same motif with
its positions shuffled. Where the site stands is known, so that attributions, the motif gym and motif discovery
can be held against the truth: a model to learn with.

It answers with the {readings}; attributions explain one reading.

Licence: Apache-2.0, like the package. The profile is JASPAR's (CC BY 4.0), the backgrounds are the package's demo
windows ([sources](../../data/SOURCES.md)). `dnabert2_explore.demo.motif()` gives {shown} of the test sequences.

## Training

{train:,} training, {dev:,} dev and {test:,} test sequences, half of them decoys, from different windows of the genomes; from
random weights ({model}), the recipe for small networks: {steps:,} steps of {batch} sequences, the weights of step {best:,}.

    python scripts/release_motif.py --work ../runs/motif

## Scores on test

Of the float16 weights as shipped; interval (95%) over test sequences.

| | MCC |
|---|---|
{table}

## Which motif it finds

`discover_motifs` on {asked} test windows that it rightly calls planted: {patterns}. Best match in JASPAR: {best_match} (q = {q:.2g}).
The same with {null} models trained on **permuted labels**, on as many windows as each of them calls planted most: best q
{null_q}.{verdict}
"""


def make_data(folder: Path) -> dict[str, list[Planted]]:
    """Write train, dev and test; return their sequences."""
    whole = dx.demo.windows()
    random.Random(SEED).shuffle(whole)
    motif = dx.jaspar_motif(MOTIF).trimmed(0.5)
    made = {}
    folder.mkdir(parents=True, exist_ok=True)
    for number, (split, part) in enumerate(SPLITS.items()):
        step, times = (STEP, TIMES) if split == "train" else (SIZE, 1)
        cut = [bases for one in whole[part] for _, bases in windows(one.bases, SIZE, step)]
        random.Random(number).shuffle(cut)
        made[split] = planted_set(cut * times, motif, SEED + number, decoys=DECOYS)
        rows = [(one.bases, one.label) for one in made[split]]
        _write(folder / f"{split}.csv", ("sequence", "label"), rows)
    return made


def _write(path: Path, header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out, lineterminator="\n").writerows([header, *rows])


def train(folder: Path, name: str, rows: str = "train.csv", **over: Any) -> dx.FinetuneResult:
    """Train, unless the run is there."""
    out = folder / name
    if (out / "result.json").is_file():
        return dx.FinetuneResult.load(out)
    config = dx.FinetuneConfig(
        "scratch:2x128",
        train=str(folder / rows),
        dev=str(folder / "dev.csv"),
        test=str(folder / "test.csv"),
        out=str(out),
        recipe="small",
        epochs=EPOCHS,
        augment="reverse_complement",
        strands="both",
        precision="bfloat16",
        threads=1,
        check_leakage=False,  # decoys and sites share their backgrounds on purpose
        seed=SEED,
    )
    return dx.finetune(
        replace(config, **over), watch=lambda row: print(name, row["step"], row["mcc"])
    )


def permuted(folder: Path, number: int) -> Path:
    """Train on permuted labels; return the model's folder."""
    rows = f"permuted-{number}.csv"
    with (folder / "train.csv").open(encoding="utf-8", newline="") as file:
        table = [(row["sequence"], row["label"]) for row in csv.DictReader(file)]
    labels = np.random.default_rng([SEED, number]).permutation([label for _, label in table])
    _write(folder / rows, ("sequence", "label"), [
        (bases, str(label)) for (bases, _), label in zip(table, labels, strict=True)
    ])  # fmt: skip
    return train(folder, f"permuted-{number}", rows, epochs=2.0, select="loss").model


def measure(enc: dx.Encoder, folder: Path, truth: list[Planted], null: int) -> dict[str, Any]:
    """Score the shipped weights on test, and look for the motif."""
    read = [read_labelled(folder / f"{split}.csv", "classification") for split in SPLITS]
    training, dev, test = read
    outputs = enc.predict(list(test.bases))
    mine = score("classification", test.labels, outputs, test.classes, 1000)
    rules = compare_with_rules(training, dev, test, outputs, strands="both")
    assert rules is not None
    blind = dx.random_twin(enc).predict(list(test.bases))
    column = enc.classes.index("planted")
    right = [
        one.bases
        for one, answer in zip(truth, outputs.argmax(1), strict=True)
        if one.label == "planted" and answer == column
    ]
    models = [dx.load(permuted(folder, number), dtype="float32") for number in range(null)]
    found = dx.discover_motifs(
        enc, right, "planted", null=models, pool=[one.bases for one in truth]
    )
    return {
        "test": {name: one.value for name, one in mine.values.items()} | {"loss": mine.loss},
        "test_interval": mine.values["mcc"].to_json(),
        "baselines": {name: {"mcc": value} for name, value in rules.others.items()},
        "rule": rules.to_json(),
        "random_weights": {
            "mcc": score("classification", test.labels, blind, test.classes, 0)["mcc"]
        },
        "motif": describe_motifs(found, len(right)),
    }


def describe_motifs(found: Any, asked: int) -> dict[str, Any]:
    """Say what was found, and what the null models led to."""
    q, match = best_match(found.matches)
    return {
        "sequences": asked,
        "patterns": [one.motif.consensus for one in found.discovery.patterns],
        "best_match": match or None,
        "q": None if math.isnan(q) else q,
        "null_best_q": [None if math.isnan(one.q_value) else one.q_value for one in found.null],
        "null_words": found.null_words,
    }


def main() -> None:
    """Build, train, export, score, describe."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("../runs/motif"))
    parser.add_argument("--out", type=Path, default=PACKAGE / "models" / "pocket-motif")
    parser.add_argument("--data", type=Path, default=PACKAGE / "data" / "motif.csv")
    parser.add_argument("--null", type=int, default=5, help="models on permuted labels")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    made = make_data(asked.work)
    result = train(asked.work, "model")
    save_model(load_network(find_checkpoint(result.model)), asked.out, result.model, torch.float16)
    (asked.out / "README.md").unlink(missing_ok=True)  # MODEL_CARD.md says more
    _write(
        asked.data,
        ("sequence", "label", "name", "start", "end", "strand"),
        [
            (
                one.bases,
                one.label,
                f"{one.label} {number + 1}",
                one.start,
                one.end,
                "+-"[one.strand < 0],
            )
            for number, one in enumerate(made["test"][:SHOWN])
        ],
    )
    enc = dx.load(asked.out, dtype="float32", cache=False)
    scores = measure(enc, asked.work, made["test"], asked.null)
    scores["run"] = {"steps": result.steps, "best_step": result.best_step}
    scores["sequences"] = result.sequences
    write_json(asked.out / "scores.json", scores)
    card = write_card(enc, asked.work, scores)
    (asked.out / "MODEL_CARD.md").write_text(card, encoding="utf-8")
    print(card)


def write_card(enc: dx.Encoder, folder: Path, scores: dict[str, Any]) -> str:
    """Fill the card from the measured numbers."""
    config = dx.FinetuneConfig.from_yaml(folder / "model" / "config.yaml")
    within, motif = scores["test_interval"], scores["motif"]
    rows = {
        "**pocket-motif**": f"{within['value']:.3f} ({within['low']:.3f} to {within['high']:.3f})"
    }
    names = {"kmer": "4-mers (logistic regression)", "markov": "order-3 Markov chains"}
    rows |= {
        names.get(k, k.replace("_", " ")): f"{v['mcc']:.3f}" for k, v in scores["baselines"].items()
    }
    rows["the same network with random weights"] = f"{scores['random_weights']['mcc']:.3f}"
    null = motif["null_best_q"]
    better = sum(q is not None and motif["q"] is not None and q <= motif["q"] for q in null)
    profile = dx.jaspar_motif(MOTIF)
    return CARD.format(
        parameters=enc.info.parameters,
        layers=enc.info.layers,
        hidden=enc.info.hidden,
        motif=MOTIF,
        accession=profile.accession,
        readings=dx.Readings.of(enc),
        shown=SHOWN,
        **scores["sequences"],
        model=config.model,
        steps=scores["run"]["steps"],
        best=scores["run"]["best_step"],
        batch=config.batch_size,
        table="\n".join(f"| {who} | {value} |" for who, value in rows.items()),
        asked=motif["sequences"],
        patterns=", ".join(motif["patterns"]) or "no pattern",
        best_match=motif["best_match"] or "none",
        q=motif["q"] if motif["q"] is not None else float("nan"),
        null=len(null),
        null_q=", ".join("no pattern" if q is None else f"{q:.2g}" for q in null),
        verdict=f" {better} of {len(null)} led to a match as good.",
    )


if __name__ == "__main__":
    main()
