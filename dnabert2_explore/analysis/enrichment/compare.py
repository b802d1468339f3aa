"""Why these sequences: what a selection has that the rest has not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from ...common.costs import says_cost
from ...common.names import Matching
from ...common.progress import Progress, quiet
from ...results.origins import recorded
from ...results.rich_display import RichDisplay, counted
from ...sequences import Sequence
from ...sequences.given import as_sequences
from ...sequences.motifs.motif import Motif
from ..motifs.match import Matches, match_motifs
from .composition import ClassShare, Contrast, class_shares, contrasts
from .places import Place, place_of
from .pooled import pooled_motifs
from .words import Enrichment, enriched_kmers, enriched_tokens

if TYPE_CHECKING:
    import pandas as pd

    from ...tokens import DnaTokenizer

__all__ = ["SequenceComparison", "compare_sequences"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SequenceComparison(RichDisplay):
    """What sequences of a selection have that the rest has not.

    Attributes
    ----------
    kmers : Enrichment
    tokens : Enrichment or None
        None without a tokenizer.
    composition : tuple of Contrast
        GC content, CpG, length, unknown bases.
    classes : tuple of ClassShare
        Labels and other columns, the surest difference first.
    motifs : tuple of Motif
        Enriched k-mers pooled.
    matches : Matches or None
        Known motifs like `motifs`; None where they were not asked for, or there are none.
    place : Place or None
        Medoids and neighbours; None without vectors.
    selected, rest : tuple of str
        Names.
    """

    kmers: Enrichment
    tokens: Enrichment | None
    composition: tuple[Contrast, ...]
    classes: tuple[ClassShare, ...]
    motifs: tuple[Motif, ...]
    matches: Matches | None
    place: Place | None
    selected: tuple[str, ...]
    rest: tuple[str, ...]

    def _line(self) -> str:
        return f"{counted(len(self.selected), 'sequence')} beside {len(self.rest):,}; {self.kmers}"

    def __str__(self) -> str:
        lines = [str(self.kmers)]
        if self.tokens is not None:
            lines.append(str(self.tokens))
        lines += [
            f"{c.name}: median {c.selected:.4g}{f' {c.unit}' if c.unit else ''} beside {c.rest:.4g}"
            f" (more in {c.exceeds:.0%} of pairs, p = {c.p_value:.2g})"
            for c in self.composition
        ]
        if self.place is not None:
            lines.append(
                f"{self.place.within:.0%} of the {self.place.n_neighbors} nearest neighbours in "
                f"the full space are selected too; by chance {self.place.by_chance:.0%}"
            )
        return "\n".join(lines)

    def table(self) -> pd.DataFrame:
        """Return the k-mers as a table; see `Enrichment.table`."""
        return self.kmers.table()


@recorded
@says_cost
def compare_sequences(
    selected: Iterable[str | Sequence],
    rest: Iterable[str | Sequence],
    *,
    vectors: tuple[ArrayLike, ArrayLike] | None = None,
    tokenizer: DnaTokenizer | None = None,
    k: int | None = None,
    match: Matching = "gc+length",
    known_motifs: Motif | str | Iterable[Motif | str] | bool = False,
    progress: Progress | None = None,
) -> SequenceComparison:
    """Tell what a selection of sequences has that the rest has not.

    Words are counted once a sequence and compared within strata of like GC content and length; see
    `enriched_kmers`. Composition and classes are compared as they are: where they differ, they may
    be all there is to the selection.

    Parameters
    ----------
    selected, rest : iterable of str or Sequence
    vectors : (array_like, array_like), optional
        Embeddings of both, shapes (n, hidden) and (m, hidden), for medoids and neighbours.
    tokenizer : DnaTokenizer, optional
        Also compare tokens; such as ``enc.tokenizer``.
    k : int, optional
        Of the k-mers, 1 to 8; by default what fits the lengths.
    match : {"gc+length", "gc+cpg", "gc", "none"}
        What strata share, within which words are compared.
    known_motifs : bool, Motif, str, or iterable of them
        Look the pooled k-mers up in JASPAR's vertebrates (True), or in these; takes seconds.
    progress : callable, optional
        Called as progress(steps done, steps in all); may raise `Cancelled`.

    Returns
    -------
    SequenceComparison

    Raises
    ------
    InputError
        If a set is empty, a setting is another, or vectors have no row without NaN or two widths.

    Examples
    --------
    >>> from dnabert2_explore import demo
    >>> windows = demo.windows()
    >>> bacteria = [s for s in windows if s.label == "bacteria"]
    >>> found = compare_sequences(bacteria, [s for s in windows if s.label != "bacteria"])
    >>> found.kmers.words[0], bool(found.kmers.q_value[0] < 1e-6)
    ('ATGGCG', True)
    """
    report = progress or quiet
    mine, yours = as_sequences(selected, least=0), as_sequences(rest, least=0)
    texts = [s.bases for s in mine]
    report(0, 5)
    kmers = enriched_kmers(mine, yours, k, match=match)
    report(1, 5)
    motifs = pooled_motifs(kmers, texts)
    made = contrasts(texts, [s.bases for s in yours])
    classes = class_shares(mine, yours)
    report(2, 5)
    place = None if vectors is None else place_of(*vectors)
    report(3, 5)
    tokens = None if tokenizer is None else enriched_tokens(mine, yours, tokenizer, match=match)
    report(4, 5)
    matches = None
    if motifs and known_motifs is not False:
        database = None if known_motifs is True else known_motifs
        matches = match_motifs(motifs, database)
    report(5, 5)
    return SequenceComparison(
        kmers=kmers,
        tokens=tokens,
        composition=made,
        classes=classes,
        motifs=motifs,
        matches=matches,
        place=place,
        selected=tuple(s.name for s in mine),
        rest=tuple(s.name for s in yours),
    )
