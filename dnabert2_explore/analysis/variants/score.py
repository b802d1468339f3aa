"""Score variants: likelihoods, distances between embeddings, and what a head predicts."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import islice
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from ...encoder import Encoder
from ...encoder.batches import Budget, default_budget
from ...encoder.local import embed_with_stretch
from ...errors import InputError
from ...sequences import UnknownBasesWarning, gc_content
from ...sequences.genome import Genome
from ...sequences.variants import Placement, Skipped, Variant, place, windows_of
from ...sequences.vcf import VcfReader, check_contigs
from .likelihood import Likelihood, context_free, likelihoods, pseudo_likelihoods
from .scores import Column, VariantScores, safe_name
from .segments import Pair, Vocabulary, cut_pairs

__all__ = ["SCORES", "STRANDS", "Scorer", "score_variants"]

Progress = Callable[[int, int], None]
Values = dict[str, NDArray[np.float32]]

#: Kinds of scores that `score_variants` knows.
SCORES = ("llr", "pll", "distance", "prediction")
STRANDS = {"both": ("+", "-"), "forward": ("+",), "reverse": ("-",)}

_WINDOW = 512
_SMALLEST = 16

_SIMPLE = (
    Column("length_change", "bp", -1, "Bases that ALT has more than REF"),
    Column("gc_change", "share", -1, "GC content of the window with ALT minus with REF"),
    Column("cpg_change", "count", -1, "CpG dinucleotides in the window with ALT minus with REF"),
    Column("unknown", "bp", 1, "Bases of the reference window that are not A, C, G or T"),
)
_LLR = (
    Column(
        "llr",
        "nats",
        -1,
        "Masked-LM log-odds of ALT minus REF over the tokens that differ, masked together, against "
        "equal bases; negative: REF is likelier",
    ),
    Column(
        "llr_per_base", "nats/base", -1, "Mean log-likelihood a base of those tokens, ALT minus REF"
    ),
    Column("llr_forward", "nats", -1, "llr on the forward strand"),
    Column("llr_reverse", "nats", -1, "llr on the reverse strand"),
    Column("prior", "nats", -1, "Part of llr that the tokens have without any context"),
    Column("context", "nats", -1, "The rest of llr: what the context adds for ALT minus for REF"),
    Column("content", "nats", -1, "Part of context that is left when REF and ALT are cut alike"),
    Column("retokenisation", "nats", -1, "The rest of context: that the tokens are cut otherwise"),
    Column("content_cells", "count", 1, "Ways to cut both alleles alike that could be computed"),
    Column("content_exact", "count", 1, "How many of these needed vocabulary entries only"),
    Column("tokens_ref", "tokens", 0, "REF's tokens that differ from ALT's, mean over the strands"),
    Column("tokens_alt", "tokens", 0, "ALT's tokens that differ from REF's, mean over the strands"),
)
_PLL = (
    Column(
        "pll",
        "nats",
        -1,
        "Pseudo-log-likelihood of ALT minus REF, each token masked alone, against equal bases",
    ),
)


@dataclass(frozen=True, slots=True)
class Scorer:
    """The settings of a run; scores any number of variants, some at a time.

    Make one with `Scorer.make`, which checks the settings.

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

    @classmethod
    def make(
        cls,
        enc: Encoder,
        genome: Genome,
        window: int | None = None,
        scores: Iterable[str] | None = None,
        layers: int | Iterable[int] = -1,
        strands: str = "both",
        head: Encoder | None = None,
        pll_within: int | None = None,
        rename: Mapping[str, str] | None = None,
        batch_tokens: int | None = None,
    ) -> Scorer:
        """Check settings; parameters and errors as in `score_variants`."""
        head = head if head is not None else (enc if enc.has_head else None)
        size = _WINDOW if window is None else window
        if size < _SMALLEST:
            raise InputError(f"A window of {size} bases was asked for; give {_SMALLEST} or more.")
        if strands not in STRANDS:
            raise InputError(f"strands is {strands!r}: choose one of {', '.join(STRANDS)}.")
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
            budget=Budget(batch_tokens or default_budget(enc.device)),
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
            columns += [c for c in _LLR if c.name not in self._absent()]
        if "pll" in self.scores:
            columns += _PLL
        if "distance" in self.scores:
            for layer in self.layers:
                for kind, over in (("window", "the window"), ("local", "the tokens that differ")):
                    columns += [
                        Column(
                            f"cosine_{kind}_{layer}",
                            "1 - cosine",
                            1,
                            f"Cosine distance of REF and ALT, mean over {over}, state {layer}",
                        ),
                        Column(
                            f"euclidean_{kind}_{layer}",
                            "state",
                            1,
                            f"Euclidean distance of REF and ALT, mean over {over}, state {layer}",
                        ),
                    ]
        if self.head is not None:
            columns += _prediction_columns(self.head)
        return (*columns, *_SIMPLE)

    def _absent(self) -> set[str]:
        return {
            f"llr_{name}" for name in ("forward", "reverse") if self.strands not in ("both", name)
        }

    def score(
        self,
        variants: Iterable[Variant],
        progress: Progress | None = None,
        problems: Iterable[Skipped | None] = (),
    ) -> VariantScores:
        """Score variants, all in memory at once.

        Parameters
        ----------
        variants : iterable of Variant
        problems : iterable of (Skipped or None)
            What is known to be wrong with each already; none by default.
        progress : callable, optional
            Called as progress(done, total) in steps of the work.
        """
        given = tuple(variants)
        known = (*problems, *[None] * len(given))
        placed = [wrong or self._place(one) for one, wrong in zip(given, known, strict=False)]
        numbers = [i for i, one in enumerate(placed) if isinstance(one, Placement)]
        kept = [one for one in placed if isinstance(one, Placement)]
        found = self._compute(kept, progress or (lambda done, total: None)) if kept else {}
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

    def _compute(self, placements: list[Placement], progress: Progress) -> Values:
        strands = STRANDS[self.strands]
        windows = [windows_of(p, self.genome, self.window, s) for s in strands for p in placements]
        pairs = cut_pairs(windows, self.vocabulary)
        n = len(placements)
        steps = _Steps(progress, len(self.scores))
        values: Values = {}
        if self.free is not None:
            found = likelihoods(
                self.enc, pairs, self.vocabulary, self.free, self.budget, steps.next()
            )
            values |= _likelihood_values(found, pairs, len(strands), strands)
        if "pll" in self.scores:
            pll = pseudo_likelihoods(
                self.enc, pairs, self.vocabulary, self.pll_within, self.budget, steps.next()
            )
            values["pll"] = pll.reshape(-1, n).mean(axis=0).astype(np.float32)
        if "distance" in self.scores:
            values |= self._distances(pairs, n, steps.next())
        if self.head is not None:
            values |= self._predictions(self.head, placements, steps.next())
        forward = (
            windows[:n]
            if strands[0] == "+"
            else [windows_of(p, self.genome, self.window) for p in placements]
        )
        for number, (p, w) in enumerate(zip(placements, forward, strict=True)):
            simple = {
                "length_change": len(p.alt) - len(p.ref),
                "gc_change": gc_content(w.alt) - gc_content(w.ref),
                "cpg_change": w.alt.count("CG") - w.ref.count("CG"),
                "unknown": sum(base not in "ACGTU" for base in w.ref),
            }
            for name, value in simple.items():
                values.setdefault(name, np.empty(n, dtype=np.float32))[number] = value
        return values

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
        with warnings.catch_warnings():
            # Unknown bases are counted, variant by variant.
            warnings.simplefilter("ignore", UnknownBasesWarning)
            outputs = head.predict(texts, self.batch_tokens, progress).astype(np.float64)
        # (strands, n, alleles, outputs), averaged over the strands
        mean = outputs.reshape(-1, n, 2, head.config.num_labels).mean(axis=0)
        names = _class_names(head)
        values: Values = {}
        for i, name in enumerate(names):
            values[f"ref_{name}"] = mean[:, 0, i].astype(np.float32)
            values[f"alt_{name}"] = mean[:, 1, i].astype(np.float32)
            values[f"change_{name}"] = (mean[:, 1, i] - mean[:, 0, i]).astype(np.float32)
        change = np.abs(mean[:, 1] - mean[:, 0])
        values["change"] = change.max(axis=1).astype(np.float32)
        return values


