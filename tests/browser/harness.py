"""Drive JupyterLab in headless Chromium, letting nothing but the server itself be reached.

Used by the browser tests and by ``benchmarks/lab_latency.py``.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

from playwright.sync_api import ConsoleMessage, Page, Route, WebSocket, sync_playwright

NOTEBOOK = "00_workbench.ipynb"

# Software rendering (no GPU here) with WebGL, and none of Chromium's own traffic.
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]

# Console errors that are not ours to mend; each must say whose it is and why it does no harm.
HARMLESS: tuple[re.Pattern[str], ...] = ()

# Jupyter folders a test must not share with the person whose machine it runs on.
JUPYTER_FOLDERS = (
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
    "JUPYTER_RUNTIME_DIR",
    "JUPYTERLAB_SETTINGS_DIR",
    "JUPYTERLAB_WORKSPACES_DIR",
    "IPYTHONDIR",
)


def find_chromium() -> str | None:
    """Path of a Chromium or Chrome on this machine."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    return None


@dataclass(frozen=True)
class Server:
    """A running ``dnabert2-explore lab``."""

    port: int
    token: str
    log: Path

    def url(self, notebook: str = NOTEBOOK) -> str:
        """Address that opens ``notebook`` alone, whatever an earlier page had open."""
        return f"http://127.0.0.1:{self.port}/lab/tree/{notebook}?reset&token={self.token}"


@contextmanager
def lab_server(folder: Path, scratch: Path, options: list[str] | None = None) -> Iterator[Server]:
    """Run ``dnabert2-explore lab`` on ``folder``, its Jupyter folders in ``scratch``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    env = os.environ | {"JUPYTER_TOKEN": token}
    for name in JUPYTER_FOLDERS:
        env[name] = str(scratch / name.lower())
    log = scratch / "lab.log"
    command = [sys.executable, "-m", "dnabert2_explore", "lab", "--no-browser"]
    command += ["--dir", str(folder), "--port", str(port)]
    # The page then offers window.jupyterapp, which tells when the kernel is idle.
    command += ["--", "--LabApp.expose_app_in_browser=True", *(options or [])]
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=env, stdout=out, stderr=subprocess.STDOUT)
    try:
        _wait_for_server(f"http://127.0.0.1:{port}/api?token={token}", process, log)
        yield Server(port, token, log)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_server(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the lab did not start:\n{log.read_text(errors='replace')}")


@dataclass
class Lab:
    """A JupyterLab page on one notebook, with a record of what it should not have done."""

    page: Page
    server: Server
    foreign: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def open(self, notebook: str = NOTEBOOK) -> None:
        """Load the notebook and wait for its kernel."""
        self.page.goto(self.server.url(notebook))
        self.page.wait_for_selector(".jp-NotebookPanel .jp-Notebook-cell", timeout=120_000)
        self.page.wait_for_function(
            "name => window.jupyterapp?.shell.currentWidget?.context?.path === name", arg=notebook
        )
        self.wait_idle(120)

    def run_all(self, timeout: float = 300) -> None:
        """Run every cell; return when all have run and the kernel is idle."""
        self.start_all()
        self.wait_all(timeout)

    def start_all(self) -> None:
        """Begin to run every cell."""
        self.page.evaluate("void window.jupyterapp.commands.execute('notebook:run-all-cells')")

    def wait_all(self, timeout: float = 300) -> None:
        """Wait until every cell has run and the kernel is idle.

        Raises
        ------
        RuntimeError
            If a cell fails: Jupyter then leaves out the cells below it.
        """
        self.page.wait_for_function(
            """() => {
                const cells = window.jupyterapp.shell.currentWidget.content.model.cells;
                let done = true;
                for (let i = 0; i < cells.length; i++) {
                    const cell = cells.get(i);
                    if (cell.type !== 'code') continue;
                    if (cell.toJSON().outputs.some(one => one.output_type === 'error')) return true;
                    if (cell.sharedModel.getSource().trim() && !cell.executionCount) done = false;
                }
                return done;
            }""",
            timeout=timeout * 1000,
        )
        if failed := self.tracebacks():
            raise RuntimeError(f"a cell of the notebook failed: {'; '.join(failed)}")
        self.wait_idle(timeout)

    def wait_idle(self, timeout: float = 60) -> None:
        """Wait until the kernel has nothing to do."""
        self.page.wait_for_function(
            """() => {
                const widget = window.jupyterapp?.shell.currentWidget;
                return widget?.sessionContext?.session?.kernel?.status === 'idle';
            }""",
            timeout=timeout * 1000,
        )

    def command(self, name: str, arguments: dict[str, Any] | None = None) -> None:
        """Run a command of JupyterLab and wait for its end."""
        self.page.evaluate(
            "([name, args]) => window.jupyterapp.commands.execute(name, args).then(() => null)",
            [name, arguments or {}],
        )

    def tracebacks(self) -> list[str]:
        """Error outputs of the notebook's cells."""
        outputs: list[dict[str, Any]] = self.page.evaluate(
            """() => {
                const cells = window.jupyterapp.shell.currentWidget.content.model.cells;
                const found = [];
                for (let i = 0; i < cells.length; i++) {
                    if (cells.get(i).type !== 'code') continue;
                    for (const output of cells.get(i).toJSON().outputs)
                        if (output.output_type === 'error') found.push(output);
                }
                return found;
            }"""
        )
        return [f"{output['ename']}: {output['evalue']}" for output in outputs]

    def show_cell(self, index: int) -> None:
        """Bring a cell to the top; the notebook draws only those near the view."""
        self.page.evaluate(
            "i => window.jupyterapp.shell.currentWidget.content.scrollToItem(i, 'start')", index
        )

    def show_only_notebook(self) -> None:
        """Fold the side bar away so that the notebook has the page's full width."""
        self.page.evaluate(
            """() => {
                const {commands, shell} = window.jupyterapp;
                if (!shell.leftCollapsed) return commands.execute('application:toggle-left-area');
            }"""
        )

    def click_point(self, x: float, y: float) -> None:
        """Click as a hand does: plotly listens for the moves that come before."""
        self.page.mouse.move(x - 3, y - 3)
        self.page.mouse.move(x, y, steps=3)
        self.page.mouse.down()
        self.page.mouse.up()


