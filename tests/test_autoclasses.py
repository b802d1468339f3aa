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
