"""How much each token and base speaks for a prediction, through Captum."""

from __future__ import annotations

from collections.abc import Sequence as Items
from typing import Unpack

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ...common.costs import says_cost
from ...common.progress import Progress, quiet, split
from ...encoder import Bases, Encoder
from ...encoder.passes.finite import check_finite
from ...errors import InputError
from ...results.origins import recorded
from ..many import one_or_many
from ..methods import find_method
from ..settings import USUAL, AttributionOptions, AttributionSettings, takes_settings
from .explained_output import ExplainedOutput, Target
from .methods.backend import differentiable, with_gradients
from .methods.baselines import baseline_embeddings
from .methods.inputs import CHUNK_TOKENS, AttributionInputs, Score
from .methods.runs import run_within_memory
from .mutagenesis import approximate_all, importance_of, mutate_all
from .result import Attribution
from .spread import spread

__all__ = ["attribute", "explain"]


@recorded
@says_cost
@one_or_many
@takes_settings()
def attribute(
    enc: Encoder,
    sequences: Bases,
    target: Target | None = None,
    *,
    settings: AttributionSettings = USUAL,
    progress: Progress | None = None,
    **options: Unpack[AttributionOptions],
) -> Attribution:
    """Attribute one output of a model to the tokens and bases of a sequence.

    Parameters
    ----------
    enc : Encoder
    sequences : str, Sequence, or iterable of them
        Of several, results come in order, as a list.
    target : int, str, tuple of int, or None
        For a model with a head: class index or name; None is the predicted class, or the value of
        a regression model. For a pre-trained model: a base span (start, end), 0-based, half-open.
        The tokens under it are masked, and the log-likelihood of what they were is explained.
    method : str
        All through Captum, at the token embeddings, but for the last three.

        ``"layer_integrated_gradients"``
            Mean gradient on the way from the baseline, times the way. Complete.
        ``"saliency"``
            Length of the gradient; not signed.
        ``"input_x_gradient"``
            The gradient times the embedding.
        ``"attn_lrp"``
            The same with the rules of AttnLRP for softmax, products, GELU and LayerNorm.
        ``"deep_lift"``
            Captum's rules; LayerNorm, attention and the gate have none, see `delta`.
        ``"gradient_shap"``
            Gradients at `samples` random points between baselines and sequence. Complete in the
            mean.
        ``"layer_conductance"``
            Integrated gradients through the tokens of a `layer`. Complete.
        ``"occlusion"``
            Loss when `window` tokens become the baseline.
        ``"feature_ablation"``
            Loss when the tokens of one of `groups` do.
        ``"shapley_value_sampling"``
            Mean gain over `samples` random orders of tokens, or of `groups`. Complete.
        ``"attention_x_gradient"``
            Attention times its gradient, over all layers and heads.
        ``"saturation_mutagenesis"``
            At each base, what it adds beside the mean of the other three; each mutant is cut into
            tokens anew. Scores bases, not tokens; a token's score is the sum over its bases.
        ``"mutagenesis_gradient"``
            Its estimate from one gradient.
    output, n_steps, baseline, spread, samples, window, groups, layer, noise, noise_samples, seed
        See `AttributionSettings`.
    settings : AttributionSettings, optional
        All of these, and the method, as one object; what is named beside it goes before.
    progress : callable, optional
        Called as progress(done, total); raise `Cancelled` from it to stop.

    Returns
    -------
    Attribution

    Raises
    ------
    InputError
        If method, target or a setting is unknown, the sequence has no A, C, G, T or U, or the model
        reads pairs, or has nothing to be asked for.

    References
    ----------
    Kokhlikyan et al. 2020, Captum, arXiv 2009.07896; each method's own in
    `dnabert2_explore.analysis.attribution.METHODS`.

    Examples
    --------
    >>> import dnabert2_explore as dx
    >>> site = dx.demo.splice()[0]
    >>> result = dx.attribute(dx.load("pocket-splice"), site, "donor", method="occlusion")
    >>> result.token_scores.shape == (len(result.tokens),), result.base_scores.shape
    (True, (200,))
    """
    return explain(ExplainedOutput.of(enc, sequences, target, settings.output), settings, progress)


