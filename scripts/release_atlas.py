"""Export a contrastive run as the shipped pocket-atlas model, with a card from measured scores.

    parts="configs/atlas.yaml configs/atlas-species.yaml configs/atlas-layers.yaml configs/atlas-all.yaml"
    python scripts/release_atlas.py $parts --export
    python ../shared/tools/species_probe.py pocket-atlas ../runs/atlas-before pocket ../runs/atlas-twin > ../runs/probe.txt
    python scripts/release_atlas.py $parts --probe ../runs/probe.txt

The first call writes config.json, model.safetensors in float16 and the tokenizer, the untrained twin into
../runs/atlas-twin, and the model as it was before its last part, when the probe's "unseen" species were not trained
on yet, into ../runs/atlas-before; the last one scores.json and MODEL_CARD.md. The runs are the parts of one training.
"""

# ruff: noqa: E501  (the card's tables and commands do not wrap)

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import RidgeClassifier
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

import dnabert2_explore as dx
from dnabert2_explore.network.checkpoints.load import find_checkpoint, load_network
from dnabert2_explore.network.checkpoints.saving import save_model
from dnabert2_explore.results.sealed import write_json
from dnabert2_explore.training.baselines import kmer_frequencies
from dnabert2_explore.training.corpus.windows import read_table
from dnabert2_explore.training.pretrain import latest_checkpoint

CARD = """\
# pocket-atlas

A DNABERT-2-shaped encoder for embeddings, small enough to ship: {parameters:,} parameters ({layers}
layers, hidden {hidden}, {heads} heads, gated MLP {intermediate}), {megabytes:.2f} MB in half precision, with
pocket's byte-pair encoding. Trained by contrast, after DNABERT-S: windows of one genome lie close, all
others apart. `dnabert2_explore.ATLAS_MODEL` names it. It has **no masked-LM head**: what asks
for token probabilities takes [pocket](../pocket/MODEL_CARD.md).

Licence: Apache-2.0, like the package. The weights hold no sequence data.

## Training

| | |
|---|---|
| Objective | supervised contrastive loss, temperature {temperature:g}, on the mean over tokens: of the last layer, and in the last two parts of all layers side by side (what `embed` returns) |
{parts}
| Tokens seen | {tokens:,} |
| Segmentations | forced borders (chance {cuts:g} a base) and left-out merges (chance {dropout:g}), in turn |
| Token table | composed of what the tokens are made of while it trained, folded into a plain one when saved |
| Weights | exponential moving average, decay {average:g} |
| Optimiser | AdamW; each part: warm-up, plateau, linear to 0 |
| Vectors | {width} numbers: means over tokens of layers {stacked} side by side (`embedding_layers` in config.json), and of both strands (`embedding_strands`) |
| Precision, time, machine | {precision}, {minutes:.0f} minutes on {machine} |
| Kept out | what shares a 32-mer with the windows of the probe below or with the package's demo windows, and {margin:,} bp on either side |

    python ../shared/tools/species_probe.py --windows ../runs/probe.tsv
    python scripts/probe_windows.py ../runs/probe.tsv ../shared/genomes ../runs/probe_windows.fa
    dnabert2-explore pretrain configs/atlas.yaml
    dnabert2-explore pretrain configs/atlas-species.yaml
    dnabert2-explore pretrain configs/atlas-layers.yaml
    dnabert2-explore pretrain configs/atlas-all.yaml

{notes}

## Data

{species} species in {categories} categories; files are listed in `configs/atlas_all_species.tsv`. Kept out until the
last part (`configs/atlas_species.tsv`): {held}. The sequences are public (RefSeq, GenBank, UCSC, Ensembl), as redistributed in Debian
packages and public repositories; none is part of these weights.

## Scores

`species_probe.py`: {probe_windows} windows of 500 bp of {probe_species} species, a ridge classifier by cross-validation grouped by
stretch of genome (chance {chance}), and the share of the ten nearest neighbours, of other stretches, that are of
the same species. "unseen": species never trained on. "after 4-mers": accuracy of what is left once 4-mers are
regressed out. The model before its last part has not seen the probe's "unseen" species; the shipped one
has been trained on them, though never on these windows, so that its "unseen" columns are no test of new species.

| features | accuracy | unseen | kNN | kNN unseen | after 4-mers | with 4-mers | axis 1: share | axis 1: r with GC |
|---|---|---|---|---|---|---|---|---|
{probe}

{verdict}

Ahead of 4-mers by (95%, bootstrap over stretches of genome): {ahead}.

On the package's 500 demo windows of 1 kb (20 species; cut out of the training genomes): share of the ten
nearest neighbours of the same species {demo}.

Held-out loss in the last but one part (nats a window, {evaluate_rows} windows of each held-out species, one strand) and share of
windows whose nearest neighbour is of their species: {curve}.

## Limits

It tells windows apart by what of their composition and short words is shared along a genome. It has seen {species}
species; for others it does about as well as 4-mer counts do ("unseen" of the model before its last part). Near in its space does not mean
related: strains, organelles and repeats lie where their composition puts them.
"""

