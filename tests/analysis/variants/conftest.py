"""A small masked LM and head with random weights, real bases, variants of every kind."""

import random

import pytest
import torch

from dnabert2_explore import Encoder, demo, load
from dnabert2_explore.network import (
    Dnabert2Config,
    Dnabert2ForMaskedLM,
    Dnabert2ForSequenceClassification,
)
from dnabert2_explore.sequences import Sequence
from dnabert2_explore.sequences.reading.genome import Genome
from dnabert2_explore.sequences.variants.variant import Variant


def config(**more):
    return Dnabert2Config(
        vocab_size=4096,
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        **more,
    )


@pytest.fixture(scope="session")
def tokenizer():
    return load("pocket", cache=False).tokenizer


@pytest.fixture(scope="session")
def enc(tokenizer):
    torch.manual_seed(0)
    network = Dnabert2ForMaskedLM(config())
    with torch.no_grad():  # far from uniform, so that a wrong formula shows
        for weight in network.parameters():
            weight.mul_(4) if weight.dim() > 1 else weight.add_(0.3 * torch.randn_like(weight))
    return Encoder(network.double(), tokenizer, "tiny")


@pytest.fixture(scope="session")
def head(tokenizer):
    torch.manual_seed(1)
    network = Dnabert2ForSequenceClassification(config(num_labels=3))
    network.config.id2label = {0: "no", 1: "yes, here", 2: "yes here"}
    return Encoder(network.double(), tokenizer, "tiny-head")


@pytest.fixture(scope="session")
def bases():
    return demo.locus().sequence.bases[:2000].upper()


@pytest.fixture(scope="session")
def genome(bases):
    return Genome.from_records([Sequence("c", bases), Sequence("short", bases[300:330])])


@pytest.fixture(scope="session")
def variants(bases):
    """SNVs, insertions, deletions, MNVs and exchanges of unequal length, also at the ends."""
    rng = random.Random(7)
    found = []
    for number in range(26):
        start = rng.randrange(0, 1980) if number > 6 else (0, 1, 5, 1985, 1990, 998, 1999)[number]
        ref = bases[start : start + rng.choice([1, 1, 1, 2, 5, 12])]
        alt = "".join(rng.choices("ACGT", k=rng.choice([1, 1, len(ref), 3, 9])))
        if ref != alt:
            found.append(Variant("c", start, ref, alt))
    for start in (400, 777):  # in the manner of VCF, with the base before
        found.append(Variant("c", start, bases[start : start + 4], bases[start]))
        found.append(Variant("c", start, bases[start], bases[start] + "GATTACA"))
    return found
