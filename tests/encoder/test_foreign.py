"""Other models of DNA: against transformers' own tokenizers and networks, with random weights."""

from __future__ import annotations

import json
from itertools import product

import numpy as np
import pytest
import torch

import dnabert2_explore as dx
from dnabert2_explore import CheckpointError, InputError, Sequence
from dnabert2_explore.encoder.loading.foreign import ForeignEncoder
from dnabert2_explore.encoder.loading.twin import random_twin
from dnabert2_explore.widgets.core.explorer import Explorer

from ..conftest import random_bases

SIXMERS = [
    "<unk>", "<pad>", "<mask>", "<cls>", "<eos>", "<bos>",
    *map("".join, product("ATCG", repeat=6)), *"ATCGN",
]  # fmt: skip


@pytest.fixture(scope="module")
def dnabert(tmp_path_factory):
    """A small DNABERT-3, saved as a masked language model, as it was published."""
    from transformers import BertConfig, BertForMaskedLM

    folder = tmp_path_factory.mktemp("foreign") / "dnabert-3"
    entries = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *map("".join, product("ATCG", repeat=3)),
    ]
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(entries), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=48, max_position_embeddings=128,
    )  # fmt: skip
    BertForMaskedLM(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(entries) + "\n")
    return folder


@pytest.fixture(scope="module")
def nucleotide(tmp_path_factory):
    """A small Nucleotide Transformer: 6-mers, no token at the end."""
    from transformers import EsmConfig, EsmForMaskedLM

    folder = tmp_path_factory.mktemp("foreign") / "nt"
    torch.manual_seed(0)
    config = EsmConfig(
        vocab_size=len(SIXMERS), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=48, max_position_embeddings=66, pad_token_id=1, mask_token_id=2,
        emb_layer_norm_before=False, token_dropout=False, position_embedding_type="absolute",
    )  # fmt: skip
    EsmForMaskedLM(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(SIXMERS) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": None}))
    return folder


@pytest.fixture(scope="module", params=["dnabert", "nucleotide"])
def enc(request):
    return dx.load(request.getfixturevalue(request.param), device="cpu")


@pytest.fixture(scope="module")
def sequences():
    return [Sequence(f"s{i}", random_bases(60 + i, seed=i), label="ab"[i % 2]) for i in range(14)]


def test_tokens_are_those_of_transformers(dnabert, nucleotide):
    from transformers import BertTokenizer, EsmTokenizer

    texts = ["ACGTTGCANACGTAC", "ACGTAC", "NNACGTTTACGTAACGTTAG", random_bases(70, seed=3)]
    bert = BertTokenizer(str(dnabert / "vocab.txt"), do_lower_case=False)
    mine = dx.load(dnabert, device="cpu").tokenizer
    for text in texts:
        spaced = " ".join(text[i : i + 3] for i in range(len(text) - 2))
        assert mine.encode_batch([text], warn=False)[0].ids.tolist() == bert(spaced)["input_ids"]
    esm = EsmTokenizer(
        str(nucleotide / "vocab.txt"), unk_token="<unk>", cls_token="<cls>", pad_token="<pad>",
        mask_token="<mask>", eos_token=None,
    )  # fmt: skip
    mine = dx.load(nucleotide, device="cpu").tokenizer
    for text in texts:
        assert mine.encode_batch([text], warn=False)[0].ids.tolist() == esm(text)["input_ids"]


def test_tokens_know_their_bases(enc):
    tokens = enc.tokenize("ACG TTGCA TTAGGC")
    assert tokens.special[0]
    inner = ~tokens.special
    for token, (start, end) in zip(
        np.array(tokens.tokens)[inner], tokens.spans[inner], strict=True
    ):
        assert tokens.bases[start:end].replace(" ", "") == token
    assert not tokens.lengths[tokens.special].any()


def test_vectors_are_the_networks_own_without_padding(enc, sequences):
    found = enc.embed(sequences, layer=[0, 1, 2])
    assert found.shape == (14, 3, 32)
    for row, one in enumerate(sequences):
        tokens = enc.tokenize(one)
        with torch.inference_mode():
            states = enc.network(
                torch.from_numpy(tokens.ids)[None], output_hidden_states=True
            ).hidden_states
        for layer in range(3):
            expected = states[layer][0][torch.from_numpy(~tokens.special)].mean(dim=0)
            np.testing.assert_allclose(found[row, layer], expected, atol=2e-6)
    np.testing.assert_allclose(enc.embed(sequences), found[:, 2], atol=1e-6)
    assert enc.embed(sequences[:2], pooling="max").shape == (2, 32)
    assert enc.embedding_size == 32


def test_twin_comparison_and_tokens_of_a_lasso(enc, sequences):
    twin = random_twin(enc, seed=5)
    assert isinstance(twin, ForeignEncoder)
    vectors = {"own": enc.embed(sequences), "twin": twin.embed(sequences)}
    assert not np.allclose(vectors["own"], vectors["twin"])
    assert dx.compare_spaces(vectors).names == ("own", "twin")
    found = dx.compare_sequences(sequences[:7], sequences[7:], tokenizer=enc.tokenizer)
    assert not any(word[0] in "<[" for word in found.tokens.words)


def test_the_atlas_takes_it(enc, sequences):
    view = dx.AtlasExplorer(enc, sequences)
    Explorer.wait(view)  # its embedding, not the UMAP that follows
    view._maps.stop()
    view.panel.words.value = "tokens"
    view._handle({"event": "chosen", "points": [0, 1, 2, 3]})
    view._handle({"event": "hover", "data": 2})
    view.judgement.stop()
    view.panel.wait()
    assert "layer 2" in view.caption
    assert view._message.layout.display == "none"
    np.testing.assert_allclose(view._points().vectors, enc.embed(sequences), atol=1e-5)


def test_a_store_of_it(enc, sequences, tmp_path):
    enc.embed_to(tmp_path / "a.zarr", sequences)
    stored = dx.open_store(tmp_path / "a.zarr").vectors()[:]
    np.testing.assert_allclose(stored, enc.embed(sequences), atol=1e-6)


def test_what_it_cannot_do_is_one_sentence(enc):
    with pytest.raises(InputError, match=r"is a (DNABERT|Nucleotide Transformer)"):
        dx.attend(enc, "ACGTACGTAC")
    with pytest.raises(InputError, match="no classification head"):
        enc.predict(["ACGTACGT"])
    with pytest.raises(InputError, match="has positions for"):
        enc.embed(random_bases(1000))


def test_a_sequence_without_a_kmer(dnabert):
    with pytest.raises(InputError, match="holds no 3-mer"):
        dx.load(dnabert, device="cpu").embed(["ACGT", "AC"])


def test_weights_that_do_not_fit_and_pickles_are_refused(dnabert, tmp_path):
    import shutil

    from safetensors.torch import load_file, save_file

    broken = shutil.copytree(dnabert, tmp_path / "broken")
    weights = load_file(broken / "model.safetensors")
    gone = next(name for name in weights if "query" in name)
    kept = {name: value for name, value in weights.items() if name != gone}
    save_file(kept, broken / "model.safetensors", {"format": "pt"})
    with pytest.raises(CheckpointError, match=r"in 1 places \(.*query.* is missing"):
        dx.load(broken, device="cpu")
    (broken / "model.safetensors").rename(broken / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="pickled weights are not read"):
        dx.load(broken, device="cpu")
    words = shutil.copytree(dnabert, tmp_path / "words")
    (words / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\na\n")
    with pytest.raises(CheckpointError, match="no vocabulary of k-mers"):
        dx.load(words, device="cpu")
