"""What pyproject.toml cannot say: which pages the built documentation has, where it was built."""

from __future__ import annotations

from pathlib import Path

from setuptools import setup

SHARE = "share/dnabert2-explore"


def data_files() -> list[tuple[str, list[str]]]:
    """Return the notebooks, which `lab` copies, and the site, which `docs` opens, by folder."""
    places = {
        "notebooks": sorted(Path("notebooks").glob("*.ipynb")),
        "notebooks/lessons": sorted(Path("notebooks/lessons").glob("*.ipynb")),
    }
    site = Path("docs/_build/html")
    for file in sorted(site.rglob("*")):
        if file.is_file() and not {".doctrees", ".buildinfo"} & set(file.parts):
            folder = Path("docs", file.parent.relative_to(site)).as_posix()
            places.setdefault(folder, []).append(file)
    return [(f"{SHARE}/{place}", list(map(str, files))) for place, files in places.items()]


setup(data_files=data_files())
