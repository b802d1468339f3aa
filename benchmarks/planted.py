"""How well attributions find planted motifs, and what tells good from bad ones.

    python benchmarks/planted.py --out runs/planted          # hours on two cores; resumable
    python benchmarks/planted.py --out runs/planted --publish

For each of three JASPAR motifs: windows of real genomes (`dnabert2_explore.demo.windows`), into a
half of which a site is planted and into the others a decoy, the motif with its positions shuffled.
Pocket is fine-tuned on them; every method attributes test sequences that it classifies rightly.
Scorecards of these, of a network with random weights and of one that was trained on shuffled labels
then say which thresholds keep attributions that find the motif and flag those that do not. Choices
were made on dev sequences of the first two motifs, the rule for thresholds with their test rates in
sight; the third motif only judges.

Whatever is done stands in --out and is not done again. --publish writes
``dnabert2_explore/analysis/attribution/trust/calibration.json`` and
``benchmarks/results/planted.json``.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scorecard_rates import BAD, GOOD, HELD_OUT, KEPT, calibrate, numbered, parts, rates, tables

import dnabert2_explore as dx
from dnabert2_explore.analysis.attribution import METHODS, find_method
from dnabert2_explore.analysis.attribution.trust.checks import recovery
from dnabert2_explore.common.files import replacing
from dnabert2_explore.common.stats import interval as percentiles
from dnabert2_explore.encoder.machine import describe_machine
from dnabert2_explore.sequences import windows
from dnabert2_explore.sequences.motifs.plant import Planted, planted_set
from dnabert2_explore.training.baselines import BASELINES
from dnabert2_explore.training.labelled.tables import read_labelled
from dnabert2_explore.training.scores.metrics import score

ROOT = Path(__file__).parents[1]
#: Information along their whole length: a position that says nothing cannot be found.
MOTIFS = ("NFE2", "ESRRB", "E2F7")
#: The last motif has no part in the thresholds.
CALIBRATED = tuple(name for name in MOTIFS if name != HELD_OUT)
SIZE = 100  # bp
SEED = 0
#: Methods with the settings that differ from the defaults; strands="both" is the mean of the two.
CASES: tuple[tuple[str, dict[str, Any]], ...] = (
    *((name, {"baseline": "mask"} if METHODS[name].baseline else {}) for name in METHODS),
    *(
        ("layer_integrated_gradients", {"baseline": baseline, "spread": spread, "n_steps": 50})
        for baseline in ("mask", "shuffled", "mean")
        for spread in ("even", "mutagenesis")
    ),
    ("occlusion", {"baseline": "mean"}),
    ("shapley_value_sampling", {"baseline": "mean"}),
    ("gradient_shap", {"baseline": "shuffled"}),
    ("deep_lift", {"baseline": "mean"}),
    ("saliency", {"noise_samples": 10}),
    ("saturation_mutagenesis", {"strands": "both"}),
    ("layer_integrated_gradients", {"baseline": "mean", "n_steps": 50, "strands": "both"}),
    ("occlusion", {"baseline": "mean", "strands": "both"}),
)
#: Methods that get scorecards: by default, and from [MASK], which gives more bad ones. Feature
#: ablation without groups is occlusion.
CARD_CASES: tuple[tuple[str, dict[str, Any]], ...] = (
    *((name, {}) for name in METHODS if name != "feature_ablation"),
    *(
        (name, {"baseline": "mask"})
        for name, info in METHODS.items()
        if info.baseline and name != "feature_ablation"
    ),
)
#: Sequences that get scorecards: motif, part, by which network, and how many.
CARDS = (
    ("NFE2", "dev", "trained", 16), ("ESRRB", "dev", "trained", 16),
    ("NFE2", "test", "trained", 16), ("ESRRB", "test", "trained", 16),
    ("E2F7", "test", "trained", 16),
    ("NFE2", "dev", "random weights", 8), ("NFE2", "test", "random weights", 8),
    ("NFE2", "dev", "shuffled labels", 8), ("NFE2", "test", "shuffled labels", 8),
)  # fmt: skip
#: Methods that take so long that they are asked for fewer.
SLOW = ("layer_integrated_gradients", "layer_conductance", "shapley_value_sampling")
FEWER = 0.4


def make_data(name: str, folder: Path) -> None:
    """Write train, dev and test sequences, and where their sites are."""
    if (folder / "truth.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    whole = dx.demo.windows()
    random.Random(SEED).shuffle(whole)
    # Parts of one window of the genome stay together. Train has each background four times.
    parts = {"train": whole[:400], "dev": whole[400:450], "test": whole[450:]}
    backgrounds: list[str] = []
    sizes = {}
    for part, some in parts.items():
        cut = [bases for window in some for _, bases in windows(window.bases, SIZE)]
        for repeat in range(4 if part == "train" else 1):
            backgrounds += random.Random(repeat).sample(cut, len(cut))
        sizes[part] = len(cut) * (4 if part == "train" else 1)
    made = iter(planted_set(backgrounds, dx.jaspar_motif(name).trimmed(0.5), SEED))
    truth = {}
    for part, size in sizes.items():
        some = [next(made) for _ in range(size)]
        truth[part] = [asdict(one) for one in some]
        write_table(folder / f"{part}.csv", [(one.bases, one.label) for one in some])
    labels = [one["label"] for one in truth["train"]]
    random.Random(SEED).shuffle(labels)
    rows = [(one["bases"], label) for one, label in zip(truth["train"], labels, strict=True)]
    write_table(folder / "shuffled.csv", rows)
    write_json(folder / "truth.json", truth)


def train(folder: Path, shuffled: bool = False) -> dx.FinetuneResult:
    """Fine-tune pocket; with shuffled labels, there is nothing to learn but noise."""
    out = folder / ("shuffled labels" if shuffled else "trained")
    if (out / "result.json").exists():
        return dx.FinetuneResult.load(out)
    return dx.finetune(
        dx.FinetuneConfig(
            model="pocket",
            train=str(folder / ("shuffled.csv" if shuffled else "train.csv")),
            dev=str(folder / "dev.csv"),
            test=str(folder / "test.csv"),
            out=str(out),
            learning_rate=5e-4,
            warmup_steps=200,
            pooling="mean",
            dropout=0.0,
            augment="reverse_complement",
            epochs=1 if shuffled else 4,
            evaluate_every=250,
            check_leakage=False,  # the backgrounds are the same on purpose
            seed=SEED,
        ),
        watch=lambda row: say(f"  step {row['step']}: dev MCC {row['mcc']:.3f}"),
    )


def measure_rules(folder: Path) -> dict[str, float]:
    """Test MCC of methods without a neural network, on both strands like the networks."""
    train_rows = read_labelled(folder / "train.csv")
    dev, test = (
        read_labelled(folder / f"{part}.csv", classes=train_rows.classes)
        for part in ("dev", "test")
    )
    found = {}
    for name in ("kmer", "markov", "position_weights"):
        outputs = BASELINES[name](train_rows, dev, strands="both").probabilities(test)
        found[name] = score(test.task, test.labels, outputs, test.classes, bootstrap=0)["mcc"]
    return found


def planted(folder: Path, part: str, enc: dx.Encoder | None = None) -> list[Planted]:
    """Sequences with the motif; with a model, only those that it classifies rightly."""
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    some = [Planted(**one) for one in truth[part] if one["label"] == "planted"]
    if enc is None:
        return some
    right = enc.predict([one.bases for one in some]).argmax(axis=1) == enc.classes.index("planted")
    return [one for one, is_right in zip(some, right, strict=True) if is_right]


def measure_methods(folder: Path, count: int) -> dict[str, Any]:
    """AUROC of base scores for planted bases and CPU seconds of every case on test sequences."""
    enc = dx.load(folder / "trained" / "model", cache=False)
    some = planted(folder, "test", enc)[:count]
    found = {}
    for method, settings in CASES:
        title = title_of(method, settings)

        def measure(method: str = method, settings: dict[str, Any] = settings) -> dict[str, Any]:
            begun = time.process_time()  # of the processor: what else the machine does is left out
            scores = [scores_of(enc, one.bases, method, settings) for one in some]
            seconds = (time.process_time() - begun) / len(some)
            pairs = list(zip(scores, some, strict=True))
            return {
                "auroc": [recovery(values, [(one.start, one.end)]) for values, one in pairs],
                "seconds": seconds,
            }

        found[title] = kept(folder / "methods" / f"{title}.json", measure)
        say(f"  {title}: {np.mean(found[title]['auroc']):.3f}")
    return found


def scores_of(enc: dx.Encoder, bases: str, method: str, settings: dict[str, Any]) -> np.ndarray:
    """Contributions of the bases of one sequence."""
    if "strands" not in settings:
        return dx.attribute(enc, bases, "planted", method=method, **settings).base_scores
    others = {name: value for name, value in settings.items() if name != "strands"}
    return dx.mirror_strands(enc, bases, "planted", method=method, **others).mean


def measure_cards(out: Path, name: str, part: str, network: str, count: int) -> list[dict]:
    """Values of all checks for every method on some sequences, with the AUROC beside them."""
    folder = out / name
    if network == "shuffled labels":
        train(folder, shuffled=True)
    where = folder / ("trained" if network == "random weights" else network) / "model"
    enc = dx.load(where, cache=False)
    if network == "trained":
        some = planted(folder, part, enc)[:count]
    else:  # which has learnt nothing that could be right
        some = planted(folder, part)[:count]
    if network == "random weights":
        enc = dx.random_twin(enc, seed=1000)
    rows = []
    for method, settings in CARD_CASES:

        def measure(method: str = method, settings: dict[str, Any] = settings) -> list[dict]:
            few = round(count * FEWER) if method in SLOW else count
            return [card_of(enc, one, method, settings) for one in some[:few]]

        title = title_of(method, settings)
        file = folder / "cards" / f"{network} {part} {title}.json"
        rows += [row | {"motif": name, "part": part} for row in kept(file, measure)]
        say(f"  {network}, {part}, {title}")
    return [row | {"network": network} for row in rows]


def card_of(enc: dx.Encoder, one: Planted, method: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Values of the checks of one attribution; None where one does not apply."""
    truth = [(one.start, one.end)]
    card = dx.scorecard(
        enc, one.bases, "planted", method=method, truth=truth, seed=SEED, **settings
    )
    title = title_of(method, settings)
    found = {check.name: check.value for check in card.checks if check.name != "skill"}
    return {"method": title} | found  # these models state no scores


