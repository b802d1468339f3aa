"""The documentation site: complete, and its examples run."""

from __future__ import annotations

import importlib.util
import inspect
import json
import re
import sys
from pathlib import Path

import pytest

import dnabert2_explore as dx
from dnabert2_explore.results.rich_display import RichDisplay

DOCS = Path(__file__).parents[1] / "docs"


def loaded(name):
    """Import a module of docs/, which find each other beside themselves."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(DOCS)
        spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def gallery():
    return loaded("gallery")


def test_every_kind_of_result_is_in_the_gallery_or_said_to_be_elsewhere(gallery):
    public = {
        name
        for name in dx.__all__
        if inspect.isclass(getattr(dx, name)) and issubclass(getattr(dx, name), RichDisplay)
    }
    shown = {kind for _, kind, _ in gallery.EXAMPLES}
    assert public - shown == set(gallery.ELSEWHERE)
    assert not shown & set(gallery.ELSEWHERE)


def test_every_view_is_in_the_gallery_with_its_picture(gallery):
    from ipywidgets import Widget

    views = {
        name
        for name in dx.__all__
        if inspect.isclass(getattr(dx, name)) and issubclass(getattr(dx, name), Widget)
    }
    assert {name for name, _ in gallery.VIEWS} == views
    for name, code in gallery.VIEWS:
        compile(code, name, "exec")
        assert f"dx.{name}(" in code
        picture = (DOCS / "views" / f"{name}.png").read_bytes()
        assert picture.startswith(b"\x89PNG")
        assert 5_000 < len(picture) < 300_000


def test_a_tutorial_shows_figures_and_pictures_that_ask_no_network():
    import plotly.graph_objects as go
    from nbformat import v4

    figure = json.loads(go.Figure(go.Scatter(y=[1, 2], name="</script>")).to_json())
    widget = {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "<TokenExplorer: one>"}
    outputs = [
        v4.new_output("display_data", data={"application/vnd.plotly.v1+json": figure}),
        v4.new_output("display_data", data=widget),
        v4.new_output("stream", text="said"),
    ]
    notebook = v4.new_notebook(cells=[v4.new_code_cell("1", outputs=outputs)])
    cell, picture = loaded("tutorials").with_results(notebook).cells
    drawn, said = cell.outputs
    assert said.text == "said"
    assert "![TokenExplorer](/views/TokenExplorer.png)" in picture.source
    html = drawn.data["text/html"]
    assert html.count("</script>") == 1
    assert " src=" not in html
    text = re.search(r'<script type="application/json">(.*)</script>', html).group(1)
    assert json.loads(text)["data"] == figure["data"]


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


def test_lines_of_code_stand_whole_on_the_page():
    """The page has room for 106 letters (docs/_static/gallery.css); what is longer is cut off."""
    for path in (*DOCS.glob("*.md"), DOCS.parent / "README.md"):
        for code in re.findall(r"```python[^\n]*\n(.*?)```", path.read_text("utf-8"), re.DOTALL):
            assert max(map(len, code.splitlines())) <= 106, path.name


def public_callables():
    for name in dx.__all__:
        value = getattr(dx, name)
        if inspect.ismodule(value):
            found = [getattr(value, one) for one in value.__all__]
            yield from (one for one in found if inspect.isfunction(one))
        elif callable(value):
            yield value
            if inspect.isclass(value):
                yield from (
                    one
                    for key, one in vars(value).items()
                    if not key.startswith("_") and inspect.isfunction(one)
                )


def test_docstrings_say_what_is_taken_and_returned():
    """numpydoc's checks; a method whose docstring is a sentence says both in that sentence."""
    validate = pytest.importorskip(
        "numpydoc.validate", reason="numpydoc: the extra [docs]"
    ).validate
    wrong, seen = [], 0
    for value in public_callables():
        text = inspect.getdoc(value)
        sections = re.findall(r"^(\w+)\n-+$", text, re.M)
        codes = {"PR02", "GL07", "YD01"}
        if "Parameters" in sections or (
            inspect.isfunction(value) and "." not in value.__qualname__
        ):
            codes.add("PR01")
        if not re.search(r"^\w+(, \w+)+( :|$)", text.partition("Parameters\n")[2], re.M):
            codes.add("PR03")  # names that are described together stand together
        if inspect.isfunction(value) and "." not in value.__qualname__:
            codes.add("RT01")
        full = f"{value.__module__}.{value.__qualname__}"
        wrong += [(full, *error) for error in validate(full)["errors"] if error[0] in codes]
        seen += 1
    assert wrong == []
    assert seen > 300
