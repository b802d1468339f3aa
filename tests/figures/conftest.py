"""Results as the analyses return them, made up: figures need no network."""

import numpy as np
import pytest

from dnabert2_explore.analysis.attribution import Attribution
from dnabert2_explore.sequences import Composition, clean
from dnabert2_explore.tokens import Tokens


def make_tokens(bases: str, cut: int = 4) -> Tokens:
    """[CLS], pieces of `cut` bases (N alone, unknown), [SEP]."""
    spans, names = [(0, 0)], ["[CLS]"]
    start = 0
    while start < len(bases):
        end = start + 1
        if bases[start] != "N":
            while end < min(start + cut, len(bases)) and bases[end] != "N":
                end += 1
        spans.append((start, end))
        names.append(bases[start:end] if bases[start] != "N" else "[UNK]")
        start = end
    spans.append((len(bases), len(bases)))
    names.append("[SEP]")
    composition: Composition = clean(bases).composition
    return Tokens(
        bases=bases,
        ids=np.arange(len(names)),
        tokens=tuple(names),
        spans=np.array(spans, dtype=np.int64),
        special=np.array([n in ("[CLS]", "[SEP]") for n in names]),
        unknown=np.array([n == "[UNK]" for n in names]),
        composition=composition,
    )


def make_attribution(tokens: Tokens, seed: int = 0) -> Attribution:
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=len(tokens)).astype(np.float32)
    inner = tokens.lengths > 0
    return Attribution(
        tokens=tokens,
        token_scores=scores,
        base_scores=np.repeat(scores[inner] / tokens.lengths[inner], tokens.lengths[inner]),
        delta=0.01,
        method="layer_integrated_gradients",
        target=1,
        target_name="donor",
        score=2.0,
        baseline_score=0.0,
        unit="logit",
        probabilities=np.array([0.1, 0.9], dtype=np.float32),
        classes=("neither", "donor"),
        model="pocket · 2.6 M parameters",
    )


@pytest.fixture
def tokens() -> Tokens:
    return make_tokens("ACGTTGCANNACGGTACCATTGACCATGCA" * 4)


@pytest.fixture
def long_tokens() -> Tokens:
    rng = np.random.default_rng(0)
    return make_tokens("".join(rng.choice(list("ACGT"), 12_000)), cut=5)
