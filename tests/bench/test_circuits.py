"""The bench of circuits: its sequences are what they say, and its page tells what it found."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from dnabert2_explore.sequences import reverse_complement

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def scripts():
    """Import the bench's modules as its own folder sees them."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import circuits
        import grammars
        import pair_scores
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))
    return circuits, grammars, pair_scores


@pytest.mark.parametrize("grammar", ["orientation", "order", "spacing"])
def test_both_classes_have_both_sites_and_keep_or_break_the_grammar(scripts, grammar):
    circuits, grammars, _ = scripts
    words = circuits.words()
    rng, size = np.random.default_rng(0), grammars.SIZES[grammar]
    backgrounds = ["".join(rng.choice(list("ACGT"), size)) for _ in range(400)]
    made = grammars.sentences(grammar, backgrounds, words, seed=1)
    assert [one.label for one in made[:2]] == ["kept", "broken"]
    for one in made:
        for (start, end), word, strand in zip(
            (one.first, one.second), words, one.strands, strict=True
        ):
            site = one.bases[start:end]
            assert (site if strand > 0 else reverse_complement(site)) == word
        kept = one.label == "kept"
        gap = max(one.first[0], one.second[0]) - min(one.first[1], one.second[1])
        truth = {
            "orientation": (one.strands[0] == one.strands[1]) == kept,
            "order": (one.first < one.second) == kept,
            "spacing": (3 <= gap <= 10) if kept else (28 <= gap <= 36),
        }
        assert truth[grammar]
        assert 3 <= gap <= 36  # no 4-mer sees both; within 100 bp of each other
        assert len(one.bases) == size
    # Either motif alone is on either strand as often in both classes.
    counts = Counter((one.label, strand) for one in made for strand in one.strands)
    assert max(counts.values()) < 1.25 * min(counts.values())


@pytest.mark.parametrize("gaps", [(3, 10), (28, 36)])
def test_either_site_stands_anywhere_as_often(scripts, gaps):
    _, grammars, _ = scripts
    chances = grammars.evenly(grammars.SIZES["spacing"], (13, 10), gaps)
    for axis, count in enumerate(chances.shape):
        np.testing.assert_allclose(chances.sum(axis=1 - axis), 1 / count, rtol=1e-3)
    for a, b in np.argwhere(chances):
        assert gaps[0] <= max(b - a - 13, a - b - 10) <= gaps[1]


def test_areas_are_those_of_scikit_learn(scripts):
    _, _, pair_scores = scripts
    rng = np.random.default_rng(2)
    role = np.array([-1, 0, 1, 1, 0, 0, 2, 0, 2, 0, -1])
    scores = rng.integers(0, 6, (11, 11)).astype(float)
    scores = scores + scores.T
    found = pair_scores.recovered(scores, role)
    pairs = [(i, j) for i in range(11) for j in range(i + 1, 11) if min(role[i], role[j]) >= 0]
    truth = {(i, j): {role[i], role[j]} == {1, 2} for i, j in pairs}
    others = [p for p in pairs if not truth[p] and 0 in (role[p[0]], role[p[1]])]
    planted = [p for p in pairs if truth[p]]

    def area(low: list[tuple[int, int]], high: list[tuple[int, int]]) -> float:
        labels = [1] * len(high) + [0] * len(low)
        return roc_auc_score(labels, [scores[p] for p in [*high, *low]])

    assert found["all"] == pytest.approx(area(others, planted))
    one_end = [p for p in others if role[p[0]] or role[p[1]]]
    assert found["one_end"] == pytest.approx(area(one_end, planted))
    near = [
        area(like, [p])
        for p in planted
        if (like := [q for q in others if q[1] - q[0] == p[1] - p[0]])
    ]
    assert found["same_distance"] == pytest.approx(np.mean(near))
    assert found["chance"] == pytest.approx(len(planted) / len(planted + others))


def test_the_page_has_the_table_of_the_results(scripts):
    circuits, _, _ = scripts
    results = json.loads((ROOT / "benchmarks/results/circuits.json").read_text("utf-8"))
    page = (ROOT / "docs/circuits.md").read_text(encoding="utf-8")
    told = page.split("<!-- circuits -->")[1].split("<!-- /circuits -->")[0]
    assert told.strip() == circuits.table(results)
    for one in results["grammars"].values():
        assert min(one["test_mcc"]) >= 0.9
        assert max(map(abs, one["rules_test_mcc"].values())) < 0.1
        assert abs(one["one_site_mcc"]) < 0.1


@pytest.mark.parametrize("grammar", ["orientation", "order", "spacing"])
def test_where_one_site_stands_does_not_give_the_class_away(scripts, grammar):
    circuits, _, _ = scripts
    results = json.loads((ROOT / "benchmarks/results/circuits.json").read_text("utf-8"))
    found = circuits.measure_one_site(grammar)
    assert abs(found) < 0.1
    assert found == pytest.approx(results["grammars"][grammar]["one_site_mcc"])
