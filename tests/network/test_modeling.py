"""The model as transformers, peft and torch know models."""

from __future__ import annotations

import pytest
import torch
from accelerate.hooks import ModelHook, add_hook_to_module
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedTokenizerFast,
    pipeline,
)

from dnabert2_explore.network import (
    Dnabert2Config,
    Dnabert2ForMaskedLM,
    Dnabert2ForSequenceClassification,
    Dnabert2Model,
    blocks,
)

SHAPE = {
    "vocab_size": 64,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "initializer_range": 0.2,
}


def make(cls, **changes):
    torch.manual_seed(0)
    return cls(Dnabert2Config(**{**SHAPE, **changes})).eval()


@pytest.fixture
def ids() -> torch.Tensor:
    return torch.randint(5, 64, (3, 17), generator=torch.Generator().manual_seed(0))


def test_save_and_load_through_the_auto_classes(tmp_path, ids) -> None:
    model = make(Dnabert2ForMaskedLM)
    model.save_pretrained(tmp_path)
    assert isinstance(AutoConfig.from_pretrained(tmp_path), Dnabert2Config)
    again = AutoModelForMaskedLM.from_pretrained(tmp_path)
    assert torch.equal(model(ids).logits, again.eval()(ids).logits)
    base = AutoModel.from_pretrained(tmp_path, add_pooling_layer=False).eval()
    assert isinstance(base, Dnabert2Model)
    assert torch.equal(base(ids).last_hidden_state, model.bert(ids).last_hidden_state)
    classifier = AutoModelForSequenceClassification.from_pretrained(tmp_path, num_labels=5)
    assert torch.equal(
        classifier.bert.embeddings.word_embeddings.weight,
        model.bert.embeddings.word_embeddings.weight,
    )
    assert classifier.eval()(ids).logits.shape == (3, 5)


def test_outputs_are_model_outputs_or_tuples(ids) -> None:
    model = make(Dnabert2Model)
    out = model(ids, output_hidden_states=True)
    assert len(out.hidden_states) == 3
    assert torch.equal(out.hidden_states[-1], out.last_hidden_state)
    as_tuple = model(ids, return_dict=False)
    assert isinstance(as_tuple, tuple)
    assert torch.equal(as_tuple[0], out.last_hidden_state)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_close_and_finite(ids, attention, dtype) -> None:
    model = make(Dnabert2Model, attn_implementation=attention)
    mask = torch.ones_like(ids)
    mask[0, 9:] = 0
    exact = model(ids, mask).last_hidden_state
    half = model.to(dtype)(ids, mask).last_hidden_state
    assert half.dtype == dtype
    assert half.isfinite().all()
    cosine = torch.cosine_similarity(exact, half.float(), dim=-1)[mask.bool()]
    assert cosine.min() > 0.995


def test_backend_switches_at_run_time(ids) -> None:
    model = make(Dnabert2Model)
    assert model.config._attn_implementation == "sdpa"
    fused = model(ids).last_hidden_state
    model.set_attn_implementation("eager")
    out = model(ids, output_attentions=True)
    torch.testing.assert_close(out.last_hidden_state, fused, atol=1e-5, rtol=0)
    assert len(out.attentions) == 2
    torch.testing.assert_close(out.attentions[0].sum(-1), torch.ones(3, 4, 17))


@pytest.mark.parametrize(
    "name", ["flash_attention_2", "flash_attention_3", "flex_attention", "nonsense"]
)
def test_a_backend_that_would_drop_alibi_is_refused(name) -> None:
    with pytest.raises((ValueError, ImportError)):
        make(Dnabert2Model, attn_implementation=name)
    model = make(Dnabert2Model)
    with pytest.raises((ValueError, ImportError)):
        model.set_attn_implementation(name)
    assert model.config._attn_implementation == "sdpa"


def test_embeddings_may_replace_ids(ids) -> None:
    model = make(Dnabert2Model)
    words = model.get_input_embeddings()(ids)
    assert torch.equal(model(inputs_embeds=words).last_hidden_state, model(ids).last_hidden_state)
    with pytest.raises(ValueError, match="exactly one"):
        model(ids, inputs_embeds=words)
    with pytest.raises(ValueError, match="exactly one"):
        model()