def measure_borders() -> dict[str, float]:
    """How far crops and the other strand move the borders of tokens, in real windows."""
    tokenizer = dx.load("pocket", cache=False).tokenizer

    def borders(bases: str) -> set[int]:
        return set(tokenizer.encode(bases).spans[1:-1].ravel().tolist())

    reached, shared = [], []
    for window in dx.demo.windows()[::10]:
        bases = window.bases[:200]
        whole = borders(bases)
        for crop in range(1, 8):
            moved = whole ^ {crop + place for place in borders(bases[crop:])}
            reached.append(max(moved, default=0) - crop)
        turned = {len(bases) - place for place in borders(dx.reverse_complement(bases))}
        shared.append(len(whole & turned - {0, len(bases)}) / (len(whole) - 2))
    return {
        "windows": len(shared),
        "crops_that_move_none": float(np.mean(np.array(reached) <= 0)),
        "bases_to_old_borders_90": float(np.percentile(np.maximum(reached, 0), 90)),
        "borders_shared_by_strands": float(np.mean(shared)),
    }


def interval(values: list[float]) -> tuple[float, float, float]:
    """Mean with its 95% bootstrap interval over sequences."""
    rng = np.random.default_rng(SEED)
    drawn = rng.choice(values, size=(2000, len(values))).mean(axis=1)
    return float(np.mean(values)), *map(float, percentiles(drawn))


