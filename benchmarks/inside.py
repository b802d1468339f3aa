"""Measure the views of what stands inside the network: seconds, what is sent, memory.

python benchmarks/inside.py [--out benchmarks/results/inside.json]

One thread, CPU seconds of this process, so that other work on the machine counts little. The
117-million network has random weights: time and size do not depend on them. Memory is the peak of a
process of its own for each row (``VmHWM`` after it was reset). Takes some minutes.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import dnabert2_explore as dx
from dnabert2_explore.bench import Table, clock_of, write_tables
from dnabert2_explore.bench.shapes import find_shape
from dnabert2_explore.encoder.machine import describe_machine
from dnabert2_explore.figures import attention_map, dependency_figure, lens_figure, token_ribbon
from dnabert2_explore.network import Dnabert2ForMaskedLM

LARGE = "117M, random weights"


def large() -> dx.Encoder:
    """Make a network of the published shape."""
    torch.manual_seed(0)
    return dx.Encoder(
        Dnabert2ForMaskedLM(find_shape("117M")), dx.load("pocket").tokenizer, "117M", cache=False
    )


def sequence(enc: dx.Encoder, tokens: int) -> str:
    """Bases of the demo genomes that make so many tokens, special ones included."""
    text = "".join(one.bases for one in dx.demo.windows())
    ends = enc.tokenize(text[: 8 * tokens]).spans[:, 1]
    return text[: int(ends[tokens - 2])]


def seconds(call: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of a call, and what it returns."""
    begun = time.process_time()
    found = call()
    return time.process_time() - begun, found


def sent(figure: Any) -> int:
    """Bytes that a view sends for a figure."""
    return len(figure.to_json(validate=False).encode())


def attention(rows: list[tuple[str, ...]], sizes: list[tuple[str, ...]]) -> None:
    """Measure the first map of 2,048 tokens, another head, a zoom; what they send."""
    enc = large()
    bases = sequence(enc, 2048)
    enc.embed(bases[:200])
    forward, _ = seconds(lambda: enc.embed(bases))
    whole, found = seconds(lambda: dx.attend(enc, bases))
    figure = lambda layer, head, view=None: attention_map(  # noqa: E731
        found.head(layer, head), found.tokens, view=view, width=840, height=340
    )
    drawn, first = seconds(lambda: figure(11, 4))
    head, _ = seconds(lambda: figure(3, 7))
    zoom, _ = seconds(lambda: figure(11, 4, (3000, 3600)))
    n = len(found.tokens)
    beyond = whole + drawn - forward
    rows += [
        (f"first attention map, {n:,} tokens, {LARGE}, beyond the forward pass ({forward:.1f} s)",
         f"{max(beyond, 0):.2f} s", "1 s"),
        ("another head", f"{head:.2f} s", "0.5 s"),
        ("zoom", f"{zoom:.2f} s", "0.3 s"),
    ]  # fmt: skip
    sizes.append((f"attention, {n:,} tokens", f"{sent(first) / 1e6:.2f} MB"))
    short = dx.attend(enc, sequence(enc, 200))
    small = attention_map(short.head(11, 4), short.tokens, width=840, height=340)
    sizes.append((f"attention, {len(short.tokens)} tokens", f"{sent(small) / 1e6:.2f} MB"))


def dependencies(rows: list[tuple[str, ...]], sizes: list[tuple[str, ...]]) -> None:
    """Measure maps of 200 bp, and what they and other views send."""
    site = dx.demo.splice()[0].bases
    for name, enc, goal in (
        ("pocket", dx.load("pocket", cache=False), "8 s"),
        (LARGE, large(), "200 s"),
    ):
        dx.dependency_map(enc, site, (0, 2))
        cost, found = seconds(lambda enc=enc: dx.dependency_map(enc, site))
        rows.append((f"dependency map of {len(site)} bp, {name}", f"{cost:.1f} s", goal))
        if name == "pocket":
            figure = dependency_figure(found, width=840, height=340)
            sizes.append((f"dependency map, {len(site)} bp", f"{sent(figure) / 1e6:.2f} MB"))
            continue
        mutants = substituted(site)
        total = sum(map(len, enc.tokenizer.encode_batch(mutants, warn=False)))
        engine, _ = seconds(lambda enc=enc, mutants=mutants: enc.embed(mutants))
        rows.append(
            (
                f"its {total:,} tokens a CPU second, over those of `embed` of the same "
                f"{len(mutants):,} mutants ({total / engine:,.0f} a second)",
                f"{engine / cost:.2f} times",
                "0.90 times",
            )
        )
    enc = dx.load("pocket", cache=False)
    lens = dx.lens(enc, site, twin=True)
    sizes.append((f"lens, {len(site)} bp", f"{sent(lens_figure(lens)) / 1e6:.2f} MB"))
    long = enc.tokenize(sequence(enc, 2048))
    sizes.append((f"tokens, {len(long):,}", f"{sent(token_ribbon(long, width=840)) / 1e6:.2f} MB"))


