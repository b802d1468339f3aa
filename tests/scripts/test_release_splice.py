"""The script that made the shipped classifier still runs, on a few rows of its data."""

from __future__ import annotations

import csv
import json
import runpy
import sys
from pathlib import Path

import dnabert2_explore
from dnabert2_explore import load

DATA = Path(dnabert2_explore.__file__).parent / "data" / "splice.csv"
SCRIPT = Path(__file__).parents[2] / "scripts" / "release_splice.py"


def test_trains_exports_and_describes(tmp_path, monkeypatch, capsys):
    with DATA.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    for number, split in enumerate(("train", "dev", "test")):
        with (tmp_path / f"{split}.csv").open("w", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows[number:240:3])
    splits = {name: {"chromosomes": [name]} for name in ("train", "dev", "test")}
    (tmp_path / "summary.json").write_text(json.dumps({"package": "p", "splits": splits}))
    settings = {name: str(tmp_path / f"{name}.csv") for name in ("train", "dev", "test")}
    settings |= {"model": "scratch:2x64", "out": str(tmp_path / "run"), "max_steps": 2}
    settings |= {"threads": 1, "bootstrap": 20, "anchor": "middle", "segmentations": 1}
    (tmp_path / "c.yaml").write_text(json.dumps(settings))
    out = tmp_path / "model"
    monkeypatch.setattr(sys, "argv", [SCRIPT.name, str(tmp_path / "c.yaml"), "--out", str(out)])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    scores = json.loads((out / "scores.json").read_text())
    assert scores["steps"] == 2
    card = (out / "MODEL_CARD.md").read_text()
    for one in (scores["test"], scores["random_weights"], *scores["baselines"].values()):
        assert f"{one['mcc']:.3f}" in card
    assert {"kmer", "position_weights"} <= set(scores["baselines"])
    assert "**pocket-splice**" in capsys.readouterr().out
    made = load(out)
    assert set(made.classes) == {"acceptor", "donor", "neither"}
    assert made.config.anchor == "middle"