#: The row of the model that has not been trained on the probe's unseen species.
BEFORE = "before its last part"

_ROW = re.compile(
    r"^(?P<name>.{24}) (?P<accuracy>\S+) (?P<unseen>\S+) \| (?P<knn>\S+) (?P<knn_unseen>\S+) \| "
    r"(?P<after>\S+) \| (?P<both>\S+) \| (?P<share>\S+), (?P<gc>\S+)$"
)


def read_probe(text: str) -> tuple[dict[str, dict[str, float]], dict[str, str]]:
    """Read what species_probe.py printed: scores by features, and what it says of its windows."""
    head = re.search(r"(\d+) windows of (\d+) species \((\d+) unseen\), chance ([\d.]+)", text)
    if head is None:
        raise SystemExit("the probe's text has no line 'N windows of N species (N unseen)'.")
    about = dict(zip(("windows", "species", "unseen", "chance"), head.groups(), strict=True))
    rows = {}
    for line in text.splitlines():
        if found := _ROW.match(line):
            values = found.groupdict()
            name = values.pop("name").strip()
            rows[name] = {key: float(one) for key, one in values.items()}
    return rows, about


def purity(vectors: np.ndarray, labels: np.ndarray, neighbours: int = 10) -> float:
    """Share of the nearest neighbours (cosine, around the mean) that have a point's label."""
    centred = vectors - vectors.mean(0)
    found = NearestNeighbors(n_neighbors=neighbours + 1, metric="cosine").fit(centred)
    near = found.kneighbors(centred, return_distance=False)[:, 1:]
    return float((labels[near] == labels[:, None]).mean())


def demo_scores(enc: dx.Encoder) -> dict[str, float]:
    """KNN purity of species on the demo windows: this model, its twin, pocket, 4-mers."""
    whole = dx.demo.windows()
    labels = np.array([one.fields["species"] for one in whole])
    texts = [one.bases for one in whole]
    return {
        "pocket-atlas": purity(enc.embed(texts), labels),
        "its untrained twin": purity(dx.random_twin(enc).embed(texts), labels),
        "pocket": purity(dx.load("pocket").embed(texts), labels),
        "4-mers": purity(kmer_frequencies(texts), labels),
        "GC alone": purity(
            np.c_[[dx.gc_content(one) for one in texts], np.full(len(texts), 0.5)], labels
        ),
    }


def ahead_of_kmers(enc: dx.Encoder, tool: Path) -> dict[str, dict[str, float]]:
    """How far vectors are ahead of 4-mers on the probe's windows, with intervals.

    Windows are drawn again by stretch of genome, since those of one stretch are alike.
    """
    spec = importlib.util.spec_from_file_location("species_probe", tool)
    assert spec is not None
    assert spec.loader is not None
    probe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(probe)
    texts, species, stretches = [], [], []
    for name in probe.SEEN + probe.UNSEEN:
        path = probe.GENOMES / f"{name}.fa.gz"
        rng = np.random.default_rng(sum(path.name.encode()))
        for bases, stretch, _, _ in probe.windows(path, rng):
            texts.append(bases if rng.random() < 0.5 else dx.reverse_complement(bases))
            species.append(path.name)
            stretches.append(stretch)
    labels = np.unique(species, return_inverse=True)[1]
    groups = np.array(stretches)
    found = [
        _by_window(x, labels, groups)
        for x in (enc.embed(texts).astype(float), probe.kmers(texts, 4))
    ]
    blocks = np.unique(labels * len(texts) + groups, return_inverse=True)[1]
    ahead = {}
    for number, name in enumerate(("accuracy", "kNN")):
        gain = found[0][number] - found[1][number]
        sums, sizes = np.bincount(blocks, gain), np.bincount(blocks)
        drawn = np.random.default_rng(0).integers(len(sums), size=(10_000, len(sums)))
        low, high = np.quantile(sums[drawn].sum(1) / sizes[drawn].sum(1), (0.025, 0.975))
        ahead[name] = {"value": float(gain.mean()), "low": float(low), "high": float(high)}
    return ahead


