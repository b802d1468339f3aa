"""The plain install embeds, analyses and runs commands without what only extras bring."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import dnabert2_explore as dx
from dnabert2_explore.extras import EXTRAS, MissingExtra, require, translated

ROOT = Path(dx.__file__).parent
MODULES = sorted({module for modules in EXTRAS.values() for module in modules})
# What comes with those and is named by nobody else.
BLOCKED = [*MODULES, "IPython", "comm", "ipykernel", "jupyter_server", "pynndescent", "traitlets"]
BLOCK = f"import sys\nfor name in {BLOCKED!r}: sys.modules[name] = None\n"
#: Floors and modules that are for Jupyter or for adapters, and may ask for an extra.
OF_EXTRAS = ("dnabert2_explore.widgets", "dnabert2_explore.again.views",
             "dnabert2_explore.training.finetune.methods.lora")  # fmt: skip


def plain(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", BLOCK + code, *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"DNABERT2_EXPLORE_CACHE": "off"},
    )


def test_every_other_module_is_imported_without_them():
    names = [
        "dnabert2_explore." + ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sorted(ROOT.rglob("*.py"))
        if path.name not in ("__init__.py", "__main__.py") and "plain" not in path.parts
    ]
    names = [name for name in names if not name.startswith(OF_EXTRAS)]
    assert len(names) > 300
    done = plain(
        "import importlib\nfor name in sys.argv[1:]: importlib.import_module(name)", *names
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_server_embeds_and_what_it_lacks_is_said_in_a_sentence(tmp_path):
    done = plain(
        "import dnabert2_explore as dx\n"
        "enc = dx.load(dx.ATLAS_MODEL)\n"
        "vectors = enc.embed([one.bases for one in dx.demo.splice()[:6]])\n"
        "print(vectors.shape, dx.project(vectors, method='pca').shape)\n"
        "for call in (lambda: dx.project(vectors), lambda: dx.Workbench):\n"
        "    try: call()\n"
        "    except dx.ExploreError as error: print(error)\n"
    )
    assert done.returncode == 0, done.stderr
    shapes, umap, widgets = done.stdout.splitlines()
    assert shapes == "(6, 384) (6, 2)"
    assert umap.startswith("umap is not installed, which comes with the extra [umap]: run python")
    assert "with the extra [widgets]" in widgets

    opened = plain(
        "from dnabert2_explore.cli import main\nsys.argv[0] = 'dnabert2-explore'\nmain()",
        "lab", "--no-browser", "--dir", str(tmp_path / "lab"),
    )  # fmt: skip
    assert opened.returncode == 1
    (sentence,) = opened.stderr.splitlines()
    assert sentence.startswith("dnabert2-explore: ")
    assert "with the extra [widgets]" in sentence


def test_another_module_that_is_missing_is_none_of_these():
    with pytest.raises(ModuleNotFoundError, match="no_such_thing"), translated():
        import no_such_thing  # noqa: F401
    words = r"peft is not installed.*\[training\]"
    with pytest.raises(MissingExtra, match=words), translated():
        raise ModuleNotFoundError("no", name="peft.tuners")


def test_an_extra_that_is_there_is_not_asked_for(monkeypatch):
    require("umap")
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(MissingExtra, match=r"\[umap\]"):
        require("umap")
