"""Networks that load without transformers' base class, and the transformers models made of them."""

from __future__ import annotations

import pickle

import pytest
import torch
from transformers.modeling_layers import GradientCheckpointingLayer

import dnabert2_explore as dx
from dnabert2_explore.network import Dnabert2Config, Dnabert2PreTrainedModel
from dnabert2_explore.network.bare import BareClassifier, BareEncoder, BareMaskedLM, Unfilled
from dnabert2_explore.network.modeling import (
    Dnabert2ForMaskedLM,
    Dnabert2ForSequenceClassification,
    Dnabert2Model,
    pretrained_of,
)

SEQUENCE = "ACGTTTGACAGTCCGATAGGACATTACCGGA" * 4
KINDS = {
    BareEncoder: Dnabert2Model,
    BareMaskedLM: Dnabert2ForMaskedLM,
    BareClassifier: Dnabert2ForSequenceClassification,
}


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def bare(request):
    config = Dnabert2Config(
        vocab_size=64, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=48, num_labels=3,
    )  # fmt: skip
    torch.manual_seed(0)
    return request.param(config).eval()


def outputs(network):
    ids = torch.arange(4, 24)[None]
    with torch.no_grad():
        found = network(ids)
    return found[0]


def test_a_transformers_model_is_made_of_the_same_modules(bare):
    hooked = []
    first = getattr(bare, "bert", bare).encoder.layer[0]
    first.register_forward_hook(lambda *_: hooked.append(1))
    made = pretrained_of(bare)
    assert type(made) is KINDS[type(bare)]
    assert pretrained_of(made) is made
    assert not made.training
    mine, theirs = dict(bare.named_parameters()), dict(made.named_parameters())
    assert mine.keys() == theirs.keys()
    assert all(mine[name] is theirs[name] for name in mine)
    assert torch.equal(outputs(bare), outputs(made))
    assert len(hooked) == 2
    layers = getattr(made, "bert", made).encoder.layer
    assert layers[0] is first
    assert all(isinstance(layer, GradientCheckpointingLayer) for layer in layers)


def test_a_made_model_saves_and_loads(bare, tmp_path):
    made = pretrained_of(bare)
    made.save_pretrained(tmp_path)
    again = type(made).from_pretrained(tmp_path)
    torch.testing.assert_close(outputs(bare), outputs(again.eval()), rtol=0, atol=1e-6)


def test_one_that_is_pickled_computes_the_same(bare):
    assert torch.equal(outputs(bare), outputs(pickle.loads(pickle.dumps(bare))))


def test_a_decoder_is_tied_where_the_configuration_says_so():
    for tied in (True, False):
        config = Dnabert2Config(
            vocab_size=64, hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=48, tie_word_embeddings=tied,
        )  # fmt: skip
        network = BareMaskedLM(config)
        network.tie_weights()
        table = network.get_input_embeddings().weight
        assert (network.cls.predictions.decoder.weight is table) == tied


def test_unfilled_leaves_weights_as_they_were_allocated():
    with torch.device("meta"), Unfilled():
        linear = torch.nn.Linear(3, 4)
    assert linear.weight.is_meta
    assert torch.nn.Linear(3, 4).weight.std() > 0  # only while it lasts


@pytest.mark.parametrize("name", ["pocket", "pocket-splice", "pocket-atlas"])
def test_an_encoder_has_a_transformers_model_for_who_asks(name):
    enc = dx.load(name, cache=False)
    before, lock = enc.embed(SEQUENCE), enc.lock
    assert not isinstance(enc.module, Dnabert2PreTrainedModel)
    assert enc.pristine
    network = enc.network
    assert isinstance(network, Dnabert2PreTrainedModel)
    assert enc.module is network is enc.network
    assert enc.lock is lock  # a thread that computes keeps others out as before
    assert enc.pristine
    assert (enc.embed(SEQUENCE) == before).all()
    with torch.no_grad():  # what is trained there is what computes
        enc.network.get_input_embeddings().weight.add_(0.1)
    assert not enc.pristine
    assert (enc.embed(SEQUENCE) != before).any()


def test_backends_are_chosen_and_refused_as_by_transformers(bare):
    made = pretrained_of(bare)
    for network in (bare, made):
        network.set_attn_implementation("eager")
        assert bare.config._attn_implementation == "eager"
        network.set_attn_implementation("sdpa")
        with pytest.raises(ValueError, match="drop DNABERT-2's ALiBi"):
            network.set_attn_implementation("flash_attention_2")