def substituted(bases: str) -> list[str]:
    """List all single substitutions, which a dependency map runs."""
    return [
        bases[:at] + base + bases[at + 1 :]
        for at, now in enumerate(bases)
        for base in "ACGT"
        if base != now
    ]


def patching(rows: list[tuple[str, ...]]) -> None:
    """Layers × tokens of a donor, GT→AT."""
    splice, site = dx.load("pocket-splice", cache=False), dx.demo.splice()[0].bases
    mutant = site[:100] + "A" + site[101:]
    dx.patch(splice, site[:40], site[:20] + "A" + site[21:40], "donor")
    cost, _ = seconds(lambda: dx.patch(splice, site, mutant, "donor"))
    rows.append(
        (f"layers × tokens patch map of a {len(site)} bp pair, pocket", f"{cost:.2f} s", "5 s")
    )


def kilobytes(name: str) -> int:
    """Read a field of this process's memory."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(rf"{name}:\s+(\d+)", status)[1])  # type: ignore[index]


def peak_of(what: str) -> str:
    """Measure memory in this process, which does nothing else; printed for the one above."""
    torch.set_num_threads(1)
    enc = dx.load("pocket", cache=False)
    if what == "long":
        text = ("".join(one.bases for one in dx.demo.windows()))[:100_000]
        cost, found = seconds(lambda: dx.attend(enc, text))
        more = [
            seconds(lambda layer=layer, view=view: attention_map(
                lambda queries: found.rows(layer, 1, queries), found.tokens, view=view,
                queries=None if view else 8, width=840, height=340))[0]
            for layer, view in ((3, None), (0, None), (3, (40_000, 44_000)))
        ]  # fmt: skip
        took = ", ".join(f"{one:.1f} s" for one in (cost, *more))
        return f"{kilobytes('VmHWM') / 1e6:.2f} GB, {took}"
    found = dx.attend(enc, sequence(enc, 4096))
    found.head(0, 0)[:1].sum()  # what is loaded once
    maps = {
        "head": lambda: found.head(3, 1),
        "mean": lambda: found.mean(3),
        "rollout": found.rollout,
    }
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = kilobytes("VmRSS")
    made = maps[what]()
    return f"{(kilobytes('VmHWM') - before) * 1024 / made.nbytes:.2f}"


def apart(what: str) -> str:
    """Run `peak_of` in a process of its own."""
    command = [sys.executable, "-W", "ignore", __file__, "--peak", what]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def eager(rows: list[tuple[str, ...]]) -> None:
    """Compare maps on demand with the whole ones of transformers' eager attention."""
    enc = large()
    bases = sequence(enc, 256)
    found = dx.attend(enc, bases)
    enc.network.set_attn_implementation("eager")
    ids = torch.from_numpy(enc.tokenize(bases).ids)[None]
    with torch.inference_mode():
        whole = enc.network(ids, output_attentions=True).attentions
    far = max(
        float(np.abs(found.head(layer, head) - maps[0, head].numpy()).max())
        for layer, maps in enumerate(whole)
        for head in range(maps.shape[1])
    )
    rows.append(
        (
            f"maps of all heads beside eager attention, {LARGE}: furthest apart",
            f"{far:.0e}",
            "1e-05",
        )
    )


def main() -> None:
    """Print the tables, and write them where `--out` says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", help="JSON file of the tables, as docs/inside.md has them")
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak:
        print(peak_of(arguments.peak))
        return
    torch.set_num_threads(1)
    device = torch.device("cpu")
    machine = describe_machine(device)
    rows: list[tuple[str, ...]] = []
    sizes: list[tuple[str, ...]] = []
    attention(rows, sizes)
    dependencies(rows, sizes)
    patching(rows)
    eager(rows)
    memory = [
        (f"{name}, 4,096 tokens, pocket", f"{apart(what)} times", goal)
        for name, what, goal in (
            ("a head's map", "head", "1.3 times"),
            ("the mean of a layer's heads", "mean", "1.3 times"),
            ("rollout, which multiplies whole maps", "rollout", "1.3 times"),
        )
    ]
    peak, model, first, other, zoom = apart("long").split(", ")
    memory.append(("100 kb with pocket, all of the process", peak, "2 GB"))
    rows += [
        ("100 kb with pocket: the model", model, "opens"),
        (
            "100 kb with pocket: the first map; another head; a zoom",
            f"{first}; {other}; {zoom}",
            "opens",
        ),
    ]
    tables = [
        Table("Work", ("", "takes", "to reach"), tuple(rows),
              f"{clock_of(device)} seconds of one thread."),
        Table("Data sent", ("a view", "sends"), tuple(sizes), "To reach: 2 MB."),
        Table("Memory", ("at its peak", "takes", "to reach"), tuple(memory),
              "Maps: above what was there before, over the map's own size."),
    ]  # fmt: skip
    print(f"\n{machine}\n")
    for table in tables:
        print(table.markdown() + "\n")
    if arguments.out:
        write_tables(arguments.out, machine, tables, " ".join(["python", *sys.argv]))


if __name__ == "__main__":
    main()
