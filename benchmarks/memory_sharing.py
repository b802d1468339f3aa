"""Do processes on one machine share the weights? Linux only.

Writes a random model of the 117M shape, starts processes one after the other that load it and
embed one sequence, and reads from /proc what each holds. RSS counts every page a process has;
PSS divides a page by the number of processes that have it, so that the PSS of all add up to what
the machine gives.

    python benchmarks/memory_sharing.py
    python benchmarks/memory_sharing.py --processes 4 --format bin    # as published: a pickle
    python benchmarks/memory_sharing.py --dtype bfloat16              # not the file's own type
    python benchmarks/memory_sharing.py --shape pocket                # a quick look
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from dnabert2_explore import ExploreError
from dnabert2_explore.bench import (
    SHAPES,
    Table,
    describe_machine,
    mappings_of,
    resident,
    write_tables,
)
from dnabert2_explore.encoder import SHIPPED
from dnabert2_explore.network import Dnabert2Config, Dnabert2ForMaskedLM

#: A process that loads the model, embeds, says how much of the weights is the file's, and stays.
CHILD = """
import json, sys
from pathlib import Path
import dnabert2_explore as dx
from dnabert2_explore.bench import mappings_of

enc = dx.load(sys.argv[1], device="cpu", dtype=sys.argv[2], cache=False)
enc.embed("ACGTTGCA" * 100)
# Of another type than the file's, weights are mapped from a copy in the cache.
copies = list(Path(sys.argv[3], "weights").glob("*.safetensors"))
file = copies[0] if copies else enc.checkpoint.weights
stretches = mappings_of(file)
weights = list(enc.network.parameters())
size = lambda p: p.numel() * p.element_size()
mapped = sum(size(p) for p in weights if any(p.data_ptr() in stretch for stretch in stretches))
said = {"weights": sum(map(size, weights)), "mapped": mapped, "file": str(file)}
print(json.dumps(said), flush=True)
sys.stdin.readline()
"""


def write_model(folder: Path, shape: str, kind: str) -> Path:
    """Write a random model in the published layout; return its weights file."""
    torch.manual_seed(0)
    config = Dnabert2Config(**SHAPES[shape])
    network = Dnabert2ForMaskedLM(config)
    # As published: the decoder's weight is the embeddings', and stands in the pickle only.
    state = {name: t.contiguous() for name, t in network.state_dict().items()}
    if kind == "bin":
        weights = folder / "pytorch_model.bin"
        torch.save(state, weights)
    else:
        weights = folder / "model.safetensors"
        del state["cls.predictions.decoder.weight"]
        save_file(state, weights)
    names = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    values = {name: getattr(config, name) for name in (*names, "vocab_size")}
    (folder / "config.json").write_text(json.dumps(values))
    shutil.copy(SHIPPED["pocket"] / "tokenizer.json", folder)
    with weights.open("rb") as file:  # pages on their way to the disk would count as dirty
        os.fsync(file.fileno())
    return weights


def start(folder: Path, dtype: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    """Start a process and wait until it has embedded."""
    cache = folder / "cache"
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), dtype, str(cache)],
        env=os.environ | {"DNABERT2_EXPLORE_CACHE": str(cache)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        sys.exit("memory_sharing.py: a process failed; its message stands above")
    os.sync()  # pages of a file just written count as dirty until they are on the disk
    return process, json.loads(line)


def row(what: str, process: int, said: dict[str, Any]) -> tuple[str, ...]:
    """Megabytes of one process."""
    everything, stretches = resident(process), mappings_of(Path(said["file"]), process)
    values = (
        everything["Rss"],
        everything["Pss"],
        said["weights"],
        said["mapped"],
        sum(stretch.rss for stretch in stretches),
        sum(stretch.pss for stretch in stretches),
        sum(stretch.private_dirty for stretch in stretches),
    )
    return (what, *(f"{value / 1e6:,.0f}" for value in values))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shape", choices=SHAPES, default="117M")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--dtype", default="float32", help="the files hold float32")
    parser.add_argument("--format", choices=("safetensors", "bin"), default="safetensors")
    parser.add_argument("--out", help="JSON file of the tables, as docs/performance.md has them")
    options = parser.parse_args()
    machine = describe_machine(torch.device("cpu"))
    rows: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        weights = write_model(folder, options.shape, options.format)
        running: list[tuple[subprocess.Popen[str], dict[str, Any]]] = []
        try:
            for number in range(1, options.processes + 1):
                running.append(start(folder, options.dtype))
                for place, (process, said) in enumerate(running, start=1):
                    what = f"{number} running: process {place}"
                    rows.append(row(what, process.pid, said))
        finally:
            for process, _ in running:
                process.communicate("\n")
    table = Table(
        title=f"Memory of processes that loaded the same {options.shape} model, MB",
        header=(
            "process",
            "RSS",
            "PSS",
            "weights",
            "weights mapped from a file",
            "mapping, RSS",
            "mapping, PSS",
            "mapping, private dirty",
        ),
        rows=tuple(rows),
        note=f"{weights.name} in float32, loaded as {options.dtype}; one sequence of 800 bp was "
        "embedded by each.",
    )
    print(f"{machine}\n\n{table.markdown()}")
    if options.out:
        command = " ".join(["python", *sys.argv])
        write_tables(options.out, machine, [table], command)


if __name__ == "__main__":
    try:
        main()
    except ExploreError as error:
        sys.exit(f"memory_sharing.py: {error}")
