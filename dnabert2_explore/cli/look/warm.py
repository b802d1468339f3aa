"""Kernels that are there at once: forked from a process that has imported everything.

A kernel of its own spends seconds of processor time on imports, and the memory for what they
bring. Here one process, the nest, imports once, computes nothing and has no threads; every kernel
is a fork of it, which starts in an instant and shares those pages until it writes to them. Jupyter
sees an ordinary kernel: the program in its kernel spec (``warm_kernel.py``) asks the nest for a
fork, hands signals on, and ends when it ends; when that program is killed, so is the fork. Where
no fork can be had, it becomes an ordinary kernel.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import random
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

__all__ = ["KERNEL", "brood", "can_fork", "nest", "read_asked", "warm_kernels"]

#: Name of the kernel spec.
KERNEL = "dnabert2-warm"

_NEST = "import sys; from dnabert2_explore.cli.look.warm import nest; nest(sys.argv[1])"
_CLIENT = Path(__file__).with_name("warm_kernel.py")
#: What the first pictures take; none of it may start a thread or compute in parallel. Transformers'
#: base class of models is what an untrained twin is made of, and 130 MB that forks share.
_IMPORTED = (
    "ipykernel.kernelapp",
    "ipykernel.inprocess",
    "IPython.core.completer",
    "captum.attr",
    "plotly.graph_objects",
    "plotly.basedatatypes",
    "plotly.graph_objs",
    "plotly.io",
    "plotly.offline",
    "sklearn.decomposition",
    "sklearn.discriminant_analysis",
    "dnabert2_explore.widgets",
    "dnabert2_explore.widgets.workbench",
    "dnabert2_explore.analysis.maps",
    "dnabert2_explore.network.modeling",
)


def can_fork() -> bool:
    """Whether forks can be had: on Linux (on macOS, libraries refuse to go on in one)."""
    return sys.platform == "linux"


@contextmanager
def warm_kernels(overlay: Path) -> Iterator[str]:
    """Offer warm kernels to a server that is started inside, by the name of the kernel to ask for.

    It is the ordinary one where forks cannot be had. `overlay` is a private folder on the server's
    ``JUPYTER_PATH``.
    """
    if not can_fork():
        yield "python3"
        return
    place = overlay / "nest"
    spec = overlay / "kernels" / KERNEL
    spec.mkdir(parents=True)
    from ipykernel.kernelspec import get_kernel_dict

    # Whoever starts kernels reads there whether what passes their ports can be encrypted.
    encryption = get_kernel_dict().get("metadata", {}).get("supported_encryption", [])
    words = {
        "argv": [sys.executable, "-IS", str(_CLIENT), str(place), "{connection_file}"],
        "display_name": "Python 3 (warm)",
        "language": "python",
        "metadata": {"supported_encryption": encryption},
    }
    (spec / "kernel.json").write_text(json.dumps(words), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-c", _NEST, str(place)],
        stdin=subprocess.PIPE,  # whose end says that the server is gone
        start_new_session=True,  # Ctrl-C in the terminal is the server's
        # No threads that a fork would lack; and few heaps: one a thread keeps what it once held,
        # a hundred megabytes of every kernel.
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"},
    )
    try:
        yield KERNEL
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def nest(place: str) -> None:
    """Import, then fork a kernel for everyone who asks, until the server goes."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(place + ".new")  # in a folder of the user's alone
    listening.listen(64)  # who comes before the imports are done waits
    os.rename(place + ".new", place)  # nobody finds it who would be refused
    for name in _IMPORTED:
        importlib.import_module(name)
    from dnabert2_explore import demo

    demo.windows(), demo.splice(), demo.locus()
    import gc

    gc.collect()
    gc.freeze()  # what is there stays: a collection that looked at it would copy its pages
    brood(listening, _kernel)


def brood(listening: socket.socket, become: Callable[[socket.socket], NoReturn]) -> None:
    """Fork for everyone who connects until standard input ends; then end what was forked.

    ``become(asking)`` is called in the fork, and never returns. Who cannot have a fork is hung up
    on, and sees to a kernel of its own.
    """
    kernels: dict[int, socket.socket] = {}
    ready = selectors.DefaultSelector()
    ready.register(listening, selectors.EVENT_READ)
    ready.register(sys.stdin, selectors.EVENT_READ)
    while True:
        for key, _ in ready.select(timeout=0.5):
            if key.fileobj is sys.stdin:
                for pid in kernels:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                return
            try:
                asking, _ = listening.accept()
            except OSError as error:  # gone again, or there are too many files: the next may do
                _tell(f"A visitor was not let in ({error.strerror}).")
                time.sleep(0.1)
                continue
            try:
                pid = os.fork()
            except OSError as error:  # no memory, or too many processes
                _tell(f"No warm kernel can be forked ({error.strerror}).")
                asking.close()
                continue
            if not pid:
                listening.close()
                for other in kernels.values():
                    other.close()
                become(asking)
            kernels[pid] = asking
        for pid in list(kernels):
            if os.waitpid(pid, os.WNOHANG)[0]:
                kernels.pop(pid).close()


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def read_asked(asking: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Read what kernel is asked for, and the files it is to read and write.

    If who asked is gone, it is a ConnectionError.
    """
    message, files, _, _ = socket.recv_fds(asking, 1 << 20, 3)
    part = message
    while not message.endswith(b"\n"):
        if not part:
            raise ConnectionError("who asked for a kernel is gone")
        part = asking.recv(1 << 20)
        message += part
    asked: dict[str, Any] = json.loads(message)
    return asked, files


def _free_threads(environ: Mapping[str, str]) -> None:
    """Give OpenBLAS the threads it would have: the nest was started with one, for the fork."""
    from threadpoolctl import threadpool_limits

    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        said = environ.get(name, "")
        if said.isdecimal() and int(said):
            count = int(said)
            break
    else:
        count = len(os.sched_getaffinity(0))
    threadpool_limits(count, user_api="blas")


def _kernel(asking: socket.socket) -> NoReturn:
    """Become the kernel that was asked for."""
    status = 1
    try:
        try:
            asked, files = read_asked(asking)
        except ConnectionError:  # a visitor who went at once: nobody is left to be told
            os._exit(0)
        os.setsid()
        for number, one in enumerate(files):
            os.dup2(one, number)
            os.close(one)
        os.environ.clear()
        os.environ.update(asked["environ"])
        os.environ.pop("JPY_PARENT_PID", None)  # not this process's; the socket tells
        os.chdir(asked["folder"])
        random.seed()
        import numpy as np

        np.random.seed()
        asking.sendall(f"{os.getpid()}\n".encode())
        threading.Thread(target=_outlive_nobody, args=(asking,), daemon=True).start()
        _free_threads(os.environ)
        sys.argv = ["ipykernel_launcher.py", "-f", asked["connection"]]
        sys.path[0:1] = [""]  # as in every kernel: the notebook's folder
        import ipywidgets
        from ipykernel.kernelapp import IPKernelApp

        app = IPKernelApp.instance()
        # Nobody polls for a parent: this one's is the nest.
        app.initialize([*sys.argv[1:], "--IPKernelApp.parent_handle=1"])
        # What ipywidgets does at its import, when there was no kernel yet.
        ipywidgets.register_comm_target(app.kernel)
        app.start()
        status = 0
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        with suppress(Exception):
            atexit._run_exitfuncs()  # what the kernel registered
        os._exit(status)


def _outlive_nobody(asking: socket.socket) -> None:
    """End this kernel when the program that Jupyter started for it is gone."""
    with suppress(OSError):
        while asking.recv(1):
            pass
    os._exit(1)
