"""Composed token tables: what they say of tokens, and that nothing is left of them when saved."""

from __future__ import annotations

import pytest
import torch

from dnabert2_explore.encoder import SHIPPED
from dnabert2_explore.network import (
    Dnabert2Config,
    Dnabert2ForMaskedLM,
    Dnabert2ForSequenceClassification,
)
from dnabert2_explore.network.checkpoints.load import find_checkpoint, load_network
from dnabert2_explore.network.checkpoints.saving import save_model
from dnabert2_explore.network.composed import ComposedNetwork, composition

SPECIAL = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
TOKENS = [*SPECIAL, *"ACGT", "AC", "GT", "ACG", "TTTT", "ACGTACGT", "A" * 45]
SHAPE = {
    "vocab_size": len(TOKENS), "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3,
    "intermediate_size": 32, "initializer_range": 0.3,
}  # fmt: skip


def make(kind, **more):
    torch.manual_seed(1)
    return kind(Dnabert2Config(**SHAPE, **more)).eval()


def batch():
    ids = torch.randint(5, len(TOKENS), (3, 17), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    mask[1, 8:] = 0
    return {"input_ids": ids, "attention_mask": mask}


def trained(network, fresh, steps=4):
    """Move both parts of the table and some weights away from where they began."""
    composed = ComposedNetwork(network, TOKENS, fresh=fresh)
    optimizer = torch.optim.SGD([p for p in composed.parameters() if p.requires_grad], lr=0.1)
    for _ in range(steps):
        given = batch()
        optimizer.zero_grad()
        composed(**given).logits.square().mean().backward()
        optimizer.step()
    return composed


def test_composition_says_what_a_token_is_made_of() -> None:
    table = composition(TOKENS)
    special = sum(token.startswith("[") for token in TOKENS)
    assert table.shape == (len(TOKENS), 2 * 6 * 4 + 2 * 6 * 16 + 64 + 40 + special)
    # One feature for each special entry, and that one alone.
    assert (table[:special, -special:] == torch.eye(special).numpy()).all()
    assert table[:special].sum() == special
    left, right = 0, 24
    a, g = "ACGT".index("A"), "ACGT".index("G")
    row = table[TOKENS.index("ACG")]
    assert row[left + a] == 1  # the first from the left is A
    assert row[right + g] == 1  # the first from the right is G
    assert row[:48].sum() == 6
    assert row[48 : 48 + 192].sum() == 4  # AC, CG from the left; CG, AC from the right
    assert row[48 + "ACGT".index("A") * 4 + "ACGT".index("C")] == 1
    assert row[240:304].sum() == pytest.approx(1)  # shares of 3-mers
    assert row[240 + 0 * 16 + 1 * 4 + 2] == 1  # ACG
    assert row[304 + 2] == 1  # three bases
    assert table[TOKENS.index("A" * 45)][304 + 39] == 1  # the last length stands for all beyond
    assert table[TOKENS.index("AC")][240:304].sum() == 0


def test_equal_tokens_have_equal_rows_wherever_they_stand() -> None:
    order = [3, 0, 4, 2, 1, *reversed(range(5, len(TOKENS)))]
    shuffled = composition([TOKENS[i] for i in order])
    table = composition(TOKENS)
    bases = [place for place, i in enumerate(order) if i > 4]
    assert (shuffled[bases][:, :-5] == table[[order[place] for place in bases]][:, :-5]).all()


@pytest.mark.parametrize("kind", [Dnabert2ForMaskedLM, Dnabert2ForSequenceClassification])
@pytest.mark.parametrize("fresh", [True, False])
def test_saved_it_is_a_plain_network_that_computes_the_same(kind, fresh, tmp_path) -> None:
    composed = trained(make(kind), fresh)
    composed.eval()
    with torch.no_grad():
        expected = composed(**batch()).logits
    assert composed.mixing.abs().max() > 0
    folded = composed.fold()
    assert folded is composed.network
    assert {name.split(".")[0] for name in folded.state_dict()} <= {"bert", "cls", "classifier"}
    save_model(folded, tmp_path / "model", SHIPPED["pocket"] / "tokenizer.json", torch.float32)
    plain = load_network(find_checkpoint(tmp_path / "model"), torch.float32).eval()
    assert type(plain) is kind
    with torch.no_grad():
        found = plain(**batch()).logits
    assert (found - expected).abs().max() < 1e-6
    if kind is Dnabert2ForMaskedLM:
        decoder = plain.cls.predictions.decoder.weight
        assert decoder is plain.get_input_embeddings().weight  # tied, as ever


def test_what_was_learnt_is_what_it_begins_with() -> None:
    network = make(Dnabert2ForMaskedLM)
    with torch.no_grad():
        before = network(**batch()).logits
        after = ComposedNetwork(network, TOKENS, fresh=False)(**batch()).logits
    assert torch.equal(before, after)


def test_a_fresh_table_is_composed_and_of_the_size_it_replaces() -> None:
    network = make(Dnabert2ForMaskedLM)
    size = float(network.get_input_embeddings().weight.detach().std())
    composed = ComposedNetwork(network, TOKENS, fresh=True)
    assert not composed.residual.any()
    bases = composed.table().detach()[5:].std()
    assert 0.4 * size < float(bases) < 2.5 * size


def test_tokens_alike_share_what_they_learn() -> None:
    # A token never seen moves with those that are: through its composition, not its residual.
    network = make(Dnabert2ForMaskedLM)
    composed = ComposedNetwork(network, TOKENS, fresh=True)
    unseen = TOKENS.index("ACGTACGT")
    seen = torch.tensor([[TOKENS.index("ACG"), TOKENS.index("GT")]])
    before = composed.table()[unseen].detach().clone()
    loss = composed.table()[seen].square().sum()
    loss.backward()
    assert not composed.residual.grad[unseen].any()
    with torch.no_grad():
        composed.mixing -= 0.1 * composed.mixing.grad
    assert not torch.equal(composed.table()[unseen], before)


def test_a_vocabulary_of_another_size() -> None:
    with pytest.raises(ValueError, match="14 tokens for a table of 15 rows"):
        ComposedNetwork(make(Dnabert2ForMaskedLM), TOKENS[:-1], fresh=True)


def test_the_table_lies_where_the_network_does() -> None:
    """A network that was moved to a GPU first: what is made here must follow it."""
    composed = ComposedNetwork(make(Dnabert2ForMaskedLM).to("meta"), TOKENS, fresh=False)
    tensors = [*composed.named_parameters(), *composed.named_buffers()]
    assert {name: one.device.type for name, one in tensors} == dict.fromkeys(dict(tensors), "meta")
