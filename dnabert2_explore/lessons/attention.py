"""Lesson 02: attention and ALiBi."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..analysis.attend import Attention
from .answers import array, items, number, require, whole

__all__ = ["CHECKS"]


def _nearsighted(answer: object, *, attention: Attention) -> str:
    given, heads = whole(answer), attention.n_heads
    require(0 <= given < heads, f"There is no head {given}: heads are 0 to {heads - 1}.")
    slopes = attention.slopes
    require(
        given != int(slopes.argmin()),
        f"Head {given} has the smallest slope: its scores fall least, so it looks farthest.",
    )
    require(given == int(slopes.argmax()), f"Another slope is steeper than head {given}'s.")
    return f"Head {given} loses {slopes[given]:g} for every token of distance: it looks nearby."


def _factor(answer: object, *, slope: float, distance: int) -> str:
    given = number(answer)
    require(
        not math.isclose(abs(given), slope * distance, rel_tol=0.01),
        "That is what the score loses; the weight is the exponential of the score.",
    )
    require(
        not math.isclose(given, math.exp(slope * distance), rel_tol=0.01),
        "The far token weighs less, not more: mind the sign.",
    )
    require(
        math.isclose(given, math.exp(-slope * distance), rel_tol=0.01),
        f"{given:g} is not the factor: lose {slope:g} for each of {distance} tokens, then take the "
        "exponential.",
    )
    return f"Before anything is learnt, a token {distance} further on weighs {given:.3f} times."


def _alone(answer: object, *, attention: Attention, head: int) -> str:
    n = len(attention.tokens)
    given = array(answer, (n, n))
    require(
        np.allclose(given.sum(axis=1), 1, atol=1e-3),
        "The rows do not sum to 1: divide each by its sum (keepdims=True keeps rows rows).",
    )
    require(
        np.allclose(given, _alibi(attention, head), atol=1e-3),
        f"The rows sum to 1, but these are not the weights of slope {attention.slopes[head]:g}: "
        "check slope, sign and distances.",
    )
    return "This is what the head does with no DNA in it at all."


def _alibi(attention: Attention, head: int) -> NDArray[np.float64]:
    """Weights of a head whose queries and keys say nothing."""
    place = np.arange(len(attention.tokens))
    weights = np.exp(-float(attention.slopes[head]) * np.abs(place[:, None] - place))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _learnt(answer: object, *, attention: Attention) -> str:
    one, other = items(answer, 2)
    layer, head = whole(one), whole(other)
    require(
        0 <= layer < attention.n_layers and 0 <= head < attention.n_heads,
        f"There is no head {head} in a layer {layer}: there are {attention.n_layers} layers of "
        f"{attention.n_heads} heads, counted from 0.",
    )
    alike = np.array(
        [
            [
                np.corrcoef(_alibi(attention, h).ravel(), attention.head(lay, h).ravel())[0, 1]
                for h in range(attention.n_heads)
            ]
            for lay in range(attention.n_layers)
        ]
    )
    mine = float(alike[layer, head])
    require(
        mine < alike.max(),
        "That head is the one most like ALiBi alone: the least alike is asked for.",
    )
    require(
        mine <= alike.min() + 0.005,
        f"Layer {layer}, head {head} correlates by {mine:.2f} with ALiBi alone, and another head "
        "by less.",
    )
    return (
        f"Correlation {mine:.2f}: where this head looks, distance does not say. What it looks for "
        "is another question."
    )


CHECKS = {"nearsighted": _nearsighted, "factor": _factor, "alone": _alone, "learnt": _learnt}
