from __future__ import annotations

import torch

from dnabert2_explore.encoder.loading.twin import random_twin


def test_the_twin_has_the_shape_and_nothing_else(classifier, bases) -> None:
    before = {name: one.clone() for name, one in classifier.network.state_dict().items()}
    twin = random_twin(classifier, seed=3)
    weights = dict(twin.network.named_parameters())
    for name, one in classifier.network.named_parameters():
        assert torch.equal(one, before[name])
        assert weights[name].shape == one.shape
        assert weights[name].data_ptr() != one.data_ptr()
        if one.ndim == 2:
            assert not torch.equal(weights[name], one), f"{name} is what it was"
    assert twin.config is not classifier.config
    assert (twin.classes, twin.attention) == (classifier.classes, classifier.attention)
    assert twin.predict(bases).shape == (1, 3)
    assert "random weights" in twin.name
    assert classifier.pristine


def test_the_seed_says_which_and_the_callers_numbers_go_on(enc) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = random_twin(enc, seed=1)
    assert torch.equal(torch.rand(3), expected)
    again, other = random_twin(enc, seed=1), random_twin(enc, seed=2)
    for a, b in zip(first.network.parameters(), again.network.parameters(), strict=True):
        assert torch.equal(a, b)
    name = "bert.encoder.layer.0.attention.self.Wqkv.weight"
    assert not torch.equal(first.network.state_dict()[name], other.network.state_dict()[name])
    tied = first.network.get_output_embeddings().weight
    assert tied.data_ptr() == first.network.get_input_embeddings().weight.data_ptr()
