"""The rows a run trains and is judged on: files, shares of a file, samples, token ids, batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from ...encoder.inputs import cut_ids
from ...errors import InputError
from ...sequences import clean, reverse_complement
from ...tokens import DnaTokenizer
from ...tokens.segmentation import Segmentation, resegment
from ..labelled.tables import Labelled, read_labelled
from .config import FinetuneConfig

__all__ = [
    "Batches",
    "Resegmented",
    "Splits",
    "TokenRows",
    "encode",
    "read_splits",
    "sample_rows",
    "split_off",
]


@dataclass(frozen=True, slots=True)
class Splits:
    """What a run reads, and in words what was decided on the way."""

    train: Labelled
    dev: Labelled
    test: Labelled | None
    notes: list[str] = field(default_factory=list)

    def named(self) -> dict[str, Labelled]:
        """Return the splits there are, by name."""
        parts = {"train": self.train, "dev": self.dev}
        return parts if self.test is None else parts | {"test": self.test}


def read_splits(config: FinetuneConfig) -> Splits:
    """Read the files of a run; set shares apart and draw samples as its settings say.

    Whatever `read_labelled` refuses, and pairs in one file but not in another, are an `InputError`.
    """
    train = read_labelled(config.train, config.task, genome=config.genome)
    notes = [f"task: {train.task}" + ("" if config.task != "auto" else ", told from the labels")]
    task, classes = train.task, train.classes or None
    test = read_labelled(config.test, task, classes, config.genome) if config.test else None
    if config.dev:
        dev = read_labelled(config.dev, task, classes, config.genome)
    else:
        whole = len(train)
        if test is None and config.test_share:
            train, test = split_off(train, config.test_share, whole, config.seed)
        train, dev = split_off(train, config.dev_share, whole, config.seed + 1)
        parts = [f"{len(train):,} train", f"{len(dev):,} dev"]
        parts += [] if config.test or test is None else [f"{len(test):,} test"]
        notes.append(
            f"one file was split by seed {config.seed}: {', '.join(parts)} of {whole:,} rows, "
            "equal sequences kept together; neighbours on a genome may still be on both sides"
        )
    for name, part, path in (("dev", dev, config.dev), ("test", test, config.test)):
        if part is not None and (part.second is None) != (train.second is None):
            raise InputError(
                f"{path}: {name} and {config.train} differ, one holds pairs and the other does "
                "not: give the same columns in both."
            )
    if config.train_rows and config.train_rows < len(train):
        whole = len(train)
        train = sample_rows(train, config.train_rows, config.seed)
        notes.append(f"trained on {len(train):,} of {whole:,} rows, a sample by seed and class")
    splits = Splits(train, dev, test, notes)
    notes.extend(_remarks(splits, config))
    return splits


def _remarks(splits: Splits, config: FinetuneConfig) -> list[str]:
    """Say what of the data a reader of the scores should know."""
    notes = []
    for name, part in splits.named().items():
        texts = part.bases + (part.second or ())
        unknown, total = sum(one.count("N") for one in texts), sum(map(len, texts))
        if unknown:
            notes.append(
                f"{name}: {unknown:,} of {total:,} bases ({unknown / total:.2%}) are not A, C, G "
                "or T and are read as N"
            )
        if part.task == "regression":
            continue
        absent = [c for c, n in zip(part.classes, part.class_counts, strict=True) if not n]
        if absent:
            notes.append(f"{name}: no row of {', '.join(absent)}")
    if splits.train.task == "regression" and np.ptp(splits.train.labels) == 0:
        raise InputError(
            f"{config.train}: every label is {splits.train.labels[0]:g}; there is nothing to "
            "learn: give labels that differ."
        )
    return notes


def _strata(data: Labelled) -> NDArray[np.int64]:
    """Group of each row: its class, or of a regression the tenth its label lies in; shape (n,)."""
    if data.task == "classification":
        return np.asarray(data.labels, dtype=np.int64)
    if data.task == "multi_label":
        return np.asarray(np.unique(data.labels, axis=0, return_inverse=True)[1]).reshape(-1)
    ranks = np.argsort(np.argsort(data.labels, kind="stable"), kind="stable")
    return np.asarray(ranks * 10 // len(data), dtype=np.int64)


def sample_rows(data: Labelled, rows: int, seed: int) -> Labelled:
    """Draw a sample in which classes have the shares they have in all; order is kept.

    Every class keeps at least one row; more classes than `rows` are an `InputError`.
    """
    if rows < len(data.classes) and data.task == "classification":
        raise InputError(
            f"train_rows is {rows}, but there are {len(data.classes)} classes: ask for more rows."
        )
    rng = np.random.default_rng([seed, 3])
    strata = _strata(data)
    shuffled = rng.permutation(len(data))
    # Rows of a stratum at evenly spaced places between 0 and 1; the lowest places are taken.
    place = np.empty(len(data))
    for stratum in np.unique(strata):
        members = shuffled[strata[shuffled] == stratum]
        place[members] = (np.arange(len(members)) + rng.random()) / len(members)
        if data.task == "classification":
            place[members[0]] = -1.0  # at least one of each
    return data.take(np.sort(np.argsort(place, kind="stable")[:rows]))


def split_off(data: Labelled, share: float, whole: int, seed: int) -> tuple[Labelled, Labelled]:
    """Set a share of `whole` rows apart: (rest, share); too few rows are an `InputError`.

    Equal sequences, on either strand, stay together.
    """
    rng = np.random.default_rng([seed, 4])
    groups: dict[tuple[str, ...], list[int]] = {}
    for row, bases in enumerate(zip(*data.parts, strict=True)):
        key = min(bases, tuple(map(reverse_complement, bases)))
        groups.setdefault(key, []).append(row)
    strata = _strata(data)
    members: dict[int, list[list[int]]] = {}
    for rows in groups.values():
        members.setdefault(int(strata[rows[0]]), []).append(rows)
    apart: list[int] = []
    for stratum in sorted(members):
        every = members[stratum]
        wanted = share * whole * sum(map(len, every)) / len(data)
        taken = 0
        for index in rng.permutation(len(every)):
            # A class with one group stays in training whole.
            if taken + len(every[index]) / 2 > wanted or len(every) < 2:
                break
            apart.extend(every[index])
            taken += len(every[index])
    if not apart or len(apart) == len(data):
        raise InputError(
            f"{len(data):,} rows are too few to set {share:.0%} apart: give more rows, or separate "
            "files for train and dev."
        )
    rest = np.setdiff1d(np.arange(len(data)), apart)
    return data.take(rest), data.take(sorted(apart))


class TokenRows(Sequence[NDArray[np.int64]]):
    """Token ids of many sequences in one array of 32-bit numbers; rows come as 64-bit."""

    def __init__(self, rows: list[NDArray[np.int64]]) -> None:
        self.ends = np.cumsum([len(row) for row in rows])
        self.flat = np.concatenate(rows).astype(np.int32)

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, row: int) -> NDArray[np.int64]:  # type: ignore[override]
        start = self.ends[row - 1] if row else 0
        return self.flat[start : self.ends[row]].astype(np.int64)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each row, shape (n,)."""
        return np.diff(self.ends, prepend=0)


