"""Visitors of one app at the same time: seconds of a click and of a new sequence, and memory.

    python benchmarks/visitors.py --visitors 30 --minutes 10 --out benchmarks/results/visitors.json

Starts ``dnabert2-explore app --room`` and does what thirty browsers do to it, without drawing: each
visitor opens the page, takes the state of its widgets over the web socket, says how wide its views
are, then clicks tokens and chooses sequences, and waits for every view that shows them. A visitor
that waits for an answer does not click. Memory is the proportional set size (PSS) of the server,
the nest of kernels and all kernels. Chromium would take more of the two cores than the server does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import websocket_connect

VIEWS = ("tokens", "attribution", "attention")
PATIENCE = 300.0  # seconds after which an answer is lost


@dataclass
class Record:
    """What happened to all visitors."""

    opened: list[float] = field(default_factory=list)
    arriving: list[float] = field(default_factory=list)
    clicks: list[float] = field(default_factory=list)
    sequences: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    alive: int = 0
    all_in: bool = False
    until: float = float("inf")

    @property
    def actions(self) -> int:
        """How many there were since all are in."""
        return len(self.clicks) + len(self.sequences)


#: Seconds after the last one came in which its atlas is still drawn.
SETTLING = 30.0


class Visitor:
    """A browser, as far as the server sees it."""

    def __init__(self, base: str, token: str, page: str, record: Record, seed: int) -> None:
        self.base, self.token, self.page, self.record = base, token, page, record
        self.random = random.Random(seed)
        self.models: dict[str, dict[str, Any]] = {}
        self.changed: dict[str, int] = {}
        self.heard = asyncio.Event()
        self.socket: Any = None

    async def open(self) -> None:
        """Open the page, and all that it shows."""
        begun = time.perf_counter()
        client = AsyncHTTPClient(max_clients=200, force_instance=True)
        request = HTTPRequest(
            f"{self.base}/{self.page}?token={self.token}", request_timeout=600, connect_timeout=60
        )
        answer = await client.fetch(request)
        html = answer.body.decode()
        found = re.search(r'"?kernelId"?:\s*"([0-9a-f-]{36})"', html)
        if found is None:
            raise RuntimeError(f"the page names no kernel: {html[:300]}")
        self.kernel = found[1]
        url = f"{self.base.replace('http', 'ws')}/api/kernels/{self.kernel}/channels"
        self.socket = await websocket_connect(
            HTTPRequest(f"{url}?token={self.token}", request_timeout=600),
            max_message_size=1 << 30,
        )
        self.listening = asyncio.create_task(self._listen())
        control = uuid.uuid4().hex
        await self._send(
            "comm_open",
            {"comm_id": control, "target_name": "jupyter.widget.control", "data": {}},
            {"version": "1.0.0"},
        )
        await self._send("comm_msg", {"comm_id": control, "data": {"method": "request_states"}})
        await self._until(lambda: self._plot("tokens") is not None, "the widgets' state")
        for name in VIEWS:
            await self._update(self._plot(name), {"width": 700, "room": 778})
        await self._until(self._all_drawn, "the first picture")
        self.record.opened.append(time.perf_counter() - begun)

    def _plot(self, name: str) -> str | None:
        return self._with_class(f"dx-{name}-plot")

    def _with_class(self, name: str) -> str | None:
        for key, state in self.models.items():
            if name in state.get("_dom_classes", ()):
                return key
        return None

    def _all_drawn(self) -> bool:
        plots = [self.models[key] for name in VIEWS if (key := self._plot(name)) is not None]
        return len(plots) == 3 and all(one.get("spec") and not one.get("stale") for one in plots)

    async def click(self) -> None:
        """Select a token and wait for the three views that mark it."""
        spec = json.loads(self.models[self._plot("tokens")]["spec"])
        low, high = spec["bounds"]
        place = self.random.uniform(low, high)
        before = {name: self.changed.get(self._plot(name), 0) for name in VIEWS}
        begun = time.perf_counter()
        event = {"event": "press", "x": place, "y": 1.0, "panel": "y", "shift": False}
        await self._send(
            "comm_msg",
            {"comm_id": self._plot("tokens"), "data": {"method": "custom", "content": event}},
        )
        # The same token again changes nothing: what answers then is the kernel's idle.
        idle = self.changed.get("idle", 0)
        await self._until(
            lambda: (
                all(self.changed.get(self._plot(n), 0) > before[n] for n in VIEWS)
                or self.changed.get("idle", 0) > idle
            ),
            "a click",
        )
        seconds = time.perf_counter() - begun
        (self.record.clicks if self.record.all_in else self.record.arriving).append(seconds)

    async def choose(self) -> None:
        """Look at another sequence and wait for tokens, attribution and attention of it."""
        menu = self._with_class("dx-sequence")
        count = len(self.models[menu]["_options_labels"])
        place = self.random.randrange(count)
        if place == self.models[menu]["index"]:
            place = (place + 1) % count
        before = {name: self.changed.get(self._plot(name), 0) for name in VIEWS}
        begun = time.perf_counter()
        await self._update(menu, {"index": place})
        await self._until(
            lambda: (
                all(self.changed.get(self._plot(n), 0) > before[n] for n in VIEWS)
                and self._all_drawn()
            ),
            "a new sequence",
        )
        self.models[menu]["index"] = place
        if self.record.all_in:
            self.record.sequences.append(time.perf_counter() - begun)

    async def stay(self, think: float, every: int) -> None:
        """Click until the time is over, and choose a sequence every so many clicks."""
        done = 0
        while time.perf_counter() < self.record.until:
            await asyncio.sleep(self.random.expovariate(1 / think))
            done += 1
            await (self.choose() if done % every == 0 else self.click())

    async def _send(self, kind: str, content: dict[str, Any], metadata: Any = None) -> None:
        message = {
            "header": {
                "msg_id": uuid.uuid4().hex,
                "username": "visitor",
                "session": self.kernel,
                "msg_type": kind,
                "version": "5.3",
                "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            },
            "parent_header": {},
            "metadata": metadata or {},
            "content": content,
            "channel": "shell",
            "buffers": [],
        }
        await self.socket.write_message(json.dumps(message))

    async def _update(self, model: str | None, state: dict[str, Any]) -> None:
        data = {"method": "update", "state": state, "buffer_paths": []}
        await self._send("comm_msg", {"comm_id": model, "data": data})

    async def _until(self, there: Any, what: str) -> None:
        end = time.perf_counter() + PATIENCE
        while not there():
            self.heard.clear()
            left = end - time.perf_counter()
            if left <= 0:
                self.record.lost.append(what)
                raise RuntimeError(f"lost: {what}")
            try:
                await asyncio.wait_for(self.heard.wait(), min(left, 5))
            except TimeoutError:
                continue

    async def _listen(self) -> None:
        while True:
            raw = await self.socket.read_message()
            if raw is None:
                return
            message = _decoded(raw)
            kind, content = message["header"]["msg_type"], message["content"]
            if kind == "comm_msg":
                data = content["data"]
                if data.get("method") == "update_states":
                    for key, one in data["states"].items():
                        self.models[key] = one["state"]
                elif data.get("method") in ("update", "echo_update"):
                    state = data["state"]
                    self.models.setdefault(content["comm_id"], {}).update(state)
                    if "spec" in state:
                        key = content["comm_id"]
                        self.changed[key] = self.changed.get(key, 0) + 1
                    if "dx-error" in state.get("_dom_classes", ()):
                        said = self.models[content["comm_id"]].get("value", "")
                        self.record.errors.append(f"a view shows an error: {said}"[:300])
            elif kind == "status" and content["execution_state"] == "idle":
                if message["parent_header"].get("msg_type") == "comm_msg":
                    self.changed["idle"] = self.changed.get("idle", 0) + 1
            elif kind == "error":
                self.record.errors.append(str(content.get("evalue"))[:200])
            self.heard.set()


def _decoded(raw: str | bytes) -> dict[str, Any]:
    """Read a message of Jupyter's default web socket protocol, with or without buffers."""
    if isinstance(raw, bytes):
        offset = int.from_bytes(raw[4:8], "big")
        following = int.from_bytes(raw[8:12], "big") if int.from_bytes(raw[:4], "big") > 1 else None
        raw = raw[offset:following].decode()
    found: dict[str, Any] = json.loads(raw)
    return found


