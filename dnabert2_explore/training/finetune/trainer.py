"""Hugging Face's Trainer with our loader, our loss and our evaluation."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from transformers import (
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from ..attending import attending
from .config import FinetuneConfig
from .data import Batches
from .learners import Learner

__all__ = ["FinetuneTrainer", "training_arguments"]


def training_arguments(
    config: FinetuneConfig, out: Path, device: torch.device, bfloat16: bool, batches: Batches
) -> TrainingArguments:
    """Translate a run's settings.

    Trainer saves nothing: its checkpoints hold pickles, and ours are whole or absent.
    """
    arguments = TrainingArguments(
        output_dir=str(out),
        per_device_train_batch_size=batches.device_batch,
        gradient_accumulation_steps=batches.accumulation,
        num_train_epochs=config.epochs,
        max_steps=config.max_steps or -1,
        learning_rate=config.rate,
        warmup_steps=config.warmup_steps,
        weight_decay=config.weight_decay,
        max_grad_norm=config.gradient_clip,
        lr_scheduler_type=config.schedule,
        optim="adamw_torch",
        bf16=bfloat16,
        use_cpu=device.type == "cpu",
        seed=config.seed,
        logging_strategy="no",
        eval_strategy="no",
        save_strategy="no",
        logging_nan_inf_filter=False,  # a loss that is no number is told, not hidden
        ddp_find_unused_parameters=False,  # all that is trained is used in every step
        disable_tqdm=True,
        report_to="none",
    )
    if device.type == "cuda" and arguments.n_gpu > 1:
        # Without a launcher Trainer would split each batch over all GPUs (DataParallel).
        arguments._n_gpu = 1
    return arguments


class FinetuneTrainer(Trainer):
    """Trainer that asks us for batches, loss and judgement.

    Parameters
    ----------
    learner : Learner
    arguments : TrainingArguments
    batches : Batches
    attention : str
        Backend that training steps compute with.
    after_step : callable
        after_step(step, steps) says whether to evaluate now, and whether to stop then.
    evaluate : callable
        evaluate(step, epoch, train_loss, learning_rate) judges the weights as they are, and says
        whether to stop.
    """

    def __init__(
        self,
        learner: Learner,
        arguments: TrainingArguments,
        batches: Batches,
        attention: str,
        after_step: Callable[[int, int], tuple[bool, bool]],
        evaluate: Callable[[int, float, float, float], bool],
    ) -> None:
        def loss(outputs: Any, labels: torch.Tensor, num_items_in_batch: int) -> torch.Tensor:
            return learner.targets.loss(outputs["logits"], labels, num_items_in_batch)

        super().__init__(model=learner.module, args=arguments, compute_loss_func=loss)
        self.batches = batches
        self._network, self._attention = learner.network, attention
        self._judge = evaluate
        self._last: dict[str, float] = {}
        self.remove_callback(PrinterCallback)
        self.add_callback(_Control(after_step))

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Compute a part of a step, backward pass included, with the backend of training."""
        with attending(self._network, self._attention):
            loss: torch.Tensor = super().training_step(*args, **kwargs)
        return loss

    def get_train_dataloader(self) -> Any:
        """Return our loader, which already gives each process its own rows."""
        return self.batches

    def get_batch_samples(
        self, epoch_iterator: Iterator[Any], num_batches: int, device: torch.device
    ) -> tuple[list[Any], int]:
        """Take the parts of a step, and count its rows on all processes."""
        parts = list(itertools.islice(epoch_iterator, num_batches))
        rows = sum(len(part["labels"]) for part in parts)
        if self.args.world_size > 1:
            rows *= self.args.world_size  # the loader deals equally many to each
        return parts, rows

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """Not counted: it walks over all weights in every step."""
        return 0

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Keep what Trainer found for the row of the log that the evaluation writes."""
        self._last = logs

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Judge the weights as they are."""
        self.control.should_log = self.control.should_evaluate = False
        stop = self._judge(
            self.state.global_step,
            self.state.epoch or 0.0,
            self._last.get("loss", float("nan")),
            self._last.get("learning_rate", float("nan")),
        )
        self.control.should_training_stop |= stop
        return {}


class _Control(TrainerCallback):
    """Says when to log, evaluate and stop."""

    def __init__(self, after_step: Callable[[int, int], tuple[bool, bool]]) -> None:
        self.after_step = after_step

    def on_step_end(
        self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        judge, stop = self.after_step(state.global_step, state.max_steps)
        control.should_log = control.should_evaluate = judge
        control.should_training_stop |= stop
        return control
