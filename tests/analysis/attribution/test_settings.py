"""Targets, outputs, baselines and spreads: what is asked, from where, and how it is shared."""

from __future__ import annotations

import copy
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
import torch

from dnabert2_explore import Encoder, InputError, attribute
from dnabert2_explore.analysis.attribution import BASELINES, METHODS, ExplainedOutput
from dnabert2_explore.analysis.attribution.methods.backend import differentiable
from dnabert2_explore.analysis.attribution.methods.baselines import baseline_embeddings
from dnabert2_explore.analysis.attribution.spread import base_occlusion, share
from dnabert2_explore.network import Dnabert2ForSequenceClassification
from dnabert2_explore.sequences import UnknownBasesWarning
from dnabert2_explore.sequences.shuffle import shuffle_dinucleotides

from ...conftest import random_bases


def variation(classifier, **changes) -> Encoder:
    """The classifier with another configuration (and head, where the number of labels changes)."""
    config = type(classifier.config).from_dict({**classifier.config.to_dict(), **changes})
    torch.manual_seed(1)
    network = Dnabert2ForSequenceClassification(config)
    own = network.state_dict()
    theirs = classifier.network.state_dict()
    network.load_state_dict(
        {k: theirs[k] if theirs[k].shape == own[k].shape else own[k] for k in own}
    )
    return Encoder(network, classifier.tokenizer, "variation")


# Outputs ---------------------------------------------------------------------------------------


def test_probability_is_explained_completely(classifier, bases) -> None:
    result = attribute(classifier, bases[:60], 0, output="probability", n_steps=300)
    assert result.unit == "probability"
    assert result.score == pytest.approx(classifier.predict(bases[:60])[0, 0], abs=1e-5)
    assert abs(result.delta) < 0.01
    assert result.delta == pytest.approx(result.token_scores.sum() - result.change, abs=1e-5)


def test_a_value_is_explained_as_it_is(classifier, bases) -> None:
    enc = variation(classifier, num_labels=1, id2label={0: "value"}, problem_type="regression")
    result = attribute(enc, bases[:60], n_steps=300)
    assert (result.unit, result.probabilities) == ("value", None)
    assert result.score == pytest.approx(float(enc.predict(bases[:60])[0]), abs=1e-5)
    assert abs(result.delta) < 0.02 * max(1, abs(result.change))
    with pytest.raises(InputError, match="answers with a value"):
        attribute(enc, bases, output="probability")


def test_labels_of_a_multi_label_model_are_independent(classifier, bases) -> None:
    enc = variation(classifier, problem_type="multi_label_classification")
    result = attribute(enc, bases[:60], 1, method="occlusion", output="probability")
    assert result.score == pytest.approx(float(enc.predict(bases[:60])[0, 1]), abs=1e-5)
    assert result.probabilities.sum() != pytest.approx(1, abs=1e-3)


def test_what_training_cut_off_gets_nothing(classifier, bases) -> None:
    enc = variation(classifier, max_input_tokens=20)
    result = attribute(enc, bases, 0, method="occlusion")
    np.testing.assert_allclose(result.probabilities, enc.predict(bases)[0], atol=1e-5)
    assert result.token_scores[1:18].all()
    assert not result.token_scores[19:-1].any()
    last = result.tokens.spans[18, 1]
    assert not result.base_scores[last:].any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"output": "odds"}, "Output 'odds' is unknown"),
        ({"baseline": "nothing"}, "Baseline 'nothing' is unknown"),
        ({"spread": "butter"}, "Spread 'butter' is unknown"),
        ({"method": "occlusion", "window": 0}, "window is 0"),
        ({"method": "shapley_value_sampling", "samples": 0}, "samples is 0"),
        ({"method": "occlusion", "noise_samples": 3}, "A noise tunnel goes around a gradient"),
        ({"method": "feature_ablation", "groups": [(0, 9), (9, 9)]}, "Group 2, bases"),
        ({"method": "layer_conductance", "layer": 3}, "Layer 3 does not exist"),
    ],
)
def test_settings_are_checked(classifier, bases, arguments, message) -> None:
    with pytest.raises(InputError, match=message):
        attribute(classifier, bases, 0, **arguments)


