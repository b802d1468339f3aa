"""Saturation mutagenesis: every base replaced by every other, each mutant cut into tokens anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ...common.costs import says_cost
from ...common.names import Output
from ...common.progress import Progress
from ...common.stats import pearson
from ...encoder import Bases, Encoder
from ...results.origins import recorded
from ...results.rich_display import RichDisplay, counted
from ...sequences import in_place, mutate, stretch, substitutions
from ...sequences.motifs.motif import ALPHABET
from ...tokens import Tokens
from ..many import one_or_many
from .explained_output import ExplainedOutput, Target
from .methods.backend import differentiable, with_gradients

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Mutagenesis", "saturation_mutagenesis"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Mutagenesis(RichDisplay):
    """What each single mutation changes in one output of a model.

    Attributes
    ----------
    tokens : Tokens
        Of the sequence without mutations.
    effects : numpy.ndarray, shape (n_bases, 4), float32
        Score of the mutant minus `score`, in `unit`; columns A, C, G, T. 0 at the base that is
        there, NaN where it is unknown or outside of what was mutated. Under a masked span that is
        explained, 0: the model does not see these bases.
    approximate : numpy.ndarray, shape (n_bases, 4), float32, or None
        The same by a gradient: one pass in place of one a mutant.
    tokens_changed : numpy.ndarray, shape (n_bases, 4), int64
        Tokens of the mutant that the sequence does not have at that place; more than 1 says that
        the mutation also cut its neighbours anew.
    score : float
    target : int or tuple of int
    target_name, unit, model : str
    hidden : tuple of int
        Bases [start, end) under a masked span, whose mutants the model cannot tell apart.
    """

    tokens: Tokens
    effects: NDArray[np.float32]
    approximate: NDArray[np.float32] | None
    tokens_changed: NDArray[np.int64]
    score: float
    target: int | tuple[int, int]
    target_name: str
    unit: str
    model: str
    hidden: tuple[int, int] = (0, 0)

    def _line(self) -> str:
        mutants = _mutants(self.tokens.bases, self.effects)
        changes = self.effects[mutants]
        largest = changes[np.abs(changes).argmax()] if len(changes) else 0.0
        return (
            f"{self.target_name}, {self.score:.3f} {self.unit}; "
            f"{counted(int(mutants.sum()), 'mutant')} of "
            f"{counted(int(mutants.any(axis=1).sum()), 'base')}, largest change {largest:+.3f}"
        )

    @property
    def importance(self) -> NDArray[np.float32]:
        """What the base that is there adds beside the mean of the other three, shape (n_bases,).

        Minus the mean effect of its three mutations; 0 where nothing was mutated.
        """
        return importance_of(self.effects)

    @property
    def hypothetical(self) -> NDArray[np.float32]:
        """What each base would contribute, shape (n_bases, 4): effects minus their mean.

        Rows sum to 0, as TF-MoDISco's hypothetical contributions should; 0 where nothing was
        mutated.
        """
        centred = self.effects - self.effects.mean(axis=1, keepdims=True)
        return np.nan_to_num(centred).astype(np.float32)

    @property
    def correlation(self) -> float:
        """Pearson correlation of the approximate effects with the exact ones over all mutants.

        NaN without the approximation, or where all effects are the same.
        """
        if self.approximate is None:
            return float("nan")
        mutants = _mutants(self.tokens.bases, self.effects)
        mutants[slice(*self.hidden)] = False
        exact, near = self.effects[mutants], self.approximate[mutants]
        return pearson(exact, near)

    def table(self) -> pd.DataFrame:
        """Return the mutants as a table, one row each.

        Returns
        -------
        pandas.DataFrame
            ``position`` (0-based), ``ref``, ``alt``, ``effect`` (in `unit`), ``approximate``
            where it was estimated, and ``tokens_changed``.
        """
        import pandas as pd

        rows, columns = np.nonzero(_mutants(self.tokens.bases, self.effects))
        table = {
            "position": rows,
            "ref": [self.tokens.bases[row] for row in rows],
            "alt": [ALPHABET[column] for column in columns],
            "effect": self.effects[rows, columns],
        }
        if self.approximate is not None:
            table["approximate"] = self.approximate[rows, columns]
        return pd.DataFrame(table | {"tokens_changed": self.tokens_changed[rows, columns]})


def importance_of(effects: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn effects (n_bases, 4) into what each base that is there adds (n_bases,)."""
    return (-np.nan_to_num(effects).sum(axis=1) / 3).astype(np.float32)


