"""Logs and descriptions of runs that were damaged are told with the name of the file."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dnabert2_explore.errors import InputError
from dnabert2_explore.widgets.training.runlog import read_run

LOG = """step,tokens,loss,learning_rate,gradient_norm,tokens_per_second,seconds,precision,accuracy
10,320,4.1,1e-3,0.5,900,1.5,float32,0.1
20,640,3.9,1e-3,0.4,910,2.9,float32,0.2
"""
EVALUATION = "step,species,loss,accuracy\n10,alpha,4.0,0.1\n"


@pytest.fixture
def run(tmp_path):
    (tmp_path / "log.csv").write_text(LOG)
    (tmp_path / "evaluation.csv").write_text(EVALUATION)
    (tmp_path / "run.json").write_text(json.dumps({"config": {"total_steps": 30}, "notes": ["a"]}))
    (tmp_path / "references.json").write_text(json.dumps({"token frequencies alone": 4.2}))
    return tmp_path


def test_a_whole_one(run):
    state = read_run(run)
    assert (state.step, state.steps, state.notes) == (20, 30, ("a",))
    assert state.references == {"token frequencies alone": 4.2}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("log.csv", LOG + "x,1\n", r"log\.csv, line 4: its 'step' is 'x' instead"),
        ("log.csv", LOG + "nan,1\n", "line 4: its 'step' is 'nan'"),
        ("log.csv", LOG.replace("step,", "steps,"), "line 2: its 'step' is 'None'"),
        ("log.csv", LOG.replace("910", "fast"), "'tokens_per_second' is 'fast'"),
        ("evaluation.csv", EVALUATION.replace("10,", ","), r"evaluation\.csv, line 2"),
        ("run.json", "{:", r"run\.json is no JSON"),
        ("run.json", "[]", "holds no JSON object"),
        ("run.json", '{"config": 5}', "describes no run"),
        ("run.json", '{"config": {"total_steps": "many"}}', "describes no run"),
        ("run.json", '{"notes": 5}', "describes no run"),
        ("references.json", '{"a": []}', r"references\.json holds no losses"),
    ],
)
def test_damage_is_told_in_a_sentence(run, name, text, words):
    (run / name).write_text(text)
    with pytest.raises(InputError, match=words):
        read_run(run)


def test_no_other_exception_gets_out(run):
    rng = np.random.default_rng(0)
    for name in ("log.csv", "evaluation.csv", "run.json", "references.json"):
        whole = (run / name).read_bytes()
        for _ in range(150):
            data = bytearray(whole)
            for place in rng.integers(len(data), size=rng.integers(1, 4)):
                data[place] = rng.integers(256)
            (run / name).write_bytes(data[: rng.integers(1, len(data) + 1)])
            try:
                read_run(run)
            except InputError as error:
                assert name in str(error)  # noqa: PT017
        (run / name).write_bytes(whole)
