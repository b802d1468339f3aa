"""Whether a track is higher in annotated stretches than the same stretches put elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError
from ...results.origins import recorded
from ...results.rich_display import RichDisplay
from ...sequences.annotation.annotations import Feature

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TrackEnrichment", "enrich_track"]

#: Fewer bases can be turned round too few times to tell a p-value.
_FEWEST = 40


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TrackEnrichment(RichDisplay):
    """Values of a track in annotated stretches, by kind.

    Attributes
    ----------
    kinds : tuple of str
    bases : numpy.ndarray, shape (kinds,), int64
        That lie in a stretch of the kind and have a value.
    inside, outside : numpy.ndarray, shape (kinds,), float64
        Mean values there, and at all other bases.
    p_value : numpy.ndarray, shape (kinds,), float64
        Share of all rotations of the stretches round the sequence whose difference is at least as
        far from that of the mean rotation; no less than 1 over the number of bases.
    q_value : numpy.ndarray, shape (kinds,), float64
        By Benjamini and Hochberg over kinds.
    """

    kinds: tuple[str, ...]
    bases: NDArray[np.int64]
    inside: NDArray[np.float64]
    outside: NDArray[np.float64]
    p_value: NDArray[np.float64]
    q_value: NDArray[np.float64]

    def _line(self) -> str:
        return ", ".join(
            f"{kind} {a:.3g} (elsewhere {b:.3g}; p {p:.2g}, q {q:.2g})"
            for kind, a, b, p, q in zip(
                self.kinds, self.inside, self.outside, self.p_value, self.q_value, strict=True
            )
        )

    def table(self) -> pd.DataFrame:
        """Return a row a kind.

        Returns
        -------
        pandas.DataFrame
            ``kind``, ``bases``, ``inside``, ``outside``, ``difference``, ``p``, ``q``.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "kind": self.kinds,
                "bases": self.bases,
                "inside": self.inside,
                "outside": self.outside,
                "difference": self.inside - self.outside,
                "p": self.p_value,
                "q": self.q_value,
            }
        )


@recorded
def enrich_track(values: ArrayLike, features: Iterable[Feature]) -> TrackEnrichment:
    """Compare a track in annotated stretches with the same stretches at every other place.

    Neighbouring bases have alike values, and stretches are long: to shuffle bases would find
    everything significant. All rotations of the stretches round the sequence keep how many, how
    long and how close they are, and the track as it is; there is no chance in it.

    Parameters
    ----------
    values : array_like, shape (n_bases,)
        One number a base, NaN for none: attributions (``base_scores``), entropy of the nucleotide
        lens, attention that a base gets, the activation of a feature.
    features : iterable of Feature
        Such as ``dx.read_annotation(path).of(sequence)`` gives; stretches of one kind are taken
        together.

    Returns
    -------
    TrackEnrichment

    Raises
    ------
    InputError
        If there are fewer than 40 values, no stretch, or one that is not in the track.

    Examples
    --------
    >>> values = np.zeros(100)
    >>> values[30:40] = 1
    >>> found = enrich_track(values, [Feature(30, 40, "+", "exon", "one")])
    >>> found.table().round(2).values.tolist()
    [['exon', 10, 1.0, 0.0, 1.0, 0.01, 0.01]]
    """
    track = np.asarray(values, dtype=np.float64)
    given = list(features)
    if track.ndim != 1 or np.isfinite(track).sum() < _FEWEST:
        raise InputError(
            f"A track of shape {track.shape} with {int(np.isfinite(track).sum())} values is no "
            f"track of a sequence: give one number a base, {_FEWEST} at the least."
        )
    if not given:
        raise InputError("There are no stretches: give the features of this sequence.")
    n = len(track)
    beyond = next((one for one in given if not 0 <= one.start < one.end <= n), None)
    if beyond is not None:
        raise InputError(
            f"{beyond.kind} {beyond.name!r} at [{beyond.start}, {beyond.end}) is not in a track of "
            f"{n:,} bases: give the features of this sequence."
        )
    kinds = tuple(dict.fromkeys(one.kind for one in given))
    known = np.isfinite(track)
    filled = np.where(known, track, 0.0)
    rows = []
    for kind in kinds:
        mask = np.zeros(n)
        for one in given:
            if one.kind == kind:
                mask[one.start : one.end] = 1
        # Every rotation at once: sums over the stretches are a circular correlation.
        sums, counts = _turned(mask, filled), _turned(mask, known.astype(float)).round()
        with np.errstate(invalid="ignore", divide="ignore"):
            inside = sums / counts
            outside = (filled.sum() - sums) / (known.sum() - counts)
        apart = inside - outside
        usable = np.isfinite(apart)
        p_value = np.nan
        if usable[0]:  # neither all of it, nor nothing that has a value
            far = np.abs(apart - apart[usable].mean())
            # Sums by Fourier transform differ in their last digits.
            p_value = (far[usable] >= far[0] - 1e-9 * far[usable].max()).mean()
        rows.append((int(counts[0]), inside[0], outside[0], p_value))
    bases, inside, outside, p_values = (np.array(column) for column in zip(*rows, strict=True))
    return TrackEnrichment(
        kinds, bases.astype(np.int64), inside, outside, p_values, _adjusted(p_values)
    )


def _turned(mask: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of values under the mask, moved by 0, 1, 2 … bases round the sequence."""
    spectrum = np.conj(np.fft.rfft(mask)) * np.fft.rfft(values)
    return np.asarray(np.fft.irfft(spectrum, len(values)))


def _adjusted(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.stats import false_discovery_control

    out = np.full(len(p_values), np.nan)
    known = np.isfinite(p_values)
    if known.any():
        out[known] = false_discovery_control(p_values[known])
    return out
