"""The network against values computed by the original code (../shared/reference/golden)."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from dnabert2_explore.network import (
    Dnabert2Config,
    Dnabert2ForMaskedLM,
    Dnabert2ForSequenceClassification,
    alibi_slopes,
)

GOLDEN = Path(__file__).parents[3] / "shared" / "reference" / "golden"
pytestmark = pytest.mark.skipif(
    not GOLDEN.is_dir(), reason=f"golden values of the original code not found at {GOLDEN}"
)

FIXTURES = sorted(p.stem for p in GOLDEN.glob("*_f*.npz"))
BACKENDS = ("eager", "sdpa")


class Case:
    """One golden file with a model of its shape and weights."""

    def __init__(self, stem: str, attention: str) -> None:
        self.shape, self.batch, precision = stem.split("_")
        self.dtype = torch.float64 if precision == "f64" else torch.float32
        self.atol = 1e-11 if precision == "f64" else 1e-4
        self.logit_atol = 1e-11 if precision == "f64" else 3e-4
        self.golden = dict(np.load(GOLDEN / f"{stem}.npz"))
        self.attention = attention

    def model(self, cls, **changes):
        values = json.loads((GOLDEN / f"{self.shape}_config.json").read_text())
        config = Dnabert2Config(**{**values, **changes}, attn_implementation=self.attention)
        model = cls(config).eval()
        weights = load_file(GOLDEN / f"{self.shape}_weights.safetensors")
        if changes.get("num_labels") == 1:
            weights["classifier.weight"] = torch.from_numpy(self.golden["reg_classifier_weight"])
            weights["classifier.bias"] = torch.from_numpy(self.golden["reg_classifier_bias"])
        wanted = set(model.state_dict())
        assert wanted <= set(weights)
        model.load_state_dict({k: v for k, v in weights.items() if k in wanted})
        return model.to(self.dtype)

    def inputs(self) -> dict[str, torch.Tensor]:
        names = ("input_ids", "attention_mask", "token_type_ids")
        return {name: torch.from_numpy(self.golden[name]) for name in names}

    def labels(self, name: str) -> torch.Tensor:
        return torch.from_numpy(self.golden[name])

    def close(self, ours: torch.Tensor, name: str, atol: float | None = None) -> None:
        expected = torch.from_numpy(np.asarray(self.golden[name])).to(ours.dtype)
        torch.testing.assert_close(
            ours.detach().reshape(expected.shape),
            expected,
            atol=atol or self.atol,
            rtol=0,
            msg=lambda text: f"{name}: {text}",
        )


@pytest.fixture(params=[(s, b) for s in FIXTURES for b in BACKENDS], ids="-".join)
def case(request) -> Case:
    return Case(*request.param)


def test_alibi_slopes_equal_the_originals() -> None:
    slopes = np.load(GOLDEN / "alibi_slopes.npz")
    assert len(slopes.files) == 32
    for name in slopes.files:
        n_heads = int(name.split("_")[1])
        np.testing.assert_array_equal(alibi_slopes(n_heads).numpy(), slopes[name])


def test_every_array_is_compared() -> None:
    """A golden array that no test reads would be a promise nobody keeps."""
    # String literals only: a name in a comment compares nothing.
    tree = ast.parse(Path(__file__).read_text())
    literals = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    for stem in FIXTURES:
        for name in np.load(GOLDEN / f"{stem}.npz").files:
            assert {name, name.split("/")[0]} & literals, f"{name} of {stem} is not compared"


def test_hidden_states_and_pooler(case: Case) -> None:
    model = case.model(Dnabert2ForSequenceClassification).bert
    with torch.no_grad():
        out = model(**case.inputs(), output_hidden_states=True)
    last, states = out.last_hidden_state, torch.stack(out.hidden_states)
    valid = torch.from_numpy(case.golden["attention_mask"]).bool()
    assert (last[~valid] == 0).all()
    case.close(out.pooler_output, "pooled_output")
    if case.batch == "long":
        case.close(last[0][::16], "last_hidden_row0_every16")
        case.close(last[1][valid[1]][::16], "last_hidden_row1_valid_every16")
        # A sum over ~1,000 positions; its error grows with their number.
        sums = last.to(torch.float64).sum(dim=1)
        case.close(sums, "last_hidden_sum_over_valid_positions", atol=case.atol * 100)
        selected = torch.from_numpy(case.golden["sel_positions"])
        case.close(states[:, 0][:, selected], "hidden_states_row0_sel")
    else:
        case.close(last, "last_hidden_state")
        if "hidden_states" in case.golden:
            case.close(states, "hidden_states")


def test_attention_probabilities(case: Case) -> None:
    model = case.model(Dnabert2ForSequenceClassification).bert
    if case.attention != "eager":
        with pytest.raises(ValueError, match="never forms attention maps"):
            model(**case.inputs(), output_attentions=True)
        return
    with torch.no_grad():
        out = model(**case.inputs(), output_attentions=True)
    maps = torch.stack(out.attentions)
    valid = torch.from_numpy(case.golden["attention_mask"]).bool()
    rows = maps * valid[None, :, None, :, None]
    to_padding = rows * ~valid[None, :, None, None, :]
    if "max_prob_on_padded_keys" in case.golden:
        # An all-padding row has no valid query, so this holds for it too.
        case.close(to_padding.max(), "max_prob_on_padded_keys", atol=1e-30)
    assert to_padding.max() == 0
    if case.batch == "long":
        queries = torch.from_numpy(case.golden["attn_query_positions"])
        case.close(maps[:, 0][:, :, queries], "attention_probs_row0_sel")
        queries = torch.from_numpy(case.golden["attn_query_positions_row1"])
        case.close(maps[0, 1][:, queries], "attention_probs_row1_sel_first_layer")
    elif "attention_probs" in case.golden:
        case.close(rows, "attention_probs")


def test_masked_lm(case: Case) -> None:
    model = case.model(Dnabert2ForMaskedLM)
    labels = case.labels("mlm_labels")
    with torch.no_grad():
        out = model(**case.inputs(), labels=labels)
    case.close(out.loss, "mlm_loss")
    if "mlm_logits_with_labels_nonzero" in case.golden:
        case.close(out.logits[labels > 0], "mlm_logits_with_labels_nonzero", case.logit_atol)
    if "mlm_logits" in case.golden:
        case.close(out.logits, "mlm_logits", atol=case.logit_atol)
        assert "mlm_logits_pad_vector" in case.golden
    if "mlm_logits_pad_vector" in case.golden:
        padding = case.golden["attention_mask"] == 0
        expected = torch.from_numpy(case.golden["mlm_logits_pad_vector"]).to(case.dtype)
        ours = out.logits[torch.from_numpy(padding)]
        torch.testing.assert_close(ours, expected.expand_as(ours), atol=case.logit_atol, rtol=0)
    if case.batch == "long":
        selected = torch.from_numpy(case.golden["sel_positions"])
        case.close(out.logits[0][selected], "mlm_logits_row0_sel", atol=case.logit_atol)


def test_sparse_prediction_gives_the_same_loss(case: Case) -> None:
    model = case.model(Dnabert2ForMaskedLM, sparse_prediction=True)
    labels = case.labels("mlm_labels")
    with torch.no_grad():
        out = model(**case.inputs(), labels=labels)
        dense = model(**case.inputs()).logits[labels > 0]
    case.close(out.loss, "mlm_loss")
    torch.testing.assert_close(out.logits, dense, atol=case.atol, rtol=0)


def test_classification(case: Case) -> None:
    model = case.model(Dnabert2ForSequenceClassification)
    with torch.no_grad():
        out = model(**case.inputs(), labels=case.labels("cls_labels"))
    case.close(out.logits, "cls_logits", atol=case.logit_atol)
    case.close(out.loss, "cls_loss")


@pytest.mark.parametrize("attention", BACKENDS)
@pytest.mark.parametrize("stem", [s for s in FIXTURES if "mixed" in s])
def test_regression_and_multilabel_losses(stem: str, attention: str) -> None:
    case = Case(stem, attention)
    model = case.model(Dnabert2ForSequenceClassification, num_labels=1)
    with torch.no_grad():
        out = model(**case.inputs(), labels=case.labels("reg_labels"))
    case.close(out.logits, "reg_logits", atol=case.logit_atol)
    case.close(out.loss, "reg_loss")
    assert model.config.problem_type == "regression"
    model = case.model(Dnabert2ForSequenceClassification)
    with torch.no_grad():
        out = model(**case.inputs(), labels=case.labels("multilabel_labels"))
    case.close(out.loss, "multilabel_loss")


@pytest.mark.parametrize(
    ("cls", "labels", "gradients", "norm"),
    [
        (Dnabert2ForSequenceClassification, "cls_labels", "cls_grad", "cls_grad_global_norm"),
        (Dnabert2ForMaskedLM, "mlm_labels", "mlm_grad", "mlm_grad_global_norm"),
    ],
    ids=["classification", "masked-lm"],
)
def test_gradients(case: Case, cls, labels: str, gradients: str, norm: str) -> None:
    names = [name for name in case.golden if name.startswith(f"{gradients}/")]
    if not names:
        assert gradients == "mlm_grad"
        assert case.dtype == torch.float64
        return
    model = case.model(cls)
    model(**case.inputs(), labels=case.labels(labels)).loss.backward()
    ours = {name: p.grad for name, p in model.named_parameters()}
    for name in names:
        key = name.removeprefix(f"{gradients}/")
        if key == "cls.predictions.decoder.weight":
            key = "bert.embeddings.word_embeddings.weight"  # tied: one gradient
        case.close(ours[key], name)
    total = torch.sqrt(sum((g.double() ** 2).sum() for g in ours.values() if g is not None))
    # The norm over all parameters is up to 142, of which a CPU with other instructions than the
    # one of the golden values moves 1.4e-6 in float32: a share of it is allowed, not an amount.
    case.close(total, norm, atol=case.atol * max(1.0, 0.1 * float(total)))


@pytest.mark.parametrize("attention", BACKENDS)
@pytest.mark.parametrize("stem", [s for s in FIXTURES if "mixed" in s])
def test_gradient_of_a_logit_with_respect_to_embeddings(stem: str, attention: str) -> None:
    case = Case(stem, attention)
    model = case.model(Dnabert2ForSequenceClassification)
    inputs = case.inputs()
    words = model.get_input_embeddings()(inputs.pop("input_ids")).detach().requires_grad_()
    model(**inputs, inputs_embeds=words).logits[:, 0].sum().backward()
    case.close(words.grad, "grad_logit0_wrt_word_embeds")


@pytest.mark.parametrize("attention", BACKENDS)
@pytest.mark.parametrize("stem", [s for s in FIXTURES if "mixed" in s])
def test_unknown_tokens_learn(stem: str, attention: str) -> None:
    """The original has no padding_idx: with one, the gradient of row 0 would be this zero row."""
    case = Case(stem, attention)
    frozen = case.golden["cls_grad_word_embeddings_row0_if_padding_idx_0"]
    assert not frozen.any()
    model = case.model(Dnabert2ForSequenceClassification)
    model(**case.inputs(), labels=case.labels("cls_labels")).loss.backward()
    assert model.get_input_embeddings().weight.grad[0].abs().max() > 0
