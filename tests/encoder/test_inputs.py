from __future__ import annotations

import numpy as np
import pytest

from dnabert2_explore import load
from dnabert2_explore.encoder.inputs import cut_ids, far_lengths
from dnabert2_explore.errors import InputError
from dnabert2_explore.network.checkpoints.saving import save_model
from dnabert2_explore.sequences import clean


@pytest.fixture(scope="module")
def enc(tmp_path_factory):
    """A classifier that reads a sequence once and whole: what reads at an anchor is never cut."""
    shipped = load("pocket-splice", dtype="float32")
    folder = tmp_path_factory.mktemp("plain")
    return with_config(shipped, folder, anchor=None, prediction_segmentations=0)


def random_bases(rng, length):
    return "".join(rng.choice(list("ACGT"), length))


def test_cutting_is_the_tokenizers_own(enc):
    rng = np.random.default_rng(0)
    backend = type(enc.tokenizer.backend).from_str(enc.tokenizer.backend.to_str())
    for _ in range(200):
        limit = int(rng.integers(4, 40))
        a, b = (random_bases(rng, int(rng.integers(1, 150))) for _ in range(2))
        ids = [enc.tokenizer.encode_ids_batch([clean(text)]) for text in (a, b)]
        backend.enable_truncation(limit, strategy="longest_first")
        assert cut_ids(ids[0], None, limit)[0].tolist() == backend.encode(a).ids
        pair = cut_ids(*ids, limit)[0]
        assert len(pair) <= limit
        # The published tokenizer joins a pair as [CLS] a [SEP] b [SEP].
        assert pair.tolist() == backend.encode(a, b).ids


def test_no_limit_leaves_everything(enc):
    first, second = (enc.tokenizer.encode_ids_batch([clean(text)]) for text in ("ACGTACGT", "GGCC"))
    assert cut_ids(first, None, None)[0].tolist() == first[0].tolist()
    joined = cut_ids(first, second, None)[0]
    assert joined.tolist() == [*first[0], *second[0][1:]]


def test_far_lengths():
    assert far_lengths([50, 100, 200], (100, 100)) is None
    assert "2 of 3 sequences (10 to 300 bp)" in far_lengths([10, 120, 300], (90, 110))
    assert "trained on (70 bp)" in far_lengths([1000], (70, 70))


def with_config(enc, folder, **change):
    config = type(enc.config).from_dict(enc.config.to_dict() | change)
    network = type(enc.network)(config)
    network.load_state_dict(enc.network.state_dict())
    save_model(network, folder, enc.checkpoint.folder)
    return load(folder, dtype="float32")


def test_prediction_is_cut_as_training_was(enc, tmp_path):
    short = with_config(enc, tmp_path, max_input_tokens=12)
    text = random_bases(np.random.default_rng(1), 200)
    ids = cut_ids([enc.tokenize(text).ids], None, 12)
    assert len(ids[0]) == 12
    np.testing.assert_array_equal(short.predict(text), enc.predict_ids(ids))
    assert np.abs(short.predict(text) - enc.predict(text)).max() > 1e-3


def test_lengths_far_from_training_are_told(enc, tmp_path):
    trained = with_config(enc, tmp_path, training_bases=[200, 200])
    trained.predict("ACGT" * 50)
    with pytest.warns(UserWarning, match=r"1 of 2 sequences \(40 bp\) are far from the lengths"):
        trained.predict(["ACGT" * 50, "ACGT" * 10])


@pytest.mark.filterwarnings("default::dnabert2_explore.errors.ExploreWarning")  # short ones
def test_pairs(enc, tmp_path):
    pairs = with_config(enc, tmp_path, sequence_pairs=True)
    one, two = "ACGTTGCA" * 4, "GGCATTAC" * 3
    found = pairs.predict([one, two], second=[two, one])
    assert found.shape == (2, 3)
    assert np.abs(found[0] - found[1]).max() > 1e-6
    joined = np.concatenate([enc.tokenize(one).ids, enc.tokenize(two).ids[1:]])
    np.testing.assert_allclose(found[0], enc.predict_ids([joined])[0], atol=1e-6)
    with pytest.raises(InputError, match="trained on pairs"):
        pairs.predict(one)
    with pytest.raises(InputError, match="2 first and 1 second"):
        pairs.predict([one, two], second=[two])
    with pytest.raises(InputError, match="reads single sequences"):
        enc.predict(one, second=two)
