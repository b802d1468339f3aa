"""The audit: on a set made of shuffles, and the page against its result file."""

from __future__ import annotations

import csv
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef

from dnabert2_explore.errors import InputError
from dnabert2_explore.sequences.shuffle import shuffle_dinucleotides
from dnabert2_explore.training.gue import audit, read_audit
from dnabert2_explore.training.gue.results import decode, encode
from dnabert2_explore.training.scores.metrics import Estimate

ROOT = Path(__file__).resolve().parents[3]
RESULT, PAGE = ROOT / "benchmarks/results/gue_audit.json", ROOT / "docs/gue-audit.md"


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as handle:
        csv.writer(handle).writerows([("sequence", "label"), *rows])


def random_bases(rng, length=60):
    return "".join(rng.choice(list("ACGT"), size=length))


@pytest.fixture
def data(tmp_path):
    """mouse_3 of positives and their shuffles; H3 without train and without relation."""
    rng = np.random.default_rng(0)
    positives = [random_bases(rng) for _ in range(90)]
    negatives = [shuffle_dinucleotides(text, rng) for text in positives]
    train, dev, test = [], [], []
    for i, pair in enumerate(zip(negatives, positives, strict=True)):
        here, there = (train, test) if i % 3 == 0 else (train, dev) if i % 3 == 1 else (dev, test)
        label = int(rng.integers(2))
        here.append((pair[label], label))
        there.append((pair[1 - label], 1 - label))
    fresh = [(random_bases(rng), i % 2) for i in range(30)]
    copied = train[0]
    for split, rows in (("train", train), ("dev", dev), ("test", [*test, *fresh, copied])):
        write(tmp_path / "GUE/mouse/3" / f"{split}.csv", rows)
    for split in ("dev", "test"):
        rows = [(random_bases(rng), i % 2) for i in range(40)]
        write(tmp_path / "GUE/EMP/H3" / f"{split}.csv", rows)
    return tmp_path / "GUE"


def test_shuffles_are_found(data):
    found = audit(data)
    assert list(found.datasets) == ["H3", "mouse_3"]
    one = found.datasets["mouse_3"]
    # The copy's counterpart is in test itself.
    assert (one.test, one.twins, one.opposite) == (91, 60, 60)
    assert (one.duplicates, one.near_duplicates, one.clean) == (1, 0, 30)
    assert one.best_rule == "twins"
    assert one.verdict == "fail"
    assert "60 of 91 test sequences have a composition twin in train or dev" in str(one)
    assert math.isclose(one.twin_rule_mcc, one.rules["twins"].score.value)
    right = decode(one.rules["twins"].predicted) == decode(one.labels)
    assert right[:60].all()
    other = found.datasets["H3"]
    assert (other.state, other.twins, other.verdict, other.dev_duplicates) == (
        "reduced",
        0,
        "pass",
        0,
    )
    assert set(other.rows) == {"dev", "test"}


def test_models_stand_beside_the_best_rule(data, make_run, tmp_path):
    labels = decode(audit(data, ["mouse_3"]).datasets["mouse_3"].labels)
    answers = labels.copy()
    answers[::3] = 1 - answers[::3]
    run = make_run("mouse_3", labels=encode(labels), predicted=encode(answers))
    found = audit(data, ["mouse_3"], [run])
    one = found.datasets["mouse_3"]
    score = one.runs["mine"]
    assert score.score.value == pytest.approx(matthews_corrcoef(labels, answers))
    rule = one.rules[one.best_rule].score.value
    assert score.minus_rule.value == pytest.approx(score.score.value - rule)
    assert score.minus_rule.high < 0
    kept = decode(one.kept).astype(bool)
    assert score.cleaned.value == pytest.approx(matthews_corrcoef(labels[kept], answers[kept]))
    path = tmp_path / "audit.json"
    found.save(path)
    assert read_audit(path).datasets["mouse_3"].to_json() == one.to_json()
    assert json.loads(path.read_text())["datasets"]["mouse_3"]["twins"] == 60
    text = found.markdown()
    assert "| mouse_3 | mine |" in text
    assert "**fail**" in text
    with pytest.raises(InputError, match="of another test file"):
        audit(data, ["mouse_3"], [make_run("mouse_3")])


def test_negatives_with_segments_in_place_are_found(tmp_path):
    rng = np.random.default_rng(0)
    splits = {"train": [], "dev": [], "test": []}
    for i in range(120):
        text = random_bases(rng, 75)
        mine = (text[:30] + random_bases(rng, 45), 0), (text, 1)
        label = int(rng.integers(2))
        splits["train"].append(mine[label])
        splits["test" if i % 2 else "dev"].append(mine[1 - label])
    for split, rows in splits.items():
        write(tmp_path / "GUE/prom/prom_core_tata" / f"{split}.csv", rows)
    one = audit(tmp_path / "GUE").datasets["prom_core_tata"]
    assert (one.positional, one.positional_opposite, one.clean) == (60, 60, 0)
    assert (one.verdict, one.best_rule) == ("fail", "positional")
    assert "60 of 60 test sequences have a positional twin in train or dev" in str(one)
    assert one.linted is None