def test_the_mlp_by_halves(ids) -> None:
    """What a GPU computes: the same, and not past an adapter or whoever listens."""
    mlp = make(Dnabert2Model).encoder.layer[0].mlp
    states = torch.randn(20, 32, generator=torch.Generator().manual_seed(1))
    whole = mlp(states.requires_grad_())
    halves = mlp.by_halves(states)
    torch.testing.assert_close(halves, whole, atol=1e-6, rtol=1e-6)
    given = [mlp.gated_layers.weight, states]
    for one, other in zip(
        torch.autograd.grad(halves.sum(), given),
        torch.autograd.grad(whole.sum(), given),
        strict=True,
    ):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)
    assert blocks._unchanged(mlp.gated_layers)
    handle = mlp.gated_layers.register_forward_hook(lambda *arguments: None)
    assert not blocks._unchanged(mlp.gated_layers)
    handle.remove()
    assert blocks._unchanged(mlp.gated_layers)
    # As accelerate keeps a weight on the CPU: it is on the GPU within `forward` only.
    hooked = add_hook_to_module(make(Dnabert2Model).encoder.layer[0].mlp.gated_layers, ModelHook())
    assert not blocks._unchanged(hooked)
    assert not blocks._unchanged(torch.nn.Sequential(mlp.gated_layers))


def test_the_mlp_of_a_long_sequence_in_parts(ids, monkeypatch) -> None:
    model = make(Dnabert2Model)
    with torch.no_grad():
        whole = model(ids).last_hidden_state
        monkeypatch.setattr("dnabert2_explore.network.blocks.MLP_TOKENS", 7)
        widths = []
        model.encoder.layer[0].mlp.wo.register_forward_hook(
            lambda module, inputs, output: widths.append(len(output))
        )
        torch.testing.assert_close(model(ids).last_hidden_state, whole, atol=1e-5, rtol=0)
    assert widths == [7] * 7 + [2]


@pytest.mark.parametrize("shape", [(3, 17, 17), (3, 16), (2, 17), (17,)])
@pytest.mark.parametrize("name", ["attention_mask", "token_type_ids"])
def test_what_stands_beside_the_tokens_has_their_shape(ids, name, shape) -> None:
    with pytest.raises(ValueError, match=rf"{name} has the shape .*here \(3, 17\)"):
        make(Dnabert2Model)(ids, **{name: torch.ones(shape, dtype=torch.long)})


@pytest.mark.parametrize(
    "cls", [Dnabert2Model, Dnabert2ForMaskedLM, Dnabert2ForSequenceClassification]
)
def test_a_keyword_that_would_change_nothing_is_refused(ids, cls) -> None:
    model = make(cls)
    for name in ("position_ids", "head_mask", "atention_mask"):
        with pytest.raises(TypeError, match=f"takes no {name}"):
            model(ids, **{name: torch.ones_like(ids)})
    model(ids, position_ids=None)  # what wrappers hand on though nobody gave it


@pytest.mark.parametrize("with_mask", [False, True])
def test_batches_without_sequences_and_sequences_without_tokens(with_mask) -> None:
    none, empty = torch.zeros(0, 7, dtype=torch.long), torch.zeros(2, 0, dtype=torch.long)

    def call(model, ids, **options):
        return model(ids, torch.ones_like(ids) if with_mask else None, **options)

    body = make(Dnabert2Model, attn_implementation="eager")
    out = call(body, none, output_hidden_states=True, output_attentions=True)
    assert out.last_hidden_state.shape == (0, 7, 32)
    assert [state.shape for state in out.hidden_states] == 3 * [(0, 7, 32)]
    assert [maps.shape for maps in out.attentions] == 2 * [(0, 4, 7, 7)]
    assert call(make(Dnabert2ForMaskedLM), none).logits.shape == (0, 7, 64)
    for pooling in ("cls", "mean"):
        model = make(Dnabert2ForSequenceClassification, classifier_pooling=pooling, num_labels=3)
        assert call(model, none).logits.shape == (0, 3)
        with pytest.raises(ValueError, match="There are no tokens"):
            call(model, empty)


def test_a_batch_of_padding_only(ids) -> None:
    model = make(Dnabert2Model, attn_implementation="eager")
    out = model(ids, torch.zeros_like(ids), output_hidden_states=True, output_attentions=True)
    assert len(out.hidden_states) == 3
    assert not any(state.any() for state in (*out.hidden_states, *out.attentions))


