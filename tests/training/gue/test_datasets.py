from __future__ import annotations

import csv

import numpy as np
import pytest

from dnabert2_explore.errors import InputError
from dnabert2_explore.training.gue import (
    DATASETS,
    GUE,
    GUE_PLUS,
    PUBLISHED,
    find_dataset,
    find_files,
    published_scores,
)

# The table of ../shared/reference calls them otherwise.
THEIRS = {
    "DNABERT-3mer": "DNABERT 3-mer",
    "DNABERT-6mer": "DNABERT 6-mer",
    "NT-500M-human": "NT 500M human",
    "NT-500M-1000g": "NT 500M 1000g",
    "NT-2500M-1000g": "NT 2500M 1000g",
    "NT-2500M-multi": "NT 2500M multi",
    "DNABERT-2": "DNABERT-2",
    "DNABERT-2_further": "DNABERT-2 further",
}


def test_twenty_eight_and_eight():
    assert (len(GUE), len(GUE_PLUS), len(DATASETS)) == (28, 8, 36)
    assert len({one.folder for one in DATASETS.values()}) == 36
    assert len({one.task for one in DATASETS.values() if one.suite == "GUE"}) == 6
    assert sum(one.pair for one in DATASETS.values()) == 6


def test_hyperparameters_as_published():
    recipe = DATASETS["prom_core_tata"].recipe
    assert (recipe.max_tokens, recipe.epochs, recipe.warmup_steps) == (20, 10, 50)
    recipe = DATASETS["mouse_3"].recipe
    assert (recipe.max_tokens, recipe.max_steps, recipe.warmup_steps) == (30, 1000, 30)
    assert DATASETS["prom_300_all"].recipe.evaluate_every == 400
    assert DATASETS["covid"].classes == 9
    assert not DATASETS["EPI_K562"].recipe.published


@pytest.mark.parametrize(
    ("name", "expected"),
    [("tf_2", "tf_2"), ("tf/2", "tf_2"), ("GUE/EMP/H3/", "H3"), ("splice_reconstructed", "splice")],
)
def test_names(name, expected):
    assert find_dataset(name).name == expected


def test_a_dataset_nobody_knows():
    with pytest.raises(InputError, match=r"no dataset 'tf_9'; expected one of H3, "):
        find_dataset("tf_9")


@pytest.mark.parametrize("layout", ["GUE/tf/2", "tf/2", "human_tf_2"])
def test_layouts(tmp_path, layout):
    folder = tmp_path / layout
    folder.mkdir(parents=True)
    for split in ("dev", "test"):
        (folder / f"{split}.csv").write_text("sequence,label\n")
    found = find_files(tmp_path, "tf_2")
    assert (found.folder, found.missing, found.state) == (folder, ("train",), "reduced")
    assert str(found) == f"tf_2: train.csv missing in {folder}"
    (folder / "train.csv").write_text("sequence,label\n")
    assert find_files(tmp_path, "tf_2").state == "full"


def test_what_is_missing_is_named(tmp_path):
    found = find_files(tmp_path, "covid")
    assert found.state == "unusable"
    assert str(tmp_path / "virus/covid") in str(found)
    with pytest.raises(InputError, match="is no folder"):
        find_files(tmp_path / "nowhere", "covid")


def test_files_at_hand(shared):
    states = {name: find_files(shared / "gue", name).state for name in GUE}
    complete = {name for name, state in states.items() if state == "full"}
    assert complete == {
        "prom_300_tata", "prom_core_all", "prom_core_notata", "prom_core_tata", "tf_0", "tf_1",
        "tf_2", "tf_4", "mouse_0", "mouse_2", "mouse_3",
    }  # fmt: skip
    assert states["covid"] == "unusable"


def test_published_scores_equal_the_papers(shared):
    ours = published_scores()
    assert set(ours) == set(PUBLISHED)
    with (shared / "reference/gue_published_mcc.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == 28
    for row in rows:
        assert row["dataset"] in GUE
        for theirs, name in THEIRS.items():
            assert ours[name][row["dataset"]] == pytest.approx(float(row[theirs]) / 100, abs=1e-9)


@pytest.mark.parametrize(
    ("model", "mean"),
    [
        ("DNABERT 3-mer", 61.62),
        ("NT 500M human", 55.43),
        ("NT 2500M multi", 66.93),
        ("DNABERT-2", 66.81),
        ("DNABERT-2 further", 67.78),
    ],
)
def test_means_recomputed(model, mean):
    values = [published_scores()[model][name] for name in GUE]
    assert 100 * np.mean(values) == pytest.approx(mean, abs=0.005 + 1e-9)
