"""What the attribution view has on show, as a figure and in words."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from ...analysis.attribution import BASELINES, METHODS, SPREADS, Attribution, Mutagenesis
from ...analysis.attribution.trust.agreement import RankCorrelations, rank_correlations
from ...figures.attribution.lanes import Lane
from ...figures.attribution.stack import attribution_stack
from ...figures.attribution.tracks import attribution_tracks
from ...figures.core.parts import Figure
from ...figures.core.style import span_text
from ..views.mutations import Edit, changed_tokens
from .tasks import AttributionRequest, is_far

if TYPE_CHECKING:
    from ...analysis.attribution.offsets import OffsetAverage
    from ...analysis.attribution.strands import StrandMirror
    from ...analysis.attribution.trust.scorecard import Scorecard
    from ...analysis.motifs import Hits
    from ...figures.core.locus import FeatureLike

__all__ = [
    "AttributionContent",
    "change_in_words",
    "in_words",
    "probabilities",
    "selected_in_words",
]


@dataclass(frozen=True, slots=True, eq=False)
class AttributionContent:
    """Everything that is on show, of one sequence, called `name`.

    `request` is what `result` answers; its bases are the mutant's where there are `edits`, and
    `original` is before them. `others` are by further methods. What is not wanted, or not there
    yet, is None; `region` are the bases that `effects` mutated; `features` is empty where none are
    wanted.
    """

    name: str
    request: AttributionRequest
    result: Attribution
    edits: tuple[Edit, ...] = ()
    original: Attribution | None = None
    others: tuple[Attribution, ...] = ()
    strands: StrandMirror | None = None
    offsets: OffsetAverage | None = None
    hits: Hits | None = None
    effects: Mutagenesis | None = None
    region: tuple[int, int] | None = None
    card: Scorecard | None = None
    features: tuple[FeatureLike, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether there is one method and nothing else."""
        return len(self.lanes) == 2 and not (
            self.features or self.hits is not None or self.effects is not None
        )

    @property
    def lanes(self) -> list[Lane]:
        """The lanes of scores, from the top."""
        result, original = self.result, self.original
        if original is None:
            first = [Lane.of_tokens(result), Lane.of_bases(result)]
        else:
            tokens = tuple(span for span, _, _ in changed_tokens(original.tokens, result.tokens))
            bases = tuple((edit.position, edit.position + 1) for edit in self.edits)
            title = METHODS[result.method].title
            first = [
                Lane.of_tokens(original, "original", scale="tokens", marked=tokens, detail=title),
                Lane.of_tokens(result, "mutant", scale="tokens", marked=tokens),
                Lane.of_bases(original, "original", scale="bases", marked=bases),
                Lane.of_bases(result, "mutant", scale="bases", marked=bases),
            ]
        lanes = [*first, *map(Lane.of_bases, self.others)]
        if self.strands is not None:
            lanes.append(Lane.of_mirror(self.strands))
            if self.strands.applicable:
                lanes.append(Lane.of_strands(self.strands))
        if self.offsets is not None:
            lanes.append(Lane.of_offsets(self.offsets))
        return lanes

    @property
    def panels(self) -> list[str]:
        """What each panel from the top holds."""
        more = [
            name
            for name, there in (
                ("annotation", bool(self.features)),
                ("hits", self.hits is not None),
                ("map", self.effects is not None),
            )
            if there
        ]
        return [*(lane.per for lane in self.lanes), *more]

    @property
    def correlations(self) -> RankCorrelations | None:
        """How far the methods on show agree."""
        return rank_correlations([self.result, *self.others]) if self.others else None

    def figure(self, cursor: int | None = None, **how: Any) -> Figure:
        """Draw it."""
        if self.plain and cursor is None:
            return attribution_tracks(self.result, **how)
        return attribution_stack(
            self.lanes,
            features=self.features,
            hits=self.hits,
            effects=self.effects,
            cursor=cursor,
            **how,
        )


def in_words(shown: AttributionContent) -> str:
    """Write the caption, as HTML."""
    result = shown.result
    output = (
        f"the {result.unit} of class “{escape(result.target_name)}” ({result.score:+.2f})"
        if result.unit != "nats"
        else f"the log-likelihood of {escape(result.target_name)} ({result.score:.2f} nats)"
    )
    info = METHODS[result.method]
    verb = "explain" if info.title.endswith("s") else "explains"
    edits = f" with {', '.join(map(str, shown.edits))}" if shown.edits else ""
    parts = [
        f"{info.title[0].upper()}{info.title[1:]} {verb} {output} for "
        f"<b>{escape(shown.name)}</b>{edits}."
    ]
    if info.signed:
        parts.append("Above zero speaks for it, below against it.")
    else:
        parts.append(f"{info.title.capitalize()} has no sign: it is the length of the gradient.")
    settings = dict(result.settings)
    steps = settings.pop("steps", "")
    if result.delta is not None:
        parts.append(
            f"<span class='dx-delta'>Convergence delta <b>{result.delta:+.3f}</b> of a change of "
            f"{result.change:+.2f} {result.unit}{f' ({steps} steps)' if steps else ''}.</span>"
        )
        if is_far(result):
            parts.append(
                "<b class='dx-warn'>Delta is too large beside the change: do not trust these "
                f"scores{'; more steps bring it down' if steps else ''}.</b>"
            )
    if result.baseline:
        parts.append(f"Baseline: {BASELINES[result.baseline]}.")
    if result.spread in SPREADS:
        parts.append(f"A token's score is shared by its bases {SPREADS[result.spread]}.")
    if settings:
        parts.append(f"Settings: {', '.join(f'{k} {v}' for k, v in settings.items())}.")
    parts += _more_words(shown)
    outside = float(result.token_scores[result.tokens.special].sum())
    parts.append(f"[CLS] and [SEP], not drawn: {outside:+.3f}.")
    parts.append(f"<span class='dx-model'>{escape(result.model)}</span>")
    return " ".join(parts)


