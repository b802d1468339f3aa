"""A Jupyter server for one person: on 127.0.0.1, behind a token, asking no other host."""

from __future__ import annotations

import json
import logging
import os
import secrets
import shutil
import socket
import sys
import sysconfig
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

import typer

from ...common.files import replacing
from ...errors import ExploreError
from ...extras import require

__all__ = [
    "NOTEBOOK",
    "Server",
    "announce",
    "prepared",
    "serve",
    "server_options",
    "shipped_notebooks",
    "workspace",
]

NOTEBOOK = "00_workbench.ipynb"
FIRST_PORT = 8888
#: Of the app's page.
TEMPLATE = "dnabert2"
#: Where notebooks are copied to unless a folder is named.
FOLDER = "dnabert2-notebooks"

# What the first cell will import; the largest files first.
IMPORTED = ("torch", "scipy", "sklearn", "transformers", "pandas", "numpy", "plotly", "captum")

_SETTINGS = {
    # A kernel is there before somebody runs all cells, and no dialog asks which.
    "@jupyterlab/notebook-extension:tracker": {"autoStartDefaultKernel": True},
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}

# Voila's own page loads an icon font from a CDN, which a room without a network waits for.
_PAGE = """\
{%- extends 'lab/index.html.j2' -%}
{% import "spinner.macro.html.j2" as spinner %}
{%- block notebook_css -%}
  {% if frontend == "voila" %}{{ resources.include_js("static/voila-style.js") }}{% endif %}
  {{ spinner.css() }}
  <style>
    .jp-mod-noOutputs.jp-mod-noInput { display: none; }
    body { background: var(--jp-layout-color0); margin: 0; overflow-y: auto !important; }
    #rendered_cells, #rendered_cells > div { padding: 0; }
    #rendered_cells .jp-Cell { padding: 2px 8px; }
    #rendered_cells .jp-OutputPrompt, #rendered_cells .jp-InputPrompt { display: none; }
  </style>
  {{ super.super() }}
  {# A dark browser gets dark colours, unless a theme was asked for. #}
  {% if resources.theme in ("light", "JupyterLab Light") %}
  <style media="(prefers-color-scheme: dark)">{% include "dark.css" %}</style>
  {% endif %}
{%- endblock notebook_css -%}

{%- block body_header -%}
{{ super() }}
{% if resources.theme in ("light", "JupyterLab Light") %}
<script>
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => { document.body.dataset.jpThemeLight = String(!dark.matches); };
  dark.addEventListener("change", follow);
  follow();
</script>
{% endif %}
{%- endblock body_header -%}
"""


# What `lab` and `app` ask.
DIRECTORY = Annotated[
    Path | None,
    typer.Option(
        "--dir",
        help="Work in this folder; notebooks it lacks are copied there.",
        show_default=f"{FOLDER} in the current folder",
    ),
]
PORT = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=65535,
        help="Port to listen on.",
        show_default=f"first free from {FIRST_PORT}",
    ),
]
BROWSER = Annotated[bool, typer.Option("--browser/--no-browser", help="Open the web browser.")]


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server will answer, and the folder it serves.

    `overlay` is a private folder of settings, templates and kernels, which goes with the server.
    """

    folder: Path
    port: int
    token: str
    overlay: Path

    def url(self, place: str) -> str:
        """Return the address of a place, with the token."""
        return f"http://127.0.0.1:{self.port}/{place}?token={quote(self.token, safe='')}"

    def ask(self, place: str, body: dict[str, object] | None = None) -> bool:
        """Ask the server for something; whether it answers."""
        content = None if body is None else json.dumps(body).encode()
        asked = Request(
            f"http://127.0.0.1:{self.port}/{place}",
            data=content,
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
        )
        try:
            # Past any proxy of the environment, which the token is nothing for.
            with build_opener(ProxyHandler({})).open(asked, timeout=60) as answer:
                return bool(answer.status < 300)
        except (URLError, OSError):
            return False


@contextmanager
def prepared(directory: Path | None, port: int | None, copies: bool = True) -> Iterator[Server]:
    """Copy the notebooks, find a port, make a token, and keep Jupyter quiet while it runs.

    The folder is by default ``dnabert2-notebooks`` in the current one, the port the first free one
    from 8888. Without `copies`, a folder that is named gets none of the notebooks that it lacks.
    """
    require("widgets")
    port = _free_port(FIRST_PORT) if port is None else _checked_port(port)
    folder = workspace(directory) if copies or directory is None else directory.resolve()
    token = os.environ.get("JUPYTER_TOKEN") or secrets.token_urlsafe(24)
    with tempfile.TemporaryDirectory(prefix="dnabert2-explore-") as overlay:
        _quiet_frontend(Path(overlay))
        _app_template(Path(overlay))
        os.environ["JUPYTER_TOKEN"] = token  # not on the command line, where `ps` would show it
        threading.Thread(target=_read_ahead, daemon=True).start()
        yield Server(folder, port, token, Path(overlay))


def announce(server: Server, notebook: str | None) -> None:
    """Say when the server answers, and start the kernel of a notebook; in the background."""

    def wait() -> None:
        for _ in range(1200):
            if server.ask("api/status"):
                break
            time.sleep(0.1)
        else:
            return
        print("The server answers: the page can be opened.", file=sys.stderr, flush=True)
        if notebook is not None:
            server.ask(
                "api/sessions",
                {
                    "path": notebook,
                    "name": notebook,
                    "type": "notebook",
                    "kernel": {"name": "python3"},
                },
            )

    threading.Thread(target=wait, daemon=True).start()


def workspace(directory: Path | None) -> Path:
    """Return the folder to serve: copies of the notebooks; the originals stay as they are."""
    source = shipped_notebooks()
    directory = Path.cwd() / FOLDER if directory is None else directory
    directory.mkdir(parents=True, exist_ok=True)
    for notebook in sorted(source.glob("*.ipynb")):
        if not (directory / notebook.name).exists():
            with replacing(directory / notebook.name) as temporary:
                shutil.copyfile(notebook, temporary)
    return directory.resolve()


def shipped_notebooks() -> Path:
    """Folder with the notebooks: the checkout's, or where the wheel put them."""
    places = [
        Path(__file__).resolve().parents[3] / "notebooks",
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
    # Voila loads MathJax from a CDN as soon as a page opens, unless both of these are the word
    # null: then it takes the one that it brings.
    page = {"disabledExtensions": disabled, "fullMathjaxUrl": "null", "mathjaxConfig": "null"}
    (config / "page_config.json").write_text(json.dumps(page))
    (config / "default_setting_overrides.json").write_text(json.dumps(_SETTINGS))
    paths = [str(overlay), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, paths))


