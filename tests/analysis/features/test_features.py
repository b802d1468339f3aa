"""Sparse autoencoders: their arithmetic, their files, and what is said of their features."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from scipy.sparse import csr_array

import dnabert2_explore as dx
from dnabert2_explore.analysis.features import training
from dnabert2_explore.analysis.features.readings import FeatureReadings

RNG = np.random.default_rng(4)
HIDDEN, COUNT, K = 6, 10, 3
WEIGHTS = {
    "W_enc": RNG.normal(size=(HIDDEN, COUNT)).astype(np.float32),
    "b_enc": RNG.normal(size=COUNT).astype(np.float32),
    "W_dec": RNG.normal(size=(COUNT, HIDDEN)).astype(np.float32),
    "b_dec": RNG.normal(size=HIDDEN).astype(np.float32),
}
STATES = RNG.normal(size=(20, HIDDEN)).astype(np.float32)
TOPK = {
    "architecture": "topk", "k": K, "d_in": HIDDEN, "d_sae": COUNT, "apply_b_dec_to_input": True,
    "normalize_activations": "none", "metadata": {"model_name": "theirs", "hook_layer": 1},
}  # fmt: skip


def folder(path, config, **more):
    path.mkdir(exist_ok=True)
    (path / "cfg.json").write_text(json.dumps(config))
    save_file(WEIGHTS | more, path / "sae_weights.safetensors")
    return path


def largest(before: np.ndarray) -> np.ndarray:
    """The K largest of each row, if positive: by sorting."""
    out = np.zeros_like(before)
    for row, values in enumerate(before):
        for at in sorted(range(len(values)), key=lambda i: -values[i])[:K]:
            out[row, at] = max(values[at], 0)
    return out


def test_top_k_by_sorting(tmp_path):
    found = dx.features.load(folder(tmp_path, TOPK))
    before = (STATES - WEIGHTS["b_dec"]) @ WEIGHTS["W_enc"] + WEIGHTS["b_enc"]
    active = found.activations(STATES)
    np.testing.assert_allclose(active, largest(before), rtol=1e-5, atol=1e-6)
    again = active @ WEIGHTS["W_dec"] + WEIGHTS["b_dec"]
    np.testing.assert_allclose(found.reconstruct(active), again, rtol=1e-5, atol=1e-5)
    assert (found.model, found.layer, len(found)) == ("theirs", 1, COUNT)


def test_a_bias_that_is_not_taken_off_and_activations_in_units_of_the_decoder(tmp_path):
    config = TOPK | {"apply_b_dec_to_input": False, "rescale_acts_by_decoder_norm": True}
    found = dx.features.load(folder(tmp_path, config))
    norms = np.linalg.norm(WEIGHTS["W_dec"], axis=1)
    active = largest((STATES @ WEIGHTS["W_enc"] + WEIGHTS["b_enc"]) * norms)
    np.testing.assert_allclose(found.activations(STATES), active, rtol=1e-4, atol=1e-5)
    again = (active / norms) @ WEIGHTS["W_dec"] + WEIGHTS["b_dec"]
    np.testing.assert_allclose(found.reconstruct(found.activations(STATES)), again, atol=1e-4)


def test_other_architectures_and_the_layout_of_before(tmp_path):
    threshold = np.full(COUNT, 0.7, np.float32)
    before = (STATES - WEIGHTS["b_dec"]) @ WEIGHTS["W_enc"] + WEIGHTS["b_enc"]
    old = {"architecture": "standard", "hook_layer": 2, "model_name": "old"}
    cases = (
        (TOPK | {"architecture": "jumprelu"}, np.where(before > 0.7, before, 0)),
        (old, np.maximum(before, 0)),
        (old | {"activation_fn_str": "topk", "activation_fn_kwargs": {"k": K}}, largest(before)),
    )
    for number, (config, expected) in enumerate(cases):
        found = dx.features.load(folder(tmp_path / str(number), config, threshold=threshold))
        np.testing.assert_allclose(found.activations(STATES), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (TOPK | {"architecture": "gated"}, "'gated'"),
        (TOPK | {"normalize_activations": "layer_norm"}, "normalize_activations"),
        (TOPK | {"k": 99}, "expected 1 to 10"),
        (TOPK | {"metadata": {}}, "layer="),
        ([1], "no settings"),
    ],
)
def test_what_cannot_be_computed_is_said(tmp_path, config, words):
    with pytest.raises(dx.InputError, match=words):
        dx.features.load(folder(tmp_path, config))


def test_missing_and_damaged_files_are_said(tmp_path):
    folder(tmp_path, TOPK)
    with pytest.raises(dx.InputError, match="do not fit together"):
        dx.features.load(folder(tmp_path / "b", TOPK, b_dec=np.zeros(3, np.float32)))
    (tmp_path / "sae_weights.safetensors").write_bytes(b"nothing")
    with pytest.raises(dx.InputError, match="cannot be read"):
        dx.features.load(tmp_path)
    (tmp_path / "sae_weights.safetensors").unlink()
    with pytest.raises(dx.InputError, match=r"no sae_weights\.safetensors"):
        dx.features.load(tmp_path)


def test_training_finds_the_directions_that_states_are_made_of():
    """States that are sums of two of twelve orthogonal directions, far from the origin."""
    rng = np.random.default_rng(5)
    basis = np.linalg.qr(rng.normal(size=(16, 16)))[0][:12]
    weights = np.zeros((4000, 12))
    for row in weights:
        row[rng.choice(12, 2, replace=False)] = rng.uniform(1, 2, 2)
    states = (weights @ basis * 30 + 100).astype(np.float32)
    found = training._fit(states, 24, 2, 400, 5e-3, 0, lambda _done, _total: None)
    alike = (basis @ found.decode.T).max(axis=1)
    assert np.median(alike) > 0.95
    left = states - found.reconstruct(found.activations(states))
    assert (left**2).sum() < 0.1 * ((states - states.mean(axis=0)) ** 2).sum()


@pytest.fixture(scope="module")
def pocket():
    return dx.load("pocket", cache=False)


@pytest.fixture(scope="module")
def windows():
    return dx.demo.windows()[::50]


@pytest.fixture(scope="module")
def trained(pocket, windows):
    return dx.features.train(pocket, windows, 2, n_features=48, k=4, steps=8, seed=3)


def test_a_seed_repeats_and_files_keep_everything(tmp_path, pocket, windows, trained):
    torch.manual_seed(1)
    again = dx.features.train(pocket, windows, 2, n_features=48, k=4, steps=8, seed=3, twin=False)
    np.testing.assert_array_equal(again.encode, trained.encode)
    trained.save(tmp_path / "mine")
    loaded = dx.features.load(tmp_path / "mine")
    np.testing.assert_array_equal(loaded.decode, trained.decode)
    assert loaded.twin is not None
    np.testing.assert_array_equal(loaded.twin.bias, trained.twin.bias)
    one, other = (f.read(pocket, windows[:2]) for f in (trained, loaded))
    np.testing.assert_array_equal(one.values.toarray(), other.values.toarray())
    np.testing.assert_array_equal(one.twin.values.toarray(), other.twin.values.toarray())
    assert repr(loaded) == repr(trained)
    again.save(tmp_path / "mine")  # without a twin: that of before belongs to other features
    assert dx.features.load(tmp_path / "mine").twin is None


def test_readings_are_those_of_the_layers_states(pocket, windows, trained):
    found = trained.read(pocket, windows[0])
    inner = ~found.tokens[0].special
    states = pocket.hidden_states(windows[0])[2][inner]
    np.testing.assert_allclose(found.values.toarray(), trained.activations(states), atol=1e-4)
    feature = int(found.table()["feature"].iloc[0])
    track = found.track(feature)
    column = found.values.toarray()[:, feature]
    for (start, end), value in zip(found.spans, column, strict=True):
        assert set(track[start:end].tolist()) == {float(value)}
    top = found.top(feature, n=3)
    assert top["activation"].iloc[0] == column.max()
    assert top["bases"].iloc[0].count(top["token"].iloc[0]) == 1


def test_training_can_be_stopped_and_says_how_far_it_is(pocket, windows):
    seen = []

    def stop(done: int, total: int) -> None:
        seen.append((done, total))
        if done == 12:
            raise dx.Cancelled

    with pytest.raises(dx.Cancelled):
        dx.features.train(pocket, windows, 1, n_features=16, k=2, steps=5, progress=stop)
    assert seen[-1] == (12, 2 * (len(windows) + 5))


def readings(values: np.ndarray, lengths: tuple[int, ...], twin=None) -> FeatureReadings:
    """Readings of sequences with tokens of 5 bases each, of which the vocabulary has three."""
    tokens = values.shape[0]
    owner = np.repeat(np.arange(len(lengths)), lengths)
    within = np.concatenate([np.arange(n) for n in lengths])
    enc = dx.load("pocket", cache=False)
    sequences = tuple(dx.Sequence(f"s{i}", "ACGTA" * n) for i, n in enumerate(lengths))
    ids = np.arange(tokens) % 3 + 10
    texts = tuple(enc.tokenize(one) for one in sequences)
    blank = np.zeros((2, values.shape[1]), np.float32)
    features = dx.Features(blank, blank[0], blank.T, blank[:, 0], "relu", 0, None, 1, "made up")
    return FeatureReadings(
        sequences, texts, csr_array(values.astype(np.float32)), owner,
        np.stack([within * 5, within * 5 + 5], axis=1), ids, features, "made up", twin,
    )  # fmt: skip


def test_nulls_of_features_by_hand(monkeypatch):
    rng = np.random.default_rng(6)
    lengths = (30, 20)
    values = np.where(rng.random((50, 4)) < 0.5, rng.random((50, 4)), 0)
    values[:, 3] = np.arange(50) % 3 == 1  # a single token
    other = np.where(rng.random((50, 2)) < 0.5, rng.random((50, 2)), 0)
    other[:, 1] = values[:, 2]
    found = readings(values, lengths, readings(other, lengths))
    monkeypatch.setattr(FeatureReadings, "_spelt", lambda _self: {10: "A", 11: "C", 12: "G"})
    data = found.table().set_index("feature")
    assert data["token_share"][3] == 1
    assert data["token"][3] == "C"
    near = np.concatenate([np.arange(30) < 3, np.arange(20) < 3])  # begin in the first 15 bp
    for feature in range(4):
        column = values[:, feature].astype(np.float32)
        assert data["edge"][feature] == pytest.approx(column[near].mean() / column[~near].mean())
        by = [np.corrcoef(column, theirs)[0, 1] for theirs in other.T]
        assert data["twin"][feature] == pytest.approx(max(by), abs=1e-6)
        assert data["frequency"][feature] == pytest.approx((column > 0).mean())
    np.testing.assert_allclose(found.by_sequence()[1], values[30:].max(axis=0), rtol=1e-6)
    np.testing.assert_allclose(found.by_sequence("mean")[0], values[:30].mean(axis=0), rtol=1e-6)


def test_enrichment_finds_what_was_planted_and_little_else():
    rng = np.random.default_rng(0)
    lengths = (100,) * 8
    values = np.where(rng.random((800, 40)) < 0.3, 1.0, 0.0)
    where = [[(int(at) * 5, int(at) * 5 + 15)] for at in rng.integers(0, 97, 8)]
    marked = np.zeros(800, bool)
    for number, ((start, end),) in enumerate(where):
        marked[number * 100 + start // 5 : number * 100 + end // 5] = True
    values[:, 0] = np.where(marked, 1.0, values[:, 0] * (rng.random(800) < 0.3))
    found = readings(values, lengths, readings(values[:, 1:], lengths)).enrichment(where)
    data = found.table()
    assert data["feature"].iloc[0] == 0
    assert data["q"].iloc[0] < 0.01
    assert (data["q"].iloc[1:] > 0.05).all()
    # Of the others, one in twenty or so has p < 0.05: nothing was planted there.
    assert (data["p"].iloc[1:] < 0.05).mean() < 0.15
    assert np.isnan(data["twin_fold"]).all()
    inside = values[marked, 0].sum()
    chance = marked.sum() * values[:, 0].mean()  # over all turns, every token is as likely
    assert data["fold"].iloc[0] == pytest.approx(inside / chance, rel=0.1)
    assert found.tokens.tolist() == [24]


def test_motifs_are_asked_one_by_one(pocket, windows, trained):
    found = trained.read(pocket, windows)
    hits = dx.scan_motifs(
        windows, [dx.jaspar_motif("MAFK"), dx.jaspar_motif("TBP")], threshold=1e-3
    )
    result = found.enrichment(hits, turns=20)
    assert set(result.names) == {"MAFK", "TBP"}
    assert result.q_value.shape == (2, len(result.feature))
    with pytest.raises(dx.InputError, match="other sequences"):
        found.enrichment(dx.scan_motifs(windows[:2], hits.motifs, threshold=1e-3))


def test_bad_input_is_said(pocket, windows, trained):
    found = trained.read(pocket, windows[:2])
    alone = replace(found, twin=None)
    for call, words in (
        (lambda: dx.features.train(pocket, windows, 9), "Layer 9"),
        (lambda: dx.features.train(pocket, windows[:1], 1, k=0), "k 0"),
        (lambda: dx.features.train(pocket, "ACGT" * 9, 1), "too few"),
        (lambda: dx.features.train(pocket, [], 1), "no sequences"),
        (lambda: trained.activations(np.zeros((2, 5), np.float32)), "shape"),
        (lambda: found.track(48), "no feature 48"),
        (lambda: found.track(0, 2), "no sequence 2"),
        (lambda: found.by_sequence("sum"), "'sum'"),
        (lambda: found.enrichment([[]]), "2 sequences and 1 lists of stretches"),
        (lambda: found.enrichment([[], []]), "No token lies"),
        (lambda: found.enrichment([[(0, 9)], []], turns=3), "at least 20"),
        (lambda: alone.correlations(), "twin=True"),
    ):
        with pytest.raises(dx.InputError, match=words):
            call()


def test_kinds_by_name_are_each_asked_as_alone():
    rng = np.random.default_rng(2)
    found = readings(np.where(rng.random((60, 5)) < 0.5, rng.random((60, 5)), 0), (40, 20))
    kinds = {f"kind {i}": [[(5 * i, 5 * i + 20)], [(10, 30)]] for i in range(30)}  # in two rounds
    seen = []
    together = found.enrichment(kinds, turns=20, progress=lambda *how: seen.append(how))
    for place in (0, 23, 24, 29):
        alone = found.enrichment(kinds[f"kind {place}"], turns=20)
        np.testing.assert_allclose(together.p_value[place], alone.p_value[0], atol=1e-12)
        np.testing.assert_allclose(together.fold[place], alone.fold[0])
    assert [done / total for done, total in seen] == [0.5, 1]
    with pytest.raises(dx.InputError, match="at least one kind"):
        found.enrichment({})


def test_what_takes_long_is_said_where_nobody_follows(monkeypatch, pocket, windows, capsys):
    monkeypatch.setattr(training, "training_cost", lambda *_, **_more: 240.0)

    def short(**more):
        return dx.features.train(
            pocket, windows[:2], 1, n_features=8, k=2, steps=1, twin=False, **more
        )

    short()
    assert capsys.readouterr().err == "features.train(…) takes about 4 min; Ctrl-C stops it\n"
    short(progress=lambda _done, _total: None)  # is followed
    assert not capsys.readouterr().err
