"""A fine-tuning run that is killed anywhere goes on with the same call, and ends the same."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dnabert2_explore.errors import Cancelled, CheckpointError, ExploreWarning, InputError
from dnabert2_explore.results.plain import to_plain
from dnabert2_explore.training.finetune import (
    FinetuneConfig,
    FinetuneResult,
    finetune,
    keeping,
    run as run_module,
)

from .labelled import authors, read_csv, tiny_model, write_splits

#: Runs the configuration in argv[1], and ends itself with SIGKILL after step 13.
KILLED = """
import json, os, signal, sys
from pathlib import Path
from dnabert2_explore.training.finetune import FinetuneConfig, finetune

def progress(step, steps):
    if step == 13:
        os.kill(os.getpid(), signal.SIGKILL)

settings = json.loads(Path(sys.argv[1]).read_text())
config = FinetuneConfig(**settings | {"lora_targets": tuple(settings["lora_targets"])})
finetune(config, progress=progress)
"""


class Killed(BaseException):
    """Nothing catches it: what is on the disk then is what SIGKILL leaves between two writes."""


@pytest.fixture
def config(tokenizer_folder, tmp_path) -> FinetuneConfig:
    data = write_splits(tmp_path / "data", "classification")
    return authors(
        model=str(tiny_model(tmp_path / "base", tokenizer_folder)),
        **{split: str(data / f"{split}.csv") for split in ("train", "dev", "test")},
        out=str(tmp_path / "killed"),
        batch_size=16,
        max_steps=23,
        learning_rate=1e-2,
        warmup_steps=2,
        evaluate_every=5,
        threads=1,
        pooling="mean",
        bootstrap=0,
        check_leakage=False,
        checkpoint_minutes=1e-9,  # after every step
    )


def kill_at(config: FinetuneConfig, at: int) -> Path:
    def progress(step: int, steps: int) -> None:
        if step == at:
            raise Killed

    with pytest.raises(Killed):
        finetune(config, progress=progress)
    return Path(config.out)


def kill(config: FinetuneConfig, at: int) -> Path:
    """Kill a process of its own, after step 13."""
    path = Path(config.out).with_suffix(".json")
    path.write_text(json.dumps(dataclasses.asdict(config)))
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(path)],
        capture_output=True, text=True, timeout=300, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    return Path(config.out)


def rows(run: Path) -> list[dict[str, str]]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in read_csv(run / "log.csv")]


SMALL = {"average": 0.9, "embeddings": "composed", "segmentation": "random",
         "augment": "reverse_complement"}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "step"),
    [({}, 13), (SMALL, 17), ({"method": "lora"}, 4), ({"method": "probe"}, 20)],
    ids=["full", "small", "lora", "probe"],
)
def test_killed_and_called_again_equals_uninterrupted(config, tmp_path, change, step) -> None:
    config = dataclasses.replace(config, **change)
    whole = finetune(dataclasses.replace(config, out=str(tmp_path / "whole")))
    run = (kill if step == 13 else kill_at)(config, step)
    assert [one.name for one in (run / "checkpoints").iterdir()] == [f"step-{step - 1:07d}"]
    again = finetune(config)
    assert f"went on from step {step - 1} of a run" in " ".join(again.notes)
    assert again.best_step == whole.best_step
    assert to_plain([again.dev, again.test]) == to_plain([whole.dev, whole.test])
    for name in ("model/model.safetensors", "predictions.csv"):
        assert (run / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert rows(run) == rows(tmp_path / "whole")
    assert not (run / "checkpoints").exists()


def test_what_is_kept_is_of_the_checkpoint_until_there_is_better(config, tmp_path) -> None:
    """A model later than the checkpoint is not taken for the best of the steps before it."""
    run = kill_at(config, 9)
    kept = (run / "model/model.safetensors").read_bytes()
    later = kill_at(dataclasses.replace(config, out=str(tmp_path / "later")), 14)
    (later / "model/model.safetensors").replace(run / "model/model.safetensors")

    def cancel(step: int, steps: int) -> None:
        raise Cancelled("enough")

    result = finetune(config, progress=cancel)
    assert (result.best_step, result.steps, result.stopped) == (5, 9, True)
    assert (run / "model/model.safetensors").read_bytes() == kept


def test_other_settings_or_data_begin_anew_and_what_is_there_is_kept(config, tmp_path) -> None:
    whole = finetune(dataclasses.replace(config, out=str(tmp_path / "whole")))
    run = kill_at(config, 8)
    with pytest.warns(ExploreWarning, match=r"learning_rate: 0\.01 -> 0\.02\).* checkpoints-1\."):
        faster = finetune(dataclasses.replace(config, learning_rate=2e-2))
    assert not any("went on" in note for note in faster.notes)
    kill_at(config, 8)
    train = Path(config.train)
    text = train.read_text()
    train.write_text(text.replace("rich", "poor", 1))
    with pytest.warns(ExploreWarning, match=r"other settings \(other data\).* checkpoints-2\."):
        result = finetune(config)
    assert not any("went on" in note for note in result.notes)
    assert to_plain(FinetuneResult.load(run)) == to_plain(result)  # to == no NaN is another
    assert len(rows(run)) == 5
    # As the warning says: what was moved aside can be gone on with.
    train.write_text(text)
    own = tmp_path / "own"
    own.mkdir()
    (run / "checkpoints-1").rename(own / "checkpoints")
    again = finetune(dataclasses.replace(config, out=str(own)))
    assert any("went on from step 7" in note for note in again.notes)
    assert to_plain([again.dev, again.test]) == to_plain([whole.dev, whole.test])


def test_another_number_of_processes_begins_anew(config, monkeypatch) -> None:
    kill_at(config, 8)
    read = keeping.read_checkpoint

    def of_two(*given):
        state, saved = read(*given)
        return state, saved | {"random": saved["random"] * 2}

    monkeypatch.setattr(keeping, "read_checkpoint", of_two)
    with pytest.warns(ExploreWarning, match=r"processes: 2 -> 1\)"):
        finetune(config)
    assert (Path(config.out) / "checkpoints-1" / "step-0000007").is_dir()


@pytest.mark.parametrize(
    ("change", "steps"),
    [({}, 23), ({"method": "lora"}, 23), ({"patience": 1, "learning_rate": 0.5}, None)],
    ids=["full", "lora", "early"],
)
def test_a_run_killed_while_it_is_scored_does_not_train_again(
    config, tmp_path, monkeypatch, change, steps
) -> None:
    config = dataclasses.replace(config, checkpoint_minutes=10, **change)
    whole = finetune(dataclasses.replace(config, out=str(tmp_path / "whole")))
    assert whole.steps == steps if steps else whole.stopped
    score = run_module.final_scores

    def killed(*given):
        raise Killed

    monkeypatch.setattr(run_module, "final_scores", killed)
    with pytest.raises(Killed):
        finetune(config)
    run = Path(config.out)
    (found,) = (run / "checkpoints").iterdir()
    assert found.name == f"step-{whole.steps:07d}"
    weights = "model.safetensors"
    assert (found / "best" / weights).stat().st_ino == (run / "model" / weights).stat().st_ino
    monkeypatch.setattr(run_module, "final_scores", score)
    monkeypatch.setattr(run_module.Update, "take", killed)
    again = finetune(config)
    assert any("training ended at step" in note for note in again.notes)
    assert to_plain([again.dev, again.test]) == to_plain([whole.dev, whole.test])
    assert (again.steps, again.best_step) == (whole.steps, whole.best_step)
    assert (again.stopped, set(whole.notes) - set(again.notes)) == (whole.stopped, set())
    for name in ("model/model.safetensors", "predictions.csv"):
        assert (run / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert rows(run) == rows(tmp_path / "whole")
    assert not (run / "checkpoints").exists()


def test_no_checkpoint_is_made_of_what_diverged(config) -> None:
    with pytest.raises(InputError, match="Training diverged"):
        finetune(dataclasses.replace(config, learning_rate=1e30, warmup_steps=0))
    for one in (Path(config.out) / "checkpoints").glob("step-*"):
        assert all(map(math.isfinite, json.loads((one / "state.json").read_text())["losses"]))


def test_a_damaged_checkpoint_is_told(config) -> None:
    run = kill_at(config, 8)
    (found,) = (run / "checkpoints").iterdir()
    (found / "training.pt").write_bytes(b"no pickle")
    with pytest.raises(CheckpointError, match=r"training\.pt is damaged.*remove it to begin anew"):
        finetune(config)
