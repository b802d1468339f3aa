"""The attribution view: which tokens and bases speak for a class."""

from __future__ import annotations

from collections.abc import Sequence as Items
from typing import Any

from ipywidgets import VBox, Widget

from ...analysis.attribution import Attribution
from ...encoder import Encoder, load
from ...errors import InputError
from ...figures.attribution.correlations import attribution_correlations
from ...figures.core.parts import Figure
from ...figures.core.style import LETTER_PX, pixels_per_base
from ...figures.motifs.hits import arrange_hits
from ...sequences import Sequence
from ...sequences.motifs.motif import ALPHABET
from ..core.controls import part, row, show
from ..core.explorer import ARROWS, guarded
from ..core.plot import PlotlyView
from ..core.provenance import provenance, provenance_html
from ..core.remember import choices
from ..core.state import MINE, Selection
from ..examples import SPLICE, WINDOWS, fill
from ..views.mutations import Edit, MutationBar, apply_edits, with_edit
from ..views.tokens.explorer import base_at, select_token, step_token
from .asking import AskingExplorer, steps_of
from .content import AttributionContent, change_in_words, in_words, probabilities, selected_in_words
from .controls import AttributionControls
from .export import code_of, table_of
from .scorecard import ScorecardBadge, verdict

__all__ = ["AttributionExplorer"]


