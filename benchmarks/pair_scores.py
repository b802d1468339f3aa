"""What each method says of every pair of tokens, and how well that finds the planted pair.

A method returns (choices, n, n): one symmetric map, or several of which dev sequences choose one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from grammars import Sentence
from numpy.typing import NDArray
from scipy.stats import rankdata

import dnabert2_explore as dx
from dnabert2_explore.analysis.attribution import ExplainedOutput
from dnabert2_explore.encoder.passes.batches import Budget, default_budget
from dnabert2_explore.encoder.passes.onward import all_states, run_onward

__all__ = ["MASKED_LM", "METHODS", "NULLS", "auroc", "recovered", "roles"]

Maps = NDArray[np.float64]


def roles(tokens: dx.Tokens, one: Sentence) -> NDArray[np.int64]:
    """Say of each token: 1 or 2 at the first or second motif, 0 at neither, -1 for no answer.

    A token belongs to a motif if half of its bases or more do; with fewer, and as a special token,
    it is not judged.
    """
    found = np.zeros(len(tokens), dtype=np.int64)
    starts, ends = tokens.spans.T
    for number, (begin, end) in enumerate((one.first, one.second), start=1):
        shared = np.clip(np.minimum(ends, end) - np.maximum(starts, begin), 0, None)
        found[(shared > 0) & (2 * shared < ends - starts)] = -1
        found[(shared > 0) & (2 * shared >= ends - starts)] = number
    found[tokens.special] = -1
    return found


def auroc(high: NDArray[np.float64], low: NDArray[np.float64]) -> float:
    """Share of pairs of a high and a low one that are in order; ties count one half."""
    ranks = rankdata(np.concatenate([high, low]))[: len(high)]
    return float((ranks.sum() - len(high) * (len(high) + 1) / 2) / (len(high) * len(low)))


def recovered(scores: NDArray[np.float64], role: NDArray[np.int64]) -> dict[str, float]:
    """AUROC of planted pairs against the others.

    Parameters
    ----------
    scores : numpy.ndarray, shape (n, n)
        Symmetric.
    role : numpy.ndarray, shape (n,)
        Of `roles`.

    Returns
    -------
    dict
        ``all``: against all pairs but those within one motif. ``same_distance``: against those as
        many tokens apart, the mean over planted pairs. ``one_end``: against pairs of which one
        token lies in a motif. ``first``: 1 where the strongest of all these pairs is a planted
        one, else 0; ``chance``: the share of planted ones. NaN where there is nothing to compare.
    """
    a, b = np.triu_indices(len(role), 1)
    known = (role[a] >= 0) & (role[b] >= 0)
    a, b = a[known], b[known]
    values, ends = scores[a, b], (role[a] > 0).astype(int) + (role[b] > 0)
    planted, other = (ends == 2) & (role[a] != role[b]), ends < 2
    near = []
    for index in np.flatnonzero(planted):
        like = other & (b - a == b[index] - a[index])
        if like.any():
            near.append(auroc(values[index : index + 1], values[like]))
    nothing = not planted.any()
    judged = planted | other
    best = np.flatnonzero(judged)[values[judged].argmax()] if not nothing else 0
    return {
        "all": np.nan if nothing else auroc(values[planted], values[other]),
        "same_distance": float(np.mean(near)) if near else np.nan,
        "one_end": np.nan if nothing else auroc(values[planted], values[ends == 1]),
        "first": np.nan if nothing else float(planted[best]),
        "chance": np.nan if nothing else float(planted.sum() / judged.sum()),
    }


def by_distance(enc: dx.Encoder, one: Sentence) -> Maps:
    """Say nothing but how near two tokens are."""
    places = np.arange(len(enc.tokenize(one.bases)))
    return -np.abs(places[:, None] - places[None, :])[None].astype(float)


def by_attention(enc: dx.Encoder, one: Sentence) -> Maps:
    """Take the larger of the two directions, of every head."""
    found = dx.attend(enc, one.bases)
    maps = [found.head(a, b) for a in range(found.n_layers) for b in range(found.n_heads)]
    return np.stack([np.maximum(one, one.T) for one in maps]).astype(float)


def by_rollout(enc: dx.Encoder, one: Sentence) -> Maps:
    """Compose the attention of all layers."""
    rollout = dx.attend(enc, one.bases).rollout().astype(float)
    return np.maximum(rollout, rollout.T)[None]


def by_product(method: str) -> Callable[[dx.Encoder, Sentence], Maps]:
    """Multiply the two tokens' attributions, without their signs."""

    def pairs(enc: dx.Encoder, one: Sentence) -> Maps:
        settings: dict[str, Any] = {"n_steps": 50} if method == "layer_integrated_gradients" else {}
        scores = dx.attribute(enc, one.bases, one.label, method=method, **settings).token_scores
        return np.outer(np.abs(scores), np.abs(scores))[None].astype(float)

    return pairs


def by_class(enc: dx.Encoder, one: Sentence) -> Maps:
    """Multiply what substitutions in the two tokens do to the class (the largest of each)."""
    found = dx.dependency_map(enc, one.bases, of=one.label)
    worth = np.zeros(len(found.tokens))
    np.maximum.at(worth, found.owners, np.abs(np.nan_to_num(found.values[:, 0])))
    return np.outer(worth, worth)[None]