def memory(root: int) -> dict[str, float]:
    """PSS in MB of a process and all below it, and of each kind."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            parents.setdefault(int(stat[1]), []).append(int(entry.name))
    found = {"server": 0.0, "nest": 0.0, "kernels": 0.0, "other": 0.0}
    ready = [(root, "server")]
    while ready:
        pid, kind = ready.pop()
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        found[kind] += next(int(one.split()[1]) for one in lines if one.startswith("Pss:")) / 1024
        ready += [(child, _kind(child, kind)) for child in parents.get(pid, [])]
    return found


def cpu_seconds() -> float:
    """Processor seconds of the whole machine that were not idle."""
    numbers = [int(one) for one in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    return (sum(numbers) - numbers[3] - numbers[4]) / os.sysconf("SC_CLK_TCK")


def children_cpu(root: int) -> dict[str, float]:
    """Processor seconds of a process and all that live below it, by kind as `memory` tells them."""
    found = {"server": 0.0, "nest": 0.0, "kernels": 0.0, "other": 0.0}
    tree: dict[int, list[int]] = {}
    used: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            tree.setdefault(int(stat[1]), []).append(int(entry.name))
            used[int(entry.name)] = (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
    ready = [(root, "server")]
    while ready:
        pid, kind = ready.pop()
        found[kind] += used.get(pid, 0.0)
        ready += [(child, _kind(child, kind)) for child in tree.get(pid, [])]
    return found


def _kind(pid: int, above: str) -> str:
    """Say what a process is whose parent is of the kind `above`."""
    if above != "server":
        return "kernels" if above == "nest" else above
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return "other"
    return "nest" if b"import nest" in words else "other"


def percentile(values: list[float], share: float) -> float:
    """Return a percentile; NaN of nothing."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else float("nan")


