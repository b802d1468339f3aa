"""UMAP in a process of its own: its compiler holds Python's lock, and only a process can be ended."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import ExploreError

__all__ = ["project_apart"]

# Two atlases of one notebook show the same points: the second waits for the first one's picture.
_turn = threading.Lock()
_kept: dict[tuple[str, int], NDArray[np.float64]] = {}

_PROGRAM = """
import sys, numpy as np
from dnabert2_explore.analysis.project import project
source, target, seed = sys.argv[1:]
np.save(target, project(np.load(source), method="umap", seed=int(seed)))
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
    key = hashlib.sha256(embeddings.tobytes()).hexdigest(), seed
    while not _turn.acquire(timeout=0.2):
        check()
    try:
        if key not in _kept:
            if len(_kept) > 16:
                _kept.clear()
            _kept[key] = _compute(embeddings, seed, check)
        return _kept[key]
    finally:
        _turn.release()


def _compute(
    embeddings: NDArray[np.float32], seed: int, check: Callable[[], None]
) -> NDArray[np.float64]:
    package = str(Path(__file__).resolve().parents[2])
    paths = os.environ.get("PYTHONPATH")
    env = {**os.environ, "PYTHONPATH": f"{package}{os.pathsep}{paths}" if paths else package}
    with tempfile.TemporaryDirectory(prefix="dnabert2-umap-") as folder:
        source, target, log = (Path(folder, name) for name in ("in.npy", "out.npy", "log"))
        np.save(source, embeddings)
        # Files, not pipes: nothing can fill up while nobody reads.
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, str(source), str(target), str(seed)],
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                env=env,
            )
            try:
                while process.poll() is None:
                    check()
                    time.sleep(0.1)
            except BaseException:
                process.kill()
                process.wait()
                raise
        if process.returncode:
            lines = log.read_text(errors="replace").strip().splitlines()
            raise ExploreError(
                f"UMAP failed ({lines[-1] if lines else f'exit status {process.returncode}'}); "
                "the PCA picture stays."
            )
        return np.load(target)
