"""Nearest windows of a store, exactly: every vector is looked at, a block at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..common.files import replacing
from ..common.progress import Progress, quiet
from ..errors import InputError
from ..results.rich_display import RichDisplay, counted
from ..sequences import Sequence, gc_content
from ..sequences.given import as_sequences
from ..sequences.reading.genome import Genome
from .beside import layers_of, vectors_of
from .nearest import best_of, nearest_rows, unit

if TYPE_CHECKING:
    import pandas as pd

    from .store import EmbeddingStore

__all__ = ["QueryEncoder", "StoreHits", "build_index", "index_path", "search"]


_NULL = 2000  # random windows whose GC is looked at
_ALIKE = 200  # of these, those nearest in GC are the null


class QueryEncoder(Protocol):
    """What turns sequences into vectors like those of a store; an `Encoder` does."""

    @property
    def weights_sha256(self) -> str:  # noqa: D102
        ...

    def embed(self, sequences: Any, **settings: Any) -> NDArray[np.float32]:
        """Return vectors, shape (n, hidden)."""
        ...


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StoreHits(RichDisplay):
    """The windows most like each query, the nearest first.

    Attributes
    ----------
    queries : tuple of str
        Names, or "query 1" and so on.
    window : numpy.ndarray, shape (queries, k), int64
        Row of the store; -1 where there are fewer windows with vectors than k.
    similarity : numpy.ndarray, shape (queries, k), float32
        Cosine similarity.
    record : numpy.ndarray, shape (queries, k), int64
        Number of the record in `names`.
    start, end : numpy.ndarray, shape (queries, k), int64
        0-based, half-open.
    null_share : numpy.ndarray, shape (queries, k), float64, or None
        Share of random windows of the query's GC content that are at least as similar: (1 + how
        many) / (1 + all). None where `null` says why not.
    null : str
        What the null is, or why there is none.
    names : tuple of str
        The records of the store.
    layers : tuple of int
        Whose vectors were compared, side by side.
    """

    queries: tuple[str, ...]
    window: NDArray[np.int64]
    similarity: NDArray[np.float32]
    record: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    null_share: NDArray[np.float64] | None
    null: str
    names: tuple[str, ...]
    layers: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.queries)

    def _line(self) -> str:
        n = self.window.shape[1]
        return (
            f"the {f'{n} nearest windows' if n > 1 else 'nearest window'} to each of "
            f"{counted(len(self), 'query', 'queries')}, by "
            f"cosine similarity of layer{'s' if len(self.layers) > 1 else ''} "
            f"{' and '.join(map(str, self.layers))}"
        )

    def __str__(self) -> str:
        return f"{self._line()}; {self.null}"

    def table(self) -> pd.DataFrame:
        """Return the hits as a table, one row each.

        Returns
        -------
        pandas.DataFrame
            ``query``, ``rank`` (from 1), ``window``, ``record``, ``start``, ``end`` (0-based,
            half-open), ``similarity`` and, where there is a null, ``null_share``.
        """
        import pandas as pd

        row, place = np.nonzero(self.window >= 0)
        table = pd.DataFrame(
            {
                "query": [self.queries[i] for i in row],
                "rank": place + 1,
                "window": self.window[row, place],
                "record": [self.names[i] for i in self.record[row, place]],
                "start": self.start[row, place],
                "end": self.end[row, place],
                "similarity": self.similarity[row, place],
            }
        )
        if self.null_share is not None:
            table["null_share"] = self.null_share[row, place]
        table.attrs["about"] = str(self)
        return table


def index_path(store: EmbeddingStore, layers: tuple[int, ...]) -> Path:
    """Where `build_index` keeps the vectors of layers."""
    return store.path / "search" / f"layer_{'_'.join(map(str, layers))}.npy"


def build_index(
    store: EmbeddingStore,
    layers: int | Iterable[int] | None = None,
    progress: Progress | None = None,
) -> Path:
    """Do as `EmbeddingStore.build_index`."""
    wanted = layers_of(store, layers)
    vectors = vectors_of(store, wanted)
    if not store.complete:
        raise InputError(
            f"{store.path} is not finished: {store.state}; run the embedding again, which goes on "
            "where it stopped, and index it then."
        )
    path = index_path(store, wanted)
    path.parent.mkdir(exist_ok=True)
    n, width = store.n_windows, store.hidden * len(wanted)
    with replacing(path) as temporary:
        out = np.lib.format.open_memmap(temporary, "w+", np.float32, (n, width))
        for rows in store.plan.blocks(width):
            out[rows] = unit(np.asarray(vectors[rows]))
            (progress or quiet)(rows.stop, n)
        out.flush()
        del out  # Windows renames no file that is mapped
    return path


def search(
    store: EmbeddingStore,
    queries: ArrayLike | str | Sequence | Iterable[str | Sequence],
    k: int = 10,
    *,
    encoder: QueryEncoder | None = None,
    layer: int | Iterable[int] | None = None,
    genome: str | Path | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> StoreHits:
    """Do as `EmbeddingStore.search`."""
    if k < 1:
        raise InputError(f"k is {k}; expected 1 or more.")
    wanted = _wanted(store, queries, encoder) if layer is None else layers_of(store, layer)
    vectors = vectors_of(store, wanted)
    names, asked, gc = _queries(store, queries, encoder, wanted)
    mapped = index_path(store, wanted)
    if mapped.is_file():
        unit = np.load(mapped, mmap_mode="r")
        rows, similarity = nearest_rows(unit, asked, k, progress)
    else:
        unit = vectors
        rows, similarity = _streamed(store, vectors, asked, k, progress)
    found = {name: _taken(store.array(name), rows) for name in ("record", "start", "end")}
    null_share, said = _null(store, unit, asked, gc, similarity, genome, seed)
    return StoreHits(
        queries=names,
        window=rows,
        similarity=similarity,
        **found,
        null_share=null_share,
        null=said,
        names=store.names,
        layers=wanted,
    )


def _streamed(
    store: EmbeddingStore,
    vectors: Any,
    asked: NDArray[np.float32],
    k: int,
    progress: Progress | None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Search what Zarr unpacks, a block at a time."""
    parts = []
    for block in store.plan.blocks(asked.shape[1]):
        rows, products = nearest_rows(unit(np.asarray(vectors[block])), asked, k)
        parts.append((np.where(rows >= 0, rows + block.start, -1), products))
        (progress or quiet)(block.stop, store.n_windows)
    return best_of(parts, k)


