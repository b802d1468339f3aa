"""Activation patching: where in the network the difference between two alleles is carried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from ...encoder import Bases, Encoder
from ...encoder.batches import Budget, default_budget
from ...encoder.inputs import bases_of
from ...encoder.onward import all_states, run_onward
from ...encoder.twin import random_twin
from ...errors import InputError
from ...network import Dnabert2ForMaskedLM, Dnabert2ForSequenceClassification
from ...network.packing import Packing
from ...shown import Shown
from ...tokens import Tokens
from ..attribution.question import Question, Target

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PatchMap", "patch"]

Progress = Callable[[int, int], None]

#: Alleles whose longest differing run has more tokens than this, and than half of the longer one,
#: are two sequences, not two alleles of one.
_RUN = 24


@dataclass(frozen=True, slots=True, eq=False)
class PatchMap(Shown):
    """How much of the reference's score each place of the network gives back.

    A part is a token that both alleles have at the same place, or the run of tokens in which they
    differ (`differs`).

    Attributes
    ----------
    restored : numpy.ndarray, shape (layers + 1, parts), float32
        (patched - alt) / (ref - alt), when the states of that part, after that layer (0: the
        embeddings), are the reference's. 1: as the reference; 0: no change.
    everything : numpy.ndarray, shape (layers + 1,), float32
        The same with all parts at once: 1, or something is wrong.
    ref_score, alt_score : float
        In `unit`.
    ref, alt : Tokens
    ref_parts, alt_parts : numpy.ndarray, shape (parts, 2), int64
        Tokens [first, last) of each part.
    target_name, unit, model : str
    twin : PatchMap or None
        The same of a network of the same shape that has learnt nothing; all NaN where to it both
        alleles are the same.
    """

    restored: NDArray[np.float32]
    everything: NDArray[np.float32]
    ref_score: float
    alt_score: float
    ref: Tokens
    alt: Tokens
    ref_parts: NDArray[np.int64]
    alt_parts: NDArray[np.int64]
    target_name: str
    unit: str
    model: str
    twin: PatchMap | None

    def __repr__(self) -> str:
        layer, part = np.unravel_index(int(np.nanargmax(self.restored[1:])), self.shape)
        start, end = self.spans[part]
        return (
            f"<PatchMap of {self.target_name}: {self.ref_score:+.3f} ref, {self.alt_score:+.3f} "
            f"alt ({self.unit}); bases [{start}, {end}) after layer {layer + 1} give back "
            f"{self.restored[layer + 1, part]:.0%}; {self.model}>"
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Layers and parts."""
        return self.restored.shape[0] - 1, self.restored.shape[1]

    @property
    def effect(self) -> float:
        """Alternative minus reference, in `unit`."""
        return self.alt_score - self.ref_score

    @property
    def spans(self) -> NDArray[np.int64]:
        """Bases [start, end) of each part in the reference, shape (parts, 2)."""
        return _spans(self.ref, self.ref_parts)

    @property
    def differs(self) -> NDArray[np.bool_]:
        """Parts whose tokens are not the same in both alleles, shape (parts,)."""
        return np.array(
            [
                not np.array_equal(self.ref.ids[a:b], self.alt.ids[c:d])
                for (a, b), (c, d) in zip(self.ref_parts, self.alt_parts, strict=True)
            ]
        )

    def table(self) -> pd.DataFrame:
        """Return a row a layer and part: ``layer``, ``start``, ``end``, tokens, ``restored``."""
        import pandas as pd

        layers, parts = np.indices(self.restored.shape).reshape(2, -1)
        spans = self.spans
        names = [
            (" ".join(self.ref.tokens[a:b]), " ".join(self.alt.tokens[c:d]))
            for (a, b), (c, d) in zip(self.ref_parts, self.alt_parts, strict=True)
        ]
        data = {
            "layer": layers,
            "start": spans[parts, 0],
            "end": spans[parts, 1],
            "ref": [names[part][0] for part in parts],
            "alt": [names[part][1] for part in parts],
            "restored": self.restored.ravel(),
        }
        if self.twin is not None:
            data["twin"] = self.twin.restored.ravel()
        return pd.DataFrame(data)