@pytest.mark.parametrize("padding", ["none", "some", "gaps"])
def test_hidden_states_and_attentions_carry_gradients(ids, padding) -> None:
    """What Grad-CAM, relevance (Chefer et al. 2021) and probing codes ask of a model."""
    model = make(Dnabert2ForSequenceClassification, attn_implementation="eager", num_labels=3)
    mask = torch.ones_like(ids)
    if padding != "none":
        mask[0, 9:] = mask[1, :4] = 0
    if padding == "gaps":
        mask[2, 5:7] = 0
    out = model(ids, mask, output_hidden_states=True, output_attentions=True)
    plain = model(ids, mask)
    torch.testing.assert_close(out.logits, plain.logits)
    gradients = torch.autograd.grad(
        out.logits[:, 1].sum(), (*out.hidden_states, *out.attentions), retain_graph=True
    )
    assert len(gradients) == 5
    rows = mask.any(1)
    # The last layer's states count at [CLS] alone, and [CLS] is padding where a row begins so.
    for gradient in (*gradients[:2], *gradients[3:]):
        assert gradient.flatten(1).any(1)[rows & mask[:, 0].bool()].all()
    # By the definition of a derivative, in float64: what a step in one state changes. (Not the sum,
    # which LayerNorm keeps.)
    exact = model.double()
    words = exact.get_input_embeddings()(ids).detach()
    states = exact.bert(inputs_embeds=words, attention_mask=mask, output_hidden_states=True)
    first = states.hidden_states[0]
    (slope,) = torch.autograd.grad(states.last_hidden_state[2].pow(3).sum(), first)
    seen = {}

    def shift(_module, inputs):
        step = torch.zeros_like(first)
        step[2, 8, 3] = seen["step"]
        return inputs[0] + seen["packing"].pack(step), *inputs[1:]

    def look(_module, inputs):
        seen["packing"] = inputs[1]

    exact.bert.encoder.layer[0].register_forward_pre_hook(look)
    exact.bert.encoder.layer[0].register_forward_pre_hook(shift)
    with torch.no_grad():
        sums = []
        for step in (1e-5, -1e-5):
            seen["step"] = step
            out = exact.bert(inputs_embeds=words, attention_mask=mask)
            sums.append(float(out.last_hidden_state[2].pow(3).sum()))
    assert (sums[0] - sums[1]) / 2e-5 == pytest.approx(float(slope[2, 8, 3]), rel=1e-4)


def test_a_whole_tower_of_attention_maps_is_what_was_computed_with(ids) -> None:
    """The gradient that reaches a padded map is the one of the map without padding."""
    model = make(Dnabert2ForSequenceClassification, attn_implementation="eager", num_labels=3)
    padded = torch.nn.functional.pad(ids[:1], (0, 5), value=3)
    mask = torch.nn.functional.pad(torch.ones_like(ids[:1]), (0, 5))
    alone = model(ids[:1], output_attentions=True)
    among = model(padded, mask, output_attentions=True)
    for one, two in zip(
        torch.autograd.grad(alone.logits[0, 0], alone.attentions),
        torch.autograd.grad(among.logits[0, 0], among.attentions),
        strict=True,
    ):
        torch.testing.assert_close(two[..., :17, :17], one, atol=1e-6, rtol=1e-4)


def test_padding_changes_nothing(ids) -> None:
    model = make(Dnabert2ForSequenceClassification, classifier_pooling="mean")
    padded = torch.nn.functional.pad(ids, (0, 6), value=3)
    mask = torch.nn.functional.pad(torch.ones_like(ids), (0, 6))
    torch.testing.assert_close(model(padded, mask).logits, model(ids).logits, atol=1e-5, rtol=0)


def test_gradient_checkpointing_gives_the_same_gradients(ids) -> None:
    def gradient(checkpointing: bool):
        model = make(Dnabert2ForMaskedLM, hidden_dropout_prob=0.0).train()
        if checkpointing:
            model.gradient_checkpointing_enable()
        model(ids, labels=ids).loss.backward()
        return model.bert.encoder.layer[0].mlp.wo.weight.grad

    torch.testing.assert_close(gradient(True), gradient(False))


