"""docs/attribution.md tells what benchmarks/planted.py found, and the package reads the same."""

from __future__ import annotations

import json
import re
import runpy
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from dnabert2_explore.analysis.attribution import METHODS
from dnabert2_explore.analysis.attribution.trust.checks import CHECKS, thresholds

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def results() -> dict:
    return json.loads((ROOT / "benchmarks/results/planted.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def rows() -> list[str]:
    """Rows of the page's tables."""
    page = (ROOT / "docs/attribution.md").read_text(encoding="utf-8")
    return [line for line in page.splitlines() if line.startswith("|")]


@pytest.fixture(scope="module")
def script() -> dict:
    """What benchmarks/scorecard_rates.py defines."""
    return runpy.run_path(str(ROOT / "benchmarks/scorecard_rates.py"))


def test_the_package_has_the_published_calibration(results) -> None:
    assert results["calibration"]["thresholds"] == thresholds()
    of_attributions = [name for name in CHECKS if name != "skill"]
    assert list(results["cards"][0])[1 : 1 + len(of_attributions)] == of_attributions
    place = files("dnabert2_explore.analysis.attribution.trust") / "calibration.json"
    assert json.loads(place.read_text(encoding="utf-8")) == results["calibration"]


def test_the_null_of_the_motif_pipeline_is_that_of_its_file() -> None:
    script = runpy.run_path(str(ROOT / "benchmarks/motif_null.py"))
    content = json.loads(script["RESULT"].read_text(encoding="utf-8"))
    page = (ROOT / "docs/attribution.md").read_text(encoding="utf-8")
    assert script["markdown"](content["sets"]) in page
    for one in content["sets"].values():
        for run in one["replicates"]:  # the best match is the least of all q-values that are kept
            found = [match["q"] for pattern in run["patterns"] for match in pattern["matches"]["6"]]
            assert script["best"](run)[0] == min(found) if found else not run["patterns"]


def test_the_bases_of_splice_sites_are_those_of_their_file() -> None:
    path = ROOT / "benchmarks/results/splice_profile.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    page = (ROOT / "docs/attribution.md").read_text(encoding="utf-8")
    said = " ".join(page.partition("**Splice sites**")[2].split())
    donor, acceptor = found["donor"], found["acceptor"]
    assert f"In {donor['recognised']} donors" in said
    assert f"In {acceptor['recognised']} acceptors" in said

    def number(site, place, base) -> str:
        return f"{site['mean'][str(place)][base]:.2f}"

    first = [number(donor, place, base) for place, base in
             ((1, "G"), (2, "T"), (3, "A"), (3, "G"), (4, "A"), (5, "G"), (6, "T"))]  # fmt: skip
    words = "G {}, T {}, then A {} or G {}, A {}, G {}, T {}".format(*first)
    assert words in said
    last = [number(acceptor, place, base) for place, base in ((-3, "C"), (-2, "A"), (-1, "G"))]
    assert "C {}, A {}, G {};".format(*last) in said
    branch = [
        acceptor["mean"][str(place)][base]
        for place, base in zip(range(-16, -10), "CTTAAC", strict=True)
    ]
    strongest = [max(acceptor["mean"][str(place)].values()) for place in range(-16, -10)]
    words = f"C T T A A C at {min(strongest):.2f} to {max(strongest):.2f}"
    assert words in said
    assert branch == strongest


def label(title: str) -> str:
    """What the page calls a case of the benchmark."""
    method, *settings = title.split(", ")
    given = dict(one.split("=") for one in settings)
    steps = "n_steps" in given or method in ("layer_integrated_gradients", "layer_conductance")
    words = [
        f"from {given['baseline']}" if "baseline" in given else "",
        "spread mutagenesis" if given.get("spread") == "mutagenesis" else "",
        f"{given.get('n_steps', 200)} steps" if steps else "",
        f"noise tunnel, {given['noise_samples']} samples" if "noise_samples" in given else "",
    ]
    told = ", ".join(filter(None, words))
    name = METHODS[method].title + (f" ({told})" if told else "")
    return f"{name}, both strands" if "strands" in given else name


def test_the_page_has_the_table_of_the_shipped_model(monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    script = runpy.run_path(str(ROOT / "benchmarks/planted_shipped.py"))
    found = json.loads((ROOT / "benchmarks/results/planted_shipped.json").read_text("utf-8"))
    page = (ROOT / "docs/attribution.md").read_text(encoding="utf-8")
    told = page.split("<!-- shipped -->")[1].split("<!-- /shipped -->")[0]
    assert told.strip() == script["table"](found)


def test_every_method_has_its_row(results, rows) -> None:
    told = [row for row in rows if re.search(r"\d \(0\.\d{3}–0\.\d{3}\) \|$", row)]
    expected = set()
    for title, by_motif in results["methods"].items():
        cells = [f"{o['auroc']:.3f} ({o['low']:.3f}–{o['high']:.3f})" for o in by_motif.values()]
        expected.add(f"| {' | '.join([label(title), *cells])} |")
    assert set(told) == expected
    assert len(told) == len(expected)


def test_models_are_described_as_they_are(results, rows) -> None:
    scores = " | ".join(f"{one['test_mcc']:.3f}" for one in results["motifs"].values())
    assert f"| MCC of the model on test | {scores} |" in rows
    rules = [one["rules_test_mcc"]["kmer"] for one in results["motifs"].values()]
    assert (
        f"| MCC of 4-mers on test, both strands | {' | '.join(f'{r:.3f}' for r in rules)} |" in rows
    )
    gains = [one["test_mcc"] for one in results["motifs"].values()] - np.array(rules)
    assert (round(min(gains), 2), round(max(gains), 2)) == (0.02, 0.06)


def test_thresholds_and_rates_are_those_of_the_cards(results, script) -> None:
    rows = script["numbered"](results["cards"])
    split = script["parts"](rows)
    limits = script["calibrate"](split["dev"])
    assert limits == thresholds()
    for part, some in split.items():
        assert script["rates"](some, limits) == results["calibration"]["rates"][part]


def test_the_page_has_the_tables_of_the_cards(results, script) -> None:
    page = (ROOT / "docs/attribution.md").read_text(encoding="utf-8")
    begin, end = script["MARKS"]
    assert page.split(begin)[1].split(end)[0].strip() == script["tables"](results).strip()


def test_shares_and_their_intervals_by_hand(results, script) -> None:
    # Without a bootstrap: of trained networks on test, good ones among those that pass.
    rows = [
        row for row in script["numbered"](results["cards"])
        if row["network"] == "trained" and row["part"] == "test" and row["motif"] != "E2F7"
    ]  # fmt: skip
    limits = thresholds()

    def passes(row) -> bool:
        return all(
            row[name] is None
            or (row[name] <= limits[name] if info.most else row[name] >= limits[name])
            for name, info in CHECKS.items()
            if info.judges and name != "planted"
        )

    passed = [row for row in rows if passes(row)]
    good = sum(row["planted"] >= 0.9 for row in passed) / len(passed)
    assert (len(rows), len(passed)) == (424, 314)
    assert good == pytest.approx(0.56, abs=0.005)
    # Cards of one sequence go together: a group of one sequence has no width.
    one = [row for row in rows if row["sequence"] == rows[0]["sequence"]]
    found = script["share"](one, passes)
    assert found["sequences"] == 1
    assert found["low"] == found["high"] == found["share"]

    def is_good(row) -> bool:
        return row["planted"] >= 0.9

    whole = script["share"](rows, is_good)
    assert whole["sequences"] == 32
    alone = [row | {"sequence": number} for number, row in enumerate(rows)]
    each = script["share"](alone, is_good)
    assert whole["share"] == each["share"]
    assert whole["high"] - whole["low"] > 1.5 * (each["high"] - each["low"])  # no 424 observations


def test_random_weights_hardly_tell_networks_apart(results) -> None:
    cards = [
        card
        for card in results["cards"]
        if card["motif"] == "NFE2"
        and card["network"] in ("trained", "random weights")
        and card["randomised_weights"] is not None
    ]
    labels = [card["network"] == "random weights" for card in cards]
    area = roc_auc_score(labels, [card["randomised_weights"] for card in cards])
    assert area == pytest.approx(0.54, abs=0.005)
    page = (ROOT / "docs/attribution.md").read_text(encoding="utf-8")
    assert "told apart with an AUROC of 0.54" in page
