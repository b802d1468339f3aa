"""Dependency maps against a plain loop over mutants in double precision, and their nulls."""

import copy
import warnings

import numpy as np
import pytest
import torch

import dnabert2_explore as dx
from dnabert2_explore import Cancelled, InputError
from dnabert2_explore.analysis.inside.blocks import find_blocks
from dnabert2_explore.encoder.loading.twin import random_twin

BASES = "ACGTTGCATTAGCATGCAATGGCTAGCTTAGCGGATATAAAGGC"


@pytest.fixture(scope="module")
def enc():
    return dx.load("pocket", cache=False)


def pieces(enc, bases):
    """Ids, spans and which are special, straight from the tokenizer."""
    encoding = enc.tokenizer.backend.encode(bases)
    return np.array(encoding.ids), encoding.offsets, encoding.special_tokens_mask


def brute_force(enc, bases, region):
    """The definition, written plainly: float64 transformers calls, one sequence at a time."""
    network = copy.deepcopy(enc.network).double()

    def distributions(ids):
        with torch.no_grad():
            return network(torch.tensor(ids)[None]).logits[0].log_softmax(-1).numpy()

    ids, spans, special = pieces(enc, bases)
    before = distributions(ids)
    values = np.full((region[1] - region[0], len(ids)), np.nan)
    shared = []
    for place in range(*region):
        for base in "ACGT":
            if base == bases[place]:
                continue
            mutant = bases[:place] + base + bases[place + 1 :]
            new, new_spans, _ = pieces(enc, mutant)
            after = distributions(new)
            for token in range(len(ids)):
                if special[token]:
                    continue
                shared.append(spans[token] in new_spans[1:-1])
                if not shared[-1]:
                    continue
                other = new_spans.index(spans[token], 1)
                p, q = before[token], after[other]
                kl = (np.exp(p) * (p - q)).sum() + (np.exp(q) * (q - p)).sum()
                values[place - region[0], token] = np.fmax(values[place - region[0], token], kl)
    return values, np.mean(shared)


def test_equals_the_plain_loop_in_double_precision(enc):
    region = (10, 22)
    found = dx.dependency_map(enc, BASES, region)
    truth, share = brute_force(enc, BASES, region)
    assert found.values.shape == (12, len(enc.tokenize(BASES)))
    np.testing.assert_array_equal(np.isnan(found.values), np.isnan(truth))
    np.testing.assert_allclose(found.values, truth, rtol=2e-3, atol=2e-6)
    assert found.kept == pytest.approx(share)
    assert np.isnan(found.values[:, [0, -1]]).all()  # [CLS] and [SEP]
    assert (found.unit, found.of, found.region) == ("nats", "tokens", region)


def test_the_cut_into_passes_does_not_matter(enc, monkeypatch):
    whole = dx.dependency_map(enc, BASES, (3, 12))
    monkeypatch.setattr("dnabert2_explore.analysis.inside.substitutions._PASSES", 1)
    monkeypatch.setattr("dnabert2_explore.encoder.passes.masked._ROWS", 5)
    parts = dx.dependency_map(enc, BASES, (3, 12), batch_tokens=30)
    np.testing.assert_allclose(parts.values, whole.values, rtol=1e-3, atol=2e-6)


def test_of_bases_equals_sums_over_entries_of_the_same_length(enc):
    region = (12, 14)
    found = dx.dependency_map(enc, BASES, region, of="bases")
    entries = {i: t for t, i in enc.tokenizer.vocabulary.items() if set(t) <= set("ACGT")}

    def letters(ids, spans, special):
        """Base -> its four probabilities."""
        with torch.no_grad():
            rows = enc.network(torch.tensor(ids)[None]).logits[0].double().softmax(-1).numpy()
        sums = {}
        for token, (start, end) in enumerate(spans):
            for place in range(start, end if not special[token] else start):
                sums[place, start, end] = np.zeros(4)
                for index, text in entries.items():
                    if len(text) == end - start:
                        letter = "ACGT".index(text[place - start])
                        sums[place, start, end][letter] += rows[token, index]
        return {key: row / row.sum() for key, row in sums.items()}

    before = letters(*pieces(enc, BASES))
    truth = np.full((2, len(BASES)), np.nan)
    for place in range(*region):
        for base in set("ACGT") - {BASES[place]}:
            after = letters(*pieces(enc, BASES[:place] + base + BASES[place + 1 :]))
            for key in before.keys() & after.keys():
                p, q = before[key], after[key]
                value = ((p - q) * np.log(p / q)).sum()
                truth[place - region[0], key[0]] = np.fmax(truth[place - region[0], key[0]], value)
    np.testing.assert_array_equal(np.isnan(found.values), np.isnan(truth))
    np.testing.assert_allclose(found.values, truth, rtol=5e-3, atol=2e-6)


