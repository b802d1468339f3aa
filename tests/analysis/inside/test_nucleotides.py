"""The nucleotide lens against a listing of all segmentations, and what it writes."""

import copy
import itertools

import numpy as np
import pytest
import torch

import dnabert2_explore as dx
from dnabert2_explore import InputError, Sequence
from dnabert2_explore.analysis.inside.fillings import Fillings
from dnabert2_explore.analysis.variants.segments import Vocabulary
from dnabert2_explore.encoder.loading.twin import random_twin
from dnabert2_explore.sequences import UnknownBasesWarning

BASES = "ACGTTGCATTAGCATGCAATGGCTAGCTTAGCGGATATAAAGGC"


@pytest.fixture(scope="module")
def enc():
    return dx.load("pocket", cache=False)


def compositions(total, parts):
    """All ways to write `total` as a sum of `parts` positive numbers, in order."""
    for cuts in itertools.combinations(range(1, total), parts - 1):
        yield np.diff([0, *cuts, total])


def brute_force(enc, bases, first, last):
    """Every number of masks, every segmentation, every entry: float64, written plainly."""
    network = copy.deepcopy(enc.network).double()
    tokens = enc.tokenize(bases)
    start, end = tokens.spans[first, 0], tokens.spans[last - 1, 1]
    n = end - start
    entries = [(t, i) for t, i in enc.tokenizer.vocabulary.items() if set(t) <= set("ACGT")]
    summed = np.zeros((n, 4))
    for k in range(1, n + 1):
        ids = [*tokens.ids[:first], *[enc.tokenizer.mask_id] * k, *tokens.ids[last:]]
        with torch.no_grad():
            rows = network(torch.tensor(ids)[None]).logits[0, first : first + k].softmax(-1)
        rows = rows.numpy()
        # of_length[j][l]: what the entries of l bases have at mask j, in all and by their bases.
        of_length = [{} for _ in range(k)]
        for text, index in entries:
            for j in range(k):
                whole, letters = of_length[j].get(len(text), (0.0, np.zeros((len(text), 4))))
                letters[range(len(text)), ["ACGT".index(c) for c in text]] += rows[j, index]
                of_length[j][len(text)] = whole + rows[j, index], letters
        for sizes in compositions(n, k):
            if any(size not in of_length[j] for j, size in enumerate(sizes)):
                continue
            at = 0
            for j, size in enumerate(sizes):
                others = np.prod(
                    [of_length[i][other][0] for i, other in enumerate(sizes) if i != j]
                )
                summed[at : at + size] += others * of_length[j][size][1]
                at += size
    return summed / summed.sum(axis=1, keepdims=True), (start, end)


def test_twelve_bases_equal_the_sum_over_all_segmentations(enc):
    tokens = enc.tokenize(BASES)
    # Neighbouring tokens of up to 12 bases together.
    (first, last) = max(
        (
            (a, b)
            for a in range(1, len(tokens) - 1)
            for b in range(a + 1, len(tokens))
            if tokens.spans[b - 1, 1] - tokens.spans[a, 0] <= 12
        ),
        key=lambda pair: tokens.spans[pair[1] - 1, 1] - tokens.spans[pair[0], 0],
    )
    truth, region = brute_force(enc, BASES, first, last)
    assert 10 <= region[1] - region[0] <= 12
    found = dx.nucleotide_probabilities(enc, BASES, tuple(map(int, region)), width=12)
    assert found.spans.tolist() == [[*region]]
    np.testing.assert_allclose(found.probabilities, truth, rtol=2e-3, atol=1e-6)
    np.testing.assert_allclose(
        found.entropy, -(truth * np.log2(truth)).sum(axis=1), rtol=2e-3, atol=1e-5
    )


def test_sums_equal_a_listing_of_every_filling(enc):
    fillings = Fillings(Vocabulary(enc.tokenizer))
    entries = {i: t for t, i in enc.tokenizer.vocabulary.items() if set(t) <= set("ACGT")}
    logs = np.log(np.random.default_rng(0).dirichlet(np.ones(len(enc.tokenizer)), 2))
    by_base, total = fillings.sums(logs, 3)
    short = [(i, t) for i, t in entries.items() if len(t) < 3]
    truth, whole = np.zeros((3, 4)), 0.0
    for (i, a), (j, b) in itertools.product(short, short):
        if len(a + b) == 3:
            p = np.exp(logs[0, i] + logs[1, j])
            whole += p
            for place, base in enumerate(a + b):
                truth[place, "ACGT".index(base)] += p
    assert whole > 0
    assert total == pytest.approx(whole)
    np.testing.assert_allclose(by_base, truth)
    assert fillings.masks(3) == range(1, 4)
    assert fillings.sums(logs[:1], 3 * fillings.longest)[1] == 0  # too long for one entry


