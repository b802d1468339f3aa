from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from sklearn.metrics import f1_score, matthews_corrcoef

from dnabert2_explore.errors import InputError
from dnabert2_explore.training.gue import (
    Audit,
    DatasetAudit,
    GueRun,
    leaderboard,
    published_scores,
    read_runs,
)
from dnabert2_explore.training.gue.auditing.audited import Rule
from dnabert2_explore.training.gue.markdown import command
from dnabert2_explore.training.gue.results import decode, encode
from dnabert2_explore.training.scores.metrics import Estimate
from dnabert2_explore.training.scores.resampling import resampled


def test_result_files_round_trip(make_run, tmp_path):
    run = make_run(notes=("a note",))
    undefined = dict(run.test.values) | {"auroc": Estimate(float("nan"))}
    run = dataclasses.replace(run, test=dataclasses.replace(run.test, values=undefined))
    path = run.save(tmp_path / "tf_2/mine-seed42.json")
    content = json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(name))
    assert content["protocol"] == "authors"
    again = GueRun.load(path)
    assert np.isnan(again.test["auroc"])
    assert again.baselines == run.baselines
    assert (again.notes, again.predicted) == (("a note",), run.predicted)


def test_a_file_of_before_a_setting_is_read_as_what_was_done_then(make_run, tmp_path, monkeypatch):
    from dnabert2_explore.training.gue import results, variation

    path = make_run().save(tmp_path / "tf_2/mine-seed42.json")
    later = variation.AUTHORS | {"recipe": "published", "average": 0.0}
    for module in (results, variation):
        monkeypatch.setattr(module, "AUTHORS", later)
    again = GueRun.load(path)
    assert (again.settings["recipe"], again.settings["average"]) == ("published", 0.0)
    assert "--recipe" not in command(again)


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 99}', '{"format": 1, "dataset": "H3"}'])
def test_files_that_are_no_results(tmp_path, text):
    path = tmp_path / "x-seed1.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"x-seed1\.json"):
        GueRun.load(path)


def test_answers_are_kept_one_sign_each():
    assert encode(np.array([0, 9, 24])) == "09o"
    with pytest.raises(InputError, match="class index 40"):
        encode(np.array([40]))


@pytest.mark.parametrize("classes", [2, 4])
def test_resampling_agrees_with_scikit_learn(classes):
    rng = np.random.default_rng(1)
    labels, found = rng.integers(classes, size=(2, 60))
    again = np.random.default_rng(0).integers(60, size=60)  # the first resample
    for metric, theirs in (
        ("mcc", matthews_corrcoef),
        ("f1_macro", lambda a, b: f1_score(a, b, average="macro")),
    ):
        value, samples = resampled(labels, [found], classes, metric, 3)
        assert value == pytest.approx(theirs(labels, found))
        assert samples[0] == pytest.approx(theirs(labels[again], found[again]))


def test_scores_beside_published_ones(make_run):
    board = leaderboard([make_run("tf_2"), make_run("tf_4", wrong=10)])
    names = [column.name for column in board.columns]
    assert names[:3] == ["mine", "kmer", "best rule"]
    assert board.cells["tf_2", "DNABERT-2"].score.value == published_scores()["DNABERT-2"]["tf_2"]
    labels, found = decode(make_run().labels), decode(make_run().predicted)
    cell = board.cells["tf_2", "mine"].score
    assert cell.value == pytest.approx(matthews_corrcoef(labels, found))
    assert cell.low < cell.value < cell.high
    assert board.shared == ("tf_2", "tf_4")
    table = published_scores()["DNABERT-2"]
    assert board.means["DNABERT-2"].value == pytest.approx((table["tf_2"] + table["tf_4"]) / 2)


def test_differences_are_paired(make_run):
    board = leaderboard([make_run("tf_2"), make_run("tf_2", label="twin")])
    twin = board.difference("mine", "twin", dataset="tf_2")
    assert twin.paired
    assert (twin.score.value, twin.score.low, twin.score.high) == (0.0, 0.0, 0.0)
    kmer = board.difference("mine", "kmer")
    assert kmer.score.low > 0
    published = board.difference("mine", "DNABERT-2")
    assert not published.paired
    with pytest.raises(InputError, match="compares no 'kmer' with 'mine'"):
        board.difference("kmer", "mine")