def test_nothing_known_or_no_single_sequences(classifier, enc) -> None:
    for model, target in ((classifier, 0), (enc, (0, 3))):
        with (
            pytest.warns(UnknownBasesWarning),
            pytest.raises(InputError, match="has no A, C, G or T"),
        ):
            attribute(model, "NNNNNNNN", target)
    with pytest.raises(InputError, match="has no classes; what is explained is a log-likelihood"):
        attribute(enc, "ACGTACGT", (0, 3), output="probability")
    with pytest.raises(InputError, match="reads pairs of sequences"):
        attribute(variation(classifier, sequence_pairs=True), "ACGTACGT")


# Baselines -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_replace_all_but_special_tokens(classifier, bases, name) -> None:
    explained = ExplainedOutput.of(classifier, bases, 0)
    found = baseline_embeddings(explained, name, samples=3 if name == "shuffled" else 1, seed=2)
    table = classifier.network.get_input_embeddings()
    words = table(explained.ids)[0]
    assert found.shape == (3 if name == "shuffled" else 1, explained.n_read, 32)
    for one in found:
        assert torch.equal(one[[0, -1]], words[[0, -1]])
    inner = found[0, 1:-1]
    if name in ("mask", "pad"):
        index = getattr(classifier.tokenizer, f"{name}_id")
        assert torch.equal(inner, table.weight[index].expand_as(inner))
    elif name == "zero":
        assert not inner.any()
    elif name == "mean":
        torch.testing.assert_close(inner, table.weight[5:].mean(dim=0).expand_as(inner))
    else:
        rows = {tuple(row.tolist()) for row in table.weight[5:]}
        assert all(tuple(row.tolist()) in rows for row in inner)
        assert not torch.equal(found[0], found[1])
        again = baseline_embeddings(explained, name, samples=3, seed=2)
        assert torch.equal(found, again)


def test_a_masked_span_stays_masked_in_every_baseline(enc, bases) -> None:
    explained = ExplainedOutput.of(enc, bases, (40, 50))
    first, last = explained.span
    mask = enc.network.get_input_embeddings().weight[enc.tokenizer.mask_id]
    for name in BASELINES:
        found = baseline_embeddings(explained, name)[0, first:last]
        assert torch.equal(found, mask.expand_as(found))


@pytest.mark.parametrize("baseline", BASELINES)
def test_integrated_gradients_are_complete_from_every_baseline(classifier, bases, baseline) -> None:
    result = attribute(classifier, bases[:60], 0, n_steps=300, baseline=baseline)
    assert result.baseline == baseline
    assert abs(result.delta) < 0.02 * max(1.0, abs(result.change))
    assert result.token_scores[[0, -1]] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_shuffling_keeps_dinucleotides(seed) -> None:
    bases = random_bases(200, seed=seed)
    made = shuffle_dinucleotides(bases, np.random.default_rng(seed))
    assert Counter(pairwise(made)) == Counter(pairwise(bases))
    assert made != bases
    assert (made[0], made[-1]) == (bases[0], bases[-1])


def test_short_and_monotonous_sequences_are_shuffled_too() -> None:
    rng = np.random.default_rng(0)
    assert [shuffle_dinucleotides(b, rng) for b in ("", "A", "AC", "AAAA")] == [
        "",
        "A",
        "AC",
        "AAAA",
    ]
    # Every Eulerian path of this graph is as likely: A(ACA, CAA) is ACAA or AACA.
    seen = Counter(shuffle_dinucleotides("AACA", rng) for _ in range(400))
    assert set(seen) == {"AACA", "ACAA"}
    assert min(seen.values()) > 140


