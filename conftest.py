"""Lets doctests of one module run alone."""

from __future__ import annotations

import contextlib
import importlib
from pathlib import Path

import pytest

_PACKAGE = Path(__file__).parent / "dnabert2_explore"


@pytest.hookimpl(tryfirst=True)
def pytest_collect_file(file_path: Path) -> None:
    """Import modules of the package as everybody does, before pytest imports them its own way.

    It would run a module that is there already a second time, and put it in the place of what its
    package has under that name: of the function ``attribute``, which ``attribute.py`` holds.
    """
    if (
        file_path.suffix == ".py"
        and file_path.name != "__main__.py"  # which runs
        and file_path.is_relative_to(_PACKAGE)
    ):
        inside = file_path.relative_to(_PACKAGE.parent).with_suffix("")
        with contextlib.suppress(Exception):  # pytest meets it again, and tells
            importlib.import_module(".".join(inside.parts).removesuffix(".__init__"))
