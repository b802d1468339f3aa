"""``dnabert2-explore lab``: JupyterLab on the workbench notebook, talking to nobody else."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import sysconfig
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from ..errors import ExploreError
from ..files import replacing

__all__ = ["lab"]

NOTEBOOK = "00_workbench.ipynb"
FIRST_PORT = 8888

# What the first cell will import; the largest files first.
IMPORTED = ("torch", "scipy", "sklearn", "transformers", "pandas", "numpy", "plotly", "captum")


def lab(
    ctx: typer.Context,
    directory: Annotated[
        Path | None,
        typer.Option(
            "--dir",
            help="Work in this folder; notebooks it lacks are copied there.",
            show_default="notebooks/ of a checkout, else the current folder",
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65535,
            help="Port to listen on.",
            show_default=f"first free from {FIRST_PORT}",
        ),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the web browser.")
    ] = True,
) -> None:
    """Open the workbench in JupyterLab.

    Listens on 127.0.0.1 only, behind a random token (or JUPYTER_TOKEN).
    Asks no other host for anything: news, update checks and the catalogue
    of extensions are off. Your own Jupyter settings stay as they are.
    In the notebook: Run > Run All Cells. Stop the server with Ctrl-C.

    [bold]Examples[/bold]

      dnabert2-explore lab
      dnabert2-explore lab --dir ~/dna --port 9000

    On a server, then on your own machine:

      dnabert2-explore lab --no-browser --port 8888
      ssh -N -L 8888:127.0.0.1:8888 server

    Options for Jupyter itself come after two dashes:

      dnabert2-explore lab -- --ServerApp.log_level=INFO
    """
    port = _free_port(FIRST_PORT) if port is None else _checked_port(port)
    folder = _workspace(directory)
    token = os.environ.get("JUPYTER_TOKEN") or secrets.token_urlsafe(24)
    with tempfile.TemporaryDirectory(prefix="dnabert2-explore-") as overlay:
        _quiet_frontend(Path(overlay))
        os.environ["JUPYTER_TOKEN"] = token  # not on the command line, where `ps` would show it
        url = f"http://127.0.0.1:{port}/lab/tree/{NOTEBOOK}"
        print(f"Workbench  {url}?token={token}", f"Notebooks  {folder}", sep="\n")
        print("In the notebook: Run > Run All Cells. Stop here with Ctrl-C.", flush=True)
        threading.Thread(target=_read_ahead, daemon=True).start()
        _serve([*_server_options(folder, port, browser), *ctx.args])


def _workspace(directory: Path | None) -> Path:
    """Folder to serve, holding the workbench notebook."""
    source = _shipped_notebooks()
    if directory is None:
        # A checkout's notebooks are opened where they are; an installed copy is nobody's to edit.
        if source == _checkout_notebooks():
            return source
        directory = Path.cwd()
    directory.mkdir(parents=True, exist_ok=True)
    for notebook in sorted(source.glob("*.ipynb")):
        if not (directory / notebook.name).exists():
            with replacing(directory / notebook.name) as temporary:
                shutil.copyfile(notebook, temporary)
    return directory.resolve()


def _checkout_notebooks() -> Path:
    return Path(__file__).resolve().parents[2] / "notebooks"


def _shipped_notebooks() -> Path:
    """Folder with the notebooks: the checkout's, or where the wheel put them."""
    places = [
        _checkout_notebooks(),
        Path(sysconfig.get_path("data")) / "share" / "dnabert2-explore" / "notebooks",
        Path(sysconfig.get_path("data", f"{os.name}_user")) / "share/dnabert2-explore/notebooks",
    ]
    for place in places:
        if (place / NOTEBOOK).is_file():
            return place
    looked = ", ".join(str(place) for place in places)
    raise ExploreError(f"{NOTEBOOK} is in none of {looked}; install dnabert2-explore again")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the server itself does, so that a port it closed a moment ago counts as free.
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port(first: int) -> int:
    for port in range(first, first + 100):
        if _is_free(port):
            return port
    raise ExploreError(f"ports {first} to {first + 99} are all taken; name a free one with --port")


def _checked_port(port: int) -> int:
    if not _is_free(port):
        raise ExploreError(f"port {port} is taken or not allowed; name another one with --port")
    return port


def _quiet_frontend(overlay: Path) -> None:
    """Switch the news pop-up off for this server only, by a layer over the user's settings."""
    config = overlay / "labconfig"
    config.mkdir()
    disabled = {"@jupyterlab/apputils-extension:announcements": True}
    (config / "page_config.json").write_text(json.dumps({"disabledExtensions": disabled}))
    paths = [str(overlay), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, paths))


def _read_ahead() -> None:
    """Have what the first cell imports in the disk cache by the time the browser is open.

    The system reads in the background, so this takes no processor from the server. After a cold
    boot torch alone is several hundred megabytes.
    """
    if not hasattr(os, "posix_fadvise"):
        return
    for package in IMPORTED:
        for folder, _, names in os.walk(Path(sysconfig.get_path("platlib"), package)):
            for name in names:
                if name.endswith(".pyc") or ".so" in name:
                    with suppress(OSError):  # a file that went away is none to read ahead
                        file = os.open(os.path.join(folder, name), os.O_RDONLY)
                        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_WILLNEED)
                        os.close(file)


def _server_options(folder: Path, port: int, browser: bool) -> list[str]:
    options = [
        f"--ServerApp.root_dir={folder}",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.open_browser={browser}",
        "--ServerApp.answer_yes=True",  # Ctrl-C stops at once instead of asking
        "--Application.log_level=WARN",
        f"--LabApp.default_url=/lab/tree/{NOTEBOOK}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
    ]
    # Jupyter refuses to run as root because a notebook could then do anything; in a container
    # root is often the only user there is, and the server is closed to other machines.
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--ServerApp.allow_root=True")
    return options


def _serve(options: list[str]) -> None:
    from jupyter_client.manager import KernelManager
    from jupyterlab.labapp import LabApp

    # Other users of this machine can reach the kernel's ports; since jupyter_client 8.10 what
    # passes there can be encrypted.
    if KernelManager.class_traits().get("transport_encryption") is not None:
        options = ["--KernelManager.transport_encryption=auto", *options]
    LabApp.launch_instance(options)
