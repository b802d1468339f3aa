"""Which vocabulary a model was saved with: another of the same size would load in silence."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from ...errors import CheckpointError
from ...results.sealed import read_json
from ..config import Dnabert2Config

__all__ = ["check_vocabulary", "vocabulary_sha256"]


def vocabulary_sha256(path: Path) -> str:
    """Digest of what decides which ids a sequence gets: entries, merges and added tokens.

    However the file is laid out: transformers writes a ``tokenizer.json`` otherwise than tokenizers
    does. One that cannot be read, or is no BPE tokenizer, is a `CheckpointError`.
    """
    content = read_json(path, CheckpointError)
    try:
        model: dict[str, Any] = content["model"]
        parts = [
            sorted((number, entry) for entry, number in model["vocab"].items()),
            [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]],
            sorted((one["id"], one["content"]) for one in content.get("added_tokens") or ()),
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{path} is not a tokenizer file ({type(error).__name__}: {error}): download "
            "tokenizer.json again."
        ) from error
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def check_vocabulary(config: Dnabert2Config, path: Path) -> None:
    """Raise where a model says which tokenizer it was saved with, and another lies beside it."""
    said = config.vocabulary_sha256
    if said is not None and vocabulary_sha256(path) != said:
        raise CheckpointError(
            f"{path} is not the tokenizer that its model was saved with, whose ids mean other "
            "tokens: put the model's own tokenizer.json there."
        )
