"""Controls that people choose or type with say what they are, to a pointer and a screen reader."""

from __future__ import annotations

import ast
from pathlib import Path

import dnabert2_explore as dx

CONTROLS = {
    "BoundedIntText", "Combobox", "Dropdown", "FloatSlider", "FloatText", "IntSlider", "IntText",
    "Select", "SelectMultiple", "SelectionSlider", "Text", "Textarea",
}  # fmt: skip


def nameless(source: str) -> list[int]:
    """Lines on which a control is made without a tooltip."""
    found = []
    for one in ast.walk(ast.parse(source)):
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id in CONTROLS:
            given = {key.arg for key in one.keywords}
            if not given & {"tooltip", None}:
                found.append(one.lineno)
    return found


def test_every_control_has_a_name():
    assert nameless("Dropdown(options=[1])") == [1]
    room = Path(dx.__file__).parent / "widgets"
    found = {
        f"{path.relative_to(room)}:{line}"
        for path in room.rglob("*.py")
        for line in nameless(path.read_text(encoding="utf-8"))
    }
    assert found == set()
