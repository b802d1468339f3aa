"""Score a pre-training run on its held-out species and export it as the shipped pocket model.

    python scripts/release_pocket.py configs/pocket.yaml

Reads the run's finished model (or, with --checkpoint, its newest checkpoint) and writes config.json,
model.safetensors in float16, the tokenizer, scores.json and MODEL_CARD.md. All numbers in the card
come from the run's files and from the scoring done here.
"""

# ruff: noqa: E501  (the card's tables and commands do not wrap)

from __future__ import annotations

import argparse
import copy
import csv
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer

from dnabert2_explore import PretrainConfig
from dnabert2_explore.network import Dnabert2Config, Dnabert2ForMaskedLM
from dnabert2_explore.network.checkpoints.load import find_checkpoint, load_network
from dnabert2_explore.network.checkpoints.saving import save_model
from dnabert2_explore.results.sealed import read_json, write_json
from dnabert2_explore.training.corpus.rows import load_backend
from dnabert2_explore.training.corpus.windows import Corpus, read_table
from dnabert2_explore.training.pretrain import latest_checkpoint, load_corpora
from dnabert2_explore.training.pretrain.evaluate import evaluate, held_out_rows, score_rows
from dnabert2_explore.training.tokenizer import bases_per_token

WHO = {
    "model": "pocket",
    "unigram": "unigram",
    "bigram_left": "bigram (left neighbour)",
    "bigram_both": "bigram (both neighbours)",
    "untrained": "untrained twin",
}

CARD = """\
# pocket

A DNABERT-2-shaped masked language model small enough to ship: {parameters:,} parameters
({layers} layers, hidden {hidden}, {heads} heads, gated MLP {intermediate}), {megabytes:.1f} MB in
half precision, with a byte-pair encoding of {vocabulary} entries of its own
({bases_per_token:.2f} bases a token on balanced training windows). It gives tokens, attention, likelihoods and the time-lapse of
dnabert2-explore something to show offline; embeddings are [pocket-atlas](../pocket-atlas/MODEL_CARD.md)'s job. It is **not** a substitute for DNABERT-2-117M: it saw {tokens_m:.1f}
million tokens, the published model about 260 billion.

Licence: Apache-2.0, like the package. The weights hold no sequence data.

## Training

| | |
|---|---|
| Steps | {steps:,} of {batch_rows} rows x {row_tokens} tokens |
| Tokens seen | {tokens:,} ([CLS] and [SEP] included), about {megabases:.0f} Mbp |
| Wall time | {minutes:.0f} minutes |
| Machine | {machine} |
| Precision | {precision} |
| Optimiser | AdamW ({beta1}, {beta2}, {epsilon:g}), weight decay {weight_decay:g}, gradient norm at most {gradient_clip:g} |
| Learning rate | {learning_rate:g}: {warmup_steps} steps warm-up, plateau, linear to 0 over the last {decay_steps} |
| Masking | {mask_percent:g}% of tokens: 80% [MASK], 10% random, 10% unchanged; never special tokens |
| Windows | random, from both strands, without unknown bases; categories and the species in them drawn in proportion to size^{category_power:g} |
| Network dropout | {dropout:g} |
| Token table | {embeddings} |
| Weights | {average} |
| Kept out | {excluded} |

Commands, from the root of the repository (genomes in `../shared/genomes`):

    dnabert2-explore train-tokenizer ../shared/genomes --table configs/pocket_species.tsv --output ../runs/tokenizer
    dnabert2-explore pretrain configs/pocket.yaml
    python scripts/release_pocket.py configs/pocket.yaml
{notes}
## Data

{species} training species in {categories} categories, {training_mb:.0f} Mbp of A, C, G, T; files, species and
splits are listed in `configs/pocket_species.tsv`. The sequences are public (RefSeq, GenBank, UCSC,
Ensembl), as redistributed in Debian packages and public repositories; none is part of these weights.

Held out, from the tokenizer as well as from the network: {held}.
All files of a held-out species are held out, strains and organelles included. *Rattus norvegicus*
is used for neither: its only file is orthologous to a mouse file. Homology remains: mouse is scored
with human, chimpanzee, dog and cow in training, and the zebrafish and chicken sequences are blocks
alignable to human, so their scores lean towards conserved sequence. Chromosome-scale contamination
between species was not searched for.

## Scores on held-out species

Masked tokens only ({probability:g}% of the tokens, **all** of them replaced by [MASK], the same ones for
every row of the table); nats a token (lower is better) and, in brackets, the share predicted exactly.
{rows} windows of {row_tokens} tokens of each species. The baselines are counted on {fit_tokens_m:.1f} million tokens of
training windows drawn as for pre-training; the bigrams back off to the unigram (k = {smoothing:g}, chosen on
training species; a neighbour that is masked itself is left out).

{table}

The untrained twin has the same shape and random weights. {verdict}

Mean held-out loss while it trained ({evaluate_rows} windows of each species, averaged weights): {curve}.

Gain of pocket on the same positions, nats a token (standard error over windows; negative: the baseline
is better):

{gains}

Rounding the weights to float16 changes the mean held-out loss by {rounding:+.1e} nats (largest change of
a species: {rounding_max:.1e}).

## How to read this

A token of five random bases carries about 7 nats. What the model gains over the bigram of both
neighbours is what it has learnt beyond composition and neighbouring tokens: half a nat, 7% of what there is to know.
Compare models only with the same tokenizer. Attention maps and attributions of this model are real computations of a small model:
good for learning how to look, not for biological conclusions.
"""


