"""Pre-training by other objectives: resumed to the bit, averaged, composed, and refused by name."""

from __future__ import annotations

import csv
import dataclasses
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from dnabert2_explore import load
from dnabert2_explore.common.randomness import RandomStream
from dnabert2_explore.errors import Cancelled, CheckpointError, InputError
from dnabert2_explore.network import Dnabert2ForMaskedLM, Dnabert2Model
from dnabert2_explore.network.composed import composition
from dnabert2_explore.training.pretrain import PretrainConfig, pretrain
from dnabert2_explore.training.pretrain.contrastive import mean_vectors
from dnabert2_explore.training.pretrain.networks import Start

from ..conftest import random_bases

SHAPE = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "hidden_dropout_prob": 0.1,  # resuming has to restore torch's own generator too
}
ALL = {"embeddings": "composed", "average": 0.6, "cuts": 0.1, "bpe_dropout": 0.2}


@pytest.fixture
def config(genomes, table, tokenizer_folder, tmp_path):
    return PretrainConfig(
        genomes=str(genomes),
        table=str(table),
        tokenizer=str(tokenizer_folder),
        out=str(tmp_path / "run"),
        network=SHAPE,
        row_tokens=24,
        batch_rows=6,
        group_windows=2,
        shortest=60,
        longest=100,
        total_steps=6,
        warmup_steps=2,
        learning_rate=1e-2,
        threads=1,
        log_every=1,
        checkpoint_every=2,
        evaluate_every=3,
        evaluate_rows=2,
    )


def rows(path, without=("seconds", "tokens_per_second")):
    with path.open(newline="") as handle:
        return [
            {name: value for name, value in row.items() if name not in without}
            for row in csv.DictReader(handle)
        ]


def stopped(config, at):
    def stop(step, steps):
        if step == at:
            raise Cancelled(f"stopped at {step}")

    with pytest.raises(Cancelled):
        pretrain(config, progress=stop)


def assert_same(one, two):
    assert one.keys() == two.keys()
    for name, value in one.items():
        assert torch.equal(value, two[name]), name


@pytest.mark.parametrize(
    ("objective", "more"),
    [
        ("masked", {"embeddings": "composed", "average": 0.6}),
        ("contrastive", {}),
        ("contrastive", ALL | {"positives": "species"}),
        ("both", ALL),
    ],
)
def test_resumed_to_the_bit(config, tmp_path, objective, more) -> None:
    config = dataclasses.replace(config, objective=objective, **more)
    whole = pretrain(dataclasses.replace(config, out=str(tmp_path / "whole")))
    stopped(config, 3)
    resumed = pretrain(config, resume=True)
    assert (resumed.step, resumed.tokens) == (whole.step, whole.tokens)
    for folder in ("model", "checkpoints/step-0000006"):
        assert_same(*(load_file(tmp_path / run / folder / "model.safetensors")
                      for run in ("whole", "run")))  # fmt: skip
    states = [
        torch.load(one.checkpoint / "optimizer.pt", weights_only=True) for one in (whole, resumed)
    ]
    for number, state in states[0]["optimizer"]["state"].items():
        assert_same(state, states[1]["optimizer"]["state"][number])
    for beside in ("composed", "average"):
        assert (beside in states[0]) == (beside in states[1])
        assert_same(states[0].get(beside, {}), states[1].get(beside, {}))
    for name in ("log.csv", "evaluation.csv"):
        assert rows(tmp_path / "run" / name) == rows(tmp_path / "whole" / name)

    network = load(whole.model, dtype="float32").network
    kind = Dnabert2Model if objective == "contrastive" else Dnabert2ForMaskedLM
    assert type(network) is kind
    text = " ".join(whole.notes)
    assert ("composed" in text) == ("embeddings" in more)


def test_the_model_is_the_average_and_so_is_what_is_scored(config, tmp_path) -> None:
    config = dataclasses.replace(config, objective="contrastive", average=0.9)
    result = pretrain(config)
    average = torch.load(result.checkpoint / "optimizer.pt", weights_only=True)["average"]
    model, last = (
        load_file(folder / "model.safetensors") for folder in (result.model, result.checkpoint)
    )
    moved = 0.0
    for name, value in model.items():
        assert torch.equal(value, average[f"module.{name}"])
        moved += float((value - last[name]).abs().sum())
    assert moved > 0
    # The last row of the evaluation, computed once more from the saved model.
    from dnabert2_explore.training.corpus.rows import RowSampler
    from dnabert2_explore.training.pretrain.batches import load_corpora
    from dnabert2_explore.training.pretrain.objectives import HeldOutWindows

    enc = load(result.model, dtype="float32")
    training, held_out = load_corpora(config)
    sampler = RowSampler(
        training, enc.tokenizer.backend, config.row_tokens, config.longest, config.seed
    )
    ((name, (loss, accuracy)),) = HeldOutWindows(held_out, sampler, config)(enc.network).items()
    said = rows(tmp_path / "run/evaluation.csv")[-1]
    assert name in said.values()
    assert float(said["loss"]) == pytest.approx(loss, abs=1e-4)
    assert float(said["accuracy"]) == pytest.approx(accuracy, abs=1e-4)


