"""Sequences longer than a model is asked to read at once."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...common.names import Pooling
from ...common.progress import Progress
from ...errors import InputError, silenced
from ...results.rich_display import RichDisplay
from ...sequences import UnknownBasesWarning, clean, warn_unknown
from ..inputs import bases_of, check_bases
from ..model import Bases, Model
from ..passes.batches import Budget
from .cached import embed_texts

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LongEmbedding", "cut", "embed_long"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LongEmbedding(RichDisplay):
    """One vector of a long sequence, made of overlapping windows; `str` says how.

    Attributes
    ----------
    vector : numpy.ndarray, shape (layers · hidden,), float32
        Mean of `vectors`, weighted by the A, C, G, T and U of each window (largest value for max
        pooling).
    vectors : numpy.ndarray, shape (windows, layers · hidden), float32
        NaN for a window without any of them, which is not computed.
    spans : numpy.ndarray, shape (windows, 2), int64
        Bases [start, end) of each window, 0-based. Bases in an overlap are read twice.
    window, overlap : int
        Bases, as asked for.
    pooling : str
    layer : int or tuple of int
        Whose vectors these are; of several they stand side by side.
    model : str
    """

    vector: NDArray[np.float32]
    vectors: NDArray[np.float32]
    spans: NDArray[np.int64]
    window: int
    overlap: int
    pooling: str
    layer: int | tuple[int, ...]
    model: str

    def __str__(self) -> str:
        n = len(self.spans)
        bases = f"{int(self.spans[-1, 1]):,} bp"
        layers = (self.layer,) if isinstance(self.layer, int) else self.layer
        words = " and ".join(map(str, layers))
        how = f"{self.pooling} pooling of layer{'s' * (len(layers) > 1)} {words}, {self.model}"
        if n == 1:
            return f"{bases} in one piece; {how}"
        joined = "largest value" if self.pooling == "max" else "mean weighted by known bases"
        return (
            f"{bases} in {n} windows of {self.window:,} bp that overlap by {self.overlap:,} bp or "
            f"more, {joined} over the windows; {how}"
        )

    def table(self) -> pd.DataFrame:
        """Return the windows as a table, one row each.

        Returns
        -------
        pandas.DataFrame
            ``start``, ``end`` (bases, 0-based half-open), then a column for each number of the
            vector, called ``0``, ``1``, ….
        """
        import pandas as pd

        spans = pd.DataFrame({"start": self.spans[:, 0], "end": self.spans[:, 1]})
        numbers = pd.DataFrame(self.vectors, columns=list(map(str, range(self.vectors.shape[1]))))
        return pd.concat([spans, numbers], axis=1)


def cut(length: int, window: int, overlap: int) -> NDArray[np.int64]:
    """Spans (windows, 2) that cover a sequence, `window` bases at most, neighbours overlapping.

    All spans are equally long; the overlaps are `overlap` bases or, where the sequence does not
    divide evenly, a little more, so that no short rest remains. Raises InputError where the window
    or the overlap is impossible.

    Examples
    --------
    >>> cut(25, 10, 2).tolist()
    [[0, 10], [7, 17], [15, 25]]
    """
    for name, value in (("window", window), ("overlap", overlap)):
        if not isinstance(value, Integral):
            raise InputError(f"The {name} is {value!r}: give a whole number of bases.")
    if window < 1:
        raise InputError(f"The window is {window} bases: give at least 1.")
    if not 0 <= overlap < window:
        raise InputError(
            f"An overlap of {overlap} does not fit windows of {window} bases: give 0 to "
            f"{window - 1}."
        )
    if length <= window:
        return np.array([[0, length]])
    n = -(-(length - overlap) // (window - overlap))
    starts = np.arange(n) * (length - window) // (n - 1)
    return np.stack([starts, starts + window], axis=1)


def embed_long(
    model: Model,
    bases: Bases,
    window: int,
    overlap: int,
    pooling: Pooling,
    layers: tuple[int, ...],
    both: bool,
    budget: Budget,
    progress: Progress | None,
) -> LongEmbedding:
    """Embed one sequence in windows; `Encoder.embed_long` after its settings were read."""
    text = bases_of(bases)
    check_bases([bases], [clean(text)])
    spans = cut(len(text), window, overlap)
    pieces = [text[start:end] for start, end in spans]
    counts = [clean(piece).composition for piece in pieces]
    known = np.array([count.length - count.ambiguous for count in counts])
    read = np.flatnonzero(known)
    if not read.size:
        raise InputError("The sequence has no A, C, G or T: there is nothing to embed.")
    vectors = np.full(
        (len(pieces), len(layers) * model.config.hidden_size), np.nan, dtype=np.float32
    )
    texts = [pieces[i] for i in read]
    # Of the whole: windows of nothing else are not read, and bases in an overlap twice.
    warn_unknown(clean(text).composition)
    with silenced(UnknownBasesWarning):
        found = embed_texts(model, texts, pooling, layers, both, budget, progress)
    vectors[read] = found.reshape(len(texts), -1)
    vector = (
        vectors[read].max(axis=0)
        if pooling == "max"
        else np.average(vectors[read], axis=0, weights=known[read])
    )
    return LongEmbedding(
        vector=vector.astype(np.float32),
        vectors=vectors,
        spans=spans,
        window=window,
        overlap=overlap,
        pooling=pooling,
        layer=layers[0] if len(layers) == 1 else layers,
        model=str(model.info),
    )