def main() -> None:
    """Score, export, write the card."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("--out", type=Path, default=Path("dnabert2_explore/models/pocket"))
    parser.add_argument("--rows", type=int, default=256, help="windows of each held-out species")
    parser.add_argument("--fit-rows", type=int, default=40_000, help="windows for the baselines")
    parser.add_argument("--checkpoint", action="store_true", help="export the newest checkpoint")
    parser.add_argument("--card-only", action="store_true", help="from the scores.json there is")
    parser.add_argument("--machine", default="2 cores", help="named in the card")
    parser.add_argument("--notes", default="", help="a paragraph below the commands")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    config = PretrainConfig.from_yaml(arguments.config)
    newest = latest_checkpoint(config.out) if arguments.checkpoint else Path(config.out) / "model"
    if newest is None or not newest.is_dir():
        raise SystemExit(f"{newest or config.out} is not there: run pretrain first.")
    network = load_network(find_checkpoint(newest))
    assert isinstance(network, Dnabert2ForMaskedLM)
    scores_file = arguments.out / "scores.json"
    if not arguments.card_only:
        scores = score(config, network, arguments)
        scores["run"] = last_row(Path(config.out) / "log.csv")
        save_model(network, arguments.out, config.tokenizer, torch.float16)
        (arguments.out / "README.md").unlink()  # MODEL_CARD.md says more
        write_json(scores_file, scores)
    card = write_card(config, network.config, read_json(scores_file), arguments)
    (arguments.out / "MODEL_CARD.md").write_text(card, encoding="utf-8")


def score(
    config: PretrainConfig, network: Dnabert2ForMaskedLM, arguments: argparse.Namespace
) -> dict[str, Any]:
    """Everything that is measured: model and baselines, float16 rounding, the tokenizer."""
    tokenizer = load_backend(config.tokenizer)
    training, held_out = load_corpora(config)
    if held_out is None:
        raise SystemExit("the run has no held-out species: there is nothing to score it on.")
    scores: dict[str, Any] = evaluate(
        network,
        tokenizer,
        training,
        held_out,
        rows=arguments.rows,
        fit_rows=arguments.fit_rows,
        row_tokens=config.row_tokens,
        longest=config.longest_piece,
        progress=lambda done, total: print(f"scoring {done}/{total}", flush=True),
    )
    task = held_out_rows(
        held_out, tokenizer, arguments.rows, config.row_tokens, config.longest_piece
    )
    scores["curve"] = curve(Path(config.out), held_out, tokenizer, config)
    rounded = copy.deepcopy(network).half().float()
    torch.manual_seed(0)
    twin = Dnabert2ForMaskedLM(network.config)
    by_species = score_rows(twin, task)
    table: Any = scores["scores"]
    for name, (nats, accuracy) in by_species.items():
        table[name]["untrained"] = {"nats": nats, "accuracy": accuracy}
    table["mean"]["untrained"] = {
        kind: float(np.mean([table[name]["untrained"][kind] for name in by_species]))
        for kind in ("nats", "accuracy")
    }
    scores["float16_rounding"] = {
        name: nats - scores["scores"][name]["model"]["nats"]
        for name, (nats, _) in score_rows(rounded, task).items()
    }
    scores["bases_per_token"] = bases_per_token(tokenizer, training)
    scores["training_bases"] = len(training)
    scores["parameters"] = sum(p.numel() for p in network.parameters())
    return scores


def _name(path: str) -> str:
    return "the demo windows" if Path(path).name == "windows.csv.gz" else Path(path).name


def curve(run: Path, held_out: Corpus, tokenizer: Tokenizer, config: PretrainConfig) -> list[Any]:
    """Mean held-out loss at each evaluation of a run: [step, nats a token].

    From evaluation.csv; where the run had no held-out species at hand, from its snapshots.
    """
    by_step: dict[int, list[float]] = {}
    with (run / "evaluation.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            by_step.setdefault(int(row["step"]), []).append(float(row["loss"]))
    if not by_step:
        rows = held_out_rows(
            held_out, tokenizer, config.evaluate_rows, config.row_tokens, config.longest_piece
        )
        for folder in sorted((run / "snapshots").iterdir()):
            network = load_network(find_checkpoint(folder))
            assert isinstance(network, Dnabert2ForMaskedLM)
            step = int(folder.name.removeprefix("step-"))
            by_step[step] = [nats for nats, _ in score_rows(network, rows).values()]
    return [[step, float(np.mean(losses))] for step, losses in by_step.items()]


def last_row(path: Path) -> dict[str, float]:
    """Read steps, tokens and seconds of a run from the last row of its log."""
    with path.open(encoding="utf-8", newline="") as file:
        row = list(csv.DictReader(file))[-1]
    return {
        "step": int(row["step"]),
        "tokens": int(row["tokens"]),
        "seconds": float(row["seconds"]),
    }


def write_card(
    config: PretrainConfig,
    shape: Dnabert2Config,
    scores: dict[str, Any],
    arguments: argparse.Namespace,
) -> str:
    """Fill the card from the measured numbers."""
    header = "| held-out species | " + " | ".join(WHO.values()) + " |\n|---|" + "---|" * len(WHO)
    lines = [
        f"| {'**mean**' if name == 'mean' else name.replace('_', ' ')} | "
        + " | ".join(f"{by[who]['nats']:.3f} ({100 * by[who]['accuracy']:.1f}%)" for who in WHO)
        + " |"
        for name, by in scores["scores"].items()
    ]
    gains = scores["gains"]
    gained = ["| held-out species | " + " | ".join(f"over {WHO[who]}" for who in gains) + " |"]
    gained += ["|---|" + "---|" * len(gains)]
    for name in gains["unigram"]:
        cells = (f"{by[name]['nats']:+.3f} ({by[name]['standard_error']:.3f})"
                 for by in gains.values())  # fmt: skip
        gained.append(f"| {name.replace('_', ' ')} | " + " | ".join(cells) + " |")
    mean = scores["scores"]["mean"]
    verdict = (
        f"In the mean over species pocket loses {mean['model']['nats']:.3f} nats a token, the unigram "
        f"{mean['unigram']['nats']:.3f} and the bigram of both neighbours "
        f"{mean['bigram_both']['nats']:.3f}; it names {100 * mean['model']['accuracy']:.1f}% of the "
        f"tokens, that bigram {100 * mean['bigram_both']['accuracy']:.1f}%."
    )
    rows = read_table(config.table, config.genomes)
    trained = {file.species: file.category for file in rows if file.split == "train"}
    changes = scores["float16_rounding"].values()
    run = scores["run"]
    return CARD.format(
        parameters=scores["parameters"],
        layers=shape.num_hidden_layers,
        hidden=shape.hidden_size,
        heads=shape.num_attention_heads,
        intermediate=shape.intermediate_size,
        megabytes=(arguments.out / "model.safetensors").stat().st_size / 1e6,
        vocabulary=shape.vocab_size,
        bases_per_token=scores["bases_per_token"],
        tokens_m=run["tokens"] / 1e6,
        tokens=run["tokens"],
        megabases=run["tokens"] * (1 - 2 / config.row_tokens) * scores["bases_per_token"] / 1e6,
        steps=run["step"],
        minutes=run["seconds"] / 60,
        machine=arguments.machine,
        notes=f"\n{arguments.notes}\n" if arguments.notes else "",
        dropout=shape.hidden_dropout_prob,
        mask_percent=100 * config.mask_probability,
        probability=15,
        species=len(trained),
        categories=len(set(trained.values())),
        training_mb=scores["training_bases"] / 1e6,
        held=", ".join(
            sorted(
                {
                    f"{file.species.replace('_', ' ')} ({file.category})"
                    for file in rows
                    if file.split == "heldout"
                }
            )
        ),
        rows=scores["rows_by_species"],
        fit_tokens_m=scores["fit_rows"] * (scores["row_tokens"] - 2) / 1e6,
        smoothing=scores["smoothing"],
        table="\n".join([header, *lines]),
        verdict=verdict,
        gains="\n".join(gained),
        embeddings="composed of what the tokens are made of while it trained, folded into a plain one when saved"
        if config.embeddings == "composed"
        else "plain",
        average=f"exponential moving average, decay {config.average:g}" if config.average else "the last ones",
        excluded=f"what shares a 32-mer with {', '.join(map(_name, config.exclude))}, and {config.exclude_margin:,} bp on either side"
        if config.exclude
        else "nothing but the held-out species",
        curve=", ".join(f"{nats:.3f} after {step:,} steps" for step, nats in scores["curve"]),
        rounding=float(np.mean(list(changes))),
        rounding_max=max(map(abs, changes)),
        **{
            name: getattr(config, name)
            for name in (
                "batch_rows", "row_tokens", "precision", "beta1", "beta2", "epsilon",
                "weight_decay", "gradient_clip", "learning_rate", "warmup_steps", "decay_steps",
                "category_power", "evaluate_rows",
            )
        },
    )  # fmt: skip


if __name__ == "__main__":
    main()
