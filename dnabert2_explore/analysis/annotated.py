"""Embeddings with their sequences as AnnData, the table of single-cell and genomics tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..sequences import clean
from ..sequences.given import as_sequences
from ..stores.embedded import find_anndata

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["to_anndata"]


def to_anndata(vectors: ArrayLike, sequences: Any, **about: str | int | float) -> AnnData:
    """Put embeddings and what is known of their sequences into an AnnData.

    Parameters
    ----------
    vectors : array_like, shape (n, hidden)
        As `Encoder.embed` returns them.
    sequences : str, Sequence, or iterable of them, length n
    **about
        Kept in ``.uns``, such as ``model=str(enc.info)``.

    Returns
    -------
    anndata.AnnData
        ``X`` float32; ``obs`` has ``name``, ``label``, ``length`` (bp), ``gc`` (share of G and C
        among A, C, G, T; NaN without any), ``description`` and every further field of the
        sequences. Its index are the names, made unique by ``-1``, ``-2``, ….

    Raises
    ------
    InputError
        If there are not as many vectors as sequences, or anndata is not installed.

    Examples
    --------
    >>> import dnabert2_explore as dx
    >>> windows = dx.demo.windows()[:3]
    >>> table = dx.to_anndata(dx.load("pocket").embed(windows), windows)
    >>> table.shape, table.obs["label"].tolist()
    ((3, 192), ['bacteria', 'bacteria', 'bacteria'])
    """
    import pandas as pd

    anndata = find_anndata()
    every = as_sequences(sequences)
    values = np.asarray(vectors, dtype=np.float32)
    if values.ndim != 2 or len(values) != len(every):
        raise InputError(
            f"Vectors of shape {values.shape} do not fit {len(every):,} sequences: give one vector "
            "for each, shape (n, hidden)."
        )
    counts = [clean(one.bases).composition for one in every]
    known = [c.a + c.c + c.g + c.t for c in counts]
    columns: dict[str, list[Any]] = {
        "name": [one.name for one in every],
        "label": [one.label for one in every],
        "length": [c.length for c in counts],
        "gc": [(c.g + c.c) / k if k else float("nan") for c, k in zip(counts, known, strict=True)],
        "description": [one.description for one in every],
    }
    for field in dict.fromkeys(name for one in every for name in one.fields):
        columns.setdefault(field, [one.fields.get(field) for one in every])
    # Objects: h5py writes no strings of pyarrow, in which pandas keeps text by itself.
    index = anndata.utils.make_index_unique(pd.Index(columns["name"], dtype=object))
    texts = {name: pd.Series(values, dtype=object, index=index) for name, values in columns.items()}
    obs = pd.DataFrame(texts).astype({"length": np.int64, "gc": np.float64})
    var = pd.DataFrame(index=pd.Index(list(map(str, range(values.shape[1]))), dtype=object))
    return anndata.AnnData(X=values, obs=obs, var=var, uns=dict(about))
