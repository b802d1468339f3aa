"""Which layer to embed from: probes and neighbours at every depth, beside what knows nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence as Items
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...common.arrays import check_each
from ...common.costs import expect_cost, pass_seconds, says_cost
from ...common.names import Pooling
from ...common.progress import Progress, quiet
from ...encoder import POOLINGS, Bases, Encoder
from ...encoder.inputs import bases_of, listed
from ...encoder.loading.twin import random_twin
from ...errors import InputError, silenced
from ...results.origins import recorded
from ...results.rich_display import RichDisplay, counted
from ...sequences import Sequence, clean
from ...sequences.kmers import kmer_frequencies
from ..maps.neighbours import nearest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LayerScores", "layers", "layers_cost"]


_FOLDS = 5
_NEIGHBOURS = 10
_K = 4
#: Columns of the table with a value for each layer and pooling.
_TABLED = (
    "probe", "spread", "purity", "twin_probe", "twin_purity", "shuffled_probe", "shuffled_purity",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LayerScores(RichDisplay):
    """How well classes are told apart from the vectors of every layer.

    Two numbers: `probe`, the balanced accuracy of a cross-validated logistic regression, and
    `purity`, the share of a sequence's 10 nearest neighbours (by cosine, standardised) that are of
    its class, the mean over classes. Without `groups`, near copies count as knowledge.

    Attributes
    ----------
    poolings : tuple of str
    classes : tuple of str
    probe, purity : numpy.ndarray, shape (layers + 1, poolings), float64
        Row 0 is the embeddings.
    spread : numpy.ndarray, shape (layers + 1, poolings), float64
        Standard deviation of `probe` over the folds.
    twin_probe, twin_purity : numpy.ndarray, shape (layers + 1, poolings), float64
        Of a network of the same shape that has learnt nothing.
    shuffled_probe, shuffled_purity : numpy.ndarray, shape (layers + 1, poolings), float64
        Of the trained network, with the labels shuffled, anew for each: the largest of them is
        what the best of as many tries reaches by chance.
    kmer_probe, kmer_purity : float
        Of the frequencies of 4-mers.
    chance : float
        1 / classes.
    n : int
        Sequences.
    grouped : bool
        Whether folds and neighbours kept groups apart.
    model : str
    """

    poolings: tuple[str, ...]
    classes: tuple[str, ...]
    probe: NDArray[np.float64]
    purity: NDArray[np.float64]
    spread: NDArray[np.float64]
    twin_probe: NDArray[np.float64]
    twin_purity: NDArray[np.float64]
    shuffled_probe: NDArray[np.float64]
    shuffled_purity: NDArray[np.float64]
    kmer_probe: float
    kmer_purity: float
    chance: float
    n: int
    grouped: bool
    model: str

    @property
    def best(self) -> tuple[int, str]:
        """Layer and pooling of the best probe. Of many tried, the best looks a little too good."""
        return self._best(self.probe)

    @property
    def twin_best(self) -> tuple[int, str]:
        """Layer and pooling of the untrained network's best probe."""
        return self._best(self.twin_probe)

    def _best(self, scores: NDArray[np.float64]) -> tuple[int, str]:
        layer, pooling = np.unravel_index(int(scores.argmax()), scores.shape)
        return int(layer), self.poolings[pooling]

    def _line(self) -> str:
        layer, pooling = self.best
        at = layer, self.poolings.index(pooling)
        return (
            f"{self.n} sequences, {len(self.classes)} classes: layer {layer}, "
            f"{pooling} pooling is best, {self.probe[at]:.3f} ± {self.spread[at]:.3f} (4-mers "
            f"{self.kmer_probe:.3f}, untrained {self.twin_probe[at]:.3f}, shuffled labels up to "
            f"{self.shuffled_probe.max():.3f}); {self.model}"
        )

    def table(self) -> pd.DataFrame:
        """Return a row a layer and pooling, best first, with every null beside it.

        Returns
        -------
        pandas.DataFrame
            ``layer`` (0 the embeddings), ``pooling``, ``probe`` and its ``spread``, ``purity``, and
            both as ``twin_…``, ``shuffled_…`` and ``kmer_…``.
        """
        import pandas as pd

        rows, columns = np.indices(self.probe.shape).reshape(2, -1)
        data = pd.DataFrame(
            {"layer": rows, "pooling": [self.poolings[column] for column in columns]}
        )
        for name in _TABLED:
            data[name] = np.ravel(getattr(self, name))
        data["kmer_probe"], data["kmer_purity"] = self.kmer_probe, self.kmer_purity
        return data.sort_values("probe", ascending=False, ignore_index=True)


