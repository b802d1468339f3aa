"""Activation patching by head: which attention heads carry the difference between two alleles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from numpy.typing import NDArray

from ...common.costs import says_cost
from ...common.names import Output
from ...common.progress import Progress, within
from ...encoder import Bases, Encoder
from ...network.alibi import AlibiBias
from ...network.blocks import Dnabert2Layer
from ...network.packing import Packing
from ...results.origins import recorded
from ...results.rich_display import RichDisplay
from ...tokens import Tokens
from ..attribution.explained_output import Target
from .alleles import explained_pair
from .beside_twin import beside_twin
from .patching import PairRun

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["HeadPatchMap", "patch_heads"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class HeadPatchMap(RichDisplay):
    """How much of the reference's score each attention head gives back.

    Attributes
    ----------
    restored : numpy.ndarray, shape (layers, heads), float32
        (patched - alt) / (ref - alt), when what that head hands on is the reference's at all tokens
        that pair up. 1: as the reference; 0: no change.
    layers : numpy.ndarray, shape (layers,), float32
        The same with all heads of a layer at once.
    residual : numpy.ndarray, shape (layers,), float32
        The same with what passes a layer's attention by: the state before it.
    everything : numpy.ndarray, shape (layers,), float32
        All heads of a layer and the state before it: 1 where all tokens pair up, or something is
        wrong.
    paired : float
        Share of the alternative's tokens that pair up with one of the reference. In a run where the
        alleles have other numbers of tokens, heads keep what they hand on.
    ref_score, alt_score : float
        In `unit`.
    ref, alt : Tokens
    target_name, unit, model : str
    twin : HeadPatchMap or None
        The same of a network of the same shape that has learnt nothing; all NaN where to it both
        alleles are the same.
    """

    restored: NDArray[np.float32]
    layers: NDArray[np.float32]
    residual: NDArray[np.float32]
    everything: NDArray[np.float32]
    paired: float
    ref_score: float
    alt_score: float
    ref: Tokens
    alt: Tokens
    target_name: str
    unit: str
    model: str
    twin: HeadPatchMap | None

    def _line(self) -> str:
        layer, head = np.unravel_index(int(np.nanargmax(self.restored)), self.restored.shape)
        told = (
            f"of {self.target_name}: {self.ref_score:+.3f} ref, {self.alt_score:+.3f} alt "
            f"({self.unit}); layer {layer + 1}, head {head + 1} (both from 1) gives back "
            f"{self.restored[layer, head]:.0%}"
        )
        if self.twin is not None and not np.isnan(self.twin.restored).all():
            told += f", the best of an untrained network {np.nanmax(self.twin.restored):.0%}"
        return told

    @property
    def effect(self) -> float:
        """Alternative minus reference, in `unit`."""
        return self.alt_score - self.ref_score

    def table(self) -> pd.DataFrame:
        """Return a row a head, most restored first: ``layer``, ``head`` (from 0), ``restored``.

        Beside it ``twin``, where there is one.
        """
        import pandas as pd

        layers, heads = np.indices(self.restored.shape).reshape(2, -1)
        data = {"layer": layers, "head": heads, "restored": self.restored.ravel()}
        if self.twin is not None:
            data["twin"] = self.twin.restored.ravel()
        return pd.DataFrame(data).sort_values("restored", ascending=False, ignore_index=True)


@recorded
@says_cost
def patch_heads(
    enc: Encoder,
    ref: Bases,
    alt: Bases,
    target: Target | None = None,
    *,
    output: Output = "auto",
    twin: bool = False,
    batch_tokens: int | None = None,
    progress: Progress | None = None,
) -> HeadPatchMap:
    """Put what one attention head hands on in the reference into the alternative's run.

    Both alleles are run once. Then, for every head, the alternative is run again with that head's
    mixture of values, before the layer's projection, taken from the reference at all tokens that
    pair up: the share of the effect that comes back is what goes through this head. Heads need not
    add up: what passes attention by is not theirs (`HeadPatchMap.residual`).

    Parameters
    ----------
    enc : Encoder
    ref, alt : str or Sequence
        Two alleles with the bases around them.
    target : int, str, tuple of int, or None
        As in `patch`.
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
    HeadPatchMap

    Raises
    ------
    InputError
        As `patch` does.

    Notes
    -----
    Path patching of single heads: Wang et al. 2022 (arXiv 2211.00593). Cost: layers · (heads + 3)
    runs of at most all layers.

    Examples
    --------
    >>> import dnabert2_explore as dx
    >>> site = dx.demo.splice()[0].bases
    >>> mutant = site[:100] + "A" + site[101:]
    >>> found = dx.patch_heads(dx.load("pocket-splice"), site, mutant, "donor")
    >>> found.restored.shape, found.everything.round(4).tolist()
    ((2, 4), [1.0, 1.0])
    """
    one, other, parts = explained_pair(enc, ref, alt, target, output)
    runs = enc.config.num_hidden_layers * (enc.config.num_attention_heads + 3)

    def of(model: Encoder, count: Progress, untrained: HeadPatchMap | None) -> HeadPatchMap:
        return _map(PairRun(model, one, other, parts, batch_tokens), count, untrained)

    return beside_twin(enc, twin, runs, progress, of)


def _map(run: PairRun, count: Progress, twin: HeadPatchMap | None) -> HeadPatchMap:
    """Patch every head, all heads of a layer, what passes by, and both."""
    ref_score, alt_score, effect = run.ends()
    pairs = [(a + i, c + i) for a, b, c, d in run.parts if b - a == d - c for i in range(b - a)]
    theirs, mine = (list(one) for one in zip(*pairs, strict=True))
    config = run.enc.config
    heads, length = config.num_attention_heads, len(run.alt.tokens)
    first = 0 if run.ref.span is None else run.ref.span[0]
    shift = sum((d - c) - (b - a) for a, b, c, d in run.parts if b <= first)
    runs = heads + 3
    found = np.zeros((config.num_hidden_layers, runs), dtype=np.float32)
    for layer in range(config.num_hidden_layers):
        block = cast(Dnabert2Layer, run.enc.body.encoder.layer[layer])
        ref_state, alt_state = run.ref_states[layer], run.alt_states[layer]
        ref_mix, alt_mix = _mixed(run.enc, block, ref_state), _mixed(run.enc, block, alt_state)
        by_passing = alt_state.clone()
        by_passing[mine] = ref_state[theirs]

        def states(
            number: int,
            block: Dnabert2Layer = block,
            ref_mix: torch.Tensor = ref_mix,
            alt_mix: torch.Tensor = alt_mix,
            alt_state: torch.Tensor = alt_state,
            by_passing: torch.Tensor = by_passing,
        ) -> torch.Tensor:
            mixed = alt_mix.clone()
            chosen = slice(number, number + 1) if number < heads else slice(0, heads)
            if number != heads + 1:  # that one is what passes by, alone
                rows = mixed[mine]
                rows[:, chosen] = ref_mix[theirs][:, chosen]
                mixed[mine] = rows
            before = alt_state if number <= heads else by_passing
            return block.mlp(block.attention.output(mixed.flatten(-2), before))

        report = within(count, layer * runs, runs, found.size)
        scores = run.scored(layer + 1, states, [length] * runs, [shift] * runs, report)
        found[layer] = (scores - alt_score) / effect
    own = run.enc is run.ref.enc
    return HeadPatchMap(
        restored=found[:, :heads],
        layers=found[:, heads],
        residual=found[:, heads + 1],
        everything=found[:, heads + 2],
        paired=len(mine) / length,
        ref_score=ref_score,
        alt_score=alt_score,
        ref=run.ref.tokens,
        alt=run.alt.tokens,
        target_name=run.ref.name,
        unit=run.ref.unit,
        model=run.ref.model if own else str(run.enc.info),
        twin=twin,
    )


def _mixed(enc: Encoder, block: Dnabert2Layer, state: torch.Tensor) -> torch.Tensor:
    """Compute what each head hands on, (tokens, heads, head_dim), from the state before."""
    packing = Packing.from_lengths([len(state)], enc.device)
    heads = enc.config.num_attention_heads
    alibi = AlibiBias(heads, packing.longest, state.dtype, state.device)
    with enc.lock, torch.inference_mode():
        context, _ = block.attention.self(state, packing, alibi)
    mixed: torch.Tensor = context.unflatten(-1, (heads, -1))
    return mixed
