from __future__ import annotations

import json
import pickle
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from dnabert2_explore import CheckpointError
from dnabert2_explore.network import (
    Dnabert2ForMaskedLM,
    Dnabert2ForSequenceClassification,
    Dnabert2Model,
)
from dnabert2_explore.network.checkpoint import find_checkpoint, load_network, read_config


@pytest.fixture
def folder(model_folder, tmp_path):
    """A copy that a test may damage."""
    return shutil.copytree(model_folder, tmp_path / "model")


def rewrite(folder, change):
    state = load_file(folder / "model.safetensors")
    change(state)
    save_file(state, folder / "model.safetensors")


def reload(folder):
    return load_network(find_checkpoint(folder))


def test_loads_every_weight_exactly(folder) -> None:
    network = reload(folder)
    assert isinstance(network, Dnabert2ForMaskedLM)
    assert not network.training
    stored = load_file(folder / "model.safetensors")
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, stored[name], atol=0, rtol=0)


def test_tied_decoder_shares_the_embeddings(folder) -> None:
    rewrite(folder, lambda s: s.pop("cls.predictions.decoder.weight"))
    network = reload(folder)
    assert network.cls.predictions.decoder.weight is network.get_input_embeddings().weight
    assert not any(p.is_meta for p in network.parameters())


def test_state_dict_in_a_bin_file_is_read_without_pickled_code(folder) -> None:
    state = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(state, folder / "pytorch_model.bin")
    network = reload(folder)
    torch.testing.assert_close(
        network.get_input_embeddings().weight, state["bert.embeddings.word_embeddings.weight"]
    )


def test_code_in_a_bin_file_is_refused(folder) -> None:
    class Payload:
        def __reduce__(self):
            return (print, ("this must never run",))

    (folder / "model.safetensors").unlink()
    with open(folder / "pytorch_model.bin", "wb") as file:
        pickle.dump(Payload(), file)
    with pytest.raises(CheckpointError, match=r"pytorch_model\.bin"):
        reload(folder)


def test_missing_and_unexpected_keys_are_listed(folder) -> None:
    def damage(state):
        state["bert.encoder.layer.9.mlp.wo.weight"] = state.pop(
            "bert.encoder.layer.1.mlp.wo.weight"
        )

    rewrite(folder, damage)
    with pytest.raises(
        CheckpointError,
        match=r"missing: bert\.encoder\.layer\.1\.mlp\.wo\.weight; "
        r"unexpected: bert\.encoder\.layer\.9\.mlp\.wo\.weight",
    ):
        reload(folder)


def test_plain_bert_is_refused(folder) -> None:
    """Loading it 'successfully' with most weights random is what users complain about most."""

    def damage(state):
        for name in list(state):
            if "Wqkv" in name or "gated_layers" in name:
                del state[name]

    rewrite(folder, damage)
    with pytest.raises(CheckpointError, match="Wqkv"):
        reload(folder)


def test_other_shape_is_named(folder) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "intermediate_size": 40}))
    with pytest.raises(CheckpointError, match=r"of another shape: .*gated_layers.*\(96, 32\)"):
        reload(folder)


def test_a_decoder_of_its_own_is_not_dropped_in_silence(folder) -> None:
    rewrite(folder, lambda s: s["cls.predictions.decoder.weight"].zero_())
    with pytest.raises(CheckpointError, match="holds a decoder that is not its word embeddings"):
        reload(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "tie_word_embeddings": False}))
    assert not reload(folder).cls.predictions.decoder.weight.any()
    rewrite(folder, lambda s: s.pop("cls.predictions.decoder.weight"))
    with pytest.raises(CheckpointError, match=r"missing: cls\.predictions\.decoder\.weight"):
        reload(folder)


def test_pooler_may_be_there_or_not(folder) -> None:
    def add(state):
        state["bert.pooler.dense.weight"] = torch.zeros(32, 32)
        state["bert.pooler.dense.bias"] = torch.zeros(32)

    rewrite(folder, add)
    assert isinstance(reload(folder), Dnabert2ForMaskedLM)


def test_bare_encoder_as_dnabert_s_publishes(folder) -> None:
    state = load_file(folder / "model.safetensors")
    bare = {k.removeprefix("bert."): v for k, v in state.items() if k.startswith("bert.")}
    save_file(bare, folder / "model.safetensors")
    network = reload(folder)
    assert isinstance(network, Dnabert2Model)
    assert network.pooler is None


