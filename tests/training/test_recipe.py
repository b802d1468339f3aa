"""What is left open is settled by size; what a small recipe does, and that it is what is saved."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from dnabert2_explore import load
from dnabert2_explore.errors import InputError
from dnabert2_explore.network import Dnabert2Config, Dnabert2ForSequenceClassification
from dnabert2_explore.network.composed import composition
from dnabert2_explore.tokens import DnaTokenizer
from dnabert2_explore.tokens.segmentation import Segmentation
from dnabert2_explore.training.finetune import FinetuneConfig, finetune
from dnabert2_explore.training.finetune.config import AUTO
from dnabert2_explore.training.finetune.data import Batches, Resegmented
from dnabert2_explore.training.finetune.methods import learners
from dnabert2_explore.training.finetune.methods.recipe import PUBLISHED, settle
from dnabert2_explore.training.labelled.tables import read_labelled
from dnabert2_explore.training.loop.update import Update
from dnabert2_explore.training.predict import predict_table

from ..conftest import random_bases
from .labelled import gc_rows, read_csv, tiny_model, write_csv, write_splits

QUICK = {"threads": 1, "bootstrap": 20, "check_leakage": False}


@pytest.fixture(scope="module")
def pretrained(tokenizer_folder, tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("pretrained"), tokenizer_folder)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_splits(tmp_path_factory.mktemp("data"), "classification")


def newcomer(model, data, out, **more):
    """As somebody writes it who has read the first page."""
    files = {name: str(data / f"{name}.csv") for name in ("train", "dev", "test")}
    return FinetuneConfig(str(model), out=str(out), **files, **more)


@pytest.fixture(scope="module")
def run(pretrained, data, tmp_path_factory):
    return finetune(newcomer(pretrained, data, tmp_path_factory.mktemp("run") / "run", **QUICK))


def test_a_newcomers_call_learns(run) -> None:
    assert run.test["mcc"] > 0.8
    told = next(note for note in run.notes if note.startswith("recipe "))
    assert told.startswith('recipe small, as the network has 0.0 M parameters (`recipe="published"')
    for words in ("learning_rate 0.001", "epochs ", "pooling mean", "segmentation random",
                  "average 0.99", "embeddings composed", "strands both", "segmentations 4",
                  "both strands, as 4-mers of both tell the classes of dev as well"):  # fmt: skip
        assert words in told
    assert "dev (in the end) and test are predicted by the mean over both strands, 5" in " ".join(
        run.notes
    )
    written = FinetuneConfig.from_yaml(run.model.parent / "config.yaml")
    assert written.recipe == "small"
    assert not [name for name, value in AUTO.items() if getattr(written, name) == value]


def test_saved_settings_are_those_of_the_scores_digit_for_digit(run, data, tmp_path) -> None:
    enc = load(run.model, dtype="float32")
    assert (enc.config.prediction_strands, enc.config.prediction_segmentations) == ("both", 4)
    predict_table(run.model, data / "test.csv", tmp_path / "p.csv")
    said = run.model.parent / "predictions.csv"
    assert (tmp_path / "p.csv").read_bytes() == said.read_bytes()
    rows = read_csv(said)
    found = enc.predict([row["sequence"] for row in read_csv(data / "test.csv")])
    assert [[float(row["p_poor"]), float(row["p_rich"])] for row in rows] == [
        [pytest.approx(value, abs=1e-8) for value in one] for one in found
    ]
    one = enc.predict([read_csv(data / "test.csv")[0]["sequence"]], strands="one", segmentations=0)
    assert np.abs(one - found[0]).max() > 1e-7


def test_another_reading_on_demand(run, data, tmp_path) -> None:
    """The command line's --strands and --segmentations."""
    predict_table(run.model, data / "test.csv", tmp_path / "p.csv", strands="one", segmentations=0)
    enc = load(run.model, dtype="float32")
    texts = [row["sequence"] for row in read_csv(data / "test.csv")]
    found = enc.predict(texts, strands="one", segmentations=0)
    for row, one in zip(read_csv(tmp_path / "p.csv"), found, strict=True):
        assert [float(row["p_poor"]), float(row["p_rich"])] == pytest.approx(one, abs=1e-8)