async def visit(options: argparse.Namespace, base: str, token: str, page: str, root: int) -> Any:
    """Let all visitors come, one every few seconds, and stay."""
    record, peak = Record(), {"server": 0.0, "nest": 0.0, "kernels": 0.0, "other": 0.0}
    visitors = [Visitor(base, token, page, record, i) for i in range(options.visitors)]
    tasks, entered = [], time.perf_counter()

    async def one(visitor: Visitor, wait: float) -> None:
        await asyncio.sleep(wait)
        try:
            await visitor.open()
            await visitor.stay(options.think, options.every)
            record.alive += 1
        except Exception as error:  # counted and told: the others go on
            record.errors.append(f"{type(error).__name__}: {error}"[:200])

    for i, visitor in enumerate(visitors):
        tasks.append(asyncio.create_task(one(visitor, i * options.arrive)))
    before, own = cpu_seconds(), sum(children_cpu(root).values())
    since: dict[str, float] | None = None
    calm: tuple[dict[str, float], int] | None = None
    while not all(task.done() for task in tasks):
        await asyncio.sleep(2 if since is None else 10)
        gone = sum(task.done() for task in tasks)
        if since is None and len(record.opened) + gone >= options.visitors:
            since, mid, started = children_cpu(root), cpu_seconds(), time.perf_counter()
            record.all_in, record.until = True, started + options.minutes * 60
            print(f"all in after {started - entered:.0f} s", file=sys.stderr)
        elif calm is None and since is not None and time.perf_counter() > started + SETTLING:
            calm = children_cpu(root), record.actions
        elif since is None and (time.perf_counter() - entered) % 10 > 2:
            continue
        now = memory(root)
        if sum(now.values()) > sum(peak.values()):
            peak = now
        print(
            f"{time.perf_counter() - entered:6.0f} s: {len(record.opened)} in, "
            f"{len(record.clicks)} clicks, {len(record.sequences)} sequences, "
            f"{sum(now.values()):,.0f} MB, p95 click {percentile(record.clicks, 0.95):.2f} s",
            file=sys.stderr,
            flush=True,
        )
    spent = time.perf_counter() - entered
    if since is None:  # some never came: there is no time together
        since, started, mid = children_cpu(root), time.perf_counter(), cpu_seconds()
    now, apart = children_cpu(root), max(time.perf_counter() - started, 1e-9)
    calm = calm or (now, 0)
    done = max(record.actions - calm[1], 1)
    together = {name: (now[name] - calm[0][name]) / done for name in now}
    whole = sum(now.values()) - sum(since.values())
    shares = {
        "arriving": (sum(since.values()) - own) / max(started - entered, 1e-9),
        "together": whole / apart,
        "machine": (cpu_seconds() - mid) / apart,
        "machine arriving": (mid - before) / max(started - entered, 1e-9),
    }
    return record, peak, spent, together, shares


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--visitors", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=10.0, help="all there together")
    parser.add_argument("--arrive", type=float, default=4.0, help="seconds from one to the next")
    parser.add_argument("--think", type=float, default=10.0, help="mean seconds between actions")
    parser.add_argument("--every", type=int, default=6, help="a new sequence every so many actions")
    parser.add_argument("--log", action="store_true", help="print what the app said")
    parser.add_argument("--out", help="JSON file of the table, as docs/room.md has it")
    options = parser.parse_args()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    with tempfile.TemporaryDirectory() as scratch:
        env = os.environ | {"JUPYTER_TOKEN": token}
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
            env[name] = str(Path(scratch, name.lower()))
        command = [sys.executable, "-m", "dnabert2_explore", "app", "--room", "--no-browser"]
        command += ["--dir", str(Path(scratch, "work")), "--port", str(port)]
        log = Path(scratch, "log").open("wb")  # noqa: SIM115
        app = subprocess.Popen(command, env=env, stdout=log, stderr=subprocess.STDOUT)
        try:
            page = f"voila/render/workbench-app-{port}.ipynb"
            base = f"http://127.0.0.1:{port}"
            for _ in range(600):
                try:
                    with socket.create_connection(("127.0.0.1", port), 1):
                        break
                except OSError:
                    time.sleep(1)
            found = asyncio.run(visit(options, base, token, page, app.pid))
        finally:
            app.send_signal(signal.SIGINT)
            try:
                app.wait(60)
            except subprocess.TimeoutExpired:
                print("the app did not end within 60 s", file=sys.stderr)
                app.kill()
            log.close()
            if options.log:
                print(Path(scratch, "log").read_text(errors="replace"), file=sys.stderr)
    _tell(options, *found)


