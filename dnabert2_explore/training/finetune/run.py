"""One fine-tuning run, from files to a saved, scored model."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ...common.costs import says_cost
from ...common.progress import Progress
from ...common.randomness import RandomStream
from ...common.threads import torch_threads
from ...encoder import Encoder, find_device
from ...encoder.loading.precision import find_dtype
from ...encoder.passes.readings import Readings
from ...errors import Cancelled, InputError
from ...network.checkpoints.card import write_card
from ...results.origins import recorded
from ...tokens import DnaTokenizer
from ...tokens.segmentation import Segmentation
from ..labelled.leakage import LeakageReport, check_leakage
from ..labelled.tables import Labelled
from ..loop.attending import attending, training_backend
from ..loop.processes import Processes, find_processes, is_main, processes_started
from ..loop.steps import Loop
from ..loop.update import Outcome, Update
from ..predict import write_predictions
from ..scores.metrics import Scores, lower_is_better, score
from .card import describe
from .config import FinetuneConfig
from .data import Batches, Resegmented, TokenRows, encode, read_splits
from .folder import RunFolder
from .judging import beside_rules, final_scores, gathered, share_of, shown_metrics
from .keeping import Keeper, identity
from .methods.choose import make_learner
from .methods.learners import Learner, classifier_from
from .methods.recipe import anchor_of, settle
from .methods.schedule import decayed, learning_rate
from .methods.source import find_source
from .methods.targets import Targets
from .result import FinetuneResult

__all__ = ["finetune"]

Watch = Callable[[dict[str, Any]], None]

_Part = dict[str, torch.Tensor]


@recorded(again=False)
@says_cost
def finetune(
    config: FinetuneConfig,
    *,
    watch: Watch | None = None,
    progress: Progress | None = None,
) -> FinetuneResult:
    """Train on labelled sequences, keep the weights that do best on dev, score them on test once.

    The best weights so far are always whole in ``model/``, whatever happens to the run.

    Parameters
    ----------
    config : FinetuneConfig
        The run.
    watch : callable, optional
        Called after every evaluation with the row of the log: ``step``, ``epoch``, ``train_loss``
        (mean since the row before), ``dev_loss``, the metrics by name, ``seconds``,
        ``learning_rate`` and ``best`` (whether these weights are now the kept ones).
    progress : callable, optional
        Called as progress(step, steps) after every step, and while dev is evaluated. Raising
        `Cancelled` ends training and keeps the best; the result says ``stopped``. So does
        interrupting the notebook's kernel.

    Returns
    -------
    FinetuneResult
        Also written to ``result.json``.

    Raises
    ------
    InputError
        For bad settings or files, a step that does not fit in memory, or training that diverges
        before anything is kept.
    CheckpointError
        If `config.model` is no pre-trained model, or the trained one cannot be written.
    Cancelled
        If it was stopped before the first evaluation.

    Examples
    --------
    >>> config = FinetuneConfig(model="pocket", train="train.csv", dev="dev.csv", out="runs/mine")
    >>> finetune(config)  # doctest: +SKIP
    """
    with torch_threads(config.threads):
        return _Run(config, progress, watch).go()


class _Run:
    """The state of one run."""

    def __init__(
        self, config: FinetuneConfig, progress: Progress | None, watch: Watch | None
    ) -> None:
        self.begun = time.monotonic()
        self.config = config
        self.first = is_main()  # whether this process writes the files
        self.progress = progress if self.first else None
        self.watch = watch
        self.out = Path(config.out)
        self.ended = ""  # why training ended before its last step
        self.over = False  # whether a killed run had trained to its end, and is only to be scored
        self.seconds = 0.0  # of a killed run that this one goes on from
        self.lowest, self.waited = math.inf, 0
        self.losses: list[float] = []  # of the steps since the last evaluation

    def go(self) -> FinetuneResult:
        """Do it all."""
        config = self.config
        find_device(config.device)  # which refuses what is none, before anything is read
        source = find_source(config.model)
        tokenizer = DnaTokenizer.from_file(source.tokenizer)
        tokenizer.anchor = anchor_of(config.anchor)
        self.source = source
        splits = read_splits(config)
        self.splits, self.notes = splits, splits.notes
        self.train, self.dev = splits.train, splits.dev
        self.shown = shown_metrics(config.select, self.train)
        leakage = (
            check_leakage(splits.named(), progress=self._preparing)
            if config.check_leakage
            else LeakageReport(())
        )

        fresh = RandomStream(config.seed)
        with fresh.drawing():
            untuned = source.network()
        size = sum(one.numel() for one in untuned.parameters())
        self.config, told = settle(config, size, self.train, self.dev)
        config = self.config
        self.notes += [told] if told else []
        self._remark()
        self.processes = self._processes()
        device = self.processes.device
        with fresh.drawing():
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
        self.dev_mine = share_of(self._encode(tokenizer, self.dev, "dev"), self.processes)
        targets = Targets(self.train, config.class_weights == "balanced")
        learner = make_learner(
            config, source, network.to(device), tokenizer, targets, rows, self.resegmented, fresh,
            self._preparing,
        )  # fmt: skip
        if config.method == "probe":
            self.notes.append("probe: the encoder is frozen, there is no dropout")
        self.learner = learner
        self.keeper = self._keeper(learner, tokenizer)
        self._train(learner)
        if self.keeper.best is None:
            assert self.loop.cancelled is not None  # else the last step was evaluated
            raise self.loop.cancelled
        kept = self.keeper.for_good(self.loop.step, self._state())
        encoder = Encoder(kept.to(device), tokenizer)
        judged = (self.processes, config.bootstrap)
        dev_scores, _ = final_scores(encoder, self.dev, self.dev_mine, *judged)
        test_scores: Scores | None = None
        outputs: NDArray[np.float32] | None = None
        if splits.test is not None:
            test_mine = share_of(self._encode(tokenizer, splits.test, "test"), self.processes)
            test_scores, outputs = final_scores(encoder, splits.test, test_mine, *judged)
            if self.first:
                write_predictions(self.out / "predictions.csv", splits.test, outputs)
        result = FinetuneResult(
            task=self.train.task,
            classes=self.train.classes,
            best_step=self.keeper.best[1],
            steps=self.loop.step,
            seconds=self._elapsed(3),
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
            rule=beside_rules(config, splits, outputs) if self.first else None,
        )
        if self.first:
            result.save(self.out, config=dataclasses.asdict(config))
            result.write_scores()
            scores = dev_scores if test_scores is None else test_scores
            card = describe(config, splits, result.best_step, scores, leakage)
            write_card(result.model, card)
            self.keeper.done()
        return result

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

    def _processes(self) -> Processes:
        """Join the processes that share a batch."""
        size, world = self.config.batch_size, processes_started()
        if size % world:
            raise InputError(
                f"batch_size is {size}, which {world} processes cannot share evenly: choose a "
                "multiple."
            )
        return find_processes(self.config.device)

    def _keeper(self, learner: Learner, tokenizer: DnaTokenizer) -> Keeper:
        return Keeper(
            self.folder,
            learner,
            self.processes,
            self.source.tokenizer,
            lambda step: describe(self.config, self.splits, step),
            identity(self.config, self.splits, self.source, self.processes.device),
            self.config.checkpoint_minutes,
        )

    def _elapsed(self, digits: int) -> float:
        return round(self.seconds + time.monotonic() - self.begun, digits)

    # training

    def _train(self, learner: Learner) -> None:
        config, processes, keeper = self.config, self.processes, self.keeper
        share = config.batch_size // processes.world
        batches = Batches(
            len(self.train),
            learner.lengths,
            learner.collate,
            config.batch_size,
            min(config.device_batch or share, share),
            config.augment != "none",
            config.seed,
            processes.rank,
            processes.world,
        )
        bfloat16 = self._bfloat16(processes.device)
        attention = training_backend(
            "sdpa" if config.method == "probe" else config.attention,
            learner.network.config,
            processes.device,
            torch.bfloat16 if bfloat16 else torch.float32,
        )
        if attention != "sdpa":
            self.notes.append(f"attention in training by {attention}")
        update: Update[_Part] = Update(
            learner.module,
            processes,
            self._compute,
            lambda trained: decayed(trained, config.weight_decay),
            rate=config.rate,
            clip=config.gradient_clip,
            bfloat16=bfloat16,
            average=learner.average,
        )
        steps = config.max_steps or math.ceil(config.epochs * batches.steps)
        every = config.evaluate_every or batches.steps
        dropout = RandomStream(config.seed, processes.device)
        first = self._resume(update, dropout)
        self.loop = Loop(processes, steps, config.max_minutes, self.progress, self.begun)
        self.loop.step = first

        def take(parts: list[_Part], step: int) -> Outcome:
            self.rows = sum(len(part["labels"]) for part in parts) * processes.world
            self.rate = learning_rate(config, step, steps)
            with attending(learner.network, attention):
                return update.take(parts, self.rate, dropout)

        try:
            left = [] if self.over else batches.take(first, steps)
            for taken in self.loop.take(first, left, take):
                self.losses.append(taken.outcome.loss)
                step, stop = taken.step, False
                if taken.cancelled:
                    self.ended = f"stopped at step {step:,} of {steps:,} when asked to"
                    break
                if taken.late and not taken.last:
                    self.ended = (
                        f"ended at step {step:,} of {steps:,} after {config.max_minutes:g} minutes"
                    )
                if step % every == 0 or taken.last or taken.late:
                    stop = self._evaluate(step, step / batches.steps)
                if stop or taken.last or taken.late:
                    break
                (due,) = processes.any(self.first and keeper.due)
                # What diverged is nothing to go on from: the next evaluation tells.
                if due and all(map(math.isfinite, self.losses)):
                    keeper.checkpoint(step, update.optimizer, dropout, self._state())
        except torch.OutOfMemoryError as error:
            raise InputError(
                f"A step of {batches.device_batch} sequences does not fit in the GPU's memory: set "
                f"device_batch to {max(1, batches.device_batch // 2)} (the step stays one of "
                f"{config.batch_size}), or cut with max_tokens."
            ) from error
        except KeyboardInterrupt:
            if keeper.best is None:
                raise
            self.ended = self.ended or f"interrupted at step {self.loop.step:,}"
        if self.ended:
            self.notes.append(f"training {self.ended}; the best weights before were kept")

    def _compute(self, module: nn.Module, part: _Part) -> tuple[torch.Tensor, float, float]:
        given = {name: one.to(self.processes.device) for name, one in part.items()}
        labels = given.pop("labels")
        logits = module(**given)["logits"]
        return self.learner.targets.loss(logits, labels, self.rows), 1.0, 0.0

    def _resume(self, update: Update[_Part], dropout: RandomStream) -> int:
        """Go on where a killed run of the same settings and data was; return the step."""
        state = self.keeper.resume(update.optimizer, dropout)
        step: int = 0 if state is None else state["step"]
        if self.first:
            self.folder.begin_log(step)
        if state is not None:
            self.losses, self.waited = state["losses"], state["waited"]
            self.lowest = math.inf if state["lowest"] is None else state["lowest"]
            self.seconds = state["seconds"]
            self.over, self.ended = state.get("over", False), state.get("ended", "")
            self.notes.append(
                f"scored a run that had been killed after its training ended at step {step:,}"
                if self.over
                else f"went on from step {step:,} of a run that had been killed"
            )
        return step

    def _state(self) -> dict[str, Any]:
        lowest = None if math.isinf(self.lowest) else self.lowest
        losses = [one for one in self.losses if math.isfinite(one)]  # others end training
        return {"losses": losses, "lowest": lowest, "waited": self.waited,
                "seconds": self._elapsed(3), "ended": self.ended}  # fmt: skip

    def _bfloat16(self, device: torch.device) -> bool:
        asked = self.config.precision
        if asked == "auto":
            dtype = find_dtype("auto", device, self.learner.network.config.hidden_size)
            asked = "bfloat16" if dtype == torch.bfloat16 else "float32"
        if asked == "bfloat16":
            self.notes.append("trained in bfloat16 (autocast), scored in float32")
        return asked == "bfloat16"

    def _evaluate(self, step: int, epoch: float) -> bool:
        """Judge the weights on dev, keep them if they are the best; say whether to stop."""
        dev, keeper, steps = self.dev, self.keeper, self.loop.total
        train_loss = sum(self.losses) / len(self.losses)
        self.losses = []
        try:
            outputs = gathered(self._predict, self.dev_mine, len(dev), self.processes)
        except Cancelled:
            self.ended = f"stopped at step {step:,} of {steps:,} when asked to"
            return True
        train_loss *= self.learner.targets.unit
        if not (np.isfinite(outputs).all() and math.isfinite(train_loss)):
            if keeper.best is None:
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
        better = keeper.offer(merit, step)
        point = {"step": step, "epoch": round(epoch, 4), "train_loss": train_loss}
        point |= {"dev_loss": found.loss} | {name: found[name] for name in self.shown}
        point |= {"seconds": self._elapsed(2), "learning_rate": self.rate, "best": better}
        if self.first:
            self.folder.log(point)
            if self.watch is not None:
                self.watch(point)
        return self._impatient(found.loss, step)

    def _predict(self, rows: list[NDArray[np.int64]]) -> NDArray[np.float32]:
        """Predict as things stand; of several processes, none stops while others wait for it."""

        def tick(done: int, total: int) -> None:
            self.loop.tick()
            if self.loop.cancelled is not None:
                raise self.loop.cancelled

        return self.learner.predict(rows, progress=tick if self.processes.world == 1 else None)

    def _impatient(self, loss: float, step: int) -> bool:
        patience, steps = self.config.patience, self.loop.total
        self.waited = 0 if loss < self.lowest else self.waited + 1
        self.lowest = min(loss, self.lowest)
        if not patience or self.waited < patience or step == steps:
            return False
        self.ended = (
            f"ended at step {step:,} of {steps:,} after {self.waited} evaluations without a better "
            "dev loss"
        )
        return True