def score_variants(
    enc: Encoder,
    variants: str | PathLike[str] | Iterable[Variant],
    genome: str | PathLike[str] | Genome,
    window: int | None = None,
    scores: Iterable[str] | None = None,
    layers: int | Iterable[int] = -1,
    strands: str = "both",
    head: Encoder | None = None,
    pll_within: int | None = None,
    rename: Mapping[str, str] | None = None,
    chunk: int = 256,
    batch_tokens: int | None = None,
    progress: Progress | None = None,
) -> VariantScores:
    """Score variants with a model: how it takes the alternative allele beside the reference.

    The formulas, and which scores change their sign when REF and ALT are exchanged, are in
    ``docs/variants.md``.

    Parameters
    ----------
    enc : Encoder
        A pre-trained model, for likelihoods and distances, or a fine-tuned one, for distances and
        predictions.
    variants : str, path-like, or iterable of Variant
        A VCF (also ``.gz`` and BCF), or variants. Each alternative allele is a row.
    genome : str, path-like or Genome
        What the variants were called on: a FASTA file.
    window : int, optional
        Bases around each variant; 512 by default. Cut at the ends of a record.
    scores : iterable of {"llr", "pll", "distance", "prediction"}, optional
        By default all that the models can give but ``"pll"``, which puts each window through the
        network once for every token.
    layers : int or iterable of int
        For distances, as `layer` in `Encoder.embed`.
    strands : {"both", "forward", "reverse"}
        ``"both"``: scores are means over the two strands. A head that was trained on one strand
        (splice sites) wants one of the others.
    head : Encoder, optional
        A fine-tuned model whose predictions are compared; by default `enc`, if it has a head. Where
        it says which lengths it was trained on and `window` is not given, it reads windows of the
        longest of these.
    pll_within : int, optional
        For ``"pll"``: only tokens within so many bases of those that differ.
    rename : mapping of str to str, optional
        From the contig names of the variants to those of the genome.
    chunk : int
        Variants whose windows are held in memory together.
    batch_tokens : int, optional
        Tokens in one forward pass, as in `Encoder.embed`.
    progress : callable, optional
        Called as progress(variants done, variants in all).

    Returns
    -------
    VariantScores
        What cannot be scored is in it too, with the reason.

    Raises
    ------
    InputError
        If a setting does not fit, or a file cannot be read at all.

    Examples
    --------
    >>> from dnabert2_explore import Sequence, load
    >>> from dnabert2_explore.sequences.variants import Variant
    >>> genome = Genome.from_records([Sequence("c", "ACGTTGCATTAGCATGCAATGGC" * 10)])
    >>> scores = score_variants(load("pocket"), [Variant("c", 100, "C", "A")], genome)
    >>> scores.messages
    ('c:101 C>A: REF is C, and the genome holds T there: is this the genome ...?',)
    """
    if chunk < 1:
        raise InputError(f"chunk is {chunk}: give at least 1 variant.")
    with nullcontext(genome) if isinstance(genome, Genome) else Genome(genome) as opened:
        scorer = Scorer.make(
            enc, opened, window, scores, layers, strands, head, pll_within, rename, batch_tokens
        )
        return _score_all(scorer, variants, chunk, progress)