def _taken(array: Any, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Values of some rows of a Zarr array; -1 where there is no row."""
    there = np.unique(rows[rows >= 0])
    values = np.asarray(array.oindex[there]) if len(there) else np.zeros(0, dtype=np.int64)
    place = np.searchsorted(there, rows)
    out = np.full(rows.shape, -1, dtype=np.int64)
    out[rows >= 0] = values[place[rows >= 0]]
    return out


def _wanted(store: EmbeddingStore, queries: Any, encoder: QueryEncoder | None) -> tuple[int, ...]:
    """Choose the layers that the queries are vectors of."""
    own = tuple(getattr(encoder, "embedding_layers", ()))
    if own and set(own) <= set(store.layers):
        return own
    every = layers_of(store, None)
    if not _are_sequences(queries):
        width = np.shape(queries)[-1:]
        if width == (store.hidden * len(every),):
            return every
    return (max(store.layers),)


def _are_sequences(queries: Any) -> bool:
    one = queries[0] if isinstance(queries, list | tuple) and queries else queries
    return isinstance(one, str | Sequence)


def _queries(
    store: EmbeddingStore, queries: Any, encoder: QueryEncoder | None, layers: tuple[int, ...]
) -> tuple[tuple[str, ...], NDArray[np.float32], NDArray[np.float64] | None]:
    """Names, unit vectors and GC content, as far as it is known, of what is asked."""
    gc = None
    if _are_sequences(queries):
        if encoder is None:
            raise InputError(
                "Sequences were given without a model: give encoder=, the one that the store was "
                f"made with ({store.attributes['about'].get('model', 'unknown')})."
            )
        identity = store.attributes["identity"]
        if identity.get("weights_sha256") not in (None, encoder.weights_sha256):
            raise InputError(
                f"The store was made with other weights than those of the encoder: give the model "
                f"{store.attributes['about'].get('model', '')} that made it."
            )
        each = as_sequences(queries)
        pooling = identity.get("pooling", "mean")
        array = encoder.embed(each, layer=layers if len(layers) > 1 else layers[0], pooling=pooling)
        array = array.reshape(len(each), -1)
        names = tuple(s.name for s in each)
        gc = np.array([gc_content(s.bases) for s in each])
    else:
        array = np.atleast_2d(np.asarray(queries, dtype=np.float32))
        names = tuple(f"query {i + 1}" for i in range(len(array)))
    width = store.hidden * len(layers)
    if array.ndim != 2 or array.shape[1] != width or not len(array):
        raise InputError(
            f"Queries have shape {array.shape}; expected (queries, {width}), the width of "
            f"layer{'s' if len(layers) > 1 else ''} {' and '.join(map(str, layers))} of the store."
        )
    bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if bad.size:
        raise InputError(f"{names[bad[0]]} holds NaN or infinity: leave it out.")
    return names, unit(np.asarray(array, dtype=np.float32)), gc


def _null(
    store: EmbeddingStore,
    vectors: Any,
    asked: NDArray[np.float32],
    gc: NDArray[np.float64] | None,
    similarity: NDArray[np.float32],
    genome: str | Path | None,
    seed: int,
) -> tuple[NDArray[np.float64] | None, str]:
    """Compare hits with random windows of the query's GC content."""
    if gc is None:
        return None, "no null, since the GC content of a vector is not known: give sequences"
    source = genome if genome is not None else store.attributes["source"]["path"]
    if not source:
        return None, "no null, since the store was made of sequences in memory: give genome="
    path = Path(source)
    if not path.is_file():
        return None, f"no null, since {path} is not there: give genome="
    rng = np.random.default_rng(seed)
    drawn = np.sort(rng.permutation(store.n_windows)[:_NULL])
    spans = [store.array(name).oindex[drawn] for name in ("record", "start", "end")]
    with Genome(path) as source:
        if tuple(source.names) != store.names:
            raise InputError(
                f"{path} holds other records than the store: give what it was made of."
            )
        share = np.array(
            [
                gc_content(source.fetch(int(r), int(a), int(b))) if r >= 0 else np.nan
                for r, a, b in zip(*spans, strict=True)
            ]
        )
    reader = vectors if isinstance(vectors, np.ndarray) else vectors.oindex
    scaled = unit(np.asarray(reader[drawn]))
    usable = np.flatnonzero(np.isfinite(share) & np.isfinite(scaled).all(axis=1))
    out = np.ones(similarity.shape)
    for query in range(len(asked)):
        alike = usable[np.argsort(np.abs(share[usable] - gc[query]), kind="stable")[:_ALIKE]]
        theirs = scaled[alike] @ asked[query]
        more = (theirs[None] >= similarity[query][:, None]).sum(axis=1)
        out[query] = (1 + more) / (1 + len(alike))
    n = min(_ALIKE, len(usable))
    return out, f"beside {n:,} random windows of like GC content"
