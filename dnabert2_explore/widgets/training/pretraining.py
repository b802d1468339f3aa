"""Watch a pre-training run: its folder is read again whenever it has changed."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any
from weakref import ref

from ipywidgets import HBox, VBox, Widget

from ...common.files import expanded
from ...errors import Cancelled, InputError
from ...figures.core.parts import Figure
from ...figures.training.pretrain import pretrain_curves
from ..core.code import csv_text
from ..core.controls import button, combo, folded, hint, label, menu, part, row, show, toggle
from ..core.explorer import Explorer
from ..core.jobs import sentence
from ..core.state import Selection
from ..core.stop_bar import StopBar
from .explorer import FinetuneApp
from .runlog import RunState, find_runs, new_folder, read_run, signature_of

__all__ = ["PretrainingMonitor"]

_WORDS = {
    "waiting": "waiting for the first row of the log",
    "running": "running",
    "silent": "silent: no new row for a while, so it was stopped or has failed",
    "finished": "finished",
}
_TINY_STEPS = [(f"{n} steps", n) for n in (100, 200, 400, 800)]

#: What a run minimises, in words.
_KINDS = {
    "masked": "Masked-language-model pre-training",
    "contrastive": "Contrastive pre-training",
    "both": "Pre-training by masked tokens and by contrast",
}
_WINDOWS = "windows whose nearest is their own (share)"
#: Loss and accuracy of its log, with their units.
_UNITS = {
    "masked": ("loss (nats a masked token)", "masked tokens found (share)"),
    "contrastive": ("loss (nats a window)", _WINDOWS),
    "both": ("loss (of both, in training)", "found: windows in training, tokens else (share)"),
}


def _objective(state: RunState) -> str:
    """Return what a run minimises, as far as its folder says."""
    said = state.about.get("config", {}).get("objective", "masked")
    return said if said in _KINDS else "masked"


class PretrainingMonitor(Explorer):
    """Watch a pre-training run as it goes, or look at one that has ended.

    Reads ``log.csv``, ``evaluation.csv`` and ``run.json`` of the run folder, whoever writes them:
    this notebook, a terminal, a cluster through a shared disk. For teaching it can start a tiny run
    on the shipped sequences itself.

    Class ``dx-pretraining``; parts ``dx-folder``, ``dx-follow``, ``dx-held-out``, ``dx-steps``,
    ``dx-start``, ``dx-stop``, ``dx-state``, ``dx-notes``.

    Parameters
    ----------
    folder : str or path-like, optional
        Run folder; by default the newest below `runs`.
    runs : str or path-like
        Where runs are looked for, and where a tiny one is made.
    follow : bool
        Read the folder again while it changes.
    pace : float
        Seconds between two looks.

    Attributes
    ----------
    state : RunState or None
        What was read last.

    Examples
    --------
    >>> monitor = PretrainingMonitor("no/such/run", follow=False)
    >>> monitor.state.state
    'waiting'
    """

    title = "Pre-training"
    kind = "pretraining"
    help = (
        "The model sees DNA with 15 % of the tokens hidden and learns to fill them in. The loss is "
        "the surprise at the true token, in nats: knowing nothing costs the logarithm of the "
        "vocabulary's size. Held-out species are never trained on; where their curves part from "
        "the training loss, the model has learnt by heart. <cite>Devlin et al. 2019 (BERT); "
        "Zhou et al. 2024 (DNABERT-2).</cite>"
    )
    reacts_to = frozenset({"theme"})

    def __init__(
        self,
        folder: str | Path | None = None,
        *,
        runs: str | Path = "runs",
        follow: bool = True,
        pace: float = 1.0,
    ) -> None:
        self.runs = Path(runs)
        self.pace = pace
        self.state: RunState | None = None
        self._stop = threading.Event()
        known = [str(one) for one in find_runs(self.runs)]
        first = str(folder) if folder is not None else (known[0] if known else "")
        self.folder = combo(
            "dx-folder", first, known, "Folder of the run to watch", "folder of a run"
        )
        self.follow = toggle("follow", "dx-follow", "Read the folder again while it changes")
        self.follow.value = follow
        self.held_out = menu("dx-held-out", ["loss", "accuracy"], "What the upper panel shows")
        self.steps = menu("dx-steps", _TINY_STEPS, "Length of the run", 400)
        self.start_button = button(
            "Start a tiny run",
            "dx-start",
            "2 small layers on the 500 windows that ship with the package",
            lambda: self._guarded(self.start_tiny),
        )
        self._line = part("dx-state")
        self._notes = part("dx-notes")
        self._tiny = HBox().add_class("dx-tiny")
        super().__init__(Selection(), [hint("what is measured"), self.held_out])
        # How far the run is stands in the line of its state: here is only the button.
        self._bar = StopBar(self.stop, "Stop", numbers=False)
        self._tiny.children = (self._bar, hint("or"), self.start_button, self.steps)
        show(self._read_out, False)
        self.add_class("dx-alone")
        self._when(self.refresh, self.folder)
        self._when(self._draw, self.held_out)
        self._when(self._on_follow, self.follow)
        self._guarded(self.refresh)
        self._on_follow()

    def _above(self) -> list[Widget]:
        chosen = row("dx-choose", label("Run"), self.folder, self.follow, self._tiny)
        return [VBox([chosen, self._line]).add_class("dx-form")]

    def _below(self) -> list[Widget]:
        return [self._notes]

    # Following ----------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Read the folder and draw what it holds."""
        folder = self.folder.value.strip()
        self.state = read_run(expanded(folder)) if folder else None
        self._draw()

    def _on_follow(self) -> None:
        if self.follow.value:
            # The thread must not keep alive what nobody looks at any more.
            thread = threading.Thread(
                target=_follow, args=(ref(self), self.pace), name="dnabert2: monitor", daemon=True
            )
            thread.start()

    def _look(self) -> bool:
        """Refresh if something has changed; False once there is no need to look again."""
        if not self.follow.value or self.comm is None:
            return False
        state = self.state
        if state is not None and signature_of(state.folder) == state.signature:
            # A run that falls silent says so by doing nothing.
            if state.state == "running" and read_run(state.folder).state != "running":
                self._guarded(self.refresh)
        elif state is not None:
            self._guarded(self.refresh)
        return True

    # A tiny run ---------------------------------------------------------------------------------

    def start_tiny(self, after: FinetuneApp | None = None) -> None:
        """Start a small run on the shipped sequences, in the background, and follow it.

        Parameters
        ----------
        after : FinetuneApp, optional
            Wait until its run has ended: two at once would share the same cores.

        Raises
        ------
        InputError
            If one is going on.
        """
        if self._job is not None and self._job.running:
            raise InputError("A run is going on: stop it, or wait for its end.")
        out, steps = new_folder(self.runs, "tiny"), int(self.steps.value)
        self._stop.clear()
        self.start_button.disabled = True
        self.follow.value = True

        def work(progress: Any) -> str:
            from ...training.pretrain import pretrain
            from ...training.pretrain.tiny import tiny_run

            def tick(done: int, total: int) -> None:
                progress(done, total)
                if self._stop.is_set():
                    raise Cancelled("Stopped by the person at the form.")

            try:
                while after is not None and after.busy:
                    self.say("Waits for the training above to end: both would share the cores.")
                    tick(0, 0)
                    time.sleep(0.2)
                self.say("")
                pretrain(tiny_run(out, steps=steps), progress=tick)
            except Cancelled:
                made = (out / "checkpoints").is_dir()
                return f"Stopped; a checkpoint is in {escape(str(out))}." if made else "Stopped."
            finally:
                self.start_button.disabled = False
            return ""

        def done(words: str) -> None:
            self.refresh()
            self.say(words)

        out.mkdir(parents=True)
        self.folder.options = (str(out), *self.folder.options)
        self.folder.value = str(out)
        self._start("pre-training, step", work, done)

    def stop(self) -> None:
        """End the tiny run after the present step; a checkpoint is written."""
        self._stop.set()

    # Drawing ------------------------------------------------------------------------------------

    def _references(self) -> dict[str, float]:
        """Losses to compare with: of knowing nothing, and what the run's folder names."""
        state = self.state
        if state is None:
            return {}
        size = vocabulary_of(state)
        masked = _objective(state) == "masked"  # what tokens cost is no measure of the others
        known = {f"knowing nothing: ln {size:,}": math.log(size)} if size and masked else {}
        return known | (state.references if masked else {})

    def _figure(self) -> Figure | None:
        state = self.state
        if state is None or not (state.log or state.evaluation):
            return None
        return pretrain_curves(
            state.log,
            state.evaluation,
            held_out=self.held_out.value,
            reference=self._references(),
            steps=state.steps,
            words=_UNITS[_objective(state)],
            width=self.plot.width or 1000,
            theme=self.selection.theme,
        )

    def _draw(self) -> None:
        state = self.state
        if state is None:
            self._line.value = ""
            self._show(None, "Name the folder of a run, or start a tiny one to watch.")
            return
        # First the slow part: words that speak of a step must not run ahead of its curve.
        figure = self._figure()
        self._line.value = _state_line(state)
        self._notes.value = folded("What the run decided", state.notes)
        if figure is None:
            place = escape(str(state.folder))
            there = "is there" if state.folder.is_dir() else "is not there yet"
            self._show(None, f"{place} {there}; its curves appear with the first row of its log.")
            return
        self._show(figure, self._words(state), config={"displayModeBar": False})

    def _words(self, state: RunState) -> str:
        species = sorted({str(row["species"]) for row in state.evaluation})
        size = state.about.get("parameters")
        parts = [
            f"{_KINDS[_objective(state)]} in <b>{escape(str(state.folder))}</b>"
            + (f", {size / 1e6:.2f} M parameters." if size else ".")
        ]
        share = _UNITS[_objective(state)][1].removesuffix(" (share)").removeprefix("found: ")
        what = "Loss" if self.held_out.value == "loss" else f"Share of {share}"
        held = f" and of {len(species)} species that are never trained on."
        parts.append(
            f"{what}: of the training batches (grey, mean since the row before)"
            f"{held if species else '; nothing is held out.'}"
        )
        bert = state.about.get("config", {}).get("mask_strategy") == "bert"
        if species and bert and _objective(state) == "masked":
            parts.append(
                "Training batches leave one chosen token in ten visible (80/10/10), held-out rows "
                "hide them all: training looks better for that alone."
            )
        if state.log:
            tokens = state.log[-1].get("tokens")
            if tokens:
                parts.append(f"{tokens / 1e6:,.2f} M tokens so far.")
        return " ".join(parts)

    # Export -------------------------------------------------------------------------------------

    def _stem(self) -> str:
        return "pretraining" if self.state is None else f"pretraining-{self.state.folder.name}"

    def _code(self) -> str:
        if self.state is None:
            raise InputError("There is no run yet: name its folder first.")
        return (
            "from pathlib import Path\n"
            "from dnabert2_explore.figures import pretrain_curves\n"
            "from dnabert2_explore.widgets.training.runlog import read_run\n\n"
            f"run = read_run(Path({str(self.state.folder)!r}))\n"
            "pretrain_curves(run.log, run.evaluation, steps=run.steps, "
            f"held_out={self.held_out.value!r}, reference={self._references()!r}, "
            f"words={_UNITS[_objective(self.state)]!r})"
        )

    def _table(self) -> str:
        state = self.state
        if state is None or not (state.log or state.evaluation):
            raise InputError("There are no numbers yet: name the folder of a run first.")
        keys = ("step", "species", "loss", "accuracy", "tokens_per_second", "learning_rate")
        rows = [{"species": "training", **row} for row in state.log] + state.evaluation
        cells = (["" if row.get(key) is None else _text(row[key]) for key in keys] for row in rows)
        return csv_text([self.caption], keys, cells)


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def vocabulary_of(state: RunState) -> int:
    """Entries the model can choose from; 0 where the run's tokenizer is not at hand."""
    place = state.about.get("config", {}).get("tokenizer") or ""
    path = Path(place)
    path = path / "tokenizer.json" if path.is_dir() else path
    if not path.is_file():
        return 0
    return len(json.loads(path.read_text(encoding="utf-8"))["model"]["vocab"])