def test_the_model_folder_is_a_plain_one(run) -> None:
    weights = load_file(run.model / "model.safetensors")
    assert {name.split(".")[0] for name in weights} == {"bert", "classifier"}
    card = (run.model / "README.md").read_text()
    for words in ("embeddings", "composed", "average", "0.99", "both strands, 5 segmentations"):
        assert words in card


# Settling


def settled(data, parameters=1_000_000, **more):
    train, dev = (read_labelled(data / f"{name}.csv", "auto") for name in ("train", "dev"))
    return settle(newcomer("m", data, "o", **more), parameters, train, dev)


def test_large_networks_keep_the_authors_protocol(data) -> None:
    found, told = settled(data, parameters=117_000_000)
    assert {name: getattr(found, name) for name in PUBLISHED} == PUBLISHED
    assert found.rate == 3e-5
    assert told.startswith("recipe published, as the network has 117.0 M parameters: ")
    asked, told = settled(data, parameters=117_000_000, recipe="small")
    assert asked.segmentation == "random"
    assert told.startswith("recipe small, as asked: ")
    asked, told = settled(data, recipe="published")
    assert asked.rate == 3e-5
    assert told.startswith("recipe published, as asked")


@pytest.mark.parametrize("recipe", ["published", "small"])
def test_what_is_given_stays(data, recipe) -> None:
    given = {
        "epochs": 2.0, "batch_size": 8, "warmup_steps": 3, "weight_decay": 0.0, "pooling": "cls",
        "augment": "none", "segmentation": "fixed", "average": 0.0, "schedule": "linear",
        "embeddings": "plain", "evaluate_every": 0, "strands": "one", "segmentations": 0,
        "learning_rate": 1e-4,
    }  # fmt: skip
    found, told = settled(data, recipe=recipe, **given)
    assert told == ""
    assert {name: getattr(found, name) for name in given} == given


@pytest.mark.parametrize("method", ["full", "lora", "probe"])
@pytest.mark.parametrize("more", [{}, {"max_steps": 7}])
@pytest.mark.parametrize("recipe", ["published", "small"])
def test_settled_is_settled(data, recipe, method, more) -> None:
    found, _ = settled(data, recipe=recipe, method=method, **more)
    train, dev = (read_labelled(data / f"{name}.csv", "auto") for name in ("train", "dev"))
    again, told = settle(found, 1_000_000, train, dev)
    assert (again, told) == (found, "")
    if method != "full":
        assert (found.average, found.embeddings) == (0.0, "plain")
    if method == "probe":
        assert found.segmentation == "fixed"
    if more:
        assert found.evaluate_every <= 200


def test_where_the_strand_carries_the_label_it_is_kept(tmp_path) -> None:
    rng = np.random.default_rng(0)
    for split, count in (("train", 200), ("dev", 80), ("test", 40)):
        rows = []
        for i in range(count):
            weights = (0.5, 0.2, 0.2, 0.1) if i % 2 else (0.1, 0.2, 0.2, 0.5)
            rows.append(("".join(rng.choice(list("ACGT"), size=50, p=weights)), "AT"[i % 2]))
        write_csv(tmp_path / f"{split}.csv", ("sequence", "label"), rows)
    found, told = settled(tmp_path)
    assert (found.augment, found.strands) == ("none", "one")
    assert "one strand, as 4-mers of one tell the classes of dev better (loss " in told


# What the settings do


def test_the_kept_weights_are_the_average_of_those_trained(
    pretrained, data, tmp_path, monkeypatch
) -> None:
    seen = []
    take = Update.take

    def watching(self, *step):
        outcome = take(self, *step)
        seen.append({name: p.detach().clone() for name, p in self.module.named_parameters()})
        return outcome

    monkeypatch.setattr(Update, "take", watching)
    config = newcomer(
        pretrained, data, tmp_path / "run", recipe="published", average=0.7, max_steps=12,
        learning_rate=1e-2, warmup_steps=0, evaluate_every=3, dropout=0.0, **QUICK,
    )  # fmt: skip
    result = finetune(config)
    assert len(seen) == 12
    average = seen[0]
    for step, weights in enumerate(seen[1 : result.best_step], start=1):
        kept = min(0.7, (1 + step) / (10 + step))
        average = {n: kept * average[n] + (1 - kept) * w for n, w in weights.items()}
    saved = load_file(result.model / "model.safetensors")
    for name, value in average.items():
        torch.testing.assert_close(saved[name], value, rtol=1e-4, atol=1e-6)
    best = next(row for row in read_csv(tmp_path / "run/log.csv") if row["best"] == "1"
                and row["step"] == str(result.best_step))  # fmt: skip
    assert result.dev.loss == pytest.approx(float(best["dev_loss"]), abs=1e-6)
    assert "judged and saved are averaged weights (decay 0.7)" in result.notes


