"""The contrastive objective: its loss against the definition, and what windows are drawn."""

from __future__ import annotations

import dataclasses
import math
import re

import numpy as np
import pytest
import torch

from dnabert2_explore.errors import InputError
from dnabert2_explore.tokens.segmentation import resegment
from dnabert2_explore.training.corpus.rows import RowSampler
from dnabert2_explore.training.pretrain import PretrainConfig
from dnabert2_explore.training.pretrain.contrastive import (
    GroupSampler,
    contrastive_loss,
    mean_vectors,
    nearest,
)


def written_out(vectors, groups, temperature):
    """The supervised contrastive loss, equation 2 of Khosla et al. (2020), in plain loops."""

    def cosine(a, b):
        return sum(x * y for x, y in zip(a, b, strict=True)) / math.sqrt(
            sum(x * x for x in a) * sum(y * y for y in b)
        )

    losses = []
    for i, one in enumerate(vectors):
        positives = [j for j in range(len(vectors)) if j != i and groups[j] == groups[i]]
        if not positives:
            continue
        others = [j for j in range(len(vectors)) if j != i]
        total = sum(math.exp(cosine(one, vectors[j]) / temperature) for j in others)
        losses.append(
            -sum(
                math.log(math.exp(cosine(one, vectors[j]) / temperature) / total) for j in positives
            )
            / len(positives)
        )
    return sum(losses) / len(losses)


