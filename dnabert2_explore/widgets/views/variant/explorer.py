"""The variant view: what a model makes of the alternative allele beside the reference."""

from __future__ import annotations

import math
import re
import uuid
from html import escape
from os import PathLike
from typing import Any

from ipywidgets import HBox, Widget

from ....analysis.attribution import METHODS
from ....analysis.variants import VariantScorer
from ....analysis.variants.compare import VariantComparison, compare_variant
from ....analysis.variants.score import Variants
from ....encoder import Encoder, load
from ....errors import InputError, warn
from ....figures.core.parts import Figure
from ....figures.core.style import span_text
from ....figures.variant import variant_tracks
from ....sequences import ReadingWarning
from ....sequences.reading.genome import Genome
from ....sequences.variants.tables import variants_in
from ....sequences.variants.variant import Skipped, Variant, parse_variant
from ...core.code import BUTTONS, csv_text
from ...core.controls import chips, field, menu
from ...core.explorer import Explorer
from ...core.kept import Kept
from ...core.state import Selection
from .patching import PatchPanel

__all__ = ["VariantExplorer"]

_KEPT = 16
_MOST = 1_000  # variants in the list: a browser is slow with more
_MEAN = -1  # stands for all layers among the layers


class VariantExplorer(Explorer):
    """See what a variant changes: tokens, attention, attributions, and its scores.

    Choose a variant, or type one as ``chr1:1234 A>G`` (position from 1; also insertions and
    deletions as a VCF writes them) and press Enter. Drag to zoom, double-click for the whole
    window.

    Class ``dx-variant``; parts ``dx-variant-chosen``, ``dx-variant-typed``, ``dx-variant-layer``,
    ``dx-target``, ``dx-method``; and those of
    :class:`~dnabert2_explore.widgets.views.variant.patching.PatchPanel`: where in the network the
    effect is carried.

    Parameters
    ----------
    enc : Encoder, optional
        A pre-trained model, ``"pocket"`` by default, or a fine-tuned one.
    variants : str, path-like, iterable of Variant or str, or a table, optional
        To choose from, as `score_variants` takes them: a VCF, CSV or TSV, ``["chr1:1234 A>G"]``, …;
        some in the example locus by default. What cannot be read, and what comes after the first
        1,000, is left out, and told.
    genome : Genome, str or path-like, optional
        What they lie on; the example locus by default.
    head : Encoder, optional
        A fine-tuned model whose prediction is compared and explained.
    window : int
        Bases around the variant that the models read.
    strands : {"both", "forward", "reverse"}
        For the scores; see `score_variants`. The figure shows the forward strand.
    n_steps : int
        Of integrated gradients.
    selection : Selection, optional
        Shared with other views: its theme is followed.
    """

    title = "Variant"
    kind = "variant"
    help = (
        "Above, both alleles on one axis, cut into tokens; violet tokens differ. The bars say to "
        "which bases those tokens turn more (or less) of their attention, and which bases add more "
        "(or less) to the output, with the alternative allele. Below, the log-likelihood ratio of "
        "the alleles in parts: what the tokens alone would give it, what the context says of the "
        "bases when both alleles are cut alike, and what is due to the other cut. "
        "<cite>docs/variants.md has the formulas.</cite>"
    )
    reacts_to = frozenset({"theme"})

    def __init__(
        self,
        enc: Encoder | None = None,
        variants: Variants | None = None,
        *,
        genome: Genome | str | PathLike[str] | None = None,
        head: Encoder | None = None,
        window: int = 256,
        strands: str = "both",
        n_steps: int = 200,
        selection: Selection | None = None,
    ) -> None:
        self.enc = enc if enc is not None else load()
        self._path = "" if genome is None or isinstance(genome, Genome) else str(genome)
        given = _example() if genome is None else None
        if given is not None:
            self.genome = given[0]
        else:
            self.genome = genome if isinstance(genome, Genome) else Genome(str(genome))
        if variants is None:
            variants = given[1] if given else ()
        read = variants_in(variants)
        good = [one for one, problem in read if problem is None]
        self.variants = tuple(good[:_MOST])
        _tell_left_out([wrong for _, wrong in read if wrong is not None], len(good))
        self._example = given is not None
        self.scorer = VariantScorer.make(
            self.enc, self.genome, window=window, strands=strands, head=head
        )
        self._steps = n_steps
        self.result: VariantComparison | None = None
        self._view: tuple[int, int] | None = None
        self._asked: tuple[Any, ...] | None = None
        self._kept: Kept[tuple[Any, ...], VariantComparison] = Kept(_KEPT)
        self.chosen = menu(
            "dx-variant-chosen",
            [("choose a variant", -1), *((str(v), i) for i, v in enumerate(self.variants))],
            "Variants at hand",
            0 if self.variants else -1,
        )
        self.typed = field(
            "dx-variant-typed",
            f"{self.genome.names[0]}:1234 A>G",
            "A variant of your own: position from 1, bases as in a VCF; then Enter",
            "290px",
        )
        layers = [(f"layer {i + 1}", i) for i in range(self.enc.config.num_hidden_layers)]
        self.layer = menu(
            "dx-variant-layer", [("attention: all layers", _MEAN), *layers], "Whose attention"
        )
        explained = self.scorer.head
        classes = explained.classes if explained is not None else ()
        self.target = menu(
            "dx-target",
            [("class that changes most", ""), *((name, name) for name in classes)],
            "Which class to explain",
        )
        self.method = menu(
            "dx-method",
            [(METHODS[n].title, n) for n in sorted(METHODS, key="occlusion".__ne__)],
            "Attribution method",
        )
        self._how: list[Widget] = [self.layer, self.method]
        if classes:
            self._how.append(self.target)
        self.patching = PatchPanel(self._start)
        own = selection if selection is not None else Selection()
        super().__init__(own, [self.chosen, self.typed])
        # The shared axis has columns of its own: its zoom is no other view's.
        self.plot.group = uuid.uuid4().hex
        if selection is None:
            self.add_class("dx-alone")
        self.chosen.observe(self._on_chosen, names="value")
        self.typed.observe(self._on_typed, names="value")
        self._when(self._ask, self.method, self.target)
        self._when(self._draw, self.layer)
        self._guarded(self._ask)

    def _above(self) -> list[Widget]:
        return [HBox(self._how).add_class("dx-controls")]

    def _below(self) -> list[Widget]:
        return [self.patching]

    # What is asked -----------------------------------------------------------------------------

    def _on_chosen(self, change: Any) -> None:
        if change["new"] >= 0:
            self.typed.value = ""
            self._guarded(self._ask)

    def _on_typed(self, change: Any) -> None:
        if change["new"].strip():
            self.chosen.value = -1
            self._guarded(self._ask)

    @property
    def variant(self) -> Variant | None:
        """The variant asked for."""
        if self.typed.value.strip():
            names = self.genome.names
            return parse_variant(self.typed.value, contig=names[0] if len(names) == 1 else "")
        return self.variants[self.chosen.value] if self.chosen.value >= 0 else None

    def _ask(self) -> None:
        variant = self.variant
        if variant is None:
            self._asked = self.result = None
            self._draw()
            return
        question = (variant, self.target.value, self.method.value)
        if question == self._asked:
            return
        self._asked = question
        self.plot.stale = question not in self._kept

        def work(progress: Any) -> VariantComparison:
            return compare_variant(
                self.scorer,
                variant,
                question[1] or None,
                method=question[2],
                n_steps=self._steps,
                progress=progress,
            )

        self._settle(self._kept, question, f"scoring {variant}", work, self._apply)

    def _apply(self, result: VariantComparison) -> None:
        if self.result is None or self.result.variant != result.variant:
            self._view = None
        self.result = result
        self._draw()

    def _selection_changed(self, changed: set[str]) -> None:
        if changed & self.reacts_to:
            self._guarded(self._draw)

    def _handle(self, event: dict[str, Any]) -> None:
        if event["event"] == "zoom" and self.result is not None:
            low, high = event["range"]
            first = max(0, round(low - 0.5))
            self._view = (first, max(first + 1, min(self.result.columns, round(high - 0.5))))
            self._draw()
        elif event["event"] == "key":
            super()._handle(event)

    def zoom(self, factor: float) -> None:
        """Zoom about the variant."""
        if self.result is None:
            return
        columns = self.result.columns
        start, end = self._region()
        width = (end - start) * factor
        if width >= columns:
            self._view = (0, columns)
        else:
            middle = self.result.start + self.result.width / 2
            first = round(min(max(middle - width / 2, 0), columns - width))
            self._view = (first, first + max(12, round(width)))
        self._draw()

    @property
    def _layer(self) -> int | None:
        """The layer whose attention is on show; None for the mean of all."""
        return None if self.layer.value == _MEAN else int(self.layer.value)

    def _region(self) -> tuple[int, int]:
        assert self.result is not None  # callers have one
        left = self.result.start - 36
        return self._view or (max(0, left), min(self.result.columns, left + 72 + self.result.width))

    # What is shown -----------------------------------------------------------------------------

    def _figure(self) -> Figure | None:
        if self.result is None:
            return None
        return variant_tracks(
            self.result,
            layer=self._layer,
            view=self._region(),
            width=self.plot.width or 900,
            theme=self.selection.theme,
        )

    def _draw(self) -> None:
        result = self.result
        head = self.scorer.head
        classified = result is not None and head is not None and result.target in head.classes
        self.patching.ask(
            head if classified and head is not None else self.enc,
            result,
            result.target if classified and result is not None else "",
            self.selection.theme,
        )
        if result is None:
            self._read_out.value = ""
            self._show(
                None,
                f"Choose a variant, or type one such as <code>{escape(self.genome.names[0])}:1234 "
                "A&gt;G</code> and press Enter.",
            )
            return
        self.plot.stale = False
        self._read_out.value = _chips(result)
        attention = "all layers" if self._layer is None else f"layer {self._layer + 1}"
        explained = ""
        if result.attribution is not None:
            what = f"class {result.target}" if result.unit == "logit" else result.target
            how = METHODS[result.method].title
            if math.isfinite(result.delta):
                how += f", {self._steps} steps, delta {result.delta:+.3f}"
            explained = (
                f" Attribution: {how}, of {escape(what)} (change {result.change:+.3f} "
                f"{escape(result.unit)}) by {escape(result.explained)}."
            )
        bases = span_text(result.first, result.first + len(result.ref.bases))
        self._show(
            self._figure(),
            f"<b>{escape(str(result.variant))}</b> in bases {bases} of "
            f"{escape(result.variant.contig)}, by {escape(result.model)}. Differences are ALT "
            f"minus REF, forward strand; attention: mean over the heads of {attention}. Scores: "
            f"{_strands(self.scorer.strands)}.{explained}",
            linked=True,
            bounds=(0.5, result.columns + 0.5),
            config=BUTTONS,
        )

    def _code(self) -> str:
        variant = self.variant
        if variant is None:
            raise InputError("There is no variant yet: choose or type one first.")
        text = f"{variant.contig}:{variant.position + 1} {variant.ref}>{variant.alt}"
        genome = (
            "dx.Genome.from_records([dx.demo.locus().sequence])"
            if self._example
            else f"dx.Genome({self._path or self.genome.path!r})"
        )
        head = "None" if self.scorer.head is None else f"dx.load({self.scorer.head.source!r})"
        return (
            "import dnabert2_explore as dx\n"
            f"scorer = dx.VariantScorer.make(dx.load({self.enc.source!r}), {genome}, "
            f"window={self.scorer.window}, strands={self.scorer.strands!r}, head={head})\n"
            f"result = dx.compare_variant(scorer, dx.parse_variant({text!r}), "
            f"{self.target.value or None!r}, method={self.method.value!r}, n_steps={self._steps})\n"
            f"dx.plot(result, layer={self._layer!r})"
        )

    def _table(self) -> str:
        result = self.result
        if result is None:
            raise InputError("There is no variant yet: choose or type one first.")
        remarks = [
            f"{result.variant} by {result.model}",
            "differences: ALT minus REF; attention as a share, attribution in "
            f"{result.unit or '(none)'}",
            *(f"{c.name}: {result.scores[c.name][0]:.6g} {c.unit}" for c in result.scores.columns),
        ]
        columns = ("column", "position", "ref", "alt", "ref_token", "alt_token", "attention",
                   "attribution")  # fmt: skip
        attention = result.attention(self._layer)
        cells: list[list[str]] = [["", "", "", "", ""] for _ in range(result.columns)]
        for name, tokens, base_at, token_at in (
            ("ref", result.ref, 1, 3),
            ("alt", result.alt, 2, 4),
        ):
            for i, column in enumerate(result.column(name).tolist()):
                if name == "ref":
                    cells[column][0] = str(result.first + i + 1)
                cells[column][base_at] = tokens.bases[i]
                cells[column][token_at] = tokens.tokens[tokens.at(i)]
        why = [""] * result.columns
        if result.attribution is not None:
            why = [f"{value:.6g}" for value in result.attribution]
        rows = ([i + 1, *cells[i], f"{attention[i]:.6g}", why[i]] for i in range(result.columns))
        return csv_text(remarks, columns, rows)

    def _stem(self) -> str:
        name = str(self.result.variant) if self.result is not None else "none"
        return f"variant-{re.sub(r'[^A-Za-z0-9._-]+', '_', name)[:60]}"


