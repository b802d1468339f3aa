"""The documentation site: complete, and its examples run."""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from pathlib import Path

import pytest

import dnabert2_explore as dx
from dnabert2_explore.results.rich_display import RichDisplay

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def gallery():
    spec = importlib.util.spec_from_file_location("gallery", DOCS / "gallery.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["gallery"] = module
    spec.loader.exec_module(module)
    return module


def test_every_kind_of_result_is_in_the_gallery_or_said_to_be_elsewhere(gallery):
    public = {
        name
        for name in dx.__all__
        if inspect.isclass(getattr(dx, name)) and issubclass(getattr(dx, name), RichDisplay)
    }
    shown = {kind for _, kind, _ in gallery.EXAMPLES}
    assert public - shown == set(gallery.ELSEWHERE)
    assert not shown & set(gallery.ELSEWHERE)


def test_the_how_to_page_runs_and_answers_every_question(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = (DOCS / "howto.md").read_text(encoding="utf-8")
    names: dict[str, object] = {}
    for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(code, names)
    # Every call that an answer names is there.
    for name in re.findall(r"`dx\.(\w+)", page):
        assert hasattr(dx, name), name
    for name in re.findall(r"`enc\.(\w+)", page):
        assert hasattr(names["enc"], name), name
    # And every setting of fine-tuning.
    for name in re.findall(r"`(\w+)=`", page):
        assert name in dx.FinetuneConfig.__dataclass_fields__, name
    assert page.count("\n## … ") >= 35


def test_the_command_says_how_to_build_what_is_not_built(tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from dnabert2_explore.cli.app import app

    where = sys.modules["dnabert2_explore.cli.look.docs"]
    monkeypatch.setattr(where, "__file__", str(tmp_path / "a" / "b" / "c" / "docs.py"))
    monkeypatch.setattr("sysconfig.get_path", lambda *_: str(tmp_path))
    done = CliRunner().invoke(app, ["docs", "--no-browser"])
    assert done.exit_code == 1
    assert "is not built here" in done.output
    (tmp_path / "share/dnabert2-explore/docs").mkdir(parents=True)
    (tmp_path / "share/dnabert2-explore/docs/index.html").write_text("x")
    done = CliRunner().invoke(app, ["docs", "--no-browser"])
    assert done.exit_code == 0
    assert "share/dnabert2-explore/docs/index.html" in done.output


def test_pages_take_public_names_from_where_users_find_them():
    pages = {path.name: path for path in (*DOCS.glob("*.md"), DOCS.parent / "README.md")}
    found = {}
    for name, path in pages.items():
        text = path.read_text(encoding="utf-8")
        for line in re.findall(r"from dnabert2_explore\.[\w.]+ import ([\w, ]+)", text):
            inside = [one for one in line.split(", ") if one in dx.__all__]
            if inside:
                found[name] = inside
    assert found == {}
