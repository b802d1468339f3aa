"""Every method on functions whose attributions are known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from dnabert2_explore.analysis.attribution.methods.inputs import (
    AttributionInputs,
    Score,
    tokens_of_pass,
)
from dnabert2_explore.analysis.attribution.methods.runs import RUNS, run_within_memory
from dnabert2_explore.analysis.methods import METHODS
from dnabert2_explore.encoder.passes.batches import default_budget
from dnabert2_explore.errors import InputError

N, HIDDEN = 7, 5
RNG = np.random.default_rng(3)
INPUTS = torch.tensor(RNG.normal(size=(1, N, HIDDEN)), dtype=torch.float64).requires_grad_()
WEIGHTS = torch.tensor(RNG.normal(size=HIDDEN), dtype=torch.float64)
BASELINES = torch.tensor(RNG.normal(size=(2, N, HIDDEN)), dtype=torch.float64)
#: w·x of every token.
PARTS = (INPUTS.detach()[0] @ WEIGHTS).numpy()
TOKEN_METHODS = [name for name, info in METHODS.items() if not info.scores_bases]
COMPLETE = [name for name, info in METHODS.items() if info.complete]


class Layer(nn.Module):
    """A linear layer on packed tokens (batch · n, hidden), as the network's layers are."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Linear(HIDDEN, HIDDEN, bias=False, dtype=torch.float64)
        nn.init.eye_(self.matrix.weight)

    def forward(self, packed: torch.Tensor) -> torch.Tensor:
        return self.matrix(packed)