@with_gradients
def explain(
    explained: ExplainedOutput, settings: AttributionSettings, progress: Progress | None = None
) -> Attribution:
    """Attribute an output that was found already; see `attribute`."""
    method, how, baseline = settings.method, settings.spread, settings.baseline
    info = find_method(method)
    report = progress or quiet
    if info.scores_bases:
        return _of_bases(explained, method, report)
    # A method, and the spread of its scores, have a half of the bar each, if there are both.
    first, second = split(progress, [1, 1]) if how != "even" else (report, quiet)
    shuffles = settings.samples if method == "gradient_shap" else 5
    starts = baseline_embeddings(
        explained, baseline, shuffles if baseline == "shuffled" else 1, settings.seed
    )
    features, shares = _features(explained, settings.groups)
    score = Score(explained.of_embeddings, explained.enc.module)
    words = explained.enc.module.get_input_embeddings()(explained.ids)
    with differentiable(explained.enc, maps=method == "attention_x_gradient"):
        found = run_within_memory(
            method,
            AttributionInputs(
                embeddings=words.detach().requires_grad_(),
                baselines=starts,
                score=score,
                features=features,
                shares=shares,
                n_steps=settings.n_steps,
                samples=settings.samples,
                window=settings.window,
                noise=settings.noise,
                noise_samples=settings.noise_samples,
                layer=_layer(explained.enc, settings.layer) if "layer" in info.takes else None,
                attention=tuple(explained.enc.body.attention_blocks()),
                seed=settings.seed,
                progress=first,
            ),
        )
        baseline_score = None
        if info.baseline:
            with torch.no_grad():
                rows = starts.split(max(1, CHUNK_TOKENS // explained.n_read))
                baseline_score = float(torch.cat([explained.of_embeddings(r) for r in rows]).mean())
    per_token = explained.spread_out(found.float().cpu().numpy())
    delta = None
    # The mean over noisy copies no longer sums to the change at the sequence itself.
    if info.complete and baseline_score is not None and not settings.noise_samples:
        delta = float(per_token.sum(dtype=np.float64)) - (explained.score - baseline_score)
    told = {
        "steps": str(settings.n_steps) if info.integral else "",
        "samples": str(settings.samples) if "samples" in info.takes else "",
        "window": f"{settings.window} tokens" if settings.window > 1 else "",
        "groups": str(len(settings.groups)) if settings.groups is not None else "",
        "layer": str(_layer_number(explained.enc, settings.layer)) if "layer" in info.takes else "",
        "noise": f"{settings.noise:g} × {settings.noise_samples} samples"
        if settings.noise_samples
        else "",
        "shuffled copies": str(shuffles) if info.baseline and baseline == "shuffled" else "",
    }
    return _result(
        explained,
        method,
        per_token,
        spread(explained, per_token, how, second),
        delta=delta,
        baseline_score=baseline_score,
        baseline=baseline if info.baseline else "",
        how=how,
        settings=tuple((name, value) for name, value in told.items() if value),
    )


def _of_bases(explained: ExplainedOutput, method: str, report: Progress) -> Attribution:
    """Answer by a method that scores bases; tokens get the sum over theirs."""
    if method == "saturation_mutagenesis":
        effects = mutate_all(explained, progress=report)
    else:
        report(0, 1)
        effects = approximate_all(explained)
        report(1, 1)
    per_base = importance_of(effects)
    spans = explained.tokens.spans
    sums = np.concatenate([[0.0], np.cumsum(per_base, dtype=np.float64)])
    per_token = (sums[spans[:, 1]] - sums[spans[:, 0]]).astype(np.float32)
    return _result(explained, method, per_token, per_base, how="bases")


def _result(
    explained: ExplainedOutput,
    method: str,
    per_token: NDArray[np.float32],
    per_base: NDArray[np.float32],
    *,
    delta: float | None = None,
    baseline_score: float | None = None,
    baseline: str = "",
    how: str,
    settings: tuple[tuple[str, str], ...] = (),
) -> Attribution:
    for values in (per_token, per_base):
        check_finite(values, explained.enc.module, "attributions")
    return Attribution(
        tokens=explained.tokens,
        token_scores=per_token,
        base_scores=per_base,
        delta=delta,
        method=method,
        **explained.about,
        score=explained.score,
        baseline_score=baseline_score,
        probabilities=explained.probabilities,
        classes=explained.enc.classes,
        baseline=baseline,
        spread=how,
        settings=settings,
        visible=explained.visible,
    )


def _layer_number(enc: Encoder, layer: int | None) -> int:
    (number,) = enc.find_layers(enc.config.num_hidden_layers // 2 if layer is None else layer)
    return number


def _layer(enc: Encoder, layer: int | None) -> nn.Module:
    """Return the module whose output is the state of a layer."""
    number = _layer_number(enc, layer)
    body = enc.body
    return body.encoder.layer[number - 1].mlp if number else body.embeddings  # type: ignore[return-value]


def _features(
    explained: ExplainedOutput, groups: Items[tuple[int, int]] | None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Group of each token that is read, and its share of the group's bases."""
    spans = explained.tokens.spans[explained.places]
    lengths = (spans[:, 1] - spans[:, 0]).astype(np.float64)
    free = np.flatnonzero(~explained.fixed)
    features = np.full(explained.n_read, -1, dtype=np.int64)
    if groups is None or not len(groups):
        features[free] = np.arange(len(free))
    else:
        n = len(explained.tokens.bases)
        for number, (start, end) in enumerate(groups):
            if not 0 <= start < end <= n:
                raise InputError(
                    f"Group {number + 1}, bases [{start}, {end}), is no stretch of a sequence of "
                    f"{n} bases: give 0 <= start < end <= length."
                )
        shared = np.array(
            [
                np.clip(np.minimum(spans[:, 1], end) - np.maximum(spans[:, 0], start), 0, None)
                for start, end in groups
            ]
        )
        chosen = np.where(shared.max(axis=0) > 0, shared.argmax(axis=0), len(groups))
        # Numbered without gaps: a group may hold no token.
        features[free] = np.unique(chosen[free], return_inverse=True)[1]
    shares = np.zeros(explained.n_read)
    shares[free] = lengths[free] / np.bincount(features[free], lengths[free])[features[free]]
    return features, shares