def encode(
    tokenizer: DnaTokenizer, data: Labelled, max_tokens: int, turned: bool = False
) -> tuple[TokenRows, int]:
    """Encode rows as prediction does; also return how many were cut at `max_tokens` (0: none).

    With `turned` it is the other strand of every sequence.
    """

    def read(texts: tuple[str, ...]) -> list[NDArray[np.int64]]:
        strands = map(reverse_complement, texts) if turned else texts
        return tokenizer.encode_ids_batch(clean(text) for text in strands)

    first, second = read(data.bases), None if data.second is None else read(data.second)
    whole = [len(ids) for ids in first]
    if second is not None:
        whole = [n + len(ids) - 1 for n, ids in zip(whole, second, strict=True)]
    cut = sum(n > max_tokens for n in whole) if max_tokens else 0
    return TokenRows(cut_ids(first, second, max_tokens or None)), cut


class Resegmented:
    """Training rows cut into other tokens every time they are read, at most so many (0: all)."""

    def __init__(
        self, tokenizer: DnaTokenizer, data: Labelled, how: Segmentation, max_tokens: int
    ) -> None:
        self.tokenizer, self.how, self.limit = tokenizer, how, max_tokens or None
        self.texts = [[clean(text).bases for text in part] for part in data.parts]

    def ids(
        self, rows: NDArray[np.int64], turned: NDArray[np.bool_], rng: np.random.Generator
    ) -> list[NDArray[np.int64]]:
        """Token ids of some rows, on the strands asked for."""
        read = []
        for part in self.texts:
            strands = [
                reverse_complement(part[row]) if turn else part[row]
                for row, turn in zip(rows.tolist(), turned.tolist(), strict=True)
            ]
            read.append(resegment(self.tokenizer, strands, self.how, rng))
        return cut_ids(read[0], read[1] if len(read) > 1 else None, self.limit)


