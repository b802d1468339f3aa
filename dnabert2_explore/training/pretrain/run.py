"""The loop: batches, steps, logs, checkpoints, snapshots."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from ...common.costs import says_cost
from ...common.progress import Progress
from ...common.threads import torch_threads
from ...errors import Cancelled, CheckpointError, InputError
from ...results.origins import recorded
from ..corpus.rows import RowSampler
from ..loop.attending import training_backend
from ..loop.checkpoints import latest_checkpoint
from ..loop.processes import Processes, find_processes, processes_started
from ..loop.steps import Loop
from ..loop.update import Outcome
from .batches import Batch, Batches, load_corpora
from .checkpoints import tidy
from .config import PretrainConfig, PretrainResult, learning_rates
from .describe import describe, write_description
from .engine import Run, Scored
from .evaluate import HeldOutRows, frequency_loss, held_out_rows, score_rows
from .logs import REFERENCES, Logs, write_references
from .networks import begin as begin_network
from .objectives import HeldOutWindows

__all__ = ["pretrain"]


#: Training rows whose tokens are counted for references.json.
_REFERENCE_ROWS = 512


@recorded(again=False)
@says_cost
def pretrain(
    config: PretrainConfig,
    *,
    resume: bool = False,
    tell: Callable[[tuple[str, ...]], None] | None = None,
    progress: Progress | None = None,
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
    tell : callable, optional
        Called once, before the first step, with the notes of the result: what was decided.
    progress : callable, optional
        Called as ``progress(step, total_steps)`` after every step. If it raises
        :class:`~dnabert2_explore.errors.Cancelled`, a checkpoint is written first.

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
    with torch_threads(config.threads):
        return _pretrain(config, found, progress, tell)


def _pretrain(
    config: PretrainConfig,
    found: Path | None,
    progress: Progress | None,
    tell: Callable[[tuple[str, ...]], None] | None,
) -> PretrainResult:
    """Go on from the checkpoint `found`, or begin."""
    processes = _processes(config)
    start = begin_network(config, found)
    dtype = torch.bfloat16 if config.precision == "bfloat16" else torch.float32
    start.network.set_attn_implementation(
        training_backend(config.attention, start.network.config, processes.device, dtype)
    )
    with processes.main_first():
        training, held_out = load_corpora(config)
    data = {
        "corpus": training.fingerprint,
        "tokenizer": start.tokenizer_sha256,
        "content of the genomes": training.content_sha256,
    }
    notes = describe(config, training, held_out, processes)
    run = Run(config, processes, start, data, notes, found)
    sampler = RowSampler(
        training, start.tokenizer, config.row_tokens, config.longest_piece, config.seed, config.draw
    )
    rows: HeldOutRows | None = None
    scored: Scored | None = None
    if held_out is not None and config.objective == "contrastive":
        scored = HeldOutWindows(held_out, sampler, config)
    elif held_out is not None:
        rows = held_out_rows(
            held_out, start.tokenizer, config.evaluate_rows, config.row_tokens, config.longest_piece
        )
        scored = partial(score_rows, held_out=rows)
    logs: Logs | None = None
    if processes.main:
        logs = Logs(run.out, run.step, config.tensorboard)
        parameters = sum(p.numel() for p in run.network.parameters())
        write_description(config, training, notes, parameters, data, processes)
        tidy(run.out, run.step)
        if rows is not None:
            _write_references(run.out, sampler, rows)
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


def _processes(config: PretrainConfig) -> Processes:
    """Join the processes that a launcher started.

    A batch that cannot be shared equally, or a device that does not fit, is an `InputError`.
    """
    world = processes_started()
    if world > 1 and config.together:
        raise InputError(
            f"{world} processes were started, but objective {config.objective!r}, embeddings "
            f"{config.embeddings!r} and average {config.average:g} need one; start one process, or "
            "set masked, plain and 0."
        )
    if config.batch_rows % world:
        raise InputError(
            f"batch_rows {config.batch_rows} cannot be shared by {world} processes; make it a "
            f"multiple of {world}."
        )
    flag = os.environ.get("ACCELERATE_USE_FSDP", "false").lower() == "true"
    return find_processes(config.device, config.shard or flag)


def _write_references(out: Path, sampler: RowSampler, scored: HeldOutRows) -> None:
    """Write ``references.json``, losses that curves are compared with, unless it is there."""
    if (out / REFERENCES).is_file():
        return
    # Of a step far above any run's: rows the network is not trained on.
    rows = sampler.rows(10**9, _REFERENCE_ROWS)
    nats = frequency_loss(scored, rows, sampler.tokenizer.get_vocab_size())
    write_references(out, nats)


def _train(
    run: Run,
    batches: Batches,
    scored: Scored | None,
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
    before, tokens, since = run.seconds, run.tokens, time.monotonic()

    def update(batch: Batch, step: int) -> Outcome:
        return run.train_step(batch, float(rates[step]))

    loop = Loop(processes, config.total_steps, config.max_minutes, progress)
    for taken in loop.take(run.step, batches.take(run.step, config.total_steps), update):
        last, late, outcome = taken.last, taken.late, taken.outcome
        losses, hits = run.unlogged
        losses.append(outcome.loss)
        hits.append(outcome.right)
        run.seconds = before + taken.seconds
        if run.step % config.log_every == 0 or last or late:
            if logs is not None:
                now = time.monotonic()
                speed = (run.tokens - tokens) / max(now - since, 1e-9)
                logs.row(
                    step=run.step,
                    tokens=run.tokens,
                    loss=f"{np.mean(losses):.5f}",
                    learning_rate=f"{rates[run.step - 1]:.3e}",
                    gradient_norm=f"{outcome.norm:.4f}",
                    tokens_per_second=f"{speed:.0f}",
                    seconds=f"{run.seconds:.1f}",
                    precision=config.precision,
                    accuracy=f"{np.mean(hits):.5f}",
                )
            run.unlogged, tokens, since = ([], []), run.tokens, time.monotonic()
        if scored is not None and (run.step % config.evaluate_every == 0 or last):
            scores = run.score(scored)
            if logs is not None:
                logs.scores(run.step, scores)
            since = time.monotonic()
        if config.snapshots_every and (run.step % config.snapshots_every == 0 or last):
            run.save_snapshot()
        if run.step % config.checkpoint_every == 0 or last or late:
            checkpoint = run.save()
        if taken.cancelled:
            run.save()
            raise loop.cancelled or Cancelled(
                f"stopped after step {run.step} of {config.total_steps}"
            )
    assert checkpoint is not None  # the last step always writes one
    return checkpoint
