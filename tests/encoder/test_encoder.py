from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
import torch

from dnabert2_explore import CheckpointError, Encoder, InputError, Sequence, load
from dnabert2_explore.sequences import UnknownBasesWarning


@pytest.fixture(scope="module")
def mixed() -> list[str]:
    return [
        "".join(np.random.default_rng(n).choice(list("ACGT"), n)) for n in (31, 400, 7, 120, 31, 1)
    ]


def by_hand(enc, bases: str) -> torch.Tensor:
    """Hidden states of the bases' tokens from one unpadded forward pass."""
    ids = enc.input_ids(enc.tokenize(bases))
    with torch.inference_mode():
        return enc.body(ids).last_hidden_state[0, 1:-1].float()


def test_mean_leaves_out_padding_and_special_tokens(enc, mixed) -> None:
    vectors = enc.embed(mixed)
    assert vectors.shape == (6, 32)
    assert vectors.dtype == np.float32
    for vector, bases in zip(vectors, mixed, strict=True):
        np.testing.assert_allclose(vector, by_hand(enc, bases).mean(0), atol=1e-5)


def test_max_and_cls(enc, mixed) -> None:
    for vector, bases in zip(enc.embed(mixed, pooling="max"), mixed, strict=True):
        np.testing.assert_allclose(vector, by_hand(enc, bases).amax(0), atol=1e-5)
    for vector, bases in zip(enc.embed(mixed, pooling="cls"), mixed, strict=True):
        np.testing.assert_allclose(vector, enc.hidden_states(bases)[-1][0], atol=1e-5)


@pytest.mark.parametrize("batch_tokens", [1, 100, 100_000])
def test_batches_change_nothing(enc, mixed, batch_tokens) -> None:
    np.testing.assert_allclose(
        enc.embed(mixed, batch_tokens=batch_tokens), enc.embed(mixed), atol=1e-5
    )


def test_layers_by_number(enc, bases) -> None:
    states = enc.hidden_states(bases)
    tokens = enc.tokenize(bases)
    assert states.shape == (3, len(tokens), 32)
    for layer in (-3, -1, 0, 1, 2):
        np.testing.assert_allclose(
            enc.embed(bases, layer=layer)[0], states[layer][1:-1].mean(0), atol=1e-5
        )


def test_sequences_and_strings_are_alike(enc, bases) -> None:
    assert np.array_equal(enc.embed(Sequence("x", bases)), enc.embed([bases]))


def test_progress_ends_complete_and_can_stop_the_work(enc, mixed) -> None:
    seen = []
    enc.embed(mixed, batch_tokens=100, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (6, 6)
    assert [s[0] for s in seen] == sorted({s[0] for s in seen})

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        enc.embed(mixed, progress=stop)


def test_equal_sequences_are_computed_once(enc, mixed, monkeypatch) -> None:
    expected = enc.embed(mixed)
    computed = []
    states = enc.body.packed_states

    def counting(ids, packing, layers):
        computed.append(len(packing.lengths))
        return states(ids, packing, layers)

    monkeypatch.setattr(enc.body, "packed_states", counting)
    seen = []
    again = enc.embed(
        [*mixed, *mixed[::-1]], progress=lambda done, total: seen.append((done, total))
    )
    np.testing.assert_allclose(again, np.concatenate([expected, expected[::-1]]), atol=1e-6)
    assert sum(computed) == len(set(mixed))
    assert seen[-1] == (12, 12)


def test_a_full_memory_halves_the_batch_and_says_so(model_folder, mixed, monkeypatch) -> None:
    enc = load(model_folder)
    expected = enc.embed(mixed)
    states = enc.body.packed_states
    limit = len(enc.tokenize(mixed[1]))  # the longest fits alone

    def small_machine(ids, packing, layers):
        if ids.numel() > limit:
            raise torch.OutOfMemoryError("no more")
        return states(ids, packing, layers)

    monkeypatch.setattr(enc.body, "packed_states", small_machine)
    with pytest.warns(UserWarning, match="did not fit in memory"):
        again = enc.embed(mixed)
    np.testing.assert_allclose(again, expected, atol=1e-5)
    # What did not fit is not tried again.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        enc.embed(mixed)
    # One sequence that does not fit alone cannot be helped by smaller batches.
    with pytest.raises(InputError, match="does not fit in memory: read it in windows"):
        enc.embed(mixed[1] * 2)


def test_a_batch_is_within_the_budget_and_has_no_padding(enc, mixed, monkeypatch) -> None:
    batches = []
    states = enc.body.packed_states

    def noting(ids, packing, layers):
        batches.append((len(ids), packing.lengths.tolist()))
        return states(ids, packing, layers)

    monkeypatch.setattr(enc.body, "packed_states", noting)
    enc.embed(mixed, batch_tokens=120)
    assert all(total == sum(lengths) for total, lengths in batches)
    assert all(total <= 120 or len(lengths) == 1 for total, lengths in batches)
    assert 1 < len(batches) < len(mixed)


def test_several_layers_in_one_pass(enc, mixed) -> None:
    both = enc.embed(mixed, layer=(0, -1), pooling="max")
    assert both.shape == (6, 2, 32)
    assert enc.embed(mixed, layer=np.int64(1)).shape == (6, 32)
    np.testing.assert_allclose(both[:, 0], enc.embed(mixed, layer=0, pooling="max"), atol=1e-6)
    np.testing.assert_allclose(both[:, 1], enc.embed(mixed, layer=2, pooling="max"), atol=1e-6)


def test_encoders_of_one_network_share_a_lock_and_can_be_copied(enc, bases) -> None:
    assert Encoder(enc.network, enc.tokenizer).lock is enc.lock
    again = pickle.loads(pickle.dumps(enc))  # as joblib sends it to its workers
    np.testing.assert_array_equal(again.embed(bases), enc.embed(bases))


def test_info_follows_the_network(model_folder) -> None:
    enc = load(model_folder)
    enc.network.set_attn_implementation("eager")
    assert enc.info.attention == "eager"


def test_predict_gives_probabilities_by_class(classifier, mixed) -> None:
    probabilities = classifier.predict(mixed)
    assert probabilities.shape == (6, 3)
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-6)
    assert classifier.classes == ("donor", "acceptor", "neither")
    assert classifier.has_head
    for row, bases in zip(probabilities, mixed, strict=True):
        ids = classifier.input_ids(classifier.tokenize(bases))
        with torch.inference_mode():
            expected = classifier.network(ids).logits.softmax(-1)[0]
        np.testing.assert_allclose(row, expected, atol=1e-5)


