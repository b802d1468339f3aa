from __future__ import annotations

import json

import pytest

from dnabert2_explore.errors import InputError
from dnabert2_explore.tokens import DnaTokenizer
from dnabert2_explore.training.tokenizer import SPECIAL_TOKENS, bases_per_token, train_tokenizer


def test_shape_is_that_of_the_published_file(tokenizer_folder, shared):
    ours = json.loads((tokenizer_folder / "tokenizer.json").read_text())
    published = json.loads((shared / "reference/hf/tokenizer.json").read_text())
    ids = {"vocab", "merges"}
    assert ours.keys() == published.keys()
    for key in published.keys() - {"model"}:
        assert ours[key] == published[key], key
    for key, value in published["model"].items():
        if key not in ids:
            assert ours["model"][key] == value, key
    assert list(ours["model"]["vocab"])[:9] == list(published["model"]["vocab"])[:9]
    assert len(ours["model"]["vocab"]) == len(ours["model"]["merges"]) + 9 == 64
    config = json.loads((tokenizer_folder / "tokenizer_config.json").read_text())
    assert config == json.loads((shared / "reference/hf/tokenizer_config.json").read_text())


def test_special_ids_and_encoding(tokenizer_folder, bases):
    tokenizer = DnaTokenizer.from_file(tokenizer_folder / "tokenizer.json")
    assert [tokenizer.vocabulary[name] for name in SPECIAL_TOKENS] == [0, 1, 2, 3, 4]
    tokens = tokenizer.encode(bases)
    assert tokens.ids[0] == 1
    assert tokens.ids[-1] == 2
    assert tokens.lengths.sum() == len(bases)


def test_same_seed_same_file(genomes, table, tokenizer_folder, tmp_path):
    numbers = train_tokenizer(
        genomes, table, tmp_path, vocabulary=64, windows=200, window_bases=100
    )
    again = (tmp_path / "tokenizer.json").read_text()
    assert again == (tokenizer_folder / "tokenizer.json").read_text()
    assert numbers["vocabulary"] == 64
    assert 1 < numbers["bases_per_token"] < 20


def test_bases_per_token_falls_to_one_without_merges(genomes, table, corpus, tmp_path):
    train_tokenizer(genomes, table, tmp_path, vocabulary=9, windows=20, window_bases=100)
    backend = DnaTokenizer.from_file(tmp_path / "tokenizer.json").backend
    assert bases_per_token(backend, corpus, windows=10, longest=120) == 1.0


def test_bad_sizes(genomes, table, tmp_path):
    with pytest.raises(InputError, match="vocabulary is 8"):
        train_tokenizer(genomes, table, tmp_path, vocabulary=8)
    with pytest.raises(InputError, match="entries could be learnt"):
        train_tokenizer(genomes, table, tmp_path, vocabulary=4096, windows=1, window_bases=100)
