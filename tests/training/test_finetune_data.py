from __future__ import annotations

from itertools import chain

import numpy as np
import pandas as pd
import pytest
import torch

from dnabert2_explore.errors import InputError
from dnabert2_explore.sequences import reverse_complement
from dnabert2_explore.training.finetune import FinetuneConfig
from dnabert2_explore.training.finetune.data import (
    Batches,
    TokenRows,
    read_splits,
    sample_rows,
    split_off,
)
from dnabert2_explore.training.finetune.methods.targets import Targets
from dnabert2_explore.training.labelled.tables import Labelled


def labelled(labels, bases=None, task="classification"):
    labels = np.asarray(labels)
    rng = np.random.default_rng(0)
    bases = bases or ["".join(rng.choice(list("ACGT"), 30)) for _ in labels]
    classes = () if task == "regression" else ("a", "b", "c")
    names = tuple(f"s{i}" for i in range(len(labels)))
    return Labelled(tuple(bases), None, labels, classes, task, names)


def test_a_sample_keeps_the_shares_of_classes_and_the_rare_ones():
    data = labelled([0] * 600 + [1] * 300 + [2] * 2)
    for rows in (3, 30, 301, 902):
        found = sample_rows(data, rows, seed=1)
        counts = np.bincount(found.labels, minlength=3)
        assert counts.sum() == rows
        assert counts.min() >= 1
        if rows > 10:
            assert counts[0] / counts[1] == pytest.approx(2, rel=0.15)
        order = [int(name[1:]) for name in found.names]
        assert order == sorted(order)
    assert sample_rows(data, 30, 1).names == sample_rows(data, 30, 1).names
    assert sample_rows(data, 30, 1).names != sample_rows(data, 30, 2).names
    with pytest.raises(InputError, match="train_rows is 2, but there are 3 classes"):
        sample_rows(data, 2, 1)


def test_a_sample_of_values_covers_their_range():
    data = labelled(np.linspace(0, 1, 1000), task="regression")
    found = sample_rows(data, 100, seed=0)
    assert len(found) == 100
    assert np.histogram(found.labels, 10)[0].min() >= 9


def test_equal_sequences_stay_together_on_either_strand():
    rng = np.random.default_rng(1)
    once = ["".join(rng.choice(list("ACGT"), 20)) for _ in range(100)]
    bases = once + [reverse_complement(one) for one in once[:50]] + once[50:]
    data = labelled([i % 2 for i in range(100)] * 2, bases)
    rest, apart = split_off(data, 0.2, 200, seed=3)
    assert len(rest) + len(apart) == 200
    assert len(apart) == pytest.approx(40, abs=4)
    assert np.bincount(apart.labels, minlength=2)[:2].min() >= 16

    def keys(part):
        return {min(one, reverse_complement(one)) for one in part.bases}

    assert not keys(rest) & keys(apart)


def test_a_class_of_one_row_stays_in_training():
    rest, apart = split_off(labelled([0] * 50 + [1] * 50 + [2]), 0.2, 101, seed=0)
    assert 2 in rest.labels
    assert 2 not in apart.labels
    with pytest.raises(InputError, match="too few"):
        split_off(labelled([0, 1, 2]), 0.1, 3, seed=0)


def make(processes=1, process=0, device_batch=4, count=45, augment=True):
    def collate(rows, turned, rng):
        return {"rows": torch.from_numpy(rows), "turned": torch.from_numpy(turned)}

    lengths = np.random.default_rng(0).integers(5, 50, count)
    return Batches(count, lengths, collate, 12, device_batch, augment, 7, process, processes)


@pytest.mark.parametrize("device_batch", [12, 5, 1])
def test_every_row_once_an_epoch_in_parts_of_steps(device_batch):
    batches = make(device_batch=device_batch)
    steps = list(batches.take(0, batches.steps))
    assert len(steps) == batches.steps == 4
    parts = list(chain(*steps))
    rows = torch.cat([part["rows"] for part in parts]).tolist()
    assert sorted(rows) == list(range(45))
    assert max(len(part["rows"]) for part in parts) <= device_batch
    # Parts of a step are what the whole step would be.
    whole = list(chain(*make(device_batch=12).take(0, 4)))
    first = torch.cat([part["rows"] for part in steps[0]]).tolist()
    assert sorted(first) == sorted(whole[0]["rows"].tolist())
    turned = {int(r): bool(t) for p in parts for r, t in zip(p["rows"], p["turned"], strict=True)}
    other = {int(r): bool(t) for p in whole for r, t in zip(p["rows"], p["turned"], strict=True)}
    assert turned == other
    assert 5 < sum(turned.values()) < 40