def _state_line(state: RunState) -> str:
    """Say how far the run is, in numbers."""
    parts = [f"<b>{_WORDS[state.state]}</b>"]
    if state.steps:
        parts.append(
            f"<progress max='{state.steps}' value='{state.step}'></progress> step "
            f"{state.step:,} of {state.steps:,}"
        )
    elif state.step:
        parts.append(f"step {state.step:,}")
    if state.log:
        loss = state.log[-1].get("loss")
        if loss is not None:
            parts.append(f"training loss {loss:.3f} nats")
    if state.state == "running" and state.left is not None:
        parts.append(f"about {_duration(state.left)} left")
    if state.tokens_per_second:
        parts.append(f"{state.tokens_per_second:,.0f} tokens/s")
    return f"<span class='dx-state-{state.state}'>{' · '.join(parts)}</span>"


def _duration(seconds: float) -> str:
    """Write a time to go in the unit that fits.

    Examples
    --------
    >>> _duration(42), _duration(600), _duration(9000)
    ('42 s', '10 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _follow(monitor: Callable[[], PretrainingMonitor | None], pace: float) -> None:
    """Look at a monitor's folder again and again, until it is gone or follows no more."""
    while True:
        time.sleep(pace)
        view = monitor()
        try:
            if view is None or not view._look():
                return
        except OSError as error:  # a folder that is moved, a disk that is away
            assert view is not None
            view.say(sentence(error), error=True)
        del view
