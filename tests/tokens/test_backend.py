"""Tokenizer files that cannot be used are refused when they are opened, whatever Rust does."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tokenizers import Tokenizer

from dnabert2_explore import CheckpointError, load
from dnabert2_explore.tokens import DnaTokenizer
from dnabert2_explore.tokens.backend import speaking


@pytest.fixture
def changed(model_folder, tmp_path):
    """A tokenizer file of which a function has changed the JSON."""

    def write(change):
        content = json.loads((model_folder / "tokenizer.json").read_text())
        change(content)
        path = tmp_path / "tokenizer.json"
        path.write_text(json.dumps(content))
        return path

    return write


def put(content, *path_and_value):
    *path, key, value = path_and_value
    for step in path:
        content = content[step]
    content[key] = value


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("model", "unk_token"), "[WHAT]", "does not work|make one token"),
        (
            ("pre_tokenizer",),
            {
                "type": "Split",
                "pattern": {"Regex": "(A+)+$"},  # eight seconds on 28 A and a C, then a panic
                "behavior": "Removed",
                "invert": False,
            },
            "pre_tokenizer Split",
        ),
        (("pre_tokenizer",), {"type": "BertPreTokenizer"}, "pre_tokenizer BertPreTokenizer"),
        (
            ("pre_tokenizer",),
            {
                "type": "Sequence",
                "pretokenizers": [
                    {"type": "Whitespace"},
                    {"type": "Digits", "individual_digits": 1},
                ],
            },
            "is not a tokenizer file|pre_tokenizer Digits",
        ),
        (("normalizer",), {"type": "Lowercase"}, "normalizer Lowercase"),
        (("post_processor",), None, r"does not put \[CLS\] before"),
        (("post_processor", "special_tokens"), {}, "tokenizer"),
        (("post_processor", "special_tokens", "[CLS]", "tokens"), ["[CLY]"], r"put \[CLS\] before"),
        (("model", "continuing_subword_prefix"), "0123456", "tokenizer"),
        (("model", "vocab", "A"), 9_999, "ids up to 9999"),
    ],
)
def test_a_file_that_cannot_be_used(changed, path, value, message) -> None:
    file = changed(lambda content: put(content, *path, value))
    with pytest.raises(CheckpointError, match=message) as caught:
        DnaTokenizer.from_file(file)
    assert str(file) in str(caught.value)


def test_a_special_token_that_nobody_described(changed) -> None:
    """Rust panics: a BaseException, which `except Exception` lets through."""

    def rename(content):
        described = content["post_processor"]["special_tokens"]
        described["[X]"] = described.pop("[CLS]")

    with pytest.raises(CheckpointError, match="tokenizer"):
        DnaTokenizer.from_file(changed(rename))


def test_a_base_that_is_unknown(changed) -> None:
    def without(content):
        vocabulary = content["model"]["vocab"]
        for entry in [entry for entry in vocabulary if "T" in entry]:
            del vocabulary[entry]
        content["model"]["vocab"] = {entry: i for i, entry in enumerate(vocabulary)}
        content["model"]["merges"] = []

    with pytest.raises(CheckpointError, match="does not know T"):
        DnaTokenizer.from_file(changed(without))


def test_another_kind_of_tokenizer(tmp_path) -> None:
    from tokenizers import Tokenizer, models

    special = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]", *"ACGT"]
    words = {word: number for number, word in enumerate(special)}
    Tokenizer(models.WordLevel(words, unk_token="[UNK]")).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(CheckpointError, match="is a WordLevel tokenizer, DNABERT-2's is BPE"):
        DnaTokenizer.from_file(tmp_path / "tokenizer.json")


def test_dropout_is_for_training_tokenizers(changed, model_folder) -> None:
    plain = DnaTokenizer.from_file(model_folder / "tokenizer.json")
    dropping = DnaTokenizer.from_file(
        changed(lambda content: put(content, "model", "dropout", 0.5))
    )
    for _ in range(3):
        assert np.array_equal(dropping.encode("ACGTTGCA" * 9).ids, plain.encode("ACGTTGCA" * 9).ids)


def test_load_says_it_before_anything_is_embedded(changed, model_folder, tmp_path) -> None:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((model_folder / name).read_bytes())
    changed(lambda content: put(content, "normalizer", {"type": "Lowercase"}))
    with pytest.raises(CheckpointError, match="normalizer Lowercase"):
        load(tmp_path)


def test_a_panic_over_two_parts_is_an_error_of_ours(model_folder) -> None:
    """Anchored models join two parts when they are loaded: the panic came out of there."""
    content = json.loads((model_folder / "tokenizer.json").read_text())
    content["post_processor"]["pair"] = [
        {"SpecialToken": {"id": "[CLY]", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
        {"Sequence": {"id": "B", "type_id": 1}},
    ]
    tokenizer = DnaTokenizer.from_file(model_folder / "tokenizer.json")
    tokenizer.backend = Tokenizer.from_str(json.dumps(content))
    with pytest.raises(CheckpointError, match="The tokenizer does not work"):
        tokenizer.anchor = "middle"


def test_a_panic_in_use_is_an_error_of_ours_and_an_interrupt_is_not(model_folder) -> None:
    class PanicException(BaseException):
        """As pyo3 calls it."""

    tokenizer = DnaTokenizer.from_file(model_folder / "tokenizer.json")

    class Panics:
        def __getattr__(self, name):
            raise PanicException("no entry found for key\nbacktrace")

    tokenizer.backend = Panics()
    for call in (
        lambda: tokenizer.encode("ACGT"),
        lambda: tokenizer.encode_ids("ACGT"),
        lambda: tokenizer.encode_ids_batch([]),
    ):
        with pytest.raises(CheckpointError, match=r"does not work \(no entry found for key\)"):
            call()
    for error in (KeyboardInterrupt(), ValueError("mine")):
        with pytest.raises(type(error)), speaking("The tokenizer"):
            raise error