@contextmanager
def lab_page(
    server: Server, width: int = 1600, height: int = 1000, scheme: str = "light"
) -> Iterator[Lab]:
    """Open Chromium on ``server``; every other address is aborted and recorded."""
    chromium = find_chromium()
    assert chromium is not None, "ask find_chromium() first"
    own = f"127.0.0.1:{server.port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_OPTIONS)
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,  # type: ignore[arg-type]
            service_workers="block",  # their requests would pass by the route below
        )
        page = context.new_page()
        page.set_default_timeout(60_000)
        lab = Lab(page, server)

        def route(route: Route) -> None:
            url = urlsplit(route.request.url)
            if url.scheme in ("data", "blob") or (url.scheme == "http" and url.netloc == own):
                route.continue_()
            else:
                lab.foreign.append(route.request.url)
                route.abort()

        def websocket(socket: WebSocket) -> None:
            if urlsplit(socket.url).netloc != own:
                lab.foreign.append(socket.url)

        def console(message: ConsoleMessage) -> None:
            # The views report a figure that cannot be drawn as a warning of their own.
            ours = message.type == "warning" and "dnabert2_explore" in message.text
            if message.type != "error" and not ours:
                return
            text = f"{message.text} ({message.location.get('url', '')})"
            if not any(pattern.search(text) for pattern in HARMLESS):
                lab.errors.append(text)

        context.route("**/*", route)
        page.on("websocket", websocket)
        page.on("console", console)
        page.on("pageerror", lambda error: lab.errors.append(f"uncaught: {error}"))
        try:
            yield lab
        finally:
            browser.close()


def write_notebook(path: Path, cells: list[str]) -> None:
    """Write a notebook of code cells."""
    notebook = {
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{i}",
                "source": source,
                "metadata": {},
                "outputs": [],
                "execution_count": None,
            }
            for i, source in enumerate(cells)
        ],
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(notebook))