def test_torch_compile_agrees_with_padding(ids) -> None:
    """Where padding lies is read from the mask's values, so the graph breaks there."""
    model = make(Dnabert2ForMaskedLM)
    mask = torch.ones_like(ids)
    mask[0, 9:] = 0
    compiled = torch.compile(model, backend="eager")
    torch.testing.assert_close(compiled(ids, mask).logits, model(ids, mask).logits)


def test_torch_compile_agrees(ids) -> None:
    model = make(Dnabert2ForMaskedLM)
    # The "eager" dynamo backend traces the whole graph without needing a C++ compiler.
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(ids).logits, model(ids).logits)


def test_peft_adapters_on_the_fused_projections(ids) -> None:
    peft = pytest.importorskip("peft")
    model = make(Dnabert2ForSequenceClassification, num_labels=3)
    config = peft.LoraConfig(task_type="SEQ_CLS", r=2, target_modules=["Wqkv", "gated_layers"])
    tuned = peft.get_peft_model(model, config)
    tuned(ids, labels=torch.tensor([0, 1, 2])).loss.backward()
    trained = [n for n, p in tuned.named_parameters() if p.grad is not None]
    assert any("lora_A" in name for name in trained)
    assert all("lora" in name or "classifier" in name for name in trained)


def test_trainer_trains(tmp_path, ids) -> None:
    pytest.importorskip("accelerate")
    from transformers import Trainer, TrainingArguments

    rows = [{"input_ids": row, "labels": label} for row, label in zip(ids, (0, 1, 1), strict=True)]
    model = make(Dnabert2ForSequenceClassification)
    before = model.classifier.weight.detach().clone()
    arguments = TrainingArguments(
        output_dir=str(tmp_path),
        max_steps=2,
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        save_strategy="no",
    )
    result = Trainer(model=model, args=arguments, train_dataset=rows).train()
    assert result.global_step == 2
    assert not torch.equal(before, model.classifier.weight)


def test_pipelines(model_folder, classifier_folder, bases) -> None:
    from dnabert2_explore import load

    def parts(folder):
        enc = load(folder)
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_file=str(folder / "tokenizer.json"),
            unk_token="[UNK]",
            cls_token="[CLS]",
            sep_token="[SEP]",
            pad_token="[PAD]",
            mask_token="[MASK]",
        )
        return enc, tokenizer

    enc, tokenizer = parts(classifier_folder)
    where = {"device": enc.device}  # else transformers moves our network to a GPU
    classify = pipeline("text-classification", model=enc.network, tokenizer=tokenizer, **where)
    answer = classify(bases)
    assert answer[0]["label"] == enc.classes[int(enc.predict(bases)[0].argmax())]
    enc, tokenizer = parts(model_folder)
    fill = pipeline("fill-mask", model=enc.network, tokenizer=tokenizer, **where)
    guesses = fill("ACGT [MASK] ACGT")
    assert len(guesses) == 5


def test_tokenizer_of_a_saved_folder_needs_no_remote_code(tmp_path, model_folder) -> None:
    make(Dnabert2ForMaskedLM).save_pretrained(tmp_path)
    (tmp_path / "tokenizer.json").write_bytes((model_folder / "tokenizer.json").read_bytes())
    tokenizer = AutoTokenizer.from_pretrained(tmp_path, trust_remote_code=False)
    assert tokenizer("ACGT")["input_ids"][0] == 1


def test_dropout_acts_in_training_only(ids) -> None:
    model = make(Dnabert2Model, attention_probs_dropout_prob=0.5)
    assert torch.equal(model(ids).last_hidden_state, model(ids).last_hidden_state)
    model.train()
    assert not torch.equal(model(ids).last_hidden_state, model(ids).last_hidden_state)


def test_config_refuses_other_architectures() -> None:
    with pytest.raises(ValueError, match="not a multiple"):
        Dnabert2Config(hidden_size=10, num_attention_heads=3)
    with pytest.raises(ValueError, match="classifier_pooling"):
        Dnabert2Config(classifier_pooling="max")
    with pytest.raises(ValueError, match="gelu"):
        Dnabert2Config(hidden_act="relu")


def test_config_round_trips(tmp_path) -> None:
    config = Dnabert2Config(**SHAPE, classifier_pooling="mean", num_labels=3)
    config.save_pretrained(tmp_path)
    again = Dnabert2Config.from_pretrained(tmp_path)
    assert again.classifier_pooling == "mean"
    assert again.num_labels == 3
    assert again.hidden_size == 32