# Spreads ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["even", "occlusion", "mutagenesis"])
def test_sums_are_conserved(classifier, bases, how) -> None:
    seen = []
    result = attribute(
        classifier, bases[:80], 0, method="occlusion", spread=how,
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert result.spread == how
    for score, (start, end) in zip(result.token_scores, result.tokens.spans, strict=True):
        if end > start:
            assert result.base_scores[start:end].sum() == pytest.approx(score, abs=1e-5)
            assert (np.sign(result.base_scores[start:end]) * np.sign(score) >= 0).all()
    assert [d for d, _ in seen] == sorted(d for d, _ in seen)
    assert seen[-1][0] == seen[-1][1]
    even = attribute(classifier, bases[:80], 0, method="occlusion")
    assert np.allclose(result.base_scores, even.base_scores) == (how == "even")


def test_spread_by_occlusion_is_what_n_changes(classifier, bases) -> None:
    short = bases[:40]
    explained = ExplainedOutput.of(classifier, short, 0)
    lost = base_occlusion(explained)
    for place in (0, 13, 39):
        changed = f"{short[:place]}N{short[place + 1 :]}"
        (logits,) = classifier.logits_ids(
            [classifier.tokenizer.encode_batch([changed], warn=False)[0].ids]
        )
        assert lost[place] == pytest.approx(explained.score - logits[0], abs=1e-5)
    result = attribute(classifier, short, 0, method="occlusion", spread="occlusion")
    start, end = result.tokens.spans[3]
    weights = np.abs(lost[start:end])
    np.testing.assert_allclose(
        result.base_scores[start:end], result.token_scores[3] * weights / weights.sum(), atol=1e-5
    )


def test_a_token_without_weights_is_shared_evenly(classifier) -> None:
    tokens = classifier.tokenize("ACGTACGTAC")
    weights = np.zeros(10)
    first = tokens.spans[1]
    weights[first[0]] = 2.0
    scores = np.arange(len(tokens), dtype=np.float32)
    found = share(tokens, scores, weights)
    assert found[first[0]] == pytest.approx(scores[1])
    assert found[first[0] + 1 : first[1]] == pytest.approx(0)
    start, end = tokens.spans[2]
    assert found[start:end] == pytest.approx(scores[2] / (end - start))


# Groups and layers -----------------------------------------------------------------------------


def test_groups_of_bases_are_ablated_together(classifier, bases) -> None:
    short = bases[:60]
    groups = [(0, 20), (20, 45)]
    result = attribute(
        classifier, short, 0, method="feature_ablation", groups=groups, baseline="mask"
    )
    tokens = classifier.tokenize(short)
    spans = tokens.spans
    middle = [np.clip(np.minimum(spans[:, 1], b) - np.maximum(spans[:, 0], a), 0, None)
              for a, b in [*groups, (45, 60)]]  # fmt: skip
    member = np.argmax(middle[:2], axis=0)
    member[np.max(middle[:2], axis=0) == 0] = 2
    member[tokens.special] = -1
    for group in range(3):
        ids = tokens.ids.copy()
        ids[member == group] = classifier.tokenizer.mask_id
        (logits,) = classifier.logits_ids([ids])
        lost = result.score - logits[0]
        assert result.token_scores[member == group].sum() == pytest.approx(lost, abs=1e-4)


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_conductance_is_complete_at_every_layer(classifier, bases, layer) -> None:
    result = attribute(
        classifier, bases[:40], 0, method="layer_conductance", layer=layer, n_steps=400
    )
    assert abs(result.delta) < 0.05 * max(1.0, abs(result.change))
    assert dict(result.settings)["layer"] == str(layer)
    if layer == 0:  # LayerNorm keeps tokens apart: the same as integrated gradients
        other = attribute(classifier, bases[:40], 0, n_steps=400)
        np.testing.assert_allclose(
            result.token_scores, other.token_scores, atol=0.05 * abs(result.change)
        )


def test_attention_backends_are_given_back(classifier, bases) -> None:
    before = classifier.attention
    result = attribute(classifier, bases, 0, method="attention_x_gradient")
    assert classifier.attention == before != "eager"
    assert np.abs(result.token_scores).max() > 0
    # Compiled flex has no gradients on a CPU; nothing is run here, since compiling takes long.
    classifier.network.set_attn_implementation("flex")
    try:
        for maps, needed in ((True, "eager"), (False, "sdpa")):
            with differentiable(classifier, maps):
                assert classifier.attention == needed
            assert classifier.attention == "flex"
    finally:
        classifier.network.set_attn_implementation(before)


def test_what_methods_promise_is_said(classifier, bases) -> None:
    for name, info in METHODS.items():
        result = attribute(classifier, bases[:40], 0, method=name, n_steps=5, samples=2)
        assert (result.baseline_score is not None) == info.baseline
        assert (result.delta is not None) == info.complete
        assert info.signed or (result.token_scores >= 0).all()


# What must not change -------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("noise", [0, 2])
def test_half_precision_gives_what_float32_gives(classifier, bases, method, noise) -> None:
    if noise and not METHODS[method].gradient:
        return
    half = copy.deepcopy(classifier.network).to(torch.bfloat16)
    enc = Encoder(half, classifier.tokenizer, "half")
    settings = {"n_steps": 20, "samples": 4, "noise_samples": noise}
    found = attribute(enc, bases[:60], 0, method=method, **settings)
    expected = attribute(classifier, bases[:60], 0, method=method, **settings)
    assert np.isfinite(found.token_scores).all()
    if method not in ("deep_lift", "gradient_shap", "shapley_value_sampling"):  # few, rough samples
        assert np.corrcoef(found.token_scores, expected.token_scores)[0, 1] > 0.8


def test_noise_leaves_no_promise_of_a_sum(classifier, bases) -> None:
    result = attribute(classifier, bases[:60], 0, n_steps=10, noise_samples=2)
    assert result.delta is None
    assert result.baseline_score is not None


def test_threads_do_not_meet_in_the_backend(classifier, bases) -> None:
    before = classifier.attention
    expected = attribute(classifier, bases[:60], 0, method="attention_x_gradient")

    def ask(number: int) -> object:
        method = "attention_x_gradient" if number % 2 else "saliency"
        return attribute(classifier, bases[:60], 0, method=method)

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(ask, range(16)))
    assert classifier.attention == before
    for result in results[1::2]:
        np.testing.assert_allclose(result.token_scores, expected.token_scores, atol=1e-5)
    assert {result.model for result in results} == {str(classifier.info)}


