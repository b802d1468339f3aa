"""Result files of fine-tuning: sealed, and told by name where they are damaged."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dnabert2_explore.errors import InputError
from dnabert2_explore.training.finetune import FinetuneResult
from dnabert2_explore.training.labelled.leakage import LeakageReport
from dnabert2_explore.training.scores.metrics import score


@pytest.fixture
def result(tmp_path):
    labels = np.arange(40) % 2
    outputs = np.eye(2)[(labels + (np.arange(40) % 7 == 0)) % 2]
    scores = score("classification", labels, outputs, ("no", "yes"), bootstrap=10)
    made = FinetuneResult(
        task="classification",
        classes=("no", "yes"),
        best_step=4,
        steps=8,
        seconds=2.5,
        stopped=False,
        dev=scores,
        test=scores,
        leakage=LeakageReport(()),
        sequences={"train": 40, "dev": 40, "test": 40},
        notes=("a note",),
        model=tmp_path / "model",
    )
    made.save(tmp_path, config={"seed": 1})
    return made


def test_it_is_read_as_it_was_written(result, tmp_path):
    assert FinetuneResult.load(tmp_path) == result
    content = json.loads((tmp_path / "result.json").read_text())
    assert content["config"] == {"seed": 1}
    del content["digest"]  # as earlier versions wrote
    (tmp_path / "result.json").write_text(json.dumps(content))
    assert FinetuneResult.load(tmp_path) == result


def test_a_flipped_bit_is_refused_or_changes_nothing(result, tmp_path):
    path = tmp_path / "result.json"
    whole = path.read_bytes()
    silent = []
    for bit in np.random.default_rng(0).integers(8 * len(whole), size=300).tolist():
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
        try:
            silent += [] if FinetuneResult.load(tmp_path) == result else [bit]
        except InputError:
            continue
    assert silent == []


JUNK = (None, 5, -1.5, "x", [], ["a", 1], {}, {"a": None}, True)


def test_damage_without_a_digest_is_told_with_the_name(result, tmp_path):
    path = tmp_path / "result.json"
    whole = json.loads(path.read_text())
    del whole["digest"]
    for name in whole:
        for junk in JUNK:
            path.write_text(json.dumps(whole | {name: junk}))
            try:
                str(FinetuneResult.load(tmp_path))
            except InputError as error:
                assert "result.json" in str(error)  # noqa: PT017
    with pytest.raises(InputError, match=r"nowhere/result\.json cannot be read"):
        FinetuneResult.load(tmp_path / "nowhere")