def _more_words(shown: AttributionContent) -> list[str]:
    parts = []
    if (found := shown.correlations) is not None:
        n = len(found.methods)
        pairs = [
            (float(found.rho[i, j]), i, j)
            for i in range(n)
            for j in range(i)
            if not np.isnan(found.rho[i, j])
        ]
        ends = [min(pairs), max(pairs)] if len(pairs) > 1 else pairs
        each = " to ".join(
            f"{rho:.2f} ({METHODS[found.methods[j]].title}, {METHODS[found.methods[i]].title})"
            for rho, i, j in ends
        ).replace("-0", "−0")
        stars = " *: of magnitudes, where a method has no sign." if found.magnitudes.any() else ""
        parts.append(f"{found}: {each or 'not defined, scores are constant'}.{stars}")
    if shown.strands is not None and shown.strands.reason:
        parts.append(f"The strands need not agree: {escape(shown.strands.reason)}.")
    if (offsets := shown.offsets) is not None:
        parts.append(
            f"Offsets: {offsets.words}, each cut into tokens anew; their scores correlate "
            f"by {offsets.agreement:.2f} (Spearman, mean of pairs)."
        )
    if (hits := shown.hits) is not None:
        places = int(hits.lengths[0])
        chance = hits.threshold * places * (2 if hits.both_strands else 1) * len(hits.motifs)
        motif = hits.motifs[0]
        of = (
            motif.label
            if len(hits.motifs) == 1
            else f"the {len(hits.motifs):,} profiles of {motif.source} that can reach this p"
        )
        parts.append(
            f"Motifs: {len(hits):,} {'hit' if len(hits) == 1 else 'hits'} of {escape(of)} (FIMO, p "
            f"&lt; {hits.threshold:.2g}, both strands); chance alone would give up to {chance:.2g}."
        )
    if (effects := shown.effects) is not None:
        known = np.flatnonzero(~np.isnan(effects.effects).all(axis=1))
        stretch = span_text(int(known[0]), int(known[-1]) + 1) if len(known) else "none"
        parts.append(
            f"Mutation map: bases {stretch}, every mutant cut into tokens anew; the estimate from "
            f"one gradient correlates by {effects.correlation:.2f} (Pearson)."
        )
    return parts


def change_in_words(original: Attribution, mutant: Attribution) -> str:
    """Say what a mutation does to the prediction and to the tokens, as HTML."""
    unit = original.unit
    parts = [
        f"{unit} of {escape(original.target_name)} {original.score:+.2f} → "
        f"<b>{mutant.score:+.2f}</b> ({mutant.score - original.score:+.2f})"
    ]
    if original.probabilities is not None and mutant.probabilities is not None:
        i = original.target
        assert isinstance(i, int)  # only a model with classes has probabilities
        before, after = original.probabilities, mutant.probabilities
        parts.insert(0, f"{escape(original.target_name)} {before[i]:.1%} → <b>{after[i]:.1%}</b>")
        if before.argmax() != after.argmax():
            parts.append(
                f"predicted class {escape(original.classes[before.argmax()])} → "
                f"<b>{escape(mutant.classes[after.argmax()])}</b>"
            )
    if original.target_name != mutant.target_name:
        parts.append(f"explained instead: {escape(mutant.target_name)}, cut into other tokens")
    cuts = changed_tokens(original.tokens, mutant.tokens)
    for (start, end), old, new in cuts[:3]:
        parts.append(f"tokens at {span_text(start, end)}: {_codes(old)} → {_codes(new)}")
    if len(cuts) > 3:
        parts.append(f"{len(cuts) - 3} more stretches cut otherwise")
    return "<span class='dx-chips'>" + "".join(f"<span>{p}</span>" for p in parts) + "</span>"


def _codes(tokens: tuple[str, ...]) -> str:
    return " ".join(f"<code>{escape(token[:24])}</code>" for token in tokens)


def selected_in_words(result: Attribution, bases: tuple[int, int] | None) -> str:
    """Say what the selected bases add up to, as HTML."""
    if bases is None:
        return ""
    share = float(result.base_scores[bases[0] : bases[1]].sum())
    weights = abs(result.base_scores)
    total = float(weights.sum())
    inside = float(weights[bases[0] : bases[1]].sum())
    part = f" ({inside / total:.1%} of all)" if total else ""
    return f"Bases {span_text(*bases)}: <b>{share:+.4f}</b> {result.unit}{part}"


def probabilities(result: Attribution) -> str:
    """Draw what the model predicts, as a bar per class."""
    if result.probabilities is None:
        return ""
    rows = "".join(
        f"<span class='dx-class{' dx-class-target' if i == result.target else ''}'>"
        f"{escape(name)} <meter min='0' max='1' value='{p:.4f}'></meter> {p:.0%}</span>"
        for i, (name, p) in enumerate(zip(result.classes, result.probabilities, strict=True))
    )
    return f"<div class='dx-chips'><span class='dx-hint'>predicted</span>{rows}</div>"
