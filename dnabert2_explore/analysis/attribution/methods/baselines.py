"""What stands for "nothing here": where attribution starts from."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from ....common.names import check_name
from ....errors import InputError
from ....sequences import clean
from ....sequences.shuffle import shuffle_dinucleotides
from ..explained_output import ExplainedOutput

__all__ = ["BASELINES", "baseline_embeddings"]

#: Name -> in words, as captions put it.
BASELINES = {
    "mean": "every token's embedding set to the vocabulary's mean",
    "mask": "every token replaced by [MASK]",
    "pad": "every token replaced by [PAD]",
    "zero": "every token's embedding set to zero",
    "shuffled": "the sequence shuffled with its dinucleotides kept",
}


def baseline_embeddings(
    explained: ExplainedOutput, name: str, samples: int = 1, seed: int = 0
) -> torch.Tensor:
    """Make the baseline of an output as token embeddings, shape (samples, n_read, hidden).

    Special tokens, and a masked span, keep their own embeddings in every baseline. ``"shuffled"``
    takes the tokens of dinucleotide-shuffled copies of the sequence (Altschul and Erickson 1985),
    one copy behind the other until there are as many as the sequence has: another segmentation,
    the same composition. The other baselines are one sample.
    """
    check_name("Baseline", name, BASELINES)
    if samples < 1:
        raise InputError(f"{samples} shuffled sequences were asked for; expected at least 1.")
    enc = explained.enc
    table = enc.module.get_input_embeddings()
    with torch.no_grad():
        words = table(explained.ids)
        if name == "shuffled":
            ids = np.stack(list(_shuffled(explained, samples, seed)))
            other = table(torch.from_numpy(ids).to(enc.device))
        elif name == "zero":
            other = torch.zeros_like(words)
        elif name == "mean":
            # Special tokens are no DNA, and [UNK] is no base.
            other = table.weight[_entries(explained)].mean(dim=0).expand_as(words)
        else:
            special = {"mask": enc.tokenizer.mask_id, "pad": enc.tokenizer.pad_id}[name]
            other = table(torch.full_like(explained.ids, special))
        fixed = torch.from_numpy(explained.fixed).to(enc.device)[:, None]
        return torch.where(fixed, words, other)


def _entries(explained: ExplainedOutput) -> list[int]:
    tokenizer = explained.enc.tokenizer
    names = (tokenizer.unk_id, tokenizer.cls_id, tokenizer.sep_id, tokenizer.pad_id)
    special = {*names, tokenizer.mask_id}
    return [index for index in range(len(tokenizer)) if index not in special]


def _shuffled(explained: ExplainedOutput, samples: int, seed: int) -> list[NDArray[np.int64]]:
    """Token ids of shuffled copies, as many tokens as are read."""
    rng = np.random.default_rng(seed)
    tokenizer = explained.enc.tokenizer
    bases = clean(explained.tokens.bases).bases
    rows = []
    for _ in range(samples):
        ids: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        while len(ids) < explained.n_read:
            (more,) = tokenizer.encode_ids_batch([clean(shuffle_dinucleotides(bases, rng))])
            ids = np.concatenate(
                [ids, more[(more != tokenizer.cls_id) & (more != tokenizer.sep_id)]]
            )
        rows.append(ids[: explained.n_read])
    return rows
