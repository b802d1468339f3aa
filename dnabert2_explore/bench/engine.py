"""Both paths on the same work: times in turns, and how far the results are apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from ..encoder.passes.batches import default_budget
from .cases import Case
from .measure import MatrixProduct, alternately, clock_of
from .ours import embed_ours
from .reference import KeptBias, embed_reference
from .shapes import make_network
from .tables import Table

__all__ = ["Speed", "compare", "mutant_table", "speed_table"]


@dataclass(frozen=True, slots=True)
class Speed:
    """One case, computed by the reference path in float32 and by ours.

    Attributes
    ----------
    case : str
    sequences, tokens : int
        Work done in one call; padding is not counted.
    rows : int
        Sequences in a padded batch of the reference path.
    dtype, attention : str
        How ours computed.
    reference_seconds, seconds : float
        Best times of one call.
    difference : float
        Largest difference of two values of the last hidden states, which are of the size of 1.
    cosine : float
        Lowest cosine of the mean embeddings of one sequence.
    flops : float
        Operations a call of ours needs (see `Case.flops`).
    peak : float
        Operations a second of a large matrix product in ours' type, measured in the same turns.
    clock : str
        Whose seconds these are (see `clock_of`).
    """

    case: str
    sequences: int
    tokens: int
    rows: int
    dtype: str
    attention: str
    reference_seconds: float
    seconds: float
    difference: float
    cosine: float
    flops: float
    peak: float
    clock: str = "wall"

    @property
    def ratio(self) -> float:
        """How many times as fast ours is."""
        return self.reference_seconds / self.seconds

    @property
    def share(self) -> float:
        """Share of the matrix product's speed that ours reaches."""
        return self.flops / self.seconds / self.peak

    @property
    def limit(self) -> float:
        """Tokens a second if the whole pass ran at the matrix product's speed."""
        return self.tokens * self.peak / self.flops


def compare(
    shape: str,
    cases: Iterable[Case],
    dtypes: Sequence[torch.dtype],
    device: torch.device,
    repeats: int = 3,
    seconds: float = 0.0,
) -> Iterator[Speed]:
    """Measure cases, one row for each case and type, as they are done.

    The shape is one of `SHAPES`. The reference path computes in float32, ours in each of `dtypes`,
    all in turns, `repeats` and `seconds` as in `alternately`.
    """
    networks = {dtype: make_network(shape, device, dtype) for dtype in dtypes}
    # In float32 both paths read the same tensors.
    original = networks.get(torch.float32) or make_network(shape, device)
    kept = KeptBias(original.config, device)
    products = {dtype: MatrixProduct(device, dtype) for dtype in dtypes}
    for product in products.values():
        product()
    for case in cases:
        reference = partial(embed_reference, original, case.ids, case.rows, kept=kept)
        # The first call of each warms it up and is checked.
        expected, states = _with_states(reference)
        apart = []
        for network in networks.values():
            vectors, own = _with_states(partial(embed_ours, network, case.ids))
            apart.append((_difference(states, own), _cosine(expected, vectors)))
        calls: list[Callable[[], object]] = [
            reference,
            *(partial(embed_ours, network, case.ids) for network in networks.values()),
        ]
        # The peak is measured in the same turns, on a machine as busy.
        calls += products.values()
        slow, *times = alternately(calls, device, repeats, seconds)
        for index, (dtype, network) in enumerate(networks.items()):
            difference, cosine = apart[index]
            yield Speed(
                case=case.name,
                sequences=len(case.ids),
                tokens=case.tokens,
                rows=case.rows,
                dtype=str(dtype).removeprefix("torch."),
                attention=network.config._attn_implementation,
                reference_seconds=slow,
                seconds=times[index],
                difference=difference,
                cosine=cosine,
                flops=case.flops(network.config),
                peak=products[dtype].flops / times[len(networks) + index],
                clock=clock_of(device),
            )


