"""Masked-language-model pre-training from genomes, resumable to the bit."""

from __future__ import annotations

import csv
import inspect
import json
import math
import os
import shutil
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..encoder import find_device
from ..errors import Cancelled, CheckpointError, InputError
from ..network import Dnabert2Config, Dnabert2ForMaskedLM
from .configuration import read_yaml
from .corpus import Corpus
from .evaluate import HeldOutRows, held_out_rows, score_rows
from .masking import mask_tokens
from .rows import RowSampler, load_backend, special_id
from .saving import save_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PretrainConfig", "PretrainResult", "latest_checkpoint", "learning_rates", "pretrain"]

_LOG_COLUMNS = ("step", "tokens", "loss", "learning_rate", "gradient_norm", "tokens_per_second",
                "seconds", "precision")  # fmt: skip
_EVAL_COLUMNS = ("step", "species", "loss", "accuracy")

# May differ between a run and its continuation without changing what was computed so far.
# The schedule may differ too, as long as it agrees on the past (checked on its own).
_FREE = {"genomes", "table", "tokenizer", "out", "total_steps", "warmup_steps", "decay_steps",
         "schedule", "learning_rate", "threads", "compile", "device", "log_every",
         "checkpoint_every", "evaluate_every", "evaluate_rows", "keep_checkpoints",
         "max_minutes"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PretrainConfig:
    """Everything that determines a pre-training run.

    Parameters
    ----------
    genomes, table : str
        Folder and species table (:func:`~dnabert2_explore.training.corpus.read_table`).
    tokenizer : str
        Folder with ``tokenizer.json``.
    out : str
        Run folder: ``log.csv``, ``evaluation.csv``, ``checkpoints/`` and at the end ``model/``.
    network : dict
        Arguments of :class:`~dnabert2_explore.network.Dnabert2Config` (``vocab_size`` is the
        tokenizer's).
    row_tokens, batch_rows : int
        Tokens a row with [CLS] and [SEP], rows a step.
    shortest, longest : int
        Bases of a window (see :class:`~dnabert2_explore.training.rows.RowSampler`).
    total_steps, warmup_steps, decay_steps : int
        Linear warm-up from 0; then for schedule "linear" a linear decay to 0 at `total_steps`, for
        "trapezoid" a plateau and a linear decay over the last `decay_steps`. A trapezoid may be
        continued with another `total_steps` as long as its decay has not begun.
    schedule : {"linear", "trapezoid"}
        Published: linear.
    learning_rate, beta1, beta2, epsilon, weight_decay, gradient_clip : float
        AdamW and the largest gradient norm. Defaults but the rate are DNABERT-2's.
    mask_probability : float
        Share of tokens predicted.
    mask_strategy : {"bert", "mask"}
        See :func:`~dnabert2_explore.training.masking.mask_tokens`.
    category_power, species_power : float
        Balance of the windows (:class:`~dnabert2_explore.training.corpus.Corpus`).
    seed : int
        Of the initial weights, the windows and the masks.
    device : str
        "auto" takes CUDA where there is one.
    precision : {"float32", "bfloat16"}
        bfloat16: autocast with float32 weights. Worth it on GPUs and CPUs with avx512_bf16 or AMX.
    compile : bool
        Compile the encoder with ``torch.compile`` (needs a C++ compiler on CPU).
    threads : int
        CPU threads, 0 for torch's choice. Another number changes the last bits of sums.
    log_every, checkpoint_every, evaluate_every : int
        In steps; 0 turns evaluation off.
    evaluate_rows : int
        Rows of each held-out species in the periodic evaluation.
    keep_checkpoints : int
        Older ones are removed.
    max_minutes : float
        Write a checkpoint and stop after so long; 0 for no limit.

    Examples
    --------
    >>> PretrainConfig("genomes", "table.tsv", "tokenizer", "run").row_tokens
    128
    """

    genomes: str
    table: str
    tokenizer: str
    out: str
    network: dict[str, Any] = field(default_factory=dict)
    row_tokens: int = 128
    batch_rows: int = 64
    shortest: int = 640
    longest: int = 1008
    total_steps: int = 10_000
    warmup_steps: int = 500
    decay_steps: int = 0
    schedule: str = "linear"
    learning_rate: float = 5e-4
    beta1: float = 0.9
    beta2: float = 0.98
    epsilon: float = 1e-6
    weight_decay: float = 1e-5
    gradient_clip: float = 1.0
    mask_probability: float = 0.15
    mask_strategy: str = "bert"
    category_power: float = 0.5
    species_power: float = 0.5
    seed: int = 0
    device: str = "auto"
    precision: str = "float32"
    compile: bool = False
    threads: int = 0
    log_every: int = 10
    checkpoint_every: int = 200
    evaluate_every: int = 200
    evaluate_rows: int = 16
    keep_checkpoints: int = 2
    max_minutes: float = 0.0

    def __post_init__(self) -> None:
        for name, allowed in (
            ("schedule", ("linear", "trapezoid")),
            ("precision", ("float32", "bfloat16")),
        ):
            if getattr(self, name) not in allowed:
                raise InputError(
                    f"{name} is {getattr(self, name)!r}; expected {' or '.join(allowed)}."
                )
        for name in ("batch_rows", "total_steps", "log_every", "checkpoint_every",
                     "keep_checkpoints"):  # fmt: skip
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; expected at least 1.")
        known = set(inspect.signature(Dnabert2Config).parameters) - {"vocab_size", "kwargs"}
        if unknown := sorted(set(self.network) - known):
            raise InputError(
                f"network has no setting {', '.join(map(repr, unknown))}; expected some of "
                f"{', '.join(sorted(known))}: correct the spelling."
            )
        if self.warmup_steps + self.decay_steps > self.total_steps:
            raise InputError(
                f"warmup_steps + decay_steps is {self.warmup_steps + self.decay_steps}, more than "
                f"total_steps {self.total_steps}; shorten them."
            )

    @classmethod
    def from_yaml(cls, path: str | Path) -> PretrainConfig:
        """Read a configuration; unknown, missing and ill-typed keys are an :class:`InputError`."""
        return read_yaml(cls, path)


@dataclass(frozen=True, slots=True)
class PretrainResult:
    """What a call of :func:`pretrain` reached.

    Parameters
    ----------
    step, total_steps : int
        Steps taken so far and planned.
    tokens : int
        Tokens of all batches so far, [CLS] and [SEP] included.
    seconds : float
        Wall time over all continuations.
    finished : bool
        Whether `total_steps` is reached; then `model` exists.
    checkpoint, model : pathlib.Path
        Last checkpoint; final model folder.
    """

    step: int
    total_steps: int
    tokens: int
    seconds: float
    finished: bool
    checkpoint: Path
    model: Path


def learning_rates(config: PretrainConfig, steps: int | None = None) -> NDArray[np.float64]:
    """Learning rate of steps 0 … `steps` - 1 (all steps when not given)."""
    step = np.arange(config.total_steps if steps is None else steps, dtype=np.float64)
    rise = (step + 1) / max(config.warmup_steps, 1)
    after = (
        config.total_steps - config.warmup_steps
        if config.schedule == "linear"
        else config.decay_steps
    )
    fall = (config.total_steps - step) / after if after else np.ones_like(step)
    return config.learning_rate * np.clip(np.minimum(rise, fall), 0.0, 1.0)


def latest_checkpoint(run: str | Path) -> Path | None:
    """Newest complete checkpoint of a run folder, if there is one."""
    found = sorted(Path(run, "checkpoints").glob("step-*[0-9]"))
    return found[-1] if found else None


class _Run:
    """State of one run: network, optimiser, step, and the files they are written to."""

    def __init__(self, config: PretrainConfig) -> None:
        self.config, self.out = config, Path(config.out)
        if config.threads:
            torch.set_num_threads(config.threads)
        self.device = find_device(config.device)
        self.tokenizer_folder = Path(config.tokenizer)
        self.tokenizer = load_backend(config.tokenizer)
        self.vocabulary = self.tokenizer.get_vocab_size()
        torch.manual_seed(config.seed)
        # Dropout 0 unless asked for: with less than one pass over the genomes nothing overfits.
        shape = {"hidden_dropout_prob": 0.0} | config.network
        try:
            network = Dnabert2Config(vocab_size=self.vocabulary, sparse_prediction=True, **shape)
        except (TypeError, ValueError) as error:
            raise InputError(f"network: {error}") from error
        self.network = Dnabert2ForMaskedLM(network).to(self.device)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(),
            lr=config.learning_rate,
            betas=(config.beta1, config.beta2),
            eps=config.epsilon,
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.step, self.tokens, self.seconds = 0, 0, 0.0

    def autocast(self) -> Any:
        if self.config.precision == "bfloat16":
            return torch.autocast(self.device.type, torch.bfloat16)
        return nullcontext()

    def train_step(self, sampler: RowSampler, rate: float) -> tuple[float, float]:
        """One update; returns loss and gradient norm."""
        config = self.config
        rows = sampler.rows(self.step, config.batch_rows)
        inputs, labels = mask_tokens(
            rows,
            sampler.generator(self.step, purpose=1),
            vocabulary=self.vocabulary,
            mask_id=special_id(self.tokenizer, "[MASK]"),
            probability=config.mask_probability,
            strategy=config.mask_strategy,
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.network.train()
        with self.autocast():
            loss = self.network(
                input_ids=torch.from_numpy(inputs).to(self.device),
                labels=torch.from_numpy(labels).to(self.device),
            ).loss
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), config.gradient_clip)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise InputError(
                f"the loss became {value} at step {self.step}; lower learning_rate or warm up "
                "longer, and resume from the last checkpoint."
            )
        self.optimizer.step()
        self.step += 1
        self.tokens += rows.size
        return value, float(norm)

    def save(self) -> Path:
        """Write a checkpoint that is either whole or absent."""
        folder = self.out / "checkpoints" / f"step-{self.step:07d}"
        partial = folder.with_suffix(".partial")
        for stale in (partial, folder):
            shutil.rmtree(stale, ignore_errors=True)
        partial.mkdir(parents=True)
        save_model(self.network, partial, self.tokenizer_folder)
        torch.save(
            {"optimizer": self.optimizer.state_dict(), "torch_rng": torch.get_rng_state()},
            partial / "optimizer.pt",
        )
        state = {
            "step": self.step,
            "tokens": self.tokens,
            "seconds": self.seconds,
            "config": asdict(self.config),
        }
        (partial / "state.json").write_text(json.dumps(state, indent=1) + "\n")
        os.replace(partial, folder)
        for old in sorted(folder.parent.glob("step-*[0-9]"))[: -self.config.keep_checkpoints]:
            shutil.rmtree(old)
        return folder

    def restore(self, folder: Path) -> None:
        """Continue from a checkpoint whose past agrees with the configuration."""
        from safetensors.torch import load_file

        try:
            state = json.loads((folder / "state.json").read_text())
            weights = load_file(folder / "model.safetensors")
            saved = torch.load(folder / "optimizer.pt", map_location=self.device, weights_only=True)
        except Exception as error:  # json, safetensors and torch each have their own kinds
            raise CheckpointError(
                f"checkpoint {folder} cannot be read ({error}); remove it to resume from the one "
                "before."
            ) from error
        before = PretrainConfig(**state["config"])
        changed = [
            f"{one.name}: {getattr(before, one.name)!r} -> {getattr(self.config, one.name)!r}"
            for one in fields(PretrainConfig)
            if one.name not in _FREE and getattr(before, one.name) != getattr(self.config, one.name)
        ]
        if changed:
            raise InputError(
                f"checkpoint {folder} was made with other settings ({'; '.join(changed)}); "
                "restore them or choose another out folder."
            )
        past = state["step"]
        if not np.allclose(learning_rates(before, past), learning_rates(self.config, past)):
            raise InputError(
                f"the learning rates of steps 0 to {past - 1} differ from those checkpoint "
                f"{folder} was trained with; keep the schedule of the past (a trapezoid may change "
                "total_steps before its decay begins)."
            )
        # save_pretrained leaves out the decoder, which is the word embeddings under a second name.
        missing, unexpected = self.network.load_state_dict(weights, strict=False)
        tied = set(self.network._tied_weights_keys)
        if unexpected or set(missing) - tied:
            raise CheckpointError(
                f"checkpoint {folder}: missing {sorted(set(missing) - tied)}, "
                f"unexpected {unexpected}."
            )
        self.optimizer.load_state_dict(saved["optimizer"])
        torch.set_rng_state(saved["torch_rng"].cpu())
        self.step, self.tokens, self.seconds = past, state["tokens"], state["seconds"]