@recorded
@says_cost
def layers(
    enc: Encoder,
    sequences: Iterable[Bases],
    labels: Iterable[Any] | None = None,
    *,
    groups: Iterable[Any] | None = None,
    poolings: Items[Pooling] = POOLINGS,
    batch_tokens: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> LayerScores:
    """Find the layer and pooling whose vectors tell classes apart best.

    Parameters
    ----------
    enc : Encoder
    sequences : iterable of str or Sequence
    labels : iterable, optional
        A class for each; by default what the sequences carry (``Sequence.label``).
    groups : iterable, optional
        What belongs together (a genome, a gene family), one for each sequence: never in training
        and test of a fold at once, and no neighbours of each other.
    poolings : sequence of str
    batch_tokens : int, optional
        As in `Encoder.embed`.
    seed : int
        Of the folds and of the shuffled labels.
    progress : callable, optional
        Called as progress(steps done, steps in all); raise `Cancelled` from it to stop.

    Returns
    -------
    LayerScores

    Raises
    ------
    InputError
        If there is no label or group for every sequence, fewer than two classes, a class with fewer
        than five sequences or in one fold alone, fewer groups than folds, or no such pooling.

    Examples
    --------
    >>> import dnabert2_explore as dx
    >>> found = dx.layers(dx.load("pocket-splice"), dx.demo.splice()[::3], poolings=["mean"])
    >>> found.probe.shape, found.poolings
    ((3, 1), ('mean',))
    """
    batch = listed(sequences)
    names = _labels(batch, labels)
    classes = tuple(sorted(set(names)))
    y = np.array([classes.index(name) for name in names])
    together = _groups(batch, groups)
    if not poolings:
        raise InputError(f"No pooling is named: choose among {', '.join(POOLINGS)}.")
    every = range(enc.config.num_hidden_layers + 1)
    for pooling in poolings:
        enc.find_layers(every, pooling=pooling)
    folds = _folds(y, classes, together, seed)
    expect_cost(progress, layers_cost(enc, batch, poolings))
    rng = np.random.default_rng(seed)
    shape = (len(every), len(poolings))
    steps = 2 * len(poolings) * len(every) + 1
    report, ticks = progress or quiet, count(1)
    probe, spread, purity, blind, blind_purity, twin_probe, twin_purity = (
        np.zeros(shape) for _ in range(7)
    )
    twin = random_twin(enc)
    for column, pooling in enumerate(poolings):
        vectors = enc.embed(batch, pooling=pooling, layer=every, batch_tokens=batch_tokens)
        untrained = twin.embed(batch, pooling=pooling, layer=every, batch_tokens=batch_tokens)
        for row in every:
            x = vectors[:, row]
            scores = _probe(x, y, folds)
            probe[row, column], spread[row, column] = scores.mean(), scores.std()
            purity[row, column] = _purity(x, y, together)
            shuffled = rng.permutation(y)
            blind[row, column] = _probe(x, shuffled, folds).mean()
            blind_purity[row, column] = _purity(x, shuffled, together)
            report(next(ticks), steps)
            twin_probe[row, column] = _probe(untrained[:, row], y, folds).mean()
            twin_purity[row, column] = _purity(untrained[:, row], y, together)
            report(next(ticks), steps)
    counts = _kmers(batch)
    kmer_probe, kmer_purity = _probe(counts, y, folds).mean(), _purity(counts, y, together)
    report(steps, steps)
    return LayerScores(
        poolings=tuple(poolings),
        classes=tuple(str(name) for name in classes),
        probe=probe,
        purity=purity,
        spread=spread,
        twin_probe=twin_probe,
        twin_purity=twin_purity,
        shuffled_probe=blind,
        shuffled_purity=blind_purity,
        kmer_probe=float(kmer_probe),
        kmer_purity=float(kmer_purity),
        chance=1 / len(classes),
        n=len(batch),
        grouped=together is not None,
        model=str(enc.info),
    )


def layers_cost(enc: Encoder, sequences: Iterable[Bases], poolings: Items[str] = POOLINGS) -> float:
    """Estimate what `layers` takes: passes by their multiplications, probes by their number.

    Seconds of one processor core of a laptop, within a factor of two or so.
    """
    batch = listed(sequences)
    parameters = sum(one.numel() for one in enc.body.encoder.parameters())
    passes = 2 * pass_seconds(parameters, sum(map(len, map(bases_of, batch))))
    width = enc.config.hidden_size / 192
    probes = 3 * (enc.config.num_hidden_layers + 1) * (0.1 + 4e-4 * len(batch)) * width
    return len(poolings) * (passes + probes)


def _labels(batch: list[Bases], labels: Iterable[Any] | None) -> list[str]:
    if labels is None:
        found = [one.label if isinstance(one, Sequence) else None for one in batch]
    else:
        found = list(labels)
        check_each("sequences", len(batch), labels=found)
    for number, label in enumerate(found, start=1):
        if label is None or label != label or str(label) == "":
            raise InputError(f"Sequence {number} of {len(batch)} has no label: give labels=.")
    names = [str(label) for label in found]
    sizes = {name: names.count(name) for name in set(names)}
    if len(sizes) < 2:
        raise InputError("All sequences have the same label: give at least two classes.")
    rare = min(sizes, key=lambda name: (sizes[name], name))
    if sizes[rare] < _FOLDS:
        raise InputError(
            f"Class {rare!r} has {counted(sizes[rare], 'sequence')}; expected at least {_FOLDS}, "
            "one a fold: add some, or leave the class out."
        )
    return names


def _groups(batch: list[Bases], groups: Iterable[Any] | None) -> NDArray[np.int64] | None:
    if groups is None:
        return None
    names = [str(group) for group in groups]
    check_each("sequences", len(batch), groups=names)
    codes: NDArray[np.int64] = np.unique(names, return_inverse=True)[1]
    if codes.max() + 1 < _FOLDS:
        raise InputError(
            f"There are {codes.max() + 1} groups; expected at least {_FOLDS}, one a fold: give "
            "finer groups."
        )
    return codes


def _folds(
    y: NDArray[np.int64],
    classes: tuple[str, ...],
    together: NDArray[np.int64] | None,
    seed: int,
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    cut = StratifiedKFold if together is None else StratifiedGroupKFold
    made = list(cut(_FOLDS, shuffle=True, random_state=seed).split(y, y, together))
    for train, _ in made:
        missing = set(range(len(classes))) - set(y[train].tolist())
        if missing:
            name = classes[min(missing)]
            raise InputError(
                f"All sequences of class {name!r} are in one fold, as their groups are: give finer "
                "groups, or leave the class out."
            )
    return made


def _probe(
    x: NDArray[np.float32],
    y: NDArray[np.int64],
    folds: list[tuple[NDArray[np.int64], NDArray[np.int64]]],
) -> NDArray[np.float64]:
    """Balanced accuracy of each fold."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import recall_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    scores = []
    for train, test in folds:
        model = make_pipeline(
            StandardScaler(), LogisticRegression(C=0.1, class_weight="balanced", max_iter=200)
        )
        with silenced(ConvergenceWarning):
            model.fit(x[train], y[train])
        # Over the classes that the fold holds: with groups, one may have all of a class elsewhere.
        present = np.unique(y[test])
        predicted = model.predict(x[test])
        scores.append(recall_score(y[test], predicted, labels=present, average="macro"))
    return np.array(scores)


def _purity(
    x: NDArray[np.float32], y: NDArray[np.int64], together: NDArray[np.int64] | None
) -> float:
    """Share of the nearest neighbours that are of the same class, the mean over classes."""
    from sklearn.preprocessing import StandardScaler, normalize

    unit = normalize(StandardScaler().fit_transform(x.astype(np.float64)))
    at = nearest(unit, min(_NEIGHBOURS, len(x) - 1), together)
    usable = at >= 0
    shares = ((y[at] == y[:, None]) & usable).sum(axis=1) / np.maximum(usable.sum(axis=1), 1)
    return float(np.mean([shares[y == code].mean() for code in np.unique(y)]))


def _kmers(batch: list[Bases]) -> NDArray[np.float32]:
    """Frequencies of overlapping 4-mers, shape (n, 256)."""
    return kmer_frequencies([clean(bases_of(one)).bases for one in batch], _K)
