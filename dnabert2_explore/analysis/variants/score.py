"""Score variants: likelihoods, distances between embeddings, and what a head predicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from os import PathLike

import numpy as np

from ...common.costs import says_cost
from ...common.files import expanded
from ...common.names import Strands
from ...common.progress import Progress, quiet, within
from ...encoder import Encoder
from ...errors import InputError, warn
from ...results.origins import recorded
from ...sequences.reading.genome import Genome
from ...sequences.variants.tables import as_variants, open_calls, variants_in
from ...sequences.variants.variant import Skipped, Variant
from ...sequences.variants.vcf import check_contigs
from .scorer import VariantScorer
from .scores import VariantScores, chunks

__all__ = ["Variants", "score_variants"]

#: `as_variants` says of one that is none which it is.
Variants = str | PathLike[str] | Iterable[Variant | str]


@recorded
@says_cost
def score_variants(
    enc: Encoder,
    variants: Variants,
    genome: str | PathLike[str] | Genome,
    *,
    window: int | None = None,
    scores: Iterable[str] | None = None,
    layers: int | Iterable[int] = -1,
    strands: Strands = "both",
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
    variants : str, path-like, iterable of Variant or str, or a table
        The path of a VCF (also ``.gz`` and BCF), CSV or TSV; or variants, such as
        ``["chr1:1234 A>G"]`` (position from 1), also as a DataFrame with the columns contig (or
        chrom), position (or pos, from 1), ref and alt. Each alternative allele is a row. A str that
        names no file and is written as a variant is one.
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
    >>> from dnabert2_explore.sequences.variants.variant import Variant
    >>> genome = Genome.from_records([Sequence("c", "ACGTTGCATTAGCATGCAATGGC" * 10)])
    >>> scores = score_variants(load("pocket"), [Variant("c", 100, "C", "A")], genome)
    >>> scores.messages
    ('c:101 C>A: REF is C, and the genome holds T there: is this the genome ...?',)
    """
    if chunk < 1:
        raise InputError(f"chunk is {chunk}: give at least 1 variant.")
    with nullcontext(genome) if isinstance(genome, Genome) else Genome(genome) as opened:
        scorer = VariantScorer.make(
            enc,
            opened,
            window=window,
            scores=scores,
            layers=layers,
            strands=strands,
            head=head,
            pll_within=pll_within,
            rename=rename,
            batch_tokens=batch_tokens,
        )
        return _score_all(scorer, variants, chunk, progress)


def _score_all(
    scorer: VariantScorer,
    variants: Variants,
    chunk: int,
    progress: Progress | None,
) -> VariantScores:
    source: list[tuple[Variant, Skipped | None]]
    truncated = ""
    if isinstance(variants, str) and not expanded(variants).exists():
        variants = [one for one, _ in variants_in(variants)]  # which is one, or no file
    if isinstance(variants, (str, PathLike)):
        source, truncated = _read(variants, scorer)
    else:
        source = as_variants(variants)
    total = len(source)
    parts: list[VariantScores] = []
    done = 0
    for part in chunks(source, chunk):
        inside = within(progress, done, len(part), total)
        given, wrong = zip(*part, strict=True)
        parts.append(scorer.score(given, progress=inside, problems=wrong))
        done += len(part)
        (progress or quiet)(done, total)
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
    path: str | PathLike[str], scorer: VariantScorer
) -> tuple[list[tuple[Variant, Skipped | None]], str]:
    """Variants of a VCF, each with what is wrong with its line, and with the file."""
    reader = open_calls(path)
    check_contigs(reader, scorer.genome.names, scorer.rename)
    found: list[tuple[Variant, Skipped | None]] = []
    for record in reader:
        found += [(one, None) for one in record.variants]
        if record.problem is not None:
            found.append((record.stand_in, record.problem))
    if reader.problem:
        warn(reader.problem)
    return found, reader.problem