def title_of(method: str, settings: dict[str, Any]) -> str:
    """Name of a case: the method and what differs from its defaults."""
    find_method(method)
    return ", ".join([method, *(f"{name}={value}" for name, value in settings.items())])


def kept(file: Path, make: Callable[[], Any]) -> Any:
    """Read what was made before, or make and keep it."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, make())
    return json.loads(file.read_text(encoding="utf-8"))


def write_json(file: Path, content: Any) -> None:
    """Write a file whole or not at all."""
    with replacing(file) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def write_table(file: Path, rows: list[tuple[str, str]]) -> None:
    """Write sequences with labels as CSV."""
    with file.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["sequence", "label"])
        writer.writerows(rows)


def say(text: str) -> None:
    """Print with the time: this takes long."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def report(out: Path, machine: str, count: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Collect everything: what the package reads, and what the docs tell."""
    rows = [row for card in CARDS for row in measure_cards(out, *card)]
    split = parts(numbered(rows))
    limits = calibrate(split["dev"])
    motifs = {name: dx.jaspar_motif(name).trimmed(0.5) for name in MOTIFS}
    calibration = {
        "thresholds": limits,
        "good": GOOD,
        "bad": BAD,
        "kept": KEPT,
        "rates": {part: rates(some, limits) for part, some in split.items()},
        "model": "pocket, fine-tuned on planted motifs",
        "calibrated_on": [motifs[name].label for name in CALIBRATED],
        "held_out": [motifs[name].label for name in MOTIFS if name not in CALIBRATED],
        "seed": SEED,
        "machine": machine,
        "script": "benchmarks/planted.py",
    }
    trained = {name: train(out / name) for name in MOTIFS}
    noise = train(out / MOTIFS[0], shuffled=True)
    methods: dict[str, dict[str, Any]] = {}
    for name in MOTIFS:
        for title, found in measure_methods(out / name, count).items():
            mean, low, high = interval(found["auroc"])
            told = {"auroc": mean, "low": low, "high": high, "seconds": found["seconds"]}
            methods.setdefault(title, {})[name] = told | {"sequences": len(found["auroc"])}
    results = {
        "motifs": {
            name: {
                "label": motif.label,
                "consensus": motif.consensus,
                "least_bits": float(motif.information.min()),
                "sequences": trained[name].sequences,
                "dev_mcc": trained[name].dev["mcc"],
                "test_mcc": trained[name].test["mcc"],
                "rules_test_mcc": measure_rules(out / name),
                "training_seconds": trained[name].seconds,
            }
            for name, motif in motifs.items()
        },
        "borders": measure_borders(),
        "shuffled_labels_test_mcc": noise.test["mcc"],
        "methods": methods,
        "calibration": calibration,
        "cards": rows,
    }
    return calibration, results