def test_bases_that_are_not_read_are_told(classifier, enc, bases) -> None:
    cut = attribute(variation(classifier, max_input_tokens=20), bases, 0, method="occlusion")
    last = cut.tokens.spans[18, 1]
    assert cut.seen[:last].all()
    assert not cut.seen[last:].any()
    masked = attribute(enc, bases, (40, 50), method="occlusion")
    first, end = enc.tokenize(bases).covering(40, 50)
    start, stop = masked.tokens.spans[first, 0], masked.tokens.spans[end - 1, 1]
    assert not masked.seen[start:stop].any()
    assert masked.seen.sum() == len(bases) - (stop - start)


def test_one_label_of_a_multi_label_model_is_no_value(classifier, bases) -> None:
    enc = variation(
        classifier, num_labels=1, id2label={0: "open"}, problem_type="multi_label_classification"
    )
    result = attribute(enc, bases[:60], 0, method="occlusion", output="probability")
    assert result.unit == "probability"
    assert result.score == pytest.approx(float(enc.predict(bases[:60])[0, 0]), abs=1e-5)


@pytest.mark.parametrize("target", [1.7, True, ("a", "b"), (3.5, 9)])
def test_targets_are_whole_numbers(classifier, enc, bases, target) -> None:
    model, asked = (enc, "position") if isinstance(target, tuple) else (classifier, "class")
    with pytest.raises(InputError, match=f"is no {asked}: give"):
        attribute(model, bases, target)


@pytest.mark.parametrize(
    "settings",
    [{"window": 3}, {"layer": 1}, {"groups": [(0, 9)]}],
    ids=["window", "layer", "groups"],
)
def test_settings_of_other_methods_are_refused(classifier, bases, settings) -> None:
    with pytest.raises(InputError, match="which belongs to"):
        attribute(classifier, bases, 0, method="saliency", **settings)


def test_white_space_has_no_share(classifier, bases) -> None:
    spaced = f"{bases[:30]}  {bases[30:60]}"
    found = attribute(classifier, spaced, 0, method="occlusion")
    expected = attribute(classifier, bases[:60], 0, method="occlusion")
    assert not found.base_scores[30:32].any()
    np.testing.assert_allclose(
        np.delete(found.base_scores, [30, 31]), expected.base_scores, atol=1e-5
    )
