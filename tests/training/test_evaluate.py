from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from dnabert2_explore.errors import InputError
from dnabert2_explore.network import Dnabert2Config, Dnabert2ForMaskedLM
from dnabert2_explore.training.corpus.rows import RowSampler
from dnabert2_explore.training.corpus.windows import Corpus
from dnabert2_explore.training.pretrain.evaluate import (
    HeldOutRows,
    NeighbourModel,
    evaluate,
    frequency_loss,
    held_out_rows,
    score_baselines,
    score_rows,
)
from dnabert2_explore.training.pretrain.masking import IGNORED


@pytest.fixture(scope="module")
def held_out(genomes, table):
    return Corpus.load(genomes, table, "heldout", shortest=100)


@pytest.fixture
def network(backend):
    torch.manual_seed(0)
    return Dnabert2ForMaskedLM(
        Dnabert2Config(
            vocab_size=backend.get_vocab_size(),
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=16,
        )
    )


def test_every_chosen_token_is_hidden_and_the_task_is_fixed(corpus, backend):
    one = held_out_rows(corpus, backend, 4, 32, 200)
    two = held_out_rows(corpus, backend, 4, 32, 200)
    np.testing.assert_array_equal(one.inputs, two.inputs)
    assert (one.inputs[one.labels != IGNORED] == 4).all()
    assert one.species.tolist() == ["alpha"] * 4 + ["beta"] * 4 + ["gamma"] * 4


def test_scores_equal_the_loss_of_the_network(network, corpus, backend):
    task = held_out_rows(corpus, backend, 5, 32, 200)
    network.train()
    network.config.sparse_prediction = True
    found = score_rows(network, task, batch_rows=4)
    assert network.training is True, "scoring leaves the network as it found it"
    assert network.config.sparse_prediction is True
    network.config.sparse_prediction = False
    network.eval()
    for name, (nats, accuracy) in found.items():
        these = task.species == name
        labels = torch.from_numpy(task.labels[these])
        with torch.no_grad():
            output = network(input_ids=torch.from_numpy(task.inputs[these]), labels=labels)
        assert nats == pytest.approx(float(output.loss), abs=1e-5)
        chosen = labels != IGNORED
        right = (output.logits.argmax(-1)[chosen] == labels[chosen]).float().mean()
        assert accuracy == pytest.approx(float(right))


def toy():
    """Token 5 is always followed by 6, 6 by 7, 7 by 5."""
    return np.tile(np.array([5, 6, 7]), (10, 20))


def test_neighbours_learn_what_can_be_counted():
    model = NeighbourModel(toy(), vocabulary=8, smoothing=0.1)
    logs = model.log_probabilities(np.array([5, 0, 5]), np.array([0, 5, 4]))
    np.testing.assert_allclose(np.exp(logs).sum(1), 1)
    assert logs.argmax(1).tolist() == [6, 7, 6]
    assert np.exp(logs[0, 6]) > 0.99
    # a [MASK] neighbour counts as unknown
    np.testing.assert_array_equal(logs[0], logs[2])


def test_without_neighbours_it_is_the_frequency():
    rows = np.array([[1, 5, 5, 5, 6, 2]])
    model = NeighbourModel(rows, vocabulary=7, smoothing=1.0)
    logs = model.log_probabilities(np.array([1]), np.array([2]))
    np.testing.assert_allclose(np.exp(logs[0]), [0, 0, 0, 0, 0, 4 / 6, 2 / 6])


def test_bigram_by_hand():
    rows = np.array([[5, 6, 5, 6, 5, 5]])
    model = NeighbourModel(rows, vocabulary=7, smoothing=2.0)
    unigram = np.array([5, 3]) / 8
    given = (np.array([1, 2]) + 2 * unigram) / (3 + 2)  # after 5: once 5, twice 6
    logs = model.log_probabilities(np.array([5]), np.array([0]))
    np.testing.assert_allclose(np.exp(logs[0, 5:]), given)


def test_baselines_score_the_same_positions():
    ids = toy()
    labels = np.full_like(ids, IGNORED)
    labels[:, 4] = ids[:, 4]
    inputs = np.where(labels != IGNORED, 4, ids)
    task = HeldOutRows(inputs, labels, np.array(["toy"] * 10))
    found = score_baselines(task, NeighbourModel(ids, 8, smoothing=0.1))
    assert found["unigram"]["toy"][0] == pytest.approx(np.log(3), abs=1e-3)
    assert found["bigram_left"]["toy"] == (pytest.approx(0, abs=0.01), 1.0)
    assert found["bigram_both"]["toy"][0] < found["bigram_left"]["toy"][0]


def test_evaluation_is_complete_and_ready_for_json(network, backend, corpus, held_out):
    calls = []
    result = evaluate(
        network, backend, corpus, held_out, rows=6, fit_rows=50, row_tokens=32, longest=200,
        progress=lambda *call: calls.append(call),
    )  # fmt: skip
    assert json.loads(json.dumps(result)) == result
    assert result["scores"].keys() == {"delta", "mean"}
    who = {"model", "unigram", "bigram_left", "bigram_both"}
    assert result["scores"]["delta"].keys() == who
    assert result["scores"]["mean"] == result["scores"]["delta"]
    assert result["masked"]["delta"] > 0
    gain = result["gains"]["unigram"]["delta"]
    scores = result["scores"]["delta"]
    # rows weigh the same here, positions do in the scores: close, not equal
    difference = scores["unigram"]["nats"] - scores["model"]["nats"]
    assert abs(gain["nats"] - difference) < 3 * gain["standard_error"]
    assert calls[-1] == (4, 4)


def test_bad_smoothing():
    with pytest.raises(InputError, match="smoothing is 0"):
        NeighbourModel(toy(), 8, smoothing=0)


def test_frequency_loss_is_the_unigrams(corpus, backend):
    task = held_out_rows(corpus, backend, 6, 32, 200)
    rows = RowSampler(corpus, backend, 32, 200, seed=1).rows(0, 30)
    model = NeighbourModel(rows, backend.get_vocab_size(), smoothing=1.0)
    by_species = score_baselines(task, model)["unigram"]
    expected = np.mean([nats for nats, _ in by_species.values()])
    assert frequency_loss(task, rows, backend.get_vocab_size()) == pytest.approx(expected)
