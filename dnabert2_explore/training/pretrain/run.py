"""The loop: batches, steps, logs, checkpoints, snapshots."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...errors import Cancelled, CheckpointError, InputError
from ...files import replacing
from ...network import Dnabert2ForMaskedLM
from ...network.attention import why_not
from ...network.card import Card
from ..evaluate import HeldOutRows, frequency_loss, held_out_rows, score_rows
from ..rows import RowSampler
from ..saving import save_model
from .batches import Batch, Batches, load_corpora
from .checkpoints import (
    check_continuation,
    latest_checkpoint,
    read_state,
    snapshot_folder,
    tidy,
    write_whole,
)
from .config import PretrainConfig, PretrainResult, learning_rates
from .describe import describe, write_description
from .logs import Logs
from .networks import Start
from .networks import begin as begin_network
from .processes import Processes, find_processes

__all__ = ["pretrain"]

Progress = Callable[[int, int], None]

#: Training rows whose tokens are counted for references.json.
_REFERENCE_ROWS = 512


@dataclass(frozen=True, slots=True)
class _Outcome:
    """Loss (nats a masked token), accuracy and gradient norm of one update, over all processes."""

    loss: float
    accuracy: float
    norm: float


class _Run:
    """State of one run: network, optimiser, step, and the folders they are written to."""

    def __init__(
        self,
        config: PretrainConfig,
        processes: Processes,
        start: Start,
        data: dict[str, str],
        notes: tuple[str, ...],
        resumed: Path | None,
    ) -> None:
        self.config, self.processes, self.start, self.data = config, processes, start, data
        self.notes = notes
        self.out = Path(config.out)
        self.step, self.tokens, self.seconds = 0, 0, 0.0
        self._saved = -1  # step of the last checkpoint written or read
        saved: Any = None
        if resumed is not None:
            saved = self._restore(resumed)
        self.network: Dnabert2ForMaskedLM = start.network.to(processes.device)
        if config.compile:
            self.network.bert.compile(dynamic=False if config.windows == "random" else None)
        self.wrapped = processes.wrap(self.network)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(),
            lr=config.learning_rate,
            betas=(config.beta1, config.beta2),
            eps=config.epsilon,
            weight_decay=config.weight_decay,
            fused=True,
        )
        if saved is not None:
            processes.set_optimizer_state(self.network, self.optimizer, saved)

    def _restore(self, folder: Path) -> Any:
        """Take weights and counters of a checkpoint; return its optimiser state."""
        state, weights, saved = read_state(folder)
        check_continuation(folder, state, self.config, self.data)
        # save_model leaves out the decoder, which is the word embeddings under a second name.
        missing, unexpected = self.start.network.load_state_dict(weights, strict=False)
        tied = set(self.start.network._tied_weights_keys)
        if unexpected or set(missing) - tied:
            raise CheckpointError(
                f"checkpoint {folder}: missing {sorted(set(missing) - tied)}, "
                f"unexpected {unexpected}."
            )
        self.step, self.tokens, self.seconds = state["step"], state["tokens"], state["seconds"]
        self._saved = self.step
        return saved

    def autocast(self) -> Any:
        if self.config.precision == "bfloat16":
            return torch.autocast(self.processes.device.type, torch.bfloat16)
        return nullcontext()

    def train_step(self, batch: Batch, rate: float) -> _Outcome:
        """One update.

        The gradient is that of the mean over all labelled tokens of the step, however the rows are
        spread over micro-batches and processes.
        """
        processes, device = self.processes, self.processes.device
        labelled, tokens = processes.sum(float(batch.labelled), float(batch.tokens))
        labelled = max(labelled, 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self._seed_dropout()
        self.network.train()
        self.optimizer.zero_grad(set_to_none=True)
        # Summed on the device: reading a number would wait for each micro-batch.
        sums = torch.zeros(2, dtype=torch.float64, device=device)
        parts = batch.split(self.config.device_rows)
        for number, part in enumerate(parts, start=1):
            share = part.labelled / labelled
            given = part.tensors(device)
            with processes.syncing(self.wrapped, number == len(parts)):
                with self.autocast():
                    found = self.wrapped(**given)
                # Processes average their gradients; here they add up.
                (found.loss * (share * processes.world)).backward()
            targets = given["labels"][given["labels"] > 0]
            sums[0] += found.loss.detach().double() * share
            sums[1] += (found.logits.detach().argmax(-1) == targets).sum()
        norm = self._clip()
        loss, right = processes.sum(*sums.tolist())
        if not math.isfinite(loss):
            raise InputError(
                f"the loss became {loss} at step {self.step}; lower learning_rate or warm up "
                "longer, and resume from the last checkpoint."
            )
        self.optimizer.step()
        self.step += 1
        self.tokens += int(tokens)
        return _Outcome(loss, right / labelled, norm)

    def _seed_dropout(self) -> None:
        """Let dropout depend on seed, step and process alone: nothing to restore on resuming."""
        key = [self.config.seed, self.step, 2, self.processes.rank]
        torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1)[0]))

    def _clip(self) -> float:
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.config.gradient_clip)
        if self.processes.sharded:
            norm = norm.full_tensor()  # type: ignore[attr-defined]
        return float(norm)

    def score(self, rows: HeldOutRows) -> dict[str, tuple[float, float]]:
        """Score held-out rows, in float32.

        Every process takes part: shards cannot be computed with alone.
        """
        flash = self.config.attention == "flash"  # computes in half precision only
        if flash:
            self.network.set_attn_implementation("sdpa")
        try:
            scores = score_rows(self.network, rows)
        finally:
            if flash:
                self.network.set_attn_implementation("flash")
        if self.processes.sharded:
            self.network.reshard()
        return scores

    def save(self) -> Path:
        """Write a checkpoint that is either whole or absent."""
        folder = self.out / "checkpoints" / f"step-{self.step:07d}"
        if self.step == self._saved:  # a step has one outcome
            return folder
        optimizer = self.processes.optimizer_state(self.network, self.optimizer)
        network = self._gathered()
        state = {
            "step": self.step,
            "tokens": self.tokens,
            "seconds": self.seconds,
            "data": self.data,
            "config": asdict(self.config),
        }

        def fill(partial: Path) -> None:
            save_model(network, partial, self.start.tokenizer_file, card=self._card())
            torch.save({"optimizer": optimizer}, partial / "optimizer.pt")
            text = json.dumps(state, indent=1) + "\n"
            (partial / "state.json").write_text(text, encoding="utf-8")

        self._write(folder, fill)
        self._saved = self.step
        if self.processes.main:
            kept = sorted(folder.parent.glob("step-*[0-9]"))
            for old in kept[: -self.config.keep_checkpoints]:
                shutil.rmtree(old)
        return folder

    def save_snapshot(self) -> None:
        """Write the weights alone, in float16, for the time-lapse."""
        self._write_model(snapshot_folder(self.out, self.step), torch.float16)

    def save_model(self) -> None:
        """Write the final model."""
        self._write_model(self.out / "model", torch.float32)

    def _write_model(self, folder: Path, dtype: torch.dtype) -> None:
        network, tokenizer, card = self._gathered(), self.start.tokenizer_file, self._card()
        self._write(folder, lambda partial: save_model(network, partial, tokenizer, dtype, card))

    def _card(self) -> Card:
        """Say in README.md what the model was trained on, and how."""
        said = dict(note.split(": ", 1) for note in self.notes)
        data = said.pop("Data")
        return Card(
            title=f"{self.out.resolve().name}, after {self.step:,} steps",
            summary="Pre-trained by masked language modelling with dnabert2-explore.",
            base_model=self.config.init_from,
            data={"training": data},
            settings={"steps": f"{self.step:,} of {self.config.total_steps:,}",
                      "tokens": f"{self.tokens:,}"} | said,
            limits=("It predicts masked tokens; what it knows beyond that was not measured here.",),
        )  # fmt: skip

    def _gathered(self) -> Dnabert2ForMaskedLM:
        """Return the network with whole weights, on the main process at least."""
        if not self.processes.sharded:
            return self.network
        weights = self.processes.weights(self.network)
        copy = Dnabert2ForMaskedLM(self.network.config)
        if self.processes.main:
            copy.load_state_dict(weights)
        return copy

    def _write(self, folder: Path, fill: Callable[[Path], None]) -> None:
        """Write on the main process; all of them learn of a failure."""
        failure: CheckpointError | None = None
        if self.processes.main:
            last = latest_checkpoint(self.out)
            kept = f"checkpoint {last.name} is still there" if last else "there is no checkpoint"
            try:
                write_whole(folder, fill, kept)
            except CheckpointError as error:
                failure = error
        if self.processes.any(failure is not None):
            raise failure or CheckpointError(f"{folder} could not be written by the main process.")


def pretrain(
    config: PretrainConfig,
    resume: bool = False,
    progress: Progress | None = None,
    tell: Callable[[tuple[str, ...]], None] | None = None,
) -> PretrainResult:
    """Pre-train a masked language model, or continue a run.

    The batch, the masks and dropout of a step depend on the seed and the step alone, so an
    interrupted run, even a killed one, that is resumed ends with the weights of an uninterrupted
    one: bit for bit on one process.

    Under ``accelerate launch`` or ``torchrun``, processes share every batch.

    Parameters
    ----------
    config : PretrainConfig
        The run.
    resume : bool
        Continue from the newest checkpoint in ``config.out``.
    progress : callable, optional
        Called as ``progress(step, total_steps)`` after every step. If it raises
        :class:`~dnabert2_explore.errors.Cancelled`, a checkpoint is written first.
    tell : callable, optional
        Called once, before the first step, with the notes of the result: what was decided.

    Returns
    -------
    PretrainResult

    Raises
    ------
    InputError
        For bad settings or input, or a run folder that holds checkpoints while `resume` is off.
    CheckpointError
        When resuming without a usable checkpoint, or when one cannot be written.
    """
    found = latest_checkpoint(config.out)
    if found is not None and not resume:
        raise InputError(
            f"{config.out} already holds {found.name}; resume it or choose another out folder."
        )
    if found is None and resume:
        raise CheckpointError(f"{config.out} holds no checkpoint to resume; start without resume.")
    if config.threads:
        torch.set_num_threads(config.threads)
    processes = find_processes(config)
    _check_attention(config, processes)
    start = begin_network(config, found)
    with processes.main_first():
        training, held_out = load_corpora(config)
    data = {"corpus": training.fingerprint, "tokenizer": start.tokenizer_sha256}
    notes = describe(config, training, held_out, processes)
    run = _Run(config, processes, start, data, notes, found)
    sampler = RowSampler(
        training, start.tokenizer, config.row_tokens, config.longest_piece, config.seed, config.draw
    )
    scored: HeldOutRows | None = None
    if held_out is not None:
        scored = held_out_rows(
            held_out, start.tokenizer, config.evaluate_rows, config.row_tokens, config.longest_piece
        )
    logs: Logs | None = None
    if processes.main:
        logs = Logs(run.out, run.step, config.tensorboard)
        parameters = sum(p.numel() for p in run.network.parameters())
        write_description(config, training, notes, parameters, data, processes)
        tidy(run.out, run.step)
        if scored is not None:
            _write_references(run.out, sampler, scored)
        if tell is not None:
            tell(notes)
    try:
        with Batches(sampler, config, processes.rank, processes.world) as batches:
            checkpoint = _train(run, batches, scored, logs, progress)
    finally:
        if logs is not None:
            logs.close()
    finished = run.step >= config.total_steps
    if finished:
        run.save_model()
    return PretrainResult(
        run.step, config.total_steps, run.tokens, run.seconds, finished, checkpoint,
        run.out / "model", notes,
    )  # fmt: skip


def _write_references(out: Path, sampler: RowSampler, scored: HeldOutRows) -> None:
    """Write ``references.json``, losses that curves are compared with, unless it is there."""
    path = out / "references.json"
    if path.is_file():
        return
    # Of a step far above any run's: rows the network is not trained on.
    rows = sampler.rows(10**9, _REFERENCE_ROWS)
    nats = frequency_loss(scored, rows, sampler.tokenizer.get_vocab_size())
    with replacing(path) as temporary:
        content = {"token frequencies alone": round(nats, 4)}
        temporary.write_text(json.dumps(content) + "\n", encoding="utf-8")


def _check_attention(config: PretrainConfig, processes: Processes) -> None:
    dtype = torch.bfloat16 if config.precision == "bfloat16" else torch.float32
    problem = why_not(config.attention, processes.device, dtype)
    if config.attention == "flex" and processes.device.type == "cpu":
        problem = "Backend 'flex' has no backward pass on the CPU: choose 'sdpa'."
    if problem is not None:
        raise InputError(problem)


def _train(
    run: _Run,
    batches: Batches,
    scored: HeldOutRows | None,
    logs: Logs | None,
    progress: Progress | None,
) -> Path:
    """Take steps until the end, the time limit or a cancellation; return the last checkpoint."""
    config, rates, processes = run.config, learning_rates(run.config), run.processes
    checkpoint = latest_checkpoint(run.out) if run.step else None
    if config.snapshots_every and not run.step:
        run.save_snapshot()
    if scored is not None and config.init_from and not run.step:  # what there is to gain on
        scores = run.score(scored)
        if logs is not None:
            logs.scores(0, scores)
    before, begun = run.seconds, time.monotonic()
    losses: list[float] = []
    hits: list[float] = []
    tokens, since = run.tokens, begun
    for batch in batches.take(run.step, config.total_steps):
        rate = float(rates[run.step])
        outcome = run.train_step(batch, rate)
        losses.append(outcome.loss)
        hits.append(outcome.accuracy)
        now = time.monotonic()
        run.seconds = before + now - begun
        last = run.step == config.total_steps
        late = bool(config.max_minutes) and now - begun >= 60 * config.max_minutes
        late = processes.any(late)
        if run.step % config.log_every == 0 or last or late:
            if logs is not None:
                speed = (run.tokens - tokens) / max(now - since, 1e-9)
                logs.row(
                    step=run.step,
                    tokens=run.tokens,
                    loss=f"{np.mean(losses):.5f}",
                    learning_rate=f"{rate:.3e}",
                    gradient_norm=f"{outcome.norm:.4f}",
                    tokens_per_second=f"{speed:.0f}",
                    seconds=f"{run.seconds:.1f}",
                    precision=config.precision,
                    accuracy=f"{np.mean(hits):.5f}",
                )
            losses, hits, tokens, since = [], [], run.tokens, now
        if scored is not None and (run.step % config.evaluate_every == 0 or last):
            scores = run.score(scored)
            if logs is not None:
                logs.scores(run.step, scores)
            since = time.monotonic()
        if config.snapshots_every and (run.step % config.snapshots_every == 0 or last):
            run.save_snapshot()
        if run.step % config.checkpoint_every == 0 or last or late:
            checkpoint = run.save()
        cancelled: Cancelled | None = None
        if progress is not None:
            try:
                progress(run.step, config.total_steps)
            except Cancelled as error:  # between steps; Ctrl-C may come within one: saves nothing
                cancelled = error
        if processes.any(cancelled is not None):
            run.save()
            raise cancelled or Cancelled(f"stopped after step {run.step} of {config.total_steps}")
        if late:
            break
    assert checkpoint is not None  # the last step always writes one
    return checkpoint
