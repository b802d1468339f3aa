"""Run a sweep: every variant in one batch of the packed engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence as Items
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ...common.costs import says_cost
from ...common.names import Output, SweepName
from ...common.progress import Progress, within
from ...encoder import Bases, Encoder
from ...encoder.passes.readings import explained_line
from ...errors import InputError
from ...results.origins import recorded
from ...sequences import Sequence, clean
from ...sequences.given import as_sequences
from ...sequences.motifs.jaspar import as_motif
from ...sequences.motifs.motif import Motif
from ...sequences.shuffle import shuffle_dinucleotides
from ..attribution.explained_output import ExplainedOutput, Target
from .designs import MOVING, Design
from .result import Sweep
from .words import control_motif, draw_sites

__all__ = ["marginalize"]

Words = tuple[str, ...]


@recorded
@says_cost
def marginalize(
    enc: Encoder,
    background: Bases | Items[Bases],
    motif: Motif | str,
    target: Target | None = None,
    *,
    output: Output = "auto",
    sweep: SweepName = "position",
    second: Motif | str | None = None,
    columns: Items[int] | None = None,
    copies: int = 5,
    at: int | None = None,
    shuffled: int = 0,
    only_shuffled: bool = False,
    sites: int = 0,
    control: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
) -> Sweep:
    """Drop a motif into backgrounds, vary how, and read one output of a model each time.

    The effect of a cell is the output with the motif minus that of the same background without it,
    in the mean over backgrounds.

    Parameters
    ----------
    enc : Encoder
    background : str, Sequence, or several of one length
    motif : Motif or str
        A word of A, C, G and T, or a name or accession of JASPAR, also does.
    target : int, str, tuple of int, or None
        For a model with a head: class index or name; None is the class whose largest effect is
        the largest. For a pre-trained model: a base span (start, end), 0-based, half-open, whose
        masked tokens' log-likelihood is read. Cells that would write over it are NaN.
    output : {"auto", "logit", "probability"}
        Of a model with classes; "auto" is the logit.
    sweep : str
        ``"position"``
            Every position, on both strands.
        ``"orientation"``
            Also the site read backwards and complemented only: neither is the motif on any strand.
        ``"copies"``
            1 to `copies` copies behind one another, by the gap between them. The first stays.
        ``"spacing"``
            Two motifs by the gap between them, on all four pairs of strands. The first stays. What
            the pair adds beyond its motifs alone is `Sweep.interaction`.
        ``"indel"``
            Insertions and deletions just before, inside (in the middle of) and just behind the
            site. Bases are moved, so that length and composition stay: an insertion takes the last
            bases of the background, a deletion puts what it takes out at the end. Compared with
            the background that has the same insertion or deletion.
    second : Motif or str, optional
        The other motif of ``"spacing"``; `motif` itself by default.
    columns : sequence of int, optional
        What to vary: positions (0-based), gaps, or lengths of insertions (above 0) and deletions
        (below 0). By default every position, gaps to 20 (copies) or 40 (spacing), and up to 10
        bases, as far as they fit.
    copies : int
    at : int, optional
        First base of the first site, 0-based, where the sweep does not move it; by default such
        that the widest cell stands in the middle.
    shuffled : int
        Dinucleotide-shuffled copies of each background that join the backgrounds.
    only_shuffled : bool
        Leave out the backgrounds themselves.
    sites : int
        Sites drawn from the motif for each background; 0 writes its consensus.
    control : bool
        Also sweep a decoy: the motif with its positions shuffled, another for each background.
        What it does too is no effect of the motif.
    seed : int
        Of shuffles, sites and decoys.
    progress : callable, optional
        Called as progress(done, total); raise `Cancelled` from it to stop.

    Returns
    -------
    Sweep

    Raises
    ------
    InputError
        If a motif is longer than the background, a cell does not fit, there is nothing to sweep,
        backgrounds differ in length, or the target does not exist.

    References
    ----------
    Koo et al. 2021, PLoS Comput. Biol. 17:e1008925 (effects of planted motifs in the mean over
    backgrounds); Avsec et al. 2021, Nat. Genet. 53:354 (spacing of two motifs).

    Examples
    --------
    >>> import dnabert2_explore as dx
    >>> enc = dx.load("pocket-splice")
    >>> background = dx.demo.splice()[40]  # no splice site
    >>> result = marginalize(enc, background, "GTAAGT", "donor", columns=range(0, 195, 5))
    >>> result.scores.shape, result.rows.values
    ((2, 39, 1), ('+', '-'))
    >>> row, column = result.peak
    >>> result.sequence(row, column) == background.bases
    False
    """
    first = as_motif(motif)
    if second is not None and sweep != "spacing":
        raise InputError(f'A second motif has no part in sweep {sweep!r}: take sweep="spacing".')
    other = None if sweep != "spacing" else first if second is None else as_motif(second)
    motifs = (first,) if other is None else (first, other)
    for name, value in (("shuffled", shuffled), ("sites", sites)):
        if value < 0:
            raise InputError(f"{name} is {value}; expected 0 or more.")
    given = as_sequences(background, "background")
    rng = np.random.default_rng(seed)
    plain = _backgrounds(given, shuffled, only_shuffled, rng)
    lengths = tuple(len(one) for one in motifs)
    counted = {
        "target": isinstance(target, tuple | list),
        "at": at is not None,
        "columns": columns is not None and sweep in MOVING,
    }
    _check_space(given, [name for name, counts in counted.items() if counts])
    design = Design.make(sweep, len(plain[0].bases), lengths, columns, copies, at)
    backgrounds, words, decoys = _fill(plain, motifs, sites, control, rng)
    explained = _explained_outputs(enc, backgrounds, target, output)
    batch = _Batch(design, backgrounds, explained)

    def written(sites: list[Words], k: int, r: int, c: int, only: int | None = None) -> str:
        return design.write(backgrounds[k].bases, sites[k], r, c, only)

    scores = batch.cells(partial(written, words))
    baseline = batch.cells(lambda k, r, c: design.without(backgrounds[k].bases, r, c))
    against = alone = None
    if control:
        against = batch.cells(partial(written, decoys))
    if other is not None:
        alone = [batch.cells(partial(written, words, only=which)) for which in (0, 1)]
    if (scores < 0).all():
        raise InputError(
            "Every cell would write over the masked bases that are asked for: give another target "
            "or other columns."
        )
    values = batch.run(every_class=target is None, progress=progress)
    asked, index = explained[0], 0
    named, name = asked.target, asked.name
    if values.shape[1] > 1:
        change = _take(values, scores) - _take(values, baseline)
        index = int(np.nan_to_num(np.abs(change.mean(axis=2))).max(axis=(0, 1)).argmax())
        named, name = index, enc.classes[index]
    elif isinstance(named, tuple) and len(backgrounds) > 1:
        # Whole tokens are masked: which bases they cover differs between backgrounds.
        name = f"the masked tokens over bases {named[0] + 1:,}–{named[1]:,}"
    chosen = values[:, index]
    return Sweep(
        design=design,
        motif=first,
        second=other,
        backgrounds=tuple(backgrounds),
        sites=tuple(words),
        control_sites=tuple(decoys),
        scores=_take(chosen, scores),
        baseline=_take(chosen, baseline),
        control=None if against is None else _take(chosen, against),
        alone=None if alone is None else np.stack([_take(chosen, one) for one in alone]),
        target=named,
        target_name=name,
        unit=asked.unit,
        model=explained_line(enc),
    )


def _backgrounds(
    given: list[Sequence], shuffled: int, only_shuffled: bool, rng: np.random.Generator
) -> list[Sequence]:
    """Clean backgrounds with their shuffled copies behind each of them."""
    if only_shuffled and shuffled < 1:
        raise InputError("Shuffled copies alone of no copies: give shuffled=1 or more.")
    made = []
    for one in given:
        name, bases = one.name, clean(one.bases).bases
        if not only_shuffled:
            made.append(Sequence(name, bases))
        made += [
            Sequence(f"{name}, shuffled {i}", shuffle_dinucleotides(bases, rng))
            for i in range(1, shuffled + 1)
        ]
    odd = next((one for one in made if len(one) != len(made[0])), None)
    if odd is not None:
        raise InputError(
            f"Backgrounds {made[0].name!r} and {odd.name!r} have {len(made[0])} and {len(odd)} bp: "
            "give backgrounds of one length, so that a position means the same in all."
        )
    return made


def _check_space(given: list[Sequence], counted: list[str]) -> None:
    """Refuse white space where bases are counted: it is dropped, and the bases behind it move."""
    for number, one in enumerate(given, start=1):
        spaces = clean(one.bases).composition.whitespace
        if counted and spaces:
            raise InputError(
                f"Background {number} holds white space, so that bases cannot be counted as "
                f"{' and '.join(counted)} asks: take it out, for example with "
                '"".join(bases.split()).'
            )


def _fill(
    plain: list[Sequence],
    motifs: tuple[Motif, ...],
    sites: int,
    control: bool,
    rng: np.random.Generator,
) -> tuple[list[Sequence], list[Words], list[Words]]:
    """Backgrounds, once for each site drawn; the words to write into each; the control's."""
    backgrounds, words, decoys = [], [], []
    for one in plain:
        drawn = [draw_sites(motif, sites, rng) for motif in motifs]
        backgrounds += [one] * len(drawn[0])
        words += list(zip(*drawn, strict=True))
        if control:
            others = [draw_sites(control_motif(motif, rng), sites, rng) for motif in motifs]
            decoys += list(zip(*others, strict=True))
    return backgrounds, words, decoys


