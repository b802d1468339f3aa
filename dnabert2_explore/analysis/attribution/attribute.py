"""How much each token and base speaks for a prediction, through Captum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ..encoder import Bases, Encoder
from ..errors import InputError
from ..tokens import Tokens

__all__ = ["METHODS", "Attribution", "attribute"]

#: Tokens in one pass of integrated gradients or occlusion; bounds their memory.
CHUNK_TOKENS = 2048

Progress = Callable[[int, int], None]
Target = int | str | tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """Contributions of tokens and bases to one output of a model.

    Attributes
    ----------
    segmentation : Tokens
        The tokens, special ones included.
    tokens : numpy.ndarray, shape (n_tokens,), float32
        Contribution of each token, in `unit`.
    nucleotides : numpy.ndarray, shape (n_bases,), float32
        Each token's contribution spread evenly over its bases: the sum over a token's bases is the
        token's score. Special tokens have no bases; their share is in `tokens` only.
    delta : float or None
        Convergence: the sum of `tokens` minus (score - baseline score), 0 if the method were
        exact. None where the method promises no such sum.
    method : str
    target : int or tuple of int
        Class index, or the base span [start, end) whose masked tokens were predicted.
    target_name : str
    score : float
        The output that was explained, in `unit`.
    baseline_score : float or None
        The same output with every token replaced by [MASK]; None where no baseline is used.
    unit : str
        ``"logit"`` or ``"nats"`` (log-likelihood) or ``"value"``.
    probabilities : numpy.ndarray, shape (classes,), or None
        What the model predicts, for a model with classes.
    classes : tuple of str
    model : str
        The model and how it ran.
    """

    segmentation: Tokens
    tokens: NDArray[np.float32]
    nucleotides: NDArray[np.float32]
    delta: float | None
    method: str
    target: int | tuple[int, int]
    target_name: str
    score: float
    baseline_score: float | None
    unit: str
    probabilities: NDArray[np.float32] | None
    classes: tuple[str, ...]
    model: str


@dataclass(frozen=True, slots=True)
class _Problem:
    """What a method needs: a scalar function of token embeddings or ids, and where to start."""

    ids: torch.Tensor  # (1, n)
    baseline: torch.Tensor  # (1, n)
    layer: torch.nn.Module
    score: Callable[[torch.Tensor], torch.Tensor]  # ids (b, n) -> (b,)
    n_steps: int
    progress: Progress


def _layer_integrated_gradients(problem: _Problem) -> tuple[torch.Tensor, float | None]:
    from captum.attr import LayerIntegratedGradients

    # Steps in one pass: Captum's default, all at once, takes gigabytes (128 tokens × 50 steps: 7).
    chunk = max(1, min(problem.n_steps, CHUNK_TOKENS // problem.ids.shape[1]))
    # Captum also calls the function at both ends, once for the embeddings and once for the delta.
    total = -(-problem.n_steps // chunk) + 4
    done = 0

    def counted(ids: torch.Tensor) -> torch.Tensor:
        nonlocal done
        done += 1
        problem.progress(done, total)
        return problem.score(ids)

    method = LayerIntegratedGradients(counted, problem.layer)
    scores, delta = method.attribute(
        problem.ids,
        baselines=problem.baseline,
        n_steps=problem.n_steps,
        internal_batch_size=chunk,
        return_convergence_delta=True,
    )
    return scores.sum(dim=-1)[0], float(delta.sum())


def _gradients(problem: _Problem) -> tuple[torch.Tensor, torch.Tensor]:
    """Captum's gradient of the score at the embeddings, and the embeddings, (n, hidden) each."""
    from captum.attr import LayerGradientXActivation

    problem.progress(0, 1)
    embeddings = problem.layer(problem.ids).detach()[0]
    gradient = LayerGradientXActivation(
        problem.score, problem.layer, multiply_by_inputs=False
    ).attribute(problem.ids)[0]
    problem.progress(1, 1)
    return gradient.detach(), embeddings


def _saliency(problem: _Problem) -> tuple[torch.Tensor, float | None]:
    gradient, _ = _gradients(problem)
    return gradient.norm(dim=-1), None


