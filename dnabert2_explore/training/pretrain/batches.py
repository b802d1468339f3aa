"""The masked batch of each step, drawn one step ahead of the network."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType

import numpy as np
import torch
from numpy.typing import NDArray

from ..corpus.exclude import Excluded
from ..corpus.rows import RowSampler, attention_mask, special_id
from ..corpus.windows import Corpus
from .config import PretrainConfig
from .contrastive import GroupSampler
from .masking import IGNORED, mask_tokens

__all__ = ["Batch", "Batches", "load_corpora"]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Masked rows of one step that one process computes, (rows, tokens) int64.

    `labels` are as `mask_tokens` returns them, None where no token is predicted; `mask` is 0 at
    padding, None where there is none. Rows of one number in `groups` (rows,) are positives of each
    other; None where windows are not compared.
    """

    inputs: NDArray[np.int64]
    labels: NDArray[np.int64] | None
    mask: NDArray[np.int64] | None
    groups: NDArray[np.int64] | None = None

    @property
    def units(self) -> int:
        """What the loss is a mean of: tokens to predict, or windows where these are compared."""
        if self.groups is not None or self.labels is None:
            return len(self.inputs)
        return int((self.labels != IGNORED).sum())

    @property
    def tokens(self) -> int:
        """Tokens, [CLS] and [SEP] included, padding not."""
        return self.inputs.size if self.mask is None else int(self.mask.sum())

    def split(self, rows: int) -> list[Batch]:
        """Cut into micro-batches of at most `rows` rows (0: not at all)."""
        count = len(self.inputs)
        if not rows or rows >= count:
            return [self]
        return [
            Batch(
                self.inputs[start : start + rows],
                None if self.labels is None else self.labels[start : start + rows],
                None if self.mask is None else self.mask[start : start + rows],
            )
            for start in range(0, count, rows)
        ]

    def tensors(self, device: torch.device) -> dict[str, torch.Tensor]:
        """Arguments of the network."""
        given = {
            "input_ids": self.inputs,
            "labels": self.labels,
            "attention_mask": self.mask,
            "groups": self.groups,
        }
        return {
            name: torch.from_numpy(array).to(device)
            for name, array in given.items()
            if array is not None
        }


def load_corpora(config: PretrainConfig) -> tuple[Corpus, Corpus | None]:
    """Load what a run trains on, and what it is evaluated on, if anything."""
    kept_out = (
        Excluded.of_files(list(config.exclude), config.exclude_margin) if config.exclude else None
    )

    def load(folder: str, split: str) -> Corpus:
        return Corpus.load(
            folder,
            config.table,
            split,
            config.shortest_piece,
            config.category_power,
            config.species_power,
            cut=config.windows,
            strands=config.strands,
            cache=config.cache or None,
            exclude=kept_out if split == "train" else None,
            genome=config.genome or None,
        )

    training = load(config.genomes, "train")
    if not config.evaluate_every or not (config.table or config.heldout):
        return training, None
    return training, load(config.heldout or config.genomes, "heldout")


class Batches:
    """Batches by step. The next one is drawn in a thread while the network computes.

    A batch depends on the seed and the step alone, so that drawing ahead changes nothing. Each
    process takes an equal run of the batch's rows.
    """

    def __init__(
        self, sampler: RowSampler, config: PretrainConfig, rank: int = 0, world: int = 1
    ) -> None:
        self.sampler, self.config = sampler, config
        self._grouped = (
            None if config.objective == "masked" else GroupSampler(sampler.corpus, sampler, config)
        )
        share = config.batch_rows // world
        self._part = slice(rank * share, (rank + 1) * share)
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches")
        self._ahead: dict[int, Future[Batch]] = {}

    def __enter__(self) -> Batches:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def take(self, first: int, end: int) -> Iterator[Batch]:
        """Yield the batches of steps `first` … `end` - 1."""
        for step in range(first, end):
            future = self._ahead.pop(step, None) or self._pool.submit(self.draw, step)
            if step + 1 < end:
                self._ahead[step + 1] = self._pool.submit(self.draw, step + 1)
            yield future.result()

    def draw(self, step: int) -> Batch:
        """Batch of one step."""
        config, sampler = self.config, self.sampler
        groups: NDArray[np.int64] | None = None
        if self._grouped is None:
            ids = sampler.rows(step, config.batch_rows, part=self._part)
        else:
            drawn = self._grouped.draw(step, config.batch_rows)
            ids, groups = drawn.ids, drawn.groups
        mask = attention_mask(ids, sampler.pad_id)
        if config.objective == "contrastive":
            return Batch(ids, None, mask, groups)
        inputs, labels = mask_tokens(
            ids,
            sampler.generator(step, purpose=1),
            vocabulary=sampler.tokenizer.get_vocab_size(),
            mask_id=special_id(sampler.tokenizer, "[MASK]"),
            probability=config.mask_probability,
            strategy=config.mask_strategy,
            part=self._part,
            total=config.batch_rows,
        )
        return Batch(inputs, labels, mask, groups)
