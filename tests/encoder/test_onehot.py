"""Other tools for DNA models run on ours, and find what our own calls find."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import dnabert2_explore as dx
from dnabert2_explore.errors import InputError

START, END = 97, 104


def one_hot(*sequences: str) -> torch.Tensor:
    """Written without the package: rows A, C, G, T."""
    made = [[[float(letter == base) for letter in text] for base in "ACGT"] for text in sequences]
    return torch.tensor(made)


@pytest.fixture(scope="module")
def splice():
    return dx.load("pocket-splice")


@pytest.fixture(scope="module")
def site():
    return dx.demo.splice()[0].bases.upper()


def test_it_computes_what_the_model_predicts(splice, site):
    other = dx.demo.splice()[5].bases.upper()
    found = splice.as_onehot(output="probability")(one_hot(site, other))
    wanted = splice.predict([site, other], strands="one", segmentations=0)
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    column = splice.as_onehot("donor", output="probability")(one_hot(site, other))
    np.testing.assert_allclose(column[:, 0], wanted[:, splice.classes.index("donor")], atol=1e-6)
    assert splice.as_onehot(1)(one_hot(site).to(torch.int8)).dtype == torch.float32
    enc = dx.load("pocket")
    np.testing.assert_allclose(enc.as_onehot()(one_hot(site)), enc.embed([site]), atol=1e-6)


def test_a_column_of_zeros_is_unknown(splice, site):
    tensor = one_hot(site)
    tensor[0, :, 50] = 0
    with pytest.warns(UserWarning, match="not A, C, G or T"):
        wanted = splice.predict([f"{site[:50]}N{site[51:]}"], strands="one", segmentations=0)
    found = splice.as_onehot(output="probability")(tensor)
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_a_tool_cannot_put_the_network_into_training(splice, site):
    model = splice.as_onehot()
    before = model(one_hot(site))
    assert not model.train().training
    assert not splice.network.training
    torch.testing.assert_close(model(one_hot(site)), before)


def test_what_it_refuses(splice, site):
    model = splice.as_onehot()
    for tensor, words in (
        (one_hot(site)[0], r"X has shape \(4, 200\)"),
        (one_hot(site) * 0.5, "not one-hot"),
        (one_hot(site).requires_grad_(), "cutting into tokens has none"),
    ):
        with pytest.raises(InputError, match=words):
            model(tensor)
    with pytest.raises(InputError, match="'sheep' is unknown: choose one of acceptor"):
        splice.as_onehot("sheep")
    with pytest.raises(InputError, match="Class 7 is out of range"):
        splice.as_onehot(7)
    with pytest.raises(InputError, match="no output 'logit': choose one of embedding"):
        dx.load("pocket").as_onehot(output="logit")
    with pytest.raises(InputError, match="leave target out"):
        dx.load("pocket").as_onehot(0)


def test_mutagenesis_of_tangermeme_finds_ours(splice, site):
    tools = pytest.importorskip("tangermeme.saturation_mutagenesis", reason="needs tangermeme")
    raw = tools.saturation_mutagenesis(
        splice.as_onehot("donor"), one_hot(site), start=START, end=END, raw_outputs=True,
        device="cpu", fast=False,
    )  # fmt: skip
    before, after = (np.asarray(part, np.float64) for part in raw[:2])
    theirs = after.reshape(4, END - START).T - before.reshape(-1)[0]
    ours = dx.saturation_mutagenesis(splice, site, "donor", region=(START, END)).effects
    np.testing.assert_allclose(theirs, ours[START:END], atol=1e-4)


def test_marginalization_of_tangermeme_is_a_sweep(splice):
    tools = pytest.importorskip("tangermeme.marginalize", reason="needs tangermeme")
    backgrounds = [one.bases.upper() for one in dx.demo.splice() if one.label == "neither"][:3]
    before, after = tools.marginalize(
        splice.as_onehot("donor"), one_hot(*backgrounds), "GTAAGT", start=100, device="cpu"
    )[:2]
    sweep = dx.marginalize(splice, backgrounds, "GTAAGT", "donor", columns=[100])
    np.testing.assert_allclose(before[:, 0], sweep.baseline[0, 0], atol=1e-4)
    np.testing.assert_allclose(after[:, 0], sweep.scores[0, 0], atol=1e-4)


def test_a_dependency_map_of_tangermeme_is_of_mutants_of_mutants(splice, site):
    """Column i: how the effects of mutants move, on average, when base i is substituted."""
    tools = pytest.importorskip("tangermeme.dependency_map", reason="needs tangermeme")
    ism = pytest.importorskip("tangermeme.saturation_mutagenesis").saturation_mutagenesis
    short, model = site[98:104], splice.as_onehot("donor")
    how = {"device": "cpu", "fast": False}
    found = tools.dependency_map(
        model, one_hot(short), func=ism, device="cpu", additional_func_kwargs={"fast": False}
    )

    def scores(*texts: str) -> np.ndarray:
        return np.asarray(ism(model, one_hot(*texts), **how)).sum(axis=1)

    for i, base in enumerate(short):
        mutants = [short[:i] + other + short[i + 1 :] for other in "ACGT" if other != base]
        moved = np.abs(scores(*mutants) - scores(short)).mean(axis=0)
        np.testing.assert_allclose(found[0, :, i], moved, atol=1e-3)
