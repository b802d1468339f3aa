"""Fine-tuning from a form: choose data, watch the curves, stop, keep the best, use the model."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipywidgets import VBox, Widget

from ...encoder import Encoder, load
from ...errors import Cancelled, InputError
from ...figures.core.parts import Figure
from ...figures.training.curves import Interval, metric_name
from ...figures.training.finetune import finetune_curves
from ..core.controls import button, folded, hint, menu, part, row, show
from ..core.explorer import Explorer, guarded
from ..core.jobs import Job
from ..core.state import Selection
from ..core.stop_bar import StopBar
from ..workbench import Workbench
from .export import caption_of, code_of, table_of
from .form import FinetuneForm
from .runlog import new_folder
from .scores import baseline_scores, leakage_words, score_table, verdict

if TYPE_CHECKING:
    from ...training.finetune import FinetuneConfig, FinetuneResult
    from ...training.finetune.data import Splits
    from ...training.scores.metrics import Scores

__all__ = ["FinetuneApp"]

_PACE = 0.4  # seconds between two drawings of the curves


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
        *,
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
        self.form = form = FinetuneForm(
            model,
            str(data),
            self.folder / "data",
            on_data=self._on_data,
            changed=self._show_plan,
            start=self.start,
            guarded=lambda action: self._guarded(action),
        )
        self.data, self.model, self.method, self.task = (
            form.data,
            form.model,
            form.method,
            form.task,
        )
        self.epochs, self.rate, self.batch, self.longest = (
            form.epochs, form.rate, form.batch, form.longest
        )  # fmt: skip
        self.rows, self.strands, self.weights = form.rows, form.strands, form.weights
        self.patience, self.seed, self.more = form.patience, form.seed, form.more
        self.start_button = form.start_button
        self.metric = menu("dx-metric", [("MCC", "mcc")], "Score on show")
        self._scores = part("dx-scores")
        self._verdict = part("dx-verdict")
        self._leakage = part("dx-leakage")
        self._notes = part("dx-notes")
        self._bench_choice = menu(
            "dx-bench-choice", [("a new workbench", None)], "The workbench it is sent to"
        )
        self.send_button = button(
            "Send to workbench",
            "dx-send",
            "Explain this model's decisions base by base",
            lambda: self._guarded(self._send_model),
            style="primary",
        )
        self._sent = part("dx-sent")
        self._send_row = row("dx-send-row", self.send_button, self._bench_choice, self._sent)
        show(self._send_row, False)
        self._slot = VBox().add_class("dx-bench-slot")
        super().__init__(Selection(), [hint("score on show"), self.metric])
        self._place_bar()
        self.add_class("dx-alone")
        self._when(self._draw, self.metric)
        self.data.start()

    def _place_bar(self) -> None:
        """Put a bar that keeps the best beside the button, where it moves nothing."""
        self._bar = StopBar(self.stop)
        self.form.start_row.children = (self.start_button, self._bar, self.form.plan)
        show(self._read_out, False)

    def _above(self) -> list[Widget]:
        return [self.form.box]

    def _below(self) -> list[Widget]:
        return [self._scores, self._verdict, self._leakage, self._notes, self._send_row, self._slot]

    def _on_data(self) -> None:
        self.say("")
        if self._config is None and self.data.chosen is not None:
            train = self.data.chosen.splits.train
            self._offer_metrics(train.task)
        self._show_plan()
        self._draw()

    def _show_plan(self) -> None:
        self.form.show_plan(self.busy)

    # Running ------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether a run is going on."""
        return self._job is not None and self._job.running

    def start(self) -> None:
        """Begin a run with what the form says.

        Raises
        ------
        InputError
            If there is no data yet, or a run is going on.
        """
        from dataclasses import replace

        from ...training.finetune import finetune
        from ...training.finetune.data import read_splits

        if self.busy:
            raise InputError("A run is going on: stop it, or wait for its end.")
        chosen = self.data.chosen
        if chosen is None:
            raise InputError("There is no data yet: choose a table first.")
        settled = self.form.settled()
        assert settled is not None  # there is data
        steps, every = self.form.planned()
        config = replace(self.form.configure(chosen), out=str(new_folder(self.folder, "finetune")))
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
        show(self.form.plan, False)

    def stop(self) -> None:
        """End the run after the present step; the best weights so far are kept and tested."""
        self._stop.set()

    @guarded
    def _watch(self, point: Mapping[str, Any]) -> None:
        """Take a row of the log, in the thread of the run."""
        self._points.append(dict(point))
        now = time.monotonic()
        if now - self._drawn > _PACE:
            self._drawn = now
            self._draw()

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
        notes = () if result is None else result.notes
        self._notes.value = folded("What was decided on the way", notes)
        show(self._send_row, result is not None)
        if result is not None:
            self._offer_benches()

    def _compared(self) -> list[Interval]:
        if self.result is None or self.result.test is None:
            return []
        rows = {"this model": self.result.test, **self.baselines}
        return [
            Interval(name, one.value, one.low, one.high, scores is self.result.test)
            for name, scores in rows.items()
            if (one := scores.values.get(self.metric.value)) is not None
        ]

    def _figure(self) -> Figure | None:
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
        assert self._config is not None
        return caption_of(self._config, self.result, self._about, self._batch, self._points)

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
        from ...training.finetune.methods.source import SCRATCH, UNTRAINED

        classifier = self.classifier
        bench = self._bench_choice.value
        self.say("")
        if bench is None:
            name = "pocket" if self._config is None else self._config.model
            # What began as nothing has no model to be set beside.
            fresh = name.startswith((SCRATCH, UNTRAINED))
            base = classifier if fresh else load(name)
            bench = Workbench(base, classifier=classifier)
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
        if self._config is None:
            raise InputError("There is no run yet: start one first.")
        return code_of(self._config, self.metric.value)

    def _table(self) -> str:
        if not self._points:
            raise InputError("There are no numbers yet: start a run first.")
        test = None if self.result is None else self.result.test
        scores = {} if test is None else {"this model": test} | self.baselines
        return table_of(self.caption, self._points, scores)
