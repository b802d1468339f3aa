"""Fine-tune pocket on splice sites, and export the run as the shipped pocket-splice model.

    python scripts/release_splice.py configs/pocket-splice.yaml

With --no-training the run of before is exported again. Reads the run's result.json and model, and the summary.json of the data beside the training file;
writes config.json, model.safetensors in float16, the tokenizer, scores.json and MODEL_CARD.md.
"""

# ruff: noqa: E501  (the card's tables and commands do not wrap)

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
from pathlib import Path

import torch

from dnabert2_explore.network.checkpoint import find_checkpoint, load_network
from dnabert2_explore.training.baselines import fit_majority, fit_position_weights
from dnabert2_explore.training.finetune import FinetuneConfig, FinetuneResult, finetune
from dnabert2_explore.training.metrics import Scores, score
from dnabert2_explore.training.predict import predict_table
from dnabert2_explore.training.saving import save_model
from dnabert2_explore.training.tables import read_labelled

CARD = """\
# pocket-splice

The [pocket](../pocket/MODEL_CARD.md) model fine-tuned to tell splice donors, splice acceptors and
neither apart in windows of 200 bases of a fungal genome, strand given. A small model for teaching and
for trying the views; see the scores before using it for anything else.

Licence: Apache-2.0, like the package. The weights hold no sequence data.

## Data

*Zymoseptoria tritici* IPO323 with the gene models `Mgraminicolav2.FrozenGeneCatalog20080910`, from the
Debian package {package} (CeCILL), cut by `scripts/build_splice_data.py`, which documents what a window
is. The species is held out of pocket's pre-training and tokenizer. "neither" windows are centred on GT
or AG that are no annotated site; annotation is not proof, so some of them are real sites and some sites
are wrong. Splits are whole chromosomes, classes are balanced: {train:,} training, {dev:,} dev and {test:,} test
windows.{chromosomes}

## Training

{epochs} epochs planned, {steps:,} steps of {batch_size} windows taken in {minutes:.0f} minutes on {machine}; AdamW, learning rate
{learning_rate:g} with {warmup_steps} steps of warm-up and linear decay, weight decay {weight_decay:g}, dropout {dropout:g}, classifier on
{pooling} pooling, no reverse complements (the strand carries the label). The weights of step {best_step:,}, the
best {select} on dev, were kept.{notes}

    python scripts/build_splice_data.py --out ../splice
    python scripts/release_splice.py configs/pocket-splice.yaml

## Scores on the test chromosomes

| | MCC | accuracy | F1 macro | F1 donor | F1 acceptor | F1 neither |
|---|---|---|---|---|---|---|
{table}

{verdict} The position weight matrix scores the middle {core} bases (width chosen on dev) with one log-odds matrix a
class and one pseudocount; it sees absolute positions, which ALiBi does not give the network. MCC of
pocket-splice on dev: {dev_mcc:.3f}. Rounded to float16, as shipped, test MCC is {half_mcc:.3f}.
"""


def _values(scores: Scores) -> dict[str, float]:
    """Values alone, as the views' captions read them."""
    return {"loss": scores.loss} | {name: one.value for name, one in scores.values.items()}


def main() -> None:
    """Export and write the card."""
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
    save_model(
        load_network(find_checkpoint(result.model)), arguments.out, result.model, torch.float16
    )
    with tempfile.TemporaryDirectory() as folder:
        half = predict_table(arguments.out, config.test, Path(folder) / "test.csv").scores
    assert half is not None  # the splice data are labelled
    assert result.test is not None
    train, dev, test = (
        read_labelled(path, "classification", result.classes)
        for path in (config.train, config.dev, config.test)
    )
    fitted = {fit.name: fit for fit in (fit_majority(train, dev), fit_position_weights(train, dev))}
    baselines = {
        name: score("classification", test.labels, fit.probabilities(test), result.classes)
        for name, fit in fitted.items()
    }
    weights = fitted["position_weights"].settings
    metrics = {
        "classes": list(result.classes),
        "best_step": result.best_step,
        "steps": result.steps,
        "seconds": result.seconds,
        "dev": _values(result.dev),
        "test": _values(result.test),
        "baselines": {
            "majority": _values(baselines["majority"]),
            "position_weights": _values(baselines["position_weights"])
            | {"flank": weights["flank"], "dev_mcc": weights["dev_mcc"]},
        },
        "config": dataclasses.asdict(config),
        "sequences": result.sequences,
        "test_float16": _values(half),
    }
    (arguments.out / "scores.json").write_text(json.dumps(metrics, indent=1) + "\n")
    summary = json.loads((Path(config.train).parent / "summary.json").read_text())
    names = ("mcc", "accuracy", "f1_macro", "f1_donor", "f1_acceptor", "f1_neither")
    rows = {
        "**pocket-splice**": result.test,
        "position weight matrix": baselines["position_weights"],
        "majority": baselines["majority"],
    }
    table = "\n".join(
        f"| {who} | " + " | ".join(f"{scores[name]:.3f}" for name in names) + " |"
        for who, scores in rows.items()
    )
    ours, matrix = result.test["mcc"], baselines["position_weights"]["mcc"]
    verdict = (
        f"pocket-splice is {'better' if ours > matrix else '**worse**'} than the "
        f"position weight matrix by {abs(ours - matrix):.3f} MCC."
    )
    described = "".join(
        f" {split.capitalize()}: {', '.join(one['chromosomes'])}."
        for split, one in summary["splits"].items()
    )
    card = CARD.format(
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
        core=2 * weights["flank"],
        dev_mcc=result.dev["mcc"],
        half_mcc=half["mcc"],
        **{
            name: getattr(config, name)
            for name in (
                "epochs", "batch_size", "learning_rate", "warmup_steps", "weight_decay", "dropout",
                "pooling", "select",
            )
        },
    )  # fmt: skip
    (arguments.out / "MODEL_CARD.md").write_text(card)
    print(table)


if __name__ == "__main__":
    main()
