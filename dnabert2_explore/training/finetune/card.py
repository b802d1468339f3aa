"""What a fine-tuned model's card says of its run."""

from __future__ import annotations

from pathlib import Path

from ...encoder.passes.readings import Readings
from ...network.checkpoints.card import Card
from ..labelled.leakage import LeakageReport
from ..scores.metrics import Scores
from .config import FinetuneConfig
from .data import Splits
from .methods.source import SCRATCH, UNTRAINED

__all__ = ["describe"]

_ALWAYS = ("recipe", "method", "epochs", "batch_size", "warmup_steps", "weight_decay", "dropout",
           "pooling", "augment", "segmentation", "schedule", "embeddings")  # fmt: skip
_WHERE_CHANGED = ("class_weights", "max_tokens", "train_rows", "select", "patience", "anchor")
_LORA = ("lora_rank", "lora_alpha", "lora_dropout", "lora_targets")


def describe(
    config: FinetuneConfig,
    splits: Splits,
    step: int,
    scores: Scores | None = None,
    leakage: LeakageReport | None = None,
) -> Card:
    """Compose the card of the weights of a step.

    The configuration is settled, and the splits have the notes made so far. The scores are on test,
    or on dev where there is no test; None while the run goes on.
    """
    train = splits.train
    paths = {"train": config.train, "dev": config.dev, "test": config.test}
    data = {
        name: f"{len(part):,} sequences of {Path(paths[name] or config.train).name}"
        for name, part in splits.named().items()
    }
    names = [*_ALWAYS, *(n for n in _WHERE_CHANGED if getattr(config, n) != _default(n))]
    names += _LORA if config.method == "lora" else ()
    names += ("cuts", "bpe_dropout") if config.segmentation == "random" else ()
    names += ("average",) if config.average else ()
    if config.max_steps:
        names[names.index("epochs")] = "max_steps"
    settings: dict[str, object] = {name: _text(getattr(config, name)) for name in names}
    settings |= {"learning_rate": config.rate, "seed": config.seed, "weights of step": step}
    readings = Readings(config.strands, config.segmentations)
    settings["a prediction is"] = f"the {readings}" if len(readings) > 1 else str(readings)
    limits = [note for note in splits.notes if not note.startswith("task: ")]
    if leakage is not None and leakage.pairs and not leakage.clean:
        limits.append(str(leakage))
    if scores is None:
        limits.append("The run that trains it has not ended: there are no scores yet.")
    told = "values" if train.task == "regression" else ", ".join(train.classes[:8])
    told += ", …" if len(train.classes) > 8 else ""
    found = {} if scores is None else {name: str(one) for name, one in scores.values.items()}
    split = "dev" if splits.test is None else "test"
    scratch = config.model.startswith((SCRATCH, UNTRAINED))
    trained = "trained from random weights" if scratch else "fine-tuned"
    return Card(
        title=f"{Path(config.model).name} {trained} on {_dataset(config)}",
        summary=f"Tells {told} ({train.task.replace('_', '-')}) of DNA sequences.",
        base_model="" if scratch else config.model,
        data=data,
        settings=settings,
        scores=found,
        scored_on="" if scores is None else f"{split} ({scores.count:,} sequences)",
        limits=tuple(limits),
    )


def _default(name: str) -> object:
    return FinetuneConfig.__dataclass_fields__[name].default


def _text(value: object) -> object:
    return ", ".join(value) if isinstance(value, tuple) else value


def _dataset(config: FinetuneConfig) -> str:
    """Name the data by their file, or by the folder of one that is called train."""
    path = Path(config.train).resolve()
    stem = path.name.split(".")[0]
    return path.parent.name if stem.lower() in ("train", "training") else stem
