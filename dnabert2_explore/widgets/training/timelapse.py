"""The time-lapse: a model's probabilities, one attention map and the atlas as it learns."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence as Items
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
from ipywidgets import IntSlider, Play, Widget, jslink

from ...common.files import expanded
from ...errors import InputError
from ...figures.core.parts import Figure
from ...figures.training.timelapse import timelapse_figure, timelapse_movie
from ...sequences import Sequence
from ..core.code import csv_text, sequence_code
from ..core.controls import menu, part, row, show
from ..core.explorer import ARROWS, Explorer
from ..core.kept import Kept
from ..core.state import Selection
from ..examples import SPLICE, WINDOWS, fill
from ..views.tokens.explorer import select_token, step_token
from .runlog import RunState, find_runs, read_run

if TYPE_CHECKING:
    from ...analysis.timelapse import TimeLapse

__all__ = ["TimeLapseExplorer"]

_LONGEST = 2000  # bases: every token is masked once in every snapshot
_ATLAS = 150  # points: each is embedded once in every snapshot
_PACE = 500  # milliseconds between two snapshots while it plays


class TimeLapseExplorer(Explorer):
    """Play through the snapshots of a pre-training run.

    Everything is computed once for a sequence; then the slider only draws. All axes and colours
    are the same for all snapshots, so that what moves is the model.

    Class ``dx-timelapse``; parts ``dx-layer``, ``dx-head``, ``dx-play``, ``dx-slider``,
    ``dx-step``.

    Parameters
    ----------
    run : str, path-like or TimeLapse
        Folder of a run with ``snapshots/``, or a result already computed.
    sequences : sequence of Sequence, optional
        Whose tokens are followed; the examples by default.
    atlas : sequence of Sequence, optional
        Points of the atlas; some of the shipped genome windows by default. Classes are their
        ``label``.
    selection : Selection, optional
        Shared with other views.
    patient : bool
        Wait for the end of a run that goes on; without, show the snapshots it has by now.

    Attributes
    ----------
    lapse : TimeLapse or None
        What is on show.
    """

    title = "Time-lapse"
    kind = "timelapse"
    help = (
        "Snapshots of the weights were kept while the model learnt. In each, every token of the "
        "sequence is hidden once and its probability read (bars, against a blind guess; strokes: "
        "the first snapshot), and the same sequences are laid out on the two main axes of the last "
        "snapshot. Neighbours sharing a class may come from base composition alone, which a random "
        "model sees too: compare with the first snapshot, not only with shuffled labels. "
        "<cite>Biderman et al. 2023 (Pythia: checkpoints along training).</cite>"
    )

    def __init__(
        self,
        run: str | Path | TimeLapse | None = None,
        sequences: Items[Sequence] | None = None,
        *,
        atlas: Items[Sequence] | None = None,
        selection: Selection | None = None,
        patient: bool = True,
    ) -> None:
        self.patient = patient
        self.lapse: TimeLapse | None = None
        self._waiter: threading.Thread | None = None
        self._asked: tuple[Any, ...] | None = None
        self._kept: Kept[tuple[Any, ...], TimeLapse] = Kept(8)
        self._fixed = run if run is not None and not isinstance(run, str | Path) else None
        if run is None:
            run = next((one for one in find_runs(Path("runs")) if (one / "snapshots").is_dir()), "")
        self.run = "" if self._fixed is not None else str(run)
        self._atlas = list(atlas) if atlas is not None else None
        self._shipped = atlas is None
        self._snapshots: list[tuple[int, Path]] = []
        self.layer = menu("dx-layer", [("last layer", -1)], "Layer of the attention map")
        self.head = menu("dx-head", [("head 1", 0)], "Head of the attention map")
        self.play = Play(min=0, max=0, interval=_PACE, tooltip="Play").add_class("dx-play")
        self.slider = IntSlider(min=0, max=0, readout=False, tooltip="Snapshot (keys ← →)")
        self.slider.add_class("dx-slider")
        self._step = part("dx-step")
        jslink((self.play, "value"), (self.slider, "value"))
        self._row = row("dx-film", self.play, self.slider, self._step)
        super().__init__(selection, [self.layer, self.head])
        self._when(self._draw, self.slider)
        self._when(lambda: self._changed({"index"}), self.layer, self.head)
        if selection is None:
            fill(self.selection, sequences, sets=(SPLICE, WINDOWS), first=SPLICE)
        self._guarded(self._open)

    def _above(self) -> list[Widget]:
        return [self._row]

    # What is looked at --------------------------------------------------------------------------

    def _open(self) -> None:
        """Find the snapshots, and what heads their network has."""
        if self._fixed is not None:
            self.lapse = self._fixed
            for control in (self.layer, self.head):
                show(control, False)
            self._wind(self._fixed)
            self._draw()
            return
        from ...analysis.timelapse import find_snapshots
        from ...network import Dnabert2Config, alibi_slopes

        if not self.run:
            raise InputError(
                "There is no run to show: name the folder of one that keeps snapshots."
            )
        found = find_snapshots(self.run)
        state = read_run(expanded(self.run))
        # A folder of snapshots alone tells of no run: it is none that is still to begin.
        begins = state.state == "waiting" and (bool(state.about) or not found)
        going = state.state == "running" or begins
        if going and self.patient:
            self._wait_for(state)
            return
        self.say("")
        if len(found) < 2:
            raise InputError(
                f"{self.run} has {len(found)} snapshots; expected at least 2: set "
                "snapshots_every when the run is started."
            )
        self._snapshots = found
        config = Dnabert2Config.from_pretrained(self._snapshots[-1][1])
        layers, heads = config.num_hidden_layers, config.num_attention_heads
        with self._silently():
            self.layer.options = [(f"layer {i + 1}", i) for i in range(layers)]
            self.layer.value = layers - 1
            self.head.options = [(f"head {i + 1}", i) for i in range(heads)]
            self.head.value = int(alibi_slopes(heads).argmin())
        self._changed({"index"})

    def _wait_for(self, state: RunState) -> None:
        """Say how far the run is, and look again in a moment."""
        far = (
            f"The run in {escape(self.run)} is at step {state.step:,} of {state.steps:,}"
            if state.log
            else f"There is no run in {escape(self.run)} yet"
        )
        self.say(f"{far}: its time-lapse appears when it has ended.")
        if self._waiter is None or not self._waiter.is_alive():
            self._waiter = threading.Thread(
                target=_look_again, args=(ref(self),), name="dnabert2: time-lapse", daemon=True
            )
            self._waiter.start()

    def _points(self) -> list[Sequence]:
        """Return the sequences of the atlas, evenly drawn from the shipped windows by default."""
        if self._atlas is None:
            from ... import demo

            windows = demo.windows()
            self._atlas = windows[:: -(-len(windows) // _ATLAS)]
        return self._atlas

    def _changed(self, changed: set[str]) -> None:
        current = self.selection.current
        if self._fixed is not None or current is None or not self._snapshots:
            self._draw()
            return
        if len(current) > _LONGEST:
            self.lapse = None
            self._draw()
            return
        question = (current.bases, self.layer.value, self.head.value)
        if question == self._asked:
            self._draw()
            return
        self._asked = question
        self.plot.stale = question not in self._kept
        bases, layer, head = question
        snapshots, atlas = self._snapshots, self._points()

        def work(progress: Any) -> TimeLapse:
            from ...analysis.timelapse import timelapse

            return timelapse(snapshots, bases, atlas, layer=layer, head=head, progress=progress)

        self._settle(self._kept, question, f"{len(snapshots)} snapshots", work, self._show_lapse)

    def _show_lapse(self, lapse: TimeLapse) -> None:
        self.lapse = lapse
        self.plot.stale = False
        self.say("")
        self._wind(lapse)
        self._draw()

    def _wind(self, lapse: TimeLapse) -> None:
        """Fit slider and play button to the number of snapshots; at first show the last."""
        last = len(lapse.steps) - 1
        if self.slider.max != last:
            with self._silently():
                self.slider.max = self.play.max = last
                self.slider.value = self.play.value = last

    def wait(self, timeout: float | None = None) -> None:
        """Block until a run that goes on has ended and its time-lapse is computed."""
        if self._waiter is not None:
            self._waiter.join(timeout)
        super().wait(timeout)

    @property
    def _fresh(self) -> bool:
        current = self.selection.current
        return self.lapse is not None and (
            self._fixed is not None
            or (current is not None and self.lapse.tokens.bases == current.bases)
        )

    # Drawing ------------------------------------------------------------------------------------

    @property
    def field(self) -> str:
        """What the classes of the atlas are called."""
        points = self._atlas or []
        return "category" if all("category" in one.fields for one in points) else "class"

    def _how(self) -> dict[str, Any]:
        return {
            "view": self.selection.view,
            "selected": self.selection.bases,
            "field": self.field,
            "width": self.plot.width or 1000,
            "theme": self.selection.theme,
        }

    def _figure(self) -> Figure | None:
        if self.lapse is None or not self._fresh:
            return None
        figure = timelapse_figure(self.lapse, self.slider.value, **self._how())
        return figure.update_layout(dragmode=self.selection.drag)

    def _figure_page(self) -> Figure | None:
        # A page of its own can play by itself.
        if self.lapse is None or not self._fresh:
            return None
        return timelapse_movie(self.lapse, **self._how())

    def _draw(self) -> None:
        current, lapse = self.selection.current, self.lapse
        show(self._row, lapse is not None)
        if current is None and self._fixed is None:
            self._show(None, "Choose an example, or add a sequence of your own.")
            return
        if current is not None and len(current) > _LONGEST and self._fixed is None:
            self._show(
                None,
                f"<b>{escape(current.name)}</b> has {len(current):,} bp; the time-lapse takes up "
                f"to {_LONGEST:,} bp: add a shorter stretch of it.",
            )
            return
        if lapse is None or not self._fresh:
            return
        at = self.slider.value
        self._step.value = f"after step <b>{int(lapse.steps[at]):,}</b> of {int(lapse.steps[-1]):,}"
        self._show(
            self._figure(),
            self._words(lapse, at),
            linked=True,
            bounds=(0.5, len(lapse.tokens.bases) + 0.5),
            pressable=True,
            config={"displayModeBar": False},
        )

    def _words(self, lapse: TimeLapse, at: int) -> str:
        current = self.selection.current
        name = "the sequence" if current is None or self._fixed is not None else current.name
        surprise = [-float(np.nanmean(np.log(lapse.probability[k]))) for k in (0, at)]
        purity = (
            f"; {lapse.purity[at]:.0%} of the {lapse.n_neighbors} nearest neighbours share the "
            f"{self.field} ({lapse.purity[0]:.0%} in the first snapshot, "
            f"{lapse.purity_null[at]:.0%} with shuffled labels)"
            if np.isfinite(lapse.purity[at])
            else ""
        )
        return (
            f"After {int(lapse.steps[at]):,} steps: each token of <b>{escape(name)}</b> masked "
            f"alone costs {surprise[1]:.2f} nats on average ({surprise[0]:.2f} in the first "
            f"snapshot). Atlas: {len(lapse.labels)} sequences, mean of the last layer, on the two "
            f"principal axes of the last snapshot{purity}. Attention: head {lapse.head + 1} of "
            f"layer {lapse.layer + 1}. <span class='dx-model'>{escape(lapse.model)}</span>"
        )

    # A person did something ---------------------------------------------------------------------

    def _press(self, event: dict[str, Any]) -> None:
        if self.lapse is not None and self._fresh and event.get("panel") in ("y", "y2"):
            select_token(self.selection, self.lapse.tokens, event["x"], bool(event.get("shift")))

    def _key(self, key: str, shift: bool) -> None:
        if key in ARROWS and self.lapse is not None:
            by = ARROWS[key]
            if shift and self._fresh:
                step_token(self.selection, self.lapse.tokens, by)
            else:
                self.slider.value = int(np.clip(self.slider.value + by, 0, self.slider.max))
        else:
            super()._key(key, shift)

    def _cancelled(self) -> None:
        self._asked = None
        super()._cancelled()

    # Export -------------------------------------------------------------------------------------

    def _stem(self) -> str:
        return f"timelapse-{Path(self.run).name or 'result'}"

    def _code(self) -> str:
        if self._fixed is not None:
            raise InputError("This time-lapse was computed elsewhere: the code that did is there.")
        atlas = (
            f"dx.demo.windows()[::{-(-500 // _ATLAS)}]"
            if self._shipped
            else "dx.read_sequences('your_file.fa')"
        )
        return (
            "import dnabert2_explore as dx\n\n"
            f"{sequence_code(self.selection)}"
            f"snapshots = dx.find_snapshots({self.run!r})\n"
            f"lapse = dx.timelapse(snapshots, bases, {atlas}, layer={self.layer.value}, "
            f"head={self.head.value})\n"
            f"dx.plot(lapse, at={self.slider.value}, view={self.selection.view!r}, "
            f"selected={self.selection.bases!r}, field={self.field!r})"
        )

    def _table(self) -> str:
        lapse = self.lapse
        if lapse is None or not self._fresh:
            raise InputError("There are no numbers yet: choose a sequence first.")
        tokens, spans = lapse.tokens.tokens, lapse.tokens.spans
        units = (
            "probability of each token when it alone is masked; start and end 0-based, half-open"
        )
        columns = ("step", "token_index", "token", "start", "end", "probability", "entropy_nats")
        rows = (
            (int(step), i, tokens[i], *spans[i], f"{chance[i]:.6g}", f"{entropy[i]:.6g}")
            for step, chance, entropy in zip(
                lapse.steps, lapse.probability, lapse.entropy, strict=True
            )
            for i in np.flatnonzero(~lapse.tokens.special).tolist()
        )
        points = (
            (int(step), name, label, f"{x:.6g}", f"{y:.6g}")
            for step, plane in zip(lapse.steps, lapse.planes, strict=True)
            for name, label, (x, y) in zip(lapse.names, lapse.labels, plane, strict=True)
        )
        places = csv_text((), ("step", "sequence", "label", "PC1", "PC2"), points)
        return csv_text((self.caption, units), columns, rows) + places


def _look_again(view: Callable[[], TimeLapseExplorer | None]) -> None:
    """Open a view's run again and again until it has ended, or the view is gone."""
    while True:
        time.sleep(1.0)
        found = view()
        if found is None or found.comm is None:
            return
        found._guarded(found._open)
        if found._snapshots:
            return
        del found