def _tell(
    options: argparse.Namespace,
    record: Record,
    peak: dict[str, float],
    spent: float,
    together: dict[str, float],
    shares: dict[str, float],
) -> None:
    import torch

    from dnabert2_explore.bench import Table, describe_machine, write_tables

    def row(name: str, values: list[float]) -> tuple[str, ...]:
        middle, high = (percentile(values, share) for share in (0.5, 0.95))
        most = max(values) if values else float("nan")
        return name, f"{len(values):,}", f"{middle:.2f}", f"{high:.2f}", f"{most:.2f}"

    times = Table(
        title=f"{options.visitors} visitors, {options.minutes:g} minutes together",
        header=("", "how many", "p50, s", "p95, s", "longest, s"),
        rows=(
            row("page opened, first picture", record.opened),
            row("token clicked while others come", record.arriving),
            row("token clicked, all there", record.clicks),
            row("new sequence, all there", record.sequences),
        ),
        note=f"An action every {options.think:g} s a visitor, each {options.every}th a sequence. "
        f"Lost: {len(record.lost)}; errors: {len(record.errors)}; "
        f"there at the end: {record.alive} of {options.visitors}. Of {os.cpu_count()} cores the "
        f"server and its kernels took {shares['arriving']:.2f} while visitors came (everything on "
        f"the machine {shares['machine arriving']:.2f}) and {shares['together']:.2f} when all were "
        f"there ({shares['machine']:.2f}).",
    )
    work = Table(
        title="Processor seconds of an action, all there",
        header=("server", "kernels", "nest and other", "all"),
        rows=(
            tuple(
                f"{seconds:.3f}"
                for seconds in (
                    together["server"],
                    together["kernels"],
                    together["nest"] + together["other"],
                    sum(together.values()),
                )
            ),
        ),
        note=f"From {SETTLING:g} s after the last one came, with what all take while nobody acts.",
    )
    all_of_it = sum(peak.values())
    parts = Table(
        title="Memory at its peak, PSS in MB",
        header=("server", "nest", "kernels", "other", "all", "kernel of a visitor"),
        rows=(
            (
                *(f"{peak[name]:,.0f}" for name in ("server", "nest", "kernels", "other")),
                f"{all_of_it:,.0f}",
                f"{peak['kernels'] / options.visitors:,.0f}",
            ),
        ),
    )
    machine = describe_machine(torch.device("cpu"))
    print(
        f"{machine}; {spent:.0f} s\n\n{times.markdown()}\n\n{parts.markdown()}\n\n{work.markdown()}"
    )
    for one in record.errors[:10]:
        print("error:", one)
    if options.out:
        write_tables(options.out, machine, [times, parts, work], " ".join(["python", *sys.argv]))


if __name__ == "__main__":
    main()
