"""Model cards: a README.md beside the weights that says what they are, in Hugging Face's form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

from safetensors import safe_open

from ...common.files import called, write_text
from ...errors import CheckpointError
from ...version import __version__

__all__ = ["CARD", "HEADS", "Card", "card_text", "write_card"]

CARD = "README.md"

# What safetensors calls them.
_KINDS = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}

#: Class of a network -> the Auto class that opens it, and the hub's name of what it does.
HEADS = {
    "Dnabert2Model": ("AutoModel", "feature-extraction"),
    "Dnabert2ForMaskedLM": ("AutoModelForMaskedLM", "fill-mask"),
    "Dnabert2ForSequenceClassification": (
        "AutoModelForSequenceClassification",
        "text-classification",
    ),
}


@dataclass(frozen=True, slots=True)
class Card:
    """What only the person or program that trained a model can say of it.

    Attributes
    ----------
    title : str
        By default the folder's name.
    summary : str
        What it is for, in a sentence or two.
    base_model : str
        What it was trained from: a hub id or a name.
    license : str
        SPDX identifier; empty where nobody said.
    data : mapping of str to str
        What it was trained on: role -> files and sizes.
    settings : mapping of str to object
        How it was trained.
    scores : mapping of str to str
        Metric -> value with its interval.
    scored_on : str
        What the scores are of.
    limits : tuple of str
        What to know before using it.
    """

    title: str = ""
    summary: str = ""
    base_model: str = ""
    license: str = ""
    data: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    scores: Mapping[str, str] = field(default_factory=dict)
    scored_on: str = ""
    limits: tuple[str, ...] = ()


def write_card(folder: str | Path, card: Card | None = None, usage: str = "") -> Path:
    """Write a model folder's README.md, in place of one that is there.

    The folder has config.json and model.safetensors; without them it is a `CheckpointError`.
    Without a card, it says what the files say. `usage` is Markdown in place of the usual lines on
    loading.
    """
    folder = Path(folder)
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        with safe_open(folder / "model.safetensors", framework="numpy") as weights:
            stored = {name: weights.get_slice(name) for name in weights.keys()}  # noqa: SIM118
            parameters = sum(prod(one.get_shape()) for one in stored.values())
            kinds = sorted({_KINDS.get(one.get_dtype(), "other") for one in stored.values()})
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{folder} holds no model to describe ({error}): save one there first."
        ) from error
    config["dtype"] = " and ".join(kinds)
    text = card_text(config, parameters, card or Card(), called(folder), usage)
    write_text(folder / CARD, text)
    return folder / CARD


def card_text(
    config: dict[str, Any], parameters: int, card: Card, name: str, usage: str = ""
) -> str:
    """Compose the card of a folder called `name`.

    `config` is the model's config.json, but with the weights' own type under "dtype"; `usage` is
    Markdown in place of the usual lines on loading.
    """
    head = (config.get("architectures") or ["Dnabert2Model"])[0]
    name = _plain(name)
    auto, pipeline = HEADS.get(head, HEADS["Dnabert2Model"])
    parts = [_front(card, pipeline), f"# {_plain(card.title) or name}"]
    if card.summary:
        parts.append(card.summary)
    parts.append("## Network\n\n" + _table(_network(config, parameters, head)))
    parts.append("## Use\n\n" + (usage or _usage(auto, name)))
    if card.data:
        parts.append("## Data\n\n" + _table(dict(card.data)))
    if card.settings:
        parts.append("## Training\n\n" + _table(dict(card.settings)))
    if card.scores:
        on = f" on {card.scored_on}" if card.scored_on else ""
        parts.append(f"## Scores{on}\n\n" + _table(dict(card.scores)))
    limits = list(card.limits)
    if not (card.data or card.settings or card.limits):
        limits.insert(0, "Whoever saved this model did not say here what it was trained on.")
    if limits:
        parts.append("## Limits\n\n" + "\n".join(f"- {_plain(one)}" for one in limits))
    parts.append(
        f"Written by dnabert2-explore {__version__}. The architecture is that of Zhou et al. 2023, "
        "[DNABERT-2](https://arxiv.org/abs/2306.15006)."
    )
    return "\n\n".join(parts) + "\n"


def _front(card: Card, pipeline: str) -> str:
    lines = ["---", "library_name: transformers", f"pipeline_tag: {pipeline}"]
    if card.license:
        lines.append(f"license: {card.license}")
    if card.base_model.count("/") == 1 and not card.base_model.startswith((".", "/", "~")):
        lines.append(f"base_model: {card.base_model}")  # the hub knows ids only
    lines += ["tags:", "- dna", "- genomics", "- dnabert2", "- dnabert2-explore", "---"]
    return "\n".join(lines)


def _network(config: dict[str, Any], parameters: int, head: str) -> dict[str, object]:
    rows: dict[str, object] = {
        "kind": {
            "Dnabert2ForMaskedLM": "masked language model",
            "Dnabert2ForSequenceClassification": "classifier",
        }.get(head, "encoder"),
        "parameters": f"{parameters:,}",
        "layers, width, heads": f"{config['num_hidden_layers']}, {config['hidden_size']}, "
        f"{config['num_attention_heads']}",
        "vocabulary": f"{config['vocab_size']:,}",
        "number type": _kind_of_numbers(config.get("dtype") or "float32"),
    }
    if head == "Dnabert2ForSequenceClassification":
        names = config.get("id2label") or {}
        if config.get("problem_type") == "regression":
            rows["kind"] = "regression"
        elif names:
            rows["classes"] = ", ".join(str(names[key]) for key in sorted(names, key=int))
        rows["pooling"] = config.get("classifier_pooling", "cls")
    if config.get("sequence_pairs"):
        rows["input"] = "pairs of sequences"
    if config.get("max_input_tokens"):
        rows["input cut at"] = f"{config['max_input_tokens']} tokens"
    if config.get("training_bases"):
        low, high = config["training_bases"]
        rows["trained on sequences of"] = f"{low:,} bp" if low == high else f"{low:,}–{high:,} bp"
    return rows


def _usage(auto: str, name: str) -> str:
    return (
        "```python\n"
        "import dnabert2_explore as dx  # also makes transformers' Auto classes know dnabert2\n\n"
        f'enc = dx.load("path/to/{name}")\n\n'
        f"from transformers import {auto}, AutoTokenizer\n\n"
        f'model = {auto}.from_pretrained("path/to/{name}")\n'
        f'tokenizer = AutoTokenizer.from_pretrained("path/to/{name}")\n'
        "```\n\n"
        "Sequences are upper-case A, C, G and T; anything else becomes [UNK] in silence if the "
        "tokenizer is used directly."
    )


def _table(rows: Mapping[str, object]) -> str:
    lines = ["| | |", "|---|---|"]
    for key, value in rows.items():
        cells = (_plain(str(cell)).replace("|", "\\|") for cell in (key, value))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Keep text on one line, and what looks like a tag from being one."""
    return " ".join(text.split()).replace("<", "&lt;")


def _kind_of_numbers(kind: str) -> str:
    if kind in ("float32", "float64"):
        return kind
    return f"{kind} in the file; opened in float32 unless another type is asked for"
