from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from dnabert2_explore import CheckpointError, InputError
from dnabert2_explore.sequences import UnknownBasesWarning
from dnabert2_explore.tokens import DnaTokenizer


@pytest.fixture(scope="module")
def tokenizer(model_folder) -> DnaTokenizer:
    return DnaTokenizer.from_file(model_folder / "tokenizer.json")


@pytest.fixture(scope="module")
def published(shared) -> DnaTokenizer:
    return DnaTokenizer.from_file(shared / "reference" / "hf" / "tokenizer.json")


def test_published_ids_tokens_and_offsets(published, shared) -> None:
    golden = json.loads((shared / "reference" / "golden" / "tokenizer_cases.json").read_text())
    assert len(golden["cases"]) == 100
    for case in golden["cases"]:
        encoding = published.backend.encode(case["text"])
        assert encoding.ids == case["ids"]
        assert encoding.tokens == case["tokens"]
        assert [list(o) for o in encoding.offsets] == case["offsets"]
    for pair in golden["pairs"]:
        encoding = published.backend.encode(pair["a"], pair["b"])
        assert encoding.ids == pair["ids"]
        assert encoding.type_ids == pair["type_ids"]


def test_readme_example_of_the_original(published) -> None:
    tokens = published.encode("ACGTAGCATCGGATCTATCTATCGACACTTGGTTATCGATCTACGAGCATCTCGTTAGC")
    expected = [1, 5, 194, 32, 757, 1239, 2092, 294, 24, 359, 88, 93, 32, 75, 77, 19, 2]
    assert tokens.ids.tolist() == expected


def test_clean_cases_equal_the_published_ids(published, shared) -> None:
    """Where there is nothing to clean, the cleaning changes nothing."""
    golden = json.loads((shared / "reference" / "golden" / "tokenizer_cases.json").read_text())
    clean = [c for c in golden["cases"] if c["text"] and set(c["text"]) <= set("ACGT")]
    assert len(clean) > 30
    for case in clean:
        tokens = published.encode(case["text"])
        assert tokens.ids.tolist() == case["ids"]
        assert tokens.spans[~tokens.special].tolist() == case["offsets"][1:-1]


@given(st.text(alphabet="ACGTacgtuUNRY \n\t-[MASK]é", max_size=120))
@settings(max_examples=300, deadline=None)
def test_spans_tile_what_was_passed(tokenizer, text) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnknownBasesWarning)
        tokens = tokenizer.encode(text)
    inner = tokens.spans[~tokens.special]
    if tokens.composition.length == 0:
        assert len(inner) == 0
    else:
        assert inner[0, 0] == 0
        assert inner[-1, 1] == len(text)
        assert (inner[1:, 0] == inner[:-1, 1]).all()
        assert (inner[:, 1] > inner[:, 0]).all()
    assert (tokens.lengths[tokens.special] == 0).all()
    for token, (start, end), special in zip(
        tokens.tokens, tokens.spans, tokens.special, strict=True
    ):
        if special or token == "[UNK]":
            continue
        covered = "".join(text[start:end].split()).upper().replace("U", "T")
        assert covered == token


@given(st.text(alphabet="ACGT", min_size=1, max_size=200))
@settings(max_examples=100, deadline=None)
def test_cleaning_keeps_the_segmentation(tokenizer, text) -> None:
    plain = tokenizer.encode(text)
    messy = tokenizer.encode("\n" + " ".join(text.lower().replace("t", "u")) + "\n")
    assert messy.ids.tolist() == plain.ids.tolist()
    assert tokenizer.encode_ids(text).tolist() == plain.ids[1:-1].tolist()


def test_special_tokens_have_empty_spans_at_the_ends(tokenizer) -> None:
    tokens = tokenizer.encode("ACGTAC")
    assert tokens.tokens[0] == "[CLS]"
    assert tokens.spans[0].tolist() == [0, 0]
    assert tokens.tokens[-1] == "[SEP]"
    assert tokens.spans[-1].tolist() == [6, 6]
    assert len(tokenizer.encode("ACGTAC", special=False)) == len(tokens) - 2


