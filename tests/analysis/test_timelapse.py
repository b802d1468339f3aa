from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest

from dnabert2_explore import load
from dnabert2_explore.analysis.attend import attend
from dnabert2_explore.analysis.timelapse import TimeLapse, find_snapshots, timelapse
from dnabert2_explore.errors import Cancelled, InputError
from dnabert2_explore.sequences import Sequence

BASES = "ACGTTGCANTAGCATGCAATGGCATTACGGATTAC"


def words(weights: str, count: int, label: str) -> list[Sequence]:
    """Sequences of one composition."""
    rng = np.random.default_rng(len(weights))
    return [
        Sequence(f"{label}{i}", "".join(rng.choice(list(weights), size=60)), label=label)
        for i in range(count)
    ]


@pytest.fixture(scope="module")
def atlas():
    return words("AAAAT", 6, "poor") + words("GGGGCC", 6, "rich")


@pytest.fixture(scope="module")
def run(model_folder, tmp_path_factory):
    """A run of three snapshots: the network of the fixtures, towards zero and back."""
    import torch
    from safetensors.torch import load_file, save_file

    folder = tmp_path_factory.mktemp("run")
    for step, scale in ((0, 0.0), (10, 0.5), (200, 1.0)):
        out = folder / f"snapshots/step-{step:07d}"
        shutil.copytree(model_folder, out)
        weights = load_file(out / "model.safetensors")
        scaled = {
            name: value * scale if value.dim() > 1 else value for name, value in weights.items()
        }
        save_file({k: v.contiguous() for k, v in scaled.items()}, out / "model.safetensors")
        assert torch.isfinite(next(iter(scaled.values()))).all()
    (folder / "snapshots/step-0000300.partial").mkdir()
    return folder


@pytest.fixture(scope="module")
def lapse(run, atlas) -> TimeLapse:
    with pytest.warns(UserWarning, match="unknown"):
        return timelapse(find_snapshots(run), BASES, atlas, layer=-1, head=1, n_neighbors=3)


def test_snapshots_are_found_in_order_and_only_whole_ones(run):
    found = find_snapshots(run)
    assert [step for step, _ in found] == [0, 10, 200]
    assert find_snapshots(run / "snapshots") == found
    with pytest.raises(InputError, match="no run folder"):
        find_snapshots(run / "elsewhere")


def test_shapes_and_what_is_not_predicted(lapse, atlas):
    n, m = len(lapse.tokens), len(atlas)
    assert lapse.steps.tolist() == [0, 10, 200]
    assert lapse.probability.shape == lapse.entropy.shape == (3, n)
    assert lapse.attention.shape == (3, n, n)
    assert lapse.planes.shape == (3, m, 2)
    left_out = lapse.tokens.special | lapse.tokens.unknown
    np.testing.assert_array_equal(np.isnan(lapse.probability), np.tile(left_out, (3, 1)))
    assert lapse.labels == ("poor",) * 6 + ("rich",) * 6
    assert (lapse.layer, lapse.head, lapse.n_neighbors) == (1, 1, 3)


def test_probabilities_are_those_of_each_token_masked_alone(lapse, run):
    enc = load(find_snapshots(run)[-1][1], dtype="float32")
    import torch

    i = int(np.flatnonzero(~np.isnan(lapse.probability[0]))[2])
    ids = lapse.tokens.ids.copy()
    ids[i] = enc.tokenizer.mask_id
    with torch.no_grad():
        logits = enc.network(input_ids=torch.from_numpy(ids)[None]).logits[0, i]
    logs = logits.double().log_softmax(-1).numpy()
    assert lapse.probability[-1, i] == pytest.approx(np.exp(logs[lapse.tokens.ids[i]]), rel=1e-4)
    assert lapse.entropy[-1, i] == pytest.approx(-(np.exp(logs) * logs).sum(), rel=1e-4)


def test_a_network_of_zeros_guesses_blindly(lapse):
    known = ~np.isnan(lapse.probability[0])
    np.testing.assert_allclose(lapse.entropy[0, known], np.log(lapse.vocabulary), rtol=1e-3)


def test_attention_is_that_of_the_snapshot(lapse, run):
    enc = load(find_snapshots(run)[1][1], dtype="float32")
    with pytest.warns(UserWarning, match="unknown"):
        expected = attend(enc, BASES).head(1, 1)
    np.testing.assert_allclose(lapse.attention[1], expected, atol=1e-6)


def test_axes_are_the_principal_ones_of_the_last_snapshot(lapse, run, atlas):
    vectors = load(find_snapshots(run)[-1][1], dtype="float32").embed(atlas).astype(float)
    centred = vectors - vectors.mean(axis=0)
    spread = np.linalg.svd(centred, compute_uv=False)
    np.testing.assert_allclose(np.linalg.norm(lapse.planes[-1], axis=0), spread[:2], rtol=1e-4)
    np.testing.assert_allclose(lapse.planes[-1].mean(axis=0), 0, atol=1e-6)
    # Embeddings of zeros are one point, wherever the basis puts it.
    assert np.ptp(lapse.planes[0], axis=0).max() < 1e-6 < np.ptp(lapse.planes[-1], axis=0).max()


def test_purity_tells_compositions_apart_and_chance_does_not(lapse):
    assert lapse.purity[-1] > 0.9
    # 5 of the 11 others share a label
    assert lapse.purity_null[-1] == pytest.approx(5 / 11, abs=0.1)


def test_unlabelled_atlas_has_no_purity(run, atlas):
    plain = [dataclasses.replace(one, label=None) for one in atlas]
    found = timelapse(find_snapshots(run)[-1:], "ACGTTGCATT", plain)
    assert np.isnan(found.purity).all()
    assert np.isnan(found.purity_null).all()
    assert found.labels == ("",) * len(atlas)


def test_progress_and_cancelling(run, atlas):
    calls = []

    def stop(done, total):
        calls.append((done, total))
        if done == 1:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        timelapse(find_snapshots(run), "ACGTTGCATT", atlas, progress=stop)
    assert calls == [(0, 3), (1, 3)]


def test_what_cannot_be_looked_at(run, atlas, classifier_folder):
    snapshots = find_snapshots(run)
    with pytest.raises(InputError, match="no snapshots"):
        timelapse([], "ACGT", atlas)
    with pytest.raises(InputError, match="2 sequences; expected at least 3"):
        timelapse(snapshots, "ACGT", atlas[:2])
    with pytest.raises(InputError, match="no layer 7"):
        timelapse(snapshots, "ACGT", atlas, layer=7)
    with pytest.raises(InputError, match="masked"):
        timelapse([(0, classifier_folder)], "ACGT", atlas)
    with pytest.raises(InputError, match="another tokenizer or shape"):
        timelapse([*snapshots, (999, "pocket")], "ACGT", atlas)