def _strands(strands: str) -> str:
    return "means over both strands" if strands == "both" else f"{strands} strand"


def _chips(result: VariantComparison) -> str:
    """Write the scores with their units, as the token view writes its numbers."""
    values = {name: float(v[0]) for name, v in result.scores.values.items()}
    layer = next((n.rsplit("_", 1)[1] for n in values if n.startswith("cosine_local_")), "")
    wanted = [
        ("llr", "log-likelihood ratio", "+.2f", "nats"),
        ("llr_per_base", "per base", "+.3f", "nats"),
        (f"cosine_local_{layer}", "cosine distance at the variant", ".3f", ""),
        (f"cosine_window_{layer}", "over the window", ".4f", ""),
        (f"euclidean_local_{layer}", "Euclidean at the variant", ".2f", ""),
        (f"euclidean_window_{layer}", "over the window", ".3f", ""),
    ]
    told = [
        f"{label} <b>{values[name]:{form}}</b> {unit}".replace("<b>-", "<b>−")
        for name, label, form, unit in wanted
        if math.isfinite(values.get(name, math.nan))
    ]
    for name in values:
        if name.startswith("change_"):
            kind = name.removeprefix("change_")
            before, after = values[f"ref_{kind}"], values[f"alt_{kind}"]
            told.append(f"{escape(kind)} {before:.3f} → <b>{after:.3f}</b>")
    cells = values.get("content_cells")
    if cells is not None and values.get("content_exact", cells) < cells:
        told.append(
            f"content: {int(cells - values['content_exact'])} of {int(cells)} ways base by base "
            "(approximate)"
        )
    if values.get("unknown"):
        told.append(f"<b class='dx-warn'>▨ {int(values['unknown'])} unknown</b> bases")
    return chips(told)


