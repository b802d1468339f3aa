"""Measure what docs/variants.md says of scores: whether they favour length, and what they cost.

python benchmarks/variants.py [--count 400] [--device cpu]
"""

from __future__ import annotations

import argparse
import random
import time

import numpy as np
import torch

import dnabert2_explore as dx
from dnabert2_explore.analysis.variants import Scorer
from dnabert2_explore.sequences.genome import Genome


def random_variants(name: str, bases: str, count: int, seed: int) -> list[dx.Variant]:
    """Make changes at random places: SNVs, insertions and deletions of 1 to 8 bases, in turn."""
    rng = random.Random(seed)
    found = []
    for number in range(count):
        place = rng.randrange(300, len(bases) - 300)
        ref, size = bases[place], rng.randrange(1, 9)
        if number % 3 == 0:
            change = ref, rng.choice([base for base in "ACGT" if base != ref])
        elif number % 3 == 1:
            change = ref, ref + "".join(rng.choices("ACGT", k=size))
        else:
            change = bases[place : place + size + 1], ref
        found.append(dx.Variant(name, place, *change))
    return found


def main() -> None:
    """Print the correlations and the seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--model", default="pocket")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    locus = dx.demo.locus().sequence
    enc = dx.load(arguments.model, device=arguments.device, cache=False)
    genome = Genome.from_records([locus])
    variants = random_variants(locus.name, locus.bases.upper(), arguments.count, seed=0)
    print(enc.info)
    scores = Scorer.make(enc, genome, scores=("llr",)).score(variants)
    print(scores)
    tokens = scores["tokens_alt"] - scores["tokens_ref"]
    for name in ("llr", "llr_per_base", "context", "content", "retokenisation"):
        known = np.isfinite(scores[name])
        length, count = (
            np.corrcoef(scores[name][known], other[known])[0, 1]
            for other in (scores["length_change"], tokens)
        )
        print(f"{name:<16} correlation with length {length:+.2f}, with tokens {count:+.2f}")
    for kind in ("llr", "distance", "pll"):
        some = variants if kind != "pll" else variants[: max(1, arguments.count // 20)]
        scorer = Scorer.make(enc, genome, scores=(kind,))
        scorer.score(some[:8])  # warm
        begun = time.perf_counter()
        scorer.score(some)
        print(f"{kind:<10} {len(some) / (time.perf_counter() - begun):8.1f} variants/s")


if __name__ == "__main__":
    main()
