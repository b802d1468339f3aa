"""Segments, records, further training, snapshots, logs: each run small, real and complete."""

from __future__ import annotations

import csv
import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

import dnabert2_explore as dx
from dnabert2_explore.analysis.timelapse import find_snapshots, timelapse
from dnabert2_explore.errors import InputError
from dnabert2_explore.sequences import Sequence
from dnabert2_explore.training.pretrain import PretrainConfig, pretrain

CONFIGS = Path(__file__).parents[2] / "configs"
SHAPE = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
}


@pytest.fixture
def config(genomes, table, tokenizer_folder, tmp_path):
    return PretrainConfig(
        genomes=str(genomes),
        table=str(table),
        tokenizer=str(tokenizer_folder),
        out=str(tmp_path / "run"),
        network=SHAPE,
        row_tokens=32,
        batch_rows=4,
        shortest=100,
        longest=200,
        total_steps=4,
        warmup_steps=1,
        learning_rate=1e-2,
        threads=1,
        log_every=1,
        evaluate_every=2,
        evaluate_rows=2,
    )


@pytest.fixture
def fasta(tmp_path):
    """Records of very different length, some shorter than a row."""
    rng = np.random.default_rng(3)
    records = ["".join(rng.choice(list("ACGT"), size=n)) for n in (20, 45, 90, 400, 1500) * 4]
    path = tmp_path / "mine.fa"
    path.write_text("".join(f">{i}\n{bases}\n" for i, bases in enumerate(records)))
    return path


def weights(folder):
    return {k: v.float().numpy() for k, v in load_file(Path(folder) / "model.safetensors").items()}


def test_segments_as_published(config):
    result = pretrain(dataclasses.replace(config, windows="segments", segment_bases=150,
                                          strands="forward", draw="row"))  # fmt: skip
    assert result.finished
    said = " ".join(result.notes)
    assert "segments of 150 bp without unknown bases, laid end to end, read forward" in said
    # alpha: stretches of 500 and 39,470; beta: 500 and 9,470; gamma: 500 and 19,470 bp
    assert f"{3 * 50 + 39_470 % 150 + 9_470 % 150 + 19_470 % 150:,} bp that fill no segment" in said


def test_run_says_what_was_decided(config, tmp_path):
    told = []
    result = pretrain(
        dataclasses.replace(config, mask_strategy="mask", device_rows=3), tell=told.append
    )
    assert told == [result.notes]
    about = json.loads((tmp_path / "run/run.json").read_text())
    assert about["notes"] == list(result.notes)
    said = " ".join(result.notes)
    assert "all of them become [MASK] (mask)" in said
    assert "3 at once in 2 micro-batches each" in said
    assert "34 bp" not in said
    assert "12 bp in stretches shorter than 100 bp are left out" in said
    species = {one["species"]: one for one in about["species"]}
    assert sum(one["probability"] for one in species.values()) == pytest.approx(1)
    assert species["alpha"]["bases"] == 39_970
    (reference,) = json.loads((tmp_path / "run/references.json").read_text()).values()
    assert 3 < reference < np.log(64) + 0.2  # token frequencies, on a held-out random sequence
    # The folder can be resumed with its own settings, and its model says where it comes from.
    assert PretrainConfig.from_yaml(tmp_path / "run/config.yaml").mask_strategy == "mask"
    card = (tmp_path / "run/model/README.md").read_text()
    assert "after 4 steps" in card
    assert "all of them become [MASK]" in card


