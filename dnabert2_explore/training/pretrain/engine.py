"""State of one run and what is done to it: a step, a score, a checkpoint."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from ...common.randomness import RandomStream
from ...errors import CheckpointError, InputError
from ...network import Dnabert2ForMaskedLM
from ...network.checkpoints.card import Card
from ...network.checkpoints.saving import save_model
from ...network.composed import ComposedNetwork
from ..loop.averaging import averaged
from ..loop.checkpoints import (
    checkpoint_folder,
    latest_checkpoint,
    write_state,
    write_whole,
)
from ..loop.processes import Processes
from ..loop.update import Outcome, Update
from .batches import Batch
from .checkpoints import check_continuation, read_state, snapshot_folder
from .config import PretrainConfig
from .networks import Network, Start
from .objectives import LIMITS, OBJECTIVE_WORDS, find_objective

__all__ = ["Run", "Scored"]

#: Scores a network on held-out sequences: species -> (loss, accuracy).
Scored = Callable[[Any], dict[str, tuple[float, float]]]


class Run:
    """State of one run: network, optimiser, step, and the folders they are written to.

    `data` are digests of what batches are drawn from, compared when a run is `resumed` from a
    checkpoint; `notes` is what the model's README.md says of the run.
    """

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
        #: Losses and accuracies of the steps since the last row of the log, which a resumed run
        #: takes the mean of as the one before it would have.
        self.unlogged: tuple[list[float], list[float]] = [], []
        self._objective = find_objective(config, start)
        self._saved = -1  # step of the last checkpoint written or read
        saved: Any = None
        if resumed is not None:
            saved = self._restore(resumed)
        self.network: Network = start.network.to(processes.device)
        if config.compile:
            encoder: Any = getattr(self.network, "bert", self.network)
            encoder.compile(dynamic=False if config.windows == "random" else None)
        self.module: nn.Module = self.network
        if config.embeddings == "composed":
            fresh = not config.init_from
            with start.fresh.drawing():
                self.module = ComposedNetwork(self.network, start.vocabulary, fresh)
            self.module.to(processes.device)
        self.average = averaged(self.module, config.average)
        self._update: Update[Batch] = Update(
            self.module,
            processes,
            self._compute,
            lambda trained: [{"params": trained, "weight_decay": config.weight_decay}],
            rate=config.learning_rate,
            betas=(config.beta1, config.beta2),
            epsilon=config.epsilon,
            fused=True,
            clip=config.gradient_clip,
            bfloat16=config.precision == "bfloat16",
            average=self.average,
        )
        self._units = 1.0
        if saved is not None:
            self._set(saved)

    def _restore(self, folder: Path) -> Any:
        """Take weights and counters of a checkpoint; return its optimizer.pt."""
        state, weights, saved = read_state(folder)
        check_continuation(folder, state, self.config, self.data)
        # save_model leaves out the decoder, which is the word embeddings under a second name.
        missing, unexpected = self.start.network.load_state_dict(weights, strict=False)
        tied = set(getattr(self.start.network, "_tied_weights_keys", None) or ())
        if unexpected or set(missing) - tied:
            raise CheckpointError(
                f"checkpoint {folder}: missing {sorted(set(missing) - tied)}, "
                f"unexpected {unexpected}."
            )
        self.step, self.tokens, self.seconds = state["step"], state["tokens"], state["seconds"]
        losses, hits = state.get("unlogged", ([], []))  # earlier versions kept none
        self.unlogged = list(losses), list(hits)
        self._saved = self.step
        return saved

    def _set(self, saved: dict[str, Any]) -> None:
        """Take what is not in the model's file: optimiser, composed table, averaged weights."""
        self.processes.set_optimizer_state(self.network, self._update.optimizer, saved["optimizer"])
        if isinstance(self.module, ComposedNetwork):
            self.module.load_state_dict(saved["composed"], strict=False)
        if self.average is not None:
            self.average.load_state_dict(saved["average"])

    def _beside(self) -> dict[str, Any]:
        """Return what `_set` takes beside the optimiser's state."""
        beside: dict[str, Any] = {}
        if isinstance(self.module, ComposedNetwork):
            beside["composed"] = self.module.composed_state()
        if self.average is not None:
            beside["average"] = self.average.state_dict()
        return beside

    def train_step(self, batch: Batch, rate: float) -> Outcome:
        """Update the weights once; ``right`` of the outcome is the share of units.

        The gradient is that of the mean over all units of the step (labelled tokens, or windows
        that are compared), however the rows are spread over micro-batches and processes.
        """
        units, tokens = self.processes.sum(float(batch.units), float(batch.tokens))
        self._units = max(units, 1.0)
        parts = batch.split(self.config.device_rows)
        outcome = self._update.take(parts, rate, self._dropout())
        if not math.isfinite(outcome.loss):
            raise InputError(
                f"the loss became {outcome.loss} at step {self.step}; lower learning_rate or warm "
                "up longer, and resume from the last checkpoint."
            )
        self.step += 1
        self.tokens += int(tokens)
        return replace(outcome, right=outcome.right / self._units)

    def _compute(
        self, wrapped: nn.Module, part: Batch
    ) -> tuple[torch.Tensor, float, torch.Tensor | float]:
        loss, right = self._objective(wrapped, part.tensors(self.processes.device))
        return loss, part.units / self._units, right

    def _dropout(self) -> RandomStream:
        """Let dropout depend on seed, step and process alone: nothing to restore on resuming."""
        key = [self.config.seed, self.step, 2, self.processes.rank]
        seed = int(np.random.SeedSequence(key).generate_state(1)[0])
        return RandomStream(seed, self.processes.device)

    def judged(self) -> Network:
        """Return the network as it would be saved as a model: averaged, its table folded."""
        module: Any = self.module if self.average is None else self.average.module
        network: Network = module.fold() if isinstance(module, ComposedNetwork) else module
        return network

    def score(self, scored: Scored) -> dict[str, tuple[float, float]]:
        """Score held-out sequences, in float32.

        Every process takes part: shards cannot be computed with alone.
        """
        network = self.judged()
        flash = network.config._attn_implementation == "flash"  # half precision only
        if flash:
            network.set_attn_implementation("sdpa")
        try:
            scores = scored(network)
        finally:
            if flash:
                network.set_attn_implementation("flash")
        if self.processes.sharded:
            cast(Any, self.network).reshard()
        return scores

    def save(self) -> Path:
        """Write a checkpoint that is either whole or absent."""
        folder = checkpoint_folder(self.out, self.step)
        if self.step == self._saved:  # a step has one outcome
            return folder
        optimizer = self.processes.optimizer_state(self.network, self._update.optimizer)
        if isinstance(self.module, ComposedNetwork):
            self.module.fold()
        network, beside = self._gathered(self.network), self._beside()
        state = {
            "step": self.step,
            "tokens": self.tokens,
            "seconds": self.seconds,
            "unlogged": self.unlogged,
            "data": self.data,
            "config": asdict(self.config),
        }

        def fill(partial: Path) -> None:
            save_model(network, partial, self.start.tokenizer_file, card=self._card())
            torch.save({"optimizer": optimizer, **beside}, partial / "optimizer.pt")
            write_state(partial, state)

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
        network = self._gathered(self.judged())
        tokenizer, card = self.start.tokenizer_file, self._card()
        self._write(folder, lambda partial: save_model(network, partial, tokenizer, dtype, card))

    def _card(self) -> Card:
        """Say in README.md what the model was trained on, and how."""
        said = dict(note.split(": ", 1) for note in self.notes)
        data = said.pop("Data")
        return Card(
            title=f"{self.out.resolve().name}, after {self.step:,} steps",
            summary=f"Pre-trained by {OBJECTIVE_WORDS[self.config.objective]} with "
            "dnabert2-explore.",
            base_model=self.config.init_from,
            data={"training": data},
            settings={"steps": f"{self.step:,} of {self.config.total_steps:,}",
                      "tokens": f"{self.tokens:,}"} | said,
            limits=(LIMITS[self.config.objective],),
        )  # fmt: skip

    def _gathered(self, network: Network) -> Network:
        """Return the network with whole weights, on the main process at least."""
        if not self.processes.sharded:
            return network
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
        (failed,) = self.processes.any(failure is not None)
        if failed:
            raise failure or CheckpointError(f"{folder} could not be written by the main process.")
