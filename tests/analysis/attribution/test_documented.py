"""docs/attribution.md tells what benchmarks/planted.py found, and the package reads the same."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from dnabert2_explore.analysis.attribution import METHODS
from dnabert2_explore.analysis.attribution.checks import CHECKS, thresholds

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def results() -> dict:
    return json.loads((ROOT / "benchmarks/results/planted.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def rows() -> list[str]:
    """Rows of the page's tables."""
    page = (ROOT / "docs/attribution.md").read_text(encoding="utf-8")
    return [line for line in page.splitlines() if line.startswith("|")]


def test_the_package_has_the_published_calibration(results) -> None:
    assert results["calibration"]["thresholds"] == thresholds()
    assert list(results["cards"][0])[1 : 1 + len(CHECKS)] == list(CHECKS)


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


def test_thresholds_and_rates_are_those_of_the_calibration(results, rows) -> None:
    limits = [
        f"at {'most' if info.most else 'least'} {thresholds()[name]:g}"
        for name, info in CHECKS.items()
    ]
    assert f"| threshold | {' | '.join(limits)} |" in rows
    names = [name for name in CHECKS if name != "planted"]
    for part, groups in results["calibration"]["rates"].items():
        for group, told in groups.items():
            if told["count"]:
                shares = " | ".join(f"{told['flagged_by'][name]:.0%}" for name in names)
                expected = (
                    f"| {part}, {group} | {told['count']} | **{told['flagged']:.0%}** | {shares} |"
                )
                assert expected in rows
