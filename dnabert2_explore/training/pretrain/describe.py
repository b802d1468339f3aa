"""What a run does, in words and numbers: ``run.json``."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ...results.sealed import write_json
from ...version import __version__
from ..configuration import write_yaml
from ..corpus.windows import Corpus
from ..loop.processes import Processes
from .config import PretrainConfig

__all__ = ["describe", "write_description"]


def describe(
    config: PretrainConfig, training: Corpus, held_out: Corpus | None, processes: Processes
) -> tuple[str, ...]:
    """Say in sentences what was decided and what is left out."""
    return (
        _data(config, training),
        _balance(config, training),
        _rows(config),
        *([_masking(config)] if config.objective != "contrastive" else []),
        *([_contrast(config)] if config.objective != "masked" else []),
        *([_kept_out(config, training)] if config.exclude else []),
        *([_averaging(config)] if config.average else []),
        _optimiser(config),
        _batch(config, processes),
        "Evaluation: " + (
            f"every {config.evaluate_every} steps, {config.evaluate_rows} rows of each of "
            f"{len(held_out.species)} held-out species, all chosen tokens [MASK]."
            if held_out is not None
            else "none (evaluate_every is 0, or no held-out sequences are named)."
        ),
    )  # fmt: skip


def _data(config: PretrainConfig, corpus: Corpus) -> str:
    left = sum(one.left_out for one in corpus.species)
    start = f"the weights of {config.init_from}" if config.init_from else "random weights"
    said = (
        f"Data: {len(corpus.species)} species in {len(corpus.categories)} "
        f"{'category' if len(corpus.categories) == 1 else 'categories'}, {len(corpus):,} bp; "
        f"{left:,} bp in stretches shorter than {config.shortest_piece:,} bp are left out"
    )
    if config.windows == "segments":
        rest = sum(int((one.lengths % one.shortest).sum()) for one in corpus.species)
        said += f", and {rest:,} bp that fill no segment"
    if config.embeddings == "composed":
        start += ", the token table composed of what tokens are made of"
    return f"{said}. Training starts from {start} (seed {config.seed})."


def _balance(config: PretrainConfig, corpus: Corpus) -> str:
    if corpus.weighted:
        return "Balance: species are drawn in proportion to the weights of the table."
    return (
        f"Balance: categories are drawn in proportion to size^{config.category_power:g}, species "
        f"within them to size^{config.species_power:g}."
    )


def _rows(config: PretrainConfig) -> str:
    tokens = config.row_tokens - 2
    strand = (
        "turned to the reverse complement with probability one half"
        if config.strands == "both"
        else "read forward"
    )
    if config.objective != "masked":
        return (
            f"Rows: windows of {config.shortest:,} to {config.longest:,} bp at random positions, "
            f"{strand}; at most {tokens} tokens of each, packed without padding."
        )
    if config.windows == "random":
        return (
            f"Rows: the first {tokens} tokens of windows of up to {config.longest:,} bp at random "
            f"positions, {strand}; every row is full, there is no padding."
        )
    piece = (
        f"segments of {config.segment_bases:,} bp without unknown bases, laid end to end"
        if config.windows == "segments"
        else f"records without unknown bases of {config.shortest:,} bp or more (of those longer "
        f"than {config.longest:,} bp, a random part)"
    )
    return (
        f"Rows: {piece}, {strand}; of more than {tokens} tokens a random run is taken, fewer are "
        "packed without padding."
    )


def _masking(config: PretrainConfig) -> str:
    how = (
        "80% of them become [MASK], 10% a random token, 10% stay (bert)"
        if config.mask_strategy == "bert"
        else "all of them become [MASK] (mask)"
    )
    return (
        f"Masking: {100 * config.mask_probability:g}% of the tokens are predicted; {how}; special "
        "tokens never."
    )


def _contrast(config: PretrainConfig) -> str:
    together = (
        f"windows that start within {config.nearby_bases:,} bp of the first of their group"
        if config.positives == "nearby"
        else "windows of one species"
    )
    return (
        f"Contrast: supervised contrastive loss at temperature {config.temperature:g} on the mean "
        f"over tokens; positives are {together}, {config.group_windows} a group; segmentations "
        f"vary by forced borders (chance {config.cuts:g} a base) and left-out merges (chance "
        f"{config.bpe_dropout:g}), in turn."
        + (
            f" The loss of masked tokens counts {config.masked_weight:g}."
            if config.objective == "both"
            else ""
        )
    )


def _kept_out(config: PretrainConfig, corpus: Corpus) -> str:
    nothing = f" Nothing is left of {', '.join(corpus.emptied)}." if corpus.emptied else ""
    return (
        f"Kept out: what shares a 32-mer with {', '.join(config.exclude)}, and "
        f"{config.exclude_margin:,} bp on either side.{nothing}"
    )


def _averaging(config: PretrainConfig) -> str:
    return (
        f"Averaging: the model is the exponential moving average of the weights, decay "
        f"{config.average:g}."
    )


def _optimiser(config: PretrainConfig) -> str:
    fall = (
        f"linear to 0 at step {config.total_steps:,}"
        if config.schedule == "linear"
        else f"level, then linear to 0 over the last {config.decay_steps:,} of "
        f"{config.total_steps:,} steps"
    )
    return (
        f"Optimiser: AdamW ({config.beta1:g}, {config.beta2:g}, {config.epsilon:g}), weight decay "
        f"{config.weight_decay:g}, gradient norm at most {config.gradient_clip:g}; learning rate "
        f"{config.learning_rate:g} after a warm-up (steps: {config.warmup_steps:,}), {fall}."
    )


def _batch(config: PretrainConfig, processes: Processes) -> str:
    share = config.batch_rows // processes.world
    micro = min(config.device_rows or share, share)
    parts = -(-share // micro)
    spread = "all at once" if parts == 1 else f"{micro:,} at once in {parts:,} micro-batches each"
    return (
        f"Batch: {config.batch_rows:,} rows of at most {config.row_tokens:,} tokens a step by "
        f"{processes.sharing} on {processes.device.type}, {spread}; {config.precision}."
    )


def write_description(
    config: PretrainConfig,
    training: Corpus,
    notes: tuple[str, ...],
    parameters: int,
    data: dict[str, str],
    processes: Processes,
) -> None:
    """Write ``run.json``, and ``config.yaml`` to resume with, into the run folder."""
    species = [
        {
            "species": one.species,
            "category": one.category,
            "bases": len(one),
            "stretches": len(one.lengths),
            "left_out": one.left_out,
            "probability": float(probability),
        }
        for one, probability in zip(training.species, training.probabilities, strict=True)
    ]
    content: dict[str, Any] = {
        "notes": notes,
        "config": asdict(config),
        "parameters": parameters,
        "processes": processes.world,
        "device": str(processes.device),
        "data": data,
        "species": species,
        "versions": {"dnabert2-explore": __version__, "torch": version("torch")},
    }
    write_yaml(config, Path(config.out) / "config.yaml")
    write_json(Path(config.out) / "run.json", content)
