"""Fine-tune a pre-trained model to classify sequences; the best checkpoint on dev is kept."""

from __future__ import annotations

import csv
import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..encoder import SHIPPED, find_device
from ..errors import CheckpointError, InputError
from ..network import Dnabert2Config, Dnabert2ForSequenceClassification, Dnabert2Model
from ..network.checkpoint import Checkpoint, find_checkpoint, load_network
from ..sequences import reverse_complement
from ..tokens import DnaTokenizer
from .baselines import majority_scores, position_weight_scores
from .configuration import read_yaml
from .saving import save_model
from .tables import LabelledSequences, read_labelled, scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FinetuneConfig", "FinetuneResult", "finetune", "predict_classes", "predict_file"]

_LOG_COLUMNS = ("step", "epoch", "train_loss", "dev_loss", "dev_mcc", "dev_accuracy", "seconds")


@dataclass(frozen=True, slots=True)
class FinetuneConfig:
    """Everything that determines a fine-tuning run.

    Parameters
    ----------
    model : str
        The pre-trained model: "pocket", a folder, or a hub id.
    train, dev : str
        CSV files with the columns ``sequence`` and ``label`` (words or integers).
    out : str
        Run folder: ``log.csv``, ``metrics.json``, ``model/``.
    test : str
        CSV scored once, with the kept checkpoint; "" for none.
    baselines : bool
        Score majority and position weight matrix on test too (windows of one length).
    max_tokens : int
        Longer sequences are cut; 0 for no limit.
    batch_rows, epochs : int
        Sequences a step, passes over the training file.
    learning_rate, warmup_steps, weight_decay, gradient_clip : float, int
        AdamW with linear warm-up and linear decay to 0 (0.9, 0.999, 1e-8).
    dropout : float
        Hidden and classifier dropout.
    pooling : {"cls", "mean"}
        What the classifier reads.
    both_strands : bool
        Train on a random strand of each sequence. Off where the strand carries the label.
    evaluate_every : int
        Steps between evaluations on dev; 0 for once an epoch.
    select : {"loss", "mcc"}
        Which dev score chooses the checkpoint.
    seed, device, precision, threads
        As in pre-training.
    max_minutes : float
        Stop after so long and keep the best so far; 0 for no limit.
    """

    model: str
    train: str
    dev: str
    out: str
    test: str = ""
    baselines: bool = False
    max_tokens: int = 0
    batch_rows: int = 32
    epochs: int = 3
    learning_rate: float = 3e-4
    warmup_steps: int = 100
    weight_decay: float = 0.01
    gradient_clip: float = 1.0
    dropout: float = 0.1
    pooling: str = "cls"
    both_strands: bool = False
    evaluate_every: int = 0
    select: str = "loss"
    seed: int = 42
    device: str = "auto"
    precision: str = "float32"
    threads: int = 0
    max_minutes: float = 0.0

    def __post_init__(self) -> None:
        for name, allowed in (
            ("pooling", ("cls", "mean")),
            ("select", ("loss", "mcc")),
            ("precision", ("float32", "bfloat16")),
        ):
            if getattr(self, name) not in allowed:
                raise InputError(
                    f"{name} is {getattr(self, name)!r}; expected {' or '.join(allowed)}."
                )
        for name in ("batch_rows", "epochs"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; expected at least 1.")

    @classmethod
    def from_yaml(cls, path: str | Path) -> FinetuneConfig:
        """Read a configuration; unknown, missing and ill-typed keys are an :class:`InputError`."""
        return read_yaml(cls, path)


@dataclass(frozen=True, slots=True)
class FinetuneResult:
    """What a fine-tuning run found.

    Parameters
    ----------
    classes : tuple of str
        Class names in the order of the logits.
    best_step, steps : int
        Step whose weights were kept; steps taken.
    seconds : float
        Wall time.
    dev, test : dict
        :func:`~dnabert2_explore.training.tables.scores` of the kept weights (and ``loss``);
        `test` is empty without a test file.
    baselines : dict
        ``majority`` and ``position_weights``: their scores on test.
    model : pathlib.Path
        Folder with the kept weights.
    """

    classes: tuple[str, ...]
    best_step: int
    steps: int
    seconds: float
    dev: dict[str, float]
    test: dict[str, float]
    baselines: dict[str, dict[str, float]]
    model: Path


def _find(model: str | Path) -> Checkpoint:
    """Find a shipped model, a folder, or a hub id."""
    return find_checkpoint(SHIPPED.get(str(model), model))


def _load(
    config: FinetuneConfig, checkpoint: Checkpoint, classes: tuple[str, ...]
) -> Dnabert2ForSequenceClassification:
    """Put the pre-trained encoder under a fresh pooler and classifier."""
    source = load_network(checkpoint, torch.float32)
    shape = source.config.to_dict() | {
        "id2label": dict(enumerate(classes)),
        "label2id": {name: i for i, name in enumerate(classes)},
        "classifier_pooling": config.pooling,
        "hidden_dropout_prob": config.dropout,
        "problem_type": "single_label_classification",
        "dtype": torch.float32,  # shipped weights are half precision; training is not
    }
    network = Dnabert2ForSequenceClassification(Dnabert2Config.from_dict(shape))
    encoder = source if isinstance(source, Dnabert2Model) else source.bert
    # strict=False for the pooler alone: load_network has checked every other key already.
    missing, _ = network.bert.load_state_dict(
        {k: v for k, v in encoder.state_dict().items() if not k.startswith("pooler.")},
        strict=False,
    )
    assert all(key.startswith("pooler.") for key in missing)
    return network


def _encode(
    tokenizer: DnaTokenizer, bases: tuple[str, ...], max_tokens: int
) -> list[NDArray[np.int64]]:
    out = []
    for tokens in tokenizer.encode_batch(bases):
        ids = tokens.ids
        if max_tokens and len(ids) > max_tokens:
            ids = np.concatenate([ids[: max_tokens - 1], ids[-1:]])  # keeps [SEP]
        out.append(ids)
    return out


def _batch(
    rows: list[NDArray[np.int64]], pad: int, device: torch.device
) -> dict[str, torch.Tensor]:
    longest = max(len(row) for row in rows)
    ids = np.full((len(rows), longest), pad, dtype=np.int64)
    mask = np.zeros((len(rows), longest), dtype=np.int64)
    for i, row in enumerate(rows):
        ids[i, : len(row)], mask[i, : len(row)] = row, 1
    return {
        "input_ids": torch.from_numpy(ids).to(device),
        "attention_mask": torch.from_numpy(mask).to(device),
    }


def predict_classes(
    network: Dnabert2ForSequenceClassification,
    rows: list[NDArray[np.int64]],
    pad: int,
    batch_rows: int = 128,
) -> NDArray[np.float64]:
    """Log probabilities, (n, classes); batches are formed by length, the order is kept."""
    order = np.argsort([len(row) for row in rows], kind="stable")
    out = np.empty((len(rows), network.num_labels))
    was_training = network.training
    network.eval()
    for start in range(0, len(rows), batch_rows):
        part = order[start : start + batch_rows]
        with torch.inference_mode():
            logits = network(**_batch([rows[i] for i in part], pad, network.device)).logits
        out[part] = logits.double().log_softmax(-1).cpu().numpy()
    network.train(was_training)
    return out


def _judge(logs: NDArray[np.float64], data: LabelledSequences) -> dict[str, float]:
    loss = -float(logs[np.arange(len(data)), data.labels].mean())
    return {"loss": loss} | scores(data.labels, logs.argmax(1), data.classes)


def predict_file(model: str | Path, table: str | Path, max_tokens: int = 0) -> dict[str, float]:
    """Score a fine-tuned model folder on a CSV, computed in float32.

    Parameters
    ----------
    model : path
        Folder with a classifier.
    table : path
        CSV with ``sequence`` and ``label``, labels by the names in the model's configuration.
    max_tokens : int
        Longer sequences are cut; 0 for no limit.

    Raises
    ------
    CheckpointError
        If the folder holds no classifier.
    InputError
        For a bad table.
    """
    checkpoint = _find(model)
    network = load_network(checkpoint, torch.float32)
    if not isinstance(network, Dnabert2ForSequenceClassification):
        raise CheckpointError(f"{model} has no classifier; fine-tune it first.")
    names = network.config.id2label
    data = read_labelled(table, tuple(names[i] for i in sorted(names)))
    tokenizer = DnaTokenizer.from_file(checkpoint.tokenizer)
    rows = _encode(tokenizer, data.bases, max_tokens)
    return _judge(predict_classes(network, rows, tokenizer.pad_id), data)


def finetune(
    config: FinetuneConfig, progress: Callable[[int, int], None] | None = None
) -> FinetuneResult:
    """Train a classifier, keep the weights that do best on dev, and score them on test once.

    Parameters
    ----------
    config : FinetuneConfig
        The run.
    progress : callable, optional
        Called as ``progress(step, steps)`` after every step.

    Returns
    -------
    FinetuneResult
        Also written to ``metrics.json``.

    Raises
    ------
    InputError
        For bad settings or files.
    CheckpointError
        If `config.model` is no pre-trained model.
    """
    begun = time.monotonic()
    training = read_labelled(config.train)
    dev = read_labelled(config.dev, training.classes)
    test = read_labelled(config.test, training.classes) if config.test else None
    if config.threads:
        torch.set_num_threads(config.threads)
    device = find_device(config.device)
    checkpoint = _find(config.model)
    tokenizer = DnaTokenizer.from_file(checkpoint.tokenizer)
    pad = tokenizer.pad_id
    torch.manual_seed(config.seed)
    network = _load(config, checkpoint, training.classes).to(device)
    strands = [_encode(tokenizer, training.bases, config.max_tokens)]
    if config.both_strands:
        turned = tuple(reverse_complement(bases) for bases in training.bases)
        strands.append(_encode(tokenizer, turned, config.max_tokens))
    dev_rows = _encode(tokenizer, dev.bases, config.max_tokens)

    per_epoch = math.ceil(len(training) / config.batch_rows)
    steps = per_epoch * config.epochs
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min(
            (step + 1) / max(config.warmup_steps, 1),
            (steps - step) / max(steps - config.warmup_steps, 1),
        ),
    )
    out = Path(config.out)
    out.mkdir(parents=True, exist_ok=True)
    log = out / "log.csv"
    log.write_text(",".join(_LOG_COLUMNS) + "\n")
    every = config.evaluate_every or per_epoch
    best: tuple[float, int, dict[str, float], dict[str, torch.Tensor]] | None = None
    losses: list[float] = []
    step = 0
    for step, chosen, epoch in _batches(config, len(training), per_epoch):
        network.train()
        rng = np.random.default_rng([config.seed, step])
        side = rng.integers(len(strands), size=len(chosen))
        rows = [strands[s][i] for s, i in zip(side, chosen, strict=True)]
        with (
            torch.autocast(device.type, torch.bfloat16)
            if config.precision == "bfloat16"
            else nullcontext()
        ):
            labels = torch.from_numpy(training.labels[chosen]).to(device)
            loss = network(**_batch(rows, pad, device), labels=labels).loss
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), config.gradient_clip)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        seconds = time.monotonic() - begun
        late = bool(config.max_minutes) and seconds >= 60 * config.max_minutes
        if step % every == 0 or step == steps or late:
            found = _judge(predict_classes(network, dev_rows, pad), dev)
            with log.open("a", newline="") as handle:
                csv.writer(handle).writerow(
                    (step, epoch, f"{np.mean(losses):.5f}", f"{found['loss']:.5f}",
                     f"{found['mcc']:.5f}", f"{found['accuracy']:.5f}", f"{seconds:.1f}")
                )  # fmt: skip
            losses = []
            merit = -found["loss"] if config.select == "loss" else found["mcc"]
            if best is None or merit > best[0]:
                state = {k: v.detach().clone() for k, v in network.state_dict().items()}
                best = (merit, step, found, state)
        if progress is not None:
            progress(step, steps)
        if late:
            break
    assert best is not None  # the last step is always evaluated
    network.load_state_dict(best[3])
    save_model(network, out / "model", checkpoint.folder)
    tested: dict[str, float] = {}
    beside: dict[str, dict[str, float]] = {}
    if test is not None:
        rows = _encode(tokenizer, test.bases, config.max_tokens)
        tested = _judge(predict_classes(network, rows, pad), test)
        if config.baselines:
            beside = {
                "majority": majority_scores(training, test),
                "position_weights": position_weight_scores(training, dev, test),
            }
    result = FinetuneResult(
        training.classes, best[1], step, time.monotonic() - begun, best[2], tested, beside,
        out / "model",
    )  # fmt: skip
    written: dict[str, Any] = asdict(result) | {
        "model": str(result.model),
        "config": asdict(config),
        "sequences": {
            "train": len(training), "dev": len(dev), "test": 0 if test is None else len(test)
        },
    }  # fmt: skip
    (out / "metrics.json").write_text(json.dumps(written, indent=1) + "\n")
    return result


def _batches(
    config: FinetuneConfig, count: int, per_epoch: int
) -> Iterator[tuple[int, NDArray[np.int64], int]]:
    """Yield (step from 1, indices, epoch from 1), every epoch in its own order."""
    for epoch in range(config.epochs):
        order = np.random.default_rng([config.seed, 10**6 + epoch]).permutation(count)
        for i in range(per_epoch):
            chosen = order[i * config.batch_rows : (i + 1) * config.batch_rows]
            yield epoch * per_epoch + i + 1, chosen, epoch + 1
