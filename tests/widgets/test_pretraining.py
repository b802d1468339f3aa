import json
import os
import time

import pytest

import dnabert2_explore as dx
from dnabert2_explore.widgets.training.runlog import find_runs, read_rows, read_run

LOG = "step,tokens,loss,learning_rate,gradient_norm,tokens_per_second,seconds,precision,accuracy\n"


@pytest.fixture
def run(tmp_path):
    """A run in the middle of its way."""
    folder = tmp_path / "runs" / "mine"
    folder.mkdir(parents=True)
    rows = [f"{s},{s * 100},{5 - s / 50},1.0e-3,1.0,5000,{s / 10},float32,0.02\n" for s in (10, 20)]
    (folder / "log.csv").write_text(LOG + "".join(rows))
    (folder / "evaluation.csv").write_text(
        "step,species,loss,accuracy\n20,mus_musculus,4.9,0.03\n20,vibrio,4.8,0.04\n"
    )
    (folder / "run.json").write_text(
        json.dumps({"config": {"total_steps": 100}, "notes": ["Masking: 15%"], "parameters": 10**5})
    )
    (folder / "references.json").write_text('{"token frequencies alone": 4.95}')
    return folder


def spec(view):
    return json.loads(view.plot.spec)


def wait_until(view, condition, seconds=10):
    """Wait for what another thread draws; under the lock a drawing is whole, or not begun."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with view.selection.lock:
            if condition():
                return
        time.sleep(0.02)
    pytest.fail(f"not within {seconds} s: {view._line.value} {view._message.value}")


def test_what_a_folder_says(run):
    state = read_run(run)
    assert (state.step, state.steps, state.state) == (20, 100, "running")
    assert state.left == pytest.approx(8.0)  # ten steps a second
    assert state.tokens_per_second == 5000
    later = read_run(run, now=time.time() + 1000)
    assert later.state == "silent"
    (run / "model").mkdir()
    assert read_run(run).state == "running"  # of an earlier run: the last step is not taken yet


def test_a_finished_run(run):
    with (run / "log.csv").open("a") as log:
        log.write("100,10000,4.5,0,1.0,5000,10,float32,0.03\n")
    (run / "model").mkdir()
    assert read_run(run, now=time.time() + 1e6).state == "finished"


def test_half_a_line_waits_for_its_end(run):
    with (run / "log.csv").open("a") as log:
        log.write("30,3000,4.")
    assert [row["step"] for row in read_rows(run / "log.csv")] == [10, 20]
    assert read_rows(run / "nothing.csv") == []


def test_runs_are_found_newest_first(run):
    other = run.parent / "other"
    other.mkdir()
    (other / "run.json").write_text("{}")
    os.utime(run, (1, 1))
    assert find_runs(run.parent) == [other, run]
    assert find_runs(run.parent / "absent") == []


def test_the_monitor_shows_the_run(run):
    view = dx.PretrainingMonitor(run, follow=False)
    names = [trace["name"] for trace in spec(view)["data"]]
    assert names == ["training", "mus_musculus", "vibrio", "speed", "learning rate"]
    assert "step 20 of 100" in view._line.value
    assert "about 8 s left" in view._line.value
    assert "Masking: 15%" in view._notes.value
    texts = [note["text"] for note in spec(view)["layout"]["annotations"]]
    assert "token frequencies alone" in texts
    view.held_out.value = "accuracy"
    assert "Share of masked tokens" in view.caption
    assert "20,vibrio,4.8,0.04,," in view.table
    scope = {}
    exec(compile(view.code, "copied", "exec"), scope)
    assert len(scope["run"].log) == 2


def test_the_monitor_follows_what_is_written(run):
    view = dx.PretrainingMonitor(run, pace=0.02)
    with (run / "log.csv").open("a") as log:
        log.write("30,3000,4.4,1.0e-3,1.0,5000,3,float32,0.02\n")
    wait_until(view, lambda: "step 30 of 100" in view._line.value)
    with view.selection.lock:
        assert spec(view)["data"][0]["x"][-1] == 30
    view.close()
    assert not view._look()  # the thread ends


def test_words_do_not_run_ahead_of_the_curve(run, monkeypatch):
    view = dx.PretrainingMonitor(run, follow=False)
    with (run / "log.csv").open("a") as log:
        log.write("30,3000,4.4,1.0e-3,1.0,5000,3,float32,0.02\n")
    said = []
    real = view._figure

    def slow():
        said.append(view._line.value)
        return real()

    monkeypatch.setattr(view, "_figure", slow)
    view.refresh()
    assert "step 20 of 100" in said[0]
    assert "step 30 of 100" in view._line.value


def test_no_run_yet_is_a_designed_state(tmp_path):
    view = dx.PretrainingMonitor(runs=tmp_path / "runs", follow=False)
    assert "start a tiny one" in view.caption
    view.folder.value = str(tmp_path / "soon")
    assert "is not there yet" in view.caption
    assert view.state.state == "waiting"


def test_a_tiny_run_can_be_started_and_stopped(tmp_path):
    view = dx.PretrainingMonitor(runs=tmp_path / "runs", pace=0.05)
    view.start_button.click()
    assert view.start_button.disabled
    wait_until(view, lambda: view.state is not None and view.state.log, 60)
    view._bar._button.click()
    view.wait(60)
    assert "Stopped" in view._message.value
    assert not view.start_button.disabled
    assert 0 < view.state.step < 400
    assert list(view.state.folder.glob("checkpoints/step-*"))
    view.close()


@pytest.mark.parametrize("objective", ["contrastive", "both"])
def test_a_contrastive_run_is_told_as_one(run, objective):
    about = json.loads((run / "run.json").read_text())
    about["config"]["objective"] = objective
    (run / "run.json").write_text(json.dumps(about))
    view = dx.PretrainingMonitor(run, follow=False)
    assert "ontrast" in view.caption
    assert "Masked-language-model" not in view.caption
    text = view.plot.spec
    assert "token frequencies alone" not in text  # what tokens cost is no measure of it
    assert "nats a masked token" not in text
