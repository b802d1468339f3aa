from __future__ import annotations

import contextlib
import json
import pickle
import shutil
import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from dnabert2_explore import CheckpointError
from dnabert2_explore.network import (
    Dnabert2ForMaskedLM,
    Dnabert2ForSequenceClassification,
    Dnabert2Model,
)
from dnabert2_explore.network.checkpoints.load import find_checkpoint, load_network, read_config


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
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ('{"vocab_size": ' + "9" * 5000 + "}", "is no JSON"),
        ("[]", "holds no JSON object"),
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
        CheckpointError, match=r"lacks tokenizer\.json, model\.safetensors or .* pytorch_model\.bin"
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


def shard(folder, parts=2):
    """Lay the weights out as `save_pretrained(max_shard_size=…)` does."""
    state = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(state)
    where = {}
    for part in range(parts):
        file = f"model-{part + 1:05}-of-{parts:05}.safetensors"
        save_file({name: state[name] for name in names[part::parts]}, folder / file)
        where |= dict.fromkeys(names[part::parts], file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": where}))
    return state


def test_weights_in_several_files(folder) -> None:
    before = find_checkpoint(folder).sha256()
    state = shard(folder)
    checkpoint = find_checkpoint(folder)
    network = load_network(checkpoint, torch.bfloat16, shared=True)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, state[name].bfloat16())
    # Other weights in one part are another model.
    digest = checkpoint.sha256()
    assert digest != before
    assert checkpoint.untouched()
    part = folder / "model-00002-of-00002.safetensors"
    save_file({name: tensor + 1 for name, tensor in load_file(part).items()}, part)
    assert not checkpoint.untouched()
    assert find_checkpoint(folder).sha256() != digest


def test_weights_in_several_files_that_do_not_fit_their_index(folder) -> None:
    shard(folder)
    index = folder / "model.safetensors.index.json"
    (folder / "model-00001-of-00002.safetensors").rename(folder / "aside.safetensors")
    with pytest.raises(CheckpointError, match=r"lacks model-00001-of-00002\.safetensors, which"):
        find_checkpoint(folder)
    for content in (
        "{}",
        '{"weight_map": {}}',
        '{"weight_map": {"a": "../b.safetensors"}}',
        '{"weight_map": {"a": "code.bin"}}',
        '{"weight_map": {"a": 5}}',
        '{"weight_map": [1]}',
    ):
        index.write_text(content)
        with pytest.raises(CheckpointError, match="does not say in which"):
            find_checkpoint(folder)


def test_a_bin_file_of_torch_before_1_6(folder) -> None:
    state = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(state, folder / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    network = reload(folder)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, state[name])


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize(
    "content", [[1, 2], {"state_dict": {"a": torch.ones(2)}}, {1: torch.ones(2)}, torch.ones(2)]
)
def test_a_bin_file_with_something_else_in_it(folder, content, old) -> None:
    (folder / "model.safetensors").unlink()
    torch.save(content, folder / "pytorch_model.bin", _use_new_zipfile_serialization=not old)
    with pytest.raises(CheckpointError, match="is not a plain state dict"):
        reload(folder)


def test_a_damaged_bin_file_is_refused_by_name(folder) -> None:
    state = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    path = folder / "pytorch_model.bin"
    rng = np.random.default_rng(0)
    for old in (False, True):
        torch.save(state, path, _use_new_zipfile_serialization=not old)
        whole = path.read_bytes()
        for _ in range(30):
            damaged = bytearray(whole)
            for place in rng.integers(0, 2000, 3):  # where the pickle is
                damaged[place] ^= 1 << int(rng.integers(8))
            path.write_bytes(damaged)
            with contextlib.suppress(CheckpointError), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                reload(folder)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "_orig_mod.module."])
def test_the_names_that_wrappers_give(folder, prefix) -> None:
    before = reload(folder).state_dict()
    rewrite(folder, lambda s: [s.update({prefix + name: s.pop(name)}) for name in list(s)])
    after = reload(folder).state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def change(folder, **values) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **values}))