def test_numbers_and_nulls(enc):
    seen = []
    found = dx.nucleotide_probabilities(
        enc, BASES, (5, 20), twin=True, progress=lambda *n: seen.append(n)
    )
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1]
    assert found.probabilities.shape == (15, 4)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-5)
    codes = ["ACGT".index(base) for base in BASES[5:20]]
    np.testing.assert_array_equal(found.true, found.probabilities[range(15), codes])
    assert found.nats == pytest.approx(-np.log(found.true.astype(float)).mean(), rel=1e-5)
    shares = np.bincount(codes, minlength=4) / 15
    assert found.composition_nats == pytest.approx(-(shares * np.log(shares)).sum())
    alone = dx.nucleotide_probabilities(random_twin(enc), BASES, (5, 20))
    np.testing.assert_allclose(found.twin.probabilities, alone.probabilities, rtol=1e-4)
    assert "untrained" in repr(found)
    assert "masks are taken as independent" in found.how
    table = found.table()
    assert list(table.position) == list(range(5, 20))
    assert "".join(table.base) == BASES[5:20]
    assert {"entropy", "true", "twin_true", *"ACGT"} <= set(table.columns)


@pytest.mark.filterwarnings("ignore::dnabert2_explore.sequences.UnknownBasesWarning")
def test_white_space_and_unknown_bases_have_no_probabilities(enc):
    text = "acgu NTTGC" + BASES
    found = dx.nucleotide_probabilities(enc, text, (0, 12))
    assert np.isnan(found.probabilities[4:6]).all()
    assert not np.isnan(found.probabilities[[0, 1, 2, 3, 6, 7]]).any()
    plain = dx.nucleotide_probabilities(enc, "ACGTNTTGC" + BASES, (0, 11))
    np.testing.assert_allclose(
        np.delete(found.probabilities, 4, axis=0), plain.probabilities, rtol=1e-3
    )


def test_tracks_are_written_where_the_sequence_lies(enc, tmp_path):
    pybigtools = pytest.importorskip("pybigtools")
    placed = Sequence(f"chr7:1001-{1000 + len(BASES)}", BASES)
    found = dx.nucleotide_probabilities(enc, placed, (5, 9))
    found.write(tmp_path / "entropy.bw")
    with pybigtools.open(str(tmp_path / "entropy.bw")) as track:
        rows = list(track.records("chr7"))
    assert [row[0] for row in rows] == [1005, 1006, 1007, 1008]
    np.testing.assert_allclose([row[2] for row in rows], found.entropy, rtol=1e-5)
    found.write(tmp_path / "a.bedgraph", what="A")
    lines = (tmp_path / "a.bedgraph").read_text().splitlines()[1:]
    assert [float(line.split("\t")[3]) for line in lines] == pytest.approx(
        found.probabilities[:, 0], rel=1e-4
    )
    np.testing.assert_allclose(found.track("information")[5:9], 2 - found.entropy)
    with pytest.raises(InputError, match="'gc' is unknown"):
        found.track("gc")
    with pytest.raises(InputError, match="that ends in"):
        found.write(tmp_path / "entropy.txt")


def test_what_cannot_be_asked_is_refused(enc):
    with pytest.raises(InputError, match="has no masked-LM head"):
        dx.nucleotide_probabilities(dx.load("pocket-atlas"), BASES)
    with pytest.raises(InputError, match="not a stretch"):
        dx.nucleotide_probabilities(enc, BASES, (9, 9))
    with pytest.raises(InputError, match="at least 1 base"):
        dx.nucleotide_probabilities(enc, BASES, width=0)


def test_nothing_but_unknown_bases_is_said():
    enc = dx.load("pocket")
    with pytest.warns(UnknownBasesWarning), pytest.raises(InputError, match="hold no A, C, G or T"):
        dx.nucleotide_probabilities(enc, "N" * 30)