@recorded
@says_cost
@one_or_many
def saturation_mutagenesis(
    enc: Encoder,
    sequences: Bases,
    target: Target | None = None,
    *,
    output: Output = "auto",
    region: tuple[int, int] | None = None,
    approximate: bool = True,
    progress: Progress | None = None,
) -> Mutagenesis:
    """Mutate every base of a sequence to every other and see what one output of a model does.

    The only method here that looks at single bases. Each mutant is cut into tokens anew, as the
    model would read it; the packed engine computes equal ones once. A mutation can change a score
    because of the base, or because the neighbours are cut otherwise: see `tokens_changed`, and
    `dnabert2_explore.score_variants`, which tells the two apart.

    Parameters
    ----------
    enc : Encoder
    sequences : str, Sequence, or iterable of them
        Of several, results come in order, as a list.
    target : int, str, tuple of int, or None
        As in `attribute`.
    output : {"auto", "logit", "probability"}
    region : tuple of int, optional
        Bases [start, end) to mutate; all by default.
    approximate : bool
        Also estimate the effects from one gradient at the token embeddings: what the changed
        tokens' embeddings differ by, times the gradient where they stand.
    progress : callable, optional
        Called as progress(mutants done, mutants in all).

    Returns
    -------
    Mutagenesis

    Raises
    ------
    InputError
        As `attribute` does; and if the region is no stretch of the sequence.

    Examples
    --------
    >>> import dnabert2_explore as dx
    >>> site = dx.demo.splice()[0]
    >>> found = dx.saturation_mutagenesis(dx.load("pocket-splice"), site, "donor", region=(95, 110))
    >>> found.effects.shape
    (200, 4)
    """
    explained = ExplainedOutput.of(enc, sequences, target, output)
    estimate = approximate_all(explained, region) if approximate else None
    effects = mutate_all(explained, region, progress)
    return Mutagenesis(
        tokens=explained.tokens,
        effects=effects,
        approximate=estimate,
        tokens_changed=_tokens_changed(explained, region),
        score=explained.score,
        **explained.about,
        hidden=explained.stretch,
    )


