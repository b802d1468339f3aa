"""Masked-LM loss and accuracy on held-out species, beside what counting alone achieves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from ...common.progress import Progress
from ..corpus.rows import RowSampler, attention_mask, special_id
from ..corpus.windows import Corpus
from .masking import IGNORED, mask_tokens
from .neighbours import N_SPECIAL, NeighbourModel

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from ...network import Dnabert2ForMaskedLM

__all__ = [
    "HeldOutRows",
    "NeighbourModel",
    "evaluate",
    "frequency_loss",
    "held_out_rows",
    "score_baselines",
    "score_rows",
]

# Any constant: it only has to differ from training seeds and stay the same between evaluations.
_SEED = 20_240_613


@dataclass(frozen=True, slots=True, eq=False)
class HeldOutRows:
    """Rows of held-out species with fixed masks, so that every model sees the same task.

    `inputs` (rows, tokens), int64, have [MASK] for all chosen tokens; `labels` hold them,
    ``IGNORED`` elsewhere; `species` (rows,) is that of each row. `mask` is 0 at padding; None where
    all rows are full.
    """

    inputs: NDArray[np.int64]
    labels: NDArray[np.int64]
    species: NDArray[np.str_]
    mask: NDArray[np.int64] | None = None


def held_out_rows(
    corpus: Corpus,
    tokenizer: Tokenizer,
    rows: int,
    row_tokens: int = 128,
    longest: int = 1008,
    probability: float = 0.15,
    seed: int = _SEED,
) -> HeldOutRows:
    """Draw `rows` rows from every species of a corpus, usually the held-out one, and mask them.

    Every chosen token becomes [MASK] (in training 10% stay visible, which would flatter the model
    against the baselines). The tokenizer is the model's, all else as in pre-training.
    """
    sampler = RowSampler(corpus, tokenizer, row_tokens, longest, seed)
    ids = np.concatenate([sampler.rows(index, rows, index) for index in range(len(corpus.species))])
    inputs, labels = mask_tokens(
        ids,
        np.random.default_rng(seed),
        vocabulary=tokenizer.get_vocab_size(),
        mask_id=special_id(tokenizer, "[MASK]"),
        probability=probability,
        strategy="mask",
    )
    species = np.repeat([one.species for one in corpus.species], rows)
    return HeldOutRows(inputs, labels, species, attention_mask(ids, sampler.pad_id))


def score_rows(
    network: Dnabert2ForMaskedLM,
    held_out: HeldOutRows,
    batch_rows: int = 32,
    progress: Progress | None = None,
) -> dict[str, tuple[float, float]]:
    """Loss and accuracy of a network by species.

    The mean negative log likelihood in nats a masked token, and the share predicted exactly.
    """
    return _by_species(held_out, *_score_network(network, held_out, batch_rows, progress))


def frequency_loss(held_out: HeldOutRows, rows: NDArray[np.int64], vocabulary: int) -> float:
    """Loss of guessing by token frequencies alone: what a network has to beat first.

    The tokens of unmasked training `rows` (n, tokens) are counted, and one added to each count.
    Nats a masked token, mean over species.
    """
    counts = np.bincount(rows[rows >= N_SPECIAL], minlength=vocabulary).astype(np.float64)
    counts[N_SPECIAL:] += 1.0
    nats = np.full(held_out.labels.shape, np.nan)
    chosen = held_out.labels != IGNORED
    nats[chosen] = np.log(counts.sum()) - np.log(counts[held_out.labels[chosen]])
    species = dict.fromkeys(held_out.species.tolist())
    return float(np.mean([np.nanmean(nats[held_out.species == name]) for name in species]))


# Of every position: nats (NaN where nothing is masked) and whether the best guess is right.
_Scores = tuple[NDArray[np.float64], NDArray[np.bool_]]


def _score_network(
    network: Dnabert2ForMaskedLM,
    held_out: HeldOutRows,
    batch_rows: int = 32,
    progress: Progress | None = None,
) -> _Scores:
    nats = np.full(held_out.labels.shape, np.nan)
    right = np.zeros(held_out.labels.shape, dtype=bool)
    device = network.device
    was_training, was_sparse = network.training, network.config.sparse_prediction
    network.eval()
    network.config.sparse_prediction = True  # logits at the masked positions only, in their order
    total = len(held_out.inputs)
    try:
        for start in range(0, total, batch_rows):
            rows = slice(start, start + batch_rows)
            labels = held_out.labels[rows]
            chosen = labels != IGNORED
            mask = None if held_out.mask is None else torch.from_numpy(held_out.mask[rows])
            # Not inference_mode: what sharded weights gather in it cannot be trained with later.
            with torch.no_grad():
                logits = network(
                    input_ids=torch.from_numpy(held_out.inputs[rows]).to(device),
                    attention_mask=None if mask is None else mask.to(device),
                    labels=torch.from_numpy(labels).to(device),
                ).logits
                logs = logits.double().log_softmax(-1).cpu().numpy()
            targets = labels[chosen]
            nats[rows][chosen] = -logs[np.arange(len(targets)), targets]
            right[rows][chosen] = logs.argmax(-1) == targets
            if progress is not None:
                progress(min(start + batch_rows, total), total)
    finally:
        network.train(was_training)
        network.config.sparse_prediction = was_sparse
    return nats, right


def _by_species(
    held_out: HeldOutRows, nats: NDArray[np.float64], right: NDArray[np.bool_]
) -> dict[str, tuple[float, float]]:
    chosen = held_out.labels != IGNORED
    scores = {}
    for name in dict.fromkeys(held_out.species.tolist()):
        these = chosen & (held_out.species == name)[:, None]
        scores[str(name)] = (float(nats[these].mean()), float(right[these].mean()))
    return scores


def score_baselines(
    held_out: HeldOutRows, model: NeighbourModel, chunk: int = 1024
) -> dict[str, dict[str, tuple[float, float]]]:
    """Scores of "unigram", "bigram_left" and "bigram_both" on the same masked positions.

    Baseline -> species -> (nats a token, accuracy).
    """
    return {
        name: _by_species(held_out, *found)
        for name, found in _score_neighbours(held_out, model, chunk).items()
    }


def _score_neighbours(
    held_out: HeldOutRows, model: NeighbourModel, chunk: int = 1024
) -> dict[str, _Scores]:
    row, column = np.nonzero(held_out.labels != IGNORED)
    targets = held_out.labels[row, column]
    left = held_out.inputs[row, column - 1]  # [CLS] and [SEP] are never masked: both exist
    right = held_out.inputs[row, column + 1]
    unknown = np.zeros_like(left)
    scores = {}
    for name, (before, after) in {
        "unigram": (unknown, unknown),
        "bigram_left": (left, unknown),
        "bigram_both": (left, right),
    }.items():
        nats = np.full(held_out.labels.shape, np.nan)
        hits = np.zeros(held_out.labels.shape, dtype=bool)
        for start in range(0, len(targets), chunk):
            part = slice(start, start + chunk)
            logs = model.log_probabilities(before[part], after[part])
            nats[row[part], column[part]] = -logs[np.arange(len(logs)), targets[part]]
            hits[row[part], column[part]] = logs.argmax(1) == targets[part]
        scores[name] = (nats, hits)
    return scores


def _paired_gain(
    model: NDArray[np.float64], other: NDArray[np.float64], rows: NDArray[np.bool_]
) -> dict[str, float]:
    """Mean of the differences by row; positions of one row are not independent."""
    differences = np.nanmean(other[rows] - model[rows], axis=1)
    error = differences.std(ddof=1) / len(differences) ** 0.5 if len(differences) > 1 else np.nan
    return {"nats": float(differences.mean()), "standard_error": float(error)}


def evaluate(
    network: Dnabert2ForMaskedLM,
    tokenizer: Tokenizer,
    training: Corpus,
    held_out: Corpus,
    rows: int = 64,
    fit_rows: int = 40_000,
    row_tokens: int = 128,
    longest: int = 1008,
    smoothing: tuple[float, ...] = (10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0),
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, object]:
    """Score a network and the counting baselines by held-out species.

    The baselines are counted on `fit_rows` rows of the training species, drawn with the balance
    pre-training uses; their smoothing is chosen on other training rows, never on held-out ones.

    Parameters
    ----------
    network, tokenizer : model and its tokenizer
    training, held_out : Corpus
        The two splits.
    rows : int
        Rows of each held-out species.
    fit_rows : int
        Rows the baselines count.
    row_tokens, longest : int
        As in pre-training.
    smoothing : tuple of float
        Candidates for the neighbour model's k.
    seed : int
        Of the rows the baselines see (other rows than pre-training's).
    progress : callable, optional
        Called as ``progress(done, total)`` in steps of the work.

    Returns
    -------
    dict
        ``scores``: species -> model or baseline -> {"nats", "accuracy"}, with the unweighted
        ``mean`` over species; ``gains``: baseline -> species -> nats by which the model is better
        on the same positions, with ``standard_error`` over rows; ``masked``: positions scored by
        species; ``smoothing``; and the counts that describe the evaluation. Ready for JSON.
    """
    total = 4

    def report(done: int) -> None:
        if progress is not None:
            progress(done, total)

    vocabulary = tokenizer.get_vocab_size()
    sampler = RowSampler(training, tokenizer, row_tokens, longest, seed)
    # Steps far above any run's, so that these batches are not those the network was trained on.
    fit = np.concatenate(
        [sampler.rows(10**9 + i, min(1000, fit_rows - 1000 * i))
         for i in range(-(-fit_rows // 1000))]
    )  # fmt: skip
    report(1)
    tuning = held_out_rows(training, tokenizer, 8, row_tokens, longest, seed=_SEED + 1)
    model = NeighbourModel(fit, vocabulary, smoothing[0])

    def loss(value: float) -> float:
        model.smoothing = value
        scores = score_baselines(tuning, model)["bigram_both"]
        return float(np.mean([nats for nats, _ in scores.values()]))

    model.smoothing = min(smoothing, key=loss)
    report(2)
    task = held_out_rows(held_out, tokenizer, rows, row_tokens, longest)
    found = {"model": _score_network(network, task)}
    report(3)
    found |= _score_neighbours(task, model)
    report(4)
    table = {who: _by_species(task, *scored) for who, scored in found.items()}
    names = list(table["model"])
    for scores in table.values():
        nats, accuracy = np.mean(list(scores.values()), axis=0)
        scores["mean"] = float(nats), float(accuracy)
    result = {
        name: {
            who: {"nats": scores[name][0], "accuracy": scores[name][1]}
            for who, scores in table.items()
        }
        for name in (*names, "mean")
    }
    gains = {
        who: {
            name: _paired_gain(found["model"][0], found[who][0], task.species == name)
            for name in names
        }
        for who in found
        if who != "model"
    }
    chosen = task.labels != IGNORED
    masked = {name: int(chosen[task.species == name].sum()) for name in names}
    return {
        "scores": result,
        "gains": gains,
        "masked": masked,
        "rows_by_species": rows,
        "row_tokens": row_tokens,
        "fit_rows": fit_rows,
        "smoothing": model.smoothing,
    }