class Attend(nn.Module):
    """An attention block: maps that do not depend on the input, (1, heads, n, n)."""

    def __init__(self) -> None:
        super().__init__()
        logits = torch.tensor(RNG.normal(size=(1, 2, N, N)), dtype=torch.float64)
        self.maps = nn.Parameter(logits.softmax(dim=-1))

    def forward(self, packed: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        return packed, [self.maps]


def attribution_inputs(
    power: int = 1, baselines: torch.Tensor = BASELINES, **settings
) -> AttributionInputs:
    """(Σ w·x)^power, through a layer that changes nothing."""
    layer = Layer()

    def function(words: torch.Tensor) -> torch.Tensor:
        hidden = layer(words.flatten(0, 1)).unflatten(0, words.shape[:2])
        return (hidden @ WEIGHTS).sum(dim=1) ** power

    return AttributionInputs(
        embeddings=INPUTS,
        baselines=baselines,
        score=Score(function, layer),
        features=np.arange(N),
        shares=np.ones(N),
        layer=layer,
        **settings,
    )


def scores(name: str, given: AttributionInputs) -> np.ndarray:
    return RUNS[name](given).detach().numpy()


@pytest.mark.parametrize("name", [*COMPLETE, "occlusion", "feature_ablation"])
def test_a_linear_function_is_shared_by_its_terms(name):
    expected = PARTS - (BASELINES @ WEIGHTS).numpy().mean(axis=0)
    # GradientSHAP draws one of the baselines for each sample; Captum's conductance takes the ends
    # of steps for their middles.
    tolerance = {"gradient_shap": 0.7, "layer_conductance": 0.01}.get(name, 1e-4)
    found = scores(name, attribution_inputs(samples=400, n_steps=200))
    np.testing.assert_allclose(found, expected, atol=tolerance)
    if name == "gradient_shap":
        one = attribution_inputs(baselines=BASELINES[:1], samples=10)
        np.testing.assert_allclose(
            scores(name, one), PARTS - (BASELINES[0] @ WEIGHTS).numpy(), atol=1e-9
        )


# DeepLift has no rule for a square; its own test has a tanh.
@pytest.mark.parametrize("name", [name for name in COMPLETE if name != "deep_lift"])
def test_a_square_is_shared_completely(name):
    """With f = s², s = Σ u, from zero: integrated gradients and Shapley values are both u · s."""
    zero = torch.zeros_like(BASELINES[:1])
    given = attribution_inputs(power=2, baselines=zero, samples=3000, n_steps=400)
    expected = PARTS * PARTS.sum()
    found = scores(name, given)
    near = {"gradient_shap": 0.05, "shapley_value_sampling": 0.1, "layer_conductance": 0.01}
    np.testing.assert_allclose(found, expected, atol=near.get(name, 1e-6) * np.abs(expected).max())
    if name not in ("gradient_shap", "layer_conductance"):  # complete in the mean, in the limit
        assert found.sum() == pytest.approx(PARTS.sum() ** 2, rel=1e-4)


def test_deep_lift_rescales_a_tanh():
    squash = nn.Tanh()
    given = attribution_inputs(baselines=BASELINES[:1])
    score = Score(lambda words: squash((words @ WEIGHTS).sum(dim=1)), squash)
    given = AttributionInputs(
        embeddings=INPUTS, baselines=BASELINES[:1], score=score, features=np.arange(N),
        shares=np.ones(N),
    )  # fmt: skip
    start = (BASELINES[0] @ WEIGHTS).numpy()
    slope = (np.tanh(PARTS.sum()) - np.tanh(start.sum())) / (PARTS.sum() - start.sum())
    np.testing.assert_allclose(scores("deep_lift", given), (PARTS - start) * slope, atol=1e-9)


def test_gradients_of_a_square():
    given = attribution_inputs(power=2)
    gradient = 2 * PARTS.sum() * WEIGHTS.norm().item()
    np.testing.assert_allclose(scores("saliency", given), np.full(N, abs(gradient)), rtol=1e-9)
    np.testing.assert_allclose(
        scores("input_x_gradient", given), 2 * PARTS.sum() * PARTS, rtol=1e-9
    )


def test_taking_tokens_away_from_a_square():
    zero = torch.zeros_like(BASELINES[:1])
    given = attribution_inputs(power=2, baselines=zero)
    lost = PARTS.sum() ** 2 - (PARTS.sum() - PARTS) ** 2
    np.testing.assert_allclose(scores("occlusion", given), lost, rtol=1e-5)
    np.testing.assert_allclose(scores("feature_ablation", given), lost, rtol=1e-5)


def test_windows_of_occlusion_average_over_what_holds_a_token():
    zero = torch.zeros_like(BASELINES[:1])
    found = scores("occlusion", attribution_inputs(baselines=zero, window=3))
    windows = np.convolve(PARTS, np.ones(3), "valid")
    expected = [windows[max(0, i - 2) : i + 1].mean() for i in range(N)]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("name", ["feature_ablation", "shapley_value_sampling"])
def test_groups_are_taken_away_together(name):
    zero = torch.zeros_like(BASELINES[:1])
    given = attribution_inputs(baselines=zero)
    features = np.array([-1, 0, 0, 1, 1, 1, -1])
    shares = np.array([0, 0.25, 0.75, 0.5, 0.25, 0.25, 0])
    given = AttributionInputs(
        embeddings=INPUTS, baselines=torch.where(torch.tensor(features < 0)[None, :, None],
                                             INPUTS.detach(), zero),
        score=given.score, features=features, shares=shares,
    )  # fmt: skip
    sums = np.array([PARTS[1:3].sum(), PARTS[3:6].sum()])
    expected = np.where(features < 0, 0, sums[np.maximum(features, 0)] * shares)
    np.testing.assert_allclose(scores(name, given), expected, atol=1e-6)


def test_attention_times_gradient_where_the_output_is_linear_in_attention():
    block = Attend()
    values = torch.tensor(RNG.normal(size=(1, 2, N, N)), dtype=torch.float64)

    def function(words: torch.Tensor) -> torch.Tensor:
        _, (maps,) = block(words.flatten(0, 1))
        return (maps * values).sum()[None] + 0 * words.sum(dim=(1, 2))

    given = AttributionInputs(
        embeddings=INPUTS, baselines=BASELINES[:1], score=Score(function, block),
        features=np.arange(N), shares=np.ones(N), attention=(block,),
    )  # fmt: skip
    expected = (block.maps * values).sum(dim=(0, 1, 2)).detach().numpy()
    np.testing.assert_allclose(scores("attention_x_gradient", given), expected, rtol=1e-9)
    assert not block._forward_hooks


@pytest.mark.parametrize("name", [n for n, info in METHODS.items() if info.gradient])
def test_noise_changes_nothing_of_a_linear_function_but_is_there_for_others(name):
    still, noisy = attribution_inputs(), attribution_inputs(noise=0.5, noise_samples=4)
    if name == "input_x_gradient":  # the input itself is noisy
        assert not np.allclose(scores(name, still), scores(name, noisy))
    elif name == "saliency":
        np.testing.assert_allclose(scores(name, still), scores(name, noisy), rtol=1e-6)
    else:
        assert not np.allclose(scores(name, still), scores(name, noisy))
        # Noise has mean 0: with many samples the scores come back.
        many = attribution_inputs(noise=0.05, noise_samples=200)
        np.testing.assert_allclose(scores(name, many), scores(name, still), atol=0.1)


@pytest.mark.parametrize("name", ["gradient_shap", "shapley_value_sampling"])
def test_a_seed_repeats_and_leaves_the_callers_numbers_alone(name):
    torch.manual_seed(5)
    np.random.seed(5)
    expected = torch.rand(1).item(), np.random.rand()
    given = attribution_inputs(power=2, samples=5)  # whose layer draws weights
    torch.manual_seed(5)
    np.random.seed(5)
    first = scores(name, given)
    assert (torch.rand(1).item(), np.random.rand()) == expected
    np.testing.assert_array_equal(first, scores(name, attribution_inputs(power=2, samples=5)))
    assert not np.allclose(first, scores(name, attribution_inputs(power=2, samples=5, seed=1)))


@pytest.mark.parametrize("name", TOKEN_METHODS)
def test_progress_ends_at_its_total(name):
    seen = []
    block = Attend()

    def function(words: torch.Tensor) -> torch.Tensor:
        _, (maps,) = block(words.flatten(0, 1))
        return ((words @ WEIGHTS) ** 2).sum(dim=1) + maps.sum()

    base = attribution_inputs()
    given = AttributionInputs(
        embeddings=INPUTS, baselines=BASELINES, score=Score(function, base.layer),
        features=np.arange(N), shares=np.ones(N), attention=(block,),
        progress=lambda done, total: seen.append((done, total)),
        **({"layer": base.layer} if name != "layer_conductance" else {}),
    )  # fmt: skip
    if name == "layer_conductance":
        given = attribution_inputs(progress=lambda done, total: seen.append((done, total)))
    RUNS[name](given)
    done, total = zip(*seen, strict=True)
    assert list(done) == sorted(done)
    assert len(set(total)) == 1
    assert done[-1] == total[-1]


def crowded(given: AttributionInputs, rows: int) -> AttributionInputs:
    """The same, where no more than so many sequences fit in memory."""
    whole = given.score.function

    def function(words: torch.Tensor) -> torch.Tensor:
        if len(words) > rows:
            raise RuntimeError("not enough memory")
        return whole(words)

    given.score.function = function
    return given


@pytest.mark.parametrize("name", ["layer_integrated_gradients", "layer_conductance", "occlusion",
                                  "shapley_value_sampling"])  # fmt: skip
def test_where_memory_runs_out_passes_are_smaller(name):
    expected = scores(name, attribution_inputs(power=2, n_steps=12, samples=5))
    given = crowded(attribution_inputs(power=2, n_steps=12, samples=5), rows=2)
    with pytest.warns(UserWarning, match="did not fit in memory; computing again"):
        found = run_within_memory(name, given)
    np.testing.assert_allclose(found.detach().numpy(), expected, atol=1e-9)
    assert given.score.largest <= 2


def test_one_sequence_that_does_not_fit_is_told():
    with pytest.raises(InputError, match=f"A sequence of {N} tokens does not fit in memory"):
        run_within_memory("saliency", crowded(attribution_inputs(), rows=0))
    with (
        pytest.warns(UserWarning, match="did not fit"),
        pytest.raises(InputError, match="does not fit in memory"),
    ):
        run_within_memory("deep_lift", crowded(attribution_inputs(), rows=1))  # always of two


def test_what_is_no_lack_of_memory_is_raised():
    given = attribution_inputs()
    given.score.function = lambda words: words.no_such_thing()
    with pytest.raises(AttributeError):
        run_within_memory("saliency", given)


def test_a_gpu_takes_all_steps_at_once():
    """50 steps of a 500-bp sequence, 110 tokens, took three passes of 2,048 tokens."""
    gpu = torch.device("cuda")
    assert tokens_of_pass(gpu, gradients=True) >= 50 * 110
    assert tokens_of_pass(gpu, gradients=False) == default_budget(gpu)