def test_of_a_class_is_the_largest_change_of_its_probability():
    splice, site = dx.load("pocket-splice", cache=False), dx.demo.splice()[0]
    found = dx.dependency_map(splice, site, (99, 102), of="donor")
    effects = dx.saturation_mutagenesis(
        splice, site, "donor", output="probability", region=(99, 102)
    ).effects
    assert found.values.shape == (3, 1)
    for row, value in zip(effects[99:102], found.values[:, 0], strict=True):
        assert value == row[np.abs(row).argmax()]
    with pytest.raises(InputError, match=r"'sheep'.*acceptor, donor, neither"):
        dx.dependency_map(splice, site, (99, 102), of="sheep")
    with pytest.raises(InputError, match="of='tokens'"):
        found.blocks()


@pytest.mark.filterwarnings("ignore::dnabert2_explore.sequences.UnknownBasesWarning")
def test_unknown_bases_and_white_space_keep_their_places(enc):
    found = dx.dependency_map(enc, "acgu NTTGC" + BASES, (2, 8))
    assert np.isnan(found.values[2:4]).all()  # the blank and the N
    assert not np.isnan(found.values[[0, 1, 4, 5]]).all(axis=1).any()
    plain = dx.dependency_map(enc, "ACGTNTTGC" + BASES, (2, 7))
    np.testing.assert_allclose(
        found.values[[0, 1, 4, 5]], plain.values[[0, 1, 3, 4]], rtol=1e-3, atol=2e-6
    )
    by_base = dx.dependency_map(enc, "acgu NTTGC" + BASES, (2, 4), of="bases")
    assert np.isnan(by_base.values[:, 4:6]).all()


def test_the_twin_is_of_the_same_shape_and_has_learnt_nothing(enc):
    seen = []
    found = dx.dependency_map(enc, BASES, (4, 8), twin=True, progress=lambda *n: seen.append(n))
    assert seen == sorted(seen)
    assert seen[-1] == (24, 24)
    alone = dx.dependency_map(random_twin(enc), BASES, (4, 8))
    np.testing.assert_allclose(found.twin.values, alone.values, rtol=1e-3, atol=2e-6)
    np.testing.assert_array_equal(found.minus_twin, found.values - found.twin.values)
    with pytest.raises(InputError, match="twin=True"):
        alone.minus_twin  # noqa: B018


@pytest.mark.filterwarnings("ignore::dnabert2_explore.sequences.UnknownBasesWarning")
def test_what_cannot_be_asked_is_refused_in_one_sentence(enc):
    with pytest.raises(InputError, match="'pocket-splice' has no masked-LM head"):
        dx.dependency_map(dx.load("pocket-splice"), BASES)
    with pytest.raises(InputError, match="has no masked-LM head"):
        dx.dependency_map(dx.load("pocket-atlas"), BASES, of="bases")
    with pytest.raises(InputError, match="neither a masked-LM head nor classes"):
        dx.dependency_map(dx.load("pocket-atlas"), BASES, of="donor")
    with pytest.raises(InputError, match=r"\[4, 400\) are not a stretch"):
        dx.dependency_map(enc, BASES, (4, 400))
    with pytest.raises(InputError, match="no A, C, G or T to substitute"):
        dx.dependency_map(enc, "NNNN" + BASES, (0, 4))
    with pytest.raises(InputError, match="no bases"):
        dx.dependency_map(enc, "")
    with pytest.raises(InputError, match="two whole numbers"):
        dx.dependency_map(enc, BASES, "all")


