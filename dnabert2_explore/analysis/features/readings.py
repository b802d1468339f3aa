"""Where features are active in sequences, and what else would explain them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...common.costs import says_cost
from ...common.progress import Progress, within
from ...encoder import Bases, Encoder
from ...encoder.loading.twin import random_twin
from ...errors import InputError
from ...results.origins import recorded
from ...results.rich_display import RichDisplay, counted
from ...sequences import Sequence
from ...sequences.annotation.tracks import write_track
from ...sequences.given import as_sequences
from ...tokens import Tokens
from .autoencoder import Features
from .states import states_of

if TYPE_CHECKING:
    import pandas as pd

    from ..motifs import Hits
    from .enriched import FeatureEnrichment, Stretches

__all__ = ["EDGE", "FeatureReadings", "read_features"]

#: Bases from the start of a sequence that count as its edge.
EDGE = 15


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FeatureReadings(RichDisplay):
    """Activations of features at the tokens of sequences.

    Attributes
    ----------
    sequences : tuple of Sequence
    tokens : tuple of Tokens
        Of each sequence.
    values : scipy.sparse.csr_array, shape (tokens, features), float32
        Activations at the tokens of all sequences, one after the other, without special ones.
    owner : numpy.ndarray, shape (tokens,), int64
        Sequence of each.
    spans : numpy.ndarray, shape (tokens, 2), int64
        Its bases [start, end).
    ids : numpy.ndarray, shape (tokens,), int64
        Its entry of the vocabulary.
    features : Features
    model : str
    twin : FeatureReadings or None
        The twin's features, on the twin's states of the same sequences.
    """

    sequences: tuple[Sequence, ...]
    tokens: tuple[Tokens, ...]
    values: Any
    owner: NDArray[np.int64]
    spans: NDArray[np.int64]
    ids: NDArray[np.int64]
    features: Features
    model: str
    twin: FeatureReadings | None

    def _line(self) -> str:
        alive = np.asarray((self.values > 0).sum(axis=0)).ravel() > 0
        told = (
            f"{int(alive.sum()):,} of {counted(len(self.features), 'feature')} active at "
            f"{counted(len(self.owner), 'token')} of "
            f"{counted(len(self.sequences), 'sequence')}, layer "
            f"{self.features.layer}"
        )
        data = self.table()
        if len(data):
            told += f"; {(data['token_share'] > 0.5).mean():.0%} mostly a single token"
            if self.twin is not None:
                told += f", {(data['twin'] > 0.7).mean():.0%} in an untrained network too"
        return told

    def table(self) -> pd.DataFrame:
        """List the features that are active anywhere, the most common first.

        Returns
        -------
        pandas.DataFrame
            ``feature``; ``frequency``, the share of tokens at which it is active; ``mean`` where it
            is; ``token``, the commonest by activation, and ``token_share``, what this entry of the
            vocabulary makes up of all activation (1: the feature is a token); ``edge``, mean
            activation at tokens that begin in the first 15 bp of a sequence over that at the others
            (1: none; NaN where all tokens are one or the other); ``twin``, the largest correlation
            over tokens with a feature of the untrained network (1: nothing had to be learnt).
        """
        import pandas as pd

        count, total, table = self._sums()
        alive = np.flatnonzero(count)
        order = alive[np.argsort(-count[alive], kind="stable")]
        best = np.asarray(table.argmax(axis=1)).ravel()[order]
        vocabulary = np.unique(self.ids)
        spelt = self._spelt()
        share = np.asarray(table.max(axis=1).todense()).ravel()[order] / total[order]
        data = {
            "feature": order,
            "frequency": count[order] / max(len(self.owner), 1),
            "mean": total[order] / count[order],
            "token": [spelt[int(vocabulary[i])] for i in best],
            "token_share": share,
            "edge": self._edge()[order],
        }
        if self.twin is not None:
            data["twin"] = self.correlations()[order].max(axis=1)
        return pd.DataFrame(data)

    def _sums(self) -> tuple[NDArray[np.int64], NDArray[np.float64], Any]:
        """Tokens and activation of each feature; its activation by entry of the vocabulary."""
        from scipy.sparse import csr_array

        values = self.values.astype(np.float64)
        count = np.asarray((values > 0).sum(axis=0)).ravel().astype(np.int64)
        _, entry = np.unique(self.ids, return_inverse=True)
        hot = csr_array((np.ones(len(entry)), (np.arange(len(entry)), entry)))
        return count, np.asarray(values.sum(axis=0)).ravel(), (values.T @ hot).tocsr()

    def _spelt(self) -> dict[int, str]:
        found: dict[int, str] = {}
        for one in self.tokens:
            for entry, text in zip(one.ids.tolist(), one.tokens, strict=True):
                found.setdefault(entry, text)
        return found

    def _edge(self) -> NDArray[np.float64]:
        near = self.spans[:, 0] < EDGE
        if near.all() or not near.any():
            return np.full(len(self.features), np.nan)
        inside = np.asarray(self.values[near].mean(axis=0)).ravel()
        outside = np.asarray(self.values[~near].mean(axis=0)).ravel()
        with np.errstate(divide="ignore", invalid="ignore"):
            return inside / outside

    def correlations(self) -> NDArray[np.float64]:
        """Correlate every feature with every one of the untrained network, over tokens.

        Returns
        -------
        numpy.ndarray, shape (features, features of the twin), float64
            Pearson's; 0 where one of them is never active.

        Raises
        ------
        InputError
            If there is no twin.
        """
        ours, theirs = (one.values.astype(np.float64) for one in (self, self._twin()))
        n = len(self.owner)
        means = [np.asarray(one.mean(axis=0)).ravel() for one in (ours, theirs)]
        spreads = [
            np.sqrt(np.maximum(np.asarray((one * one).mean(axis=0)).ravel() - mean**2, 0))
            for one, mean in zip((ours, theirs), means, strict=True)
        ]
        shared = (ours.T @ theirs).toarray() / n - np.outer(*means)
        below = np.outer(*spreads)
        return np.divide(shared, below, out=np.zeros_like(shared), where=below > 1e-12)

    @recorded(of_results=True)
    def turned(self) -> FeatureReadings:
        """Return the untrained network's readings, with these beside them as their `twin`.

        Raises
        ------
        InputError
            If there is no twin.
        """
        return replace(self._twin(), twin=replace(self, twin=None))

    def _twin(self) -> FeatureReadings:
        if self.twin is None:
            raise InputError(
                "These features have no untrained twin to compare with: train them with twin=True."
            )
        return self.twin

    def track(self, feature: int, sequence: int = 0) -> NDArray[np.float32]:
        """Activation of one feature at every base of one sequence, that of the base's token.

        Parameters
        ----------
        feature, sequence : int
            Counted from 0.

        Returns
        -------
        numpy.ndarray, shape (n_bases,), float32

        Raises
        ------
        InputError
            If there is no such feature or sequence.
        """
        self._check(feature, sequence)
        values = np.zeros(len(self.sequences[sequence].bases), dtype=np.float32)
        mine = np.flatnonzero(self.owner == sequence)
        column = self._column(feature)[mine]
        for (start, end), value in zip(self.spans[mine], column, strict=True):
            values[start:end] = value
        return values

    def write(self, path: str | PathLike[str], feature: int) -> None:
        """Write one feature's activations as a track for genome browsers.

        Parameters
        ----------
        path : str or path-like
            ``.bw``, ``.bigwig`` (needs the extra ``[bigwig]``) or ``.bedgraph``.
        feature : int

        Raises
        ------
        InputError
            If there is no such feature, sequences overlap, the name ends in anything else, or
            pybigtools is missing.
        """
        tracks = [self.track(feature, number) for number in range(len(self.sequences))]
        write_track(Path(path), self.sequences, tracks, name=f"feature {feature}")

    @recorded
    def top(self, feature: int, *, n: int = 10, flank: int = 20) -> pd.DataFrame:
        """List the places where a feature is most active.

        Parameters
        ----------
        feature : int
        n : int
            Places at most, one a sequence and stretch: neighbours within `flank` are left out.
        flank : int
            Bases shown on either side of the token.

        Returns
        -------
        pandas.DataFrame
            ``sequence`` (its name), ``number`` (its place, from 0), ``start`` and ``end`` (0-based,
            half-open), ``token``, ``activation``, ``bases``: the token in capitals between
            its neighbours.

        Raises
        ------
        InputError
            If there is no such feature.
        """
        import pandas as pd

        self._check(feature)
        column = self._column(feature)
        rows: list[tuple[Any, ...]] = []
        taken: dict[int, list[int]] = {}
        for place in np.argsort(-column, kind="stable"):
            if len(rows) == n or column[place] <= 0:
                break
            number = int(self.owner[place])
            start, end = map(int, self.spans[place])
            if any(abs(start - other) <= flank for other in taken.get(number, ())):
                continue
            taken.setdefault(number, []).append(start)
            bases = self.sequences[number].bases
            around = (
                bases[max(0, start - flank) : start].lower()
                + bases[start:end].upper()
                + bases[end : end + flank].lower()
            )
            name = self.sequences[number].name
            rows.append((name, number, start, end, bases[start:end], float(column[place]), around))
        columns = ["sequence", "number", "start", "end", "token", "activation", "bases"]
        return pd.DataFrame(rows, columns=columns)

    def by_sequence(self, how: Literal["max", "mean"] = "max") -> NDArray[np.float32]:
        """Sum features up over the tokens of each sequence, as colours of an atlas.

        Parameters
        ----------
        how : {"max", "mean"}

        Returns
        -------
        numpy.ndarray, shape (sequences, features), float32
            A column goes to ``dx.plot(plane, values=...)``.

        Raises
        ------
        InputError
            If `how` is neither.
        """
        if how not in ("max", "mean"):
            raise InputError(f"how is {how!r}; expected 'max' or 'mean'.")
        found = np.zeros((len(self.sequences), len(self.features)), dtype=np.float32)
        bounds = np.searchsorted(self.owner, np.arange(len(self.sequences) + 1))
        for number, (first, last) in enumerate(pairwise(bounds)):
            if last > first:
                part = self.values[first:last]
                made = part.max(axis=0).toarray() if how == "max" else part.mean(axis=0)
                found[number] = np.asarray(made).ravel()
        return found

    @recorded
    @says_cost
    def enrichment(
        self,
        where: Stretches | Mapping[str, Stretches] | Hits,
        *,
        turns: int = 200,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> FeatureEnrichment:
        """Ask which features are active in given stretches more than elsewhere.

        Parameters
        ----------
        where : sequence of iterables of (int, int), mapping of names to such, or Hits
            Stretches [start, end) of each sequence, several kinds of them by name, or hits of
            motifs (`scan_motifs`) in the same sequences: then every motif is asked about.
        turns : int
            Times that the stretches are turned round each sequence for the null, at least 20.
        seed : int
        progress : callable, optional
            Called as progress(rounds done, rounds in all); raise `Cancelled` from it to stop.

        Returns
        -------
        FeatureEnrichment
            With p and q; beside it what the untrained network's features reach.

        Raises
        ------
        InputError
            If there are fewer than 20 turns, there is not one set of stretches a sequence, hits are
            of other sequences, or no token lies in any.
        """
        from .enriched import enrich

        return enrich(self, where, turns, seed, progress)

    def _column(self, feature: int) -> NDArray[np.float32]:
        column: NDArray[np.float32] = self.values[:, [feature]].toarray().ravel()
        return column

    def _check(self, feature: int, sequence: int = 0) -> None:
        for what, index, count in (
            ("feature", feature, len(self.features)),
            ("sequence", sequence, len(self.sequences)),
        ):
            if not 0 <= index < count:
                raise InputError(f"There is no {what} {index}: expected 0 to {count - 1}.")


def read_features(
    features: Features,
    enc: Encoder,
    sequences: Bases | Iterable[Bases],
    progress: Progress | None,
) -> FeatureReadings:
    """Read features and those of the twin; see `Features.read`."""
    batch = as_sequences(sequences)
    total = len(batch) * (2 if features.twin is not None else 1)

    def of(mine: Features, model: Encoder, before: int) -> FeatureReadings:
        from scipy.sparse import csr_array, vstack

        report = within(progress, before, len(batch), total)
        tokens, spans, ids, parts, owner = [], [], [], [], []
        for number, (cut, inner, states) in enumerate(states_of(model, batch, mine.layer, report)):
            tokens.append(cut)
            spans.append(cut.spans[inner])
            ids.append(cut.ids[inner])
            parts.append(csr_array(mine.activations(states)))
            owner.append(np.full(len(inner), number))
        return FeatureReadings(
            sequences=tuple(batch),
            tokens=tuple(tokens),
            values=vstack(parts, format="csr"),
            owner=np.concatenate(owner).astype(np.int64),
            spans=np.concatenate(spans),
            ids=np.concatenate(ids),
            features=mine,
            model=str(model.info),
            twin=None,
        )

    own = of(features, enc, 0)
    if features.twin is None:
        return own
    return replace(
        own, twin=of(features.twin, random_twin(enc, seed=features.twin.seed), len(batch))
    )
