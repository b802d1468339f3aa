"""Run notebooks from top to bottom without a browser, leaving their files as they are.

python scripts/run_notebooks.py notebooks              # every .ipynb of a folder
python scripts/run_notebooks.py notebooks/00_workbench.ipynb
python scripts/run_notebooks.py notebooks --keep docs/_made/executed   # with what came out
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

ROOT = Path(__file__).resolve().parents[1]


def source_digest(path: Path) -> str:
    """Tell notebook, package and models from what they were: SHA-256 of their files."""
    parts = hashlib.sha256()
    for file in [path, *sorted((ROOT / "dnabert2_explore").rglob("*.*"))]:
        if file.is_file() and file.suffix != ".pyc":
            parts.update(file.read_bytes())
    return parts.hexdigest()


def run(path: Path) -> nbformat.NotebookNode:
    """Run a notebook in its folder; it is returned with what came out.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    """
    notebook, digest = nbformat.read(path, as_version=4), source_digest(path)
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=600, resources=resources).execute()
    notebook.metadata["source_digest"] = digest
    return notebook


def kept_or_run(path: Path, folder: Path) -> nbformat.NotebookNode:
    """Take what an earlier run left in `folder` if nothing has changed since; else run it now."""
    kept = folder / path.name
    if kept.is_file():
        notebook = nbformat.read(kept, as_version=4)
        if notebook.metadata.get("source_digest") == source_digest(path):
            return notebook
    print(f"{path.name} is run for its page: up to a minute or two", file=sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    notebook = run(path)
    nbformat.write(notebook, kept)
    return notebook


def main(arguments: list[str]) -> int:
    """Run all; return the number of notebooks that failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--keep", type=Path, help="folder for copies that hold what came out")
    parser.add_argument("--jobs", type=int, default=1, help="how many to run at a time")
    asked = parser.parse_args(arguments)
    found = [sorted(p.glob("*.ipynb")) if p.is_dir() else [p] for p in asked.paths]
    notebooks = [notebook for some in found for notebook in some]
    if not notebooks:
        print(f"no notebook in {asked.paths}; name a folder or an .ipynb", file=sys.stderr)
        return 1
    with ThreadPoolExecutor(max(asked.jobs, 1)) as pool:
        return sum(pool.map(lambda path: not told(path, asked.keep), notebooks))


def told(path: Path, keep: Path | None) -> bool:
    """Run a notebook and say how it went; tell whether all its cells ran."""
    begun = time.monotonic()
    try:
        notebook = run(path)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        print(f"{path} ... failed\n{error}", flush=True)
        return False
    print(f"{path} ... {time.monotonic() - begun:.0f} s", flush=True)
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, keep / path.name)
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