def _input_x_gradient(problem: _Problem) -> tuple[torch.Tensor, float | None]:
    gradient, embeddings = _gradients(problem)
    return (gradient * embeddings).sum(dim=-1), None


def _occlusion(problem: _Problem) -> tuple[torch.Tensor, float | None]:
    from captum.attr import Occlusion

    total = problem.ids.shape[1]
    done = 0

    def counted(ids: torch.Tensor) -> torch.Tensor:
        nonlocal done
        problem.progress(min(done, total), total)
        done += len(ids)
        # A token id is a name, not an amount: gradients have no place here.
        with torch.no_grad():
            return problem.score(ids)

    scores = Occlusion(counted).attribute(
        problem.ids,
        sliding_window_shapes=(1,),
        baselines=problem.baseline,
        perturbations_per_eval=max(1, CHUNK_TOKENS // total),
    )
    problem.progress(total, total)
    return scores[0], None


_METHODS: dict[str, Callable[[_Problem], tuple[torch.Tensor, float | None]]] = {
    "layer_integrated_gradients": _layer_integrated_gradients,
    "saliency": _saliency,
    "input_x_gradient": _input_x_gradient,
    "occlusion": _occlusion,
}

#: Names that `attribute` takes as `method`.
METHODS = tuple(_METHODS)

# Which methods start from the [MASK] baseline.
_WITH_BASELINE = {"layer_integrated_gradients", "occlusion"}


def attribute(
    enc: Encoder,
    bases: Bases,
    target: Target | None = None,
    method: str = "layer_integrated_gradients",
    n_steps: int = 200,
    progress: Progress | None = None,
) -> Attribution:
    """Attribute one output of a model to the tokens and bases of a sequence.

    Parameters
    ----------
    enc : Encoder
    bases : str or Sequence
    target : int, str, tuple of int, or None
        For a model with a head: class index or name; None is the predicted class, or the value of
        a regression model. For a pre-trained model: a base span (start, end), 0-based, half-open.
        The tokens under it are masked, and the log-likelihood of what they were is explained.
    method : str
        ``"layer_integrated_gradients"`` (Sundararajan et al. 2017), at the token embeddings, from
        the sequence with every token replaced by [MASK]; ``"saliency"``, the length of the
        gradient (not signed); ``"input_x_gradient"``; ``"occlusion"``, the loss when one token
        becomes [MASK]. All through Captum.
    n_steps : int
        Steps of the integral (layer integrated gradients only). Look at `delta`: where it is not
        small beside ``score - baseline_score``, take more.
    progress : callable, optional
        Called as progress(done, total); raise `Cancelled` from it to stop.

    Returns
    -------
    Attribution

    Raises
    ------
    InputError
        If the method or target is unknown, or the model has nothing to be asked for.

    References
    ----------
    Kokhlikyan et al. 2020, Captum, arXiv 2009.07896.
    """
    if method not in _METHODS:
        raise InputError(f"Method {method!r} is unknown: choose one of {', '.join(METHODS)}.")
    if n_steps < 1:
        raise InputError(f"n_steps is {n_steps}: the integral needs at least 1 step.")
    if isinstance(target, list):  # as JSON and sliders give spans
        target = tuple(target)
    tokens = enc.tokenize(bases)
    if tokens.special.all():
        raise InputError("The sequence has no bases: give at least one.")
    ids = enc.input_ids(tokens)
    resolved: int | tuple[int, int]
    probabilities = None
    if enc.has_head:
        baseline = _all_masked(enc, tokens, ids)
        with enc.lock, torch.no_grad():
            logits = enc.network(torch.cat([ids, baseline])).logits.float()
        index, name = _class_target(enc, logits[0], target)
        score, ends, resolved = _class_score(enc, index), logits[:, index], index
        unit = "value" if enc.config.num_labels == 1 else "logit"
        if enc.config.num_labels > 1:
            probabilities = enc.activate(logits[:1])[0].cpu().numpy()
    else:
        span, first, last = _span_target(enc, tokens, target)
        score, ids = _masked_lm_score(enc, ids, first, last)
        baseline = _all_masked(enc, tokens, ids)
        with enc.lock, torch.no_grad():
            ends = score(torch.cat([ids, baseline]))
        resolved, unit = span, "nats"
        # Whole tokens are masked, so the stretch that is explained may be wider than the one asked.
        name = f"masked bases {tokens.spans[first, 0] + 1:,}–{tokens.spans[last - 1, 1]:,}"
    with enc.lock:  # Captum hooks into the network
        scores, delta = _METHODS[method](
            _Problem(
                ids=ids,
                baseline=baseline,
                layer=enc.network.get_input_embeddings(),
                score=score,
                n_steps=n_steps,
                progress=progress or (lambda done, total: None),
            )
        )
    per_token = scores.detach().float().cpu().numpy()
    return Attribution(
        segmentation=tokens,
        tokens=per_token,
        nucleotides=_spread(tokens, per_token),
        delta=delta,
        method=method,
        target=resolved,
        target_name=name,
        score=float(ends[0]),
        baseline_score=float(ends[1]) if method in _WITH_BASELINE else None,
        unit=unit,
        probabilities=probabilities,
        classes=enc.classes,
        model=str(enc.info),
    )


def _class_target(enc: Encoder, logits: torch.Tensor, target: Target | None) -> tuple[int, str]:
    classes = enc.classes
    if isinstance(target, tuple):
        raise InputError(
            f"Model {enc.name!r} has a head, so a base span is no target: name one of its classes, "
            f"{', '.join(classes)}."
        )
    if target is None:
        index = int(logits.argmax())
    elif isinstance(target, str):
        if target not in classes:
            raise InputError(f"Class {target!r} is unknown: choose one of {', '.join(classes)}.")
        index = classes.index(target)
    else:
        index = int(target)
        if not 0 <= index < len(classes):
            raise InputError(
                f"Class {index} is out of range: this model has classes 0 to {len(classes) - 1} "
                f"({', '.join(classes)})."
            )
    return index, classes[index]


def _span_target(
    enc: Encoder, tokens: Tokens, target: Target | None
) -> tuple[tuple[int, int], int, int]:
    if not enc.has_masked_lm:
        raise InputError(
            f"Model {enc.name!r} has neither classes nor a masked-language-model head, so there is "
            'no output to explain: load "pocket", "pocket-splice" or a fine-tuned model.'
        )
    if not isinstance(target, tuple) or len(target) != 2:
        raise InputError(
            f"Model {enc.name!r} has no classes: give target=(start, end), a stretch of bases "
            "whose masked-token log-likelihood is explained, or load a fine-tuned model such as "
            '"pocket-splice".'
        )
    start, end = int(target[0]), int(target[1])
    first, last = tokens.covering(start, end)
    if tokens.unknown[first:last].any():
        raise InputError(
            f"Bases {start + 1}-{end} hold unknown letters, which the model never predicts: choose "
            "a stretch of A, C, G and T."
        )
    return (start, end), first, last


def _class_score(enc: Encoder, index: int) -> Callable[[torch.Tensor], torch.Tensor]:
    def score(ids: torch.Tensor) -> torch.Tensor:
        return enc.network(ids).logits[:, index].float()

    return score


def _masked_lm_score(
    enc: Encoder, ids: torch.Tensor, first: int, last: int
) -> tuple[Callable[[torch.Tensor], torch.Tensor], torch.Tensor]:
    """Log-likelihood of the tokens [first, last), with the sequence in which they are masked."""
    truth = ids[0, first:last].clone()
    masked = ids.clone()
    masked[0, first:last] = enc.tokenizer.mask_id

    def score(batch: torch.Tensor) -> torch.Tensor:
        logits = enc.network(batch).logits[:, first:last].float()
        chosen = logits.log_softmax(dim=-1).gather(-1, truth.expand(len(batch), -1)[..., None])
        return chosen[..., 0].sum(dim=-1)

    return score, masked


def _all_masked(enc: Encoder, tokens: Tokens, ids: torch.Tensor) -> torch.Tensor:
    """Replace every token but the special ones by [MASK]: as long, and says nothing."""
    keep = torch.from_numpy(tokens.special).to(ids.device)
    return ids.where(keep, torch.full_like(ids, enc.tokenizer.mask_id))


def _spread(tokens: Tokens, scores: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = tokens.lengths
    inner = lengths > 0
    shares = scores[inner].astype(np.float64) / lengths[inner]
    return np.repeat(shares, lengths[inner]).astype(np.float32)
