"""Activation patching: where in the network the difference between two alleles is carried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from ...common.costs import says_cost
from ...common.names import Output
from ...common.progress import Progress, within
from ...encoder import Bases, Encoder
from ...encoder.passes.batches import budget_of
from ...encoder.passes.onward import all_states, run_onward
from ...errors import InputError
from ...network.headed import ClassifierForward, MaskedLMForward
from ...network.packing import Packing
from ...results.origins import recorded
from ...results.rich_display import RichDisplay, bases_text
from ...tokens import Tokens
from ..attribution.explained_output import ExplainedOutput, Target
from .alleles import explained_pair, spans_of
from .beside_twin import beside_twin

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PairRun", "PatchMap", "patch"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PatchMap(RichDisplay):
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

    def _line(self) -> str:
        layer, part = np.unravel_index(int(np.nanargmax(self.restored[1:])), self.shape)
        start, end = self.spans[part]
        return (
            f"of {self.target_name}: {self.ref_score:+.3f} ref, {self.alt_score:+.3f} "
            f"alt ({self.unit}); {bases_text(start, end)} after layer {layer + 1} give back "
            f"{self.restored[layer + 1, part]:.0%}; {self.model}"
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
        return spans_of(self.ref, self.ref_parts)

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
        """Return a row a layer and part.

        Returns
        -------
        pandas.DataFrame
            ``layer`` (0 the embeddings), ``start`` and ``end`` (bases of the reference, 0-based,
            half-open), ``ref`` and ``alt`` (tokens), ``restored``, and ``twin`` where there is one.
        """
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


@recorded
@says_cost
def patch(
    enc: Encoder,
    ref: Bases,
    alt: Bases,
    target: Target | None = None,
    *,
    output: Output = "auto",
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
    one, other, parts = explained_pair(enc, ref, alt, target, output)
    runs = (enc.config.num_hidden_layers + 1) * (len(parts) + 1)

    def of(model: Encoder, count: Progress, untrained: PatchMap | None) -> PatchMap:
        return PairRun(model, one, other, parts, batch_tokens).map(count, untrained)

    return beside_twin(enc, twin, runs, progress, of)


class PairRun:
    """All patched runs of one pair in one network."""

    def __init__(
        self,
        enc: Encoder,
        ref: ExplainedOutput,
        alt: ExplainedOutput,
        parts: list[tuple[int, int, int, int]],
        batch_tokens: int | None,
    ) -> None:
        self.enc, self.ref, self.alt, self.parts = enc, ref, alt, parts
        self.budget = budget_of(enc, batch_tokens)
        self.ref_states = all_states(enc, ref.ids[0].cpu().numpy())
        self.alt_states = all_states(enc, alt.ids[0].cpu().numpy())

    def ends(self) -> tuple[float, float, float]:
        """Score of the reference, of the alternative, and the effect; NaN if the twin sees none.

        Raises InputError where the model itself scores both the same.
        """
        ref_score, alt_score = self._scores(0, [set(range(len(self.parts))), set()]).tolist()
        effect = ref_score - alt_score
        if abs(effect) < 1e-5 * max(abs(ref_score), abs(alt_score), 1e-3):
            if self.enc is self.ref.enc:
                raise InputError(
                    f"Both alleles score {ref_score:.4g} ({self.ref.name}): there is no effect to "
                    "restore; choose another target or another variant."
                )
            effect = float("nan")
        return ref_score, alt_score, effect

    def map(self, count: Progress, twin: PatchMap | None) -> PatchMap:
        """Patch every layer and part, and everything."""
        layers, n = len(self.ref_states), len(self.parts)
        every = set(range(n))
        ref_score, alt_score, effect = self.ends()
        restored = np.zeros((layers, n), dtype=np.float32)
        everything = np.zeros(layers, dtype=np.float32)
        for layer in range(layers):
            report = within(count, layer * (n + 1), n + 1, layers * (n + 1))
            scores = self._scores(layer, [*({i} for i in range(n)), every], report)
            shares = (scores - alt_score) / effect
            restored[layer], everything[layer] = shares[:-1], shares[-1]
        return PatchMap(
            restored=restored,
            everything=everything,
            ref_score=ref_score,
            alt_score=alt_score,
            ref=self.ref.tokens,
            alt=self.alt.tokens,
            ref_parts=np.array([part[:2] for part in self.parts], dtype=np.int64),
            alt_parts=np.array([part[2:] for part in self.parts], dtype=np.int64),
            target_name=self.ref.name,
            unit=self.ref.unit,
            model=self.ref.model if self.enc is self.ref.enc else str(self.enc.info),
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
        # Parts before the span may be longer or shorter than the reference's.
        first = 0 if self.ref.span is None else self.ref.span[0]
        shifts = [
            sum(
                (d - c) - (b - a)
                for i, (a, b, c, d) in enumerate(self.parts)
                if b <= first and i not in chosen
            )
            for chosen in patched
        ]
        return self.scored(layer, states, lengths, shifts, progress)

    def scored(
        self,
        layer: int,
        states: Callable[[int], torch.Tensor],
        lengths: list[int],
        shifts: list[int],
        progress: Progress | None = None,
    ) -> NDArray[np.float64]:
        """Score runs that go on from given states; `shifts`: tokens the span stands later."""

        def read(
            members: NDArray[np.int64], hidden: torch.Tensor, packing: Packing
        ) -> NDArray[np.float32]:
            network = self.enc.module
            if self.ref.span is None:
                assert isinstance(network, ClassifierForward)
                logits = network.states_logits(hidden, packing).float()
                values = self.enc.activate(logits) if self.ref.output == "probability" else logits
                assert isinstance(self.ref.target, int)
                return values[:, self.ref.target].cpu().numpy()
            assert isinstance(network, MaskedLMForward)
            first, last = self.ref.span
            truth = torch.from_numpy(self.ref.tokens.ids[first:last]).to(hidden.device)
            offsets = packing.offsets.tolist()
            found = []
            for which, number in enumerate(members):
                at = offsets[which] + first + shifts[int(number)]
                rows = network.cls(hidden[at : at + last - first]).float().log_softmax(-1)
                found.append(float(rows.gather(1, truth[:, None]).sum()))
            return np.array(found, dtype=np.float32)

        return run_onward(self.enc, states, lengths, layer, read, self.budget, progress).astype(
            np.float64
        )