def test_reduced_runs_are_marked_and_in_no_mean(make_run):
    board = leaderboard([make_run("tf_2"), make_run("H3", state="reduced")])
    assert board.shared == ("tf_2",)
    assert board.cells["H3", "mine"].state == "reduced"
    text = board.markdown()
    row = next(line for line in text.splitlines() if line.startswith("| H3 |"))
    assert "ᴿ" in row
    assert "train: 80% of dev.csv" in text
    assert not [d for d in board.differences if d.dataset == "H3" and not d.paired]
    assert "--reduced" in command(make_run("H3", state="reduced"))


def test_a_mean_is_over_the_same_datasets_for_all(make_run):
    runs = [make_run("tf_2"), make_run("tf_4"), make_run("tf_2", label="other", wrong=9)]
    board = leaderboard(runs)
    assert board.shared == ("tf_2",)
    assert board.means["mine"].value == pytest.approx(board.cells["tf_2", "mine"].score.value)


def test_seeds_are_averaged(make_run):
    one, two = make_run(seed=1, wrong=5), make_run(seed=2, wrong=20)
    board = leaderboard([one, two])
    cell = board.cells["tf_2", "mine"]
    assert cell.seeds == (1, 2)
    assert cell.score.value == pytest.approx((one.test["mcc"] + two.test["mcc"]) / 2)


def test_runs_that_do_not_belong_together(make_run):
    other = make_run(seed=1, deviations=("learning rate 0.1",))
    with pytest.raises(InputError, match="differ in more than the seed"):
        leaderboard([make_run(), other])
    with pytest.raises(InputError, match="different test files"):
        leaderboard([make_run(), make_run(label="b", labels="01" * 100)])
    with pytest.raises(InputError, match="no 'GPT'"):
        leaderboard([make_run()], published=("GPT",))


def test_reading_a_folder(make_run, tmp_path):
    with pytest.raises(InputError, match="holds no results"):
        read_runs(tmp_path)
    make_run().save(tmp_path / "tf_2/mine-seed42.json")
    (tmp_path / "tf_2/baselines-seed42.json").write_text("{}")
    assert [run.dataset for run in read_runs(tmp_path)] == ["tf_2"]
    board = leaderboard(tmp_path)
    assert set(board.table()["name"]) >= {"mine", "kmer", "DNABERT-2"}
    with pytest.raises(InputError, match="is no folder"):
        read_runs(tmp_path / "nowhere")


def test_leaks_are_told_in_numbers(make_run):
    leak = (
        "2 of 9 test sequences are in train too (such as a and b): scores on test may be too good "
        "by what was learnt by heart"
    )
    twins = "no sequence of test is in dev, exactly or nearly; 8 of 9 have a composition twin there"
    text = leaderboard(
        [make_run(leakage=("no sequence of dev is in train", leak, twins))]
    ).markdown()
    assert "8 of 9 have a composition twin there" in text
    assert "2 of 9 test sequences are in train too" in text
    assert "such as" not in text
    assert "by heart" not in text
    assert "no sequence of dev" not in text


def test_what_an_audit_says_of_a_set_is_not_said_again(make_run):
    runs = [
        make_run(leakage=("2 of 9 test sequences are in train too",)),
        make_run(label="part", state="reduced", leakage=("1 of 9 test sequences is in dev too",)),
    ]
    board = dataclasses.replace(leaderboard(runs), faults=("tf_2: warn; 2 of 9 are copies",))
    notes = board.markdown().partition("## Notes\n\n")[2]
    assert "2 of 9 test sequences" not in notes
    assert "1 of 9 test sequences is in dev too" in notes  # of other splits than the audit's


def test_what_runs_share_is_noted_once(make_run):
    leak = "2 of 9 test sequences are in train too"
    rates, short = "learning rate 0.1 instead of 3e-05", "2 epochs instead of 5"
    runs = [
        make_run(
            label=label,
            dataset=dataset,
            deviations=(rates, short) if dataset == "tf_2" else (rates,),
            leakage=(leak,) if dataset == "tf_2" else (),
            notes=("in bfloat16", *(("slow",) if (label, dataset) == ("b", "tf_2") else ())),
        )
        for label in ("a", "b")
        for dataset in ("tf_2", "tf_4")
    ]
    notes = leaderboard(runs).markdown().partition("## Notes\n\n")[2]
    assert notes.splitlines() == [
        "- a, on all: in bfloat16",
        "- b, on all: in bfloat16",
        f"- tf_2: {short}; {leak}",
        "- tf_2, b, seed 42: slow",
    ]