def _by_window(
    x: np.ndarray, labels: np.ndarray, groups: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Whether each window's species is found, as the probe does it, and its neighbours' share."""
    best = np.zeros(len(labels), bool)
    for penalty in (0.1, 1, 10, 100, 1000):
        right = np.zeros(len(labels), bool)
        for group in np.unique(groups):
            train = groups != group
            scaler = StandardScaler().fit(x[train])
            model = RidgeClassifier(penalty).fit(scaler.transform(x[train]), labels[train])
            right[~train] = model.predict(scaler.transform(x[~train])) == labels[~train]
        best = right if right.mean() > best.mean() else best
    centred = x - x.mean(0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    near = np.where(groups[:, None] == groups, -2.0, unit @ unit.T)
    return best.astype(float), (labels[np.argsort(-near, 1)[:, :10]] == labels[:, None]).mean(1)


def main() -> None:
    """Export, score, write the card."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("configs", type=Path, nargs="+")
    parser.add_argument("--probe", type=Path, help="what species_probe.py printed")
    parser.add_argument("--export", action="store_true", help="write the model's files")
    parser.add_argument("--out", type=Path, default=Path("dnabert2_explore/models/pocket-atlas"))
    parser.add_argument("--twin", type=Path, default=Path("../runs/atlas-twin"))
    parser.add_argument("--before", type=Path, default=Path("../runs/atlas-before"))
    parser.add_argument("--tool", type=Path, default=Path("../shared/tools/species_probe.py"))
    parser.add_argument("--machine", default="2 cores")
    parser.add_argument("--notes", default="")
    asked = parser.parse_args()
    configs = [dx.PretrainConfig.from_yaml(one) for one in asked.configs]
    last, before = configs[-1], configs[-2]
    if asked.export:
        # 4-mers are counted on both strands; so are vectors made.
        both = {"embedding_strands": "both"}
        for config, out in ((last, asked.out), (before, asked.before)):
            source = find_checkpoint(Path(config.out) / "model")
            save_model(load_network(source), out, source.tokenizer, torch.float16, more=both)
        (asked.out / "README.md").unlink()  # MODEL_CARD.md says more
        twin = dx.random_twin(dx.load(asked.out)).network
        save_model(twin, asked.twin, source.tokenizer, torch.float32, more=both)
    if asked.probe is None:
        return
    rows, about = read_probe(asked.probe.read_text(encoding="utf-8"))
    rows["its untrained twin"] = rows.pop(str(asked.twin)[-24:].strip())
    enc = dx.load(asked.out)
    others = {BEFORE: rows.pop(str(asked.before)[-24:].strip()), **rows}
    scores: dict[str, Any] = {
        "probe": {"pocket-atlas": others.pop("pocket-atlas"), **others},
        "ahead_of_4_mers": ahead_of_kmers(enc, asked.tool),
        "probe_windows": about,
        "demo_knn": demo_scores(enc),
        "runs": [state(one) for one in configs],
        "curve": curve(Path(before.out) / "evaluation.csv"),
    }
    write_json(asked.out / "scores.json", scores)
    card = write_card(configs, enc, scores, asked)
    (asked.out / "MODEL_CARD.md").write_text(card, encoding="utf-8")


def state(config: dx.PretrainConfig) -> dict[str, float]:
    """Read steps, tokens and seconds of a run."""
    newest = latest_checkpoint(config.out)
    if newest is None:
        raise SystemExit(f"{config.out} holds no checkpoint: run pretrain first.")
    content = json.loads((newest / "state.json").read_text(encoding="utf-8"))
    return {key: content[key] for key in ("step", "tokens", "seconds")}


def part(config: dx.PretrainConfig, number: int) -> str:
    """Describe one part of the training in a row of the card."""
    together = (
        f"within {config.nearby_bases:,} bp of each other (no species labels)"
        if config.positives == "nearby"
        else "anywhere in one species"
    )
    return (
        f"| Part {number} | {config.total_steps:,} steps of {config.batch_rows} windows of "
        f"{config.shortest} to {config.longest:,} bp; positives: {config.group_windows} windows {together}; "
        f"learning rate {config.learning_rate:g}, weight decay {config.weight_decay:g}, dropout "
        f"{config.network.get('hidden_dropout_prob', 0.0):g} |"
    )


def curve(path: Path) -> list[dict[str, float]]:
    """Mean held-out loss and accuracy at each evaluation of a run."""
    by_step: dict[int, list[tuple[float, float]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            scored = float(row["loss"]), float(row["accuracy"])
            by_step.setdefault(int(row["step"]), []).append(scored)
    return [
        {"step": step, "loss": float(np.mean(found, 0)[0]), "accuracy": float(np.mean(found, 0)[1])}
        for step, found in by_step.items()
    ]


def write_card(
    configs: list[dx.PretrainConfig],
    enc: dx.Encoder,
    scores: dict[str, Any],
    asked: argparse.Namespace,
) -> str:
    """Fill the card from the measured numbers."""
    config, runs = configs[-1], scores["runs"]
    probe, about = scores["probe"], scores["probe_windows"]
    keys = ("accuracy", "unseen", "knn", "knn_unseen", "after", "both", "share", "gc")
    lines = [
        f"| {'**pocket-atlas**' if name == 'pocket-atlas' else name} | "
        + " | ".join(f"{row[key]:.{2 if key in ('share', 'gc') else 3}f}" for key in keys)
        + " |"
        for name, row in probe.items()
    ]
    mine, four = probe["pocket-atlas"], probe["4-mers"]
    asked_for = {
        "accuracy at least 0.08 above 4-mers": mine["accuracy"] - four["accuracy"] >= 0.08,
        "unseen species at least as 4-mers (before the last part)": (
            probe[BEFORE]["unseen"] >= four["unseen"]
        ),
        "kNN at least 0.10 above 4-mers": mine["knn"] - four["knn"] >= 0.10,
        "at least 0.25 left after 4-mers": mine["after"] >= 0.25,
        "axis 1's r with GC below 0.5": mine["gc"] < 0.5,
    }
    verdict = (
        "What was asked of it before it was trained: "
        + "; ".join(
            f"{words}: {'reached' if reached else '**missed**'}"
            for words, reached in asked_for.items()
        )
        + "."
    )
    files = read_table(config.table, config.genomes)
    trained = {one.species: one.category for one in files if one.split == "train"}
    files = read_table(configs[-2].table, config.genomes)
    held = sorted({one.species.replace("_", " ") for one in files if one.split == "heldout"})
    points = scores["curve"]
    kept = points[:: max(1, len(points) // 8)]
    kept += [] if kept[-1] is points[-1] else [points[-1]]
    shape = enc.config
    return CARD.format(
        parameters=enc.info.parameters,
        layers=shape.num_hidden_layers,
        hidden=shape.hidden_size,
        heads=shape.num_attention_heads,
        intermediate=shape.intermediate_size,
        megabytes=(asked.out / "model.safetensors").stat().st_size / 1e6,
        temperature=config.temperature,
        parts="\n".join(part(one, number) for number, one in enumerate(configs, start=1)),
        tokens=int(sum(one["tokens"] for one in runs)),
        cuts=config.cuts,
        dropout=config.bpe_dropout,
        average=config.average,
        precision=config.precision,
        minutes=sum(one["seconds"] for one in runs) / 60,
        machine=asked.machine,
        margin=config.exclude_margin,
        notes=asked.notes,
        species=len(trained),
        categories=len(set(trained.values())),
        held=", ".join(held),
        probe_windows=about["windows"],
        probe_species=about["species"],
        chance=about["chance"],
        probe="\n".join(lines),
        verdict=verdict,
        demo="; ".join(f"{who} {value:.3f}" for who, value in scores["demo_knn"].items()),
        ahead="; ".join(
            f"{name} {one['value']:+.3f} ({one['low']:+.3f} to {one['high']:+.3f})"
            for name, one in scores["ahead_of_4_mers"].items()
        ),
        width=enc.embedding_size,
        stacked=", ".join(map(str, enc.embedding_layers)),
        evaluate_rows=config.evaluate_rows,
        curve=", ".join(
            f"{one['loss']:.2f} and {one['accuracy']:.2f} after {one['step']:,} steps"
            for one in kept
        ),
    )


if __name__ == "__main__":
    main()
