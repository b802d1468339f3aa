"""The workbench with a model of one's own: time to each view, and memory; see `lab_latency.py`.

Without a browser: what the kernel takes until it has sent each view's picture. Each length has a
process of its own, so that memory is its own too.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

#: Bases of the sequence looked at.
LENGTHS = (1_000, 10_000)
VIEWS = ("tokens", "attention", "attribution", "atlas")
#: Maps that take attention's place, and the views that draw them.
MAPS = {"dependencies": "dependencies", "bases": "nucleotides", "lens": "lens"}
#: Clicks on a token while views still compute.
CLICKS = 10


def pss() -> float:
    """Proportional set size of this process, in MB."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(one.split()[1]) for one in lines if one.startswith("Pss:")) / 1024


class Peak(threading.Thread):
    """Looks at memory while others work."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most, self._over = pss(), threading.Event()

    def run(self) -> None:
        """Look five times a second."""
        while not self._over.wait(0.2):
            self.most = max(self.most, pss())

    def end(self) -> float:
        """Return the most there was."""
        self._over.set()
        self.join()
        return max(self.most, pss())


class Clock:
    """Wall and processor seconds since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def now(self) -> tuple[float, float]:
        """Return both."""
        return time.perf_counter() - self._wall, time.process_time() - self._cpu


def picture(view: Any, clock: Clock) -> dict[str, Any]:
    """Wait until a view shows its answer, or asks first."""
    while view.busy:
        time.sleep(0.05)
    compute = getattr(view, "compute", None)
    asks = compute is not None and compute.layout.display != "none"
    wall, cpu = clock.now()
    drawn = view.plot.layout.display != "none" and (hasattr(view.plot, "cloud") or view.plot.spec)
    said = f"{view._message.value} {view.caption}"
    return {"wall": wall, "cpu": cpu, "asks": asks, "drawn": bool(drawn), "said": said}


def one(folder: str, classifier: str, length: int) -> dict[str, Any]:
    """Open the workbench on one sequence of some length."""
    import numpy as np

    import dnabert2_explore as dx

    peak = Peak()
    peak.start()
    clock = Clock()
    enc = dx.load(folder)
    asked = dx.load(classifier) if classifier else None
    found: dict[str, Any] = {"load": clock.now()}
    bases = "".join(np.random.default_rng(0).choice(list("ACGT"), length))
    clock, drawn = Clock(), {}
    bench = dx.Workbench(enc, classifier=asked, sequences=[dx.Sequence("random", bases)])
    found["page"] = clock.now()
    views = {name: getattr(bench, name) for name in VIEWS}
    for name, view in views.items():
        if _shows(view):
            drawn.setdefault(name, clock.now())
        plot = view.plot
        trait = "spec" if not hasattr(plot, "cloud") else "cloud"
        plot.observe(lambda _c, n=name: drawn.setdefault(n, clock.now()), names=trait)
    clicks = []
    tokens = bench.tokens.tokens
    assert tokens is not None
    for i in range(CLICKS):
        time.sleep(0.5)
        before = Clock()
        start, end = (int(v) for v in tokens.spans[5 + 3 * i])
        bench.selection.update(bases=(start, end))
        clicks.append((*before.now(), any(view.busy for view in views.values())))
    found["settled"] = {name: picture(view, clock) for name, view in views.items()}
    found["drawn"], found["clicks"], found["first peak"] = drawn, clicks, peak.most
    for chosen, name in MAPS.items():
        clock = Clock()
        bench.maps.value = chosen
        found["settled"][name] = picture(getattr(bench, name), clock)
    found["peak"] = peak.end()
    return found


def _shows(view: Any) -> bool:
    return bool(getattr(view.plot, "spec", "")) and not view.plot.stale


def _cell(found: dict[str, Any], name: str) -> str:
    settled = found["settled"][name]
    both = f"{settled['wall']:.1f} ({settled['cpu']:.1f})"
    if settled["asks"]:
        cost = re.search(r"about ([\d.,]+ \w+)", settled["said"])
        stands = ", a quick one there" if "in its place" in settled["said"] else ""
        return f"asks first ({cost[1] if cost else 'long'}{stands}), after {both}"
    return both if settled["drawn"] else "asks to zoom in"


def measure(folder: str, classifier: str, out: str) -> None:
    """Measure each length in a process of its own, print, and keep."""
    import torch

    from dnabert2_explore import load
    from dnabert2_explore.bench import Table, describe_machine, write_tables

    results = []
    for length in LENGTHS:
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch, "found.json")
            words = [folder, classifier, str(length), str(file)]
            subprocess.run([sys.executable, __file__, *words], check=True)
            results.append(json.loads(file.read_text()))
        print(json.dumps(results[-1], indent=1), file=sys.stderr)

    def row(name: str, cell: Any) -> tuple[str, ...]:
        return name, *(cell(one) for one in results)

    def both(pair: Any) -> str:
        return f"{pair[0]:.1f} ({pair[1]:.1f})"

    def slowest(one: dict[str, Any]) -> str:
        waits = [click for click in one["clicks"] if click[2]] or one["clicks"]
        return both(max(waits))

    rows = [
        row("weights loaded", lambda one: both(one["load"])),
        row("page sent: tokens drawn", lambda one: both(one["page"])),
        *(
            row(f"{name} there", lambda one, name=name: _cell(one, name))
            for name in ("attention", "attribution", "atlas")
        ),
        *(
            row(f"{words} chosen, until there", lambda one, name=name: _cell(one, name))
            for words, name in zip(MAPS, MAPS.values(), strict=True)
        ),
        row("slowest of the clicks while views computed", slowest),
        row("memory at its peak, PSS, GB", lambda one: f"{one['peak'] / 1024:.1f}"),
    ]
    info = load(folder).info
    table = Table(
        title=f"The workbench with {info.parameters / 1e6:.0f} M parameters in {info.dtype}",
        header=("wall seconds (processor seconds)", *(f"{n // 1000} kb" for n in LENGTHS)),
        rows=tuple(rows),
        note="Each from the making of the workbench, in the order of cost: one waits for those "
        "above. Random weights; one thread; other programs used the machine, so that processor "
        "seconds are what it takes and wall seconds what a person waited.",
    )
    machine = describe_machine(torch.device("cpu"))
    print(f"{machine}\n\n{table.markdown()}")
    if out:
        command = "python benchmarks/lab_latency.py --model FOLDER --classifier FOLDER"
        write_tables(out, machine, [table], command)


def main() -> None:
    """Measure one length, and write what was found; for `measure`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("classifier")
    parser.add_argument("length", type=int)
    parser.add_argument("file")
    asked = parser.parse_args()
    found = one(asked.model, asked.classifier, asked.length)
    Path(asked.file).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
