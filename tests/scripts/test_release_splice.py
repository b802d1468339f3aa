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
    settings |= {"model": "pocket", "out": str(tmp_path / "run"), "max_steps": 2, "threads": 1}
    (tmp_path / "c.yaml").write_text(json.dumps(settings | {"bootstrap": 0, "max_tokens": 30}))
    out = tmp_path / "model"
    monkeypatch.setattr(sys, "argv", [SCRIPT.name, str(tmp_path / "c.yaml"), "--out", str(out)])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    scores = json.loads((out / "scores.json").read_text())
    assert scores["steps"] == 2
    assert abs(scores["test"]["loss"] - scores["test_float16"]["loss"]) < 0.01
    card = (out / "MODEL_CARD.md").read_text()
    assert f"{scores['baselines']['position_weights']['mcc']:.3f}" in card
    assert "**pocket-splice**" in capsys.readouterr().out
    assert set(load(out).classes) == {"acceptor", "donor", "neither"}
