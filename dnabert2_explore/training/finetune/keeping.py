"""What a run keeps: its best weights so far, and what it goes on from when it is killed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...common.files import putting
from ...common.randomness import RandomStream
from ...errors import CheckpointError, warn
from ...network import Dnabert2ForSequenceClassification
from ...network.checkpoints.card import Card
from ...network.checkpoints.load import find_checkpoint, load_network
from ...network.checkpoints.vocabulary import vocabulary_sha256
from ..loop.checkpoints import (
    checkpoint_folder,
    drop_unfinished,
    latest_checkpoint,
    read_checkpoint,
    write_state,
    write_whole,
)
from ..loop.processes import Processes
from .config import FinetuneConfig
from .data import Splits
from .folder import RunFolder
from .methods.learners import Learner
from .methods.source import Source

__all__ = ["Keeper", "identity"]

_TENSORS = "training.pt"
#: Folder of a checkpoint with the best model at its time.
_BEST = "best"


#: What a run may change and still go on where a killed one was: how it is watched and scored, and
#: the names of files, whose content is compared instead.
_FREE = ("out", "train", "dev", "test", "genome", "max_minutes", "checkpoint_minutes", "bootstrap",
         "check_leakage", "threads", "device")  # fmt: skip


def identity(
    config: FinetuneConfig, splits: Splits, source: Source, device: torch.device
) -> dict[str, Any]:
    """Say what a run must have in common with a killed one to go on where that ended."""
    settings = dataclasses.asdict(config)
    for name in _FREE:
        del settings[name]
    rows = hashlib.sha256()
    for part in (splits.train, splits.dev):
        rows.update("\n".join((*part.bases, *(part.second or ()), *part.classes)).encode())
        rows.update(np.ascontiguousarray(part.labels).tobytes())
    settings |= {
        "data": rows.hexdigest(),
        "weights": "" if source.fresh else source.checkpoint.sha256(),
        "vocabulary": vocabulary_sha256(source.tokenizer),
        "device": device.type,
    }
    found: dict[str, Any] = json.loads(json.dumps(settings))  # as a file gives it back
    return found


class Keeper:
    """The best weights so far, in memory and in the run's folder, and the run's checkpoint.

    The first of the processes writes: ``tokenizer.json`` with the model, ``card(step)`` of its
    step, and, `minutes` apart (0 for none), checkpoints with the run's `settings`, its `identity`.
    `best` is the merit on dev of the kept weights (higher is better) and their step.
    """

    def __init__(
        self,
        folder: RunFolder,
        learner: Learner,
        processes: Processes,
        tokenizer: Path,
        card: Callable[[int], Card],
        settings: dict[str, Any],
        minutes: float,
    ) -> None:
        self.folder, self.learner, self.processes = folder, learner, processes
        self.best: tuple[float, int] | None = None
        self._tokenizer, self._card, self._settings = tokenizer, card, settings
        self._seconds, self._last = 60 * minutes, time.monotonic()
        self._network: Dnabert2ForSequenceClassification | None = None

    def offer(self, merit: float, step: int) -> bool:
        """Keep the weights as they are if they are the best; say whether they are.

        On a full disk, training goes on without.
        """
        if self.best is not None and merit <= self.best[0]:
            return False
        network = self.learner.finished()
        self.best, self._network = (merit, step), network  # together, whatever interrupts
        if self.processes.main:
            try:
                self._write_model()
            except CheckpointError as error:
                warn(f"{error} Training goes on, and tries again.")
        return True

    def for_good(self, step: int, state: dict[str, Any]) -> Dnabert2ForSequenceClassification:
        """Make sure that the folder holds the best weights; return them.

        Until `done`, a checkpoint says that training is over after `step`, with the `state` of
        `checkpoint`: a run killed while it is scored does not train again. Its weights are those of
        the folder by a second name, and take no room.
        """
        assert self.best is not None
        assert self._network is not None
        if self.processes.main:
            if self.folder.step != self.best[1]:
                self._write_model()
            if self._seconds:
                self._write_checkpoint(step, {}, state | {"over": True})
        return self._network

    def done(self) -> None:
        """Remove the checkpoint: the run has its result."""
        if self.processes.main:
            shutil.rmtree(self.folder.out / "checkpoints", ignore_errors=True)

    def _write_model(self) -> None:
        assert self.best is not None
        assert self._network is not None
        step = self.best[1]
        self.folder.write_model(
            self._network, step, self._tokenizer, self._card(step), self.learner.save_extras
        )

    # what a killed run goes on from

    @property
    def due(self) -> bool:
        """Whether it is time for a checkpoint."""
        return bool(self._seconds) and time.monotonic() - self._last >= self._seconds

    def checkpoint(
        self,
        step: int,
        optimizer: torch.optim.Optimizer,
        dropout: RandomStream,
        state: dict[str, Any],
    ) -> None:
        """Write a checkpoint; all processes take part. On a full disk, go on without.

        `state` is what JSON holds of the run beside the weights.
        """
        random = self.processes.gather(dropout.states)
        self._last = time.monotonic()
        best_is_whole = self.best is None or self.folder.step == self.best[1]
        if not self.processes.main or not best_is_whole:
            return
        tensors = self.learner.state() | {"optimizer": optimizer.state_dict(), "random": random}
        self._write_checkpoint(step, tensors, state)

    def _write_checkpoint(self, step: int, tensors: dict[str, Any], state: dict[str, Any]) -> None:
        known = {"step": step, "best": self.best, "settings": self._settings}

        def fill(partial: Path) -> None:
            torch.save(tensors, partial / _TENSORS)
            if self.best is not None:
                shutil.copytree(self.folder.model, partial / _BEST, copy_function=_link)
            write_state(partial, state | known)

        folder = checkpoint_folder(self.folder.out, step)
        try:
            write_whole(folder, fill, "training goes on without a checkpoint")
        except CheckpointError as error:
            warn(str(error))
            return
        for old in folder.parent.glob("step-*[0-9]"):
            if old != folder:
                shutil.rmtree(old)

    def resume(
        self, optimizer: torch.optim.Optimizer, dropout: RandomStream
    ) -> dict[str, Any] | None:
        """Take up a killed run of the same settings and data; return what JSON held of it.

        Where training was ``over``, only the best weights are taken up. A checkpoint of other
        settings or data, or of another number of processes, is moved aside with an
        `ExploreWarning`; a damaged one is a `CheckpointError`.
        """
        out = self.folder.out
        found = latest_checkpoint(out)
        if found is None:
            return None
        state, saved = read_checkpoint(
            found, lambda state, saved: (state, saved), _TENSORS, "remove it to begin anew"
        )
        self.processes.gather(None)  # all have read it before the first removes anything
        over = state.get("over", False)
        world = self.processes.world if over else len(saved["random"])
        other = _differences(state["settings"] | {"processes": world},
                             self._settings | {"processes": self.processes.world})  # fmt: skip
        if other:
            if self.processes.main:
                _move_aside(found.parent, f"step {state['step']:,}", other)
            return None
        if not over:
            self.learner.restore(saved)
            optimizer.load_state_dict(saved["optimizer"])
            dropout.states = saved["random"][self.processes.rank]
        if state["best"] is not None:
            merit, step = state["best"]
            if self.processes.main:  # what is there may be of a later step, which is taken anew
                with putting(self.folder.model) as fresh:
                    shutil.copytree(found / _BEST, fresh, copy_function=_link, dirs_exist_ok=True)
            self.folder.step = step
            network = load_network(find_checkpoint(str(found / _BEST)), torch.float32)
            assert isinstance(network, Dnabert2ForSequenceClassification)
            self.best, self._network = (merit, step), network.eval()
        if self.processes.main:
            drop_unfinished(out, "checkpoints")
        return state


def _differences(before: dict[str, Any], now: dict[str, Any]) -> str:
    """Say which settings of a run are others, and how."""
    changed = []
    for name in sorted(before.keys() | now.keys()):
        was, will = before.get(name), now.get(name)
        if was != will:
            digests = name in ("data", "weights", "vocabulary")
            changed.append(f"other {name}" if digests else f"{name}: {was!r} -> {will!r}")
    return "; ".join(changed)


def _move_aside(checkpoints: Path, step: str, other: str) -> None:
    """Keep the checkpoints of another run under a name that nothing has yet, and say so."""
    number = 1
    while (aside := checkpoints.with_name(f"{checkpoints.name}-{number}")).exists():
        number += 1
    checkpoints.rename(aside)
    warn(
        f"{checkpoints} is of a killed run with other settings ({other}): this run begins anew, "
        f"and that of {step} is kept as {aside.name}. To go on with it, move it as "
        f"{checkpoints.name} into an out folder of its own and call with its settings; else remove "
        "it."
    )


def _link(source: str, target: str) -> None:
    """Give a file a second name, so that it takes no room; where there are none, copy it."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