def rows_of(steps):
    return [[part["rows"].tolist() for part in parts] for parts in steps]


def test_epochs_differ_and_steps_repeat_wherever_one_begins():
    every = rows_of(make().take(0, 8))
    assert every[:4] != every[4:]
    for first in range(8):
        assert rows_of(make().take(first, 8)) == every[first:]
    assert not any(part["turned"].any() for part in chain(*make(augment=False).take(0, 4)))


@pytest.mark.parametrize("count", [45, 36, 37, 2, 1])
def test_processes_share_each_step_evenly(count):
    steps = make(3, 0, device_batch=2, count=count).steps
    whole = list(make(device_batch=12, count=count).take(0, 1))
    shares = [list(make(3, p, device_batch=2, count=count).take(0, steps)) for p in range(3)]
    for parts in zip(*shares, strict=True):
        assert len({tuple(len(part["rows"]) for part in share) for share in parts}) == 1
    dealt = [row for share in shares for step in rows_of(share) for part in step for row in part]
    assert len(set(dealt)) == len(dealt) == count - count % 12 % 3
    first = {row for share in shares for part in share[0] for row in part["rows"].tolist()}
    if count >= 12:
        assert first == set(whole[0][0]["rows"].tolist())


def test_token_rows_give_back_what_they_were_given():
    rows = [np.array([1, 2, 3]), np.array([4]), np.array([5, 6])]
    packed = TokenRows(rows)
    assert len(packed) == 3
    assert [row.tolist() for row in packed] == [row.tolist() for row in rows]
    assert packed[1].dtype == np.int64
    assert packed.lengths.tolist() == [3, 1, 2]


def test_balanced_weights_average_to_one():
    data = labelled([0] * 6 + [1] * 3 + [2])
    weights = Targets(data, balanced=True).weights
    np.testing.assert_allclose(weights, [10 / 18, 10 / 9, 10 / 3], rtol=1e-6)
    assert float(weights[torch.from_numpy(data.labels)].mean()) == pytest.approx(1)
    with pytest.raises(InputError, match="no training row has the label 'c'"):
        Targets(labelled([0, 1, 1]), balanced=True)


def test_losses_of_parts_add_up_to_torchs():
    data = labelled([0, 1, 2, 1, 0])
    targets = Targets(data)
    logits = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    labels = targets.of(np.arange(5))
    parts = [targets.loss(logits[part], labels[part], 5) for part in (slice(0, 2), slice(2, 5))]
    assert sum(parts) == pytest.approx(float(torch.nn.functional.cross_entropy(logits, labels)))
    values = Targets(labelled([1.0, 3.0, 8.0], task="regression"))
    assert values.labels.mean() == pytest.approx(0, abs=1e-7)
    assert float(values.labels.pow(2).mean()) == pytest.approx(1)
    weight, bias = torch.tensor([[2.0]]), torch.tensor([0.5])
    values.fold(weight, bias)
    assert float(weight) == pytest.approx(2 * values.scale)
    assert float(bias) == pytest.approx(4 + values.scale / 2)


@pytest.mark.parametrize("kind", ["pandas", "datasets"])
def test_a_table_in_memory_is_kept_with_the_run(kind, tmp_path) -> None:
    frame = pd.DataFrame({"sequence": ["ACGTACGT", "TTGACCAA"] * 6, "label": ["a", "b"] * 6})
    given = frame.sample(frac=1, random_state=0)  # with an index of its own
    if kind == "datasets":
        given = pytest.importorskip(
            "datasets", reason="datasets is no dependency"
        ).Dataset.from_pandas(given, preserve_index=False)
    config = FinetuneConfig("pocket", given, given, str(tmp_path / "run"))
    assert config.train == str(tmp_path / "run" / "data" / "train.parquet")
    splits = read_splits(config)
    assert sorted(splits.train.bases) == sorted(frame["sequence"])
    assert splits.train.classes == ("a", "b")
    again = FinetuneConfig("pocket", config.train, config.dev, config.out)
    assert again == config