def test_seqleak_gives_a_second_opinion(data, tmp_path):
    pytest.importorskip("seqleak", reason="seqleak, the extra [audit], is not installed")
    found = audit(data, ["mouse_3"], rules=("majority",), seqleak=True)
    one = found.datasets["mouse_3"].linted
    assert one.verdict == "fail"
    assert one.fail["construction.shuffle"] == pytest.approx(60 / 91, abs=0.03)
    found.save(tmp_path / "audit.json")
    assert read_audit(tmp_path / "audit.json").datasets["mouse_3"].linted == one
    assert "construction.shuffle" in found.markdown()


def test_seqleak_is_asked_for_by_name_where_it_is_missing(data, monkeypatch):
    monkeypatch.setitem(sys.modules, "seqleak", None)
    with pytest.raises(InputError, match=r"seqleak is not installed.*\[audit\]"):
        audit(data, ["mouse_3"], rules=("majority",), seqleak=True)


def test_what_cannot_be_audited(data, tmp_path):
    with pytest.raises(InputError, match="no rule 'cnn'"):
        audit(data, rules=("cnn",))
    with pytest.raises(InputError, match=r"tf_2.*expected dev\.csv and test\.csv"):
        audit(data, ["tf_2"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no dataset of GUE"):
        audit(tmp_path / "empty")
    path = tmp_path / "x.json"
    path.write_text("{}")
    with pytest.raises(InputError, match=r"x\.json is no audit"):
        read_audit(path)
    path.write_text('{"format": 2, "datasets": {"H3": {}}}')
    with pytest.raises(InputError, match=r"x\.json lacks"):
        read_audit(path)


def test_progress_is_told(data):
    seen = []
    audit(data, rules=("majority",), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


needs_file = pytest.mark.skipif(not RESULT.is_file(), reason="not a checkout")


@needs_file
def test_the_page_is_what_the_file_says():
    assert read_audit(RESULT).markdown().strip() in PAGE.read_text(encoding="utf-8")


@needs_file
def test_the_files_scores_are_those_of_its_answers():
    found = read_audit(RESULT)
    for one in found.datasets.values():
        labels, kept = decode(one.labels), decode(one.kept).astype(bool)
        assert (len(labels), kept.sum()) == (one.test, one.clean)
        for rule in one.rules.values():
            answers = decode(rule.predicted)
            assert rule.score.value == pytest.approx(matthews_corrcoef(labels, answers))
            if not math.isnan(rule.cleaned.value):
                mcc = matthews_corrcoef(labels[kept], answers[kept])
                assert rule.cleaned.value == pytest.approx(mcc)
        best = one.rules[one.best_rule].score.value
        assert best == max(rule.score.value for rule in one.rules.values())
        for run in one.runs.values():
            assert isinstance(run.minus_rule, Estimate)
            assert run.minus_rule.value == pytest.approx(run.score.value - best)


@needs_file
@pytest.mark.parametrize("name", ["prom_core_all", "prom_core_notata"])
def test_the_sets_with_replaced_segments(name):
    one = read_audit(RESULT).datasets[name]
    # seqleak 0.4.1, with other words and limits: 0.672 and 0.738 of test, MCC 0.654 and 0.717.
    share, mcc = {"prom_core_all": (0.672, 0.654), "prom_core_notata": (0.738, 0.717)}[name]
    assert one.positional / one.test == pytest.approx(share, abs=0.02)
    assert one.rules["positional"].score.value == pytest.approx(mcc, abs=0.02)
    assert one.positional_opposite / one.positional > 0.9
    assert one.verdict == "fail"
    assert "construction.segment" in one.linted.fail


@needs_file
@pytest.mark.parametrize(
    ("name", "twins", "test", "mcc"),  # measured apart from this package: shared/notes/gue.md
    [("mouse_0", 0.91, 810, 0.910), ("mouse_2", 0.91, 328, 0.918), ("mouse_3", 0.85, 239, 0.859)],
)
def test_the_sets_that_a_rule_wins(name, twins, test, mcc):
    one = read_audit(RESULT).datasets[name]
    assert one.test == test
    assert one.twins / one.test == pytest.approx(twins, abs=0.005)
    assert one.opposite == one.twins
    assert one.twin_rule_mcc == pytest.approx(mcc, abs=0.0005)
    assert one.verdict == "fail"