def by_dependency(enc: dx.Encoder, one: Sentence) -> Maps:
    """Take the larger of the two directions of a masked-LM head's dependency map of tokens."""
    found = np.nan_to_num(dx.dependency_map(enc, one.bases).between_tokens()).astype(float)
    return np.maximum(found, found.T)[None]


def by_base_dependency(enc: dx.Encoder, one: Sentence) -> Maps:
    """Take the largest dependency of a base of the one token on a base of the other."""
    found = dx.dependency_map(enc, one.bases, of="bases")
    n = len(found.tokens)
    values, owners = np.nan_to_num(found.values).astype(float), found.owners
    pairs = np.zeros((n, n))
    np.maximum.at(pairs, (owners[:, None], owners[None, :]), values)
    return np.maximum(pairs, pairs.T)[None]


def replacements(ids: NDArray[np.int64], draws: int = 1) -> NDArray[np.int64]:
    """Draw another token of the sequence for every place: what it was is gone, no more.

    The networks have never seen [MASK].
    """
    rng = np.random.default_rng(0)
    drawn = np.tile(ids, (draws, 1))
    drawn[:, 1:-1] = rng.choice(ids[1:-1], size=(draws, len(ids) - 2))
    return drawn


def by_mutating_two(enc: dx.Encoder, one: Sentence) -> Maps:
    """Take what other bases in both tokens do beyond what they do in either: an interaction.

    Every mutant is cut into tokens anew; the mean over two draws of bases.
    """
    explained = ExplainedOutput.of(enc, one.bases, one.label, "logit")
    spans, n = explained.tokens.spans, len(explained.tokens)
    inner = np.flatnonzero(~explained.tokens.special)
    a, b = (inner[places] for places in np.triu_indices(len(inner)))
    rng = np.random.default_rng(0)
    total = np.zeros((n, n))
    for _ in range(2):
        drawn = "".join(rng.choice(list("ACGT"), len(one.bases)))

        def mutant(i: int, j: int, drawn: str = drawn) -> str:
            bases = one.bases
            for start, end in (spans[i], spans[j]):
                bases = bases[:start] + drawn[start:end] + bases[end:]
            return bases

        scores = np.full((n, n), float(explained.score))
        scores[a, b] = explained.of_bases(mutant(i, j) for i, j in zip(a, b, strict=True))
        scores = np.triu(scores) + np.triu(scores, 1).T
        alone = np.diag(scores)
        total += np.abs(scores - alone[:, None] - alone[None, :] + explained.score)
    return total[None]


def by_patching(enc: dx.Encoder, one: Sentence) -> Maps:
    """Replace one token and put the other's state after a layer back: what that changes.

    One map a layer but the last, behind which states only meet in the mean. The larger of the two
    directions.
    """
    explained = ExplainedOutput.of(enc, one.bases, one.label, "logit")
    ids, n = explained.ids[0].cpu().numpy(), explained.n_read
    clean = all_states(enc, ids)
    network: Any = enc.network
    layers = range(1, enc.config.num_hidden_layers)
    maps = np.zeros((len(layers), n, n))

    def read(_members: Any, states: torch.Tensor, packing: Any) -> NDArray[np.float32]:
        return network.states_logits(states, packing).float()[:, explained.target].cpu().numpy()

    for drawn in replacements(ids):
        broken = []
        for place in range(n):
            changed = ids.copy()
            changed[place] = drawn[place]
            broken.append(all_states(enc, changed))
        for at, layer in enumerate(layers):

            def states(
                number: int, layer: int = layer, broken: list[torch.Tensor] = broken
            ) -> torch.Tensor:
                i, j = divmod(number, n + 1)
                made = broken[i][layer].clone()
                if j < n:  # the last of each row is the broken run as it is
                    made[j] = clean[layer, j]
                return made

            runs, budget = n * (n + 1), Budget(default_budget(enc.device))
            found = run_onward(enc, states, [n] * runs, layer, read, budget).reshape(n, n + 1)
            back = np.abs(found[:, :n] - found[:, n:]).astype(float)
            np.fill_diagonal(back, 0)
            maps[at] += np.maximum(back, back.T)
    return maps


#: Title, and what makes its maps of a classifier.
METHODS: dict[str, Callable[[dx.Encoder, Sentence], Maps]] = {
    "mutating both": by_mutating_two,
    "patching": by_patching,
    "attention, best head": by_attention,
    "attention rollout": by_rollout,
    "class dependency, product": by_class,
    "occlusion, product": by_product("occlusion"),
    "integrated gradients, product": by_product("layer_integrated_gradients"),
    "input × gradient, product": by_product("input_x_gradient"),
    "AttnLRP, product": by_product("attn_lrp"),
    "attention × gradient, product": by_product("attention_x_gradient"),
}
#: The same of a masked-LM head.
MASKED_LM: dict[str, Callable[[dx.Encoder, Sentence], Maps]] = {
    "dependency map of tokens": by_dependency,
    "dependency map of bases": by_base_dependency,
}
#: What reads no network.
NULLS: dict[str, Callable[[dx.Encoder, Sentence], Maps]] = {"distance alone": by_distance}
