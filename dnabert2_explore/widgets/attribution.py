"""The attribution view: which tokens and bases speak for a class."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence as Items
from html import escape
from typing import TYPE_CHECKING, Any

from ipywidgets import HTML, Dropdown, Widget

from ..analysis.attribution import METHODS, Attribution, attribute
from ..encoder import Encoder, load
from ..errors import InputError
from ..figures.attribution import attribution_tracks
from ..figures.style import span_text
from ..sequences import Sequence
from .examples import SPLICE, WINDOWS, fill
from .explorer import Explorer
from .state import Selection
from .tokens import BUTTONS, select_token, sequence_code, step_token

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["AttributionExplorer"]

#: Stands for "as many steps as it takes, within reason" among the numbers of steps.
AUTO = -1
#: Bases to explain when a model without classes is asked and nothing is selected.
_SPAN = 12


class AttributionExplorer(Explorer):
    """See which tokens and bases speak for or against a class.

    A model with a classification head is asked for a class; a pre-trained model for the
    log-likelihood of the selected bases when they are masked.

    Class ``dx-attribution``; parts ``dx-target``, ``dx-method``, ``dx-steps``, ``dx-classes``.

    Parameters
    ----------
    enc : Encoder, optional
        ``"pocket-splice"`` by default.
    sequences : sequence of Sequence, optional
        The examples by default.
    selection : Selection, optional
        Shared with other views.
    steps : int, optional
        Steps of integrated gradients; by default 50, or 20 for sequences above 600 bp, and four
        times as many where delta is then above a tenth of the change to be explained.
    """

    title = "Attribution"
    kind = "attribution"
    help = (
        "Integrated gradients add up how the output changes while the input goes from “every "
        "token masked” to the sequence: the scores of all tokens sum to the change in the output, "
        "and <i>delta</i> is what is missing from that sum (near 0 is good). A token's score is "
        "shared evenly by its bases, since the model never sees a base alone. "
        "<cite>Sundararajan et al. 2017; Kokhlikyan et al. 2020 (Captum).</cite>"
    )

    def __init__(
        self,
        enc: Encoder | None = None,
        sequences: Items[Sequence] | None = None,
        selection: Selection | None = None,
        steps: int | None = None,
    ) -> None:
        self.enc = enc if enc is not None else load("pocket-splice")
        self.target = Dropdown(options=self._targets(), tooltip="Which class to explain")
        self.target.add_class("dx-target")
        self.method = Dropdown(
            options=[(info.title, name) for name, info in METHODS.items()], tooltip="Method"
        ).add_class("dx-method")
        self.steps = Dropdown(
            options=[
                ("auto steps", AUTO),
                *((f"{n} steps", n) for n in sorted({20, 50, 100, 200, steps or 50})),
            ],
            value=steps or AUTO,
            tooltip="Steps of the integral: more takes longer and brings delta nearer to 0",
        ).add_class("dx-steps")
        self._classes = HTML().add_class("dx-classes")
        for control in (self.target, self.method, self.steps):
            control.observe(self._on_control, names="value")
        self.result: Attribution | None = None
        self._asked: tuple[Any, ...] | None = None
        self._n_steps = 0  # behind `result`
        self._kept: OrderedDict[tuple[Any, ...], tuple[Attribution, int]] = OrderedDict()
        super().__init__(selection, [self.target, self.method, self.steps])
        if selection is None:
            fill(self.selection, sequences, sets=(SPLICE, WINDOWS))
        self._guarded(lambda: self._changed({"index"}))

    def _targets(self) -> list[tuple[str, str]]:
        # "" stands for the predicted class: a dropdown takes None for "nothing chosen".
        return [("predicted class", ""), *((name, name) for name in self.enc.classes)]

    def use(self, enc: Encoder) -> None:
        """Explain the decisions of another model from now on."""

        def act() -> None:
            if self._job is not None:
                self._job.cancel()
            self.enc, self.result, self._asked = enc, None, ("another model",)
            self._kept.clear()
            self.target.options = self._targets()  # asks nothing: what is asked is not None
            self._asked = None
            self._changed({"index"})

        self._guarded(act)

    def _above(self) -> list[Widget]:
        return [self._classes]

    def _on_control(self, _change: Any) -> None:
        self._guarded(lambda: self._changed({"index"}))

    def _question(self) -> tuple[Any, ...] | None:
        """Collect what is asked now: bases, target, method, steps."""
        current = self.selection.current
        if current is None:
            return None
        target: Any = self.target.value or None
        if not self.enc.has_head:
            span = self.selection.bases
            if span is None:
                middle = len(current) // 2
                span = (max(0, middle - _SPAN // 2), min(len(current), middle + _SPAN // 2))
            target = span
        steps = 0
        if self.method.value == "layer_integrated_gradients":
            steps = self.steps.value or AUTO
        return current.bases, target, self.method.value, steps

    def _changed(self, changed: set[str]) -> None:
        if self._refuses():
            self._asked, self._classes.value = None, ""
            return
        question = self._question()
        if question is None or question == self._asked:
            self._draw()
            return
        self._asked = question
        if question in self._kept:
            if self._job is not None:
                self._job.cancel()
            self._kept.move_to_end(question)
            self.result, self._n_steps = self._kept[question]
            self.say("")
            self._draw()
            return
        # What is on show belongs to the question before: fade it until the answer is there.
        self.plot.stale = True
        steps = question[3]
        self._ask(question, (50 if len(question[0]) <= 600 else 20) if steps == AUTO else steps)

    def _ask(self, question: tuple[Any, ...], n_steps: int) -> None:
        """Compute the answer to `question`; once more with more steps if it is far from exact."""
        bases, target, method, steps = question

        def work(progress: Any) -> Attribution:
            return attribute(
                self.enc, bases, target, method, n_steps=n_steps or 20, progress=progress
            )

        def done(result: Attribution) -> None:
            again = steps == AUTO and n_steps in (20, 50) and _far_from_exact(result)
            self.result, self._n_steps = result, n_steps
            self._kept[question] = result, n_steps
            while len(self._kept) > 32:
                self._kept.popitem(last=False)
            self._draw()
            if again:
                self._ask(question, 4 * n_steps)

        self._start(f"{METHODS[method].title}{f', {n_steps} steps' if steps else ''}", work, done)

    @property
    def _fresh(self) -> bool:
        current = self.selection.current
        return (
            self.result is not None
            and current is not None
            and self.result.segmentation.bases == current.bases
        )

    def _figure(self) -> go.Figure | None:
        if self.result is None or not self._fresh:
            return None
        figure = attribution_tracks(
            self.result,
            view=self.selection.view,
            selected=self.selection.bases,
            width=self.plot.width or 900,
            theme=self.selection.theme,
        )
        return figure.update_layout(dragmode=self.selection.drag)

    def _draw(self) -> None:
        self.target.layout.display = "" if self.enc.has_head else "none"
        self.steps.layout.display = (
            "" if self.method.value == "layer_integrated_gradients" else "none"
        )
        current, result = self.selection.current, self.result
        if current is None:
            self._show(None, "Choose an example, or add a sequence of your own.")
            return
        if result is None or not self._fresh:
            return
        if self._question() in self._kept:
            self.plot.stale = False
        self._classes.value = _probabilities(result)
        self._read_out.value = self._selected_line(result)
        self._show(
            self._figure(),
            self._words(result),
            linked=True,
            bounds=(0.5, len(current) + 0.5),
            pressable=True,
            config=BUTTONS,
        )

    def _words(self, result: Attribution) -> str:
        current = self.selection.current
        assert current is not None
        output = (
            f"the {result.unit} of class “{escape(result.target_name)}” ({result.score:+.2f})"
            if self.enc.has_head
            else f"the log-likelihood of {escape(result.target_name)} ({result.score:.2f} nats)"
        )
        name = METHODS[result.method].title
        verb = "explain" if name.endswith("s") else "explains"
        parts = [f"{name[0].upper()}{name[1:]} {verb} {output} for <b>{escape(current.name)}</b>."]
        if result.method == "saliency":
            parts.append("Saliency has no sign: it is the length of the gradient.")
        else:
            parts.append("Above zero speaks for it, below against it.")
        if result.delta is not None:
            change = result.score - (result.baseline_score or 0.0)
            parts.append(
                f"<span class='dx-delta'>Convergence delta <b>{result.delta:+.3f}</b> of a change "
                f"of {change:+.2f} {result.unit} ({self._n_steps} steps).</span>"
            )
            if _far_from_exact(result):
                parts.append(
                    "<b class='dx-warn'>Delta is above a tenth of the change: do not trust these "
                    "scores; more steps bring it down.</b>"
                )
        outside = float(result.tokens[result.segmentation.special].sum())
        parts.append(f"[CLS] and [SEP], not drawn: {outside:+.3f}.")
        parts.append(f"<span class='dx-model'>{escape(result.model)}</span>")
        return " ".join(parts)

    def _selected_line(self, result: Attribution) -> str:
        bases = self.selection.bases
        if bases is None:
            return ""
        share = float(result.nucleotides[bases[0] : bases[1]].sum())
        weights = abs(result.nucleotides)
        total = float(weights.sum())
        inside = float(weights[bases[0] : bases[1]].sum())
        part = f" ({inside / total:.1%} of all)" if total else ""
        return f"Bases {span_text(*bases)}: <b>{share:+.4f}</b> {result.unit}{part}"

    def _press(self, event: dict[str, Any]) -> None:
        if self.result is not None and self._fresh:
            select_token(
                self.selection, self.result.segmentation, event["x"], bool(event.get("shift"))
            )

    def _key(self, key: str, shift: bool) -> None:
        if key in ("ArrowLeft", "ArrowRight") and self.result is not None and self._fresh:
            step_token(self.selection, self.result.segmentation, -1 if key == "ArrowLeft" else 1)
        else:
            super()._key(key, shift)

    def _cancelled(self) -> None:
        self._asked = None
        super()._cancelled()

    def _code(self) -> str:
        question = self._question()
        target = question[1] if question else None
        more = f", n_steps={self._n_steps}" if self._n_steps else ""
        return (
            "import dnabert2_explore as dx\n"
            "from dnabert2_explore.figures import attribution_tracks\n\n"
            f"enc = dx.load({self.enc.name!r})\n"
            f"{sequence_code(self.selection)}"
            f"result = dx.attribute(enc, bases, target={target!r}, "
            f"method={self.method.value!r}{more})\n"
            f"attribution_tracks(result, view={self.selection.view!r}, "
            f"selected={self.selection.bases!r})"
        )

    def _table(self) -> str:
        result, current = self.result, self.selection.current
        if result is None or current is None or not self._fresh:
            raise InputError("There are no scores yet: choose a sequence first.")
        lines = [
            f"# {current.name}: {result.method}, {result.target_name}, {result.model}",
            f"# scores in {result.unit}; delta {result.delta}; start and end 0-based, half-open",
            "token_index,token,start,end,score",
        ]
        spans = result.segmentation.spans
        lines += [
            f"{i},{token},{a},{b},{score:.6g}"
            for i, (token, (a, b), score) in enumerate(
                zip(result.segmentation.tokens, spans, result.tokens, strict=True)
            )
        ]
        return "\n".join(lines) + "\n"


def _far_from_exact(result: Attribution) -> bool:
    """Tell whether delta is above a tenth of the change that was to be explained."""
    if result.delta is None or result.baseline_score is None:
        return False
    return abs(result.delta) > 0.1 * abs(result.score - result.baseline_score)


def _probabilities(result: Attribution) -> str:
    """Draw what the model predicts, as a bar per class."""
    if result.probabilities is None:
        return ""
    rows = "".join(
        f"<span class='dx-class{' dx-class-target' if i == result.target else ''}'>"
        f"{escape(name)} <meter min='0' max='1' value='{p:.4f}'></meter> {p:.0%}</span>"
        for i, (name, p) in enumerate(zip(result.classes, result.probabilities, strict=True))
    )
    return f"<div class='dx-chips'><span class='dx-hint'>predicted</span>{rows}</div>"
