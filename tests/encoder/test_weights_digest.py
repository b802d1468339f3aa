"""Digests of the weights that compute: read once, and again only where a sample shows a change."""

from __future__ import annotations

import pytest
import torch

import dnabert2_explore as dx
from dnabert2_explore.encoder import model as module


@pytest.fixture
def twin():
    return dx.random_twin(dx.load("pocket", cache=False))


def test_weights_without_a_file_are_read_once(twin, monkeypatch):
    first = twin.find_weights_sha256(quick=True)
    assert first == twin.weights_sha256
    monkeypatch.setattr(module, "network_sha256", lambda network: pytest.fail("read again"))
    assert twin.find_weights_sha256(quick=True) == first


def test_weights_that_change_have_another_digest(twin):
    first = twin.find_weights_sha256(quick=True)
    with torch.no_grad():
        twin.module.get_input_embeddings().weight.add_(0.1)
    second = twin.find_weights_sha256(quick=True)
    assert second != first
    assert second == twin.weights_sha256


def test_those_of_a_file_are_the_file_s():
    enc = dx.load("pocket", cache=False)
    assert enc.find_weights_sha256(quick=True) == enc.sha256 == enc.weights_sha256


def test_a_record_reads_all_weights_before_it_is_written():
    """One number that was edited behind torch's back, which no sample shows."""
    enc = dx.load("pocket", cache=False)
    weight = enc.body.encoder.layer[0].mlp.wo.weight
    weight.data[7, 7] += 1
    table = dx.nucleotide_probabilities(enc, "ACGTTTGACAGTCCGATAGG").table()
    assert enc.sha256 not in str(table.attrs)
    assert enc.weights_sha256 in str(table.attrs)
