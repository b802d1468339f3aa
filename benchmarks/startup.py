"""What the first vector costs in CPU seconds: ours beside the original's way, and what is imported.

Modules are imported one after the other in one process, in the order in which they depend on each
other, so that each row holds only what the rows above it have not loaded.

    python benchmarks/startup.py
    python benchmarks/startup.py --out benchmarks/results/startup.json
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

#: Module -> whose it is: what asks for it on the way to a vector.
STEPS = {
    "numpy": "us",
    "torch": "us",
    "transformers.configuration_utils": "our configuration",
    "dnabert2_explore.encoder": "us",
    "dnabert2_explore.stores.files.vectors": "us",
    "dnabert2_explore.cli": "us",
}

#: What a transformers model loads on top, the first time somebody asks for `Encoder.network`.
ON_DEMAND = {
    "transformers.modeling_utils": "transformers models: with torch._dynamo, accelerate, scipy",
    "dnabert2_explore.network.modeling": "ours, and the Auto classes they register with",
}

SEQUENCE = "ACGTAGCATCGGATCTATCT" * 3
EMBED = "from dnabert2_explore.cli import main; main()"
#: The way of the original's README, with the code and weights of an exported folder.
ORIGINAL = f"""
import sys, torch
from transformers import AutoModelForMaskedLM, PreTrainedTokenizerFast
tokenizer = PreTrainedTokenizerFast.from_pretrained(sys.argv[1])
model = AutoModelForMaskedLM.from_pretrained(sys.argv[1], trust_remote_code=True)
with torch.no_grad():
    hidden = model.bert(**tokenizer([{SEQUENCE!r}], return_tensors="pt"))[0]
print(hidden.mean(dim=1).shape)
"""


def steps() -> list[tuple[str, float, int]]:
    """Import in this process; return CPU seconds and new modules of each."""
    found = []
    for name in STEPS | ON_DEMAND:
        before, begun = len(sys.modules), time.process_time()
        importlib.import_module(name)
        found.append((name, time.process_time() - begun, len(sys.modules) - before))
    return found


def spent_by(*command: str | Path) -> float:
    """CPU seconds of a command, user and system."""
    before = os.times()
    subprocess.run(
        [sys.executable, *command], check=True, capture_output=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    after = os.times()
    spent = after.children_user + after.children_system
    return spent - before.children_user - before.children_system


def both(repeats: int) -> dict[str, list[float]]:
    """CPU seconds from nothing to one vector: by transformers as the original's, and by us."""
    from dnabert2_explore.encoder import SHIPPED
    from dnabert2_explore.network.export import export_transformers

    found: dict[str, list[float]] = {"original": [], "embed": [], "python": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        export_transformers(SHIPPED["pocket"], folder / "model")
        (folder / "one.fa").write_text(f">one\n{SEQUENCE}\n")
        ours = f"import dnabert2_explore as dx; dx.load(cache=False).embed({SEQUENCE!r})"
        for number in range(repeats):
            found["original"].append(spent_by("-c", ORIGINAL, folder / "model"))
            out = folder / f"{number}.npz"
            found["embed"].append(spent_by("-c", EMBED, "embed", folder / "one.fa", "-o", out))
            found["python"].append(spent_by("-c", ours))
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", help="JSON file of the table, as docs/performance.md has it")
    parser.add_argument("--repeats", type=int, default=5, help="of each way, in turns")
    parser.add_argument("--steps", action="store_true", help="print the steps as JSON, only")
    options = parser.parse_args()
    if options.steps:
        print(json.dumps(steps()))
        return
    # A fresh process: this one needs the package for its tables.
    said = subprocess.run(
        [sys.executable, __file__, "--steps"], check=True, capture_output=True, text=True
    )
    found = json.loads(said.stdout.splitlines()[-1])
    spent = both(options.repeats)
    import torch

    from dnabert2_explore.bench import Table, describe_machine, write_tables

    imports = [one for one in found if one[0] in STEPS]
    rows = [
        (f"`{name}`", f"{seconds:.2f}", f"{count:,}", (STEPS | ON_DEMAND)[name])
        for name, seconds, count in found
    ]
    total = sum(seconds for _, seconds, _ in imports)
    later = sum(seconds for _, seconds, _ in found) - total
    rows.insert(
        len(imports),
        ("all imports", f"{total:.2f}", f"{sum(count for *_, count in imports):,}", "`embed`"),
    )
    rows.append(("on demand", f"{later:.2f}", "", "`Encoder.network`, training, export"))
    table = Table(
        title="What is imported before the first vector",
        header=("module", "CPU s", "new modules", "asked for by"),
        rows=tuple(rows),
        note="Files in the system's cache, bytecode compiled.",
    )
    words = {
        "original": "transformers, `trust_remote_code`, as the original's README",
        "python": "`dx.load().embed(…)`",
        "embed": "`dnabert2-explore embed`",
    }
    middle = {name: statistics.median(values) for name, values in spent.items()}
    ways = Table(
        title="From nothing to one vector, pocket",
        header=("way", "CPU s", "least to most", "share of the original's"),
        rows=tuple(
            (
                words[name],
                f"{middle[name]:.2f}",
                f"{min(spent[name]):.2f} to {max(spent[name]):.2f}",
                f"{middle[name] / middle['original']:.2f}",
            )
            for name in words
        ),
        note=f"Medians of {options.repeats}, in turns.",
    )
    machine = describe_machine(torch.device("cpu"))
    print(f"{machine}\n\n{ways.markdown()}\n{table.markdown()}")
    if options.out:
        write_tables(options.out, machine, [ways, table], " ".join(["python", *sys.argv]))


if __name__ == "__main__":
    main()