def test_the_networks_own_rows_of_unequal_length_train_without_padding(config, fasta, tmp_path):
    """A row padded to 32 tokens gives the gradient of the row alone."""
    import torch

    from dnabert2_explore.training.corpus.rows import RowSampler, load_backend
    from dnabert2_explore.training.corpus.windows import Corpus
    from dnabert2_explore.training.pretrain.batches import Batches

    corpus = Corpus.load(fasta, "", shortest=10, cut="records")
    sampler = RowSampler(corpus, load_backend(config.tokenizer), 32, 2000, 0)
    with Batches(sampler, config) as batches:
        (batch,) = batches.take(0, 1)
    assert batch.mask is not None
    assert batch.tokens == batch.mask.sum() < batch.inputs.size
    from dnabert2_explore.network import Dnabert2Config, Dnabert2ForMaskedLM

    torch.manual_seed(0)
    network = Dnabert2ForMaskedLM(
        Dnabert2Config(vocab_size=64, hidden_dropout_prob=0.0, sparse_prediction=True, **SHAPE)
    )
    whole = network(**batch.tensors(torch.device("cpu"))).loss.detach()
    alone = 0.0
    for row, labels, mask in zip(batch.inputs, batch.labels, batch.mask, strict=True):
        n = int(mask.sum())
        given = torch.from_numpy(row[None, :n]), torch.from_numpy(labels[None, :n])
        count = int((labels > 0).sum())
        loss = network(input_ids=given[0], labels=given[1]).loss.detach()
        alone += float(loss) * count / batch.units
    assert float(whole) == pytest.approx(alone, abs=1e-5)


def test_further_on_a_fasta_without_a_table(config, fasta, genomes, tmp_path):
    base = pretrain(config)
    more = PretrainConfig(
        genomes=str(fasta),
        table="",
        tokenizer="",
        out=str(tmp_path / "more"),
        init_from=str(base.model),
        heldout=str(genomes / "d.fa"),
        windows="records",
        shortest=30,
        longest=1000,
        row_tokens=32,
        batch_rows=4,
        total_steps=4,
        warmup_steps=1,
        learning_rate=0.0,
        evaluate_every=2,
        evaluate_rows=2,
        threads=1,
        checkpoint_every=2,
    )
    same = pretrain(more)
    before, after = weights(base.model), weights(same.model)
    assert before.keys() == after.keys()
    for name, value in before.items():  # at a rate of 0 only decay by 0 remains
        np.testing.assert_array_equal(value, after[name], err_msg=name)
    with (tmp_path / "more/evaluation.csv").open() as handle:
        scores = list(csv.DictReader(handle))
    assert [(row["step"], row["species"]) for row in scores] == [("0", "d"), ("2", "d"), ("4", "d")]
    assert len({row["loss"] for row in scores}) == 1  # before and after are the same model
    said = " ".join(same.notes)
    assert f"the weights of {base.model}" in said
    assert "80 bp in stretches shorter than 30 bp are left out" in said
    assert dx.load(same.model).has_masked_lm
    learnt = pretrain(
        dataclasses.replace(more, learning_rate=1e-2, out=str(tmp_path / "learnt"), heldout="")
    )
    assert any((before[name] != value).any() for name, value in weights(learnt.model).items())
    assert "Evaluation: none" in " ".join(learnt.notes)


def test_further_run_resumes_without_the_model_it_began_with(config, fasta, tmp_path):
    import shutil

    base = pretrain(config)
    more = dataclasses.replace(
        config, genomes=str(fasta), table="", tokenizer="", init_from=str(base.model), network={},
        windows="records", shortest=30, evaluate_every=0, out=str(tmp_path / "more"),
    )  # fmt: skip
    whole = pretrain(dataclasses.replace(more, out=str(tmp_path / "whole")))
    assert not pretrain(dataclasses.replace(more, max_minutes=1e-9)).finished
    shutil.rmtree(base.model)
    resumed = pretrain(more, resume=True)
    for name, value in weights(whole.model).items():
        np.testing.assert_array_equal(value, weights(resumed.model)[name])


def test_further_from_the_shipped_model(config, fasta, tmp_path):
    result = pretrain(
        PretrainConfig(
            str(fasta), "", "", str(tmp_path / "more"), init_from="pocket", windows="records",
            shortest=30, row_tokens=16, batch_rows=2, total_steps=2, warmup_steps=1, threads=1,
            evaluate_every=0,
        )
    )  # fmt: skip
    assert result.finished
    assert dx.load(result.model).config.vocab_size == 4096