def test_config_is_compared_with_the_weights_before_anything_is_built(folder, monkeypatch) -> None:
    """Ten million layers took more than ten minutes and a gigabyte before they were refused."""
    monkeypatch.setattr(
        "dnabert2_explore.network.checkpoints.load.BareMaskedLM",
        lambda config: pytest.fail("it was built"),
    )
    change(folder, num_hidden_layers=10_000_000)
    with pytest.raises(CheckpointError, match=r"holds 2 layers, .* num_hidden_layers 10000000"):
        reload(folder)
    change(folder, num_hidden_layers=2, vocab_size=2**30, hidden_size=2**30)
    with pytest.raises(CheckpointError, match=r"word_embeddings.weight \(64, 32\) instead of"):
        reload(folder)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"num_attention_heads": 0}, "num_attention_heads is 0: expected a whole number"),
        ({"num_attention_heads": -6}, "num_attention_heads is -6"),
        ({"hidden_size": [32]}, r"hidden_size is \[32\]"),
        ({"hidden_size": True}, "hidden_size is True"),
        ({"vocab_size": "many"}, "vocab_size is 'many'"),
        ({"vocab_size": 10**400}, "vocab_size is 1000"),
        ({"hidden_dropout_prob": 5}, "hidden_dropout_prob is 5"),
        ({"layer_norm_eps": None}, "layer_norm_eps is None"),
        ({"layer_norm_eps": -1}, "layer_norm_eps is -1"),
        ({"layer_norm_eps": float("nan")}, "layer_norm_eps is nan"),
        ({"id2label": ["a"]}, "id2label"),
        ({"id2label": 5}, "id2label"),
        ({"id2label": {"1": "a", "2": "b", "3": "c"}}, "id2label numbers its classes"),
        ({"id2label": {"0": "a", "1": "a", "2": "c"}}, "gives the name 'a' to several classes"),
        (
            {
                "id2label": {"0": "a", "1": "b", "2": "c"},
                "label2id": {"a": 1, "b": 2, "c": 0},
            },
            "label2id numbers the classes otherwise",
        ),
        ({"num_labels": 2}, "num_labels 2, and names 3"),
        ({"id2label": {"0": "a", "1": "b"}}, r"2 classes \(a, b\), the classifier has 3"),
        ({"id2label": None, "num_labels": 5}, "tells of 5 classes"),
        ({"num_labels": "3", "id2label": None}, "num_labels"),
        ({"problem_type": "guess"}, "problem_type"),
        ({"training_bases": 5}, "training_bases"),
        ({"training_bases": ["a", 2]}, "training_bases"),
        ({"max_input_tokens": "many"}, "max_input_tokens"),
        ({"pad_token_id": [3]}, "pad_token_id"),
    ],
)
def test_a_config_that_cannot_be_is_one_clear_sentence(
    classifier_folder, tmp_path, values, message
) -> None:
    folder = shutil.copytree(classifier_folder, tmp_path / "model")
    change(folder, **values)
    with pytest.raises(CheckpointError, match=message):
        reload(folder)


def test_classes_nobody_named_are_numbered(classifier_folder, tmp_path) -> None:
    folder = shutil.copytree(classifier_folder, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    del config["id2label"]
    (folder / "config.json").write_text(json.dumps(config))
    assert list(reload(folder).config.id2label.values()) == ["LABEL_0", "LABEL_1", "LABEL_2"]


def test_what_a_config_says_of_calls_changes_nothing(folder) -> None:
    change(
        folder,
        model_type="",  # what the original's own class writes
        return_dict=False,
        output_hidden_states=True,
        attn_implementation="flash_attention_2",
    )
    network = reload(folder)
    assert network.config._attn_implementation == "sdpa"
    assert network(torch.tensor([[1, 9, 2]])).hidden_states is None


def test_what_lies_there_instead_is_said(folder, tmp_path) -> None:
    with pytest.raises(CheckpointError, match=r"there is a model in its folder model\)"):
        find_checkpoint(tmp_path)
    (folder / "model.safetensors").rename(folder / "best.safetensors")
    with pytest.raises(CheckpointError, match=r"it holds best\.safetensors"):
        find_checkpoint(folder)
    (folder / "pytorch_model.bin.index.json").write_text("{}")
    with pytest.raises(CheckpointError, match=r"in several \.bin files: save them as safetensors"):
        find_checkpoint(folder)
    with pytest.raises(CheckpointError, match="'zhihan1996/DNABERT-2-117M'"):
        find_checkpoint("https://huggingface.co/zhihan1996/DNABERT-2-117M/tree/main")


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
    (snapshot / "pytorch_model.bin").rename(snapshot / "model.safetensors")
    shard(snapshot)
    checkpoint = find_checkpoint("lab/dna")
    assert [part.name for part in checkpoint.parts] == [
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
    ]
    assert isinstance(load_network(checkpoint), Dnabert2ForMaskedLM)
    checkpoint.parts[1].unlink()  # a download that was broken off
    with pytest.raises(CheckpointError, match="nor can the hub be reached"):
        find_checkpoint("lab/dna")
