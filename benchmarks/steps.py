"""A training step and integrated gradients: ours beside one that works as the original does.

    python benchmarks/steps.py --shape 117M --repeats 2 --threads 1
    python benchmarks/steps.py --shape pocket --out benchmarks/results/steps_pocket.json
    python benchmarks/steps.py --device cuda --dtype bfloat16 --repeats 10  # in larger batches

Both share weights and batches and run in turns in one process, the best time of each. The
original's way is `dnabert2_explore.bench.reference`: linear layers on unpadded tokens, attention
step by step on padded scores; with --dtype bfloat16 both train under autocast. A training step is
forward, masked-LM loss on the hidden tokens (15%) and backward; AdamW, the same for both, is left
out. Integrated gradients are Captum's from [MASK], 20 steps, of the logit of a classifier, in
float32: ours as `dx.attribute` calls them, the original's way through `LayerIntegratedGradients`,
as its users write it, `--rows` points at once; both say how far the sums are from closing (delta),
which takes two more passes. Weights are random: time does not depend on them. Losses and
attributions of the two are compared before anything is timed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import numpy as np
import torch
from captum.attr import LayerIntegratedGradients

import dnabert2_explore as dx
from dnabert2_explore.bench import (
    Table,
    alternately,
    clock_of,
    describe_machine,
    reference_states,
    write_tables,
)
from dnabert2_explore.bench.reference import KeptBias
from dnabert2_explore.bench.shapes import find_shape
from dnabert2_explore.common.randomness import seeded
from dnabert2_explore.encoder import find_device
from dnabert2_explore.network import (
    Dnabert2ForMaskedLM,
    Dnabert2ForSequenceClassification,
)
from dnabert2_explore.training.loop.attending import training_backend

#: Token counts of a batch, by what it is called.
BATCHES: dict[str, tuple[int, ...]] = {
    "8 of 128 tokens": (128,) * 8,
    "8 of 32 to 512 tokens": (32, 100, 169, 237, 306, 375, 443, 512),
    "2 of 512 tokens": (512,) * 2,
}
#: A GPU is given as much as a training run gives it.
BATCHES_GPU: dict[str, tuple[int, ...]] = {
    "256 of 128 tokens": (128,) * 256,
    "128 of 32 to 512 tokens": tuple(32 + 480 * row // 127 for row in range(128)),
    "32 of 512 tokens": (512,) * 32,
    "8 of 2,048 tokens": (2048,) * 8,
}
HIDDEN_SHARE = 0.15
STEPS = 20
MASK = 4
Call = Callable[[], float]


def batch_of(
    lengths: tuple[int, ...], vocabulary: int, device: torch.device
) -> dict[str, torch.Tensor]:
    """Random token ids, padded, with 15% of the tokens hidden."""
    rng = np.random.default_rng(0)
    ids = np.full((len(lengths), max(lengths)), 3)
    mask = np.zeros_like(ids)
    labels = np.full_like(ids, -100)
    for row, length in enumerate(lengths):
        ids[row, :length] = [1, *rng.integers(5, vocabulary, length - 2), 2]
        mask[row, :length] = 1
        hidden = 1 + rng.choice(length - 2, max(1, round(HIDDEN_SHARE * length)), replace=False)
        labels[row, hidden] = ids[row, hidden]
        ids[row, hidden] = MASK
    named = {"input_ids": ids, "attention_mask": mask, "labels": labels}
    return {name: torch.from_numpy(values).to(device) for name, values in named.items()}


def training(
    shape: str, lengths: tuple[int, ...], device: torch.device, dtype: torch.dtype
) -> tuple[Call, Call]:
    """Return the original's step and ours; each returns its loss."""
    config = find_shape(shape)
    config.sparse_prediction = True  # as in `pretrain`: logits of hidden tokens only
    with seeded(0):
        network = Dnabert2ForMaskedLM(config).eval()  # without dropout, so that losses compare
    network.to(device)
    network.set_attn_implementation(training_backend("auto", config, device, dtype))
    given = batch_of(lengths, config.vocab_size, device)
    kept = KeptBias(config, device)
    half = torch.autocast(device.type, torch.bfloat16, enabled=dtype == torch.bfloat16)

    def theirs() -> float:
        network.zero_grad()
        with half:
            states = reference_states(
                network.bert, given["input_ids"], given["attention_mask"], kept
            )
            labelled = given["labels"] > 0
            logits = network.cls(states[labelled])
            loss = torch.nn.functional.cross_entropy(logits, given["labels"][labelled])
        loss.backward()
        return loss.item()

    def ours() -> float:
        network.zero_grad()
        with half:
            loss = network(**given).loss
        loss.backward()
        return float(loss.item())

    return theirs, ours