def test_what_cannot_be_trained_further(config, fasta, classifier_folder, tmp_path):
    more = dataclasses.replace(config, network={}, evaluate_every=0)
    with pytest.raises(InputError, match="has no masked-LM head"):
        pretrain(dataclasses.replace(more, init_from=str(classifier_folder), tokenizer=""))
    with pytest.raises(InputError, match="is not that of pocket"):
        pretrain(dataclasses.replace(more, init_from="pocket"))
    with pytest.raises(InputError, match="has its own shape"):
        dataclasses.replace(more, init_from="pocket", network=SHAPE)
    with pytest.raises(InputError, match="tokenizer is empty"):
        dataclasses.replace(more, tokenizer="")
    with pytest.raises(InputError, match="the table says what is held out"):
        dataclasses.replace(more, heldout="x.fa")


def test_snapshots_feed_the_timelapse(config, tmp_path):
    config = dataclasses.replace(config, total_steps=30, snapshots_every=12, learning_rate=3e-2)
    pretrain(config)
    snapshots = find_snapshots(config.out)
    assert [step for step, _ in snapshots] == [0, 12, 24, 30]
    atlas = [
        Sequence(f"{label}{i}", letters * 20, label=label)
        for label, letters in (("x", "AAAT"), ("y", "CCGC"))
        for i in range(3)
    ]
    lapse = timelapse(snapshots, "AAATAAATACAAAAGAATAAAAAAATTAACAAA", atlas)
    known = ~lapse.tokens.special
    surprise = -np.log(lapse.probability[:, known]).mean(axis=1)
    assert surprise[-1] < surprise[0]


def test_backends_train_alike_and_those_that_cannot_are_told(config, tmp_path):
    one = pretrain(config)
    two = pretrain(dataclasses.replace(config, attention="eager", out=str(tmp_path / "eager")))
    for name, value in weights(one.model).items():
        np.testing.assert_allclose(weights(two.model)[name], value, atol=1e-5, err_msg=name)
    for name in ("flex", "flash"):
        settings = {"attention": name, "device": "cpu", "out": str(tmp_path / name)}
        with pytest.raises(InputError, match=f"'{name}'"):
            pretrain(dataclasses.replace(config, **settings))


def test_tensorboard_holds_what_the_log_holds(config, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    config = dataclasses.replace(config, tensorboard=True)
    assert pretrain(dataclasses.replace(config, max_minutes=1e-9)).step == 1
    pretrain(config, resume=True)
    events = EventAccumulator(str(tmp_path / "run/tensorboard"))
    events.Reload()
    with (tmp_path / "run/log.csv").open() as handle:
        expected = [(int(row["step"]), float(row["loss"])) for row in csv.DictReader(handle)]
    found = [(one.step, one.value) for one in events.Scalars("train/loss")]
    assert [step for step, _ in found] == [1, 2, 3, 4]
    np.testing.assert_allclose([v for _, v in found], [v for _, v in expected], rtol=1e-5)
    assert [one.step for one in events.Scalars("heldout_loss/delta")] == [2, 4]


def test_tensorboard_that_is_not_there(config, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(InputError, match="tensorboard is not installed; run `pip install"):
        pretrain(dataclasses.replace(config, tensorboard=True))


@pytest.mark.parametrize("name", ["pocket", "dnabert2", "further"])
def test_shipped_settings_are_valid(name):
    config = PretrainConfig.from_yaml(CONFIGS / f"{name}.yaml")
    if name == "dnabert2":
        assert (config.batch_rows, config.row_tokens, config.total_steps) == (4096, 128, 500_000)
        from dnabert2_explore.network import Dnabert2Config

        default = Dnabert2Config()
        assert all(getattr(default, key) == value for key, value in config.network.items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"windows": "tiles"}, "windows is 'tiles'; expected random, segments or records"),
        ({"strands": "minus"}, "strands is 'minus'"),
        ({"draw": "epoch"}, "draw is 'epoch'"),
        ({"attention": "linear"}, "attention is 'linear'"),
        ({"mask_strategy": "span"}, "mask_strategy is 'span'"),
        ({"device_rows": -1}, "device_rows is -1"),
    ],
)
def test_bad_settings(config, change, message):
    with pytest.raises(InputError, match=message):
        dataclasses.replace(config, **change)
