"""Train a byte-pair encoding on DNA, in exactly the shape of the published tokenizer.json."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..common.files import filling
from ..common.progress import Progress
from ..errors import InputError
from ..network.checkpoints.tokenizer_settings import TOKENIZER_SETTINGS
from ..tokens.tokenizer import SPECIAL as SPECIAL_TOKENS
from .corpus.windows import Corpus

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from tokenizers.trainers import BpeTrainer

__all__ = [
    "SPECIAL_TOKENS",
    "bases_per_token",
    "blank_tokenizer",
    "save_tokenizer",
    "train_tokenizer",
    "trainer_of",
]


def train_tokenizer(
    genomes: str | Path,
    table: str | Path,
    out: str | Path,
    vocabulary: int = 4096,
    windows: int = 80_000,
    window_bases: int = 256,
    seed: int = 0,
    category_power: float = 0.5,
    species_power: float = 0.5,
    progress: Progress | None = None,
    genome: str | Path | None = None,
) -> dict[str, float]:
    """Train a BPE on balanced windows of the training species, both strands.

    No normaliser, ``Whitespace`` pre-tokenizer, special tokens 0 to 4 and the [CLS] … [SEP]
    template are those of DNABERT-2's published file (Zhou et al. 2024, arXiv:2306.15006).

    Parameters
    ----------
    genomes, table : path
        Folder and species table (:func:`~dnabert2_explore.training.corpus.windows.read_table`).
    out : path
        Folder that receives ``tokenizer.json`` and ``tokenizer_config.json``.
    vocabulary : int
        Entries including the 5 special tokens and 4 bases.
    windows, window_bases : int
        Windows drawn and their length. The trainer treats each window as one word, and its time
        grows with their number; tokens are short against 256 bases, so longer ones gain nothing.
    seed : int
        Seed of the window sampling.
    category_power, species_power : float
        Sampling balance (:class:`~dnabert2_explore.training.corpus.windows.Corpus`).
    progress : callable, optional
        Called as ``progress(windows drawn, windows)``.
    genome : path, optional
        What the stretches are of, where files are BED.

    Returns
    -------
    dict
        ``vocabulary``, ``bases`` trained on, and ``bases_per_token`` on fresh 1000-base windows.

    Raises
    ------
    InputError
        For bad input, or when the windows do not hold enough distinct pairs for `vocabulary`.
    """
    from tokenizers import processors

    smallest = len(SPECIAL_TOKENS) + 4
    if vocabulary < smallest:
        raise InputError(f"vocabulary is {vocabulary}; expected at least {smallest}.")
    corpus = Corpus.load(
        genomes, table, "train", window_bases, category_power, species_power, genome=genome
    )
    tokenizer, trainer = blank_tokenizer(), trainer_of(vocabulary)
    rng = np.random.default_rng(seed)

    def draw() -> Iterator[str]:
        for done in range(1, windows + 1):
            yield corpus.window(rng, window_bases).bases
            if progress is not None and (done % 1000 == 0 or done == windows):
                progress(done, windows)

    tokenizer.train_from_iterator(draw(), trainer)
    if tokenizer.get_vocab_size() < vocabulary:
        raise InputError(
            f"only {tokenizer.get_vocab_size()} of {vocabulary} entries could be learnt from "
            f"{windows} windows; draw more windows or ask for a smaller vocabulary."
        )
    cls, sep = (SPECIAL_TOKENS.index(name) for name in ("[CLS]", "[SEP]"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", cls), ("[SEP]", sep)],
    )
    save_tokenizer(tokenizer, out)
    return {
        "vocabulary": float(tokenizer.get_vocab_size()),
        "bases": float(windows * window_bases),
        "bases_per_token": bases_per_token(tokenizer, corpus, seed=seed + 1),
    }


def blank_tokenizer() -> Tokenizer:
    """Make a byte-pair encoding that has learnt nothing yet, in the published file's shape."""
    from tokenizers import Tokenizer as Made, models, pre_tokenizers

    tokenizer: Tokenizer = Made(models.BPE(unk_token=SPECIAL_TOKENS[0]))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


def trainer_of(vocabulary: int) -> BpeTrainer:
    """Make what trains an encoding of so many entries, 5 special tokens and 4 bases among them."""
    from tokenizers.trainers import BpeTrainer as Made

    return Made(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=list("ACGT"),
        limit_alphabet=4,
        show_progress=False,
    )


def bases_per_token(
    tokenizer: Tokenizer, corpus: Corpus, windows: int = 500, longest: int = 1000, seed: int = 1
) -> float:
    """Mean bases a token spans, on windows drawn with the corpus' own balance."""
    rng = np.random.default_rng(seed)
    texts = [corpus.window(rng, longest).bases for _ in range(windows)]
    encoded = tokenizer.encode_batch(texts, add_special_tokens=False)
    return sum(len(text) for text in texts) / sum(len(one.ids) for one in encoded)


def save_tokenizer(tokenizer: Tokenizer, out: str | Path) -> None:
    """Write ``tokenizer.json`` and the ``tokenizer_config.json`` that belongs to it, or neither."""
    with filling(Path(out)) as fresh:
        text = tokenizer.to_str(pretty=False)  # its own `save` tells of a full disk in its own way
        (fresh / "tokenizer.json").write_text(text, encoding="utf-8")
        text = json.dumps(TOKENIZER_SETTINGS, indent=1) + "\n"
        (fresh / "tokenizer_config.json").write_text(text, encoding="utf-8")
