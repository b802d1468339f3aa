"""The heads of a network, placed by what their attention is measured to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence as Items
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...common.arrays import check_each
from ...common.costs import says_cost
from ...common.progress import Progress
from ...encoder import Bases, Encoder
from ...encoder.inputs import listed
from ...errors import InputError
from ...results.origins import recorded
from ...results.rich_display import RichDisplay, counted
from ..attend import Attention, attend
from .beside_twin import beside_twin

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PROPERTIES", "HeadAtlas", "head_atlas"]

Track = Items[tuple[int, int]]

#: Property -> its unit, and what it is.
PROPERTIES = {
    "entropy": ("bits", "mean entropy of a token's attention"),
    "distance": ("bp", "mean distance of what is attended to, [CLS] and [SEP] left out"),
    "special": ("share", "attention on [CLS] and [SEP]"),
    "offset_excess": ("share", "attention at the offset that stands out, beyond its neighbours"),
    "period3": ("share", "how far attention swings with period 3 along the distance in bases"),
    "track": ("ratio", "attention on the track, over that on the track turned round the sequence"),
}

#: Offsets in tokens, and in bases, that profiles reach.
_TOKENS, _BASES = 16, 60
_SMOOTH = 9  # bases of the moving mean that is taken off before the period is looked for


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class HeadAtlas(RichDisplay):
    """Measured properties of every head, each beside its null.

    The null permutes the keys of a sequence's tokens ([CLS] and [SEP] stay), so that distances,
    ALiBi and the cut into tokens are as they were and only what stands where is lost. For the
    track, the track is turned round the sequence instead.

    Attributes
    ----------
    values : dict of str to numpy.ndarray, shape (layers, heads), float64
        By the names in `PROPERTIES`; "track" only where tracks were given.
    offset : numpy.ndarray, shape (layers, heads), int64
        The offset in tokens (negative: before) at which attention stands out.
    null, spread : dict of str to numpy.ndarray, shape (layers, heads), float64
        Mean and standard deviation over the permutations.
    p : dict of str to numpy.ndarray, shape (layers, heads), float64
        Two-sided: share of permutations, and of the value itself, as far from their mean. Not
        corrected for the number of heads.
    slopes : numpy.ndarray, shape (heads,), float32
        Of ALiBi.
    twin : dict of str to numpy.ndarray, or None
        `values` of a network of the same shape that has learnt nothing.
    n : int
        Sequences.
    permutations : int
    model : str
    """

    values: dict[str, NDArray[np.float64]]
    offset: NDArray[np.int64]
    null: dict[str, NDArray[np.float64]]
    spread: dict[str, NDArray[np.float64]]
    p: dict[str, NDArray[np.float64]]
    slopes: NDArray[np.float32]
    twin: dict[str, NDArray[np.float64]] | None
    n: int
    permutations: int
    model: str

    def _line(self) -> str:
        distance = self.values["distance"]
        return (
            f"{distance.size} heads over {counted(self.n, 'sequence')}, mean distance "
            f"{distance.min():.0f} to "
            f"{distance.max():.0f} bp, entropy {self.values['entropy'].min():.1f} to "
            f"{self.values['entropy'].max():.1f} bits"
        )

    def table(self) -> pd.DataFrame:
        """Return a row a head: ``layer``, ``head`` (from 0), ``slope``, ``offset``, properties.

        Each property has three more columns: ``…_null``, ``…_p``, and, with a twin, ``…_twin``.
        """
        import pandas as pd

        layers, heads = np.indices(self.offset.shape).reshape(2, -1)
        data = {
            "layer": layers,
            "head": heads,
            "slope": self.slopes[heads],
            "offset": self.offset.ravel(),
        }
        for name, found in self.values.items():
            data[name] = found.ravel()
            data[f"{name}_null"] = self.null[name].ravel()
            data[f"{name}_p"] = self.p[name].ravel()
            if self.twin is not None:
                data[f"{name}_twin"] = self.twin[name].ravel()
        return pd.DataFrame(data)


@recorded
@says_cost
def head_atlas(
    enc: Encoder,
    sequences: Bases | Iterable[Bases],
    *,
    tracks: Iterable[Track] | None = None,
    permutations: int = 20,
    twin: bool = False,
    queries: int = 256,
    seed: int = 0,
    progress: Progress | None = None,
) -> HeadAtlas:
    """Measure what every head attends to, over some sequences.

    Parameters
    ----------
    enc : Encoder
    sequences : str, Sequence, or iterable of them
    tracks : iterable of sequences of (int, int), optional
        For each sequence, stretches of bases [start, end), such as exons or motif hits.
    permutations : int
        Of the keys; 0 for no null. No p is below 1 / (permutations + 1).
    twin : bool
        Also measure a network of the same shape that has learnt nothing, without permutations.
    queries : int
        At most so many tokens a sequence, evenly spaced, whose attention is measured.
    seed : int
        Of the permutations.
    progress : callable, optional
        Called as progress(sequences done, sequences in all); raise `Cancelled` from it to stop.

    Returns
    -------
    HeadAtlas

    Raises
    ------
    InputError
        If there is no track for every sequence, or a number is out of range.

    Examples
    --------
    >>> import dnabert2_explore as dx
    >>> found = dx.head_atlas(dx.load("pocket"), dx.demo.splice()[:2], permutations=3)
    >>> found.values["entropy"].shape
    (4, 6)
    """
    batch = listed(sequences)
    wanted = None if tracks is None else [list(track) for track in tracks]
    check_each("sequences", len(batch), tracks=wanted)
    if permutations < 0 or queries < 1:
        raise InputError(
            f"permutations is {permutations} and queries {queries}: give at least 0 and 1."
        )

    def measured(model: Encoder, count: Progress, untrained: HeadAtlas | None) -> HeadAtlas:
        times = permutations if model is enc else 0
        sums = _Sums(model, times, wanted is not None)
        rng = np.random.default_rng(seed)
        for number, one in enumerate(batch):
            track = None if wanted is None else wanted[number]
            sums.add(attend(model, one), track, queries, rng)
            count(number + 1, len(batch))
        every, offset = sums.properties()
        values = {name: found[..., 0] for name, found in every.items()}
        nulls = {name: found[..., 1:] for name, found in every.items()}
        return HeadAtlas(
            values=values,
            offset=offset,
            null={name: _mean(found) for name, found in nulls.items()},
            spread={
                name: found.std(axis=-1) if times else _mean(found) for name, found in nulls.items()
            },
            p={name: _p(values[name], found) for name, found in nulls.items()},
            slopes=sums.slopes,
            twin=None if untrained is None else untrained.values,
            n=len(batch),
            permutations=times,
            model=str(model.info),
        )

    return beside_twin(enc, twin, len(batch), progress, measured)


def _mean(nulls: NDArray[np.float64]) -> NDArray[np.float64]:
    return nulls.mean(axis=-1) if nulls.shape[-1] else np.full(nulls.shape[:-1], np.nan)


def _p(values: NDArray[np.float64], nulls: NDArray[np.float64]) -> NDArray[np.float64]:
    count = nulls.shape[-1]
    if not count:
        return np.full(values.shape, np.nan)
    centre = nulls.mean(axis=-1)
    far = np.abs(nulls - centre[..., None]) >= np.abs(values - centre)[..., None] - 1e-12
    return (1 + far.sum(axis=-1)) / (1 + count)


class _Sums:
    """Sums over sequences, for the attention itself (place 0) and each permutation."""

    def __init__(self, enc: Encoder, permutations: int, tracked: bool) -> None:
        shape = (enc.config.num_hidden_layers, enc.config.num_attention_heads, 1 + permutations)
        self.permutations = permutations
        self.tracked = tracked
        self.slopes = np.zeros(shape[1], dtype=np.float32)
        self.rows = 0
        self.entropy, self.distance, self.special, self.track, self.turned = (
            np.zeros(shape) for _ in range(5)
        )
        self.by_token = np.zeros((*shape, 2 * _TOKENS + 1))
        self.by_base = np.zeros((*shape, 2 * _BASES + 1))
        self.tokens = np.zeros(2 * _TOKENS + 1)
        self.bases = np.zeros(2 * _BASES + 1)

    def add(
        self,
        attention: Attention,
        track: Track | None,
        queries: int,
        rng: np.random.Generator,
    ) -> None:
        """Measure one sequence."""
        tokens = attention.tokens
        self.slopes = attention.slopes
        inner = np.flatnonzero(~tokens.special)
        chosen = inner[np.unique(np.linspace(0, len(inner) - 1, queries).astype(np.int64))]
        self.rows += len(chosen)
        places = np.arange(len(tokens))
        middle = tokens.spans.mean(axis=1)
        far = np.abs(middle[chosen][:, None] - middle[inner])
        # Offsets of the keys from each query, in tokens and in bases; what is further is left out.
        step = inner - chosen[:, None] + _TOKENS
        near = (step >= 0) & (step <= 2 * _TOKENS)
        base = tokens.spans[inner, 0] - tokens.spans[chosen, 0][:, None] + _BASES
        close = (base >= 0) & (base <= 2 * _BASES)
        np.add.at(self.tokens, step[near], 1)
        np.add.at(self.bases, base[close], 1)
        orders = [places]
        for _ in range(self.permutations):
            order = places.copy()
            order[inner] = rng.permutation(inner)
            orders.append(order)
        marked, turns = self._marked(attention, inner, track, rng)
        bias = np.abs(chosen[:, None] - places).astype(np.float32)
        for layer in range(attention.n_layers):
            for head in range(attention.n_heads):
                query, key = attention.queries[layer, head, chosen], attention.keys[layer, head]
                content = (query @ key.T) * np.float32(query.shape[-1] ** -0.5)
                for number, order in enumerate(orders):
                    scores = content[:, order] - attention.slopes[head] * bias
                    scores -= scores.max(axis=1, keepdims=True)
                    weights = np.exp(scores)
                    weights /= weights.sum(axis=1, keepdims=True)
                    at = layer, head, number
                    logs = np.log2(np.maximum(weights, 1e-30))
                    self.entropy[at] -= float((weights * logs).sum())
                    seen = weights[:, inner]
                    shares = seen.sum(axis=1)
                    self.special[at] += len(chosen) - float(shares.sum())
                    self.distance[at] += float(
                        ((seen * far).sum(axis=1) / np.maximum(shares, 1e-12)).sum()
                    )
                    self.by_token[at] += np.bincount(
                        step[near], weights=seen[near], minlength=2 * _TOKENS + 1
                    )
                    self.by_base[at] += np.bincount(
                        base[close], weights=seen[close], minlength=2 * _BASES + 1
                    )
                    if number == 0 and self.tracked:
                        received = seen.sum(axis=0)
                        self.track[layer, head] += float(received[marked].sum())
                        self.turned[layer, head] += [float(received[t].sum()) for t in turns]

    def _marked(
        self,
        attention: Attention,
        inner: NDArray[np.int64],
        track: Track | None,
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.bool_], list[NDArray[np.bool_]]]:
        """Tokens that overlap the track, and those under the track turned round the sequence."""
        spans = attention.tokens.spans[inner]
        marked = np.zeros(len(inner), dtype=bool)
        for start, end in track or ():
            marked |= (spans[:, 0] < end) & (spans[:, 1] > start)
        by = rng.integers(1, max(len(inner), 2), self.permutations) if self.tracked else ()
        return marked, [marked, *(np.roll(marked, int(shift)) for shift in by)]

    def properties(self) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.int64]]:
        """Return the properties, (layers, heads, 1 + permutations), and what offset stands out."""
        rows = max(self.rows, 1)
        profile = self.by_token / np.maximum(self.tokens, 1)
        # Beside a token's own place there is no neighbour to compare with on that side.
        excess = np.full(profile.shape, -np.inf)
        excess[..., 1:-1] = profile[..., 1:-1] - np.maximum(profile[..., :-2], profile[..., 2:])
        excess[..., _TOKENS] = -np.inf
        for at, side in ((_TOKENS - 1, -1), (_TOKENS + 1, 1)):
            excess[..., at] = profile[..., at] - profile[..., at + side]
        found = {
            "entropy": self.entropy / rows,
            "distance": self.distance / rows,
            "special": self.special / rows,
            "offset_excess": excess.max(axis=-1),
            "period3": _period3(self.by_base / np.maximum(self.bases, 1), self.bases > 0),
        }
        if self.tracked:
            # Over the mean of the turned tracks; each turned one over that mean is its null.
            mean = self.turned[..., 1:].mean(axis=-1, keepdims=True) if self.permutations else 1.0
            found["track"] = self.turned / np.maximum(mean, 1e-12)
        return found, excess[..., 0, :].argmax(axis=-1) - _TOKENS


def _period3(profile: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Amplitude of a period of three bases in a profile, over its mean; the mean of both sides."""
    window = np.ones(_SMOOTH) / _SMOOTH
    depths = []
    for side in (slice(0, _BASES), slice(_BASES + 1, None)):
        part = np.where(known[side], profile[..., side], 0.0)
        smooth = np.apply_along_axis(np.convolve, -1, part, window, mode="same")
        # Whole periods, away from where the moving mean reaches over the ends.
        inside = slice(_SMOOTH, _SMOOTH + 42)
        rest = (part - smooth)[..., inside]
        wave = np.exp(-2j * np.pi * np.arange(rest.shape[-1]) / 3)
        amplitude = 2 * np.abs(rest @ wave) / rest.shape[-1]
        depths.append(amplitude / np.maximum(part[..., inside].mean(axis=-1), 1e-30))
    return np.mean(depths, axis=0)
