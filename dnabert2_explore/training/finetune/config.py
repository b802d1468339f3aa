"""Everything that determines a fine-tuning run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import InputError
from ..configuration import read_yaml
from ..metrics import TASKS

__all__ = ["LEARNING_RATES", "LORA_TARGETS", "FinetuneConfig"]

#: Learning rate of each method where none is set: the authors' for full and LoRA.
LEARNING_RATES = {"full": 3e-5, "lora": 1e-4, "probe": 1e-3}

#: The network's linear layers that LoRA may adapt: queries, keys and values in one; the
#: projection after attention; both halves of the gated MLP; its way back.
LORA_TARGETS = ("Wqkv", "dense", "gated_layers", "wo")


@dataclass(frozen=True, slots=True)
class FinetuneConfig:
    """Everything that determines a fine-tuning run.

    Parameters
    ----------
    model : str
        The pre-trained model: "pocket", a folder, or a hub id.
    train : str
        Labelled sequences; see `dnabert2_explore.training.tables.read_labelled` for the formats.
    dev : str
        What chooses the checkpoint; "" sets `dev_share` of `train` apart.
    out : str
        Run folder: ``config.yaml``, ``log.csv``, ``result.json``, ``predictions.csv``, ``model/``.
    test : str
        Scored once, with the kept checkpoint; "" for none, or for `test_share` of `train` where
        `dev` is "" too.
    dev_share, test_share : float
        Shares of `train`, by seed and class; equal sequences stay together.
    task : {"auto", "classification", "multi_label", "regression"}
        "auto" tells it from the labels of `train`; the result says what was found.
    method : {"full", "lora", "probe"}
        Train all weights; low-rank adapters (Hu et al. 2021) and the head; or a linear head on the
        frozen encoder's vectors.
    lora_rank, lora_alpha, lora_dropout : int, int, float
        Defaults as in DNABERT-2's paper.
    lora_targets : tuple of str
        Of `LORA_TARGETS`.
    max_tokens : int
        Longer input is cut, special tokens included; 0 for no limit.
    batch_size : int
        Sequences of one step on all devices together.
    device_batch : int
        Sequences a device takes at once; 0 for all of its share. Gradients of the parts are added
        up, so that the step is the same whatever the number.
    epochs : float
        Passes over the training file.
    max_steps : int
        Steps, in place of `epochs`; 0 for none.
    learning_rate : float
        Of AdamW (0.9, 0.999, 1e-8) after the warm-up, falling linearly to 0; 0 for the method's:
        3e-5 full, 1e-4 lora, 1e-3 probe.
    warmup_steps, weight_decay, gradient_clip : int, float, float
        Biases and LayerNorms do not decay. A clip of 0 is none.
    dropout : float
        Hidden and classifier dropout.
    pooling : {"cls", "mean"}
        What the classifier reads.
    augment : {"none", "reverse_complement"}
        The latter trains on a random strand of each sequence, anew in every epoch. Not where the
        strand carries the label (splice sites, transcripts).
    class_weights : {"none", "balanced"}
        The latter weighs each class by 1 / its frequency (mean 1); of a multi-label task, the rows
        that have a label by how much rarer they are than those that do not.
    evaluate_every : int
        Steps between evaluations on dev; 0 for once an epoch. The last step is always evaluated.
    patience : int
        Stop after so many evaluations without a better dev loss; 0 never.
    select : str
        What chooses the checkpoint on dev: "loss", or a metric's name
        (`dnabert2_explore.training.metrics.score` lists them).
    train_rows : int
        Train on a sample of so many rows, by seed and class; 0 for all.
    seed : int
    device : str
        auto, cpu or cuda; several GPUs through ``accelerate launch`` or ``torchrun``.
    precision : {"auto", "float32", "bfloat16"}
        Of training; "auto" is bfloat16 where the hardware gains from it. Scores are always computed
        in float32, as prediction is.
    threads : int
        CPU threads; 0 leaves torch's default.
    max_minutes : float
        Stop after so long and keep the best so far; 0 for no limit.
    bootstrap : int
        Samples for the scores' intervals; 0 for none.
    check_leakage : bool
        Count copies, near-copies and composition twins between the files, and set the model beside
        the best method without a neural network (`FinetuneResult.rule`).
    """

    model: str
    train: str
    dev: str
    out: str
    test: str = ""
    dev_share: float = 0.1
    test_share: float = 0.1
    task: str = "auto"
    method: str = "full"
    lora_rank: int = 8
    lora_alpha: int = 16
    lora_dropout: float = 0.05
    lora_targets: tuple[str, ...] = LORA_TARGETS
    max_tokens: int = 0
    batch_size: int = 32
    device_batch: int = 0
    epochs: float = 3
    max_steps: int = 0
    learning_rate: float = 0.0
    warmup_steps: int = 50
    weight_decay: float = 0.01
    gradient_clip: float = 1.0
    dropout: float = 0.1
    pooling: str = "cls"
    augment: str = "none"
    class_weights: str = "none"
    evaluate_every: int = 200
    patience: int = 0
    select: str = "loss"
    train_rows: int = 0
    seed: int = 42
    device: str = "auto"
    precision: str = "auto"
    threads: int = 0
    max_minutes: float = 0.0
    bootstrap: int = 1000
    check_leakage: bool = True

    def __post_init__(self) -> None:
        for name, allowed in (
            ("task", ("auto", *TASKS)),
            ("method", tuple(LEARNING_RATES)),
            ("pooling", ("cls", "mean")),
            ("augment", ("none", "reverse_complement")),
            ("class_weights", ("none", "balanced")),
            ("precision", ("auto", "float32", "bfloat16")),
        ):
            if getattr(self, name) not in allowed:
                raise InputError(
                    f"{name} is {getattr(self, name)!r}; expected {', '.join(allowed[:-1])} or "
                    f"{allowed[-1]}."
                )
        for name, least in (("batch_size", 1), ("lora_rank", 1), ("lora_alpha", 1)):
            self._at_least(name, least)
        for name in (
            "max_tokens", "device_batch", "max_steps", "learning_rate", "warmup_steps",
            "weight_decay", "gradient_clip", "evaluate_every", "patience", "train_rows", "threads",
            "max_minutes", "bootstrap", "seed",
        ):  # fmt: skip
            self._at_least(name, 0)
        for name in ("dropout", "lora_dropout", "dev_share", "test_share"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; expected 0 to less than 1.")
        if not self.max_steps and self.epochs <= 0:
            raise InputError(f"epochs is {self.epochs}; expected more than 0, or max_steps.")
        if 0 < self.max_tokens < 4:
            raise InputError(f"max_tokens is {self.max_tokens}; expected at least 4, or 0.")
        if not self.dev and not self.dev_share:
            raise InputError("dev is '' and dev_share is 0: name a file, or give a share.")
        strange = [name for name in self.lora_targets if name not in LORA_TARGETS]
        if strange or not self.lora_targets:
            raise InputError(
                f"lora_targets is {self.lora_targets!r}; expected some of "
                f"{', '.join(LORA_TARGETS)}."
            )

    def _at_least(self, name: str, least: int) -> None:
        if getattr(self, name) < least:
            raise InputError(f"{name} is {getattr(self, name)}; expected at least {least}.")

    @property
    def rate(self) -> float:
        """The learning rate that is used."""
        return self.learning_rate or LEARNING_RATES[self.method]

    @classmethod
    def from_yaml(cls, path: str | Path, **over: Any) -> FinetuneConfig:
        """Read a configuration; unknown, missing and ill-typed keys are an :class:`InputError`.

        Keyword arguments take the place of the file's values.
        """
        return read_yaml(cls, path, **over)
