"""Settings of a run, and scoring some variants at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from ...common.costs import says_cost
from ...common.kinds import checked
from ...common.names import check_name
from ...common.progress import Progress, split
from ...encoder import Encoder
from ...encoder.passes.batches import Budget, budget_of
from ...encoder.vectors.local import embed_with_stretch
from ...errors import InputError, silenced
from ...results.origins import recorded
from ...results.rich_display import RichDisplay
from ...sequences import UnknownBasesWarning, gc_content
from ...sequences.reading.genome import Genome
from ...sequences.variants.variant import Placement, Skipped, Variant, place, windows_of
from .columns import LLR, PLL, SIMPLE, class_names, distance_columns, prediction_columns
from .likelihood import Likelihood, context_free, likelihoods, pseudo_likelihoods
from .scores import Column, VariantScores
from .segments import Pair, Vocabulary, cut_pairs

__all__ = ["SCORES", "STRANDS", "VariantScorer"]

Values = dict[str, NDArray[np.float32]]

#: Kinds of scores that `score_variants` knows.
SCORES = ("llr", "pll", "distance", "prediction")
STRANDS = {"both": ("+", "-"), "forward": ("+",), "reverse": ("-",)}

_WINDOW = 512
_SMALLEST = 16


@dataclass(frozen=True, slots=True, repr=False)
class VariantScorer(RichDisplay):
    """The settings of a run; scores any number of variants, some at a time.

    Make one with `VariantScorer.make`, which checks the settings.

    Attributes
    ----------
    enc : Encoder
    head : Encoder or None
        Whose predictions are compared.
    genome : Genome
    window, head_window : int
    scores : tuple of str
    layers : tuple of int
    strands : str
    pll_within : int or None
    rename : mapping of str to str
    vocabulary : Vocabulary
    budget : Budget
    batch_tokens : int or None
    free : numpy.ndarray, shape (vocabulary,), or None
        Log-probabilities of tokens without a context; None where no likelihood is asked for.
    """

    enc: Encoder
    head: Encoder | None
    genome: Genome
    window: int
    head_window: int
    scores: tuple[str, ...]
    layers: tuple[int, ...]
    strands: str
    pll_within: int | None
    rename: Mapping[str, str]
    vocabulary: Vocabulary
    budget: Budget
    batch_tokens: int | None
    free: NDArray[np.float64] | None

    def _line(self) -> str:
        strands = "both strands" if self.strands == "both" else f"the {self.strands} strand"
        windows = f"{', '.join(self.scores)} in windows of {self.window:,} bp"
        return f"{windows}, {strands}, by {self.enc.name}"

    @classmethod
    @checked
    def make(
        cls,
        enc: Encoder,
        genome: Genome,
        *,
        window: int | None = None,
        scores: Iterable[str] | None = None,
        layers: int | Iterable[int] = -1,
        strands: str = "both",
        head: Encoder | None = None,
        pll_within: int | None = None,
        rename: Mapping[str, str] | None = None,
        batch_tokens: int | None = None,
    ) -> VariantScorer:
        """Check settings, and make a scorer; parameters and errors as in `score_variants`.

        Examples
        --------
        >>> import dnabert2_explore as dx
        >>> locus = dx.Genome.from_records([dx.demo.locus().sequence])
        >>> VariantScorer.make(dx.load("pocket"), locus, window=200)
        <VariantScorer: llr, distance in windows of 200 bp, both strands, by pocket>
        """
        head = head if head is not None else (enc if enc.has_head else None)
        size = _WINDOW if window is None else window
        if size < _SMALLEST:
            raise InputError(f"A window of {size} bases was asked for; give {_SMALLEST} or more.")
        check_name("Strands", strands, STRANDS)
        if pll_within is not None and pll_within < 0:
            raise InputError(f"pll_within is {pll_within} bases: give 0 or more, or None for all.")
        asked = _kinds(enc, head, scores)
        trained = head.config.training_bases if head is not None else None
        return cls(
            enc=enc,
            head=head if "prediction" in asked else None,
            genome=genome,
            window=size,
            head_window=size if window is not None or not trained else max(_SMALLEST, trained[1]),
            scores=asked,
            layers=tuple(dict.fromkeys(enc.find_layers(layers))),
            strands=strands,
            pll_within=pll_within,
            rename=dict(rename or {}),
            vocabulary=Vocabulary(enc.tokenizer),
            budget=budget_of(enc, batch_tokens),
            batch_tokens=batch_tokens,
            free=context_free(enc) if "llr" in asked else None,
        )

    @property
    def about(self) -> dict[str, object]:
        """The settings, ready for JSON."""
        return {
            "model": str(self.enc.info),
            "weights_sha256": self.enc.weights_sha256,
            "head": "" if self.head is None else str(self.head.info),
            "genome": self.genome.path or "in memory",
            "window": self.window,
            "head_window": self.head_window if self.head is not None else 0,
            "scores": list(self.scores),
            "layers": list(self.layers),
            "strands": self.strands,
            "pll_within": self.pll_within,
            "rename": dict(self.rename),
        }

    @property
    def columns(self) -> tuple[Column, ...]:
        """What is computed, in the order of the table."""
        columns: list[Column] = []
        if "llr" in self.scores:
            columns += [c for c in LLR if c.name not in self._absent()]
        if "pll" in self.scores:
            columns += PLL
        if "distance" in self.scores:
            columns += distance_columns(self.layers)
        if self.head is not None:
            columns += prediction_columns(self.head)
        return (*columns, *SIMPLE)

    def _absent(self) -> set[str]:
        return {
            f"llr_{name}" for name in ("forward", "reverse") if self.strands not in ("both", name)
        }

    @recorded(of_results=True)
    @says_cost
    def score(
        self,
        variants: Iterable[Variant],
        *,
        progress: Progress | None = None,
        problems: Iterable[Skipped | None] = (),
    ) -> VariantScores:
        """Score variants, all in memory at once.

        Parameters
        ----------
        variants : iterable of Variant
        progress : callable, optional
            Called as progress(done, total) in steps of the work.
        problems : iterable of (Skipped or None)
            What is known to be wrong with each already; none by default.

        Returns
        -------
        VariantScores
        """
        given = tuple(variants)
        known = (*problems, *[None] * len(given))
        placed = [wrong or self._place(one) for one, wrong in zip(given, known, strict=False)]
        numbers = [i for i, one in enumerate(placed) if isinstance(one, Placement)]
        kept = [one for one in placed if isinstance(one, Placement)]
        found = self._compute(kept, progress) if kept else {}
        values: Values = {}
        for column in self.columns:
            full = np.full(len(given), np.nan, dtype=np.float32)
            if kept:
                full[numbers] = found[column.name]
            values[column.name] = full
        return VariantScores(
            variants=given,
            skipped=tuple(one if isinstance(one, Skipped) else None for one in placed),
            values=values,
            columns=self.columns,
            about=self.about,
        )

    def _place(self, variant: Variant) -> Placement | Skipped:
        found = place(variant, self.genome, self.window // 2, self.rename)
        if isinstance(found, Placement):
            windows = windows_of(found, self.genome, self.window)
            if not (windows.ref and windows.alt):
                return Skipped(
                    "long",
                    f"{variant.where or variant}: the variant leaves no base of {found.contig}: "
                    "leave it out.",
                )
        return found

    def _compute(self, placements: list[Placement], progress: Progress | None) -> Values:
        strands = STRANDS[self.strands]
        windows = [windows_of(p, self.genome, self.window, s) for s in strands for p in placements]
        pairs = cut_pairs(windows, self.vocabulary)
        n = len(placements)
        parts = iter(split(progress, [1] * len(self.scores)))
        values: Values = {}
        if self.free is not None:
            found = likelihoods(
                self.enc, pairs, self.vocabulary, self.free, self.budget, next(parts)
            )
            values |= _likelihood_values(found, pairs, strands)
        if "pll" in self.scores:
            pll = pseudo_likelihoods(
                self.enc, pairs, self.vocabulary, self.pll_within, self.budget, next(parts)
            )
            values["pll"] = pll.reshape(-1, n).mean(axis=0).astype(np.float32)
        if "distance" in self.scores:
            values |= self._distances(pairs, n, next(parts))
        if self.head is not None:
            values |= self._predictions(self.head, placements, next(parts))
        forward = (
            windows[:n]
            if strands[0] == "+"
            else [windows_of(p, self.genome, self.window) for p in placements]
        )
        simple = {
            "length_change": [len(p.alt) - len(p.ref) for p in placements],
            "gc_change": [gc_content(w.alt) - gc_content(w.ref) for w in forward],
            "cpg_change": [w.alt.count("CG") - w.ref.count("CG") for w in forward],
            "unknown": [sum(base not in "ACGTU" for base in w.ref) for w in forward],
        }
        return values | {name: np.array(each, np.float32) for name, each in simple.items()}

    def _distances(self, pairs: list[Pair], n: int, progress: Progress) -> Values:
        alleles = [allele for pair in pairs for allele in (pair.ref, pair.alt)]
        # An allele without a token of its own is compared at its neighbours; see `cut_pairs`.
        spans = [(a.first, max(a.last, a.first + 1)) for a in alleles]
        vectors = embed_with_stretch(
            self.enc, [a.ids for a in alleles], spans, self.layers, self.budget, progress
        ).astype(np.float64)
        ref, alt = vectors[::2], vectors[1::2]
        norms = np.linalg.norm(ref, axis=-1) * np.linalg.norm(alt, axis=-1)
        cosine = 1 - (ref * alt).sum(axis=-1) / np.maximum(norms, 1e-30)
        euclidean = np.linalg.norm(alt - ref, axis=-1)
        values: Values = {}
        for name, distance in (("cosine", cosine), ("euclidean", euclidean)):
            # (strands · n, kinds, layers)
            mean = distance.reshape(-1, n, *distance.shape[1:]).mean(axis=0).astype(np.float32)
            for k, kind in enumerate(("window", "local")):
                for i, layer in enumerate(self.layers):
                    values[f"{name}_{kind}_{layer}"] = mean[:, k, i]
        return values

    def _predictions(
        self, head: Encoder, placements: list[Placement], progress: Progress
    ) -> Values:
        n = len(placements)
        windows = [
            windows_of(p, self.genome, self.head_window, strand)
            for strand in STRANDS[self.strands]
            for p in placements
        ]
        texts = [text for one in windows for text in (one.ref, one.alt)]
        with silenced(UnknownBasesWarning):  # they are counted, variant by variant
            outputs = head.predict(texts, batch_tokens=self.batch_tokens, progress=progress)
        # (strands, n, alleles, outputs), averaged over the strands
        mean = outputs.reshape(-1, n, 2, head.config.num_labels).mean(axis=0, dtype=np.float64)
        ref, alt = mean[:, 0], mean[:, 1]
        values: Values = {"change": np.abs(alt - ref).max(axis=1).astype(np.float32)}
        for kind, found in (("ref", ref), ("alt", alt), ("change", alt - ref)):
            for i, name in enumerate(class_names(head)):
                values[f"{kind}_{name}"] = found[:, i].astype(np.float32)
        return values


def _kinds(enc: Encoder, head: Encoder | None, scores: Iterable[str] | None) -> tuple[str, ...]:
    if scores is None:
        able = {"llr": enc.has_masked_lm, "distance": True, "prediction": head is not None}
        return tuple(kind for kind in SCORES if able.get(kind))
    asked = tuple(dict.fromkeys((scores,) if isinstance(scores, str) else scores))
    for kind in asked:
        check_name("Score", kind, SCORES)
        if kind in ("llr", "pll") and not enc.has_masked_lm:
            raise InputError(
                f"Score {kind!r} needs a masked-LM head, and model {enc.name!r} has none: take a "
                'pre-trained model such as "pocket", and give this one as head.'
            )
        if kind == "prediction" and head is None:
            raise InputError(
                "Score 'prediction' needs a fine-tuned model: give one as head, such as "
                '"pocket-splice".'
            )
    if not asked:
        raise InputError(f"No score is asked for: choose from {', '.join(SCORES)}.")
    return asked


def _likelihood_values(
    found: list[Likelihood], pairs: list[Pair], strands: tuple[str, ...]
) -> Values:
    rows = np.array(
        [
            (*astuple(one), pair.ref.last - pair.ref.first, pair.alt.last - pair.alt.first)
            for one, pair in zip(found, pairs, strict=True)
        ]
    ).reshape(len(strands), -1, 9)
    mean, total = rows.mean(axis=0), rows.sum(axis=0)
    values = {
        "llr": mean[:, 0],
        "llr_per_base": mean[:, 1],
        "prior": mean[:, 2],
        "context": mean[:, 3],
        "content": mean[:, 4],
        "retokenisation": mean[:, 3] - mean[:, 4],
        "content_cells": total[:, 5],
        "content_exact": total[:, 6],
        "tokens_ref": mean[:, 7],
        "tokens_alt": mean[:, 8],
    }
    for strand, row in zip(strands, rows, strict=True):
        values["llr_forward" if strand == "+" else "llr_reverse"] = row[:, 0]
    return {name: one.astype(np.float32) for name, one in values.items()}