def patch(
    enc: Encoder,
    ref: Bases,
    alt: Bases,
    target: Target | None = None,
    output: str = "auto",
    twin: bool = False,
    batch_tokens: int | None = None,
    progress: Progress | None = None,
) -> PatchMap:
    """Put the reference's hidden states into the alternative's run, one place at a time.

    Both alleles are run once. Then, for every layer and part of the sequence, the alternative is
    run again with that part's states taken from the reference, and the score is read: the share of
    the effect that comes back says where, and how deep, what makes the difference lies.

    Where alleles are cut differently, the whole run of differing tokens is one part, and the
    reference's states take its place, however many there are: the rest of the network reads a
    sequence that is as much longer. Patching all parts is then exactly the reference.

    Parameters
    ----------
    enc : Encoder
    ref, alt : str or Sequence
        Two alleles with the bases around them.
    target : int, str, tuple of int, or None
        As in `attribute`: a class (by default the one predicted for `ref`), or, for a masked
        language model, bases [start, end) of `ref` whose masked tokens' log-likelihood is the
        score; both alleles must have the same tokens there.
    output : {"auto", "logit", "probability"}
        Of a class.
    twin : bool
        Also patch a network of the same shape that has learnt nothing.
    batch_tokens : int, optional
        As in `Encoder.embed`.
    progress : callable, optional
        Called as progress(runs done, runs in all); raise `Cancelled` from it to stop.

    Returns
    -------
    PatchMap

    Raises
    ------
    InputError
        As `attribute` does; if the alleles score the same, are too different to align, or a masked
        span is cut differently in them.

    Notes
    -----
    Causal tracing of Meng et al. 2022 (arXiv 2202.05262), with the other allele in place of noise.
    Cost: (layers + 1) · (parts + 1) runs of at most all layers.

    Examples
    --------
    >>> import dnabert2_explore as dx
    >>> site = dx.demo.splice()[0].bases
    >>> mutant = site[:100] + "A" + site[101:]
    >>> found = dx.patch(dx.load("pocket-splice"), site, mutant, "donor")
    >>> found.everything.round(4).tolist()
    [1.0, 1.0, 1.0]
    """
    one = Question.ask(enc, ref, target, output)
    if one.span is not None:
        other = _same_span(enc, one, bases_of(alt))
    else:
        other = Question.ask(enc, alt, one.target, output)
    if one.n_read < len(one.tokens) or other.n_read < len(other.tokens):
        raise InputError(
            f"Model {enc.name!r} reads {enc.config.max_input_tokens} tokens, and an allele has "
            "more: give shorter ones."
        )
    ref_ids, alt_ids = one.ids[0].cpu().numpy(), other.ids[0].cpu().numpy()
    parts = _align(one.tokens, other.tokens, ref_ids, alt_ids)
    runs = (enc.config.num_hidden_layers + 1) * (len(parts) + 1)
    total = (2 if twin else 1) * runs

    def of(model: Encoder, before: int, other_map: PatchMap | None) -> PatchMap:
        def count(done: int) -> None:
            if progress is not None:
                progress(before + done, total)

        run = _Run(model, one, other, parts, Budget(batch_tokens or default_budget(model.device)))
        return run.map(count, other_map)

    untrained = of(random_twin(enc), 0, None) if twin else None
    return of(enc, total - runs, untrained)


