"""The shape of a DNABERT-2 network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from transformers import PreTrainedConfig

from ..results.sealed import SEAL

__all__ = ["Dnabert2Config"]

#: What a classifier may answer, in transformers' words.
PROBLEMS = ("single_label_classification", "multi_label_classification", "regression")
_SIZES = (
    "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
    "type_vocab_size",
)  # fmt: skip
#: Largest value of what is a number from 0.
_NUMBERS = {
    "hidden_dropout_prob": 1.0,
    "attention_probs_dropout_prob": 1.0,
    "classifier_dropout": 1.0,
    "layer_norm_eps": 1e3,
    "initializer_range": 1e3,
}


def _is_place(anchor: object) -> bool:
    return isinstance(anchor, int) and not isinstance(anchor, bool) and anchor > 0


class Dnabert2Config(PreTrainedConfig):
    """Configuration of a DNABERT-2 network; the defaults are the published 117M model.

    Parameters
    ----------
    vocab_size : int
        Number of BPE entries.
    hidden_size, num_hidden_layers, num_attention_heads, intermediate_size : int
        Width, depth, heads, and the width of each half of the gated MLP.
    hidden_dropout_prob, attention_probs_dropout_prob : float
        Dropout on hidden states and on attention probabilities (training only).
    type_vocab_size : int
        Number of token types; type 0 is always added when none is given.
    initializer_range : float
        Standard deviation of fresh weights.
    layer_norm_eps : float
        Epsilon of every LayerNorm but the MLM head's, which is 1e-12 in the original.
    classifier_dropout : float or None
        Dropout before the classifier; None means `hidden_dropout_prob`.
    classifier_pooling : {"cls", "mean"}
        What the classifier's pooler reads: position 0 (the original) or the mean over unpadded
        tokens.
    sparse_prediction : bool
        With labels given, project only labelled positions onto the vocabulary: the loss is the
        same, `logits` has shape (labelled, vocab_size), and pre-training is faster.
    sequence_pairs : bool
        Whether a classifier reads two sequences, [CLS] first [SEP] second [SEP], as in GUE+'s
        enhancer-promoter data (token type 0 throughout, as its authors trained).
    max_input_tokens : int or None
        Tokens, special ones included, at which a classifier's inputs were cut in training, and are
        cut in prediction; None for no limit.
    training_bases : sequence of int or None
        Shortest and longest sequence a classifier was trained on, in bases.
    anchor : str, int or None
        A classifier of sites reads each sequence as two parts, [CLS] left [SEP] right [SEP], so
        that tokens begin at the site: "middle" of the sequence, or after so many bases. Tokens
        behind the first [SEP] are of type 1 where no types are given. None: sequences are read
        whole.
    sep_token_id : int
        [SEP], which parts them.
    prediction_strands : {"one", "both"}
        What a classifier's answers are the mean over unless the caller says otherwise: the sequence
        as given, or both strands.
    embedding_strands : {"one", "both"}
        What an encoder's vectors are the mean over unless the caller says otherwise.
    embedding_layers : list of int or None
        Layers (0 the embeddings) whose pooled vectors stand side by side in an encoder's vector
        unless the caller names a layer. None: the last one.
    prediction_segmentations : int
        Further random segmentations that the answers are the mean over.
    pooler : bool or None
        Whether a saved `Dnabert2Model` has a pooler. What has a head says it by `architectures`.
    vocabulary_sha256 : str or None
        Of the tokenizer that the model was saved with (`network.vocabulary`); None if unknown.
    alibi_starting_size : int
        Kept so that published configurations round-trip; ALiBi here has no starting size.

    Raises
    ------
    ValueError
        If a size is no whole number above 0, a probability or epsilon no number in its range,
        `hidden_size` not a multiple of `num_attention_heads`, `classifier_pooling` unknown, the
        embedding layers not different layers of the network, the
        names of classes are not numbered from 0 or not all different, or `hidden_act` asks for
        another architecture.

    References
    ----------
    Zhou et al. 2023, "DNABERT-2", arXiv 2306.15006; Press et al. 2021, "ALiBi", arXiv 2108.12409.
    """

    model_type = "dnabert2"

    vocab_size: int = 4096
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.0
    type_vocab_size: int = 2
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    classifier_dropout: float | None = None
    classifier_pooling: str = "cls"
    sparse_prediction: bool = False
    sequence_pairs: bool = False
    max_input_tokens: int | None = None
    training_bases: Sequence[int] | None = None
    anchor: str | int | None = None
    sep_token_id: int = 2
    prediction_strands: str = "one"
    prediction_segmentations: int = 0
    embedding_strands: str = "one"
    embedding_layers: Sequence[int] | None = None
    pooler: bool | None = None
    vocabulary_sha256: str | None = None
    alibi_starting_size: int = 512
    tie_word_embeddings: bool = True
    # Informational only: masks come from the tokenizer, never from this id (the hub's
    # generation_config.json says 0, the tokenizer's [PAD] is 3).
    pad_token_id: int | None = 3

    def __post_init__(self, **kwargs: Any) -> None:
        for name in _SIZES:
            _check_size(name, getattr(self, name))
        for name in ("sparse_prediction", "sequence_pairs", "tie_word_embeddings", "pooler"):
            flag = getattr(self, name)
            if flag not in (True, False) and (flag, name) != (None, "pooler"):
                raise ValueError(f"{name} is {_shown(flag)}: expected true or false.")
        for name, high in _NUMBERS.items():
            if name != "classifier_dropout" or self.classifier_dropout is not None:
                _check_number(name, getattr(self, name), high)
        _check_classes(self.id2label, self.label2id)
        for name, value in (
            ("max_input_tokens", self.max_input_tokens),
            ("num_labels", kwargs.get("num_labels")),
        ):
            if value is not None:
                _check_size(name, value)
        if self.training_bases is not None:
            if not isinstance(self.training_bases, Sequence) or len(self.training_bases) != 2:
                raise ValueError(
                    f"training_bases is {_shown(self.training_bases)}: expected the shortest and "
                    "the longest length."
                )
            for length in self.training_bases:
                _check_size("training_bases", length)
            self.training_bases = list(self.training_bases)
        if self.pad_token_id is not None and self.pad_token_id != 0:
            _check_size("pad_token_id", self.pad_token_id)
        if self.problem_type is not None and self.problem_type not in PROBLEMS:
            raise ValueError(
                f"problem_type is {_shown(self.problem_type)}: expected one of "
                f"{', '.join(PROBLEMS)}."
            )
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"hidden_size {self.hidden_size} is not a multiple of num_attention_heads "
                f"{self.num_attention_heads}: choose a width that the heads divide."
            )
        if self.classifier_pooling not in ("cls", "mean"):
            raise ValueError(
                f"classifier_pooling {self.classifier_pooling!r} is unknown: choose 'cls' or "
                "'mean'."
            )
        if self.embedding_strands not in ("one", "both"):
            raise ValueError(
                f"embedding_strands {self.embedding_strands!r} is unknown: choose 'one' or 'both'."
            )
        if self.embedding_layers is not None:
            _check_layers(self.embedding_layers, self.num_hidden_layers)
            self.embedding_layers = list(self.embedding_layers)
        if self.prediction_strands not in ("one", "both") or self.prediction_segmentations < 0:
            raise ValueError(
                f"prediction_strands {self.prediction_strands!r} and prediction_segmentations "
                f"{self.prediction_segmentations}: choose 'one' or 'both', and 0 or more."
            )
        if not (self.anchor is None or self.anchor == "middle" or _is_place(self.anchor)):
            raise ValueError(
                f"anchor {self.anchor!r} is unknown: choose 'middle', or a number of bases."
            )
        if self.hidden_act != "gelu":
            raise ValueError(
                f"hidden_act {self.hidden_act!r} is not DNABERT-2's: its gated MLP uses exact "
                "'gelu'."
            )
        kwargs.pop(SEAL, None)  # of the file that was read; another that is written has another
        super().__post_init__(**kwargs)

    @property
    def has_pooler(self) -> bool:
        """Whether the weights that this configuration came with have a pooler."""
        heads = self.architectures or []
        if "Dnabert2ForSequenceClassification" in heads:
            return True
        return bool(self.pooler) and "Dnabert2ForMaskedLM" not in heads

    def save_pretrained(self, *args: Any, **kwargs: Any) -> None:
        """Write config.json, which never declares half precision.

        transformers computes and *trains* in the type that the file names: in half precision that
        diverges, and autocast over it raises. Weights may be kept in half precision; they are
        opened in float32 unless the reader asks for another type.
        """
        this: Any = self  # dtype is an attribute that transformers sets
        mine = this.dtype
        if mine in (torch.float16, torch.bfloat16, "float16", "bfloat16"):
            this.dtype = torch.float32
        try:
            super().save_pretrained(*args, **kwargs)
        finally:
            this.dtype = mine


def _check_layers(layers: object, count: int) -> None:
    fits = (
        isinstance(layers, list | tuple)
        and all(type(layer) is int and 0 <= layer <= count for layer in layers)
        and 0 < len(set(layers)) == len(layers)
    )
    if not fits:
        raise ValueError(
            f"embedding_layers is {_shown(layers)}: expected different layers from 0 to {count}."
        )


def _check_size(name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**31:
        raise ValueError(f"{name} is {_shown(value)}: expected a whole number above 0.")


def _check_number(name: str, value: object, high: float) -> None:
    right = isinstance(value, int | float) and not isinstance(value, bool)
    if not right or not 0 <= cast(float, value) <= high:
        raise ValueError(f"{name} is {_shown(value)}: expected a number from 0.0 to {high}.")


def _check_classes(names: object, numbers: object) -> None:
    """Raise unless classes are numbered 0, 1, … and each has a name of its own."""
    if names is None:
        return
    if not isinstance(names, Mapping):
        raise ValueError(
            f'id2label is {_shown(names)}: expected names by number, such as {{"0": "donor"}}.'
        )
    if sorted(map(str, names)) != sorted(map(str, range(len(names)))):
        raise ValueError(
            f"id2label numbers its classes {_shown(list(names))}: expected 0 to {len(names) - 1}."
        )
    twice = [name for name, count in Counter(map(str, names.values())).items() if count > 1]
    if twice:
        raise ValueError(
            f"id2label gives the name {_shown(twice[0])} to several classes: name each differently."
        )
    wanted = {str(name): int(number) for number, name in names.items()}
    given = {str(k): v for k, v in numbers.items()} if isinstance(numbers, Mapping) else {}
    # Other names altogether are what transformers leaves of a model that got new classes.
    if given.keys() == wanted.keys() and given != wanted:
        raise ValueError(
            "label2id numbers the classes otherwise than id2label: correct one of them."
        )


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