def test_the_command_says_what_was_varied(make_run):
    run = make_run(variation="fast")
    settings = run.settings | {"learning_rate": 5e-4, "pooling": "mean"}
    limited = dataclasses.replace(
        run.baselines[0], settings={"max_minutes": 5.0, "strands": "both"}
    )
    run = dataclasses.replace(run, settings=settings, baselines=(limited,))
    assert command(run, root="/data/my GUE") == (
        "dnabert2-explore gue run '/data/my GUE' -d tf_2 -m pocket -o results --name fast "
        "--learning-rate 0.0005 --pooling mean --baseline-minutes 5"
    )


def audited(run):
    """An audit in which the counterpart rule is right but for every tenth."""
    labels = decode(run.labels)
    found = labels.copy()
    found[::10] = 1 - found[::10]
    none = Estimate(float("nan"))
    rule = Rule("label opposite", Estimate(0.8), none, encode(found))
    one = DatasetAudit(
        dataset=run.dataset, state="full", metric="mcc", rows={}, sha256={}, test=200, twins=60,
        opposite=60, twin_rule_mcc=0.8, positional=0, positional_opposite=0,
        duplicates=0, near_duplicates=0, dev_duplicates=0,
        clean=140, rules={"twins": rule}, best_rule="twins", best_rule_cleaned="", published=None,
        verdict="fail", reasons=("60 of 200 have a twin",), runs={}, labels=run.labels,
        kept="1" * 200,
    )  # fmt: skip
    return Audit({run.dataset: one})


def test_the_best_rule_stands_beside_each_run(make_run, tmp_path):
    run = make_run()
    board = leaderboard([run])
    assert board.rules == {"tf_2": "kmer"}
    assert board.cells["tf_2", "best rule"].score == board.cells["tf_2", "kmer"].score
    with_audit = leaderboard([run], audit=audited(run))
    assert with_audit.rules == {"tf_2": "twins"}
    gain = with_audit.difference("mine", "best rule", dataset="tf_2")
    assert gain.paired
    assert gain.score.value == pytest.approx(
        matthews_corrcoef(decode(run.labels), decode(run.predicted))
        - matthews_corrcoef(
            decode(run.labels),
            decode(audited(run).datasets["tf_2"].rules["twins"].predicted),
        )
    )
    text = with_audit.markdown()
    assert "## Minus the best rule" in text
    assert "- tf_2: fail; 60 of 200 have a twin" in text
    assert f"| tf_2 | mine | {gain.score.value:+.3f}" in text
    run.save(tmp_path / "tf_2/mine-seed42.json")
    audited(run).save(tmp_path / "audit.json")
    assert leaderboard(tmp_path).rules == {"tf_2": "twins"}  # read with the results
    with pytest.raises(InputError, match="another test file"):
        leaderboard([make_run(labels="01" * 100)], audit=audited(run))


def test_without_a_rule_there_is_no_such_column(make_run):
    board = leaderboard([make_run(baselines=())])
    assert "best rule" not in [column.name for column in board.columns]
    assert "No baseline was fitted" in board.markdown()


def test_a_baseline_is_of_both_strands_or_not(make_run):
    run = make_run()
    (kmer,) = run.baselines
    both = dataclasses.replace(kmer, title="4-mers, both strands",
                               settings={"k": 4, "strands": "both"})  # fmt: skip
    other = dataclasses.replace(make_run(label="other"), baselines=(both,))
    with pytest.raises(InputError, match="fitted on given strands beside 'mine' and on both"):
        leaderboard([run, other])
    elsewhere = dataclasses.replace(make_run("tf_4"), baselines=(both,))
    board = leaderboard([run, elsewhere])
    detail = next(one.detail for one in board.columns if one.name == "kmer")
    assert detail == "4-mer logistic regression; 4-mers, both strands"
    assert "--baseline-strands given" in command(run)
    assert "--baseline-strands" not in command(other)