def test_predict_without_a_head_says_what_to_do(enc, bases) -> None:
    assert not enc.has_head
    assert enc.classes == ()
    with pytest.raises(InputError, match="has no classification head"):
        enc.predict(bases)


def test_projections_make_the_attention_of_the_network(enc, bases) -> None:
    queries, keys = enc.projections(bases)
    n = len(enc.tokenize(bases))
    assert queries.shape == keys.shape == (2, 4, n, 8)
    assert not any(m._forward_hooks for m in enc.network.modules() if hasattr(m, "Wqkv"))
    assert not any(layer.attention.self.Wqkv._forward_hooks for layer in enc.body.encoder.layer)


@pytest.mark.filterwarnings("default::dnabert2_explore.errors.ExploreWarning")  # N
def test_a_sequence_of_unknown_bases_only_is_named(enc) -> None:
    with pytest.warns(UnknownBasesWarning, match=r"Sequence 2 of 2 \(gap\): no A, C, G or T"):
        vectors = enc.embed([Sequence("one", "ACGTACGT"), Sequence("gap", "NNNNNNNN")])
    assert np.isfinite(vectors).all()


def test_unknown_bases_warn_once_for_the_whole_call(enc) -> None:
    with pytest.warns(UnknownBasesWarning) as record:
        enc.embed(["ACGTN", "NNACG"])
    assert len(record) == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda enc: enc.embed([]), "no sequences"),
        (lambda enc: enc.embed(["ACGT", " \n"]), "Sequence 2 of 2 has no bases"),
        (lambda enc: enc.embed([Sequence("geneX", "")]), "geneX"),
        (lambda enc: enc.embed("ACGT", pooling="sum"), "Pooling 'sum' is unknown"),
        (lambda enc: enc.embed("ACGT", layer=3), "Layer 3 does not exist"),
        (lambda enc: enc.embed("ACGT", layer=()), "No layer is named"),
        (lambda enc: enc.embed("ACGT", layer="last"), "Layer 'last' is no number"),
        (lambda enc: enc.embed("ACGT", layer=1.5), "Layer 1.5 is no number"),
        (lambda enc: enc.hidden_states(""), "has no bases"),
        (lambda enc: enc.embed(["ACGT", "\u200b"]), "Sequence 2 of 2 has no bases"),
        (lambda enc: enc.embed(["ACGT", None]), "given as NoneType"),
        (lambda enc: enc.embed("ACGT", batch_tokens=0), "batch_tokens is 0"),
    ],
)
def test_bad_input_is_one_clear_sentence(enc, call, message) -> None:
    with pytest.raises(InputError, match=message):
        call(enc)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"device": "cuda:77"}, "not available here"),
        ({"device": "toaster"}, "not available here"),
        ({"device": "mps"}, "computes on a CPU or a CUDA GPU"),
        ({"dtype": "int3"}, "dtype 'int3' is unknown"),
        ({"attention": "flash_attention_2"}, "would drop ALiBi"),
        ({"attention": "flash", "device": "cpu"}, "float16 and bfloat16 on a GPU only"),
    ],
)
def test_bad_settings_are_one_clear_sentence(model_folder, arguments, message) -> None:
    with pytest.raises(InputError, match=message):
        load(model_folder, **arguments)


def test_unknown_model() -> None:
    with pytest.raises(CheckpointError, match="No model folder"):
        load("no-such-model")


def test_settings_show_in_the_info(model_folder) -> None:
    enc = load(model_folder, device="cpu", dtype="bfloat16", attention="eager")
    assert enc.attention == "eager"
    assert enc.dtype == torch.bfloat16
    for part in ("bfloat16", "eager", "cpu", model_folder.name):
        assert part in str(enc.info)
    assert len(enc.info.sha256) == 64
    assert enc.embed("ACGTACGTAA").dtype == np.float32