class _Run:
    """All patched runs of one pair in one network."""

    def __init__(
        self,
        enc: Encoder,
        ref: Question,
        alt: Question,
        parts: list[tuple[int, int, int, int]],
        budget: Budget,
    ) -> None:
        self.enc, self.ref, self.alt, self.parts, self.budget = enc, ref, alt, parts, budget
        self.ref_states = all_states(enc, ref.ids[0].cpu().numpy())
        self.alt_states = all_states(enc, alt.ids[0].cpu().numpy())

    def map(self, count: Callable[[int], None], twin: PatchMap | None) -> PatchMap:
        """Patch every layer and part, and everything."""
        layers, n = len(self.ref_states), len(self.parts)
        every = set(range(n))
        ref_score, alt_score = self._scores(0, [every, set()])
        effect = ref_score - alt_score
        none = bool(abs(effect) < 1e-5 * max(abs(ref_score), abs(alt_score), 1e-3))
        if none and self.enc is self.ref.enc:
            raise InputError(
                f"Both alleles score {ref_score:.4g} ({self.ref.name}): there is no effect to "
                "restore; choose another target or another variant."
            )
        restored = np.zeros((layers, n), dtype=np.float32)
        everything = np.zeros(layers, dtype=np.float32)
        for layer in range(layers):

            def report(done: int, _total: int, before: int = layer * (n + 1)) -> None:
                count(before + done)

            scores = self._scores(layer, [*({i} for i in range(n)), every], report)
            shares = (scores - alt_score) / (np.nan if none else effect)
            restored[layer], everything[layer] = shares[:-1], shares[-1]
        return PatchMap(
            restored=restored,
            everything=everything,
            ref_score=float(ref_score),
            alt_score=float(alt_score),
            ref=self.ref.tokens,
            alt=self.alt.tokens,
            ref_parts=np.array([part[:2] for part in self.parts], dtype=np.int64),
            alt_parts=np.array([part[2:] for part in self.parts], dtype=np.int64),
            target_name=self.ref.name,
            unit=self.ref.unit,
            model=self.ref.model
            if twin is not None or self.enc is self.ref.enc
            else str(self.enc.info),
            twin=twin,
        )

    def _scores(
        self,
        layer: int,
        patched: list[set[int]],
        progress: Progress | None = None,
    ) -> NDArray[np.float64]:
        """Score the alternative with the reference's states in sets of parts, at one layer."""

        def states(number: int) -> torch.Tensor:
            pieces = [
                self.ref_states[layer, a:b] if i in patched[number] else self.alt_states[layer, c:d]
                for i, (a, b, c, d) in enumerate(self.parts)
            ]
            return torch.cat(pieces)

        lengths = [
            sum(b - a if i in chosen else d - c for i, (a, b, c, d) in enumerate(self.parts))
            for chosen in patched
        ]

        def read(
            members: NDArray[np.int64], hidden: torch.Tensor, packing: Packing
        ) -> NDArray[np.float32]:
            network = self.enc.network
            if self.ref.span is None:
                assert isinstance(network, Dnabert2ForSequenceClassification)
                logits = network.states_logits(hidden, packing).float()
                values = self.enc.activate(logits) if self.ref.output == "probability" else logits
                assert isinstance(self.ref.target, int)
                return values[:, self.ref.target].cpu().numpy()
            assert isinstance(network, Dnabert2ForMaskedLM)
            first, last = self.ref.span
            truth = torch.from_numpy(self.ref.tokens.ids[first:last]).to(hidden.device)
            offsets = packing.offsets.tolist()
            found = []
            for which, number in enumerate(members):
                # Parts before the span may be longer or shorter than the reference's.
                shift = sum(
                    (d - c) - (b - a)
                    for i, (a, b, c, d) in enumerate(self.parts)
                    if b <= first and i not in patched[int(number)]
                )
                at = offsets[which] + first + shift
                rows = network.cls(hidden[at : at + last - first]).float().log_softmax(-1)
                found.append(float(rows.gather(1, truth[:, None]).sum()))
            return np.array(found, dtype=np.float32)

        return run_onward(self.enc, states, lengths, layer, read, self.budget, progress).astype(
            np.float64
        )


