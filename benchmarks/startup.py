"""What `dnabert2-explore embed` loads before its first vector, in CPU seconds, and who asks for it.

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
    "torch.distributed.tensor": "transformers.modeling_utils",
    "torch.distributed.fsdp": "transformers.modeling_utils",
    "torch._dynamo": "transformers.modeling_utils; our backend flex",
    "accelerate": "transformers.modeling_utils",
    "scipy.optimize": "transformers.modeling_utils, for losses of object detection",
    "transformers.modeling_utils": "our network, a PreTrainedModel",
    "dnabert2_explore.encoder": "us",
    "dnabert2_explore.stores.files.vectors": "us",
    "dnabert2_explore.cli": "us",
}

EMBED = "from dnabert2_explore.cli import main; main()"


def steps() -> list[tuple[str, float, int]]:
    """Import in this process; return CPU seconds and new modules of each."""
    found = []
    for name in STEPS:
        before, begun = len(sys.modules), time.process_time()
        importlib.import_module(name)
        found.append((name, time.process_time() - begun, len(sys.modules) - before))
    return found


def whole() -> float:
    """CPU seconds of the command, user and system, for one sequence of 60 bases."""
    with tempfile.TemporaryDirectory() as folder:
        fasta = Path(folder) / "one.fa"
        fasta.write_text(">one\n" + "ACGTAGCATCGGATCTATCT" * 3 + "\n")
        before = os.times()
        subprocess.run(
            [sys.executable, "-c", EMBED, "embed", fasta, "-o", fasta.with_suffix(".npz")],
            check=True,
            capture_output=True,
        )
        after = os.times()
    spent = after.children_user + after.children_system
    return spent - before.children_user - before.children_system


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", help="JSON file of the table, as docs/performance.md has it")
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
    command = whole()
    import torch

    from dnabert2_explore.bench import Table, describe_machine, write_tables

    rows = [
        (f"`{name}`", f"{seconds:.2f}", f"{count:,}", STEPS[name]) for name, seconds, count in found
    ]
    total = sum(seconds for _, seconds, _ in found)
    count = sum(count for *_, count in found)
    rows += [
        ("all imports", f"{total:.2f}", f"{count:,}", ""),
        ("`embed` of one sequence, pocket", f"{command:.2f}", "", ""),
    ]
    table = Table(
        title="From the command to the first vector",
        header=("module", "CPU s", "new modules", "asked for by"),
        rows=tuple(rows),
        note="Files in the system's cache, bytecode compiled.",
    )
    machine = describe_machine(torch.device("cpu"))
    print(f"{machine}\n\n{table.markdown()}")
    if options.out:
        write_tables(options.out, machine, [table], " ".join(["python", *sys.argv]))


if __name__ == "__main__":
    main()
