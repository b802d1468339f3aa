"""Activation patching: conservation, a plain hook as reference, and unequal alleles."""

import numpy as np
import pytest
import torch

import dnabert2_explore as dx
from dnabert2_explore import InputError
from dnabert2_explore.analysis.attribution.explained_output import ExplainedOutput

SITE = dx.demo.splice()[0].bases
SUBSTITUTION = SITE[:100] + "A" + SITE[101:]


@pytest.fixture(scope="module")
def splice():
    return dx.load("pocket-splice", cache=False)


@pytest.fixture(scope="module")
def enc():
    return dx.load("pocket", cache=False)


@pytest.mark.parametrize(
    "alt",
    [
        SUBSTITUTION,
        SITE[:110] + "ACGTA" + SITE[110:],
        SITE[:110] + SITE[117:],
        SITE[:60] + "TTTTGGGGCC" + SITE[70:],
    ],
    ids=["substitution", "insertion", "deletion", "several bases"],
)
def test_everything_restores_all_and_the_scores_are_the_alleles_own(splice, enc, alt):
    found = dx.patch(splice, SITE, alt, "donor")
    np.testing.assert_allclose(found.everything, 1, atol=2e-4)
    assert found.ref_score == pytest.approx(
        ExplainedOutput.of(splice, SITE, "donor").score, abs=1e-4
    )
    assert found.alt_score == pytest.approx(
        ExplainedOutput.of(splice, alt, "donor").score, abs=1e-4
    )
    for parts, tokens in ((found.ref_parts, found.ref), (found.alt_parts, found.alt)):
        assert parts[0, 0] == 0
        assert parts[-1, 1] == len(tokens)
        np.testing.assert_array_equal(parts[1:, 0], parts[:-1, 1])  # each token once
    # At the embeddings, a token that is the same in both gives nothing back.
    if not splice.config.anchor or len(alt) == len(SITE):
        np.testing.assert_allclose(found.restored[0, ~found.differs], 0, atol=2e-4)
    masked = dx.patch(enc, SITE, alt, (20, 25))
    np.testing.assert_allclose(masked.everything, 1, atol=2e-3)
    np.testing.assert_allclose(masked.restored[0, ~masked.differs], 0, atol=2e-3)
    asked = ExplainedOutput.of(enc, SITE, (20, 25))
    assert masked.ref_score == pytest.approx(asked.score, abs=1e-4)
    assert masked.unit == "nats"


def test_patching_nothing_gives_nothing_back(splice):
    from dnabert2_explore.analysis.inside import alleles, patching

    one, other = (ExplainedOutput.of(splice, bases, "donor") for bases in (SITE, SUBSTITUTION))
    parts = alleles.align(one.tokens, other.tokens, one.ids[0].numpy(), other.ids[0].numpy())
    run = patching.PairRun(splice, one, other, parts, 1024)
    for layer in range(3):
        (score,) = run._scores(layer, [set()])
        assert score == pytest.approx(other.score, abs=1e-4)


def test_equals_a_hook_that_changes_one_state(splice):
    """The definition, with a forward hook on the plain transformers model."""
    found = dx.patch(splice, SITE, SUBSTITUTION, "donor")
    # This substitution leaves as many tokens, so that a hook can patch in place.
    ref_ids, alt_ids = (torch.from_numpy(t.ids)[None] for t in (found.ref, found.alt))
    assert ref_ids.shape == alt_ids.shape
    column = splice.classes.index("donor")
    part = int(np.flatnonzero(found.differs)[0])
    (a, b), (c, d) = found.ref_parts[part], found.alt_parts[part]
    assert (a, b) == (c, d)
    with torch.no_grad():
        states = splice.network(ref_ids, output_hidden_states=True).hidden_states
        scores = [splice.network(ids).logits[0, column].item() for ids in (ref_ids, alt_ids)]
        layer = splice.network.bert.encoder.layer[0]

        def swap(_module, _inputs, output):
            hidden = output[0].clone()  # packed: one sequence, without padding
            hidden[a:b] = states[1][0, a:b]
            return hidden, output[1]

        handle = layer.register_forward_hook(swap)
        try:
            patched = splice.network(alt_ids).logits[0, column].item()
        finally:
            handle.remove()
    share = (patched - scores[1]) / (scores[0] - scores[1])
    assert found.restored[1, part] == pytest.approx(share, abs=1e-3)


def test_the_batch_size_does_not_matter(enc):
    alt = SITE[:110] + "ACGTA" + SITE[110:]
    whole = dx.patch(enc, SITE[60:140], alt[60:145], (10, 14))
    parts = dx.patch(enc, SITE[60:140], alt[60:145], (10, 14), batch_tokens=30)
    np.testing.assert_allclose(parts.restored, whole.restored, atol=5e-3)


def test_table_and_twin(splice):
    seen = []
    found = dx.patch(
        splice, SITE, SUBSTITUTION, "donor", twin=True, progress=lambda *n: seen.append(n)
    )
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1]
    np.testing.assert_allclose(found.twin.everything, 1, atol=1e-2)
    table = found.table()
    assert len(table) == found.restored.size
    assert {"layer", "start", "end", "ref", "alt", "restored", "twin"} <= set(table.columns)
    assert "give back" in repr(found)
    assert found.effect < 0


def test_what_cannot_be_patched_is_refused(splice, enc):
    with pytest.raises(InputError, match="no effect to restore"):
        dx.patch(splice, SITE, SITE, "donor")
    with pytest.raises(InputError, match="too different to align"):
        dx.patch(splice, SITE, dx.demo.splice()[7].bases, "donor")
    with pytest.raises(InputError, match="too different to align"):
        dx.patch(enc, SITE, SITE[:20] + dx.demo.splice()[9].bases, (3, 6))
    with pytest.raises(InputError, match="cut differently in the target"):
        dx.patch(enc, SITE, SUBSTITUTION, (99, 102))
    with pytest.raises(InputError, match="is unknown: choose one of"):
        dx.patch(splice, SITE, SUBSTITUTION, "sheep")
    with pytest.raises(InputError, match="neither classes nor"):
        dx.patch(dx.load("pocket-atlas"), SITE, SUBSTITUTION, "donor")