def show(results: dict[str, Any]) -> None:
    """Print the tables of docs/attribution.md."""
    for name, one in results["motifs"].items():
        print(f"{name}: {one['label']} {one['consensus']}, test MCC {one['test_mcc']:.3f}")
    print("\n| method | " + " | ".join(MOTIFS) + " | CPU s |\n|---|" + "---|" * (len(MOTIFS) + 1))
    ranked = sorted(
        results["methods"].items(),
        key=lambda item: -np.mean([one["auroc"] for one in item[1].values()]),
    )
    for title, by_motif in ranked:
        cells = [f"{o['auroc']:.3f} ({o['low']:.3f}-{o['high']:.3f})" for o in by_motif.values()]
        seconds = np.mean([one["seconds"] for one in by_motif.values()])
        print(f"| {title} | {' | '.join(cells)} | {seconds:.2f} |")
    calibration = results["calibration"]
    print(f"\n{results['borders']}\n{calibration['thresholds']}")
    print(tables(results))


STAGES = ("train", "methods", "cards", "report")


def main() -> None:
    """Do what is not done yet; print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=50, help="test sequences of each motif")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--until", choices=STAGES, default="report", help="the last stage to do")
    parser.add_argument("--motif", choices=MOTIFS, help="train and measure this one only")
    parser.add_argument("--publish", action="store_true", help="write what the package reads")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    stages = STAGES[: STAGES.index(arguments.until) + 1]
    out: Path = arguments.out
    machine = str(describe_machine(torch.device("cpu")))
    print(machine)
    motifs = (arguments.motif,) if arguments.motif else MOTIFS
    for name in motifs:
        make_data(name, out / name)
        say(f"{name}: test MCC {train(out / name).test['mcc']:.3f}")
    if "methods" in stages:
        for name in motifs:
            measure_methods(out / name, arguments.count)
    if "cards" in stages:
        for card in CARDS:
            if card[0] in motifs:
                measure_cards(out, *card)
    if "report" in stages and not arguments.motif:
        calibration, results = report(out, machine, arguments.count)
        show(results)
        if arguments.publish:
            package = ROOT / "dnabert2_explore" / "analysis" / "attribution" / "trust"
            write_json(package / "calibration.json", calibration)
            write_json(ROOT / "benchmarks" / "results" / "planted.json", results)


if __name__ == "__main__":
    main()
