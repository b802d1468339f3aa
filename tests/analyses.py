"""Calls whose numbers are the same wherever the network is: what analyses ask of a device."""

from __future__ import annotations

import dataclasses

import numpy as np

import dnabert2_explore as dx
from dnabert2_explore.analysis.methods import METHODS
from dnabert2_explore.encoder.loading.twin import random_twin

from .conftest import random_bases

BASES = random_bases(60, seed=3)
MUTANT = BASES[:30] + {"A": "C"}.get(BASES[30], "A") + BASES[31:]
SEQUENCES = [dx.Sequence(f"s{seed}", random_bases(50 + seed, seed=seed)) for seed in range(6)]

MASKED = {
    "embed": lambda enc: [enc.embed(SEQUENCES, pooling=how) for how in ("mean", "max", "cls")],
    "embed_long": lambda enc: enc.embed_long(BASES * 3, window=60, overlap=10),
    "hidden_states": lambda enc: enc.hidden_states(BASES),
    "masked_log_probs": lambda enc: enc.masked_log_probs(
        [enc.tokenize(BASES).ids], [np.array([2, 5])]
    ),
    "twin": lambda enc: random_twin(enc).embed(SEQUENCES),
    "attend": lambda enc: dx.attend(enc, BASES).head(layer=1, head=1),
    "dependency_map": lambda enc: dx.dependency_map(enc, BASES, (10, 16)),
    "nucleotide_probabilities": lambda enc: dx.nucleotide_probabilities(enc, BASES, (10, 30)),
    "lens": lambda enc: dx.lens(enc, BASES),
    "span": lambda enc: dx.attribute(enc, BASES, (20, 26), n_steps=3),
    "patch": lambda enc: dx.patch(enc, BASES, MUTANT, (10, 14)),
    "features": lambda enc: dx.features.train(enc, SEQUENCES * 2, 1, steps=2),
}
CLASSES = {
    "predict": lambda enc: enc.predict(SEQUENCES, segmentations=2),
    "saturation_mutagenesis": lambda enc: dx.saturation_mutagenesis(
        enc, BASES, "donor", region=(20, 26)
    ),
    "marginalize": lambda enc: dx.marginalize(enc, BASES, "GTAAGT", target="donor"),
    "patch": lambda enc: dx.patch(enc, BASES, MUTANT, "donor"),
    "patch_heads": lambda enc: dx.patch_heads(enc, BASES, MUTANT, "donor"),
    "scorecard": lambda enc: dx.scorecard(enc, BASES, "donor", method="saliency"),
    "mirror_strands": lambda enc: dx.mirror_strands(enc, BASES, "donor", method="saliency"),
    "shuffled": lambda enc: dx.attribute(
        enc, BASES, "donor", baseline="shuffled", n_steps=3, spread="occlusion"
    ),
}


def attributed(enc, method):
    few = {name: 3 for name in ("n_steps", "samples") if name in METHODS[method].takes}
    return dx.attribute(enc, BASES, "donor", method=method, **few)


def arrays(found) -> list[np.ndarray]:
    """All numbers of a result, in order."""
    if isinstance(found, np.ndarray):
        return [found] if found.dtype.kind == "f" else []
    if isinstance(found, float):
        return [np.array(found)]
    if dataclasses.is_dataclass(found):
        return arrays([getattr(found, one.name) for one in dataclasses.fields(found)])
    parts = found.values() if isinstance(found, dict) else found
    if not isinstance(found, dict | list | tuple):
        return []
    return [array for part in parts for array in arrays(part)]