class Batches:
    """The training rows of every step, in an order of each epoch's own.

    A batch is drawn at random, sorted by `lengths` (n,), and dealt to the processes and the parts
    that they compute at once, so that little is padded: `batch_size` rows of all processes
    together, `device_batch` of one at once. All its rows count the same in the loss, which makes
    the split of no consequence. A batch depends on the seed and the step alone. With several
    processes, up to processes - 1 rows of an epoch's last batch are left out, so that each has
    equally many.

    ``collate(rows (k,), turned (k,) bool, rng)`` returns the inputs and ``labels``; with `augment`
    a strand is drawn for each row and epoch. `steps` is how many an epoch has.
    """

    def __init__(
        self,
        count: int,
        lengths: NDArray[np.int64],
        collate: Callable[
            [NDArray[np.int64], NDArray[np.bool_], np.random.Generator], dict[str, torch.Tensor]
        ],
        batch_size: int,
        device_batch: int,
        augment: bool,
        seed: int,
        process: int = 0,
        processes: int = 1,
    ) -> None:
        self.count = count
        self.lengths = lengths
        self.collate = collate
        self.batch_size = batch_size
        self.device_batch = device_batch
        self.augment = augment
        self.seed = seed
        self.process = process
        self.processes = processes
        full, rest = divmod(count, batch_size)
        self.steps = max(1, full + (rest >= processes))

    def take(self, first: int, end: int) -> Iterator[list[dict[str, torch.Tensor]]]:
        """Yield what this process computes in steps `first` … `end` - 1, in parts."""
        epoch = -1
        for step in range(first, end):
            if step // self.steps != epoch:
                epoch = step // self.steps
                rng = np.random.default_rng([self.seed, 10**6 + epoch])
                order = rng.permutation(self.count)
                turned = (
                    rng.random(self.count) < 0.5 if self.augment else np.zeros(self.count, bool)
                )
            start = step % self.steps * self.batch_size
            rows = order[start : start + self.batch_size]
            rows = rows[: len(rows) - len(rows) % self.processes]
            rows = rows[np.argsort(self.lengths[rows], kind="stable")][
                self.process :: self.processes
            ]
            parts = math.ceil(len(rows) / self.device_batch)
            # Of this batch and process alone: how it is cut does not depend on the others.
            key = [self.seed, 10**6 + epoch, 1 + start, self.process]
            stream = np.random.default_rng(key)
            cut = np.array_split(rows, parts) if parts else []
            yield [self.collate(part, turned[part], stream) for part in cut]