def _explained_outputs(
    enc: Encoder, backgrounds: list[Sequence], target: Target | None, output: str
) -> list[ExplainedOutput]:
    """One output for all backgrounds; a masked span holds other bases in each of them."""
    first = ExplainedOutput.of(enc, backgrounds[0], target, output)
    if not first.masked:
        return [first]
    return [first, *(ExplainedOutput.of(enc, one, target, output) for one in backgrounds[1:])]


class _Batch:
    """Sequences to put through the model, each once; one output for all backgrounds, or each."""

    def __init__(
        self, design: Design, backgrounds: list[Sequence], explained: list[ExplainedOutput]
    ) -> None:
        self.design, self.backgrounds, self.explained = design, backgrounds, explained
        self.numbers: dict[tuple[int, str], int] = {}

    def cells(self, write: Callable[[int, int, int], str]) -> NDArray[np.int64]:
        """Note the sequences ``write(background, row, column)``.

        Where each is in the values of `run`, (rows, columns, backgrounds); -1 for cells that there
        are not.
        """
        shape = (len(self.design.rows), len(self.design.columns), len(self.backgrounds))
        found = np.full(shape, -1, dtype=np.int64)
        for row, column, k in np.ndindex(*shape):
            if not self.design.exists(row, column):
                continue
            text = write(k, row, column)
            asked = k if len(self.explained) > 1 else 0
            # What is masked is predicted as the background has it: it must still stand there.
            hidden = slice(*self.explained[asked].stretch)
            if text[hidden] == self.backgrounds[k].bases[hidden]:
                found[row, column, k] = self.numbers.setdefault((asked, text), len(self.numbers))
        return found

    def run(self, every_class: bool, progress: Progress | None) -> NDArray[np.float32]:
        """Compute the output for what was noted, (n, 1), or every class's, (n, classes)."""
        total = len(self.numbers)
        enc = self.explained[0].enc
        if every_class and len(enc.classes) > 1:
            ids, _ = self.explained[0].read(text for _, text in self.numbers)
            compute = (
                enc.predict_ids if self.explained[0].output == "probability" else enc.logits_ids
            )
            return compute(ids, progress=progress)
        values = np.zeros((total, 1), dtype=np.float32)
        before = 0
        for asked, explained in enumerate(self.explained):
            texts = {text: i for (number, text), i in self.numbers.items() if number == asked}
            report = within(progress, before, len(texts), total)
            values[list(texts.values()), 0] = explained.of_bases(texts, report)
            before += len(texts)
        return values


def _take(values: NDArray[np.float32], where: NDArray[np.int64]) -> NDArray[np.float32]:
    """Values at indices; NaN where an index is -1."""
    taken = values[where]
    taken[where < 0] = np.nan
    return taken
