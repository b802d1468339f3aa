"""UMAP in a process of its own: its compiler holds Python's lock, and only a process can be ended."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import ExploreError

__all__ = ["project_apart"]

_PROGRAM = """
import sys, io, numpy as np
from dnabert2_explore.analysis.project import project
points = np.load(io.BytesIO(sys.stdin.buffer.read()))
out = io.BytesIO()
np.save(out, project(points, method="umap", seed=int(sys.argv[1])))
sys.stdout.buffer.write(out.getvalue())
"""


def project_apart(
    embeddings: NDArray[np.float32], seed: int, check: Callable[[], None]
) -> NDArray[np.float64]:
    """Run :func:`dnabert2_explore.project` with UMAP in another process.

    Parameters
    ----------
    embeddings : (n, hidden) float32
    seed : int
    check : callable
        Called every tenth of a second; the process is ended when it raises.

    Returns
    -------
    numpy.ndarray, shape (n, 2), float64

    Raises
    ------
    ExploreError
        The process failed; the last line it wrote is in the message.
    """
    package = str(Path(__file__).resolve().parents[2])
    paths = os.environ.get("PYTHONPATH")
    env = {**os.environ, "PYTHONPATH": f"{package}{os.pathsep}{paths}" if paths else package}
    sent = io.BytesIO()
    np.save(sent, embeddings)
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(seed)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env,
    )
    pending: bytes | None = sent.getvalue()
    try:
        while True:
            try:
                out, err = process.communicate(pending, timeout=0.1)
                break
            except subprocess.TimeoutExpired:
                pending = None  # communicate goes on with what it was first given
                check()
                time.sleep(0)
    except BaseException:
        process.kill()
        process.communicate()
        raise
    if process.returncode:
        lines = err.decode(errors="replace").strip().splitlines()
        raise ExploreError(
            f"UMAP failed ({lines[-1] if lines else f'exit status {process.returncode}'}); "
            "the PCA picture stays."
        )
    return np.load(io.BytesIO(out))