def test_unknown_bases_are_counted_and_warned_about_once(tokenizer) -> None:
    with pytest.warns(UnknownBasesWarning, match="3 of 9") as record:
        tokens = tokenizer.encode_batch(["ACNGT", "RY".lower() + "AC"])
    assert len(record) == 1
    assert tokens[0].unknown.sum() == 1
    assert tokens[1].unknown.sum() == 2
    assert tokens[0].composition.n == 1


def test_lower_case_and_rna_are_known(tokenizer) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tokens = tokenizer.encode("acguACGU")
    assert not tokens.unknown.any()
    assert tokens.composition.lower == 4
    assert tokens.composition.uracil == 2


def test_special_names_in_the_text_stay_text(tokenizer) -> None:
    with pytest.warns(UnknownBasesWarning):
        tokens = tokenizer.encode("ACGT[MASK]ACGT")
    assert tokenizer.mask_id not in tokens.ids


def test_empty_text_gives_the_special_tokens(tokenizer) -> None:
    assert tokenizer.encode("").tokens == ("[CLS]", "[SEP]")
    assert np.isnan(tokenizer.encode("").bases_per_token)


def test_positions_and_ranges(tokenizer, bases) -> None:
    tokens = tokenizer.encode(bases)
    for position in (0, 57, len(bases) - 1):
        start, end = tokens.spans[tokens.at(position)]
        assert start <= position < end
    assert tokens.covering(0, len(bases)) == (1, len(tokens) - 1)
    with pytest.raises(InputError, match="white space only"):
        tokenizer.encode("  ").at(0)
    assert tokens.bases_per_token == pytest.approx(len(bases) / (len(tokens) - 2))
    for start, end in ((5, 5), (-1, 3), (0, len(bases) + 1)):
        with pytest.raises(InputError, match="not a stretch"):
            tokens.covering(start, end)


def test_five_million_bases_in_one_sequence(published) -> None:
    """One unbroken sequence of genome size; its spans still tile it."""
    rng = np.random.default_rng(0)
    text = "".join(rng.choice(list("ACGT"), 5_000_000))
    tokens = published.encode(text)
    inner = tokens.spans[1:-1]
    assert (inner[1:, 0] == inner[:-1, 1]).all()
    assert inner[0, 0] == 0
    assert inner[-1, 1] == len(text)


def test_stored_truncation_and_padding_are_not_applied(tmp_path, model_folder, bases) -> None:
    """What `save_pretrained` writes after a call with truncation=True, padding=True."""
    from tokenizers import Tokenizer

    backend = Tokenizer.from_file(str(model_folder / "tokenizer.json"))
    backend.enable_truncation(16)
    backend.enable_padding(pad_id=3, pad_token="[PAD]", length=16)
    backend.save(str(tmp_path / "tokenizer.json"))
    tokenizer = DnaTokenizer.from_file(tmp_path / "tokenizer.json")
    assert tokenizer.encode(bases).spans[-1].tolist() == [len(bases)] * 2
    assert "[PAD]" not in tokenizer.encode("ACGT").tokens


def test_missing_or_wrong_files_are_named(tmp_path) -> None:
    with pytest.raises(CheckpointError, match=r"No tokenizer file .*tokenizer\.json"):
        DnaTokenizer.from_file(tmp_path / "tokenizer.json")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(CheckpointError, match="is not a tokenizer file"):
        DnaTokenizer.from_file(tmp_path / "tokenizer.json")


def test_a_foreign_tokenizer_is_refused(tmp_path) -> None:
    from tokenizers import Tokenizer, models

    path = tmp_path / "tokenizer.json"
    Tokenizer(models.BPE(vocab={"A": 0, "[UNK]": 1}, merges=[], unk_token="[UNK]")).save(str(path))
    with pytest.raises(CheckpointError, match=r"has no \[CLS\], \[SEP\], \[PAD\], \[MASK\]"):
        DnaTokenizer.from_file(path)


def test_ids_out_of_range(tokenizer) -> None:
    assert tokenizer.token(4) == "[MASK]"
    with pytest.raises(IndexError, match="has no id 9999"):
        tokenizer.token(9999)