def mutate_all(
    explained: ExplainedOutput,
    region: tuple[int, int] | None = None,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Compute the exact effects of all single mutations, shape (n_bases, 4)."""
    bases = explained.tokens.bases
    effects = _empty(explained, region)
    mutants = _list_mutants(explained, region)
    if mutants:
        scores = explained.of_bases(
            (mutate(bases, place, ALPHABET[letter]) for place, letter in mutants), progress
        )
        places, letters = np.array(mutants).T
        effects[places, letters] = scores - np.float32(explained.score)
    return effects


@with_gradients
def approximate_all(
    explained: ExplainedOutput, region: tuple[int, int] | None = None
) -> NDArray[np.float32]:
    """Estimate the effects of all single mutations from one gradient, shape (n_bases, 4).

    To first order, a mutant's score changes by the sum over its new tokens of embedding times
    gradient, minus the same sum over the tokens they replace. A new token that covers several old
    ones, or parts of them, takes their gradients by the bases it shares with each. Exact for a
    model that is linear in its embeddings, as long as a mutant is cut into as many tokens.
    """
    enc = explained.enc
    effects = _empty(explained, region)
    mutants = _list_mutants(explained, region)
    if not mutants:
        return effects
    table = enc.module.get_input_embeddings()
    with differentiable(enc), torch.enable_grad():
        words = table(explained.ids).detach().requires_grad_()
        (gradient,) = torch.autograd.grad(explained.of_embeddings(words).sum(), words)
    weight = table.weight.detach()
    by_token = torch.zeros(len(explained.tokens), weight.shape[1], device=weight.device)
    by_token[torch.from_numpy(explained.places).to(weight.device)] = gradient[0].float()
    # What any vocabulary entry would add at the place of any token: (n_tokens, vocabulary).
    worth = (by_token @ weight.float().T).cpu().numpy()
    tokens = explained.tokens
    old = worth[np.arange(len(tokens)), explained.tokens.ids]
    fixed = np.ones(len(tokens), dtype=bool)
    fixed[explained.places] = explained.fixed
    for (place, letter), mutant in zip(mutants, _cut(explained, mutants), strict=True):
        first, last, new = _difference(_Cut.of(tokens), mutant)
        gain = -float(old[first:last][~fixed[first:last]].sum())
        for index, (start, end) in zip(new.ids, new.spans, strict=True):
            a, b = tokens.covering(int(start), int(end))
            for at in range(a, b):
                shared = min(end, tokens.spans[at, 1]) - max(start, tokens.spans[at, 0])
                if not fixed[at]:
                    gain += float(worth[at, index]) * float(shared) / float(end - start)
        effects[place, letter] = gain
    return effects


class _Cut(NamedTuple):
    """Tokens as the network reads them: ids (n,) and spans (n, 2)."""

    ids: NDArray[np.int64]
    spans: NDArray[np.int64]

    @classmethod
    def of(cls, tokens: Tokens) -> _Cut:
        return cls(tokens.ids, tokens.spans)


def _cut(explained: ExplainedOutput, mutants: list[tuple[int, int]]) -> Iterator[_Cut]:
    """Cut mutants into tokens as `ExplainedOutput.read` does, with their spans."""
    bases = explained.tokens.bases
    encode = explained.enc.tokenizer.encode_batch
    texts = [mutate(bases, place, ALPHABET[letter]) for place, letter in mutants]
    if explained.span is None:
        yield from map(_Cut.of, encode(texts, warn=False))
        return
    start, end = explained.stretch
    kept = _Cut(*(part[slice(*explained.span)] for part in _Cut.of(explained.tokens)))
    before = encode([text[:start] for text in texts], warn=False)
    behind = encode([text[end:] for text in texts], warn=False)
    for left, right in zip(before, behind, strict=True):
        yield _Cut(
            np.concatenate([left.ids[:-1], kept.ids, right.ids[1:]]),
            np.concatenate([left.spans[:-1], kept.spans, right.spans[1:] + end]),
        )


def _difference(old: _Cut, new: _Cut) -> tuple[int, int, _Cut]:
    """Tokens [first, last) of a sequence that its mutant replaces, and by what."""
    # Not `common_ends`: this is asked of every mutant, and numpy compares all tokens at once.
    same = min(len(old.ids), len(new.ids))
    left = int(np.argmin(np.append(_alike(old, new, slice(0, same)), False)))
    tail = _alike(old, new, slice(-same, None))[::-1]
    right = min(int(np.argmin(np.append(tail, False))), same - left)
    stop = len(new.ids) - right
    return left, len(old.ids) - right, _Cut(new.ids[left:stop], new.spans[left:stop])


def _alike(a: _Cut, b: _Cut, part: slice) -> NDArray[np.bool_]:
    return (a.ids[part] == b.ids[part]) & (a.spans[part] == b.spans[part]).all(axis=1)


def _tokens_changed(
    explained: ExplainedOutput, region: tuple[int, int] | None
) -> NDArray[np.int64]:
    counts = np.zeros((len(explained.tokens.bases), 4), dtype=np.int64)
    whole = _Cut.of(explained.tokens)
    mutants = _list_mutants(explained, region)
    for (place, letter), mutant in zip(mutants, _cut(explained, mutants), strict=True):
        counts[place, letter] = len(_difference(whole, mutant)[2].ids)
    return counts


def _mutants(bases: str, effects: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which entries of `effects` belong to mutants: computed, and not the base that is there."""
    cleaned = in_place(bases)
    own = np.array([[letter == base for base in ALPHABET] for letter in cleaned])
    return ~np.isnan(effects) & ~own


def _empty(explained: ExplainedOutput, region: tuple[int, int] | None) -> NDArray[np.float32]:
    """Effects before anything is computed: 0 where a base is known and in the region."""
    start, end = stretch(region, len(explained.tokens.bases))
    letters = in_place(explained.tokens.bases)
    known = np.array([letter in ALPHABET for letter in letters])
    known[:start] = known[end:] = False
    effects = np.full((len(letters), 4), np.nan, dtype=np.float32)
    effects[known] = 0.0
    return effects


def _list_mutants(
    explained: ExplainedOutput, region: tuple[int, int] | None
) -> list[tuple[int, int]]:
    """Position and new base (a column) of every mutant that the model could tell apart."""
    bases, hidden = explained.tokens.bases, range(*explained.stretch)
    return [
        (place, ALPHABET.index(base))
        for place, base in substitutions(bases, *stretch(region, len(bases)))
        if place not in hidden
    ]
