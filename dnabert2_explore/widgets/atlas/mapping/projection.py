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

from ....errors import ExploreError

__all__ = ["project_apart"]

# Answers one request a line until its input is closed; compiles UMAP once, for the first, and keeps
# the last map, so that a sequence that is added to it is placed without computing it again.
_PROGRAM = """
import json, os, sys
getattr(os, "nice", int)(10)  # the views a person waits for come first
import numpy as np
from dnabert2_explore.analysis.project import fit_projection
from dnabert2_explore.common.costs import untold
key, made = None, None
for line in sys.stdin:
    source, target, seed, method, dimensions = json.loads(line)
    try:
        with np.load(source) as file:
            fit, new = file["fit"], file["new"]
        asked = (fit.tobytes(), seed, method, dimensions)
        if asked != key:
            with untold():  # the view does
                made = fit_projection(fit, method=method, seed=seed, dimensions=dimensions)
            key = asked
        more = {} if made.radii is None else {"radii": made.radii}
        np.savez(target, plane=np.concatenate([made.plane, made.transform(new)]), **more)
        print(json.dumps(""), flush=True)
    except Exception as error:
        print(json.dumps(f"{type(error).__name__}: {error}"), flush=True)
"""

#: Places, and of a densMAP the radii.
_Placed = tuple[NDArray[np.float64], NDArray[np.float64] | None]

# Two atlases of one notebook show the same points: the second waits for the first one's picture.
_turn = threading.Lock()
_kept: dict[tuple[str, int, str, int], _Placed] = {}
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
    method: str = "umap",
    dimensions: int = 2,
) -> _Placed:
    """Run :func:`dnabert2_explore.fit_projection` with UMAP in another process.

    The map is made of `embeddings`, (n, hidden), and `new`, (m, hidden), are placed in it: places
    of both, (n + m, dimensions), and of a densMAP the radii, (n, 2). `check` is called a few times
    a second; the process is ended when it raises. ExploreError if UMAP or its process failed.
    """
    global _worker
    digests = (hashlib.sha256(part.tobytes()).hexdigest() for part in (embeddings, new))
    key = " ".join(digests), seed, method, dimensions
    while not _turn.acquire(timeout=0.2):
        check()
    try:
        if key not in _kept:
            if _worker is None:
                _worker = _Worker()
            try:
                placed = _worker.run(embeddings, new, (seed, method, dimensions), check)
            except BaseException:
                _worker.close()
                _worker = None
                raise
            if len(_kept) > 16:
                _kept.clear()
            _kept[key] = placed
        return _kept[key]
    finally:
        _turn.release()


class _Worker:
    """The process and its answers."""

    def __init__(self) -> None:
        package = str(Path(__file__).resolve().parents[4])
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
        how: tuple[int, str, int],
        check: Callable[[], None],
    ) -> _Placed:
        """Ask, and wait for the answer; see `project_apart`."""
        assert self._process.stdin is not None
        with tempfile.TemporaryDirectory(prefix="dnabert2-umap-") as folder:
            source, target = Path(folder, "in.npz"), Path(folder, "out.npz")
            np.savez(source, fit=embeddings, new=new)
            self._process.stdin.write(json.dumps([str(source), str(target), *how]) + "\n")
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
            with np.load(target) as file:
                return file["plane"], file.get("radii")

    def close(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.wait()