def speed_table(shape: str, rows: Sequence[Speed], device: torch.device) -> Table:
    """Lay out tokens a second of both paths, their ratio and their difference."""
    fastest = {
        row.dtype: max(other.peak for other in rows if other.dtype == row.dtype) for row in rows
    }
    peaks = ", ".join(f"{peak / 1e12:,.3g} TFLOP/s in {name}" for name, peak in fastest.items())
    batches = ", ".join(dict.fromkeys(f"{row.rows} of {row.case}" for row in rows))
    backends = ", ".join(dict.fromkeys(row.attention for row in rows))
    clocks = " and ".join(
        dict.fromkeys("CPU seconds" if row.clock == "CPU" else "wall time" for row in rows)
    )
    precision = torch.get_float32_matmul_precision()
    tf32 = f" (matrix products at torch's {precision!r} precision)" if device.type == "cuda" else ""
    return Table(
        title=f"Mean embeddings, {shape} shape, random weights",
        header=(
            "tokens",
            "reference float32, tokens/s",
            "ours in",
            "ours, tokens/s",
            "ratio",
            "largest difference",
            "lowest cosine",
            "limit, tokens/s",
            "share of it",
        ),
        rows=tuple(
            (
                row.case,
                f"{row.tokens / row.reference_seconds:,.0f}",
                row.dtype,
                f"{row.tokens / row.seconds:,.0f}",
                f"{row.ratio:.2f}",
                f"{row.difference:.1e}",
                f"{row.cosine:.6f}",
                f"{row.limit:,.0f}",
                f"{row.share:.0%}",
            )
            for row in rows
        ),
        note=(
            "The reference works as the original does (linear layers on unpadded tokens, attention "
            "step by step on padded scores, ALiBi's bias kept from pass to pass), in float32"
            f"{tf32}, on padded batches in the given order ({batches} tokens). Ours packs tokens "
            f"sorted by length, {default_budget(device):,} at a time; attention: {backends}. Timed "
            f"in turns, {clocks}, the best time counts; padding is not counted. Difference of the "
            "last hidden states, cosine of the mean embeddings. Limit: all of the network's "
            f"operations at the speed of a large matrix product in ours' type ({peaks}, in the "
            "same turns); a layer counts 2(4h² + 3hi) a token and 4nh in attention (h wide, i in "
            "the MLP, n tokens). A small product can be faster than the large one: a share may "
            "pass 100%."
        ),
    )


def mutant_table(shape: str, rows: Sequence[Speed]) -> Table:
    """Lay out the time a mutant takes on either path."""
    return Table(
        title=f"Saturation mutagenesis, {shape} shape, random weights",
        header=(
            "work",
            "reference float32, ms a mutant",
            "ours in",
            "ours, ms a mutant",
            "ratio",
            "ours, all of them, s",
            "lowest cosine",
        ),
        rows=tuple(
            (
                row.case,
                f"{1e3 * row.reference_seconds / row.sequences:,.3g}",
                row.dtype,
                f"{1e3 * row.seconds / row.sequences:,.3g}",
                f"{row.ratio:.2f}",
                f"{row.seconds:,.1f}",
                f"{row.cosine:.6f}",
            )
            for row in rows
        ),
        note=(
            f"Every single-base substitution, {rows[0].tokens:,} tokens, cut beforehand by the "
            f"pocket model's tokenizer; the reference gets padded batches of {rows[0].rows} in "
            "order."
            if rows
            else ""
        ),
    )


def _with_states(
    embed: Callable[..., NDArray[np.float32]],
) -> tuple[NDArray[np.float32], list[torch.Tensor]]:
    states: list[torch.Tensor] = []
    return embed(states=states), states


def _difference(expected: list[torch.Tensor], states: list[torch.Tensor]) -> float:
    return max(float((a - b).abs().max()) for a, b in zip(expected, states, strict=True))


def _cosine(expected: NDArray[np.float32], vectors: NDArray[np.float32]) -> float:
    a, b = expected.astype(np.float64), vectors.astype(np.float64)
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(((a * b).sum(axis=1) / norms).min())
