"""The authors' protocol as a fine-tuning configuration, and stated departures from it."""

from __future__ import annotations

from typing import Any

from ...errors import InputError
from ..configuration import shown
from ..finetune.config import AUTO, LEARNING_RATES, FinetuneConfig
from .datasets import Dataset

__all__ = ["AUTHORS", "VARIED", "Variation", "authors_settings", "deviations", "settings_of"]

#: What the authors set for every dataset. 32 is the global batch: 4 GPUs with 8 each in their
#: script (32 each for covid and the epigenetic marks, for whoever follows the script on 4 GPUs).
AUTHORS: dict[str, Any] = {
    "method": "full",
    "batch_size": 32,
    "learning_rate": 3e-5,
    "weight_decay": 0.01,
    "gradient_clip": 1.0,
    "dropout": 0.1,
    "pooling": "cls",
    "augment": "none",
    "class_weights": "none",
    "patience": 0,
    "select": "loss",
    "train_rows": 0,
    "max_minutes": 0.0,
    "segmentation": "fixed",
    "average": 0.0,
    "schedule": "linear",
    "embeddings": "plain",
    "anchor": "",
    "strands": "one",
    "segmentations": 0,
}

_WORDS = {
    "method": "method {}",
    "batch_size": "global batch {}",
    "learning_rate": "learning rate {:g}",
    "weight_decay": "weight decay {:g}",
    "gradient_clip": "gradient clipped at {:g}",
    "dropout": "dropout {:g}",
    "pooling": "{} pooling",
    "augment": "augmentation: {}",
    "class_weights": "class weights: {}",
    "patience": "stopped after {} evaluations without a better dev score",
    "select": "checkpoint by dev {}",
    "train_rows": "at most {} training rows",
    "max_minutes": "at most {:g} minutes",
    "max_tokens": "at most {} tokens",
    "epochs": "{:g} epochs",
    "max_steps": "{} steps",
    "warmup_steps": "{} warm-up steps",
    "evaluate_every": "evaluated every {} steps",
    "segmentation": "{} segmentations in training",
    "average": "averaged weights (decay {:g})",
    "schedule": "{} schedule",
    "embeddings": "{} token embeddings",
    "anchor": "read in two parts at the {}",
    "strands": "predicted by the mean over {} strands",
    "segmentations": "predicted by the mean over {} further segmentations",
}

#: What 0 says of a setting.
_NONE = {
    "train_rows": "all training rows",
    "max_minutes": "no limit of time",
    "max_tokens": "no limit of tokens",
    "max_steps": "no number of steps",
    "warmup_steps": "no warm-up",
    "evaluate_every": "evaluated after each epoch",
}

#: Settings that a variation may change.
VARIED = ("recipe", *_WORDS)


class Variation:
    """Departures from the authors' protocol.

    Parameters
    ----------
    name : str
        Set behind the model's name in files and tables; needed as soon as anything departs.
    **changes
        Of `VARIED`, as in :class:`~dnabert2_explore.training.finetune.FinetuneConfig`; None keeps
        the authors'.
    """

    def __init__(self, name: str = "", **changes: Any) -> None:
        self.name = name
        self.changes = {key: value for key, value in changes.items() if value is not None}
        if unknown := [key for key in self.changes if key not in VARIED]:
            raise InputError(f"no setting {unknown[0]!r} varies; expected {', '.join(VARIED)}.")
        if self.changes and not name:
            raise InputError(
                f"A variation ({', '.join(self.changes)}) needs a name, so that its results are "
                "not taken for the authors' protocol: name it (--name)."
            )
        if not all(sign.isalnum() or sign in "-_.+" for sign in name):
            raise InputError(
                f"Variation name {name!r}: expected letters, digits, '-', '_', '.' or '+', "
                "as it becomes part of a file's name."
            )


def authors_settings(dataset: Dataset) -> dict[str, Any]:
    """Return the authors' settings for a dataset (the rule of `Recipe` for GUE+)."""
    recipe = dataset.recipe
    return AUTHORS | {
        "recipe": "published",
        "max_tokens": recipe.max_tokens,
        "epochs": float(recipe.epochs),
        "max_steps": recipe.max_steps,
        "warmup_steps": recipe.warmup_steps,
        "evaluate_every": recipe.evaluate_every,
    }


def settings_of(dataset: Dataset, variation: Variation) -> dict[str, Any]:
    """Return the settings of a run: the authors', and what a variation changes.

    With the recipe "small" everything else is left open, but for the strands, which follow from
    what the dataset asks.
    """
    changes = dict(variation.changes)
    if changes.get("recipe") == "small":
        turned = {"augment": "reverse_complement", "strands": "both"}
        given = {"augment": "none", "strands": "one"}
        return AUTO | (given if dataset.oriented else turned) | changes
    if "method" in changes and "learning_rate" not in changes:
        changes["learning_rate"] = LEARNING_RATES.get(changes["method"], 0.0)
    return authors_settings(dataset) | changes


def deviations(dataset: Dataset, config: FinetuneConfig) -> tuple[str, ...]:
    """Say how a configuration departs from the authors' protocol; empty where it does not.

    The number type is not among them: they used float16 with float32 master weights on GPUs, which
    a CPU has not; `GueRun.settings` holds the one used. Nor is the seed, which they fix at 42.
    """
    theirs = authors_settings(dataset)
    theirs.pop("recipe")  # what it fills in is told
    if config.max_steps and theirs["max_steps"]:
        theirs["epochs"] = config.epochs  # where steps are counted, epochs are not
    elif config.max_steps:
        theirs.pop("epochs")
    found = [
        _words(name, getattr(config, name)) + _instead(name, value)
        for name, value in theirs.items()
        if getattr(config, name) != value
    ]
    if not dataset.recipe.published:
        found.append("the authors publish no settings for GUE+: ours")
    return tuple(found)


def _words(name: str, value: Any) -> str:
    return _WORDS[name].format(value) if value or name not in _NONE else _NONE[name]


def _instead(name: str, theirs: Any) -> str:
    return "" if theirs in (0, "none") else f" instead of {shown(theirs)}"