def test_it_stops_when_progress_says_so(enc):
    def stop(_done, _total):
        raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        dx.dependency_map(enc, BASES, (0, 3), progress=stop)


def test_pairs_of_tokens_are_laid_out_as_attention_is(enc):
    found = dx.dependency_map(enc, BASES)
    pairs = found.between_tokens()
    tokens = found.tokens
    source = 3
    start, end = tokens.spans[source]
    largest = np.fmax.reduce(found.values[start:end], axis=0)
    np.testing.assert_array_equal(pairs[:, source], largest)
    assert np.isnan(found.elsewhere[start, source])
    table = found.table()
    assert table.change.iloc[0] == np.nanmax(found.values)
    assert len(table) == (~np.isnan(found.values)).sum()
    assert table.own.any()
    assert not table.own.all()


def test_agreement_with_heads_finds_the_head_it_was_made_of(enc):
    import dataclasses

    from dnabert2_explore.analysis.inside.heads import compare_heads

    attention = dx.attend(enc, BASES * 3)
    planted = compare_heads(attention.head(1, 3), attention.tokens, enc, attention)
    assert planted.beyond_distance[1, 3] == pytest.approx(1)
    assert planted.correlation[1, 3] == pytest.approx(1)
    assert np.delete(planted.beyond_distance.ravel(), 1 * 6 + 3).max() < 0.9
    assert (planted.chance < 0.9).all()
    # What falls with distance and nothing else agrees with no head beyond it.
    n = len(attention.tokens)
    ramp = -np.abs(np.arange(n)[:, None] - np.arange(n)).astype(np.float32)
    by_distance = compare_heads(ramp, attention.tokens, enc, attention)
    np.testing.assert_allclose(by_distance.beyond_distance, 0, atol=1e-6)
    assert by_distance.correlation.max() > 0.3
    other = dataclasses.replace(attention, tokens=enc.tokenize(BASES))
    with pytest.raises(InputError, match="another sequence"):
        compare_heads(ramp, attention.tokens, enc, other)


def test_blocks_are_what_copies_do_not_have(enc):
    import dataclasses

    bases = BASES * 3
    found = dx.dependency_map(enc, bases, (0, 60))
    rng = np.random.default_rng(0)

    def noise(values):
        made = np.where(np.isnan(values), np.nan, rng.gamma(2.0, 0.01, values.shape))
        return made.astype(np.float32)

    target = found.tokens.at(100)
    planted = noise(found.values)
    planted[20:30, target : target + 3] += 1.0
    real = dataclasses.replace(found, values=planted)
    copies = []

    def again(text):
        copies.append(text)
        return dataclasses.replace(found, values=noise(found.values))

    blocks = find_blocks(real, again, 19, 0, None)
    assert len(set(copies)) == 19
    assert all(sorted(text) == sorted(bases) for text in copies)
    best = blocks.blocks[0]
    assert best.p == 1 / 20
    assert best.source == (20, 30)
    spans = found.tokens.spans
    assert best.target == (spans[target, 0], spans[target + 2, 1])
    assert list(blocks.table().p) == [block.p for block in blocks]
    # Without anything planted, the heaviest cluster is as light as those of the copies.
    null = find_blocks(dataclasses.replace(found, values=noise(found.values)), again, 19, 1, None)
    assert min(block.p for block in null) > 0.05


def test_blocks_of_a_sequence_run_through_the_network(enc):
    seen = []
    blocks = dx.dependency_map(enc, BASES, (0, 6)).blocks(
        copies=2, progress=lambda *n: seen.append(n)
    )
    assert seen == [(1, 2), (2, 2)]
    assert blocks.copies == 2
    with pytest.raises(InputError, match="at least 1"):
        dx.dependency_map(enc, BASES, (0, 1)).blocks(copies=0)


def test_of_a_sequence_too_short_for_neighbours_there_is_no_block_and_no_warning(enc):
    found = dx.dependency_map(enc, "ACGTACGT")
    with warnings.catch_warnings(action="error"):
        assert len(found.blocks(copies=2)) == 0
