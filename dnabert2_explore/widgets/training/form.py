"""The form of fine-tuning: data, model and settings, and what a run would do with them."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ipywidgets import Dropdown, HBox, VBox, Widget

from ...common.files import located
from ...encoder import ATLAS_MODEL, SHIPPED, load
from ...errors import InputError
from ..core.controls import (
    Guard,
    button,
    combo,
    label,
    menu,
    on_value,
    opens,
    part,
    row,
    show,
    toggle,
)
from .datasets import SHARE, Chosen, DataChooser

if TYPE_CHECKING:
    from ...training.finetune import FinetuneConfig
    from ...training.labelled.tables import Labelled

__all__ = ["FinetuneForm"]

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


class FinetuneForm:
    """The controls of a run, and the plan that they make.

    `box` is the form; `start_row` is its last line, with the button and the `plan`. `on_data` is
    called when there is other data, `changed` when another setting changed, `start` begins the run.
    Pasted and uploaded tables are kept in `folder`.
    """

    def __init__(
        self,
        model: str,
        data: str,
        folder: Path,
        *,
        on_data: Callable[[], None],
        changed: Callable[[], None],
        start: Callable[[], None],
        guarded: Guard,
    ) -> None:
        self._parameters: dict[str, int] = {}
        self.data = DataChooser(on_data, guarded, folder, data)
        self.model = combo(
            "dx-model-name",
            model,
            ["pocket", ATLAS_MODEL, "scratch:2x128"],
            "pocket, a folder, a hub id such as zhihan1996/DNABERT-2-117M, or a network of "
            "so many layers and such a width that has learnt nothing: scratch:2x128",
        )
        self.method = menu("dx-method", _METHODS, "What is trained")
        self.task = menu("dx-task", _TASKS, "What a label is")
        self.epochs = menu("dx-epochs", _EPOCHS, "How long", 0)
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
        self.more = toggle("More settings", "dx-more", "")
        opens(self.more, self._more)
        self.start_button = button(
            "Start training", "dx-start", "", lambda: guarded(start), style="primary"
        )
        self.plan = part("dx-plan")
        self.start_row = row("dx-start-row", self.start_button, self.plan)
        self.box = VBox(
            [
                _labelled("Data", self.data),
                row(
                    "dx-settings",
                    _labelled("Start from", self.model),
                    _labelled("Train", self.method),
                    _labelled("A label is", self.task),
                    _labelled("For", self.epochs),
                    self.more,
                ),
                self._more,
                self.start_row,
            ]
        ).add_class("dx-form")
        self.task.observe(
            lambda change: guarded(lambda: self.data.set_task(change["new"])), names="value"
        )
        on_value(lambda: guarded(changed), self.model, self.method, self.epochs, *settings)

    def planned(self) -> tuple[int, int]:
        """Count the steps, and those between evaluations, of a run as the form stands."""
        settled = self.settled()
        if settled is None:
            return 0, 0
        rows = len(self.rows_of(settled))
        per_epoch = -(-rows // settled.batch_size)
        steps = round(per_epoch * settled.epochs)
        if settled.recipe == "small":
            return steps, settled.evaluate_every
        # In a long run, no later than after half a pass: who stops then has something to keep.
        return steps, max(1, min(steps // _POINTS, per_epoch // 2))

    def settled(self) -> FinetuneConfig | None:
        """Fill in what the form leaves open, but for the strands: those are asked of 4-mers."""
        from dataclasses import replace

        from ...training.finetune.methods.recipe import settle

        chosen = self.data.chosen
        if chosen is None:
            return None
        config = self.configure(chosen)
        if config.augment == "auto":
            config = replace(config, augment="none", strands="one")
        return settle(config, self.size(), self.rows_of(config), chosen.splits.dev)[0]

    def rows_of(self, config: FinetuneConfig) -> Labelled:
        """As many training rows as a run takes."""
        chosen = self.data.chosen
        assert chosen is not None
        train = chosen.splits.train
        few = config.train_rows and config.train_rows < len(train)
        return train.take(np.arange(config.train_rows)) if few else train

    def size(self) -> int:
        """Parameters of the model; of one that is not here yet, as many as make it no small one."""
        from ...training.finetune.methods.recipe import FEW_PARAMETERS
        from ...training.finetune.methods.source import SCRATCH, UNTRAINED, find_source

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

    def show_plan(self, busy: bool) -> None:
        """Say what a run would do as the form stands; nothing while one is going on."""
        show(self.plan, not busy)
        settled = self.settled() if self.model.value.strip() else None
        self.start_button.disabled = settled is None or busy
        if settled is None:
            what = "data" if self.data.chosen is None else "a model"
            self.plan.value = f"<span class='dx-hint'>Choose {what} first.</span>"
            return
        steps, every = self.planned()
        self.plan.value = (
            f"<span class='dx-hint'>{steps:,} steps of {settled.batch_size} sequences, learning "
            f"rate {settled.rate:g}; dev is scored every "
            f"{f'{every} steps' if every > 1 else 'step'}; the weights of the lowest dev loss are "
            f"kept. {escape(_recipe_words(settled, self.strands.value))}</span>"
        )

    def configure(self, chosen: Chosen) -> FinetuneConfig:
        """Make the configuration of a run on some data as the form stands.

        InputError if no model is named.
        """
        from ...training.finetune import FinetuneConfig

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
    return menu(f"dx-{name}", options, words)


def _labelled(words: str, widget: Widget) -> VBox:
    return VBox([label(escape(words)), widget]).add_class("dx-field")