def test_gamma_and_beta_are_layer_norm_names(folder) -> None:
    def rename(state):
        for name in list(state):
            new = name.replace("LayerNorm.weight", "LayerNorm.gamma")
            new = new.replace("LayerNorm.bias", "LayerNorm.beta")
            state[new] = state.pop(name)

    before = reload(folder).state_dict()
    rewrite(folder, rename)
    after = reload(folder).state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_classifier_is_recognised(classifier_folder) -> None:
    network = load_network(find_checkpoint(classifier_folder))
    assert isinstance(network, Dnabert2ForSequenceClassification)
    assert network.config.id2label == {0: "donor", 1: "acceptor", 2: "neither"}


def test_published_config_is_the_117m_model(shared) -> None:
    config = read_config(shared / "reference" / "hf" / "config.json")
    assert config.model_type == "dnabert2"
    assert not hasattr(config, "auto_map")
    with torch.device("meta"):
        masked_lm = Dnabert2ForMaskedLM(config)
    assert sum(p.numel() for p in masked_lm.parameters()) == 117_074_176
    assert len(masked_lm.state_dict()) == 142  # keys of the published pytorch_model.bin


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not valid JSON"),
        ("[]", "no object"),
        ('{"hidden_size": 8}', "does not say vocab_size"),
        (
            '{"vocab_size": 9, "hidden_size": 8, "num_hidden_layers": 1, "intermediate_size": 8}',
            "does not say num_attention_heads",
        ),
        ('{"model_type": "gpt2", "vocab_size": 1}', "describes a 'gpt2' model"),
        (
            '{"vocab_size": 9, "hidden_size": 10, "num_hidden_layers": 1, '
            '"num_attention_heads": 3, "intermediate_size": 8}',
            "not a multiple",
        ),
    ],
)
def test_bad_config_is_one_clear_sentence(tmp_path, content, message) -> None:
    path = tmp_path / "config.json"
    path.write_text(content)
    with pytest.raises(CheckpointError, match=message):
        read_config(path)


def test_missing_files_are_named(folder) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "tokenizer.json").unlink()
    with pytest.raises(
        CheckpointError, match=r"lacks tokenizer\.json, model\.safetensors or pytorch_model\.bin"
    ):
        find_checkpoint(folder)


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs.github.com/spec/v1\n"])
def test_damaged_weights_are_named(folder, content) -> None:
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"model\.safetensors is not a readable"):
        reload(folder)


def test_truncated_weights_are_named(folder) -> None:
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match="cut short"):
        reload(folder)


def test_file_instead_of_folder(folder) -> None:
    with pytest.raises(CheckpointError, match="is a file, not a model folder"):
        find_checkpoint(folder / "config.json")


@pytest.mark.parametrize("name", ["no-such-model", "my runs/model", "./models/x", "a/b/c"])
def test_unknown_name_says_what_is_possible(name) -> None:
    with pytest.raises(CheckpointError, match='"pocket"'):
        find_checkpoint(name)


def test_a_folder_has_no_revision(folder) -> None:
    with pytest.raises(CheckpointError, match="has no revision 'v2'"):
        find_checkpoint(folder, revision="v2")


@pytest.fixture
def no_network(monkeypatch, tmp_path):
    """No connection to anywhere, and an empty cache of downloaded models."""
    import socket

    import huggingface_hub.constants

    def refuse(*args, **kwargs):
        raise OSError("network is unreachable")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("NO_PROXY", "localhost")  # says what goes around a proxy, names none
    for name in ("http_proxy", "https_proxy", "all_proxy", "socks_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def test_no_network_is_one_clear_sentence(no_network) -> None:
    with pytest.raises(CheckpointError, match="nor can the hub be reached"):
        find_checkpoint("nobody/nothing")


def test_no_network_uses_what_was_downloaded_before(no_network, folder) -> None:
    """The cache of the hub's client, as a download on another day leaves it."""
    snapshot = no_network / "models--lab--dna" / "snapshots" / ("0" * 40)
    shutil.copytree(folder, snapshot)
    refs = snapshot.parents[1] / "refs"
    refs.mkdir()
    (refs / "main").write_text("0" * 40)
    checkpoint = find_checkpoint("lab/dna")
    assert checkpoint.folder == snapshot
    assert isinstance(load_network(checkpoint), Dnabert2ForMaskedLM)
    (snapshot / "model.safetensors").rename(snapshot / "pytorch_model.bin")
    assert find_checkpoint("lab/dna").weights.name == "pytorch_model.bin"
