"""The maps of one set of points: PCA at once, others in the background when they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....analysis.maps import align_maps
from ....analysis.project import fit_projection
from ....analysis.umaps import umap_seconds
from ....common.progress import Progress
from ...core.controls import Guard
from ...core.jobs import Worker
from .projection import project_apart

__all__ = ["LAYERS", "METHODS", "MadeMap", "Maps", "umap_cost"]

LAYERS = "layers"
#: What the buttons say, and how it is done.
METHODS = {
    "PCA": "PCA",
    "UMAP": "UMAP (cosine distance, 15 neighbours, seed 0)",
    "densMAP": "densMAP (UMAP that keeps densities; cosine distance, 15 neighbours, seed 0)",
    LAYERS: "PCA of every layer, each turned onto the one before (Procrustes)",
}


@dataclass(frozen=True, slots=True, eq=False)
class MadeMap:
    """A map, or one of every layer: `planes`, (frames, n, dimensions), and the names of the frames.

    `radii`, (n, 2), are those of a densMAP.
    """

    planes: NDArray[np.float64]
    frames: tuple[str, ...] = ("",)
    radii: NDArray[np.float64] | None = None


class Maps:
    """Makes maps and keeps them until the points change.

    `made` is called when a map is there that was waited for, `failed` with what went wrong, as
    HTML, `stopped` when a person cancels; `lock` is held meanwhile.
    """

    def __init__(
        self,
        made: Callable[[], None],
        failed: Callable[[str], None],
        stopped: Callable[[], None],
        lock: Any,
        guarded: Guard,
    ) -> None:
        self._told, self._failed, self._stopped = made, failed, stopped
        self._made: dict[tuple[str, int], MadeMap] = {}
        self._worker = Worker(guarded, self._fail, lock, self._cancelled)
        self.bar = self._worker.bar
        self.pending: tuple[str, int] | None = None

    def __bool__(self) -> bool:
        return bool(self._made)

    def clear(self) -> None:
        """Forget all; stop what is made."""
        self.stop()
        self._made = {}

    def get(self, method: str, dimensions: int) -> MadeMap | None:
        """Return a map that is there."""
        return self._made.get((method, dimensions))

    def add_pca(self, fit: NDArray[np.float32], new: NDArray[np.float32]) -> None:
        """Make the PCA, which takes a moment, in both dimensions."""
        made = fit_projection(fit, method="pca", dimensions=3)
        both = np.concatenate([made.plane, made.transform(new)])
        self._made["PCA", 2], self._made["PCA", 3] = MadeMap(both[None, :, :2]), MadeMap(both[None])

    def start(
        self,
        method: str,
        dimensions: int,
        fit: NDArray[np.float32],
        new: NDArray[np.float32],
        spaces: Callable[[Progress], dict[str, NDArray[np.float32]]],
        cost: str = "",
    ) -> None:
        """Make a map in the background, by one of `METHODS`.

        It is made of `fit`, (n, hidden), and `new`, (m, hidden), is placed in it; a densMAP and
        maps of layers are made of both. `spaces` gives the vectors of every layer, by name, and
        `cost` says what that takes, where it is worth saying.
        """
        self.stop()
        self.pending = method, dimensions

        def work(progress: Any) -> MadeMap:
            if method == LAYERS:
                found = align_maps(spaces(progress), dimensions=dimensions)
                return MadeMap(found.planes, found.names)
            parts = (fit, new)
            if method == "densMAP":
                parts = np.concatenate([fit, new]), new[:0]
            plane, radii = project_apart(
                *parts, 0, lambda: progress(0, 0), method=method.lower(), dimensions=dimensions
            )
            return MadeMap(plane[None], radii=radii)

        def done(made: MadeMap) -> None:
            self._made[method, dimensions] = made
            self.pending = None
            self._told()

        what = (
            f"every layer of {len(fit) + len(new):,} sequences{f' ({cost})' if cost else ''}"
            if method == LAYERS
            else f"{method} of {len(fit):,} ({umap_cost(len(fit), method)})"
        )
        self._worker.start(what, work, done)

    def _fail(self, why: str) -> None:
        self.pending = None
        self._failed(why)

    def stop(self) -> None:
        """Stop what is made."""
        self.pending = None
        self._worker.stop()

    def _cancelled(self) -> None:
        self.pending = None
        self._stopped()

    def wait(self, timeout: float | None = None) -> None:
        """Block until what was started is there (for scripts and tests)."""
        self._worker.wait(timeout)


def umap_cost(n: int, method: str = "UMAP") -> str:
    """Say what a UMAP takes."""
    return f"first time about {umap_seconds(n, densmap=method == 'densMAP'):,.0f} s"