def _same_span(enc: Encoder, one: Question, alt: str) -> Question:
    """Ask the same masked tokens of the alternative, where it has them."""
    assert one.span is not None
    ref = one.tokens
    tokens = enc.tokenize(alt)
    first, last = one.span
    wanted = ref.ids[first:last]
    # Counted from the nearer end, as the rest of the sequence may be longer or shorter.
    places = [first, len(tokens) - (len(ref) - first)]
    for at in places:
        if at > 0 and np.array_equal(tokens.ids[at : at + last - first], wanted):
            start, end = int(tokens.spans[at, 0]), int(tokens.spans[at + last - first - 1, 1])
            return Question.ask(enc, alt, (start, end))
    raise InputError(
        f"The alleles are cut differently in the target, {one.name}: choose a stretch away from "
        "the variant."
    )


def _align(
    ref: Tokens, alt: Tokens, ref_ids: NDArray[np.int64], alt_ids: NDArray[np.int64]
) -> list[tuple[int, int, int, int]]:
    """Pair the tokens of two alleles: (first, last) of the one, (first, last) of the other.

    Alleles of equal length are paired wherever spans are the same; others from both ends, up to
    where their bases or spans differ.
    """
    shared = _by_spans(ref, alt) if len(ref.bases) == len(alt.bases) else _from_ends(ref, alt)
    parts: list[tuple[int, int, int, int]] = []
    a = c = 0
    for b, d in [*shared, (len(ref), len(alt))]:
        if b > a or d > c:
            parts.append((a, b, c, d))
        if b < len(ref):
            parts.append((b, b + 1, d, d + 1))
        a, c = b + 1, d + 1
    longest = max(max(b - a, d - c) for a, b, c, d in parts)
    if longest > max(_RUN, max(len(ref), len(alt)) // 2):
        raise InputError(
            f"The alleles differ in a run of {longest} tokens: too different to align; give two "
            "alleles of one sequence."
        )
    differing = sum(not np.array_equal(ref_ids[a:b], alt_ids[c:d]) for a, b, c, d in parts)
    if 2 * differing > len(parts) and len(parts) > 8:
        raise InputError(
            f"The alleles differ in {differing} of {len(parts)} places: too different to align; "
            "give two alleles of one sequence."
        )
    return parts


def _by_spans(ref: Tokens, alt: Tokens) -> list[tuple[int, int]]:
    """Tokens with the same span; special ones by their place, with which kind comes first."""
    keys = {}
    for index, (start, end) in enumerate(alt.spans.tolist()):
        keys[start, end, bool(alt.special[index]), int(alt.ids[index]) * alt.special[index]] = index
    shared = []
    last = -1
    for index, (start, end) in enumerate(ref.spans.tolist()):
        key = (start, end, bool(ref.special[index]), int(ref.ids[index]) * ref.special[index])
        found = keys.get(key, -1)
        if found > last:
            shared.append((index, found))
            last = found
    return shared


def _from_ends(ref: Tokens, alt: Tokens) -> list[tuple[int, int]]:
    """Equal tokens from the left until one differs, then from the right."""
    most = min(len(ref), len(alt))
    head = 0
    while head < most and ref.ids[head] == alt.ids[head]:
        head += 1
    tail = 0
    while tail < most - head and ref.ids[len(ref) - 1 - tail] == alt.ids[len(alt) - 1 - tail]:
        tail += 1
    left = [(i, i) for i in range(head)]
    return left + [(len(ref) - tail + i, len(alt) - tail + i) for i in range(tail)]


def _spans(tokens: Tokens, parts: NDArray[np.int64]) -> NDArray[np.int64]:
    spans = []
    for first, last in parts:
        if last > first:
            spans.append((tokens.spans[first, 0], tokens.spans[last - 1, 1]))
        else:  # nothing stands here in the reference
            at = tokens.spans[first - 1, 1]
            spans.append((at, at))
    return np.array(spans, dtype=np.int64).reshape(-1, 2)