@pytest.mark.parametrize("groups", [[0, 0, 1, 1, 2, 2], [0, 0, 0, 1, 1, 5], [3, 3, 3, 3, 3, 3]])
@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_the_loss_is_the_papers(groups, temperature) -> None:
    vectors = torch.randn(6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    found = contrastive_loss(vectors, torch.tensor(groups), temperature)
    assert float(found) == pytest.approx(
        written_out(vectors.tolist(), groups, temperature), rel=1e-5
    )


def test_nobody_belongs_together() -> None:
    vectors = torch.randn(3, 4, requires_grad=True)
    loss = contrastive_loss(vectors, torch.tensor([0, 1, 2]), 0.1)
    loss.backward()
    assert loss.item() == 0
    assert not vectors.grad.any()


def test_means_leave_special_tokens_and_padding_out() -> None:
    hidden = torch.arange(24.0).reshape(2, 4, 3)
    ids = torch.tensor([[1, 7, 8, 2], [1, 9, 2, 3]])
    means = mean_vectors(hidden, ids, (1, 2, 3))
    assert torch.equal(means[0], hidden[0, 1:3].mean(0))
    assert torch.equal(means[1], hidden[1, 1])


def test_nearest() -> None:
    vectors = torch.tensor([[1.0, 0.0], [2.0, 0.2], [0.0, 1.0], [1.0, 0.04]])
    assert nearest(vectors, torch.tensor([0, 0, 0, 1])).tolist() == [False, False, True, False]
    assert nearest(vectors, torch.tensor([0, 1, 1, 0])).tolist() == [True, False, True, True]


@pytest.fixture
def config():
    return PretrainConfig(
        "g", "t", "k", "o", objective="contrastive", batch_rows=12, group_windows=3,
        shortest=100, longest=160, row_tokens=160, seed=4,
    )  # fmt: skip


def sampler(config, corpus, backend):
    rows = RowSampler(corpus, backend, config.row_tokens, config.longest, config.seed, config.draw)
    return GroupSampler(corpus, rows, config)


def texts(drawn, backend):
    return ["".join(backend.id_to_token(int(i)) for i in row if int(i) > 4) for row in drawn.ids]


def places(text, genomes):
    """Where in which genome a window lies, on either strand."""
    turned = text[::-1].translate(str.maketrans("ACGT", "TGCA"))
    for path in sorted(genomes.glob("*.fa")):
        letters = path.read_text().split("\n")[1].upper()
        for strand in (text, turned):
            found = re.search(strand, letters)
            if found:
                return path.stem, found.start(), found.end()
    raise AssertionError(text)


def test_what_is_left_out_of_the_merges_does_not_tell_groups(
    config, corpus, backend, monkeypatch
) -> None:
    """Sequences next to each other share it: in the groups' order it would be the answer."""
    from dnabert2_explore.training.pretrain import contrastive

    seen = []

    def recorded(tokenizer, sequences, how, rng):
        seen.extend(sequences)
        return resegment(tokenizer, sequences, how, rng)

    monkeypatch.setattr(contrastive, "resegment", recorded)
    config = dataclasses.replace(config, batch_rows=132, bpe_dropout=0.1)
    drawn = sampler(config, corpus, backend).draw(1, 132)
    said = texts(drawn, backend)
    assert sorted(said) == sorted(seen)
    first = {text: number for number, text in reversed(list(enumerate(seen)))}
    parts = [{first[text] // 64 for text in said[start : start + 3]} for start in range(0, 132, 3)]
    assert sum(len(part) > 1 for part in parts) > 20


@pytest.mark.parametrize("positives", ["nearby", "species"])
def test_windows_that_belong_together(config, corpus, backend, genomes, positives) -> None:
    config = dataclasses.replace(config, positives=positives, nearby_bases=300)
    one = sampler(config, corpus, backend)
    drawn = one.draw(7, 12)
    again = sampler(config, corpus, backend).draw(7, 12)
    assert (drawn.ids == again.ids).all()
    assert (drawn.groups == again.groups).all()
    assert not np.array_equal(one.draw(8, 12).ids, drawn.ids)
    found = [places(text, genomes) for text in texts(drawn, backend)]
    lengths = [end - start for _, start, end in found]
    assert min(lengths) >= 100
    assert max(lengths) <= 160
    for start in range(0, 12, 3):
        together = found[start : start + 3]
        assert len({name for name, _, _ in together}) == 1
        assert len(set(drawn.groups[start : start + 3])) == 1
        if positives == "nearby":
            assert max(abs(a - together[0][1]) for _, a, _ in together) <= 300
    # Four groups of three species: all three, before one comes again.
    names = [found[start][0] for start in range(0, 12, 3)]
    assert len(set(names[:3])) == 3
    if positives == "species":
        same = {found[i][0]: set() for i in range(12)}
        for (name, _, _), group in zip(found, drawn.groups, strict=True):
            same[name].add(group)
        assert all(len(groups) == 1 for groups in same.values())
    else:
        assert len(set(drawn.groups)) == 4


def test_segmentations_vary_in_turn(config, corpus, backend) -> None:
    config = dataclasses.replace(config, cuts=0.3, bpe_dropout=0.6, row_tokens=200)
    plain = dataclasses.replace(config, cuts=0.0, bpe_dropout=0.0)
    for step in (2, 3):
        varied = sampler(config, corpus, backend).draw(step, 12)
        usual = sampler(plain, corpus, backend).draw(step, 12)
        assert texts(varied, backend) == texts(usual, backend)  # the same windows
        assert (varied.ids > 4).sum() > 1.1 * (usual.ids > 4).sum()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"group_windows": 1}, r"batch_rows is 12 and group_windows 1; expected groups of at"),
        ({"batch_rows": 10}, r"batch_rows is 10 and group_windows 3"),
        ({"temperature": 0.0}, r"temperature is 0\.0; expected more than 0"),
        ({"device_rows": 4}, r"device_rows splits a batch, but a contrastive loss compares"),
        ({"windows": "records"}, r"objective 'contrastive' draws random windows by batch"),
        ({"draw": "row"}, r"objective 'contrastive' draws random windows by batch"),
        ({"objective": "masked", "cuts": 0.1}, r"cuts and bpe_dropout vary the windows of the"),
        ({"objective": "triplets"}, r"objective is 'triplets'; expected masked, contrastive or"),
        ({"positives": "genus"}, r"positives is 'genus'; expected nearby or species"),
        ({"embeddings": "bases"}, r"embeddings is 'bases'; expected plain or composed"),
        ({"average": 1.0}, r"average is 1\.0; expected 0 to less than 1"),
        ({"bpe_dropout": 1.0}, r"segmentation dropout is 1\.0; expected a chance"),
        ({"compile": True, "embeddings": "composed"}, r"compile takes the network with a table of"),
        ({"exclude_margin": -1}, r"exclude_margin is -1; expected at least 0"),
    ],
)
def test_bad_settings(config, change, message) -> None:
    with pytest.raises(InputError, match=message):
        dataclasses.replace(config, **change)
