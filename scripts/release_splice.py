"""Fine-tune pocket on splice sites, and export the run as the shipped pocket-splice model.

    python scripts/release_splice.py configs/pocket-splice.yaml

With --no-training the run of before is exported again. Reads the run's metrics.json and model, and the summary.json of the data beside the training file;
writes config.json, model.safetensors in float16, the tokenizer, scores.json and MODEL_CARD.md.
"""

# ruff: noqa: E501  (the card's tables and commands do not wrap)

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from dnabert2_explore.network.checkpoint import find_checkpoint, load_network
from dnabert2_explore.training.finetune import FinetuneConfig, finetune, predict_file
from dnabert2_explore.training.saving import save_model

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

{epochs} epochs planned, {steps:,} steps of {batch_rows} windows taken in {minutes:.0f} minutes on {machine}; AdamW, learning rate
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
    metrics = json.loads((Path(config.out) / "metrics.json").read_text())
    source = Path(config.out) / "model"
    save_model(load_network(find_checkpoint(source)), arguments.out, source, torch.float16)
    half = predict_file(arguments.out, config.test, config.max_tokens)
    metrics["test_float16"] = half
    (arguments.out / "scores.json").write_text(
        json.dumps({k: v for k, v in metrics.items() if k != "model"}, indent=1) + "\n"
    )
    summary = json.loads((Path(config.train).parent / "summary.json").read_text())
    names = ("mcc", "accuracy", "f1_macro", "f1_donor", "f1_acceptor", "f1_neither")
    rows = {
        "**pocket-splice**": metrics["test"],
        "position weight matrix": metrics["baselines"]["position_weights"],
        "majority": metrics["baselines"]["majority"],
    }
    table = "\n".join(
        f"| {who} | " + " | ".join(f"{scores[name]:.3f}" for name in names) + " |"
        for who, scores in rows.items()
    )
    matrix = metrics["baselines"]["position_weights"]["mcc"]
    verdict = (
        f"pocket-splice is {'better' if metrics['test']['mcc'] > matrix else '**worse**'} than the "
        f"position weight matrix by {abs(metrics['test']['mcc'] - matrix):.3f} MCC."
    )
    described = "".join(
        f" {split.capitalize()}: {', '.join(one['chromosomes'])}."
        for split, one in summary["splits"].items()
    )
    card = CARD.format(
        package=summary["package"],
        chromosomes=described,
        **metrics["sequences"],
        steps=metrics["steps"],
        best_step=metrics["best_step"],
        minutes=metrics["seconds"] / 60,
        machine=arguments.machine,
        notes=f" {arguments.notes}" if arguments.notes else "",
        table=table,
        verdict=verdict,
        core=int(2 * metrics["baselines"]["position_weights"]["flank"]),
        dev_mcc=metrics["dev"]["mcc"],
        half_mcc=half["mcc"],
        **{
            name: getattr(config, name)
            for name in (
                "epochs", "batch_rows", "learning_rate", "warmup_steps", "weight_decay", "dropout",
                "pooling", "select",
            )
        },
    )  # fmt: skip
    (arguments.out / "MODEL_CARD.md").write_text(card)
    print(table)


if __name__ == "__main__":
    main()
