"""Sequences whose vectors exist already: a store, or an AnnData, as the input of an atlas."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..common.files import expanded
from ..errors import InputError, silenced
from ..results.origins import recorded
from ..results.rich_display import RichDisplay, counted
from ..sequences import Sequence
from ..sequences.reading.genome import Genome
from .beside import layers_of, vectors_of
from .store import EmbeddingStore, open_store

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EmbeddedSequences", "read_embedded"]

_BASES = "sequence"  # the column of obs that holds them
_PLACES = ("record", "start", "end")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EmbeddedSequences(RichDisplay):
    """Sequences beside their vectors.

    Attributes
    ----------
    sequences : tuple of Sequence
    vectors : numpy.ndarray, shape (n, hidden), float32
        NaN where a window was not computed.
    about : str
        Where they are from.
    weights_sha256 : str
        Of the model that made them; empty where that is not known.
    """

    sequences: tuple[Sequence, ...]
    vectors: NDArray[np.float32]
    about: str
    weights_sha256: str = ""

    def __len__(self) -> int:
        return len(self.sequences)

    def _line(self) -> str:
        return (
            f"{counted(len(self), 'sequence')} with vectors of "
            f"{self.vectors.shape[1]:,} ({self.about})"
        )

    def table(self) -> pd.DataFrame:
        """Return a row a sequence: ``name``, ``label``, and its numbers ``0``, ``1``, …."""
        import pandas as pd

        known = pd.DataFrame(
            [(one.name, one.label) for one in self.sequences], columns=["name", "label"]
        )
        numbers = pd.DataFrame(self.vectors, columns=list(map(str, range(self.vectors.shape[1]))))
        return pd.concat([known, numbers], axis=1)


@recorded
def read_embedded(
    source: str | os.PathLike[str] | EmbeddingStore | Any,
    *,
    genome: str | os.PathLike[str] | None = None,
    layers: int | Iterable[int] | None = None,
    most: int | None = 20_000,
    seed: int = 0,
) -> EmbeddedSequences:
    """Read vectors with their sequences, for `AtlasExplorer` and whatever else takes both.

    Parameters
    ----------
    source : path, EmbeddingStore or anndata.AnnData
        A store that `embed_to` wrote; or AnnData, an ``.h5ad`` or in memory, with a column
        ``sequence`` in ``obs``, or ``record``, ``start`` and ``end`` (0-based, half-open). A column
        ``label`` is understood, all others become fields.
    genome : path, optional
        Where bases of coordinates are read; by default, for a store, where it was made from.
    layers : int or iterable of int, optional
        Of a store: whose vectors, side by side. By default all of the store, which are those that
        `Encoder.embed` gives of the model. Of an AnnData, ``obsm["layer_3"]``; by default ``X``.
    most : int, optional
        Draw so many rows at random where there are more; None keeps all. They stay in order.
    seed : int
        Of the draw.

    Returns
    -------
    EmbeddedSequences

    Raises
    ------
    InputError
        If there is no such file or layer, no bases can be found, or anndata, which a file of its
        needs, is not installed.
    """
    rng = np.random.default_rng(seed)
    if isinstance(source, EmbeddingStore):
        return _of_store(source, genome, layers, most, rng)
    if isinstance(source, str | os.PathLike):
        path = expanded(source)
        if path.is_dir():
            return _of_store(open_store(path), genome, layers, most, rng)
        return _of_anndata(_opened(path), genome, layers, most, rng, str(source))
    if not hasattr(source, "obs") or not hasattr(source, "X"):
        raise InputError(
            f"Embeddings were given as {type(source).__name__}; expected a store, an AnnData, or "
            "the path of one."
        )
    return _of_anndata(source, genome, layers, most, rng, "AnnData")


def _drawn(n: int, most: int | None, rng: np.random.Generator) -> NDArray[np.int64]:
    if most is None or n <= most:
        return np.arange(n)
    return np.sort(rng.permutation(n)[:most])


def _of_store(
    store: EmbeddingStore,
    genome: str | os.PathLike[str] | None,
    layers: int | Iterable[int] | None,
    most: int | None,
    rng: np.random.Generator,
) -> EmbeddedSequences:
    path = Path(genome if genome is not None else store.attributes["source"]["path"] or "")
    if path == Path():
        raise InputError(
            f"{store.path.name} was made of sequences in memory: give genome=, a file that holds "
            "them."
        )
    if not path.is_file():
        raise InputError(
            f"The genome of {store.path.name} is not at {str(path)!r}: give genome=, the file it "
            "was made of."
        )
    where = store.coordinates()
    finished = np.flatnonzero(where["record"].cat.codes.to_numpy() >= 0)
    rows = finished[_drawn(len(finished), most, rng)]
    vectors = vectors_of(store, layers_of(store, layers)).oindex[rows]
    sequences = _stretches(where.iloc[rows], path)
    model = store.attributes["about"].get("model", "")
    return EmbeddedSequences(
        tuple(sequences),
        np.asarray(vectors, dtype=np.float32),
        f"{store.path.name}, {model}",
        store.attributes["identity"].get("weights_sha256") or "",
    )


def find_anndata() -> Any:
    """Import the package anndata, or say how it is had."""
    try:
        import anndata as found
    except ImportError:
        raise InputError(
            "AnnData needs the package anndata: install it with pip install -c constraints.txt "
            '-e ".[anndata]".'
        ) from None
    return found


def _opened(path: Path) -> Any:
    anndata = find_anndata()
    if not path.is_file():
        raise InputError(f"There is no file {str(path)!r}: check the path.")
    try:
        # Names may occur twice: rows go by place.
        with silenced(UserWarning, ".*names are not unique"):
            return anndata.read_h5ad(path)
    except (OSError, KeyError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path} is no AnnData ({type(error).__name__}); expected a store (.zarr) or an .h5ad, "
            "which `embed` writes too: .parquet and .npz hold no sequences."
        ) from error


def _of_anndata(
    data: Any,
    genome: str | os.PathLike[str] | None,
    layers: int | Iterable[int] | None,
    most: int | None,
    rng: np.random.Generator,
    name: str,
) -> EmbeddedSequences:
    obs = data.obs
    rows = _drawn(len(obs), most, rng)
    table = obs.iloc[rows]
    if layers is None:
        matrices = [data.X]
    else:
        keys = [f"layer_{i}" for i in ((layers,) if isinstance(layers, int) else layers)]
        if missing := [key for key in keys if key not in data.obsm]:
            raise InputError(
                f"{name} has no obsm[{missing[0]!r}]; it has {sorted(data.obsm)}: name others."
            )
        matrices = [data.obsm[key] for key in keys]
    if matrices[0] is None:
        raise InputError(f"{name} has no X: it holds no vectors.")
    parts = [matrix[rows] for matrix in matrices]
    vectors = np.concatenate(
        [np.asarray(p.toarray() if hasattr(p, "toarray") else p, np.float32) for p in parts], axis=1
    )
    if _BASES in obs.columns:
        columns = [c for c in obs.columns if c not in (_BASES, "name", "label", "description")]
        texts = {c: table[c].astype(object).to_numpy() for c in (*columns, _BASES)}
        labels = table["label"].astype(object).to_numpy() if "label" in obs.columns else None
        names = table["name"] if "name" in obs.columns else table.index
        sequences = [
            Sequence(
                str(each),
                str(texts[_BASES][i]),
                None if labels is None or _nothing(labels[i]) else str(labels[i]),
                fields={c: str(texts[c][i]) for c in columns if not _nothing(texts[c][i])},
            )
            for i, each in enumerate(names)
        ]
    elif all(column in obs.columns for column in _PLACES):
        source = data.uns.get("source", {})
        path = genome if genome is not None else dict(source).get("path", "")
        if not path or not Path(path).is_file():
            raise InputError(
                f"{name} holds coordinates and the genome is not at {str(path)!r}: give genome=."
            )
        sequences = _stretches(table, Path(path))
    else:
        raise InputError(
            f"{name} holds no bases: its obs needs a column 'sequence', or 'record', 'start' and "
            f"'end' with genome=; it has {', '.join(map(str, obs.columns)) or 'no columns'}."
        )
    identity = data.uns.get("identity", {})
    sha = dict(identity).get("weights_sha256", "") if hasattr(identity, "keys") else ""
    return EmbeddedSequences(tuple(sequences), vectors, Path(name).name, str(sha))


def _nothing(value: Any) -> bool:
    return value is None or value != value or value == ""


def _stretches(table: Any, path: Path) -> list[Sequence]:
    """Read the bases of windows; named as `stores.h5ad` names rows."""
    with Genome(path) as genome:
        number = {name: i for i, name in enumerate(genome.names)}
        found = []
        for record, start, end in zip(*(table[c] for c in _PLACES), strict=True):
            if str(record) not in number:
                raise InputError(
                    f"{path} has no record {str(record)!r}: give the genome that was embedded."
                )
            bases = genome.fetch(number[str(record)], int(start), int(end))
            name = f"{record}:{start}-{end}"
            found.append(Sequence(name, bases, fields={"record": str(record)}))
    return found
