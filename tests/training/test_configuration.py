from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from dnabert2_explore.errors import InputError
from dnabert2_explore.training.configuration import write_yaml
from dnabert2_explore.training.finetune import FinetuneConfig
from dnabert2_explore.training.pretrain import PretrainConfig

CONFIGS = Path(__file__).parents[2] / "configs"
NEEDED = "genomes: g\ntable: t\ntokenizer: k\nout: o\n"


def test_shipped_configurations_are_valid():
    assert PretrainConfig.from_yaml(CONFIGS / "pocket.yaml").row_tokens == 128
    splice = FinetuneConfig.from_yaml(CONFIGS / "pocket-splice.yaml")
    # At an anchor a site is read as it stands: the other strand is refused with it.
    assert (splice.anchor, splice.strands) == ("middle", "auto")
    with pytest.raises(InputError, match="whose other strand is no such site"):
        dataclasses.replace(splice, augment="reverse_complement")


def test_a_configuration_is_written_and_read_back(tmp_path):
    config = FinetuneConfig("pocket", "a.csv", "b.csv", "runs/Ä", lora_targets=("Wqkv", "wo"))
    write_yaml(config, tmp_path / "c.yaml")
    assert FinetuneConfig.from_yaml(tmp_path / "c.yaml") == config
    assert FinetuneConfig.from_yaml(tmp_path / "c.yaml", seed=7).seed == 7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (NEEDED + "colour: red\n", "unknown key 'colour'"),
        ("genomes: g\n", "key 'table' is missing"),
        (NEEDED + "learning_rate: 1e-3\n", r"learning_rate is '1e-3'; expected float, written"),
        (NEEDED + "batch_rows: true\n", "batch_rows is True; expected int"),
        (NEEDED + "compile: 1\n", "compile is 1; expected bool"),
        ("- a\n- b\n", "expected a mapping"),
        ("a: [\n", "cannot be read as YAML"),
    ],
)
def test_bad_files(tmp_path, text, message):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        PretrainConfig.from_yaml(path)


def test_absent_file(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        FinetuneConfig.from_yaml(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    "text",
    ["model: 2001-99-99\n", "seed: !!bool x\n", "!!int a: 1\n", "model: !!timestamp x\n",
     "[" * 3000, "? [a]\n: 1\n"],
)  # fmt: skip
def test_what_yaml_itself_stumbles_over(tmp_path, text):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"cannot be read as YAML|expected a mapping|unknown"):
        FinetuneConfig.from_yaml(path)
