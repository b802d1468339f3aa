"""environment.yml, constraints.txt and pyproject.toml say the same, each in its own words."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
if not (ROOT / "pyproject.toml").is_file():
    pytest.skip("not a checkout: pyproject.toml is not beside tests/", allow_module_level=True)

# PyPI name -> what conda-forge calls it, where they differ.
CONDA_NAMES = {"build": "python-build", "playwright": "playwright-python", "torch": "pytorch-cpu"}
# What a conda environment needs and pip brings along or calls otherwise.
CONDA_ONLY = {"pip", "python"}


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def requirements(*extras: str) -> dict[str, SpecifierSet]:
    lines = list(project()["dependencies"])
    for extra in extras:
        lines += project()["optional-dependencies"][extra]
    found = [Requirement(line) for line in lines]
    own = [extra for one in found if one.name == project()["name"] for extra in one.extras]
    more = requirements(*own) if own else {}
    named = {canonicalize_name(one.name): one.specifier for one in found}
    named.pop(project()["name"], None)
    return more | named


def conda_requirements() -> dict[str, SpecifierSet]:
    lines = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    lines = [*lines[:-1], *lines[-1]["pip"]]  # what conda-forge may not have comes from PyPI
    split = [re.fullmatch(r"([\w.-]+)\s*(.*)", line).groups() for line in lines]
    return {canonicalize_name(name): SpecifierSet(versions) for name, versions in split}


def commented_conda_requirements() -> dict[str, SpecifierSet]:
    lines = re.findall(
        r"^\s*# - ([\w-]+) (\S+)\s+# CUDA$", (ROOT / "environment.yml").read_text(), re.M
    )
    return {canonicalize_name(name): SpecifierSet(versions) for name, versions in lines}


def constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    assert all(len(pin) == 2 for pin in pins)
    return dict(pins)


def test_every_pin_takes_the_oldest_python_that_is_promised():
    oldest = re.search(r"\d+\.\d+", project()["requires-python"])[0] + ".0"
    asked = {}
    for name in constraints():
        try:
            asked[name] = metadata.metadata(name).get("Requires-Python")
        except metadata.PackageNotFoundError:  # of an extra, or of another system
            continue
    assert len(asked) > 100
    late = {name: text for name, text in asked.items() if text and oldest not in SpecifierSet(text)}
    assert late == {}


def test_conda_names_every_dependency_with_the_same_bounds_and_nothing_else():
    pip = requirements("test", "dev")
    expected = {CONDA_NAMES.get(name, name): bounds for name, bounds in pip.items()}
    conda = conda_requirements()
    assert {name: conda[name] for name in conda if name not in CONDA_ONLY} == expected


def test_conda_offers_cuda():
    commented = commented_conda_requirements()
    torch = requirements()["torch"]
    flash = requirements("flash")["flash-attn"]
    assert commented == {"pytorch-gpu": torch, "flash-attn": flash}


def test_conda_takes_the_same_python_from_conda_forge_only():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert conda["channels"] == ["conda-forge", "nodefaults"]
    assert conda_requirements()["python"] == SpecifierSet(project()["requires-python"])


def test_every_dependency_is_pinned_within_its_bounds():
    pins = constraints()
    for name, bounds in requirements("test", "dev").items():
        assert name in pins, f"{name}: run scripts/constraints.py"
        assert pins[name] in bounds, f"{name}=={pins[name]} is outside {bounds}"


def test_pins_are_sorted_and_bring_no_cuda():
    names = list(constraints())
    assert names == sorted(set(names))
    assert not [name for name in names if name.startswith(("nvidia", "cuda", "triton"))]


def test_extras_bring_the_modules_that_are_said_to_come_with_them():
    from dnabert2_explore.extras import EXTRAS

    named = {"umap-learn": "umap"}
    for extra, modules in EXTRAS.items():
        lines = project()["optional-dependencies"][extra]
        found = {canonicalize_name(Requirement(line).name) for line in lines}
        assert {named.get(name, name) for name in found} == set(modules), extra
        assert not found & {canonicalize_name(name) for name in requirements()}


def test_the_commands_of_the_readme_and_the_container_name_these_extras():
    from dnabert2_explore.extras import EXTRAS

    wanted = f"[{','.join(EXTRAS)}]"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f'pip install -c constraints.txt -e ".{wanted}" && dnabert2-explore lab' in readme
    assert f'".{wanted}"' in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert wanted in (ROOT / "docs/room.md").read_text(encoding="utf-8")


def test_the_container_is_built_from_all_that_a_build_reads():
    """Without setup.py the image had no notebooks, and its `app` and `lab` did not start."""
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.M)
    names = {name for line in copied for name in line.split()}
    assert {"pyproject.toml", "setup.py", "README.md", "LICENSE"} <= names
    assert {"dnabert2_explore", "notebooks", "constraints.txt"} <= names


def test_binder_installs_what_the_readme_says():
    script = ROOT / ".binder" / "postBuild"
    subprocess.run(["bash", "-n", str(script)], check=True)
    assert os.access(script, os.X_OK)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    extras = re.search(r'-e "(\.\[[\w,]+\])" && dnabert2-explore lab', readme).group(1)
    assert f'-c constraints.txt -e "{extras}"' in script.read_text()
    version = (ROOT / ".binder" / "runtime.txt").read_text().strip().removeprefix("python-")
    assert f"Programming Language :: Python :: {version}" in (ROOT / "pyproject.toml").read_text()


def test_the_notebook_for_colab_asks_for_a_wheel_and_opens_the_workbench(monkeypatch):
    asked = []
    files = SimpleNamespace(upload=lambda: {"dnabert2_explore-0.1.0-py3-none-any.whl": b""})
    output = SimpleNamespace(enable_custom_widget_manager=lambda: asked.append("widgets"))
    colab = SimpleNamespace(files=files, output=output)
    monkeypatch.setitem(sys.modules, "google", SimpleNamespace(colab=colab))
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    notebook = json.loads((ROOT / "colab" / "dnabert2_explore.ipynb").read_text(encoding="utf-8"))
    names: dict = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        if cell["source"].startswith("%pip install"):
            wheel, extras = re.search(r'"\{(\w+)\}\[([\w,]+)\]"', cell["source"]).groups()
            assert names[wheel].endswith(".whl")
            assert set(extras.split(",")) <= set(project()["optional-dependencies"])
        else:
            exec(cell["source"], names)
    assert asked == ["widgets"]
    assert names["enc"].name == "pocket"
