"""``import dnabert2_explore``, then transformers as anybody uses it: in fresh interpreters."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from dnabert2_explore.encoder import SHIPPED

LOAD = f"""
from transformers import AutoConfig, AutoModelForMaskedLM, AutoTokenizer, pipeline
assert type(AutoConfig.from_pretrained({str(SHIPPED["pocket"])!r})).__name__ == "Dnabert2Config"
model = AutoModelForMaskedLM.from_pretrained({str(SHIPPED["pocket"])!r})
assert type(model).__module__ == "dnabert2_explore.network.modeling", type(model)
tokenizer = AutoTokenizer.from_pretrained({str(SHIPPED["pocket"])!r})
assert tokenizer.mask_token_id == 4 and tokenizer.pad_token_id == 3
found = pipeline("text-classification", {str(SHIPPED["pocket-splice"])!r})("ACGTACGTTTGACA" * 9)
print(found[0]["label"])
"""


def fresh(code):
    """What a fresh interpreter prints; warnings about the registration are errors."""
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "error:transformers' Auto:UserWarning", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


@pytest.mark.parametrize(
    "before",
    ["import dnabert2_explore", "from transformers import AutoConfig\nimport dnabert2_explore"],
    ids=["first", "after transformers"],
)
def test_auto_classes_load_what_is_saved(before):
    assert fresh(before + LOAD) in {"donor", "acceptor", "neither"}


@pytest.mark.parametrize(
    "first",
    [
        "import transformers.models.auto.auto_factory",
        "import dnabert2_explore.network",
    ],
)
def test_whoever_imports_the_registry(first):
    code = (
        "import sys, dnabert2_explore\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)\n"
        f"{first}\n"
        "from transformers.models.auto.configuration_auto import CONFIG_MAPPING\n"
        "assert not [f for f in sys.meta_path if type(f).__module__.startswith('dnabert2')]\n"
        "import transformers\n"
        "assert type(transformers.__spec__.loader).__module__ != 'dnabert2_explore.autoclasses'\n"
        "print(CONFIG_MAPPING['dnabert2'].__module__)"
    )
    assert fresh(code) == "dnabert2_explore.network.config"


def test_a_broken_installation_leaves_transformers_usable():
    code = (
        "import sys, warnings, dnabert2_explore\n"
        "sys.modules['dnabert2_explore.network'] = None\n"
        "with warnings.catch_warnings(record=True) as said:\n"
        "    warnings.simplefilter('always')\n"
        "    from transformers import AutoConfig\n"
        "print([w for w in said if 'do not know dnabert2' in str(w.message)] != [])"
    )
    assert fresh(code) == "True"


@pytest.fixture
def rival(tmp_path, monkeypatch):
    """A package that claims the same model type, as multimolecule 0.2 does."""
    package = tmp_path / "multimolecule"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from transformers import AutoConfig, AutoModel, BertConfig, BertModel\n"
        "class DnaBert2Config(BertConfig):\n"
        "    model_type = 'dnabert2'\n"
        "class DnaBert2Model(BertModel):\n"
        "    config_class = DnaBert2Config\n"
        "AutoConfig.register('dnabert2', DnaBert2Config, exist_ok=True)\n"
        "AutoModel.register(DnaBert2Config, DnaBert2Model, exist_ok=True)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


WATCH = """
import sys, warnings
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    {imports}
from transformers import AutoModel
words = [str(w.message) for w in said if "Two packages claim" in str(w.message)]
assert len(words) == 1, words
assert {told!r} in words[0], words
model = AutoModel.from_pretrained({folder!r})
assert type(model).__module__.startswith({holder!r}), type(model)
assert not [f for f in sys.meta_path if type(f).__module__.startswith("dnabert2")]
import dnabert2_explore as dx
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    assert dx.load("pocket").embed("ACGTACGT").shape == (1, 192)
print("claim" in " ".join(str(w.message) for w in said))
"""


@pytest.mark.parametrize(
    ("imports", "told", "holder", "again"),
    [
        (
            "import multimolecule; import dnabert2_explore",
            "open multimolecule's models by the classes of multimolecule",
            "dnabert2_explore",
            "False",
        ),
        (
            "import dnabert2_explore; import multimolecule",
            "and multimolecule has them",
            "multimolecule",
            "True",
        ),
    ],
    ids=["ours last", "theirs last"],
)
def test_two_packages_that_claim_the_model_type(rival, imports, told, holder, again):
    code = WATCH.format(imports=imports, told=told, holder=holder, folder=str(SHIPPED["pocket"]))
    assert fresh(code) == again
