"""Measure what docs/variants.md says of scores: whether they favour length, and what they cost.

python benchmarks/variants.py            # result file and the page's table
python benchmarks/variants.py --speed    # variants a second on this machine
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import dnabert2_explore as dx
from dnabert2_explore.common.files import replacing
from dnabert2_explore.encoder.machine import describe_machine
from dnabert2_explore.results.sealed import write_json

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "variants.json"
PAGE = ROOT / "docs" / "variants.md"
BEGIN, END = "<!-- lengths of variants.json -->", "<!-- /lengths -->"
SCORES = ("llr", "llr_per_base", "context", "content", "retokenisation")


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
    """Write the result file and the page's table, and print the speeds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--model", default="pocket")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--speed", action="store_true", help="print variants a second, no file")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    locus = dx.demo.locus().sequence
    enc = dx.load(arguments.model, device=arguments.device, cache=False)
    genome = dx.Genome.from_records([locus])
    variants = random_variants(locus.name, locus.bases.upper(), arguments.count, seed=0)
    print(enc.info)
    if arguments.speed:
        speeds(enc, genome, variants)
        return
    found = dx.VariantScorer.make(enc, genome, scores=("llr",)).score(variants)
    tokens = found["tokens_alt"] - found["tokens_ref"]
    rows = {
        name: {
            other: float(np.corrcoef(found[name][known], values[known])[0, 1])
            for other, values in (("length", found["length_change"]), ("tokens", tokens))
        }
        for name in SCORES
        for known in [np.isfinite(found[name])]
    }
    content = {
        "format": 1,
        "model": arguments.model,
        "weights_sha256": enc.weights_sha256,
        "variants": len(variants),
        "seed": 0,
        "machine": str(describe_machine(enc.device)),
        "correlations": rows,
    }
    write_json(RESULT, content)
    prose, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    if not after:
        raise SystemExit(f"{PAGE} lacks {BEGIN!r} or {END!r}: put them around the table.")
    with replacing(PAGE) as temporary:
        temporary.write_text(
            f"{prose}{BEGIN}\n\n{markdown(content)}\n\n{END}{after}", encoding="utf-8"
        )
    print(markdown(content))


def markdown(content: dict[str, Any]) -> str:
    """Table of the page."""
    lines = ["| score | length | tokens |", "|---|---|---|"]
    for name, row in content["correlations"].items():
        told = (f"{row[other]:+.2f}".replace("-", "−") for other in ("length", "tokens"))
        lines.append(f"| `{name}` | {' | '.join(told)} |")
    return "\n".join(lines)


def speeds(enc: dx.Encoder, genome: dx.Genome, variants: list[dx.Variant]) -> None:
    """Print variants a second."""
    for kind in ("llr", "distance", "pll"):
        some = variants if kind != "pll" else variants[: max(1, len(variants) // 20)]
        scorer = dx.VariantScorer.make(enc, genome, scores=(kind,))
        scorer.score(some[:8])  # warm
        begun = time.perf_counter()
        scorer.score(some)
        print(f"{kind:<10} {len(some) / (time.perf_counter() - begun):8.1f} variants/s")


if __name__ == "__main__":
    main()
