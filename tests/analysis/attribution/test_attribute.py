from __future__ import annotations

import numpy as np
import pytest
import torch

from dnabert2_explore import Cancelled, InputError, attribute
from dnabert2_explore.analysis.attribution import METHODS
from dnabert2_explore.sequences import UnknownBasesWarning


@pytest.mark.parametrize("method", METHODS)
def test_shapes_and_conserved_sums(classifier, bases, method) -> None:
    result = attribute(classifier, bases, target="acceptor", method=method, n_steps=10)
    n = len(classifier.tokenize(bases))
    assert result.token_scores.shape == (n,)
    assert result.base_scores.shape == (len(bases),)
    assert np.isfinite(result.token_scores).all()
    assert np.abs(result.token_scores).max() > 0
    for score, (start, end) in zip(result.token_scores, result.tokens.spans, strict=True):
        if end > start:
            assert result.base_scores[start:end].sum() == pytest.approx(score, abs=1e-5)
    assert result.target == 1
    assert result.target_name == "acceptor"
    assert result.unit == "logit"
    assert result.probabilities.shape == (3,)
    assert (result.delta is not None) == METHODS[method].complete


def test_integrated_gradients_are_complete(classifier, bases) -> None:
    result = attribute(classifier, bases[:60], target=0, n_steps=300)
    difference = result.score - result.baseline_score
    assert abs(result.delta) < 0.01 * max(1.0, abs(difference))
    assert result.token_scores.sum() == pytest.approx(difference + result.delta, abs=1e-3)


def test_occlusion_by_hand(classifier, bases) -> None:
    short = bases[:40]
    result = attribute(classifier, short, target=2, method="occlusion", baseline="mask")
    ids = classifier.input_ids(classifier.tokenize(short))
    for place in (1, 4, ids.shape[1] - 2):
        changed = ids.clone()
        changed[0, place] = classifier.tokenizer.mask_id
        with torch.inference_mode():
            logits = classifier.network(torch.cat([ids, changed])).logits[:, 2]
        assert result.token_scores[place] == pytest.approx(float(logits[0] - logits[1]), abs=1e-5)
    # [CLS] and [SEP] stay in the baseline: nothing changes, up to rounding in other batches.
    assert result.token_scores[[0, -1]] == pytest.approx(0, abs=1e-5)


def test_gradients_by_hand(classifier, bases) -> None:
    ids = classifier.input_ids(classifier.tokenize(bases))
    words = classifier.network.get_input_embeddings()(ids).detach().requires_grad_()
    logit = classifier.network(inputs_embeds=words).logits[0, 1]
    (gradient,) = torch.autograd.grad(logit, words)
    saliency = attribute(classifier, bases, target=1, method="saliency")
    np.testing.assert_allclose(
        saliency.token_scores, gradient[0].norm(dim=-1), rtol=1e-3, atol=1e-6
    )
    product = attribute(classifier, bases, target=1, method="input_x_gradient")
    np.testing.assert_allclose(
        product.token_scores, (gradient * words).sum(-1)[0].detach(), rtol=1e-3, atol=1e-5
    )


def test_no_target_means_the_predicted_class(classifier, bases) -> None:
    result = attribute(classifier, bases, method="saliency")
    assert result.target == int(result.probabilities.argmax())
    np.testing.assert_allclose(result.probabilities, classifier.predict(bases)[0], atol=1e-6)


def test_masked_span_of_a_pretrained_model(enc, bases) -> None:
    result = attribute(enc, bases, target=(100, 112), method="occlusion")
    tokens = enc.tokenize(bases)
    first, last = tokens.covering(100, 112)
    ids = enc.input_ids(tokens)
    masked = ids.clone()
    masked[0, first:last] = enc.tokenizer.mask_id
    with torch.inference_mode():
        likelihoods = enc.network(masked).logits[0].log_softmax(-1)
    expected = sum(float(likelihoods[i, ids[0, i]]) for i in range(first, last))
    assert result.score == pytest.approx(expected, abs=1e-4)
    assert result.unit == "nats"
    start, end = tokens.spans[first, 0] + 1, tokens.spans[last - 1, 1]
    assert result.target_name == f"masked bases {start}\u2013{end}"
    assert start <= 101 < 112 <= end
    assert not result.token_scores[first:last].any()  # masked already: nothing to take away
    assert result.probabilities is None


def test_integrated_gradients_of_a_masked_span_are_complete(enc, bases) -> None:
    result = attribute(enc, bases[:60], target=(20, 26), n_steps=300)
    difference = result.score - result.baseline_score
    assert abs(result.delta) < 0.02 * max(1.0, abs(difference))


@pytest.mark.parametrize("method", METHODS)
def test_progress_counts_up_and_can_cancel(classifier, bases, method) -> None:
    seen = []
    attribute(
        classifier,
        bases,
        target=0,
        method=method,
        n_steps=30,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[-1][0] == seen[-1][1]
    assert [d for d, _ in seen] == sorted(d for d, _ in seen)

    def cancel(done, total):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        attribute(classifier, bases, method=method, progress=cancel)
    hooks = classifier.network.get_input_embeddings()._forward_hooks
    assert not hooks, "a cancelled attribution must leave no hook behind"
    assert not classifier.network.get_input_embeddings()._forward_pre_hooks


def test_parameters_collect_no_gradients(classifier, bases) -> None:
    attribute(classifier, bases, target=0)
    assert all(p.grad is None for p in classifier.network.parameters())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": 3}, "Class 3 is out of range"),
        ({"target": -1}, "out of range"),
        ({"target": "enhancer"}, "Class 'enhancer' is unknown"),
        ({"target": (3, 9)}, "name one of its classes"),
        ({"method": "magic"}, "Method 'magic' is unknown"),
        ({"n_steps": 0}, "n_steps is 0; .* at least 1"),
    ],
)
def test_bad_input_is_one_clear_sentence(classifier, bases, arguments, message) -> None:
    with pytest.raises(InputError, match=message):
        attribute(classifier, bases, **arguments)


def test_pretrained_model_needs_a_span(enc, bases) -> None:
    with pytest.raises(InputError, match=r"give target=\(start, end\)"):
        attribute(enc, bases)
    with pytest.raises(InputError, match="not a stretch"):
        attribute(enc, bases, target=(290, 310))
    with pytest.raises(InputError, match="no bases"):
        attribute(enc, " ", target=(0, 1))


def test_unknown_letters_are_no_target(enc) -> None:
    with (
        pytest.warns(UnknownBasesWarning, match="1 of 9"),
        pytest.raises(InputError, match="hold unknown letters"),
    ):
        attribute(enc, "ACGTNACGT", target=(3, 6))
