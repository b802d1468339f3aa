"""One fine-tuning run, from files to a saved, scored model."""

from __future__ import annotations

import dataclasses
import math
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...encoder import Encoder, find_device
from ...encoder.precision import find_dtype
from ...encoder.readings import Readings
from ...errors import Cancelled, CheckpointError, InputError
from ...network import Dnabert2ForSequenceClassification
from ...network.card import write_card
from ...sequences import clean
from ...threads import torch_threads
from ...tokens import DnaTokenizer
from ...tokens.segmentation import Segmentation
from ..attending import training_backend
from ..leakage import LeakageReport, check_leakage
from ..metrics import Scores, lower_is_better, metric_names, score
from ..predict import write_predictions
from ..rules import RuleComparison, compare_with_rules
from ..tables import Labelled
from .card import describe
from .config import FinetuneConfig
from .data import Batches, Resegmented, TokenRows, encode, read_splits
from .folder import RunFolder
from .learners import Learner, classifier_from
from .probe import ProbeLearner
from .recipe import anchor_of, settle
from .result import FinetuneResult
from .source import find_source
from .targets import Targets
from .trainer import FinetuneTrainer, training_arguments

__all__ = ["finetune"]

Progress = Callable[[int, int], None]
Watch = Callable[[dict[str, Any]], None]

_SHARED = {"WORLD_SIZE": "1", "RANK": "0"}  # what torchrun and accelerate tell each process


def finetune(
    config: FinetuneConfig, progress: Progress | None = None, watch: Watch | None = None
) -> FinetuneResult:
    """Train on labelled sequences, keep the weights that do best on dev, score them on test once.

    The best weights so far are always whole in ``model/``, whatever happens to the run.

    Parameters
    ----------
    config : FinetuneConfig
        The run.
    progress : callable, optional
        Called as progress(step, steps) after every step, and while dev is evaluated. Raising
        `Cancelled` ends training and keeps the best; the result says ``stopped``. So does
        interrupting the notebook's kernel.
    watch : callable, optional
        Called after every evaluation with the row of the log: ``step``, ``epoch``, ``train_loss``
        (mean since the row before), ``dev_loss``, the metrics by name, ``seconds``,
        ``learning_rate`` and ``best`` (whether these weights are now the kept ones).

    Returns
    -------
    FinetuneResult
        Also written to ``result.json``.

    Raises
    ------
    InputError
        For bad settings or files, or a step that does not fit in memory.
    CheckpointError
        If `config.model` is no pre-trained model, or the trained one cannot be written.
    Cancelled
        If it was stopped before the first evaluation.

    Examples
    --------
    >>> config = FinetuneConfig(model="pocket", train="train.csv", dev="dev.csv", out="runs/mine")
    >>> finetune(config)  # doctest: +SKIP
    """
    return _Run(config, progress, watch).go()