def _app_template(overlay: Path) -> None:
    """Have Voila's page without what it loads from elsewhere, as wide as the window."""
    folder = overlay / "voila" / "templates" / TEMPLATE
    folder.mkdir(parents=True)
    (folder / "conf.json").write_text('{"base_template": "lab"}')
    (folder / "index.html.j2").write_text(_PAGE)
    (folder / "dark.css").write_text(_dark_colours())
    paths = [str(overlay), os.environ.get("JUPYTER_PATH", "")]
    os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, paths))


def _dark_colours() -> str:
    """Return the colours of JupyterLab's dark theme, as nbconvert has them."""
    from jupyter_core.paths import jupyter_path

    for place in jupyter_path("nbconvert", "templates", "lab", "static", "theme-dark.css"):
        if Path(place).is_file():
            return Path(place).read_text(encoding="utf-8")
    return ""  # then a dark browser has a light app, as before


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


def server_options(server: Server, browser: bool, opens: str) -> list[str]:
    """Return Jupyter's options: what is served, to whom, and the page that a browser opens."""
    options = [
        f"--ServerApp.root_dir={server.folder}",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={server.port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.open_browser={browser}",
        "--ServerApp.answer_yes=True",  # Ctrl-C stops at once instead of asking
        "--Application.log_level=WARN",
        f"--LabApp.default_url=/{opens}",
        # What JupyterLab had open in another folder is not there, nor is its layout ours to change.
        f"--LabApp.workspaces_dir={server.overlay / 'workspaces'}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
    ]
    # Jupyter refuses to run as root because a notebook could then do anything; in a container
    # root is often the only user there is, and the server is closed to other machines.
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--ServerApp.allow_root=True")
    return options


class _OfUse(logging.Filter):
    """Passes on what a reader of the terminal could do something about."""

    #: What Jupyter says of every notebook that was not saved here, and of its own settings.
    OF_NONE = ("is not trusted", "The websocket_ping_timeout")

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a message is to be shown."""
        message = record.getMessage()
        return not any(words in message for words in self.OF_NONE)


def serve(options: list[str]) -> None:
    """Run JupyterLab's server until it is stopped."""
    from jupyter_client.manager import KernelManager
    from jupyterlab.labapp import LabApp

    with warnings.catch_warnings():  # Voila sets a filter that shows traitlets' deprecations:
        import voila  # noqa: F401, how it talks to jupyter-server is nothing a reader could mend

    # Other users of this machine can reach the kernel's ports; since jupyter_client 8.10 what
    # passes there can be encrypted.
    if KernelManager.class_traits().get("transport_encryption") is not None:
        options = ["--KernelManager.transport_encryption=auto", *options]
    for name in ("ServerApp", "tornado.general"):
        logging.getLogger(name).addFilter(_OfUse())
    LabApp.launch_instance(options)