def _example() -> tuple[Genome, tuple[Variant, ...]]:
    """Variants at and near a splice site of the example locus, of each kind."""
    from .... import demo

    locus = demo.locus()
    name, bases = locus.sequence.name, locus.sequence.bases.upper()
    intron = next(f for f in locus.of_kind("intron") if f.strand == "+")
    site = intron.start  # the first base of the intron, G of GT
    other = {"A": "G", "C": "T", "G": "A", "T": "C"}
    far = site + 30
    return Genome.from_records([locus.sequence]), (
        Variant(name, site, bases[site], other[bases[site]]),
        Variant(name, far, bases[far], other[bases[far]]),
        Variant(name, far, bases[far], bases[far] + "GATTACA"),
        Variant(name, site - 3, bases[site - 3 : site + 5], bases[site - 3]),
        Variant(name, far, bases[far : far + 3], "".join(other[b] for b in bases[far : far + 3])),
    )


def _tell_left_out(wrong: list[Skipped], good: int) -> None:
    """Warn of variants that are not in the list."""
    said = []
    if wrong:
        said.append(f"{len(wrong):,} variants cannot be read, such as: {wrong[0].message}")
    if good > _MOST:
        said.append(f"the list holds the first {_MOST:,} of {good:,}: type any other")
    if said:
        warn("; ".join(said), ReadingWarning)
