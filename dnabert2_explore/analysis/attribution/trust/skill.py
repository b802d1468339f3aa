"""Whether the model that is explained has been shown to know anything of its task."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ....encoder import Encoder
from ....errors import InputError
from ....results.sealed import read_json
from .checks import Check

__all__ = ["SCORES", "check_skill"]

#: File beside the weights that says what a model reaches on sequences it was not trained on.
SCORES = "scores.json"

_WORDS = {
    "majority": "the most frequent class",
    "position_weights": "a position weight matrix",
    "kmer": "4-mers",
    "markov": "Markov chains",
    "twins": "the labels of composition twins",
    "positional": "the labels of positional twins",
    "untrained": "the same network trained from random weights",
}
#: One of these has to be stated: to beat the most frequent class says little.
_TELLING = ("kmer", "untrained")
_NETWORKS = ("cnn",)  # to know less than one of these is no sign of knowing nothing


def check_skill(enc: Encoder, masked: bool, scores: Mapping[str, Any] | None = None) -> Check:
    """Hold the model's own test score against those of 4-mers and an untrained network.

    Of `masked` bases nothing is stated in this form. `scores` are as ``scores.json`` beside the
    weights has them, and by default that file: ``test`` with ``mcc``, ``baselines`` with a name for
    each and its ``mcc``, and ``rule``, where fine-tuning wrote it, with the paired interval of the
    difference. Where nothing is stated, the check is neither passed nor failed.
    """
    if masked:
        return _unknown("what it reaches on masked bases is held against nothing here")
    if scores is None:
        scores, reason = _stated(enc)
        if scores is None:
            return _unknown(reason)
    own = _mcc(scores.get("test"))
    if own is None:
        return _unknown("no Matthews correlation on test sequences is stated")
    found = scores.get("baselines")
    each = {
        name: value
        for name, one in (found.items() if isinstance(found, Mapping) else ())
        if name not in _NETWORKS and (value := _mcc(one)) is not None
    }
    best = max(each, key=lambda name: each[name], default="")
    if best and own <= each[best]:
        return _judged(own - each[best], False, own, best, each[best])
    if not any(name in each for name in _TELLING):
        return _unknown(
            f"it has a test MCC of {own:.3f}, and what 4-mers or an untrained network reach is not "
            "stated"
        )
    low = _lowest(scores.get("rule"))
    return _judged(own - each[best], low is None or low > 0, own, best, each[best], low)


def _judged(
    gain: float, passed: bool, own: float, name: str, other: float, low: float | None = None
) -> Check:
    words = f"its test MCC is {own:.3f}, that of {_WORDS.get(name, name)} {other:.3f}"
    if low is not None:
        words += f", the difference at least {low:+.3f} (95%)"
    return Check("skill", gain, 0.0, passed, f"{words} (above 0)")


def _unknown(reason: str) -> Check:
    return Check("skill", None, 0.0, None, f"not known: {reason}")


def _stated(enc: Encoder) -> tuple[Mapping[str, Any] | None, str]:
    if enc.checkpoint is None:
        return None, "the model was not loaded from a folder that could state its scores"
    if not enc.pristine:
        return None, "its weights were changed since they were loaded"
    path = enc.checkpoint.folder / SCORES
    if not path.is_file():
        return None, f"there is no {SCORES} beside its weights"
    try:
        return read_json(path), ""
    except InputError as error:
        return None, str(error).rstrip(".")


def _mcc(found: Any) -> float | None:
    """Take the Matthews correlation of an entry: a number, or one with its interval."""
    value = found.get("mcc") if isinstance(found, Mapping) else None
    return _number(value.get("value") if isinstance(value, Mapping) else value)


def _lowest(rule: Any) -> float | None:
    minus = rule.get("minus") if isinstance(rule, Mapping) else None
    return _number(minus.get("low") if isinstance(minus, Mapping) else None)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)