def test_the_layers_that_are_compared_are_those_that_embed_returns(config, tmp_path) -> None:
    config = dataclasses.replace(config, objective="contrastive", embedding_layers=[0, 1])
    result = pretrain(config)
    enc = load(result.model, dtype="float32")
    assert enc.config.embedding_layers == [0, 1]
    text = "ACGTTGCAATGGCCAATTACG" * 3
    ids = enc.input_ids(enc.tokenize(text))
    special = tuple(map(enc.tokenizer.backend.token_to_id, ("[CLS]", "[SEP]", "[PAD]")))
    with torch.no_grad():
        states = enc.network(ids, output_hidden_states=True).hidden_states
    compared = mean_vectors(torch.cat([states[0], states[1]], dim=-1), ids, special)
    torch.testing.assert_close(torch.tensor(enc.embed(text)), compared, atol=1e-5, rtol=1e-5)
    # The model says so, whatever it was trained further from; and a layer too many is refused.
    again = dataclasses.replace(
        config, init_from=str(result.model), tokenizer="", network={}, embedding_layers=[],
        total_steps=2, warmup_steps=0, decay_steps=0, out=str(tmp_path / "again"),
    )  # fmt: skip
    assert load(pretrain(again).model).config.embedding_layers is None
    with pytest.raises(InputError, match="expected different layers from 0 to"):
        pretrain(dataclasses.replace(again, embedding_layers=[9], out=str(tmp_path / "no")))


def test_contrastive_training_brings_a_species_together(config, corpus) -> None:
    # Three species that differ in composition; labels are not used.
    config = dataclasses.replace(
        config, objective="contrastive", embeddings="composed", batch_rows=12, group_windows=3,
        row_tokens=64, total_steps=40, learning_rate=5e-3, evaluate_every=0, checkpoint_every=40,
        log_every=40, average=0.8,
    )  # fmt: skip

    def purity(model):
        rng = np.random.default_rng(3)
        index = np.repeat(np.arange(3), 12)
        texts = [corpus.window(rng, 100, int(i)).bases for i in index]
        vectors = load(model, dtype="float32").embed(texts)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        near = vectors @ vectors.T
        same = (index[:, None] == index) & ~np.eye(len(index), dtype=bool)
        return near[same].mean() - near[index[:, None] != index].mean()

    result = pretrain(dataclasses.replace(config, snapshots_every=40))
    assert purity(result.model) > purity(result.model.parent / "snapshots/step-0000000") + 0.05


def test_what_is_excluded_is_said_and_refused_when_it_changes(config, tmp_path, genomes) -> None:
    letters = (genomes / "a.fa").read_text().split("\n")[1]
    path = tmp_path / "shown.fa"
    path.write_text(f">shown\n{letters[1000:1300]}\n")
    config = dataclasses.replace(config, exclude=(str(path),), exclude_margin=500, total_steps=2)
    result = pretrain(config)
    said = " ".join(result.notes)
    assert "shown.fa" in said
    assert json.loads((tmp_path / "run/run.json").read_text())["config"]["exclude"] == [str(path)]
    with pytest.raises(InputError, match="exclude_margin: 500 -> 400"):
        pretrain(dataclasses.replace(config, exclude_margin=400), resume=True)


def test_more_processes_than_one(config, monkeypatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    for more in ({"objective": "contrastive"}, {"embeddings": "composed"}, {"average": 0.9}):
        with pytest.raises((InputError, CheckpointError), match="one process"):
            pretrain(dataclasses.replace(config, **more))


def test_a_model_without_its_masked_head_is_refused_where_one_is_needed(config, tmp_path) -> None:
    contrastive = dataclasses.replace(config, objective="contrastive", total_steps=2)
    model = pretrain(contrastive).model
    again = dataclasses.replace(
        config, init_from=str(model), tokenizer="", network={}, total_steps=2,
        out=str(tmp_path / "again"),
    )  # fmt: skip
    with pytest.raises((InputError, CheckpointError), match=r"model.* no masked-LM head"):
        pretrain(again)
    assert pretrain(dataclasses.replace(again, objective="contrastive")).finished
    enc = load(model)
    ids = enc.tokenize("ACGTACGTAC").ids
    with pytest.raises(InputError, match=r"Model '.+' has no masked-LM head"):
        enc.masked_log_probs([ids], [np.array([1])])


def test_rows_of_the_composition_are_in_the_order_of_ids() -> None:
    class Backend:
        """A tokenizer whose vocabulary comes in another order, as it does in every process."""

        def get_vocab(self):
            return {"GT": 3, "A": 0, "[CLS]": 2, "C": 1}

    start = Start(network=None, tokenizer=Backend(), tokenizer_file=None, fresh=RandomStream(0))
    assert start.vocabulary == ["A", "C", "[CLS]", "GT"]
    assert composition(start.vocabulary)[2].sum() == 1


def test_embeddings_of_a_contrastive_model_are_what_it_was_trained_on(config) -> None:
    from dnabert2_explore.training.pretrain.contrastive import mean_vectors

    config = dataclasses.replace(config, objective="contrastive", embeddings="composed")
    enc = load(pretrain(dataclasses.replace(config, total_steps=2)).model, dtype="float32")
    texts = [random_bases(80, seed=s) for s in range(3)]
    ids = [torch.from_numpy(enc.tokenize(text).ids)[None] for text in texts]
    special = (enc.tokenizer.cls_id, enc.tokenizer.sep_id, enc.tokenizer.pad_id)
    with torch.inference_mode():
        found = [mean_vectors(enc.network(one).last_hidden_state, one, special)[0] for one in ids]
    np.testing.assert_allclose(enc.embed(texts), torch.stack(found).numpy(), atol=1e-6)