class _Run:
    """The state of one run."""

    def __init__(
        self, config: FinetuneConfig, progress: Progress | None, watch: Watch | None
    ) -> None:
        self.begun = time.monotonic()
        self.config = config
        self.progress = progress
        self.watch = watch
        self.out = Path(config.out)
        shared = {name: int(os.environ.get(name, value)) for name, value in _SHARED.items()}
        self.processes, self.process = shared["WORLD_SIZE"], shared["RANK"]
        self.cancelled: Cancelled | None = None
        self.ended = ""  # why training ended before its last step
        self.steps = 0
        self.best: tuple[float, int] | None = None  # merit, step
        self.kept: Dnabert2ForSequenceClassification | None = None
        self.lowest, self.waited = math.inf, 0

    @property
    def first(self) -> bool:
        """Whether this process writes the files."""
        return self.process == 0

    def go(self) -> FinetuneResult:
        """Do it all."""
        with torch_threads(self.config.threads):
            return self._go()

    def _go(self) -> FinetuneResult:
        config = self.config
        device = _device(config.device)
        source = find_source(config.model)
        tokenizer = DnaTokenizer.from_file(source.tokenizer)
        tokenizer.anchor = anchor_of(config.anchor)
        self.source = source
        splits = read_splits(config)
        self.splits, self.notes = splits, splits.notes
        self.train, self.dev = splits.train, splits.dev
        self.shown = _shown_metrics(config.select, self.train)
        leakage = (
            check_leakage(splits.named(), progress=self._preparing)
            if config.check_leakage
            else LeakageReport(())
        )

        torch.manual_seed(config.seed)
        untuned = source.network()
        size = sum(one.numel() for one in untuned.parameters())
        self.config, told = settle(config, size, self.train, self.dev)
        config = self.config
        self.notes += [told] if told else []
        self._remark()
        network = classifier_from(config, untuned, self.train)
        self.folder = RunFolder(self.out, self._columns())
        if self.first:
            self.folder.prepare(config, sum(one.numel() for one in network.parameters()))
        rows = [self._encode(tokenizer, self.train, "train")]
        self.resegmented = (
            Resegmented(
                tokenizer,
                self.train,
                Segmentation(config.cuts, config.bpe_dropout),
                config.max_tokens,
            )
            if config.segmentation == "random"
            else None
        )
        if config.augment == "reverse_complement" and self.resegmented is None:
            rows.append(encode(tokenizer, self.train, config.max_tokens, turned=True)[0])
        self.dev_mine = self._share(self._encode(tokenizer, self.dev, "dev"))
        targets = Targets(self.train, config.class_weights == "balanced")
        learner = self._learner(network.to(device), tokenizer, targets, rows)
        self._train(learner, device)

        if self.best is None:
            assert self.cancelled is not None  # else the last step was evaluated
            raise self.cancelled
        kept = self._keep_for_good()
        encoder = Encoder(kept.to(device), tokenizer)
        dev_scores, _ = self._score(encoder, self.dev, self.dev_mine)
        test_scores: Scores | None = None
        outputs: NDArray[np.float32] | None = None
        if splits.test is not None:
            test_mine = self._share(self._encode(tokenizer, splits.test, "test"))
            test_scores, outputs = self._score(encoder, splits.test, test_mine)
            if self.first:
                write_predictions(self.out / "predictions.csv", splits.test, outputs)
        result = FinetuneResult(
            task=self.train.task,
            classes=self.train.classes,
            best_step=self.best[1],
            steps=self.steps,
            seconds=round(time.monotonic() - self.begun, 3),
            stopped=bool(self.ended),
            dev=dev_scores,
            test=test_scores,
            leakage=leakage,
            sequences={
                "train": len(self.train),
                "dev": len(self.dev),
                "test": 0 if splits.test is None else len(splits.test),
            },
            notes=tuple(self.notes),
            model=self.folder.model,
            rule=self._rule(outputs),
        )
        if self.first:
            result.save(self.out, config=dataclasses.asdict(config))
            result.write_scores()
            scores = dev_scores if test_scores is None else test_scores
            card = describe(config, splits, result.best_step, scores, leakage)
            write_card(result.model, card)
        return result

    def _learner(
        self,
        network: Dnabert2ForSequenceClassification,
        tokenizer: DnaTokenizer,
        targets: Targets,
        rows: list[TokenRows],
    ) -> Learner:
        method = self.config.method
        if method == "lora":
            from .lora import LoraLearner  # peft takes seconds to import

            learner: Learner = LoraLearner(
                network, tokenizer, targets, rows, self.config, self.source.checkpoint
            )
            learner.resegmented = self.resegmented
        elif method == "probe":
            learner = ProbeLearner(network, tokenizer, targets, rows, self._preparing)
            self.notes.append("probe: the encoder is frozen, there is no dropout")
        else:
            fresh = self.source.fresh
            learner = Learner(network, tokenizer, targets, rows, self.resegmented, fresh)
            if self.config.embeddings == "composed":
                learner.compose()
            learner.average_weights(self.config.average)
        self.learner = learner
        return learner

    def _remark(self) -> None:
        """Say of the settled run what a reader of its scores should know."""
        config = self.config
        readings = Readings(config.strands, config.segmentations)
        if len(readings) > 1:
            self.notes.append(f"dev (in the end) and test are predicted by the {readings}")
        if config.average:
            self.notes.append(f"judged and saved are averaged weights (decay {config.average:g})")

    def _preparing(self, done: int, total: int) -> None:
        """Tell that step 1 is still to come; what is cancelled here has found nothing yet."""
        if self.progress is not None and self.first:
            per_epoch = math.ceil(len(self.train) / (self.config.batch_size or 32))
            planned = self.config.max_steps or math.ceil((self.config.epochs or 3) * per_epoch)
            self.progress(0, planned)

    def _columns(self) -> tuple[str, ...]:
        first = ("step", "epoch", "train_loss", "dev_loss")
        return (*first, *self.shown, "seconds", "learning_rate", "best")

    def _encode(self, tokenizer: DnaTokenizer, data: Labelled, name: str) -> TokenRows:
        rows, cut = encode(tokenizer, data, self.config.max_tokens)
        if cut:
            self.notes.append(
                f"{name}: {cut:,} of {len(data):,} inputs were cut at {self.config.max_tokens} "
                "tokens"
            )
        return rows

    def _share(self, rows: TokenRows) -> list[NDArray[np.int64]]:
        """Rows that this process predicts."""
        return [rows[i] for i in range(self.process, len(rows), self.processes)]

    # training

    def _train(self, learner: Learner, device: torch.device) -> None:
        config = self.config
        if config.batch_size % self.processes:
            raise InputError(
                f"batch_size is {config.batch_size}, which {self.processes} processes cannot share "
                "evenly: choose a multiple."
            )
        share = config.batch_size // self.processes
        batches = Batches(
            len(self.train),
            learner.lengths,
            learner.collate,
            config.batch_size,
            min(config.device_batch or share, share),
            config.augment != "none",
            config.seed,
            self.process,
            self.processes,
        )
        bfloat16 = self._bfloat16(device)
        arguments = training_arguments(config, self.out, device, bfloat16, batches)
        attention = training_backend(
            "sdpa" if config.method == "probe" else config.attention,
            learner.network.config,
            device,
            torch.bfloat16 if bfloat16 else torch.float32,
        )
        if attention != "sdpa":
            self.notes.append(f"attention in training by {attention}")
        trainer = FinetuneTrainer(
            learner, arguments, batches, attention, self._after_step, self._evaluate
        )
        self.every = config.evaluate_every or math.ceil(len(batches) / batches.accumulation)
        try:
            trainer.train()
        except torch.OutOfMemoryError as error:
            raise InputError(
                f"A step of {batches.device_batch} sequences does not fit in the GPU's memory: set "
                f"device_batch to {max(1, batches.device_batch // 2)} (the step stays one of "
                f"{config.batch_size}), or cut with max_tokens."
            ) from error
        except KeyboardInterrupt:
            if self.best is None:
                raise
            self.ended = self.ended or f"interrupted at step {self.steps:,}"
        if self.ended:
            self.notes.append(f"training {self.ended}; the best weights before were kept")

    def _bfloat16(self, device: torch.device) -> bool:
        asked = self.config.precision
        if asked == "auto":
            dtype = find_dtype("auto", device, self.learner.network.config.hidden_size)
            asked = "bfloat16" if dtype == torch.bfloat16 else "float32"
        if asked == "bfloat16":
            self.notes.append("trained in bfloat16 (autocast), scored in float32")
        return asked == "bfloat16"

    def _after_step(self, step: int, steps: int) -> tuple[bool, bool]:
        """Report a step; say whether to evaluate, and whether to stop."""
        self.steps, self.planned = step, steps
        self.learner.after_step()
        self._tick()
        minutes = (time.monotonic() - self.begun) / 60
        late = bool(self.config.max_minutes) and minutes >= self.config.max_minutes
        cancelled, late = self._agree(self.cancelled is not None, late)
        if cancelled:
            self.ended = f"stopped at step {step:,} of {steps:,} when asked to"
            return False, True
        if late and step < steps:
            self.ended = (
                f"ended at step {step:,} of {steps:,} after {self.config.max_minutes:g} minutes"
            )
        return step % self.every == 0 or step == steps or late, late

    def _tick(self) -> None:
        if self.progress is None or not self.first or self.cancelled is not None:
            return
        try:
            self.progress(self.steps, self.planned)
        except Cancelled as cancelled:
            self.cancelled = cancelled

    def _agree(self, *flags: bool) -> tuple[bool, ...]:
        """Let the first process decide for all."""
        if self.processes == 1:
            return flags
        agreed = [list(flags)]
        torch.distributed.broadcast_object_list(agreed, src=0)
        return tuple(agreed[0])

    def _evaluate(self, step: int, epoch: float, train_loss: float, rate: float) -> bool:
        """Judge the weights on dev, keep them if they are the best; say whether to stop."""
        dev = self.dev
        try:
            outputs = self._outputs(self.learner.predict, self.dev_mine, len(dev), stoppable=True)
        except Cancelled:
            self.ended = f"stopped at step {step:,} of {self.planned:,} when asked to"
            return True
        train_loss *= self.learner.targets.unit
        if not (np.isfinite(outputs).all() and math.isfinite(train_loss)):
            if self.best is None:
                raise InputError(
                    f"Training diverged: the loss is no number at step {step:,}; lower the "
                    f"learning rate ({self.config.rate:g}), or set gradient_clip."
                )
            self.ended = f"diverged by step {step:,} (the loss is no number)"
            return True
        found = score(dev.task, dev.labels, outputs, dev.classes, bootstrap=0)
        merit = found[self.config.select]
        if math.isnan(merit):
            raise InputError(
                f"select is {self.config.select!r}, which is undefined on dev "
                f"({'; '.join(found.notes)}): select 'loss', or give another dev set."
            )
        merit = -merit if lower_is_better(self.config.select) else merit
        better = self.best is None or merit > self.best[0]
        if better:
            kept = self.learner.finished()
            self.best, self.kept = (merit, step), kept  # together, whatever interrupts
            self._save_kept()
        point = {"step": step, "epoch": round(epoch, 4), "train_loss": train_loss}
        point |= {"dev_loss": found.loss} | {name: found[name] for name in self.shown}
        seconds = round(time.monotonic() - self.begun, 2)
        point |= {"seconds": seconds, "learning_rate": rate, "best": better}
        if self.first:
            self.folder.log(point)
            if self.watch is not None:
                self.watch(point)
        return self._impatient(found.loss, step)

    def _impatient(self, loss: float, step: int) -> bool:
        self.waited = 0 if loss < self.lowest else self.waited + 1
        self.lowest = min(loss, self.lowest)
        if not self.config.patience or self.waited < self.config.patience or step == self.planned:
            return False
        self.ended = (
            f"ended at step {step:,} of {self.planned:,} after {self.waited} evaluations without a "
            "better dev loss"
        )
        return True

    def _outputs(
        self,
        predict: Callable[..., NDArray[np.float32]],
        mine: list[NDArray[np.int64]],
        count: int,
        stoppable: bool = False,
    ) -> NDArray[np.float32]:
        """Predict; each process its share of the rows, from `_share`, and all get everything."""
        if self.processes == 1:

            def tick(done: int, total: int) -> None:
                self._tick()
                if self.cancelled is not None:
                    raise self.cancelled

            return predict(mine, progress=tick if stoppable else None)
        parts: list[Any] = [None] * self.processes
        torch.distributed.all_gather_object(parts, predict(mine) if mine else None)
        out = np.empty((count, *parts[0].shape[1:]), dtype=np.float32)
        for process, part in enumerate(parts):
            if part is not None:
                out[process :: self.processes] = part
        return out

    def _score(
        self, encoder: Encoder, data: Labelled, mine: list[NDArray[np.int64]]
    ) -> tuple[Scores, NDArray[np.float32]]:
        texts = [
            [clean(text).bases for text in part[self.process :: self.processes]]
            for part in (data.bases, data.second)
            if part is not None
        ]
        readings = Readings.of(encoder)

        def predict(ids: list[NDArray[np.int64]], **_: Any) -> NDArray[np.float32]:
            return readings.predict(encoder, [ids], texts)

        outputs = self._outputs(predict, mine, len(data))
        scores = score(data.task, data.labels, outputs, data.classes, self.config.bootstrap)
        return scores, outputs

    def _rule(self, outputs: NDArray[np.float32] | None) -> RuleComparison | None:
        """Set the answers on test beside the best method without a neural network."""
        test = self.splits.test
        if test is None or outputs is None or not self.first or not self.config.check_leakage:
            return None
        both = self.config.augment == "reverse_complement" or self.config.strands == "both"
        return compare_with_rules(
            self.train,
            self.dev,
            test,
            outputs,
            "both" if both else "given",
            self.config.bootstrap,
        )

    # keeping

    def _save_kept(self) -> None:
        """Put the best weights in the place of those before; on a full disk go on without."""
        if not self.first or self.best is None:
            return
        try:
            self._write_model()
        except CheckpointError as error:
            warnings.warn(f"{error} Training goes on, and tries again.", stacklevel=2)

    def _keep_for_good(self) -> Dnabert2ForSequenceClassification:
        """Make sure that the folder holds the best weights; return the network."""
        assert self.best is not None
        assert self.kept is not None
        if self.first and self.folder.step != self.best[1]:
            self._write_model()
        return self.kept

    def _write_model(self) -> None:
        assert self.best is not None
        assert self.kept is not None
        step = self.best[1]
        card = describe(self.config, self.splits, step)
        tokenizer = self.source.tokenizer
        self.folder.write_model(self.kept, step, tokenizer, card, self.learner.save_extras)


def _device(name: str) -> torch.device:
    device = find_device(name)
    if device.type == "cuda" and device.index:
        raise InputError(
            f"device is {name!r}, but Trainer takes the first GPU it sees: set "
            f"CUDA_VISIBLE_DEVICES={device.index} before Python starts, and device 'cuda'."
        )
    return device


def _shown_metrics(select: str, train: Labelled) -> tuple[str, ...]:
    """Metrics of the log: all but the F1 of each class, unless one is selected."""
    names = metric_names(train.task, train.classes)
    if select not in ("loss", *names):
        raise InputError(f"select is {select!r}; expected loss, {' or '.join(names)}.")
    general = metric_names(train.task)
    return general if select == "loss" or select in general else (*general, select)
