"""Dependency maps: which tokens (or bases) a network predicts otherwise when one base changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...common.costs import says_cost
from ...common.progress import Progress
from ...encoder import Bases, Encoder
from ...encoder.inputs import bases_of, tokens_of
from ...encoder.passes.masked import need_masked_lm
from ...encoder.passes.readings import explained_line
from ...errors import InputError
from ...results.origins import recorded
from ...results.rich_display import RichDisplay, bases_text
from ...sequences import in_place, stretch
from ...tokens import Tokens
from ..attend import Attention
from ..attribution.explained_output import ExplainedOutput
from ..attribution.mutagenesis import mutate_all
from .beside_twin import beside_twin
from .blocks import Blocks, find_blocks
from .heads import HeadAgreement, compare_heads
from .substitutions import Reading, by_base, by_token, divergences

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BASES", "TOKENS", "DependencyMap", "dependency_map"]


#: What a map can be of, beside the classes of a model.
TOKENS, BASES = "tokens", "bases"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DependencyMap(RichDisplay):
    """What changing each base changes elsewhere.

    Attributes
    ----------
    tokens : Tokens
        Of the sequence as it is.
    region : tuple of int
        Bases [start, end) that were substituted: the rows.
    values : numpy.ndarray, shape (bases in region, columns), float32
        The largest change over the three substitutions of a base, in `unit`. Columns are the
        tokens with [CLS] and [SEP] (``of="tokens"``), the bases of the sequence (``of="bases"``),
        or one class. NaN at special tokens, where no substitution leaves the column's token its
        span, and in rows of bases that are not A, C, G or T.
    kept : float
        Share of the pairs of token and substitution in which the token kept its span.
    of : str
        ``"tokens"``, ``"bases"``, or the class's name.
    unit : str
        ``"nats"`` (symmetrised Kullback-Leibler divergence) or ``"probability"`` (signed).
    model : str
    twin : DependencyMap or None
        The same of a network of the same shape that has learnt nothing.
    """

    tokens: Tokens
    region: tuple[int, int]
    values: NDArray[np.float32]
    kept: float
    of: str
    unit: str
    model: str
    twin: DependencyMap | None
    _enc: Encoder = field(repr=False)

    def _line(self) -> str:
        start, end = self.region
        known = self.elsewhere[~np.isnan(self.elsewhere)]
        most = f", by up to {np.abs(known).max():.3g} {self.unit}" if known.size else ""
        columns = self.values.shape[1]
        changed = f"{columns} {self.of}" if self.of in (TOKENS, BASES) else self.of
        return f"what {bases_text(start, end)} can change in {changed}{most}"

    @property
    def spans(self) -> NDArray[np.int64]:
        """Bases [start, end) of each column, shape (columns, 2); those of a class are all."""
        n = len(self.tokens.bases)
        if self.of == TOKENS:
            return self.tokens.spans
        if self.of == BASES:
            return np.stack([np.arange(n), np.arange(n) + 1], axis=1)
        return np.array([[0, n]])

    @property
    def owners(self) -> NDArray[np.int64]:
        """Token (its index) of each base of the region, shape (bases in region,); -1 for none."""
        owner = np.full(len(self.tokens.bases), -1, dtype=np.int64)
        for index, (start, end) in enumerate(self.tokens.spans):
            owner[start:end] = index
        return owner[slice(*self.region)]

    @property
    def elsewhere(self) -> NDArray[np.float32]:
        """`values` without what a base does to its own token (NaN there)."""
        if self.of not in (TOKENS, BASES):
            return self.values
        values = self.values.copy()
        spans = self.spans
        for row, owner in enumerate(self.owners):
            start, end = self.tokens.spans[owner]
            values[row, (spans[:, 0] < end) & (spans[:, 1] > start)] = np.nan
        return values

    @property
    def minus_twin(self) -> NDArray[np.float32]:
        """`values` less those of the untrained twin.

        Raises
        ------
        InputError
            If the map was computed without one.
        """
        if self.twin is None:
            raise InputError("The map was computed without its twin: ask for it with twin=True.")
        difference: NDArray[np.float32] = self.values - self.twin.values
        return difference

    def between_tokens(self) -> NDArray[np.float32]:
        """Return what the tokens depend on, as an attention map is laid out.

        Returns
        -------
        numpy.ndarray, shape (n_tokens, n_tokens), float32
            Row: the token whose prediction changes (as a query). Column: the token whose bases
            were substituted (as a key), the largest over its bases. NaN where nothing is known.

        Raises
        ------
        InputError
            If the map is not of tokens.
        """
        if self.of != TOKENS:
            raise InputError(f"A map of {self.of} has no tokens as columns: ask for of='tokens'.")
        n = len(self.tokens)
        pairs = np.full((n, n), -np.inf, dtype=np.float32)
        owners = self.owners
        known = owners >= 0
        values = np.where(np.isnan(self.values), -np.inf, self.values)
        np.maximum.at(pairs, owners[known], values[known])
        pairs[np.isneginf(pairs)] = np.nan
        return pairs.T

    @recorded
    def heads(self, attention: Attention | None = None) -> HeadAgreement:
        """Compare the map with the attention of every head, and of the same at equal distance.

        Parameters
        ----------
        attention : Attention, optional
            Of the same sequence; computed by default.

        Returns
        -------
        HeadAgreement

        Raises
        ------
        InputError
            If the map is not of tokens, the attention is of another sequence, or fewer than three
            pairs of tokens are in the map.
        """
        return compare_heads(self.between_tokens(), self.tokens, self._enc, attention)

    @recorded
    @says_cost
    def blocks(
        self, copies: int = 19, *, seed: int = 0, progress: Progress | None = None
    ) -> Blocks:
        """Find stretches that depend on each other more than in shuffled copies.

        Costs `copies` times what the map did. See `Blocks` for the test.

        Parameters
        ----------
        copies : int
            Dinucleotide-shuffled copies of the sequence; no p is below 1 / (copies + 1).
        seed : int
        progress : callable, optional
            Called as progress(copies done, copies in all).

        Returns
        -------
        Blocks

        Raises
        ------
        InputError
            If the map is of a class, or there are no copies.
        """
        if self.of not in (TOKENS, BASES):
            raise InputError(
                f"A map of class {self.of!r} says what each base does to one number, not to other "
                "bases: ask for of='tokens' to find blocks."
            )

        def again(bases: str) -> DependencyMap:
            return dependency_map(self._enc, bases, self.region, of=self.of)

        return find_blocks(self, again, copies, seed, progress)

    def table(self) -> pd.DataFrame:
        """List every value, strongest first.

        Returns
        -------
        pandas.DataFrame
            ``position`` (0-based), ``base``, ``start`` and ``end`` of the column (0-based,
            half-open), ``column`` (the token, base or class), ``own`` (whether the base lies in
            that token), ``change``, and ``twin`` where there is one.
        """
        import pandas as pd

        rows, columns = np.nonzero(~np.isnan(self.values))
        letters = in_place(self.tokens.bases)
        spans = self.spans
        names = {
            TOKENS: lambda: self.tokens.tokens,
            BASES: lambda: tuple(letters),
        }.get(self.of, lambda: (self.of,))()
        data = {
            "position": rows + self.region[0],
            "base": [letters[row + self.region[0]] for row in rows],
            "start": spans[columns, 0],
            "end": spans[columns, 1],
            "column": [names[column] for column in columns],
            "own": np.isnan(self.elsewhere[rows, columns]),
            "change": self.values[rows, columns],
        }
        if self.twin is not None:
            data["twin"] = self.twin.values[rows, columns]
        order = np.argsort(-np.abs(data["change"]), kind="stable")
        return pd.DataFrame(data).iloc[order].reset_index(drop=True)


@recorded
@says_cost
def dependency_map(
    enc: Encoder,
    bases: Bases,
    region: tuple[int, int] | None = None,
    *,
    of: str = TOKENS,
    twin: bool = False,
    batch_tokens: int | None = None,
    progress: Progress | None = None,
) -> DependencyMap:
    """Substitute every base and see which predictions change, and by how much.

    Each base of the region is replaced by the three others, and every mutant is cut into tokens
    anew. The masked-LM head reads the sequence as it stands (nothing is masked), before and after;
    where a token kept its span, the two distributions over the vocabulary are compared by
    KL(p‖q) + KL(q‖p), in nats. The largest of the three substitutions stands in the map. Nearly
    all tokens keep their span (`DependencyMap.kept` says how many).

    Parameters
    ----------
    enc : Encoder
    bases : str or Sequence
    region : tuple of int, optional
        Bases [start, end) to substitute; all by default. Cost: three passes a base.
    of : str
        ``"tokens"``: as above. ``"bases"``: the distributions over A, C, G and T at every base, of
        the vocabulary's entries that are as long as the token there. The name of a class: the
        change of its probability, on one reading of the sequence; of the three substitutions the
        one with the largest change, with its sign.
    twin : bool
        Also compute the map of a network of the same shape that has learnt nothing.
    batch_tokens : int, optional
        As in `Encoder.embed`.
    progress : callable, optional
        Called as progress(mutants done, mutants in all); raise `Cancelled` from it to stop.

    Returns
    -------
    DependencyMap

    Raises
    ------
    InputError
        If the model has no masked-LM head, or no such class; if the region is no stretch of the
        sequence or holds no A, C, G or T.

    Notes
    -----
    Memory: the distributions of the sequence as it is (16 kB a token with 4,096 entries), those of
    one pass, and the map. One-hot models have such maps (nucleotide dependencies: Tomaz da Silva
    et al. 2025, Nature Genetics); here columns are tokens.

    Examples
    --------
    >>> import dnabert2_explore as dx
    >>> site = dx.demo.splice()[0].bases
    >>> found = dx.dependency_map(dx.load("pocket"), site[60:140], region=(36, 40))
    >>> found.values.shape == (4, len(found.tokens))
    True
    """
    text = bases_of(bases)
    tokens = tokens_of(enc, text)
    start, end = stretch(region, len(text))
    _check(enc, of)
    reading = Reading.of(tokens, (start, end))

    def mapped(model: Encoder, count: Progress, untrained: DependencyMap | None) -> DependencyMap:
        kept, unit, line = 1.0, "probability", explained_line(model)
        if of in (TOKENS, BASES):
            compare = by_token if of == TOKENS else by_base
            values, kept = divergences(model, reading, compare, batch_tokens, count)
            unit, line = "nats", str(model.info)
        else:
            explained = ExplainedOutput.of(model, text, of, "probability")
            effects = mutate_all(explained, (start, end), count)[start:end]
            strongest = np.abs(np.nan_to_num(effects)).argmax(axis=1)[:, None]
            values = np.take_along_axis(effects, strongest, axis=1)
        return DependencyMap(tokens, (start, end), values, kept, of, unit, line, untrained, model)

    return beside_twin(enc, twin, len(reading.mutants), progress, mapped)


def _check(enc: Encoder, of: str) -> None:
    if of in (TOKENS, BASES):
        need_masked_lm(enc)
    elif of not in enc.classes:
        choices = [TOKENS, BASES] if enc.has_masked_lm else []
        raise InputError(
            f"A dependency map of {of!r} is not to be had from model {enc.name!r}: "
            + (
                f"choose one of {', '.join([*choices, *enc.classes])}."
                if choices or enc.classes
                else 'it has neither a masked-LM head nor classes; load "pocket" or a '
                "fine-tuned model."
            )
        )
