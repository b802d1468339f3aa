"""Imports that stand in text: programs of other processes, exported lines, pages, notebooks, commands.

No linter reads them: a module that moved left the atlas without UMAP.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PLACES = ("dnabert2_explore", "docs", "notebooks", "benchmarks", "scripts", "galaxy", "tests")
KINDS = {".py", ".md", ".ipynb", ".xml", ".toml", ".yaml", ".yml"}

FROM = re.compile(r"from (dnabert2_explore(?:\.\w+)*) import (?:\(([^)]*)\)|([\w, ]+))")
RUN = re.compile(r"-m (dnabert2_explore(?:\.\w+)*)\b")


def written() -> dict[tuple[str, str], str]:
    """(Module, name in it or "") -> the first file that says so."""
    found: dict[tuple[str, str], str] = {}
    files = [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "Dockerfile",
        ROOT / ".ci" / "run",
    ]
    for place in PLACES:
        files += sorted(path for path in (ROOT / place).rglob("*") if path.suffix in KINDS)
    for path in files:
        if not path.is_file() or "_build" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        for module, several, some in FROM.findall(text):
            for part in re.sub(r"#.*|\\n|\"", "", several or some).split(","):
                if name := part.strip().split(" as ")[0].strip():
                    found.setdefault((module, name), str(path.relative_to(ROOT)))
        for module in RUN.findall(text):
            found.setdefault((module, ""), str(path.relative_to(ROOT)))
    return found


@pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="not a checkout: docs/ is not there")
def test_what_is_imported_in_text_is_there() -> None:
    missing = []
    for (module, name), file in written().items():
        try:
            there = importlib.import_module(module)
            if name and not hasattr(there, name):
                importlib.import_module(f"{module}.{name}")
        except ImportError as error:
            missing.append(f"{file}: {error}")
    assert not missing, "\n".join(missing)
