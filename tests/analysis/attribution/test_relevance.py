"""The rules of AttnLRP, each by hand, and the whole network where nothing is lost."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import erf, softmax
from torch import nn

from dnabert2_explore.analysis.attribution import attribute
from dnabert2_explore.analysis.attribution.methods.gradients import attn_lrp
from dnabert2_explore.analysis.attribution.methods.inputs import AttributionInputs, Score
from dnabert2_explore.analysis.attribution.methods.relevance import (
    attend,
    gelu,
    half,
    layer_norm,
    relevance_rules,
    tanh,
)
from dnabert2_explore.network import Dnabert2Config, Dnabert2ForSequenceClassification
from dnabert2_explore.network.alibi import AlibiBias
from dnabert2_explore.network.packing import Packing

RNG = np.random.default_rng(11)


def relevance(function, *inputs: np.ndarray) -> list[np.ndarray]:
    """Input times gradient of a function of float64 arrays."""
    given = [torch.tensor(one, requires_grad=True) for one in inputs]
    function(*given).backward()
    return [(one * one.grad).detach().numpy() for one in given]


def test_a_product_shares_its_relevance():
    a, b = RNG.normal(size=(2, 6))
    first, second = relevance(lambda x, y: (half(x) * half(y)).sum(), a, b)
    np.testing.assert_allclose(first, a * b / 2, rtol=1e-12)
    np.testing.assert_allclose(second, a * b / 2, rtol=1e-12)


def test_functions_of_one_number_hand_all_of_it_on():
    x, weights = RNG.normal(size=(2, 6))
    for rule, values in ((gelu, x * 0.5 * (1 + erf(x / np.sqrt(2)))), (tanh, np.tanh(x))):
        (found,) = relevance(lambda z, rule=rule: (rule(z) * torch.tensor(weights)).sum(), x)
        np.testing.assert_allclose(found, weights * values, rtol=1e-12)
    assert tanh(torch.zeros(1, requires_grad=True)).item() == 0


def test_layer_norm_hands_on_what_its_bias_does_not_take():
    x, weights, scale, bias = RNG.normal(size=(4, 6))
    normed = (x - x.mean()) / np.sqrt(x.var() + 1e-5)
    (found,) = relevance(
        lambda z: (
            layer_norm(z, torch.tensor(scale), torch.tensor(bias), 1e-5) * torch.tensor(weights)
        ).sum(),
        x,
    )
    # With the deviation a number, the function is linear: x_j times its matrix's column.
    matrix = (np.eye(6) - 1 / 6) / np.sqrt(x.var() + 1e-5)
    np.testing.assert_allclose(found, x * ((weights * scale) @ matrix), rtol=1e-9)
    assert found.sum() == pytest.approx((weights * scale * normed).sum())


def test_attention_by_hand():
    """Three tokens, one head of width 1: relevance of queries, keys and values written out."""
    query, key, value, wanted = RNG.normal(size=(4, 3))
    distance = np.abs(np.arange(3)[:, None] - np.arange(3))
    bias = -distance * 2.0**-8  # ALiBi's slope of a single head
    products = np.outer(query, key)
    weights = softmax(products + bias, axis=1)
    out = weights @ value
    # c_i Σ_j a_ij v_j: one half to the values, one half to the weights; from those through the
    # softmax's derivative to the scores, and one half to either factor of their products.
    of_scores = products * weights * wanted[:, None] * (value[None] - out[:, None]) / 2
    expected = (of_scores.sum(axis=1) / 2, of_scores.sum(axis=0) / 2, wanted @ weights * value / 2)
    packing = Packing.from_lengths([3], torch.device("cpu"))
    alibi = AlibiBias(1, 3, torch.float64)

    def function(*parts: torch.Tensor) -> torch.Tensor:
        qkv = torch.stack(parts, dim=1)[:, :, None, None]
        return (attend(qkv, packing, alibi).flatten() * torch.tensor(wanted)).sum()

    found = relevance(function, query, key, value)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)  # the bias is rounded to float32


def network(biased: bool) -> Dnabert2ForSequenceClassification:
    """Two layers in float64, with or without any bias; without, attention adds nothing either."""
    torch.manual_seed(3)
    made = Dnabert2ForSequenceClassification(
        Dnabert2Config(
            vocab_size=20, hidden_size=8, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=16, initializer_range=0.5, classifier_pooling="mean", num_labels=2,
            hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        )
    ).to(torch.float64).eval()  # fmt: skip
    if not biased:
        with torch.no_grad():
            made.bert.embeddings.token_type_embeddings.weight.zero_()
            for module in made.modules():
                if getattr(module, "bias", None) is not None:
                    module.bias.zero_()
            for block in made.bert.attention_blocks():
                block.Wqkv.weight[16:] = 0  # values
    return made


def attribution_inputs(made: nn.Module) -> AttributionInputs:
    words = torch.tensor(RNG.normal(size=(1, 5, 8)), requires_grad=True)
    score = Score(lambda x: made(inputs_embeds=x).logits[:, 1], made)
    return AttributionInputs(words, words.detach(), score, np.arange(5), np.ones(5))


def test_a_network_without_biases_keeps_all_of_the_score():
    given = attribution_inputs(network(biased=False))
    found = attn_lrp(given)
    assert found.sum().item() == pytest.approx(given.score(given.embeddings).item(), rel=1e-9)
    # The plain gradient does not: LayerNorm forgets the scale of what it reads.
    (plain,) = torch.autograd.grad(given.score(given.embeddings).sum(), given.embeddings)
    assert abs(float((plain * given.embeddings).sum())) < 1e-9


def test_values_stay_and_the_network_is_left_as_it_was():
    made = network(biased=True)
    given = attribution_inputs(made)
    before = given.score(given.embeddings)
    with relevance_rules(made):
        torch.testing.assert_close(given.score(given.embeddings), before, rtol=1e-9, atol=1e-12)
    assert not any("forward" in vars(module) for module in made.modules())
    torch.testing.assert_close(given.score(given.embeddings), before, rtol=0, atol=0)


def test_relevance_of_a_model_with_a_masked_lm_head(enc):
    """The rules reach the head's own GELU and LayerNorm; special tokens get theirs too."""
    found = attribute(enc, "ACGTTGCATTAGCATGCAAT" * 2, (10, 14), method="attn_lrp")
    assert np.isfinite(found.token_scores).all()
    assert found.token_scores.any()
    assert found.baseline == ""
