"""Whether weights are those that were loaded."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from dnabert2_explore import load
from dnabert2_explore.encoder.loading.identity import Snapshot


def test_weights_that_are_parts_of_one_tensor_may_begin_anywhere():
    """Four bytes into a tensor there are no words of eight: torch refuses to read such."""
    whole = torch.arange(9, dtype=torch.float32)
    network = nn.Module()
    network.weight = nn.Parameter(whole[1:])
    before = Snapshot.of(network)
    assert Snapshot.of(network) == before
    network.weight.data[3] = 7
    assert Snapshot.of(network) != before


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_sample_meets_every_row_and_column(dtype):
    """Of the shapes of DNABERT-2's large weights, through ``.data``, which no counter sees."""
    for rows, columns in ((2304, 768), (768, 3072), (768, 768)):
        network = nn.Linear(columns, rows, bias=False, dtype=dtype)
        nn.init.ones_(network.weight)
        before = Snapshot.of(network)
        assert before.holds(network.eval(), thorough=False)
        for edited in range(0, rows, 5):
            network.weight.data[edited] = 0
            assert not before.holds(network, thorough=False)
            network.weight.data[edited] = 1
        for edited in range(0, columns, 7):
            network.weight.data[:, edited] = 0
            assert not before.holds(network, thorough=False)
            network.weight.data[:, edited] = 1
        network.weight.data[0, 1] = 2  # the first word has both
        assert not before.holds(network, thorough=False)
        network.weight.data[0, 1] = 1
        network.weight.data[7, 7] = 2
        assert not before.holds(network)


def test_what_a_sample_may_pass_by_is_never_kept(model_folder, tmp_path):
    """One number, a few tokens: what is computed then is not cached as of the file."""
    cached = load(model_folder, cache=tmp_path)
    holds = Snapshot.holds
    seen = []

    def blind(self, network, thorough=True):
        seen.append(thorough)
        return not thorough or holds(self, network)

    weight = cached.body.encoder.layer[0].mlp.wo.weight
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Snapshot, "holds", blind)
        weight.data[0, 0] += 1
        cached.embed("ACGT")
    assert seen == [False, True]  # one look for the record and the cache, then what may be kept
    assert not cached.cache.path.exists()