def _score_all(
    scorer: Scorer,
    variants: str | PathLike[str] | Iterable[Variant],
    chunk: int,
    progress: Progress | None,
) -> VariantScores:
    source: list[tuple[Variant, Skipped | None]]
    truncated = ""
    if isinstance(variants, (str, PathLike)):
        source, truncated = _read(variants, scorer)
    else:
        source = [(one, None) for one in variants]
    total = len(source)
    parts: list[VariantScores] = []
    done = 0
    for part in _chunks(source, chunk):

        def inside(steps: int, of: int, before: int = done, size: int = len(part)) -> None:
            if progress is not None:
                progress(before + size * steps // max(of, 1), total)

        parts.append(scorer.score([v for v, _ in part], inside, [wrong for _, wrong in part]))
        done += len(part)
        if progress is not None:
            progress(done, total)
    about = {**scorer.about, "problem": truncated}
    if not parts:
        return replace(scorer.score(()), about=about)
    return VariantScores(
        variants=tuple(v for part in parts for v in part.variants),
        skipped=tuple(s for part in parts for s in part.skipped),
        values={
            column.name: np.concatenate([part[column.name] for part in parts])
            for column in scorer.columns
        },
        columns=scorer.columns,
        about=about,
    )


def _read(
    path: str | PathLike[str], scorer: Scorer
) -> tuple[list[tuple[Variant, Skipped | None]], str]:
    """Variants of a VCF, each with what is wrong with its line, and with the file."""
    reader = VcfReader(path)
    check_contigs(reader, scorer.genome.names, scorer.rename)
    found: list[tuple[Variant, Skipped | None]] = []
    for record in reader:
        found += [(one, None) for one in record.variants]
        if record.problem is not None:
            found.append((record.stand_in, record.problem))
    if reader.problem:
        warnings.warn(reader.problem, stacklevel=3)
    return found, reader.problem


def _chunks(
    items: list[tuple[Variant, Skipped | None]], size: int
) -> Iterator[list[tuple[Variant, Skipped | None]]]:
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part


def _kinds(enc: Encoder, head: Encoder | None, scores: Iterable[str] | None) -> tuple[str, ...]:
    if scores is None:
        able = {"llr": enc.has_masked_lm, "distance": True, "prediction": head is not None}
        return tuple(kind for kind in SCORES if able.get(kind))
    asked = tuple(dict.fromkeys((scores,) if isinstance(scores, str) else scores))
    for kind in asked:
        if kind not in SCORES:
            raise InputError(f"Score {kind!r} is unknown: choose from {', '.join(SCORES)}.")
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


def _class_names(head: Encoder) -> list[str]:
    if head.config.num_labels == 1:
        return ["value"]
    names = [safe_name(name) for name in head.classes]
    # Two classes that differ only in punctuation must not share a column.
    return [n if names.count(n) == 1 else f"{n}_{i}" for i, n in enumerate(names)]


def _prediction_columns(head: Encoder) -> list[Column]:
    unit = "value" if head.config.num_labels == 1 else "probability"
    columns = [Column("change", unit, 1, "Largest change of an output, without its sign")]
    for name in _class_names(head):
        columns += [
            Column(f"change_{name}", unit, -1, f"Output {name} for ALT minus for REF"),
            Column(f"ref_{name}", unit, 0, f"Output {name} for REF"),
            Column(f"alt_{name}", unit, 0, f"Output {name} for ALT"),
        ]
    return columns


def _likelihood_values(
    found: list[Likelihood], pairs: list[Pair], n_strands: int, strands: tuple[str, ...]
) -> Values:
    rows = np.array(
        [
            (
                one.llr,
                one.llr_per_base,
                one.prior,
                one.context,
                one.content,
                one.cells,
                one.exact,
                pair.ref.last - pair.ref.first,
                pair.alt.last - pair.alt.first,
            )
            for one, pair in zip(found, pairs, strict=True)
        ]
    ).reshape(n_strands, -1, 9)
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


class _Steps:
    """Progress over several kinds of scores, each counted as one part of the whole."""

    def __init__(self, progress: Progress, parts: int) -> None:
        self.progress, self.parts, self.begun = progress, parts, 0

    def next(self) -> Progress:
        """Begin the next part."""
        before = self.begun
        self.begun += 1

        def report(done: int, total: int) -> None:
            self.progress(before * 1000 + 1000 * done // max(total, 1), self.parts * 1000)

        return report
