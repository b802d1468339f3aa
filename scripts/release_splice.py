"""Train a small network on splice sites, and export the run as the shipped pocket-splice model.

    python scripts/release_splice.py configs/pocket-splice.yaml

With --no-training the run of before is exported again. Reads the run's result.json and model, and the summary.json of the data beside the training file;
writes config.json, model.safetensors in float16, the tokenizer, scores.json and MODEL_CARD.md.
"""

# ruff: noqa: E501  (the card's tables and commands do not wrap)

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

import torch

from dnabert2_explore import (
    FinetuneConfig,
    FinetuneResult,
    Readings,
    Scores,
    finetune,
    load,
    random_twin,
)
from dnabert2_explore.network.checkpoints.load import find_checkpoint, load_network
from dnabert2_explore.network.checkpoints.saving import save_model
from dnabert2_explore.results.sealed import write_json
from dnabert2_explore.training.baselines import fit_position_weights
from dnabert2_explore.training.labelled.tables import read_labelled
from dnabert2_explore.training.scores.metrics import Estimate, score
from dnabert2_explore.training.scores.resampling import resampled
from dnabert2_explore.training.scores.rules import compare_with_rules

CARD = """\
# pocket-splice

A DNABERT-2-shaped network of {parameters:,} parameters ({layers} layers, hidden {hidden}) that tells splice donors,
splice acceptors and neither apart in windows of 200 bases of a fungal genome, strand given. A small model for
teaching and for trying the views; see the scores before using it for anything else.

It reads each window **at an anchor**: as two parts, [CLS] left [SEP] right [SEP], parted in the middle, so that
tokens begin at the site (GT to the right of it, or AG to the left). Token, attention and attribution views,
mutations and the gym show this as it is. Unless told otherwise it answers with the {readings}; attributions
explain one reading, the tokenizer's own.

Licence: Apache-2.0, like the package. The weights hold no sequence data.

## Data

*Zymoseptoria tritici* IPO323 with the gene models `Mgraminicolav2.FrozenGeneCatalog20080910`, from the
Debian package {package} (CeCILL), cut by `scripts/build_splice_data.py`, which documents what a window
is. The species is held out of pocket's pre-training and of the tokenizer. "neither" windows are centred on GT
or AG that are no annotated site; annotation is not proof, so some of them are real sites and some sites
are wrong. Splits are whole chromosomes, classes are balanced: {train:,} training, {dev:,} dev and {test:,} test
windows.{chromosomes}

## Training

From random weights ({model}); the recipe for small networks: {steps:,} steps of {batch_size} windows in {minutes:.0f} minutes on {machine};
AdamW, learning rate {learning_rate:g} with {warmup_steps} steps of warm-up, {schedule} schedule, weight decay {weight_decay:g}, dropout {dropout:g}, other
segmentations in every epoch (forced borders, chance {cuts:g} a base; left-out merges, chance {bpe_dropout:g}), a token table
composed of what tokens are made of while it trained, averaged weights (decay {average:g}), classifier on {pooling}
pooling, no reverse complements (the strand carries the label). The weights of step {best_step:,}, the best {select}
on dev, were kept.{notes}

    python scripts/build_splice_data.py --out ../splice
    python scripts/release_splice.py configs/pocket-splice.yaml

## Scores on the test chromosomes

Of the float16 weights as shipped; intervals (95%) over test windows.

| | MCC |
|---|---|
{table}

{verdict} The position weight matrix scores the middle {core} bases (width chosen on dev) with one log-odds matrix a
class and one pseudocount. With one reading instead of the {readings} MCC is {single:.3f}. Accuracy {accuracy:.3f}; F1 donor {f1_donor:.3f},
acceptor {f1_acceptor:.3f}, neither {f1_neither:.3f}. MCC on dev: {dev_mcc:.3f}. It starts from nothing: there is no pre-training here
whose worth could be shown.
"""


def _values(scores: Scores) -> dict[str, float]:
    """Values alone, as the views' captions read them."""
    return {"loss": scores.loss} | {name: one.value for name, one in scores.values.items()}


