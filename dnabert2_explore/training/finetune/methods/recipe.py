"""Settings that fit the size of a model and of its data, where the user leaves them open.

The authors' protocol fits a network of 117 million parameters that has read 262 billion bases. A
small network on a few thousand sequences learns nothing by it: it needs a higher learning rate,
many passes, and to be kept from learning tokens by heart (docs/finetuning.md has measurements).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ....errors import InputError
from ...configuration import shown
from ...labelled.tables import Labelled
from ..config import AUTO, LEARNING_RATES, FinetuneConfig

__all__ = ["FEW_PARAMETERS", "PUBLISHED", "SMALL", "recipe_of", "settle"]

#: Networks below this many parameters are small.
FEW_PARAMETERS = 20_000_000
#: Tokens that a small network reads in training, about: a few minutes on one core.
TOKENS = 600_000
#: Bases of a token, about, to count them before anything is encoded.
_BASES = 4.4

#: What the authors of DNABERT-2 fine-tune with.
PUBLISHED: dict[str, Any] = {
    "epochs": 3.0,
    "batch_size": 32,
    "warmup_steps": 50,
    "weight_decay": 0.01,
    "pooling": "cls",
    "augment": "none",
    "segmentation": "fixed",
    "average": 0.0,
    "schedule": "linear",
    "embeddings": "plain",
    "evaluate_every": 200,
    "strands": "one",
    "segmentations": 0,
}

#: For small networks. Epochs, warm-up, evaluations and strands depend on the data.
SMALL: dict[str, Any] = {
    "batch_size": 64,
    "weight_decay": 0.1,
    "pooling": "mean",
    "segmentation": "random",
    "average": 0.99,
    "schedule": "cosine",
    "embeddings": "composed",
    "segmentations": 4,
}

#: Learning rates of small networks.
SMALL_RATES = {"full": 1e-3, "lora": 3e-3, "probe": 5e-3}

# What only training all weights can do.
_FULL_ONLY = {"average": 0.0, "embeddings": "plain"}
# A frozen encoder's vectors are computed once.
_PROBE = {"segmentation": "fixed"}


def recipe_of(config: FinetuneConfig, parameters: int) -> str:
    """Return the recipe that fills in what is open: "published" or "small"."""
    if config.recipe != "auto":
        return config.recipe
    return "small" if parameters < FEW_PARAMETERS else "published"


def settle(
    config: FinetuneConfig, parameters: int, train: Labelled, dev: Labelled
) -> tuple[FinetuneConfig, str]:
    """Fill in what a configuration leaves open, for a network of so many `parameters`.

    Also told is what was chosen and why, in a sentence; empty where nothing was open. Nothing in
    the settled configuration is open; run again, it does the same.
    """
    recipe = recipe_of(config, parameters)
    left = {name for name in PUBLISHED if getattr(config, name) in (AUTO[name], "auto")}
    if not config.learning_rate:
        left.add("learning_rate")
    if config.max_steps:
        left.discard("epochs")
    chosen = dict(PUBLISHED) if recipe == "published" else _small(config, train)
    if config.method != "full":
        chosen |= _FULL_ONLY
    if config.method == "probe":
        chosen |= _PROBE
    rates = LEARNING_RATES if recipe == "published" else SMALL_RATES
    chosen["learning_rate"] = rates[config.method]
    why = ""
    if recipe == "small" and left & {"augment", "strands"}:
        turned, why = _both_strands(config, train, dev)
        chosen |= {
            "augment": "reverse_complement" if turned else "none",
            "strands": "both" if turned else "one",
        }
    filled = {name: chosen[name] for name in sorted(left)}
    settled = replace(config, recipe=recipe, **filled)
    if settled.max_steps and not settled.epochs:
        settled = replace(settled, epochs=PUBLISHED["epochs"])  # not used: steps are counted
    settled = _with_steps(settled, len(train), left)
    if not left:
        return settled, ""
    names = [name for name in ("learning_rate", *PUBLISHED) if name in left]
    told = ", ".join(f"{name} {shown(getattr(settled, name))}" for name in names)
    size = f"{parameters / 1e6:.1f} M parameters"
    reason = (
        f'small, as the network has {size} (`recipe="published"` for the authors\' protocol)'
        if recipe == "small"
        else f"published, as the network has {size}"
    )
    if config.recipe != "auto":
        reason = f"{recipe}, as asked"
    return settled, f"recipe {reason}: {told}" + (f"; {why}" if why else "")


def _small(config: FinetuneConfig, train: Labelled) -> dict[str, Any]:
    bases = sum(map(len, train.bases)) + sum(map(len, train.second or ()))
    epochs = float(np.clip(round(TOKENS / (bases / _BASES + 2 * len(train))), 2, 30))
    return {**PUBLISHED, **SMALL, "epochs": epochs}


def _with_steps(config: FinetuneConfig, rows: int, left: set[str]) -> FinetuneConfig:
    """Set what depends on how many steps there are, for a small network."""
    if config.recipe != "small":
        return config
    steps = config.max_steps or max(1, round(config.epochs * -(-rows // config.batch_size)))
    found: dict[str, Any] = {}
    if "warmup_steps" in left:
        found["warmup_steps"] = min(100, max(1, steps // 10))
    if "evaluate_every" in left:
        found["evaluate_every"] = max(1, steps // 20)
    return replace(config, **found)


def _both_strands(config: FinetuneConfig, train: Labelled, dev: Labelled) -> tuple[bool, str]:
    """Whether the strand of a sequence says nothing of its label, as 4-mers tell on dev."""
    from ...baselines import fit_kmers
    from ...scores.metrics import score

    if config.anchor:
        return False, "one strand: tokens begin at a site"
    if train.second is not None or train.task != "classification":
        return True, "both strands, as nobody said otherwise"
    losses = {}
    for strands in ("given", "both"):
        fitted = fit_kmers(train, dev, seed=config.seed, strands=strands)
        found = score(dev.task, dev.labels, fitted.probabilities(dev), dev.classes, bootstrap=0)
        losses[strands] = found.loss
    turned = losses["both"] <= losses["given"] * 1.01
    words = "both strands" if turned else "one strand"
    return turned, (
        f"{words}, as 4-mers of {'both' if turned else 'one'} tell the classes of dev "
        f"{'as well' if turned else 'better'} (loss {losses['both']:.3f} both, "
        f"{losses['given']:.3f} one)"
    )


def anchor_of(text: str) -> str | int | None:
    """Read the setting `anchor`: "" is none, "middle", or a number of bases; else an InputError."""
    if not text:
        return None
    if text == "middle":
        return text
    if text.isascii() and text.isdecimal() and 0 < len(text) < 10 and int(text):
        return int(text)
    raise InputError(f"anchor is {text!r}; expected 'middle', or a number of bases.")
