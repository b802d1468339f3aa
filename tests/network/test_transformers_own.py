"""transformers' own tests of every model, on our classes.

They come with transformers' source distribution and are not part of this repository:
CONTRIBUTING.md says how to get them.
"""

from __future__ import annotations

import importlib
import os
import sys
import types
import unittest
import unittest.mock
from pathlib import Path

import pytest
import torch
import transformers

from dnabert2_explore.network import (
    Dnabert2Config,
    Dnabert2ForMaskedLM,
    Dnabert2ForSequenceClassification,
    Dnabert2Model,
)

HERE = Path(__file__).parents[2] / "test-output" / f"transformers-{transformers.__version__}"
SOURCES = Path(os.environ.get("DX_TRANSFORMERS", HERE)) / "tests"

if not (SOURCES / "test_modeling_common.py").is_file():
    pytest.skip(
        f"transformers' own tests are not at {SOURCES}: see CONTRIBUTING.md, 'Daily commands', for "
        "how to get them",
        allow_module_level=True,
    )
pytest.importorskip(
    "parameterized", reason="transformers' own tests need: pip install parameterized"
)


def common() -> types.ModuleType:
    """Import the tests as a package of another name: `tests` is ours."""
    package = "transformers_own_tests"
    modules = {package: [str(SOURCES)]}
    # Tests of generation and of export formats, which the distribution leaves out.
    missing = {"generation.test_utils": "GenerationTesterMixin"}
    missing["exporters.test_export"] = "ExportTesterMixin"
    for name in missing:
        modules |= {f"{package}.{name.partition('.')[0]}": [], f"{package}.{name}": []}
    for name, path in modules.items():
        module = types.ModuleType(name)
        module.__path__ = path
        sys.modules[name] = module
    for name, mixin in missing.items():
        setattr(sys.modules[f"{package}.{name}"], mixin, type(mixin, (), {}))
    return importlib.import_module(f"{package}.test_modeling_common")


class Tester:
    """What transformers' tests ask of a model's own test file: a small model and inputs for it."""

    __test__ = False  # by its name it could be one
    batch_size, seq_length, hidden_size, num_hidden_layers, num_attention_heads = 3, 7, 32, 2, 4
    vocab_size = 64
    is_training = True
    attention: str | None = None
    base_model_class = Dnabert2Model

    def __init__(self, parent: unittest.TestCase) -> None:
        self.parent = parent

    def get_config(self) -> Dnabert2Config:
        return Dnabert2Config(
            vocab_size=self.vocab_size,
            hidden_size=self.hidden_size,
            num_hidden_layers=self.num_hidden_layers,
            num_attention_heads=self.num_attention_heads,
            intermediate_size=48,
            hidden_dropout_prob=0.1,
            attention_probs_dropout_prob=0.1,
            attn_implementation=self.attention,
        )

    def prepare_config_and_inputs_for_common(self):
        generator = torch.Generator().manual_seed(0)
        shape = (self.batch_size, self.seq_length)
        ids = torch.randint(5, self.vocab_size, shape, generator=generator)
        mask = torch.ones_like(ids)
        mask[0, 5:] = 0
        return self.get_config(), {"input_ids": ids, "attention_mask": mask}


Common = common().ModelTesterMixin

#: Our heads among transformers' own: by these lists the tests know which labels a class takes.
NAMES = {
    "MODEL_MAPPING_NAMES": "Dnabert2Model",
    "MODEL_FOR_MASKED_LM_MAPPING_NAMES": "Dnabert2ForMaskedLM",
    "MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES": "Dnabert2ForSequenceClassification",
}


class TestOwn(Common, unittest.TestCase):
    """Every common test; what does not apply is skipped by transformers, or below with a reason."""

    all_model_classes = (Dnabert2Model, Dnabert2ForMaskedLM, Dnabert2ForSequenceClassification)

    def setUp(self) -> None:
        self.model_tester = Tester(self)
        for listed, name in NAMES.items():
            names = getattr(transformers.models.auto.modeling_auto, listed)
            patch = unittest.mock.patch.dict(names, {"dnabert2": name})
            patch.start()
            self.addCleanup(patch.stop)

    def test_model_outputs_equivalence(self) -> None:
        self.model_tester.attention = "eager"  # it asks for attentions, which sdpa never forms
        super().test_model_outputs_equivalence()


for test in dir(Common):
    if test.startswith("test_eager_matches_sdpa") and test.endswith("output_attentions"):
        reason = "sdpa raises where it is asked for attention maps"
        setattr(TestOwn, test, unittest.skip(reason)(lambda self: None))
