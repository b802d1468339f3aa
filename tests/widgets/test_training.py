import csv
import json
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore.widgets.training.datasets import demo_table
from dnabert2_explore.widgets.training.scores import verdict

from ..conftest import random_bases


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Two classes that differ in composition: learnt within a few steps."""
    path = tmp_path_factory.mktemp("table") / "rich.csv"
    kinds = {"gc": "ACGT", "at": "AAATTTTCG"}
    rows = [
        f"{random_bases(60, seed=i, alphabet=kinds[kind])},{kind}"
        for i in range(80)
        for kind in [("at", "gc")[i % 2]]
    ]
    path.write_text("sequence,label\n" + "\n".join(rows) + "\n")
    return path


@pytest.fixture
def app(table, model_folder, tmp_path):
    app = dx.FinetuneApp(table, model=str(model_folder), folder=tmp_path / "runs")
    app.epochs.value, app.rate.value, app.batch.value = 2, 1e-3, 8
    return app


@pytest.fixture(scope="module")
def finished(table, model_folder, tmp_path_factory):
    app = dx.FinetuneApp(table, model=str(model_folder), folder=tmp_path_factory.mktemp("runs"))
    app.epochs.value, app.rate.value, app.batch.value = 2, 1e-3, 8
    app.start()
    app.wait(120)
    assert app.result is not None, app._message.value
    return app


def spec(view):
    return json.loads(view.plot.spec)


def test_the_form_says_what_the_data_holds(app):
    words = app.data.summary.value
    splits = app.data.chosen.splits
    assert f"<b>{len(splits.train)}</b> to train on" in words
    assert len(splits.train) + len(splits.dev) + len(splits.test) == 80
    assert "60 bp" in words
    assert "at 50%" in words
    assert not app.start_button.disabled
    assert f"{app.form.planned()[0]} steps" in app.form.plan.value


def test_a_run_draws_its_curves_and_keeps_the_best(finished):
    result = finished.result
    assert (result.model / "model.safetensors").is_file()
    traces = {trace["name"]: trace for trace in spec(finished)["data"]}
    assert traces["kept"]["x"] == [result.best_step]
    assert len(traces["dev"]["x"]) == len(finished._points) >= 8
    assert f"step {result.best_step:,} had the lowest loss" in finished.caption
    assert not finished.start_button.disabled


def test_test_scores_stand_beside_baselines(finished):
    both = finished.result.rule.strands == "both"  # as 4-mers on dev told the recipe
    assert all(
        ("both strands" in name) == both
        for name in finished.baselines
        if "class" not in name and "twin" not in name
    )
    assert {name.removesuffix(", both strands") for name in finished.baselines} == {
        "majority class",
        "4-mer logistic regression",
        "order-3 Markov chain",
        "label of the positional twin",
        "label opposite to the composition twin's",
    }
    words = finished._scores.value
    assert "this model" in words
    assert "majority class" in words
    assert f"on {finished.result.test.count} test sequences" in words
    assert "in train" in finished._leakage.value
    (trace,) = [t for t in spec(finished)["data"] if t["name"] == "test"]
    assert trace["x"][0] == pytest.approx(finished.result.test["mcc"])
    finished.metric.value = "accuracy"
    (trace,) = [t for t in spec(finished)["data"] if t["name"] == "test"]
    assert trace["x"][0] == pytest.approx(finished.result.test["accuracy"])
    finished.metric.value = "mcc"


def test_the_code_on_show_runs_and_finds_the_same(finished, tmp_path):
    code = finished.code.replace(repr(str(finished._config.out)), repr(str(tmp_path / "again")))
    assert code != finished.code
    scope = {}
    exec(compile(code, "copied", "exec"), scope)
    assert scope["result"].best_step == finished.result.best_step
    assert scope["result"].test["mcc"] == pytest.approx(finished.result.test["mcc"])


def test_the_table_has_every_point_and_the_test_scores(finished):
    lines = finished.table.splitlines()
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    assert len(rows) == len(finished._points)
    assert float(rows[0]["dev_loss"]) == pytest.approx(finished._points[0]["dev_loss"], rel=1e-4)
    assert any(line.startswith("# test mcc of this model") for line in lines)


def test_stopping_keeps_the_best_so_far(app):
    app.epochs.value = 20
    seen = threading.Event()
    watch = app._watch

    def watching(point):
        watch(point)
        seen.set()

    app._watch = watching
    app.start()
    assert seen.wait(60), app._message.value
    app._bar._button.click()
    app.wait(60)
    assert app.result is not None
    assert app.result.stopped
    assert app.result.steps < app.form.planned()[0]
    assert "stopped early" in app.caption
    assert app.result.test is not None


def test_an_error_is_shown_and_the_form_can_be_used_again(app, monkeypatch):
    release = app._release

    def late(job):
        time.sleep(0.3)  # on a busy machine: wait() is for the form too
        release(job)

    monkeypatch.setattr(app, "_release", late)
    app.model.value = "no/such/model"
    app.start_button.click()
    app.wait(60)
    assert "no/such/model" in app._message.value
    assert "dx-error" in app._message._dom_classes
    assert not app.start_button.disabled


def test_sending_the_model_opens_a_workbench_or_fills_one(finished, encoder, classifier, sequences):
    bench = dx.Workbench(encoder, classifier=classifier, sequences=sequences)
    bench.wait()
    before = bench.attribution.result
    finished._offer_benches()
    places = [b for _, b in finished._bench_choice.options]
    finished._bench_choice.index = places.index(bench)
    finished.send_button.click()
    bench.wait()
    assert bench.classifier.classes == ("at", "gc")
    assert bench.attribution.result is not before
    assert [name for name, _ in bench.attribution.target.options] == [
        "predicted class", "at", "gc",
    ]  # fmt: skip
    name = bench.selection.sets[-1]
    added = [bench.selection.sequences[i] for i in bench.selection.members(name)]
    assert len(added) == finished.result.test.count
    rows = (finished.result.model.parent / "predictions.csv").read_text().splitlines()[1:]
    assert [one.fields["predicted"] in row for one, row in zip(added, rows, strict=True)]
    assert {one.fields["outcome"] for one in added} <= {"right", "wrong"}
    assert finished.bench is bench
    # Once more into a new one, below the form.
    finished._bench_choice.index = len(finished._bench_choice.options) - 1
    finished.send_button.click()
    finished.bench.wait()
    assert finished._slot.children == (finished.bench,)
    assert finished.bench is not bench


def test_pasting_a_table(app):
    app.data.source.value = "own"
    assert app.data.chosen is None
    assert app.start_button.disabled
    app.data.use.click()
    assert "Nothing was pasted" in app._message.value
    app.data.paste.value = "sequence,label\nACGT,a\nACGX,b"
    app.data.use.click()
    assert "the pasted table, line 3" in app._message.value
    rows = "\n".join(f"{random_bases(40, seed=i)}\t{i / 7:.3f}" for i in range(60))
    app.data.paste.value = "sequence\tlabel\n" + rows
    app.data.use.click()
    assert app._message.layout.display == "none", app._message.value
    assert app.data.chosen.splits.train.task == "regression"
    assert "A number from" in app.data.summary.value
    app.task.value = "classification"
    assert "different labels" in app._message.value  # as classes these make no sense
    assert app.data.chosen is None


def test_files_by_name_may_be_three(app, table):
    app.data.source.value = "files"
    app.data.train_file.value = app.data.dev_file.value = str(table)
    app.data.test_file.value = ""
    app.data.read.click()
    assert app.data.chosen.files == (str(table), str(table), "")
    assert "none to test" in app.data.summary.value
    app.data.train_file.value = "no/such/table.csv"
    app.data.read.click()
    assert "table.csv" in app._message.value
    assert app.data.chosen is None


def test_a_bed_is_trained_on_with_its_genome(app, tmp_path):
    """The form took bases only."""
    (tmp_path / "g.fa").write_text(f">c\n{random_bases(4_000, seed=1)}\n")
    bed = "".join(f"c\t{90 * i}\t{90 * i + 60}\t{'ab'[i % 2]}\n" for i in range(40))
    app.data.source.value = "splice"
    assert app.data.genome_file.layout.display == "none"
    app.data.source.value = "own"
    assert app.data.genome_file.layout.display == ""
    app.data.paste.value = bed
    app.data.use.click()
    assert app.data.chosen is None
    assert "stretches" in app._message.value or "BED" in app._message.value
    app.data.genome_file.value = str(tmp_path / "g.fa")
    app.data.use.click()
    assert app._message.layout.display == "none", app._message.value
    assert app.data.chosen.splits.train.classes == ("a", "b")
    assert app.form.configure(app.data.chosen).genome == str(tmp_path / "g.fa")
    (tmp_path / "x.bed").write_text(bed)
    app.data.source.value = "files"
    app.data.train_file.value = str(tmp_path / "x.bed")
    app.data.read.click()
    assert app.data.chosen.genome == str(tmp_path / "g.fa")
    app.data.source.value = "splice"
    assert app.data.chosen.genome == ""


@pytest.mark.parametrize(("key", "columns"), [("category", 500), ("gc", 500), ("splice", 60)])
def test_shipped_tables(key, columns):
    rows = list(csv.DictReader(demo_table(key).splitlines()))
    assert len(rows) == columns
    assert all(row["sequence"] and row["label"] for row in rows)


def test_the_verdict_knows_worse_equal_and_better(finished):
    from dnabert2_explore.training.labelled.leakage import LeakageReport, SplitOverlap
    from dnabert2_explore.training.scores.metrics import Estimate, Scores
    from dnabert2_explore.widgets.training.scores import leakage_words

    def of(value, low, high):
        return Scores("classification", 9, {"mcc": Estimate(value, low, high)}, 0.1)

    base = {"4-mers": of(0.5, 0.4, 0.6)}
    assert "does better" in verdict(of(0.8, 0.7, 0.9), base)
    assert "does worse" in verdict(of(0.2, 0.1, 0.3), base)
    assert "has not shown more" in verdict(of(0.5, 0.4, 0.7), base)
    told = SplitOverlap("train", "test", 0, 0, 9, 9, (), 0.5, twins=8, opposite=8)
    said = verdict(of(0.4, 0.3, 0.45), base, LeakageReport((told,)))
    assert said.startswith("<p><b>MCC 0.40 is not what it seems:</b> 8 of 9 test sequences")
    assert "Train longer" not in said
    assert "<summary>What the files share: of 9 test" in leakage_words(LeakageReport((told,)))
    innocent = LeakageReport((replace(told, opposite=0),))
    assert "has not shown more" in verdict(of(0.5, 0.4, 0.7), base, innocent)
    assert verdict(of(np.nan, np.nan, np.nan), base) == ""
    assert verdict(of(0.5, 0.4, 0.7), {}) == ""


def test_what_is_left_open_is_the_recipes(table, model_folder, tmp_path):
    app = dx.FinetuneApp(table, model=str(model_folder), folder=tmp_path / "runs")
    words = app.form.plan.value
    for said in ("steps of 64 sequences, learning rate 0.001", "The recipe for small networks",
                 "tokens cut anew every pass", "a token table composed of bases",
                 "averaged weights (0.99)", "predictions over 5 segmentations",
                 "both strands where 4-mers tell the classes as well by both"):  # fmt: skip
        assert said in words
    config = app.form.configure(app.data.chosen)
    for name in ("epochs", "batch_size", "learning_rate", "warmup_steps", "pooling", "augment",
                 "evaluate_every", "strands", "segmentation", "average", "embeddings"):  # fmt: skip
        assert getattr(config, name) in (0, -1, "auto"), name
    app.strands.value = "reverse_complement"
    config = app.form.configure(app.data.chosen)
    assert (config.augment, config.strands) == ("reverse_complement", "both")
    assert "4-mers" not in app.form.plan.value
    app.method.value = "probe"
    assert "learning rate 0.005" in app.form.plan.value
    assert "tokens cut anew" not in app.form.plan.value


def test_a_large_model_keeps_the_authors_protocol(table, tmp_path):
    app = dx.FinetuneApp(table, model="some/hub-id", folder=tmp_path / "runs")
    assert "steps of 32 sequences, learning rate 3e-05" in app.form.plan.value
    assert "The authors' protocol fills in what is left open" in app.form.plan.value.replace(
        "&#x27;", "'"
    )


def test_a_network_from_nothing(table, tmp_path):
    app = dx.FinetuneApp(table, model="scratch:1x32", folder=tmp_path / "runs")
    assert "scratch:2x128" in app.model.options
    app.model.value = "scratch:2"
    assert "expected layers and width" in app._message.value
    app.model.value = "scratch:1x32"
    app.epochs.value, app.batch.value = 1, 16
    app.start()
    app.wait(120)
    assert app.result is not None, app._message.value
    app._bench_choice.index = len(app._bench_choice.options) - 1
    app.send_button.click()
    app.bench.wait()
    assert app.bench.encoder.config.hidden_size == 32
    assert "its predictions are the mean over" in app.bench.attribution.caption
