"""UMAP in a process of its own: its compiler holds Python's lock, and a process can be ended."""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import ExploreError

__all__ = ["project_apart"]

# Answers one request a line until its input is closed; compiles UMAP once, for the first, and keeps
# the last map, so that a sequence that is added to it is placed without computing it again.
_PROGRAM = """
import json, os, sys
getattr(os, "nice", int)(10)  # the views a person waits for come first
import numpy as np
from dnabert2_explore.analysis.project import fit_projection
key, made = None, None
for line in sys.stdin:
    source, target, seed = json.loads(line)
    try:
        with np.load(source) as file:
            fit, new = file["fit"], file["new"]
        asked = (fit.tobytes(), seed)
        if asked != key:
            made = fit_projection(fit, method="umap", seed=seed)
            key = asked
        np.save(target, np.concatenate([made.plane, made.transform(new)]))
        print(json.dumps(""), flush=True)
    except Exception as error:
        print(json.dumps(f"{type(error).__name__}: {error}"), flush=True)
"""

# Two atlases of one notebook show the same points: the second waits for the first one's picture.
_turn = threading.Lock()
_kept: dict[tuple[str, int], NDArray[np.float64]] = {}
_worker: _Worker | None = None


@atexit.register
def _end_worker() -> None:
    if _worker is not None:
        _worker.close()


def project_apart(
    embeddings: NDArray[np.float32],
    new: NDArray[np.float32],
    seed: int,
    check: Callable[[], None],
) -> NDArray[np.float64]:
    """Run :func:`dnabert2_explore.fit_projection` with UMAP in another process.

    Parameters
    ----------
    embeddings : (n, hidden) float32
        What the map is made of.
    new : (m, hidden) float32
        What is placed in it afterwards.
    seed : int
    check : callable
        Called a few times a second; the process is ended when it raises.

    Returns
    -------
    numpy.ndarray, shape (n + m, 2), float64

    Raises
    ------
    ExploreError
        UMAP or its process failed.
    """
    global _worker
    digests = (hashlib.sha256(part.tobytes()).hexdigest() for part in (embeddings, new))
    key = " ".join(digests), seed
    while not _turn.acquire(timeout=0.2):
        check()
    try:
        if key not in _kept:
            if _worker is None:
                _worker = _Worker()
            try:
                plane = _worker.run(embeddings, new, seed, check)
            except BaseException:
                _worker.close()
                _worker = None
                raise
            if len(_kept) > 16:
                _kept.clear()
            _kept[key] = plane
        return _kept[key]
    finally:
        _turn.release()


class _Worker:
    """The process and its answers."""

    def __init__(self) -> None:
        package = str(Path(__file__).resolve().parents[2])
        paths = os.environ.get("PYTHONPATH")
        env = {**os.environ, "PYTHONPATH": f"{package}{os.pathsep}{paths}" if paths else package}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=env,
            text=True,
        )
        self._answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=self._listen, name="dnabert2: UMAP answers", daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(json.loads(line))
        self._answers.put(None)

    def run(
        self,
        embeddings: NDArray[np.float32],
        new: NDArray[np.float32],
        seed: int,
        check: Callable[[], None],
    ) -> NDArray[np.float64]:
        """Ask, and wait for the answer; see `project_apart`."""
        assert self._process.stdin is not None
        with tempfile.TemporaryDirectory(prefix="dnabert2-umap-") as folder:
            source, target = Path(folder, "in.npz"), Path(folder, "out.npy")
            np.savez(source, fit=embeddings, new=new)
            self._process.stdin.write(json.dumps([str(source), str(target), seed]) + "\n")
            self._process.stdin.flush()
            while True:
                try:
                    problem = self._answers.get(timeout=0.2)
                    break
                except queue.Empty:
                    check()
            if problem is None:
                raise ExploreError("The UMAP process ended early; the PCA picture stays.")
            if problem:
                raise ExploreError(f"UMAP failed ({problem}); the PCA picture stays.")
            return np.load(target)

    def close(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.wait()
