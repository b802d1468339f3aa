"""A folder of embeddings that fills chunk by chunk and survives being killed at any moment."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..common.costs import says_cost
from ..common.files import expanded
from ..common.progress import Progress
from ..errors import InputError
from ..results.origins import recorded
from ..results.rich_display import RichDisplay, counted
from ..sequences.reading.genome import Genome
from . import layout
from .embedder import Embedder
from .errors import StoreError, damaged, writing
from .filling.plan import WindowPlan
from .finished import Finished
from .opening import open_group
from .settings import describe, differences, plan_of

if TYPE_CHECKING:
    import pandas as pd

    from .search import StoreHits

__all__ = ["EmbeddingStore", "open_store"]


class EmbeddingStore(RichDisplay):
    """Embeddings of windows with their coordinates, in a Zarr v3 group on a local or shared disk.

    Use :meth:`open` or :meth:`create`. Rows of windows that are not finished, and of windows
    without any A, C, G, T or U, are NaN.

    Attributes
    ----------
    path : pathlib.Path
        The folder, absolute.
    attributes : dict
        How it was made: ``identity``, ``about``, ``plan``, ``source``, ``created``, ``version``.
    plan : WindowPlan
        Its windows and chunks.
    layers : tuple of int
        The layers it holds, as absolute indices (0 the embeddings).
    hidden : int
        Width of a vector.
    names : tuple of str
        The records of the source, which ``record`` counts.
    """

    def __init__(self, path: Path, group: Any, attributes: dict[str, Any]) -> None:
        from .arrays import open_arrays

        self.path = path
        self.attributes = attributes
        try:
            self.plan: WindowPlan = plan_of(attributes)
            self.layers: tuple[int, ...] = tuple(map(operator.index, attributes["layers"]))
            self.names: tuple[str, ...] = self.plan.names
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise damaged(path / layout.DOCUMENT, reason) from error
        self.hidden: int = attributes["hidden"]
        arrays = open_arrays(group, path, self.plan, self.layers, attributes)
        self._layers = {layer: arrays[layout.layer_name(layer)] for layer in self.layers}
        self._coordinates = {name: arrays[name] for name in layout.COORDINATES}
        self._done = arrays["done"]
        self._finished = Finished(path, self.plan, self.layers, arrays["unknown"])

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, writable: bool = False) -> EmbeddingStore:
        """Open a store, finished or not.

        Parameters
        ----------
        path : str or path-like
            Its folder.
        writable : bool
            Also to write chunks into it.

        Returns
        -------
        EmbeddingStore

        Raises
        ------
        InputError
            If there is none, or a newer version of this package made it.
        StoreError
            If what it says of itself is damaged.
        """
        where = expanded(path).absolute()
        if not where.exists():
            raise InputError(
                f"There is no store {str(path)!r} (looked from {str(Path.cwd())!r}): check the "
                "path."
            )
        found = open_group(where, path, writable)
        if found is None:
            raise InputError(
                f"{path} is no store of embeddings; expected a folder that 'embed' wrote: check "
                "the path."
            )
        return cls(where, *found)

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        plan: WindowPlan,
        source: Genome,
        embedder: Embedder,
    ) -> EmbeddingStore:
        """Make a store, or open the one at ``path`` if this run can go on with it.

        Of two runs that make it at once, one does and the other goes on with that.

        Parameters
        ----------
        path : str or path-like
        plan : WindowPlan
            Its windows.
        source : Genome
            What they are of.
        embedder : Embedder
            What computes their vectors.

        Returns
        -------
        EmbeddingStore
            Writable.

        Raises
        ------
        InputError
            If ``path`` is something else, its folder does not exist, or its store was made with
            other settings, another model or other sequences; each difference is named.
        StoreError
            If it cannot be written.
        """
        where = expanded(path).absolute()
        if where.exists() and not (where.is_dir() and not any(where.iterdir())):
            return cls._resume(where, path, plan, source, embedder)
        if not where.resolve().parent.is_dir():
            raise InputError(
                f"The folder {str(where.resolve().parent)!r} does not exist; expected the place "
                f"for {where.name}: make it first."
            )
        attributes = describe(plan, source, embedder)
        with writing(where, lambda: "nothing is written yet"):
            made = layout.make(where, plan, embedder.layers, embedder.hidden, attributes)
        if not made:
            return cls._resume(where, path, plan, source, embedder)
        return cls.open(where, writable=True)

    @classmethod
    def _resume(
        cls,
        where: Path,
        path: str | os.PathLike[str],
        plan: WindowPlan,
        source: Genome,
        embedder: Embedder,
    ) -> EmbeddingStore:
        held = open_group(where, path, writable=True)
        if held is None:
            raise InputError(
                f"{path} exists and is no store of embeddings; expected a free name or a store to "
                "go on with: give another name, or move what is there."
            )
        store = cls(where, *held)
        here = describe(plan, source, embedder, known=store.attributes)
        found = differences(store.attributes, here)
        if found:
            raise InputError(
                f"The store {path} was made otherwise and cannot be gone on with: "
                f"{'; '.join(found)}; expected the same: give another -o, or delete it."
            )
        return store

    def _line(self) -> str:
        state = "complete" if self.complete else f"{self.n_done} of {self.plan.n_chunks} chunks"
        return (
            f"{counted(self.n_windows, 'window')}, layers {list(self.layers)}, "
            f"{self.hidden} numbers each, "
            f"{state}, in {self.path}"
        )

    def __len__(self) -> int:
        """Return the number of windows."""
        return self.n_windows

    @property
    def n_windows(self) -> int:
        """Windows, finished or not."""
        return self.plan.n_windows

    @property
    def n_done(self) -> int:
        """Chunks that are finished."""
        return len(self._finished.chunks())

    @property
    def complete(self) -> bool:
        """Whether every chunk is finished."""
        return self.n_done == self.plan.n_chunks

    @property
    def state(self) -> str:
        """How far it is, for messages."""
        return f"{self.n_done} of {self.plan.n_chunks} chunks are written and readable"

    def missing(self) -> list[int]:
        """Return the chunks that are not finished, in order, or whose files are lost."""
        done = self._finished.chunks()
        return [index for index in range(self.plan.n_chunks) if index not in done]

    def is_done(self, index: int) -> bool:
        """Return whether the chunk of that `index` is finished."""
        return index in self._finished

    def forget(self, chunks: Iterable[int]) -> None:
        """Take the marks off chunks, so that they are computed anew.

        Raises
        ------
        StoreError
            If the store cannot be written.
        """
        with writing(self.path, lambda: "its chunks are as they were"):
            self._finished.forget(chunks)

    def vectors(self, layer: int | None = None) -> Any:
        """Return the vectors of a layer as a Zarr array, which reads what is sliced out of it.

        Parameters
        ----------
        layer : int or None
            One of :attr:`layers`; None means the deepest.

        Returns
        -------
        zarr.Array
            (n_windows, hidden), float32. Reading a damaged part of it raises StoreError.

        Raises
        ------
        InputError
            If the store does not hold the layer.
        """
        wanted = max(self.layers) if layer is None else layer
        if wanted not in self._layers:
            raise InputError(
                f"{self.path} holds no layer {layer}; expected one of {list(self.layers)}: choose "
                "one, or embed again with it."
            )
        return self._layers[wanted]

    def array(self, name: str) -> Any:
        """Return ``record``, ``start``, ``end``, ``strand`` or ``unknown`` as a Zarr array.

        Another name raises KeyError.

        Returns
        -------
        zarr.Array
            (n_windows,); ``record`` counts :attr:`names`.
        """
        return self._coordinates[name]

    @property
    def marks(self) -> Any:
        """The Zarr array (n_chunks,) with a 1 for each chunk that is finished."""
        return self._done

    def coordinates(self, start: int = 0, stop: int | None = None) -> pd.DataFrame:
        """Return where windows lie, one row each.

        Parameters
        ----------
        start, stop : int
            Which windows; default all of them.

        Returns
        -------
        pandas.DataFrame
            ``record`` (categorical), ``start``, ``end`` (0-based, half-open), ``strand`` (+1) and
            ``unknown``, the number of bases that are not A, C, G, T or U; -1 and no record where a
            window is not finished yet.

        Raises
        ------
        StoreError
            If a file is damaged.
        """
        import pandas as pd

        columns: dict[str, Any] = {name: a[start:stop] for name, a in self._coordinates.items()}
        if columns["record"].size and not (
            -1 <= columns["record"].min() <= columns["record"].max() < len(self.names)
        ):
            raise StoreError(
                f"{self.path / 'record'} is damaged: it names records that are not there; verify "
                "the store with 'dnabert2-explore embed --check'."
            )
        columns["record"] = pd.Categorical.from_codes(columns["record"], categories=self.names)
        return pd.DataFrame(columns)

    @recorded
    @says_cost
    def search(
        self,
        queries: Any,
        *,
        k: int = 10,
        encoder: Any = None,
        layer: int | Iterable[int] | None = None,
        genome: str | Path | None = None,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> StoreHits:
        """Find the windows that are most like vectors or sequences, exactly.

        Windows that are not finished are passed over.

        Parameters
        ----------
        queries : array_like of shape (hidden,) or (q, hidden), or sequences
        k : int
            Windows a query.
        encoder : Encoder, optional
            For sequences: the model that the store was made with.
        layer : int or iterable of int, optional
            Several are side by side, as a model's own vector may be. By default those that
            `encoder` makes its vectors of, where the store holds them (it does unless it was made
            with other ``layers=``), so that neighbours are those of `embed` and of the atlas; of
            vectors those that make up their width; else the deepest.
        genome : path, optional
            What the store was made from, for the null; by default where it was then.
        seed : int
            Of the windows drawn for the null.
        progress : callable, optional
            Called as progress(windows done, windows); may raise `Cancelled`.

        Returns
        -------
        StoreHits

        Raises
        ------
        InputError
            If the queries are of another width or not finite, sequences come without the model they
            need, or k is below 1.
        """
        from .search import search

        return search(
            self, queries, k,
            encoder=encoder, layer=layer, genome=genome, seed=seed, progress=progress,
        )  # fmt: skip

    @says_cost
    def build_index(self, layers: Any = None, *, progress: Any = None) -> Path:
        """Write the vectors of layers, scaled to length 1, into one file that searches map.

        A search of the store itself unpacks all of it; of this file, it reads memory. The file
        takes 4 bytes a number: 3 GB for a million windows of 768.

        Parameters
        ----------
        layers : int or iterable of int, optional
            Side by side. By default all of the store, which has to be finished.
        progress : callable, optional
            Called as progress(windows done, windows); may raise `Cancelled`.

        Returns
        -------
        pathlib.Path

        Raises
        ------
        InputError
            If the store is not finished, or holds no such layer.
        """
        from .search import build_index

        return build_index(self, layers, progress)

    def write(self, index: int, vectors: NDArray[np.float32], unknown: NDArray[np.int32]) -> None:
        """Write a chunk and, when all its data are on the disk, that it is finished.

        Parameters
        ----------
        index : int
            The chunk.
        vectors : (n, len(layers), hidden) float32 array
            NaN where a window was not computed.
        unknown : (n,) int32 array
            Bases of each window that are not A, C, G, T or U.

        Raises
        ------
        StoreError
            If there is no space left, or writing fails otherwise.
        """
        first, after = self.plan.rows(index)
        record, start, end = self.plan.chunk(index)
        values: dict[str, Any] = {
            "record": record,
            "start": start,
            "end": end,
            "strand": np.ones(len(record), dtype=np.int8),
            "unknown": unknown,
        }
        with writing(self.path, lambda: self.state):
            # Of a chunk whose files were lost or damaged: until it is whole again.
            layout.mark(self.path, index).unlink(missing_ok=True)
            for number, layer in enumerate(self.layers):
                self._layers[layer][first:after] = vectors[:, number]
            for name, array in self._coordinates.items():
                array[first:after] = values[name]
            # Else a power cut could keep the mark and lose what it stands for.
            for file in layout.chunk_files(self.path, index, self.layers):
                layout.flush(file)  # one that is not there holds only fill values
            self._done[index : index + 1] = np.ones(1, dtype=np.uint8)

    def sweep(self) -> None:
        """Remove the partial files of killed processes, which nothing reads.

        Those of the last ten minutes stay: another run may be writing them.
        """
        layout.sweep_partial(self.path)


@recorded
def open_store(path: str | os.PathLike[str]) -> EmbeddingStore:
    """Open a store of embeddings for reading.

    Parameters
    ----------
    path : str or path-like
        The folder that `Encoder.embed_to` wrote.

    Returns
    -------
    EmbeddingStore

    Raises
    ------
    InputError, StoreError
        As `EmbeddingStore.open` does.
    """
    return EmbeddingStore.open(path)