class AttributionExplorer(AskingExplorer):
    """See which tokens and bases speak for or against a class, and how far to trust that.

    A model with a classification head is asked for a class; a pre-trained model for the
    log-likelihood of the selected bases when they are masked. Zoom in until bases are letters,
    click one, and type or click another letter: prediction and attribution of the mutant stand
    beside those of the sequence. "More" stacks other methods, the other strand, segmentation
    offsets, annotation, motif hits and a map of all mutations on the same axis. "Check" puts the
    attribution to the scorecard.

    Class ``dx-attribution``; parts ``dx-target``, ``dx-method``, ``dx-steps``, ``dx-more``,
    ``dx-classes``, ``dx-attribution-more``, ``dx-badge``, ``dx-verdict``, ``dx-mutations``,
    ``dx-correlations``, ``dx-compute`` (what takes more than 10 s is computed when this is
    pressed; input × gradient stands in its place); those of
    :class:`~dnabert2_explore.widgets.attribution.controls.AttributionControls`.

    Parameters
    ----------
    enc : Encoder, optional
        ``"pocket-splice"`` by default.
    sequences : sequence of Sequence, optional
        The examples by default.
    selection : Selection, optional
        Shared with other views.
    n_steps : int, optional
        Steps of integrated gradients; by default 50, or 20 for sequences above 600 bp, and four
        times as many where delta is then larger than the scorecard lets pass.
    """

    title = "Attribution"
    kind = "attribution"
    help = (
        "Integrated gradients add up how the output changes while the input goes from a "
        "baseline (“nothing here”) to the sequence: the scores of all tokens sum to the change in "
        "the output, and <i>delta</i> is what is missing from that sum (near 0 is good). A token's "
        "score is shared evenly by its bases, since the model never sees a base alone. Zoom in to "
        "letters and click one to mutate it (or type A, C, G, T; Esc takes it back); <i>Check</i> "
        "says how far these scores are to be trusted; <i>More</i> compares methods, strands and "
        "segmentations and looks for motifs. "
        "<cite>Sundararajan et al. 2017; Kokhlikyan et al. 2020 (Captum); Adebayo et al. 2018 "
        "(sanity checks).</cite>"
    )

    def __init__(
        self,
        enc: Encoder | None = None,
        sequences: Items[Sequence] | None = None,
        *,
        selection: Selection | None = None,
        n_steps: int | None = None,
    ) -> None:
        self.enc = enc if enc is not None else load("pocket-splice")
        self.controls = AttributionControls(self.enc, n_steps, self._on_control)
        self.target, self.method = self.controls.target, self.controls.method
        self.steps = self.controls.steps
        self.badge = ScorecardBadge(self._check)
        self.mutations = MutationBar(self.mutate, self._take_back, self._keep)
        self.shown: AttributionContent | None = None
        self._classes = part("dx-classes")
        self._verdict = part("dx-verdict")
        self._correlations = VBox().add_class("dx-correlations")
        self._to_check = False  # as soon as there is something to check
        super().__init__(selection)
        if selection is None:
            fill(self.selection, sequences, sets=(SPLICE, WINDOWS), first=SPLICE)
        self._guarded(lambda: self._changed({"index"}))

    @guarded
    def use(self, enc: Encoder) -> None:
        """Explain the decisions of another model from now on."""
        self._halt()
        self.enc, self.shown, self._doing, self._checked = enc, None, None, None
        self._kept.clear()
        self.controls.use(enc)
        self.controls.arrange()
        self._changed({"index"})

    def _above(self) -> list[Widget]:
        return [self.compute, self.controls.panel, self._classes]

    def _below(self) -> list[Widget]:
        return [self.mutations, self._correlations, self._verdict]

    def _foot(self) -> Widget:
        return row("dx-foot", self._read_out, self.badge)

    # Checking ----------------------------------------------------------------------------------

    @guarded
    def _check(self) -> None:
        if self.shown is not None and self._fresh:
            exact = self.shown.request.at(steps_of(self.shown.result))
            self._checked = self._card_task(exact)
            self._changed({"control"})

    # What is shown -----------------------------------------------------------------------------

    @property
    def result(self) -> Attribution | None:
        """The attribution on show."""
        return None if self.shown is None else self.shown.result

    @property
    def _fresh(self) -> bool:
        """Whether what is on show is of the sequence looked at."""
        current, shown = self.selection.current, self.shown
        if current is None or shown is None:
            return False
        return (shown.original or shown.result).tokens.bases == current.bases

    def _collect(self) -> AttributionContent | None:
        """Gather what is wanted and there; None while the first answer is not."""
        current, requests = self.selection.current, self._questions()
        if current is None or requests is None:
            return None
        request, mutant = requests
        original = self._answer(request)
        result = original if mutant is None else self._answer(mutant)
        if result is None or original is None or (self.edits and mutant is None):
            return None
        plan = self._plan()
        found = {
            name: self._kept.get(plan[name][0])
            for name in ("strands", "offsets", "hits", "effects", "card")
            if name in plan
        }
        shown = mutant or request
        others = [
            self._answer(self.controls.request(shown.bases, shown.target, name))
            for name in self.controls.compared
        ]
        return AttributionContent(
            name=current.name,
            request=shown,
            result=result,
            edits=self.edits if mutant is not None else (),
            original=original if mutant is not None else None,
            others=tuple(one for one in others if one is not None),
            features=tuple(self.selection.features) if self.controls.annotation.value else (),
            region=self._region,
            **found,
        )

    def _figure(self) -> Figure | None:
        if self.shown is None or not self._fresh:
            return None
        figure = self.shown.figure(
            self._cursor,
            view=self.selection.view,
            selected=self.selection.bases,
            width=self.plot.width or 900,
            theme=self.selection.theme,
        )
        return figure.update_layout(dragmode=self.selection.drag)

    def _draw(self) -> None:
        current = self.selection.current
        if current is None:
            self.badge.show(None, None)
            self._show(None, "Choose an example, or add a sequence of your own.")
            return
        shown = self._collect()
        # What is on show belongs to the request before: fade it until the answer is there.
        self.plot.stale = shown is None
        self._draw_mutations(shown)
        if shown is not None:
            self.shown = shown
        if self.shown is None or not self._fresh:
            return
        shown = self.shown
        self._classes.value = probabilities(shown.result)
        self._read_out.value = selected_in_words(shown.result, self.selection.bases)
        empty = not self._read_out.value and shown.card is not None
        show(self._read_out, not empty)  # the badge takes its place
        self.badge.show(shown.result, shown.card)
        self._verdict.value = verdict(shown.card) if shown.card is not None else ""
        show(self._verdict, shown.card is not None)
        self._draw_correlations(shown)
        self._show_on_bases(self._figure(), in_words(shown), typed=ALPHABET)
        if self._to_check and not self.plot.stale:
            self._to_check = False
            self._check()

    def _draw_mutations(self, shown: AttributionContent | None) -> None:
        current = self.selection.current
        assert current is not None  # the caller looked
        change = ""
        if shown is not None and shown.original is not None:
            change = change_in_words(shown.original, shown.result)
        bases = apply_edits(current.bases, self.edits)
        self.mutations.show(self._cursor, bases, self.edits, change)

    def _draw_correlations(self, shown: AttributionContent) -> None:
        found = shown.correlations
        if found is None:
            self._correlations.children = ()
            return
        if not self._correlations.children:
            self._correlations.children = (PlotlyView().add_class("dx-correlations-plot"),)
        figure = attribution_correlations(found, theme=self.selection.theme)
        self._correlations.layout.width = f"{figure.layout.width}px"
        self._correlations.children[0].show(figure)

    # Pressing and typing -----------------------------------------------------------------------

    @property
    def _letters(self) -> bool:
        """Whether bases are wide enough for letters."""
        current = self.selection.current
        view = self.selection.view or (0, len(current) if current is not None else 1)
        return pixels_per_base(view, self.plot.width or 900) >= LETTER_PX

    def _press(self, event: dict[str, Any]) -> None:
        if self.shown is None or not self._fresh:
            return
        number = int(event.get("panel", "y")[1:] or 1) - 1
        panel = (self.shown.panels[number:] or ["token"])[0]
        place = base_at(event["x"], len(self.shown.request.bases))
        if panel == "base" and self._letters and not event.get("shift"):
            self._point(None if place == self._cursor else place)
        elif panel == "map":
            self._cursor = place
            self.mutate(ALPHABET[min(max(round(event["y"]), 0), 3)])
        elif panel == "hits":
            self._select_hit(event["x"], -round(event["y"]))
        else:
            tokens = (self.shown.original or self.shown.result).tokens
            if number < len(self.shown.lanes):
                tokens = self.shown.lanes[number].tokens
            select_token(self.selection, tokens, event["x"], bool(event.get("shift")))

    def _select_hit(self, x: float, row: int) -> None:
        hits = self.shown.hits if self.shown is not None else None
        assert hits is not None  # it was pressed
        rows = arrange_hits(hits)
        for i in range(len(hits)):
            if rows[i] == row and hits.start[i] + 0.5 <= x <= hits.end[i] + 0.5:
                self.selection.update(bases=(int(hits.start[i]), int(hits.end[i])))
                return

    def _point(self, place: int | None) -> None:
        """Put the cursor on a base; a model with classes also has its token selected."""
        self._cursor = place
        tokens = self.shown.result.tokens if self.shown is not None else None
        if self.enc.has_head and tokens is not None:
            token = None if place is None else tuple(map(int, tokens.spans[tokens.at(place)]))
            if token != self.selection.bases:
                self.selection.update(bases=token)  # which draws
                return
        self._draw()

    def mutate(self, letter: str) -> None:
        """Change the base under the cursor, as clicking a letter does."""
        self._guarded(lambda: self._mutate(letter))

    def _mutate(self, letter: str) -> None:
        current, bases = self.selection.current, self.selection.bases
        if current is None:
            return
        if self._cursor is None and bases is not None and bases[1] - bases[0] == 1:
            self._cursor = bases[0]
        place = self._cursor
        if place is None:
            raise InputError("No base is chosen: zoom in until bases are letters and click one.")
        target = self._target()
        if not self.enc.has_head and target is not None and target[0] <= place < target[1]:
            raise InputError(
                f"Base {place + 1:,} lies in the masked stretch that is explained, where the model "
                "does not see it: choose a base outside of it."
            )
        self._edits[current.bases] = with_edit(self.edits, current.bases, place, letter)
        self._changed({"edits"})

    @guarded
    def _take_back(self, edit: Edit) -> None:
        current = self.selection.current
        if current is not None:
            left = tuple(one for one in self.edits if one != edit)
            self._edits[current.bases] = left
            self._changed({"edits"})

    @guarded
    def _keep(self) -> None:
        current, edits = self.selection.current, self.edits
        if current is None or not edits:
            return
        name = f"{current.name} {' '.join(map(str, edits))}"
        mutant = Sequence(name, apply_edits(current.bases, edits), current.label)
        self._edits.pop(current.bases)
        self.selection.add([mutant], MINE, {0: tuple(self.selection.features)})

    def _key(self, key: str, shift: bool) -> None:
        current = self.selection.current
        if current is not None and len(key) == 1 and key in ALPHABET:
            self._mutate(key)
        elif key == "Escape" and self.edits:
            self._take_back(self.edits[-1])
        elif key == "Escape" and self._cursor is not None:
            self._point(None)
        elif key in ARROWS and self.result is not None and self._fresh:
            by = ARROWS[key]
            if self._cursor is None:
                step_token(self.selection, self.result.tokens, by)
            else:
                self._point(min(max(self._cursor + by, 0), len(self.result.base_scores) - 1))
        else:
            super()._key(key, shift)

    # What files and sessions hold ----------------------------------------------------------------

    def _settings(self) -> dict[str, Widget]:
        others = {f"other {name}": one for name, one in self.controls.others.items()}
        return {**choices(vars(self.controls)), **others}

    def _memory(self) -> dict[str, Any]:
        return {
            "edits": {
                bases: [[one.position, one.before, one.after] for one in edits]
                for bases, edits in self._edits.items()
                if edits
            },
            "cursor": self._cursor,
            "region": self._region,
            "checked": self.shown is not None and self.shown.card is not None,
            # Which method fits a length hangs on how quick the machine was.
            "instead": self._stood_in(),
        }

    def _stood_in(self) -> dict[str, list[Any]]:
        shown = self.shown
        if shown is None or self._held is None or not self._fresh:
            return {}
        bases, method = (shown.original or shown.result).tokens.bases, shown.request.method
        steps = int(dict(shown.result.settings).get("steps", 0))
        return {bases: [method, steps]}

    def _recall(self, more: dict[str, Any]) -> None:
        self._edits = {
            bases: tuple(Edit(int(at), str(old), str(new)) for at, old, new in edits)
            for bases, edits in more.get("edits", {}).items()
        }
        self._cursor = more.get("cursor")
        if more.get("region") is not None:
            self._region = (int(more["region"][0]), int(more["region"][1]))
        self._to_check = bool(more.get("checked"))
        self._instead = {
            bases: (str(method), int(steps))
            for bases, (method, steps) in more.get("instead", {}).items()
        }
        self._changed({"edits"})

    # Export ------------------------------------------------------------------------------------

    def _there(self) -> AttributionContent:
        if self.shown is None or not self._fresh:
            raise InputError("There are no scores yet: choose a sequence first.")
        return self.shown

    def _code(self) -> str:
        return code_of(self._there(), self.selection, self.enc.source, self._cursor)

    def _table(self) -> str:
        return table_of(self._there(), provenance(self.enc))

    def _page_foot(self) -> str:
        shown = self._there()
        matrix = ""
        if (found := shown.correlations) is not None:
            figure = attribution_correlations(found, theme=self.selection.theme)
            matrix = figure.to_html(include_plotlyjs=False, full_html=False)
        checks = ""
        if shown.card is not None:
            checks = f"<p>{verdict(shown.card)}</p>{shown.card.table().to_html(index=False)}"
        return f"{matrix}{checks}{provenance_html(provenance(self.enc))}"