def main() -> None:
    """Train, export and write the card."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("--out", type=Path, default=Path("dnabert2_explore/models/pocket-splice"))
    parser.add_argument("--machine", default="2 cores", help="named in the card")
    parser.add_argument("--notes", default="", help="a sentence after the training paragraph")
    parser.add_argument("--no-training", action="store_true", help="export the run as it is")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    config = FinetuneConfig.from_yaml(arguments.config)
    if not arguments.no_training:
        finetune(config, progress=lambda done, total: print(f"\r{done}/{total}", end=""))
    result = FinetuneResult.load(config.out)
    config = FinetuneConfig.from_yaml(Path(config.out) / "config.yaml")  # nothing in it is open
    save_model(
        load_network(find_checkpoint(result.model)), arguments.out, result.model, torch.float16
    )
    (arguments.out / "README.md").unlink(missing_ok=True)  # MODEL_CARD.md says more
    enc = load(arguments.out, dtype="float32", cache=False)
    metrics = measure(enc, config, result)
    write_json(arguments.out / "scores.json", metrics)
    table, card = describe(enc, config, result, metrics, arguments)
    (arguments.out / "MODEL_CARD.md").write_text(card)
    print(table)


def measure(enc: Any, config: FinetuneConfig, result: FinetuneResult) -> dict[str, Any]:
    """Score the shipped weights on test, beside rules, the matrix and random weights."""
    train, dev, test = (
        read_labelled(path, "classification", result.classes)
        for path in (config.train, config.dev, config.test)
    )
    texts = list(test.bases)
    outputs = enc.predict(texts)
    samples = config.bootstrap
    mine = score("classification", test.labels, outputs, result.classes, samples)
    single = score(
        "classification",
        test.labels,
        enc.predict(texts, strands="one", segmentations=0),
        result.classes,
        0,
    )
    blind = score("classification", test.labels, random_twin(enc).predict(texts), result.classes, 0)
    rules = compare_with_rules(train, dev, test, outputs, samples=samples)
    assert rules is not None  # there are classes
    matrix = fit_position_weights(train, dev)
    answers = [outputs.argmax(1), matrix.probabilities(test).argmax(1)]
    found = [
        resampled(test.labels, [one], len(result.classes), "mcc", max(samples, 1))
        for one in answers
    ]
    minus = Estimate.of(found[0][0] - found[1][0], found[0][1] - found[1][1])
    return {
        "classes": list(result.classes),
        "best_step": result.best_step,
        "steps": result.steps,
        "seconds": result.seconds,
        "dev": _values(result.dev),
        "test": _values(mine),
        "test_interval": mine.values["mcc"].to_json(),
        "test_one_reading": _values(single),
        "random_weights": _values(blind),
        "baselines": {name: {"mcc": value} for name, value in rules.others.items()},
        "rule": rules.to_json(),
        "minus_position_weights": minus.to_json(),
        "position_weights": {
            "flank": matrix.settings["flank"],
            "dev_mcc": matrix.settings["dev_mcc"],
        },
        "config": dataclasses.asdict(config),
        "sequences": result.sequences,
    }


_TITLES = {
    "position_weights": "position weight matrix",
    "kmer": "4-mers (logistic regression)",
    "markov": "order-3 Markov chains",
    "majority": "majority",
}


def describe(
    enc: Any,
    config: FinetuneConfig,
    result: FinetuneResult,
    metrics: dict[str, Any],
    arguments: argparse.Namespace,
) -> tuple[str, str]:
    """Return the table and the card."""
    summary = json.loads((Path(config.train).parent / "summary.json").read_text())
    within = metrics["test_interval"]
    rows = {
        "**pocket-splice**": f"{within['value']:.3f} ({within['low']:.3f} to {within['high']:.3f})"
    }
    rows |= {
        _TITLES.get(name, name): f"{one['mcc']:.3f}" for name, one in metrics["baselines"].items()
    }
    rows["the same network with random weights"] = f"{metrics['random_weights']['mcc']:.3f}"
    table = "\n".join(f"| {who} | {value} |" for who, value in rows.items())
    minus = metrics["minus_position_weights"]
    ahead = minus["value"] > 0
    verdict = (
        f"pocket-splice is {'better' if ahead else '**worse**'} than the position weight matrix by "
        f"{abs(minus['value']):.3f} MCC ({minus['low']:+.3f} to {minus['high']:+.3f}, paired)."
    )
    described = "".join(
        f" {split.capitalize()}: {', '.join(one['chromosomes'])}."
        for split, one in summary["splits"].items()
    )
    test = metrics["test"]
    card = CARD.format(
        parameters=enc.info.parameters,
        layers=enc.info.layers,
        hidden=enc.info.hidden,
        readings=Readings.of(enc),
        package=summary["package"],
        chromosomes=described,
        **result.sequences,
        steps=result.steps,
        best_step=result.best_step,
        minutes=result.seconds / 60,
        machine=arguments.machine,
        notes=f" {arguments.notes}" if arguments.notes else "",
        table=table,
        verdict=verdict,
        core=2 * metrics["position_weights"]["flank"],
        single=metrics["test_one_reading"]["mcc"],
        accuracy=test["accuracy"],
        f1_donor=test["f1_donor"],
        f1_acceptor=test["f1_acceptor"],
        f1_neither=test["f1_neither"],
        dev_mcc=metrics["dev"]["mcc"],
        **{
            name: getattr(config, name)
            for name in (
                "model", "batch_size", "learning_rate", "warmup_steps", "weight_decay", "dropout",
                "pooling", "select", "schedule", "cuts", "bpe_dropout", "average",
            )
        },
    )  # fmt: skip
    return table, card


if __name__ == "__main__":
    main()
