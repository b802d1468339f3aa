from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

import dnabert2_explore as dx
from dnabert2_explore import InputError, attribute, saturation_mutagenesis
from dnabert2_explore.analysis.attribution import ExplainedOutput
from dnabert2_explore.sequences import UnknownBasesWarning, mutate


def logit(enc, bases: str, index: int) -> float:
    ids = enc.input_ids(enc.tokenize(bases))
    with torch.inference_mode():
        return float(enc.network(ids).logits[0, index])


def test_effects_are_those_of_the_mutants(classifier, bases) -> None:
    short = bases[:50]
    found = saturation_mutagenesis(classifier, short, "acceptor")
    before = logit(classifier, short, 1)
    assert found.score == pytest.approx(before, abs=1e-5)
    for place, column in ((0, 1), (7, 3), (23, 0), (49, 2), (31, 1)):
        base = "ACGT"[column]
        expected = logit(classifier, mutate(short, place, base), 1) - before
        if short[place] == base:
            assert found.effects[place, column] == 0
        assert found.effects[place, column] == pytest.approx(expected, abs=1e-5)
    own = [found.effects[i, "ACGT".index(base)] for i, base in enumerate(short)]
    assert not np.any(own)


def test_importance_and_hypothetical_by_hand(classifier, bases) -> None:
    found = saturation_mutagenesis(classifier, bases[:40], 0, approximate=False)
    assert found.approximate is None
    assert np.isnan(found.correlation)
    for place in (0, 11, 39):
        effects = found.effects[place]
        own = "ACGT".index(bases[place])
        others = np.delete(effects, own)
        assert found.importance[place] == pytest.approx(-others.mean(), abs=1e-6)
        assert found.hypothetical[place] == pytest.approx(effects - effects.mean(), abs=1e-6)
    np.testing.assert_allclose(found.hypothetical.sum(axis=1), 0, atol=1e-5)


def test_the_estimate_is_the_first_order_change_of_the_tokens(classifier, bases) -> None:
    short = bases[:60]
    found = saturation_mutagenesis(classifier, short, 2)
    ids = classifier.input_ids(classifier.tokenize(short))
    table = classifier.network.get_input_embeddings()
    words = table(ids).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(classifier.network(inputs_embeds=words).logits[0, 2], words)
    seen = 0
    for place in range(60):
        for column, base in enumerate("ACGT"):
            other = classifier.tokenize(mutate(short, place, base))
            same_cut = np.array_equal(other.spans, classifier.tokenize(short).spans)
            if base == short[place] or not same_cut:
                continue
            change = (table(classifier.input_ids(other)) - words).detach()
            expected = float((change * gradient).sum())
            assert found.approximate[place, column] == pytest.approx(expected, abs=1e-4)
            seen += 1
    assert seen > 20
    mutants = ~np.eye(4, dtype=bool)[["ACGT".index(base) for base in short]]
    expected = np.corrcoef(found.effects[mutants], found.approximate[mutants])[0, 1]
    assert found.correlation == pytest.approx(expected)


def test_tokens_that_are_cut_anew_are_counted(classifier, bases) -> None:
    short = bases[:50]
    found = saturation_mutagenesis(classifier, short, 0)
    before = classifier.tokenize(short)
    old = {(int(i), int(a), int(b)) for i, (a, b) in zip(before.ids, before.spans, strict=True)}
    for place in range(0, 50, 3):
        for column, base in enumerate("ACGT"):
            after = classifier.tokenize(mutate(short, place, base))
            pieces = list(zip(after.ids, after.spans, strict=True))
            new = {(int(i), int(a), int(b)) for i, (a, b) in pieces} - old
            # What lies between the first and the last new token counts too.
            assert found.tokens_changed[place, column] >= len(new)
            assert (found.tokens_changed[place, column] > 0) == (base != short[place])


def test_a_masked_span_keeps_its_tokens(enc, bases) -> None:
    span = (100, 112)
    found = saturation_mutagenesis(enc, bases, span, region=(90, 125))
    tokens = enc.tokenize(bases)
    first, last = tokens.covering(*span)
    start, end = int(tokens.spans[first, 0]), int(tokens.spans[last - 1, 1])
    assert not found.effects[start:end].any()  # the model does not see these bases
    assert np.isnan(found.effects[:90]).all()
    assert np.isnan(found.effects[125:]).all()
    place = end + 2
    base = "A" if bases[place] != "A" else "C"
    mutant = mutate(bases, place, base)
    left, right = enc.tokenize(mutant[:start]).ids[:-1], enc.tokenize(mutant[end:]).ids[1:]
    masked = np.full(last - first, enc.tokenizer.mask_id)
    ids = torch.from_numpy(np.concatenate([left, masked, right]))[None]
    with torch.inference_mode():
        rows = enc.network(ids).logits[0].log_softmax(-1)
    truth = tokens.ids[first:last]
    after = sum(float(rows[len(left) + i, index]) for i, index in enumerate(truth))
    effect = found.effects[place, "ACGT".index(base)]
    assert effect == pytest.approx(after - found.score, abs=1e-4)


@given(st.text(alphabet="ACGT", min_size=3, max_size=80), st.data())
@settings(max_examples=40, deadline=None)
def test_cutting_on_both_sides_of_a_span_is_cutting_the_whole(model_folder, text, data) -> None:
    enc = dx.load(model_folder)
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    explained = ExplainedOutput.of(enc, text, (start, end))
    rows, firsts = explained.read([text])
    np.testing.assert_array_equal(rows[0], enc.tokenize(text).ids)
    assert firsts == [explained.span[0]]
    assert explained.of_bases([text])[0] == pytest.approx(explained.score, abs=1e-4)


def test_unknown_bases_are_left_alone(classifier) -> None:
    with pytest.warns(UnknownBasesWarning, match="2 of 22") as told:
        found = saturation_mutagenesis(classifier, "acgtnacgtRACGTTGCATGCA", 0)
    assert len(told) == 1
    assert np.isnan(found.effects[[4, 9]]).all()
    assert not np.isnan(np.delete(found.effects, [4, 9], axis=0)).any()
    assert not found.importance[[4, 9]].any()
    assert found.effects[0, 0] == 0  # lower case is the same base


def test_attribute_gives_the_same_scores(classifier, bases) -> None:
    short = bases[:60]
    found = saturation_mutagenesis(classifier, short, 1)
    exact = attribute(classifier, short, 1, method="saturation_mutagenesis")
    np.testing.assert_array_equal(exact.base_scores, found.importance)
    for score, (start, end) in zip(exact.token_scores, exact.tokens.spans, strict=True):
        assert score == pytest.approx(found.importance[start:end].sum(), abs=1e-5)
    assert exact.spread == "bases"
    near = attribute(classifier, short, 1, method="mutagenesis_gradient")
    estimate = -found.approximate.sum(axis=1) / 3
    np.testing.assert_allclose(near.base_scores, estimate, atol=1e-6)


def test_progress_counts_mutants_and_region_is_checked(classifier, bases) -> None:
    seen = []
    saturation_mutagenesis(
        classifier, bases[:30], 0, progress=lambda done, total: seen.append((done, total))
    )
    assert seen[-1] == (90, 90)
    for region in ((5, 5), (-1, 4), (3, 31)):
        with pytest.raises(InputError, match="not a stretch of a sequence of 30 bases"):
            saturation_mutagenesis(classifier, bases[:30], 0, region=region)
