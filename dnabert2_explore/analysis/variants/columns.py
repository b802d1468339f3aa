"""What each score is called, its unit, and what exchanging REF and ALT does to it."""

from __future__ import annotations

from ...encoder import Encoder
from .scores import Column, safe_name

__all__ = ["LLR", "PLL", "SIMPLE", "class_names", "distance_columns", "prediction_columns"]

SIMPLE = (
    Column("length_change", "bp", -1, "Bases that ALT has more than REF"),
    Column("gc_change", "share", -1, "GC content of the window with ALT minus with REF"),
    Column("cpg_change", "count", -1, "CpG dinucleotides in the window with ALT minus with REF"),
    Column("unknown", "bp", 1, "Bases of the reference window that are not A, C, G or T"),
)
LLR = (
    Column(
        "llr",
        "nats",
        -1,
        "Masked-LM log-odds of ALT minus REF over the tokens that differ, masked together, against "
        "equal bases; negative: REF is likelier",
    ),
    Column(
        "llr_per_base", "nats/base", -1, "Mean log-likelihood a base of those tokens, ALT minus REF"
    ),
    Column("llr_forward", "nats", -1, "llr on the forward strand"),
    Column("llr_reverse", "nats", -1, "llr on the reverse strand"),
    Column("prior", "nats", -1, "Part of llr that the tokens have without any context"),
    Column("context", "nats", -1, "The rest of llr: what the context adds for ALT minus for REF"),
    Column("content", "nats", -1, "Part of context that is left when REF and ALT are cut alike"),
    Column("retokenisation", "nats", -1, "The rest of context: that the tokens are cut otherwise"),
    Column("content_cells", "count", 1, "Ways to cut both alleles alike that could be computed"),
    Column("content_exact", "count", 1, "How many of these needed vocabulary entries only"),
    Column("tokens_ref", "tokens", 0, "REF's tokens that differ from ALT's, mean over the strands"),
    Column("tokens_alt", "tokens", 0, "ALT's tokens that differ from REF's, mean over the strands"),
)
PLL = (
    Column(
        "pll",
        "nats",
        -1,
        "Pseudo-log-likelihood of ALT minus REF, each token masked alone, against equal bases",
    ),
)


def distance_columns(layers: tuple[int, ...]) -> list[Column]:
    """Make the columns of distances between REF and ALT at these layers."""
    columns = []
    for layer in layers:
        for kind, over in (("window", "the window"), ("local", "the tokens that differ")):
            columns += [
                Column(
                    f"cosine_{kind}_{layer}",
                    "1 - cosine",
                    1,
                    f"Cosine distance of REF and ALT, mean over {over}, state {layer}",
                ),
                Column(
                    f"euclidean_{kind}_{layer}",
                    "state",
                    1,
                    f"Euclidean distance of REF and ALT, mean over {over}, state {layer}",
                ),
            ]
    return columns


def class_names(head: Encoder) -> list[str]:
    """Name the outputs of a head so that they fit columns and INFO keys."""
    if head.config.num_labels == 1:
        return ["value"]
    names = [safe_name(name) for name in head.classes]
    # Two classes that differ only in punctuation must not share a column.
    return [n if names.count(n) == 1 else f"{n}_{i}" for i, n in enumerate(names)]


def prediction_columns(head: Encoder) -> list[Column]:
    """Make the columns of what a head predicts."""
    unit = "value" if head.config.num_labels == 1 else "probability"
    columns = [Column("change", unit, 1, "Largest change of an output, without its sign")]
    for name in class_names(head):
        columns += [
            Column(f"change_{name}", unit, -1, f"Output {name} for ALT minus for REF"),
            Column(f"ref_{name}", unit, 0, f"Output {name} for REF"),
            Column(f"alt_{name}", unit, 0, f"Output {name} for ALT"),
        ]
    return columns
