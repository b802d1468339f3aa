"""Fixtures of the browser tests: one server and one page for the whole module."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """Folder for pictures of the run: $DX_SCREENSHOTS, else test-output/."""
    folder = Path(os.environ.get("DX_SCREENSHOTS") or ROOT / "test-output")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
