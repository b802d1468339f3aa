"""The lessons' files: what a learner gets, what a course gets, and that nothing is written over."""

from __future__ import annotations

import json
import re

import nbformat
import pytest
from typer.testing import CliRunner

from dnabert2_explore.cli import app
from dnabert2_explore.lessons.notebooks import answers, nbgrader_source

from . import playing


def run(*arguments: object):
    return CliRunner().invoke(app, ["lessons", *map(str, arguments)])


def test_lessons_are_copied_and_none_is_copied_over_mine(tmp_path):
    folder = tmp_path / "my course"
    folder.mkdir()
    (folder / "lesson_02_attention.ipynb").write_text("mine")
    result = run(folder)
    assert result.exit_code == 0, result.output
    assert (folder / "lesson_02_attention.ipynb").read_text() == "mine"
    for path in playing.LESSONS:
        if "02" not in path.name:
            assert (folder / path.name).read_bytes() == path.read_bytes()
    assert result.stdout.count("copied ") == len(playing.LESSONS) - 1
    assert "lesson_02_attention.ipynb, which was there" in result.stdout
    assert f"dnabert2-explore lab '{folder / 'lesson_01_tokens.ipynb'}'" in result.stdout


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "taken").write_text("")
    result = run(tmp_path / "taken")
    assert result.exit_code == 1
    assert "taken is a file: name a folder" in result.stderr


def test_what_nbgrader_starts_from_has_answers_in_their_cells(tmp_path):
    assert run(tmp_path, "--nbgrader").exit_code == 0
    for path in playing.LESSONS:
        made = json.loads((tmp_path / path.name).read_text(encoding="utf-8"))
        nbformat.validate(nbformat.from_dict(made))
        solved = answers(playing.read(path))
        assert solved
        for cell in made["cells"]:
            source = "".join(cell["source"])
            assert "<details>" not in source
            assert ("### BEGIN SOLUTION\n" in source) == (cell["id"] in solved)
            if cell["id"] in solved:
                assert f"{solved[cell['id']]}### END SOLUTION" in source
        assert nbgrader_source(playing.read(path)) == made


@pytest.mark.parametrize("path", playing.LESSONS, ids=lambda path: path.stem)
def test_cells_are_notebooks_and_nbgrader_knows_them(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    asked = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    assert 3 <= len(asked) / 2 <= 5
    for cell in asked:
        about = cell.metadata["nbgrader"]
        # nbgrader 0.9.6, nbgraderformat/v3.json
        assert about["schema_version"] == 3
        assert re.fullmatch(r"[A-Za-z0-9_\-]+", about["grade_id"])
        assert about["solution"] != about["grade"]
        assert about["locked"] == about["grade"]
        assert about["task"] is False
        assert ("points" in about) == about["grade"]
    assert len({cell.metadata["nbgrader"]["grade_id"] for cell in asked}) == len(asked)