def _start_log(path: Path, columns: tuple[str, ...], step: int) -> None:
    """Create a CSV log, or drop its rows after `step` so that a continued run has no doubles."""
    kept: list[dict[str, str]] = []
    if step and path.is_file():
        with path.open(newline="") as old:
            kept = [row for row in csv.DictReader(old) if int(row["step"]) <= step]
    with path.open("w", newline="") as new:
        writer = csv.DictWriter(new, columns)
        writer.writeheader()
        writer.writerows(kept)


def _append(path: Path, row: tuple[object, ...]) -> None:
    with path.open("a", newline="") as log:
        csv.writer(log).writerow(row)


def _corpora(config: PretrainConfig) -> tuple[Corpus, Corpus | None]:
    def load(split: str) -> Corpus:
        return Corpus.load(
            config.genomes,
            config.table,
            split,
            config.shortest,
            config.category_power,
            config.species_power,
        )

    return load("train"), load("heldout") if config.evaluate_every else None


def pretrain(
    config: PretrainConfig,
    resume: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> PretrainResult:
    """Pre-train a masked language model, or continue a run.

    The batch and the masks of a step depend on the seed and the step alone, so an interrupted run
    that is resumed ends with the weights of an uninterrupted one.

    Parameters
    ----------
    config : PretrainConfig
        The run.
    resume : bool
        Continue from the newest checkpoint in ``config.out``.
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
        When resuming without a usable checkpoint.
    """
    found = latest_checkpoint(config.out)
    if found is not None and not resume:
        raise InputError(
            f"{config.out} already holds {found.name}; resume it or choose another out folder."
        )
    if found is None and resume:
        raise CheckpointError(f"{config.out} holds no checkpoint to resume; start without resume.")
    run = _Run(config)
    if found is not None:
        run.restore(found)
    training, held_out = _corpora(config)
    sampler = RowSampler(training, run.tokenizer, config.row_tokens, config.longest, config.seed)
    scored: HeldOutRows | None = None
    if held_out is not None:
        scored = held_out_rows(
            held_out, run.tokenizer, config.evaluate_rows, config.row_tokens, config.longest
        )
    run.out.mkdir(parents=True, exist_ok=True)
    log, evaluation = run.out / "log.csv", run.out / "evaluation.csv"
    _start_log(log, _LOG_COLUMNS, run.step)
    _start_log(evaluation, _EVAL_COLUMNS, run.step)
    if config.compile:
        run.network.bert.compile(dynamic=False)
    checkpoint = _train(run, sampler, scored, log, evaluation, progress)
    finished = run.step >= config.total_steps
    if finished:
        save_model(run.network, run.out / "model", run.tokenizer_folder)
    return PretrainResult(
        run.step, config.total_steps, run.tokens, run.seconds, finished, checkpoint,
        run.out / "model",
    )  # fmt: skip


def _train(
    run: _Run,
    sampler: RowSampler,
    scored: HeldOutRows | None,
    log: Path,
    evaluation: Path,
    progress: Callable[[int, int], None] | None,
) -> Path:
    """Take steps until the end or the time limit; return the last checkpoint."""
    config, rates = run.config, learning_rates(run.config)
    checkpoint = latest_checkpoint(run.out) if run.step else None
    before, begun = run.seconds, time.monotonic()
    losses: list[float] = []
    tokens, since = run.tokens, begun
    try:
        while run.step < config.total_steps:
            loss, norm = run.train_step(sampler, float(rates[run.step]))
            losses.append(loss)
            now = time.monotonic()
            run.seconds = before + now - begun
            last = run.step == config.total_steps
            late = bool(config.max_minutes) and now - begun >= 60 * config.max_minutes
            if run.step % config.log_every == 0 or last or late:
                speed = (run.tokens - tokens) / max(now - since, 1e-9)
                _append(log, (run.step, run.tokens, f"{np.mean(losses):.5f}",
                              f"{rates[run.step - 1]:.3e}", f"{norm:.4f}", f"{speed:.0f}",
                              f"{run.seconds:.1f}", config.precision))  # fmt: skip
                losses, tokens, since = [], run.tokens, now
            if scored is not None and (run.step % config.evaluate_every == 0 or last):
                for species, (nats, accuracy) in score_rows(run.network, scored).items():
                    _append(evaluation, (run.step, species, f"{nats:.5f}", f"{accuracy:.5f}"))
                since = time.monotonic()
            if run.step % config.checkpoint_every == 0 or last or late:
                checkpoint = run.save()
            if progress is not None:
                progress(run.step, config.total_steps)
            if late:
                break
    except Cancelled:  # raised between steps; Ctrl-C may come within one, so it saves nothing
        run.save()
        raise
    assert checkpoint is not None  # the last step always writes one
    return checkpoint