def test_composed_rows_stand_in_the_order_of_ids() -> None:
    tokens = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]", *"ACGT", "AC"]
    shuffled = {tokens[i]: i for i in (9, 3, 0, 7, 1, 5, 8, 2, 6, 4)}  # get_vocab() as it comes
    shape = {"vocab_size": 10, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    network = Dnabert2ForSequenceClassification(Dnabert2Config(**shape, intermediate_size=8))
    learner = SimpleNamespace(
        tokenizer=SimpleNamespace(vocabulary=shuffled), network=network, fresh=False
    )
    learners.Learner.compose(learner)
    assert (learner.module.composition.numpy() == composition(tokens)).all()


def test_every_epoch_reads_other_tokens_the_same_ones_for_a_seed(pretrained, data) -> None:
    tokenizer = DnaTokenizer.from_file(pretrained / "tokenizer.json")
    train = read_labelled(data / "train.csv", "auto")
    rows = Resegmented(tokenizer, train, Segmentation(0.1, 0.1), 0)

    def collate(chosen, turned, rng):
        ids = rows.ids(chosen, turned, rng)
        return {int(row): tuple(one.tolist()) for row, one in zip(chosen, ids, strict=True)}

    def epoch(number, seed=1):
        batches = Batches(len(train), np.ones(len(train)), collate, 16, 16, False, seed)
        steps = batches.take(number * batches.steps, (number + 1) * batches.steps)
        return {row: ids for parts in steps for part in parts for row, ids in part.items()}

    first, second = epoch(0), epoch(1)
    assert epoch(0) == first
    assert sum(first[row] != second[row] for row in first) > 0.9 * len(train)
    assert epoch(0, seed=2) != first

    def read(ids):
        return "".join(tokenizer.token(i) for i in ids[1:-1])

    assert all(read(first[row]) == train.bases[row] for row in first)


def test_the_same_seed_gives_the_same_small_run(pretrained, data, tmp_path) -> None:
    runs = [
        finetune(newcomer(pretrained, data, tmp_path / name, max_steps=4, **QUICK))
        for name in ("one", "two")
    ]
    weights = [load_file(one.model / "model.safetensors") for one in runs]
    for name, value in weights[0].items():
        assert torch.equal(value, weights[1][name])


def sites(folder, count=160):
    """Windows of 41 bases with a class that follows from the base behind their middle."""
    for seed, (split, n) in enumerate((("train", count), ("dev", 40), ("test", 40))):
        rows = []
        for i in range(n):
            text = random_bases(41, seed=1000 * seed + i)
            rows.append((text[:20] + ("GT" if i % 2 else "CA") + text[22:], ["site", "no"][i % 2]))
        write_csv(folder / f"{split}.csv", ("sequence", "label"), rows)
    return folder


@pytest.mark.parametrize("method", ["full", "probe"])
def test_an_anchored_model_reads_sites_wherever_it_is_asked(pretrained, tmp_path, method) -> None:
    folder = sites(tmp_path)
    config = newcomer(
        pretrained, folder, tmp_path / "run", anchor="middle", max_steps=60, batch_size=16,
        segmentations=1, method=method, **QUICK,
    )  # fmt: skip
    result = finetune(config)
    assert "one strand: tokens begin at a site" in " ".join(result.notes)
    enc = load(result.model, dtype="float32")
    assert (enc.config.anchor, enc.tokenizer.anchor) == ("middle", "middle")
    tokens = enc.tokenize(read_csv(folder / "test.csv")[0]["sequence"])
    assert 20 in tokens.spans[~tokens.special][:, 0]
    predict_table(result.model, folder / "test.csv", tmp_path / "p.csv")
    assert (tmp_path / "p.csv").read_bytes() == (tmp_path / "run/predictions.csv").read_bytes()
    with pytest.raises(InputError, match="reads sites of one strand"):
        enc.predict("ACGT" * 10, strands="both")
    assert "anchor" in (result.model / "README.md").read_text()


def test_a_network_from_nothing(data, tmp_path) -> None:
    config = newcomer("scratch:2x64", data, tmp_path / "run", max_steps=30, **QUICK)
    result = finetune(config)
    assert result.test["mcc"] > 0.5
    enc = load(result.model)
    assert (enc.config.num_hidden_layers, enc.config.hidden_size) == (2, 64)
    assert enc.tokenizer.sha256 == load("pocket").tokenizer.sha256
    assert "0.4 M parameters" in next(note for note in result.notes if "recipe" in note)


@pytest.mark.parametrize("name", ["scratch:", "scratch:2x100", "scratch:2", "scratch:axb"])
def test_no_shape(data, tmp_path, name) -> None:
    with pytest.raises(InputError, match="expected layers and width, a multiple of 32, such as"):
        finetune(newcomer(name, data, tmp_path / "run", **QUICK))


def test_small_tasks_of_every_kind(pretrained, tmp_path) -> None:
    for task in ("multi_label", "regression", "pairs"):
        folder = write_splits(tmp_path / task, task)
        config = newcomer(pretrained, folder, tmp_path / f"run-{task}", max_steps=5, **QUICK)
        result = finetune(config)
        assert "both strands, as nobody said otherwise" in " ".join(result.notes)
        predict_table(result.model, folder / "test.csv", tmp_path / f"{task}.csv")
        said = read_csv(result.model.parent / "predictions.csv")
        numbers = [name for name in said[0] if name.startswith("p_")] or ["predicted"]
        for one, row in zip(read_csv(tmp_path / f"{task}.csv"), said, strict=True):
            for name in numbers:  # a value is as exact as its unit lets a float32 be
                assert float(one[name]) == pytest.approx(float(row[name]), rel=2e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"recipe": "tiny"}, "recipe is 'tiny'; expected auto, published or small"),
        ({"segmentation": "bpe"}, "segmentation is 'bpe'; expected auto, fixed or random"),
        ({"schedule": "step"}, "schedule is 'step'; expected auto, linear or cosine"),
        ({"embeddings": "x"}, "embeddings is 'x'; expected auto, plain or composed"),
        ({"strands": "two"}, "strands is 'two'; expected auto, one or both"),
        ({"segmentations": -2}, "segmentations is -2; expected at least 0"),
        ({"average": 1.0}, r"average is 1\.0; expected 0 to less than 1"),
        ({"average": -0.5}, r"average is -0\.5; expected at least 0"),
        ({"cuts": 1.0}, r"cuts is 1\.0; expected 0 to less than 1"),
        ({"bpe_dropout": -0.1}, r"bpe_dropout is -0\.1; expected 0 to less than 1"),
        ({"method": "lora", "average": 0.9}, "average and composed embeddings train all weights"),
        ({"method": "lora", "anchor": "middle"}, "anchor belongs to the model's own config.json"),
        ({"method": "probe", "segmentation": "random"}, "a probe's vectors are computed once"),
        ({"anchor": "middle", "max_tokens": 20}, "max_tokens cuts the end off, where half of an"),
        ({"anchor": "middle", "strands": "both"}, "anchor reads a site of one strand"),
        ({"anchor": "7", "augment": "reverse_complement"}, "anchor reads a site of one strand"),
    ],
)
def test_bad_settings(data, change, message) -> None:
    with pytest.raises(InputError, match=message):
        newcomer("m", data, "o", **change)


@pytest.mark.parametrize("anchor", ["end", "-3", "0", "1.5", "²"])
def test_no_anchor(data, tmp_path, pretrained, anchor) -> None:
    with pytest.raises(InputError, match="expected 'middle', or a number of bases"):
        finetune(newcomer(pretrained, data, tmp_path / "run", anchor=anchor, **QUICK))


def test_windows_too_short_for_their_anchor(pretrained, data, tmp_path) -> None:
    with pytest.raises(InputError, match=r"cannot be read as two parts \(40 bases and the rest\)"):
        finetune(newcomer(pretrained, data, tmp_path / "run", anchor="40", **QUICK))
    assert gc_rows(1, 0)[0][0]  # 40 bases each