def integrated(shape: str, bases: str, rows: int, device: torch.device) -> tuple[Call, Call, int]:
    """Return the original's way to integrated gradients, ours, and the number of tokens.

    Each returns the largest attribution of a token.
    """
    config = find_shape(shape)
    config.num_labels = 2
    with seeded(0):
        network = Dnabert2ForSequenceClassification(config).eval().to(device)
    backend = training_backend("auto", config, device, torch.float32)
    network.set_attn_implementation(backend)
    enc = dx.Encoder(network, dx.load("pocket").tokenizer, shape)
    enc.cache = None
    ids = torch.from_numpy(np.asarray(enc.tokenizer.encode(bases).ids, dtype=np.int64))[None]
    ids = ids.to(device)
    nothing = ids.clone()
    nothing[:, 1:-1] = MASK
    kept = KeptBias(config, device)

    def score(ids: torch.Tensor) -> torch.Tensor:
        states = reference_states(network.bert, ids, torch.ones_like(ids), kept)
        assert network.bert.pooler is not None
        return network.classifier(network.bert.pooler(states[:, 0]))[:, 1]

    captum = LayerIntegratedGradients(score, network.bert.embeddings.word_embeddings)

    def theirs() -> float:
        found, _ = captum.attribute(
            ids, nothing, n_steps=STEPS, internal_batch_size=rows, return_convergence_delta=True
        )
        return float(found.sum(-1).abs().max())

    def ours() -> float:
        found = dx.attribute(enc, bases, 1, n_steps=STEPS, baseline="mask", output="logit")
        return float(np.abs(found.token_scores).max())

    return theirs, ours, ids.shape[1]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shape", default="117M")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--bases", type=int, default=600, help="of the attributed sequence")
    parser.add_argument("--rows", type=int, default=20, help="points the reference takes at once")
    parser.add_argument("--out", help="JSON file of the tables, as docs/performance.md has them")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    given = parser.parse_args()
    device, dtype = find_device(given.device), getattr(torch, given.dtype)
    if given.threads:
        torch.set_num_threads(given.threads)
    machine = describe_machine(device)
    rows = []
    work: list[tuple[str, Call, Call]] = [
        (f"training step, {name}", *training(given.shape, lengths, device, dtype))
        for name, lengths in (BATCHES_GPU if device.type == "cuda" else BATCHES).items()
    ]
    theirs, ours, tokens = integrated(
        given.shape, dx.demo.windows()[0].bases[: given.bases], given.rows, device
    )
    work.append((f"integrated gradients, {tokens} tokens, {STEPS} steps, float32", theirs, ours))
    for name, theirs, ours in work:
        first, second = theirs(), ours()  # warm, and the same
        if abs(first - second) > (1e-2 if dtype == torch.bfloat16 else 1e-3) * abs(first):
            raise SystemExit(f"{name}: the two differ, {first} and {second}.")
        seconds = alternately([theirs, ours], device, given.repeats)
        difference = abs(first - second) / abs(first)
        row = (
            name,
            *(f"{one:.3g}" if device.type == "cuda" else f"{one:.2f}" for one in seconds),
            f"{seconds[0] / seconds[1]:.2f}",
            f"{difference:.0e}",
        )
        rows.append(row)
        print(row, file=sys.stderr, flush=True)
    table = Table(
        title=f"Training and attribution, {given.shape} shape, {given.dtype}",
        header=("work", "reference, s", "ours, s", "ratio", "relative difference"),
        rows=tuple(rows),
        note=f"In turns, the best {clock_of(device)} time of {given.repeats} counts.",
    )
    print(f"{machine}\n\n{table.markdown()}")
    if given.out:
        write_tables(given.out, machine, [table], " ".join(["python", *sys.argv]))


if __name__ == "__main__":
    main()
