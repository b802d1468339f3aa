"""What a model knows along its training: one sequence and one atlas, seen by every snapshot."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence as Items
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..common.costs import says_cost
from ..common.files import expanded
from ..common.progress import Progress, quiet
from ..encoder import Bases, Encoder, load
from ..errors import InputError
from ..results.origins import recorded
from ..results.rich_display import RichDisplay, counted
from ..sequences import Sequence
from ..stores.nearest import unit
from ..tokens import Tokens
from .attend import attend
from .maps.neighbours import label_purity, nearest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TimeLapse", "find_snapshots", "timelapse"]

_STEP = re.compile(r"step-(\d+)")
_SHUFFLES = 20


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TimeLapse(RichDisplay):
    """A sequence and an atlas as seen by the snapshots of one training.

    Attributes
    ----------
    steps : numpy.ndarray, shape (s,), int64
        Training steps of the snapshots, rising.
    tokens : Tokens
        The sequence; the tokenizer is the same at every step.
    probability : numpy.ndarray, shape (s, n), float32
        Of the true token when it alone is masked; NaN at special and unknown tokens.
    entropy : numpy.ndarray, shape (s, n), float32
        Of the distribution predicted there, in nats; NaN where `probability` is.
    attention : numpy.ndarray, shape (s, n, n), float32
        Attention probabilities of one head; rows are queries and sum to 1.
    planes : numpy.ndarray, shape (s, m, 2), float64
        Mean embeddings (last layer) of the atlas on the two principal components of the last
        snapshot: one basis for all, so that points move and axes do not.
    names, labels : tuple of str, length m
        The atlas' sequences; a sequence without a label has "".
    purity : numpy.ndarray, shape (s,), float64
        Share of each labelled sequence's `n_neighbors` nearest ones (by cosine, in all dimensions)
        that have its label, averaged; NaN with fewer than two labels.
    purity_null : numpy.ndarray, shape (s,), float64
        The same with labels shuffled, averaged over 20 shuffles: what chance gives.
    n_neighbors : int
        k above.
    layer, head : int
        Of `attention`, counted from 0.
    vocabulary : int
        Entries a prediction chooses from; ln of it is the entropy of a blind guess.
    model : str
        The last snapshot.
    """

    steps: NDArray[np.int64]
    tokens: Tokens
    probability: NDArray[np.float32]
    entropy: NDArray[np.float32]
    attention: NDArray[np.float32]
    planes: NDArray[np.float64]
    names: tuple[str, ...]
    labels: tuple[str, ...]
    purity: NDArray[np.float64]
    purity_null: NDArray[np.float64]
    n_neighbors: int
    layer: int
    head: int
    vocabulary: int
    model: str

    def _line(self) -> str:
        return (
            f"{len(self.steps)} snapshots, steps {self.steps[0]:,} to {self.steps[-1]:,}, of "
            f"{counted(len(self.tokens.bases), 'base')} and an atlas of "
            f"{counted(len(self.names), 'sequence')}"
        )

    def table(self) -> pd.DataFrame:
        """Return the snapshots as a table, one row each.

        Returns
        -------
        pandas.DataFrame
            ``step``, ``probability`` of the true token and ``entropy`` (nats), means over the
            sequence, ``purity`` and ``purity_null``.
        """
        import pandas as pd

        return pd.DataFrame(
            {"step": self.steps, "probability": np.nanmean(self.probability, axis=1),
             "entropy": np.nanmean(self.entropy, axis=1), "purity": self.purity,
             "purity_null": self.purity_null}
        )  # fmt: skip


def find_snapshots(run_folder: str | Path) -> list[tuple[int, Path]]:
    """List the snapshots of a pre-training run, from the first step to the last.

    Parameters
    ----------
    run_folder : path
        The run's folder, or its ``snapshots`` folder.

    Returns
    -------
    list of (int, pathlib.Path)
        Step and model folder; empty where the run kept none (yet).

    Raises
    ------
    InputError
        If there is no such folder.
    """
    folder = expanded(run_folder)
    if not folder.is_dir():
        raise InputError(f"There is no run folder {folder}: check the path.")
    inside = folder / "snapshots"
    found = []
    for path in (inside if inside.is_dir() else folder).iterdir():
        # A folder that is being written has another name until it is whole.
        match = _STEP.fullmatch(path.name)
        if match and path.is_dir():
            found.append((int(match[1]), path))
    return sorted(found)


@recorded
@says_cost
def timelapse(
    snapshots: Iterable[tuple[int, str | Path]],
    sequence: Bases,
    atlas: Items[Sequence],
    *,
    layer: int = -1,
    head: int = 0,
    n_neighbors: int = 10,
    device: str = "auto",
    progress: Progress | None = None,
) -> TimeLapse:
    """Look at one sequence and one atlas with every snapshot of a training.

    Parameters
    ----------
    snapshots : iterable of (int, path)
        Step and model folder, from `find_snapshots`; models with one tokenizer and one shape.
    sequence : str or Sequence
        Every token is masked alone, in as many passes as there are tokens.
    atlas : sequence of Sequence
        At least 3; their labels are compared with their neighbours'.
    layer, head : int
        Of the attention map, counted from 0; negative counts from the last.
    n_neighbors : int
        Of the purity; taken down to the number of other sequences.
    device : str
        As for :func:`dnabert2_explore.load`.
    progress : callable, optional
        Called as ``progress(snapshots done, snapshots)``; may raise
        :class:`~dnabert2_explore.errors.Cancelled`.

    Returns
    -------
    TimeLapse

    Raises
    ------
    InputError
        If there is no snapshot, one has another tokenizer or shape or no masked-LM head, the atlas
        is too small, the sequence has no bases, or layer or head do not exist.
    """
    ordered = sorted(snapshots, key=lambda one: one[0])
    if not ordered:
        raise InputError(
            "There are no snapshots: pre-train with snapshots_every above 0 to keep some."
        )
    if len(atlas) < 3:
        raise InputError(f"The atlas has {len(atlas)} sequences; expected at least 3.")
    if n_neighbors < 1:
        raise InputError(f"n_neighbors is {n_neighbors}; expected at least 1.")
    tokens: Tokens | None = None
    shape: tuple[int, ...] = ()
    looked: list[_Look] = []
    report = progress or quiet
    report(0, len(ordered))
    for done, (_, folder) in enumerate(ordered, start=1):
        # Each snapshot is looked at once: nothing worth keeping in the cache of vectors.
        enc = load(folder, device=device, dtype="float32", cache=False)
        cut = enc.tokenize(sequence)
        config = enc.config
        its = (config.vocab_size, config.num_hidden_layers, config.num_attention_heads,
               config.hidden_size)  # fmt: skip
        if tokens is None:
            tokens, shape = cut, its
        elif its != shape or cut.tokens != tokens.tokens:
            raise InputError(
                f"{folder} has another tokenizer or shape than the snapshot of step "
                f"{ordered[0][0]}: give the snapshots of one run."
            )
        looked.append(_look(enc, cut, sequence, atlas, layer, head))
        report(done, len(ordered))
    assert tokens is not None
    labels = tuple(one.label or "" for one in atlas)
    purities = [_purity(one.vectors, labels, n_neighbors) for one in looked]
    return TimeLapse(
        steps=np.array([step for step, _ in ordered], dtype=np.int64),
        tokens=tokens,
        probability=np.stack([one.probability for one in looked]),
        entropy=np.stack([one.entropy for one in looked]),
        attention=np.stack([one.attention for one in looked]),
        planes=_planes([one.vectors for one in looked]),
        names=tuple(one.name for one in atlas),
        labels=labels,
        purity=np.array([found for found, _ in purities]),
        purity_null=np.array([null for _, null in purities]),
        n_neighbors=min(n_neighbors, len(atlas) - 1),
        layer=range(shape[1])[layer],
        head=range(shape[2])[head],
        vocabulary=shape[0],
        model=str(enc.info),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """What one snapshot says."""

    probability: NDArray[np.float32]
    entropy: NDArray[np.float32]
    attention: NDArray[np.float32]
    vectors: NDArray[np.float32]


def _look(
    enc: Encoder,
    tokens: Tokens,
    sequence: Bases,
    atlas: Items[Sequence],
    layer: int,
    head: int,
) -> _Look:
    attention = attend(enc, sequence).head(layer, head)
    asked = np.flatnonzero(~tokens.special & ~tokens.unknown)
    probability = np.full(len(tokens), np.nan, dtype=np.float32)
    entropy = np.full(len(tokens), np.nan, dtype=np.float32)
    rows = enc.masked_log_probs([tokens.ids] * len(asked), [np.array([i]) for i in asked])
    for i, row in zip(asked, rows, strict=True):
        logs = row[0].astype(np.float64)
        probability[i] = np.exp(logs[tokens.ids[i]])
        entropy[i] = -(np.exp(logs) * logs).sum()
    return _Look(probability, entropy, attention, enc.embed(list(atlas)))


def _planes(vectors: list[NDArray[np.float32]]) -> NDArray[np.float64]:
    """Project every snapshot onto the two principal components of the last."""
    last = vectors[-1].astype(np.float64)
    centre = last.mean(axis=0)
    _, _, components = np.linalg.svd(last - centre, full_matrices=False)
    basis = components[:2]
    # A component's sign is arbitrary; the same data shall always give the same picture.
    largest = basis[np.arange(len(basis)), np.abs(basis).argmax(axis=1)]
    basis = basis * np.where(largest < 0, -1.0, 1.0)[:, None]
    return np.stack([(one.astype(np.float64) - centre) @ basis.T for one in vectors])


def _purity(
    vectors: NDArray[np.float32], labels: tuple[str, ...], n_neighbors: int
) -> tuple[float, float]:
    """Mean share of neighbours with the same label, and the same with labels shuffled."""
    named = np.flatnonzero([bool(label) for label in labels])
    classes, numbers = np.unique(np.array(labels)[named], return_inverse=True)
    if len(classes) < 2 or len(named) < 3:
        return float("nan"), float("nan")
    near = nearest(unit(vectors[named].astype(np.float64)), min(n_neighbors, len(named) - 1))
    rng = np.random.default_rng(0)
    null = [label_purity(near, rng.permutation(numbers)) for _ in range(_SHUFFLES)]
    return label_purity(near, numbers), float(np.mean(null))
