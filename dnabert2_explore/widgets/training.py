"""Fine-tuning from a form: choose data, watch the curves, stop, keep the best, use the model."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ipywidgets import HTML, Button, Combobox, Dropdown, HBox, ToggleButton, VBox, Widget

from ..delimited import csv_line, csv_lines, remark
from ..encoder import ATLAS_MODEL, SHIPPED, Encoder, load
from ..errors import Cancelled, InputError
from ..figures.curves import METRICS, Interval, metric_name
from ..figures.finetune_curves import finetune_curves
from ..files import located
from .datasets import SHARE, Chosen, DataChooser
from .explorer import Explorer
from .jobs import Job, JobBar
from .scores import baseline_scores, leakage_words, score_table, verdict
from .state import Selection
from .workbench import Workbench

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from ..training.finetune import FinetuneConfig, FinetuneResult
    from ..training.finetune.data import Splits
    from ..training.metrics import Scores
    from ..training.tables import Labelled

__all__ = ["FinetuneApp", "StopBar"]

_METHODS = [
    ("all weights", "full"),
    ("small adapters (LoRA: large models)", "lora"),
    ("only a new head (quickest)", "probe"),
]
_TASKS = [
    ("told from the labels", "auto"),
    ("one class a sequence", "classification"),
    ("any number of labels a sequence", "multi_label"),
    ("a number (regression)", "regression"),
]
_EPOCHS = [
    ("as fits the model", 0),
    *((f"{n} pass{'es' if n > 1 else ''} over the data", n) for n in (1, 2, 3, 4, 6, 10, 20)),
]
#: Evaluations in a run by the published recipe, whose 200 steps between them draw no curve on few
#: data: enough for one, and little beside the training itself.
_POINTS = 16
#: What a model trains on and predicts by, for each choice of strands.
_STRANDS = {"auto": "auto", "none": "one", "reverse_complement": "both"}
_PACE = 0.4  # seconds between two drawings of the curves


class StopBar(JobBar):
    """The line of a run that can be stopped without losing what it has found.

    Parameters
    ----------
    stop : callable
        Asks the run to end at its next step.
    words : str
        What the button says.
    numbers : bool
        Show how far the run is; without, something else does.
    """

    def __init__(
        self, stop: Callable[[], None], words: str = "Stop, keep the best", numbers: bool = True
    ) -> None:
        super().__init__()
        if not numbers:
            self._text.layout.display = "none"
        self._stop = stop
        self._button.description = words
        self._button.tooltip = "End after this step; the best weights so far are kept and tested"
        self._button.add_class("dx-stop")

    def follow(self, job: Job[Any], what: str) -> None:
        """Show `job` from now on."""
        self._button.disabled = False
        super().follow(job, what)

    def _on_cancel(self, _button: Any) -> None:
        # Not job.cancel(): that would throw away what the run returns.
        self._button.disabled = True
        self._stop()


class FinetuneApp(Explorer):
    """Fine-tune a model on labelled sequences, from data to a tested classifier.

    The best weights on dev are kept; the test sequences are scored once, with 95 % bootstrap
    intervals, beside baselines fitted on the same rows. The model can then go to a workbench.

    Class ``dx-training``; parts ``dx-data`` (see :class:`DataChooser`), ``dx-model-name``,
    ``dx-method``, ``dx-task``, ``dx-epochs``, ``dx-more``, ``dx-start``, ``dx-stop``,
    ``dx-metric``, ``dx-plan``, ``dx-scores``, ``dx-verdict``, ``dx-leakage``, ``dx-notes``,
    ``dx-bench-choice``, ``dx-send``, ``dx-sent``.

    Parameters
    ----------
    data : str or path-like
        ``"category"``, ``"gc"`` or ``"splice"`` for a shipped table, or the path of a table.
    model : str
        What to start from: ``"pocket"``, a folder, or a hub id.
    bench : Workbench, optional
        Where "Send to workbench" puts the model at first choice.
    folder : str or path-like
        Run folders are made in it.

    Attributes
    ----------
    result : FinetuneResult or None
        What the last run found.
    baselines : dict of str to Scores
        Test scores of the baselines, by name.
    bench : Workbench or None
        The workbench the model was sent to last.

    Examples
    --------
    >>> app = FinetuneApp("splice")
    >>> app.data.chosen.splits.train.classes
    ('acceptor', 'donor', 'neither')
    """

    title = "Fine-tuning"
    kind = "training"
    help = (
        "Training goes over the labelled sequences in batches; now and then the loss on sequences "
        "set aside (dev) is measured, and the weights of its lowest value are kept. When dev rises "
        "while train falls, the model learns the examples by heart. The test sequences are looked "
        "at once, at the end; intervals come from drawing them again with replacement. "
        "<cite>Zhou et al. 2024 (DNABERT-2); Hu et al. 2021 (LoRA); Efron 1979 (bootstrap).</cite>"
    )
    reacts_to = frozenset({"theme"})

    def __init__(
        self,
        data: str | Path = "category",
        model: str = "pocket",
        bench: Workbench | None = None,
        folder: str | Path = "runs",
    ) -> None:
        self.folder = Path(folder)
        self.result: FinetuneResult | None = None
        self.baselines: dict[str, Scores] = {}
        self.bench: Workbench | None = bench
        self._points: list[dict[str, Any]] = []
        self._config: FinetuneConfig | None = None  # of what is on show
        self._splits: Splits | None = None
        self._about = ""  # data and model of what is on show
        self._steps = self._batch = 0
        self._drawn = 0.0
        self._stop = threading.Event()
        self._releaser: threading.Thread | None = None
        self._parameters: dict[str, int] = {}
        self._make_form(model, data)
        self.metric = Dropdown(options=[("MCC", "mcc")], tooltip="Score on show")
        self.metric.add_class("dx-metric")
        self._scores = HTML().add_class("dx-scores")
        self._verdict = HTML().add_class("dx-verdict")
        self._leakage = HTML().add_class("dx-leakage")
        self._notes = HTML().add_class("dx-notes")
        self._bench_choice = Dropdown(options=[("a new workbench", None)]).add_class(
            "dx-bench-choice"
        )
        self.send_button = Button(description="Send to workbench").add_class("dx-send")
        self.send_button.tooltip = "Explain this model's decisions base by base"
        self.send_button.button_style = "primary"
        self._sent = HTML().add_class("dx-sent")
        self._send_row = HBox([self.send_button, self._bench_choice, self._sent]).add_class(
            "dx-send-row"
        )
        self._send_row.layout.display = "none"
        self._slot = VBox().add_class("dx-bench-slot")
        label = HTML("<span class='dx-hint'>score on show</span>")
        super().__init__(Selection(), [label, self.metric])
        self._place_bar()
        self.add_class("dx-alone")
        self.metric.observe(lambda _change: self._guarded(self._draw), names="value")
        self.send_button.on_click(lambda _button: self._guarded(self._send_model))
        self.data.start()

    # The form -----------------------------------------------------------------------------------

    def _make_form(self, model: str, data: str | Path) -> None:
        self.data = DataChooser(
            self._on_data, lambda action: self._guarded(action), self.folder / "data", str(data)
        )
        self.model = Combobox(
            value=model,
            options=["pocket", ATLAS_MODEL, "scratch:2x128"],
            ensure_option=False,
            continuous_update=False,
            tooltip="pocket, a folder, a hub id such as zhihan1996/DNABERT-2-117M, or a network of "
            "so many layers and such a width that has learnt nothing: scratch:2x128",
        ).add_class("dx-model-name")
        self.method = Dropdown(options=_METHODS, tooltip="What is trained").add_class("dx-method")
        self.task = Dropdown(options=_TASKS, tooltip="What a label is").add_class("dx-task")
        self.epochs = Dropdown(options=_EPOCHS, value=0, tooltip="How long").add_class("dx-epochs")
        self.rate = _choice(
            "Learning rate",
            "rate",
            [
                ("as fits the model", 0.0),
                *((f"{r:g}", r) for r in (1e-5, 3e-5, 1e-4, 3e-4, 5e-4, 1e-3, 2e-3)),
            ],
        )
        self.batch = _choice(
            "Sequences a step",
            "batch",
            [("as fits the model", 0), *((str(n), n) for n in (8, 16, 32, 64))],
        )
        self.longest = _choice(
            "Longest input",
            "longest",
            [("whole sequences", 0), *((f"{n} tokens", n) for n in (32, 64, 128, 256, 512))],
        )
        self.rows = _choice(
            "Train on",
            "rows",
            [("all rows", 0), *((f"a sample of {n:,}", n) for n in (100, 200, 500, 1000, 5000))],
        )
        self.strands = _choice(
            "Strands",
            "strands",
            [
                ("auto: as the model and the data say", "auto"),
                ("as given", "none"),
                ("either at random; predictions by both", "reverse_complement"),
            ],
        )
        self.weights = _choice(
            "Classes count", "weights", [("by their frequency", "none"), ("equally", "balanced")]
        )
        self.patience = _choice(
            "Stop early",
            "patience",
            [("no", 0), *((f"after {n} evaluations without a gain", n) for n in (3, 5))],
        )
        self.seed = _choice("Seed", "seed", [(str(n), n) for n in (42, 0, 1, 2, 3)])
        settings: tuple[Dropdown, ...] = (
            self.rate, self.batch, self.longest, self.rows, self.strands, self.weights,
            self.patience, self.seed,
        )  # fmt: skip
        self._more = HBox([_labelled(one.tooltip, one) for one in settings]).add_class(
            "dx-more-panel"
        )
        self._more.layout.display = "none"
        self.more = ToggleButton(description="More settings").add_class("dx-more")
        self.more.observe(self._toggler(self._more), names="value")
        self.start_button = Button(description="Start training", button_style="primary").add_class(
            "dx-start"
        )
        self.start_button.on_click(lambda _button: self._guarded(self.start))
        self._plan = HTML().add_class("dx-plan")
        self._start_row = HBox([self.start_button, self._plan]).add_class("dx-start-row")
        self.form = VBox(
            [
                _labelled("Data", self.data),
                HBox(
                    [
                        _labelled("Start from", self.model),
                        _labelled("Train", self.method),
                        _labelled("A label is", self.task),
                        _labelled("For", self.epochs),
                        self.more,
                    ]
                ).add_class("dx-settings"),
                self._more,
                self._start_row,
            ]
        ).add_class("dx-form")
        self.task.observe(
            lambda change: self._guarded(lambda: self.data.set_task(change["new"])), names="value"
        )
        for control in (self.model, self.method, self.epochs, *settings):
            control.observe(lambda _change: self._guarded(self._show_plan), names="value")

    def _place_bar(self) -> None:
        """Put a bar that keeps the best beside the button, where it moves nothing."""
        self._bar = StopBar(self.stop)
        self._start_row.children = (self.start_button, self._bar, self._plan)
        self._read_out.layout.display = "none"

    def _above(self) -> list[Widget]:
        return [self.form]

    def _below(self) -> list[Widget]:
        return [self._scores, self._verdict, self._leakage, self._notes, self._send_row, self._slot]

    def _on_data(self) -> None:
        self.say("")
        if self._config is None and self.data.chosen is not None:
            train = self.data.chosen.splits.train
            self._offer_metrics(train.task)
        self._show_plan()
        self._draw()

    def _planned(self) -> tuple[int, int]:
        """Count the steps, and those between evaluations, of a run as the form stands."""
        settled = self._settled()
        if settled is None:
            return 0, 0
        rows = len(self._rows_of(settled))
        per_epoch = -(-rows // settled.batch_size)
        steps = round(per_epoch * settled.epochs)
        if settled.recipe == "small":
            return steps, settled.evaluate_every
        # In a long run, no later than after half a pass: who stops then has something to keep.
        return steps, max(1, min(steps // _POINTS, per_epoch // 2))

    def _settled(self) -> FinetuneConfig | None:
        """Fill in what the form leaves open, but for the strands: those are asked of 4-mers."""
        from dataclasses import replace

        from ..training.finetune.recipe import settle

        chosen = self.data.chosen
        if chosen is None:
            return None
        config = self._configure(chosen)
        if config.augment == "auto":
            config = replace(config, augment="none", strands="one")
        return settle(config, self._size(), self._rows_of(config), chosen.splits.dev)[0]

    def _rows_of(self, config: FinetuneConfig) -> Labelled:
        """As many training rows as a run takes."""
        chosen = self.data.chosen
        assert chosen is not None
        train = chosen.splits.train
        few = config.train_rows and config.train_rows < len(train)
        return train.take(np.arange(config.train_rows)) if few else train

    def _size(self) -> int:
        """Parameters of the model; of one that is not here yet, as many as make it no small one."""
        from ..training.finetune.recipe import FEW_PARAMETERS
        from ..training.finetune.source import SCRATCH, UNTRAINED, find_source

        name = self.model.value.strip()
        if name not in self._parameters:
            # Only what is here already is looked into; a hub id is downloaded when a run begins.
            if name in SHIPPED or located(name).is_dir():
                size = load(name).info.parameters
            elif name.startswith((SCRATCH, UNTRAINED)):
                size = find_source(name).parameters
            else:
                size = FEW_PARAMETERS
            self._parameters[name] = size
        return self._parameters[name]

    def _show_plan(self) -> None:
        self._plan.layout.display = "none" if self.busy else ""
        settled = self._settled() if self.model.value.strip() else None
        self.start_button.disabled = settled is None or self.busy
        if settled is None:
            what = "data" if self.data.chosen is None else "a model"
            self._plan.value = f"<span class='dx-hint'>Choose {what} first.</span>"
            return
        steps, every = self._planned()
        self._plan.value = (
            f"<span class='dx-hint'>{steps:,} steps of {settled.batch_size} sequences, learning "
            f"rate {settled.rate:g}; dev is scored every "
            f"{f'{every} steps' if every > 1 else 'step'}; the weights of the lowest dev loss are "
            f"kept. {escape(_recipe_words(settled, self.strands.value))}</span>"
        )

    # Running ------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether a run is going on."""
        return self._job is not None and self._job.running

    def _configure(self, chosen: Chosen) -> FinetuneConfig:
        from ..training.finetune import FinetuneConfig

        name = self.model.value.strip()
        if not name:
            raise InputError("No model is named: type pocket, a folder, or a hub id.")
        train, dev, test = chosen.files
        return FinetuneConfig(
            model=name,
            train=train,
            dev=dev,
            test=test,
            genome=chosen.genome,
            out="",
            dev_share=SHARE,
            test_share=SHARE,
            task=self.task.value,
            method=self.method.value,
            max_tokens=self.longest.value,
            batch_size=self.batch.value,
            epochs=float(self.epochs.value),
            learning_rate=float(self.rate.value),
            augment=self.strands.value,
            strands=_STRANDS[self.strands.value],
            class_weights=self.weights.value,
            patience=self.patience.value,
            train_rows=self.rows.value,
            seed=self.seed.value,
        )

    def _new_folder(self) -> Path:
        """Name a run folder that is not there yet, by the time of day."""
        stem = time.strftime("finetune-%Y%m%d-%H%M%S")
        folder, number = self.folder / stem, 2
        while folder.exists():
            folder, number = self.folder / f"{stem}-{number}", number + 1
        return folder

    def start(self) -> None:
        """Begin a run with what the form says.

        Raises
        ------
        InputError
            If there is no data yet, or a run is going on.
        """
        from dataclasses import replace

        from ..training.finetune import finetune
        from ..training.finetune.data import read_splits

        if self.busy:
            raise InputError("A run is going on: stop it, or wait for its end.")
        chosen = self.data.chosen
        if chosen is None:
            raise InputError("There is no data yet: choose a table first.")
        settled = self._settled()
        assert settled is not None  # there is data
        steps, every = self._planned()
        config = replace(self._configure(chosen), out=str(self._new_folder()))
        if settled.recipe == "published":
            config = replace(config, evaluate_every=every)
        # Not those on show: seed and sample are settings of the run.
        splits = self._splits = read_splits(config)
        self._config, self._steps, self._batch = config, steps, settled.batch_size
        self._about = f"{Path(config.model).name} on {chosen.name}"
        self._points, self.result, self.baselines = [], None, {}
        self._sent.value = ""
        self._stop.clear()
        self._offer_metrics(chosen.splits.train.task)
        self._show_result()
        self.start_button.disabled = True
        self._draw()

        def work(progress: Any) -> tuple[FinetuneResult | None, dict[str, Scores]]:
            def tick(done: int, total: int) -> None:
                self._steps = total or self._steps
                progress(done, total)
                if self._stop.is_set():
                    raise Cancelled("Stopped by the person at the form.")

            try:
                result = finetune(config, progress=tick, watch=self._watch)
            except Cancelled:
                return None, {}
            rule = result.rule
            strands = "given" if rule is None else rule.strands
            return result, baseline_scores(splits, config, lambda: progress(0, 0), strands)

        self._start("training, step", work, self._done)
        self._plan.layout.display = "none"

    def stop(self) -> None:
        """End the run after the present step; the best weights so far are kept and tested."""
        self._stop.set()

    def _watch(self, point: Mapping[str, Any]) -> None:
        """Take a row of the log, in the thread of the run."""

        def act() -> None:
            self._points.append(dict(point))
            now = time.monotonic()
            if now - self._drawn > _PACE:
                self._drawn = now
                self._draw()

        self._guarded(act)

    def _done(self, found: tuple[FinetuneResult | None, dict[str, Scores]]) -> None:
        self.result, self.baselines = found
        if self.result is None:
            self.say("Stopped before the first evaluation: there is nothing to keep.")
        self._show_result()
        self._draw()

    def _start(self, what: str, work: Any, done: Any) -> None:
        super()._start(what, work, done)
        # An error must not leave the button grey: look when the thread has ended.
        job = self._job
        if job is not None:
            self._releaser = threading.Thread(target=self._release, args=(job,), daemon=True)
            self._releaser.start()

    def _release(self, job: Job[Any]) -> None:
        job.wait()
        if job is self._job:
            self._guarded(self._show_plan)

    def wait(self, timeout: float | None = None) -> None:
        """Block until the run has ended and the form can be used again."""
        super().wait(timeout)
        if self._releaser is not None:
            self._releaser.join(timeout)

    # What was found -----------------------------------------------------------------------------

    def _offer_metrics(self, task: str) -> None:
        keys = ["mcc", "accuracy", "f1_macro", "auroc", "auprc"]
        if task == "regression":
            keys = ["r2", "spearman", "pearson", "rmse"]
        options = [(metric_name(key), key) for key in keys]
        if tuple(self.metric.options) != tuple(options):
            self.metric.options = options

    def _show_result(self) -> None:
        result = self.result
        test = None if result is None else result.test
        self._scores.value = "" if test is None else score_table(test, self.baselines)
        leakage = None if result is None else result.leakage
        self._verdict.value = "" if test is None else verdict(test, self.baselines, leakage)
        self._leakage.value = "" if leakage is None else leakage_words(leakage)
        self._notes.value = (
            ""
            if result is None or not result.notes
            else "<details><summary>What was decided on the way</summary><ul>"
            + "".join(f"<li>{escape(note)}</li>" for note in result.notes)
            + "</ul></details>"
        )
        self._send_row.layout.display = "none" if result is None else ""
        if result is not None:
            self._offer_benches()

    def _compared(self) -> list[Interval]:
        if self.result is None or self.result.test is None:
            return []
        key = self.metric.value
        rows = [("this model", self.result.test, True)]
        rows += [(name, scores, False) for name, scores in self.baselines.items()]
        found = []
        for name, scores, own in rows:
            one = scores.values.get(key)
            if one is not None:
                found.append(Interval(name, one.value, one.low, one.high, own))
        return found

    def _figure(self) -> go.Figure | None:
        regression = self.metric.value in ("r2", "spearman", "pearson", "rmse")
        waiting = "" if self.result is not None else "Test scores stand here<br>when the run ends."
        if not self._points and self.result is None and not self.busy:
            waiting = ""
        return finetune_curves(
            self._points,
            metric=self.metric.value or "mcc",
            compared=self._compared(),
            steps=self._steps,
            loss_unit="squared error" if regression else "nats",
            waiting=waiting,
            running=self.result is None,
            width=self.plot.width or 1000,
            theme=self.selection.theme,
        )

    def _draw(self) -> None:
        if self._config is None:
            self._show(None, "The curves of a run stand here: press <b>Start training</b>.")
            return
        self._show(self._figure(), self._words(), config={"displayModeBar": False})

    def _words(self) -> str:
        config, result = self._config, self.result
        assert config is not None
        method = {"full": "all weights", "lora": "LoRA adapters", "probe": "a head alone"}
        parts = [
            f"Fine-tuning of <b>{escape(self._about)}</b>: {method[config.method]}, batches of "
            f"{self._batch}, seed {config.seed}."
        ]
        if result is None:
            kept = [p for p in self._points if p.get("best")]
            if kept:
                parts.append(f"Lowest dev loss so far at step {int(kept[-1]['step']):,}.")
            return " ".join(parts)
        ended = "stopped early" if result.stopped else "finished"
        parts.append(
            f"It {ended} after {result.steps:,} steps in {result.seconds:,.0f} s; the weights of "
            f"step {result.best_step:,} had the lowest loss on {result.sequences['dev']:,} dev "
            "sequences and are kept."
        )
        if result.test is not None:
            parts.append(
                f"Test: {result.test.count:,} sequences that chose nothing; intervals are 95 %, "
                f"from {config.bootstrap:,} bootstrap samples of them."
            )
        parts.append(f"Saved in {escape(str(result.model))}.")
        return " ".join(parts)

    # To the workbench ---------------------------------------------------------------------------

    def _offer_benches(self) -> None:
        benches = Workbench.on_show()
        options: list[tuple[str, Any]] = [
            (f"workbench {i} ({bench.encoder.name})", bench)
            for i, bench in enumerate(benches, start=1)
        ]
        options.append(("a new workbench below", None))
        self._bench_choice.options = options
        wanted = self.bench if any(self.bench is b for b in benches) else options[0][1]
        self._bench_choice.index = next(i for i, (_, b) in enumerate(options) if b is wanted)

    @property
    def classifier(self) -> Encoder:
        """The kept model, loaded.

        Raises
        ------
        InputError
            If there is none yet.
        """
        if self.result is None:
            raise InputError("There is no model yet: start a run and let it end.")
        return load(self.result.model)

    def _send_model(self) -> None:
        from ..training.finetune.source import SCRATCH, UNTRAINED

        classifier = self.classifier
        bench = self._bench_choice.value
        self.say("")
        if bench is None:
            name = "pocket" if self._config is None else self._config.model
            # What began as nothing has no model to be set beside.
            fresh = name.startswith((SCRATCH, UNTRAINED))
            base = classifier if fresh else load(name)
            bench = Workbench(base, classifier)
            self._slot.children = (bench,)
        else:
            bench.use_classifier(classifier)
        self.bench = bench
        name = self._look_at_test(bench)
        self._offer_benches()
        where = "below" if bench in self._slot.children else "in that workbench"
        self._sent.value = f"It explains its decisions {where}" + (
            f"; its test sequences are the set “{escape(name)}”." if name else "."
        )
        if self._splits is not None and self._splits.train.second is not None:
            self._sent.value += " It was trained on pairs: of single sequences it knows little."

    def _look_at_test(self, bench: Workbench) -> str:
        """Add the test sequences, with label and prediction, to the workbench."""
        from .scores import predicted_sequences

        result, config = self.result, self._config
        assert result is not None
        assert config is not None
        path = Path(config.out)
        sequences = predicted_sequences(self._splits, path, result)
        if not sequences:
            return ""
        name = f"Test of {path.name}"
        if name not in bench.selection.sets:
            bench.selection.add(sequences, name)
        return name

    # Export -------------------------------------------------------------------------------------

    def _stem(self) -> str:
        return "training" if self._config is None else Path(self._config.out).name

    def _code(self) -> str:
        from dataclasses import fields

        if self._config is None:
            raise InputError("There is no run yet: start one first.")
        config = self._config
        defaults = type(config)(model="", train="", dev="", out="")
        shown = [
            f"    {one.name}={getattr(config, one.name)!r},"
            for one in fields(config)
            if one.name in ("model", "train", "dev", "out")
            or getattr(config, one.name) != getattr(defaults, one.name)
        ]
        return (
            "import pandas as pd\nimport dnabert2_explore as dx\n"
            "from dnabert2_explore.figures import finetune_curves\n"
            "from dnabert2_explore.training.finetune import FinetuneConfig, finetune\n\n"
            "config = FinetuneConfig(\n" + "\n".join(shown) + "\n)\n"
            "result = finetune(config)  # out must be a folder that is not there yet\n"
            "print(result)\n"
            "classifier = dx.load(result.model)\n"
            'log = pd.read_csv(f"{config.out}/log.csv").to_dict("records")\n'
            f"finetune_curves(log, metric={self.metric.value!r})"
        )

    def _table(self) -> str:
        if not self._points:
            raise InputError("There are no numbers yet: start a run first.")
        keys = list(dict.fromkeys(key for point in self._points for key in point))
        lines = [remark(self.caption)]
        if self.result is not None and self.result.test is not None:
            rows = {"this model": self.result.test} | self.baselines
            lines += [
                remark(f"test {key} of {name}: {one.value:.4f} ({one.low:.4f} to {one.high:.4f})")
                for name, scores in rows.items()
                for key, one in scores.values.items()
                if key in METRICS
            ]
        lines.append(csv_line(keys))
        lines += csv_lines([_cell(point.get(key)) for key in keys] for point in self._points)
        return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    with contextlib.suppress(TypeError, ValueError):
        if not isinstance(value, bool | int):
            return f"{float(value):.6g}"
    return str(value)


def _recipe_words(settled: FinetuneConfig, strands: str) -> str:
    """Say in a sentence or two what a recipe chooses beside numbers."""
    if settled.recipe == "published":
        return "The authors' protocol fills in what is left open."
    does = [f"{settled.pooling} pooling"]
    does += ["tokens cut anew every pass"] if settled.segmentation == "random" else []
    does += ["a token table composed of bases"] if settled.embeddings == "composed" else []
    does += [f"averaged weights ({settled.average:g})"] if settled.average else []
    count = 1 + settled.segmentations
    does += [f"predictions over {count} segmentations"] if count > 1 else []
    asks = "; both strands where 4-mers tell the classes as well by both" * (strands == "auto")
    return f"The recipe for small networks: {', '.join(does)}{asks}."


def _choice(words: str, name: str, options: list[tuple[str, Any]]) -> Dropdown:
    return Dropdown(options=options, tooltip=words).add_class(f"dx-{name}")


def _labelled(words: str, widget: Widget) -> VBox:
    label = HTML(f"<span class='dx-label'>{escape(words)}</span>")
    return VBox([label, widget]).add_class("dx-field")
