"""The page of the public API names everything, with a sentence each."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import dnabert2_explore as dx

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/public_api.py"


def test_every_public_name_stands_on_the_page_with_a_sentence():
    spec = importlib.util.spec_from_file_location("public_api", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = list(module.lines())
    named = {line.strip().partition("(")[0] for line in page if line.startswith("  ")}
    assert set(dx.__all__) <= named
    sentences = [line for line in page if line.startswith("      ")]
    assert all(line.strip().endswith((".", ":", "?")) for line in sentences), [
        line for line in sentences if not line.strip().endswith((".", ":", "?"))
    ]
    (attribute,) = [line for line in page if line.startswith("  attribute(")]
    assert attribute.startswith("  attribute(enc, sequences, target=None, *, method=")
    assert attribute.endswith("seed=0, progress=None)")
