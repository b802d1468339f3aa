"""The package as a whole: light to import, its names where they should be, its floors in order."""

from __future__ import annotations

import ast
import importlib
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import dnabert2_explore as dx

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("torch", "transformers", "captum", "umap", "plotly", "pandas", "ipywidgets", "sklearn")
LARGEST = 17_000_000  # bytes: the pocket model's weights, 16 MB at most, and nothing larger
PROMISED = {
    "read_sequences",
    "Sequence",
    "load",
    "Encoder",
    "Tokens",
    "attend",
    "Attention",
    "attribute",
    "Attribution",
    "project",
    "TokenExplorer",
    "AttentionExplorer",
    "AttributionExplorer",
    "AtlasExplorer",
    "Workbench",
}


def loaded_after(statement: str) -> set[str]:
    """Heavy modules that a fresh interpreter holds after a statement."""
    code = f"import sys\n{statement}\nprint(*({set(HEAVY)!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def tracked_files() -> list[Path]:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


def test_import_is_light():
    assert loaded_after("import dnabert2_explore") == set()


def test_reading_and_tokenizing_need_no_network():
    statement = (
        "import dnabert2_explore as dx\n"
        "from dnabert2_explore.tokens import sixmers\n"
        "sixmers(dx.read_sequences('>x\\nACGTACGT\\n')[0].bases)"
    )
    assert loaded_after(statement) & {"torch", "plotly", "ipywidgets", "umap", "captum"} == set()


def test_training_a_tokenizer_needs_no_network():
    assert loaded_after("import dnabert2_explore.training.tokenizer") & {"torch"} == set()
    assert loaded_after("import dnabert2_explore as dx; dx.vocabulary_curve") & {"torch"} == set()


def test_promised_names_are_public():
    assert set(dx.__all__) >= PROMISED


def test_editors_and_mypy_see_the_names_that_resolve():
    stub = Path(dx.__file__).with_suffix(".pyi")
    seen = {"__version__"}
    for one in ast.walk(ast.parse(stub.read_text(encoding="utf-8"))):
        for name in one.names if isinstance(one, ast.ImportFrom) else []:
            assert name.asname == name.name  # said to be public, as PEP 484 has it
            seen.add(name.name)
    assert sorted(seen) == dx.__all__


@pytest.mark.parametrize("name", dx.__all__)
def test_public_names_resolve_and_are_documented(name):
    value = getattr(dx, name)
    if name != "__version__":
        assert value.__doc__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = dx.no_such_name


def test_dir_lists_the_public_names():
    assert set(dir(dx)) >= set(dx.__all__)


def test_network_names():
    network = importlib.import_module("dnabert2_explore.network")
    for name in (
        "Dnabert2Config",
        "Dnabert2Model",
        "Dnabert2ForMaskedLM",
        "Dnabert2ForSequenceClassification",
    ):
        assert hasattr(network, name)


def test_floors_import_only_downwards():
    pytest.importorskip(
        "importlinter", reason="import-linter is not installed: pip install '.[dev]'"
    )
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_installed_version_is_the_packages():
    from importlib import metadata

    assert metadata.version("dnabert2-explore") == dx.__version__


def test_changelog_speaks_of_this_version():
    assert f"[{dx.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_no_tracked_file_is_large():
    large = [f"{path}: {path.stat().st_size}" for path in tracked_files()
             if path.stat().st_size > LARGEST]  # fmt: skip
    assert large == []


def test_data_files_of_the_package_are_packaged():
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    patterns = patterns["package-data"]["dnabert2_explore"]
    package = ROOT / "dnabert2_explore"
    packaged = {path for pattern in patterns for path in package.glob(pattern)}
    data = {path for path in tracked_files() if package in path.parents and path.suffix != ".py"}
    assert data - packaged == set()


def test_notebooks_carry_no_outputs():
    import nbformat

    for path in tracked_files():
        if path.suffix == ".ipynb":
            cells = nbformat.read(path, as_version=4).cells
            assert not [cell for cell in cells if cell.get("outputs")], f"{path}: clear its outputs"


def test_the_citation_is_of_this_version_and_of_the_paper_that_the_readme_names():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == dx.__version__
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (cited["title"], cited["license"]) == (project["name"], project["license"])
    paper, readme = cited["preferred-citation"], (ROOT / "README.md").read_text(encoding="utf-8")
    assert paper["url"] in readme
    for author in paper["authors"]:
        assert author["family-names"] in readme
