"""How well attributions of the shipped ``pocket-motif`` find the sites of ``dx.demo.motif``.

    python benchmarks/planted_shipped.py            # about 2 CPU minutes; prints the table
    python benchmarks/planted_shipped.py --publish  # writes results/planted_shipped.json too

As ``planted.py``, which trains models of its own for hours, but on what comes with the package, so
that a method that is added gets its row beside the others. Beside each stands the same of a network
of the same shape that has learnt nothing.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import torch
from planted import interval, say, scores_of, title_of, write_json

import dnabert2_explore as dx
from dnabert2_explore.analysis.attribution.trust.checks import recovery
from dnabert2_explore.encoder.machine import describe_machine

ROOT = Path(__file__).parents[1]
COUNT = 50
CASES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("attn_lrp", {}),
    ("input_x_gradient", {}),
    ("saliency", {}),
    ("attention_x_gradient", {}),
    ("layer_integrated_gradients", {"n_steps": 50}),
    ("occlusion", {}),
    ("saturation_mutagenesis", {}),
)


def measure() -> dict[str, Any]:
    """AUROC of base scores for planted bases, of the model and of its untrained twin."""
    enc = dx.load("pocket-motif", cache=False)
    twin = dx.random_twin(enc, seed=1000)
    some = [one for one in dx.demo.motif() if one.label == "planted"]
    said = enc.predict([one.bases for one in some]).argmax(axis=1) == enc.classes.index("planted")
    some = [one for one, is_right in zip(some, said, strict=True) if is_right][:COUNT]
    sites = [[(int(one.fields["start"]), int(one.fields["end"]))] for one in some]
    methods = {}
    for method, settings in CASES:
        title = title_of(method, settings)
        methods[title] = {}
        for network, model in (("trained", enc), ("twin", twin)):
            begun = time.process_time()
            scores = [scores_of(model, one.bases, method, settings) for one in some]
            seconds = (time.process_time() - begun) / len(some)
            found = [recovery(values, site) for values, site in zip(scores, sites, strict=True)]
            mean, low, high = interval(found)
            methods[title][network] = {"auroc": mean, "low": low, "high": high, "seconds": seconds}
        say(f"{title}: {methods[title]['trained']['auroc']:.3f}")
    return {
        "model": "pocket-motif",
        "sequences": len(some),
        "methods": methods,
        "machine": str(describe_machine(torch.device("cpu"))),
        "script": "benchmarks/planted_shipped.py",
    }


def table(results: dict[str, Any]) -> str:
    """Write the table of docs/attribution.md."""
    from dnabert2_explore.analysis.attribution import METHODS

    def cell(one: dict[str, float]) -> str:
        return f"{one['auroc']:.3f} ({one['low']:.3f}–{one['high']:.3f})"

    lines = ["| method | pocket-motif | learnt nothing | CPU s |", "|---|---|---|---|"]
    ranked = sorted(results["methods"].items(), key=lambda one: -one[1]["trained"]["auroc"])
    for title, networks in ranked:
        name = METHODS[title.partition(", ")[0]].title
        trained = networks["trained"]
        lines.append(
            f"| {name} | {cell(trained)} | {cell(networks['twin'])} | {trained['seconds']:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and publish where asked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--publish", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    say("about 2 CPU minutes")
    results = measure()
    print(table(results))
    if arguments.publish:
        write_json(ROOT / "benchmarks" / "results" / "planted_shipped.json", results)


if __name__ == "__main__":
    main()
