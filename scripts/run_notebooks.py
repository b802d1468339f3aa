"""Run notebooks from top to bottom without a browser, leaving their files as they are.

python scripts/run_notebooks.py notebooks              # every .ipynb of a folder
python scripts/run_notebooks.py notebooks/00_workbench.ipynb
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError


def main(arguments: list[str]) -> int:
    """Run all; return the number of notebooks that failed."""
    paths = [Path(argument) for argument in arguments]
    notebooks = [n for p in paths for n in (sorted(p.glob("*.ipynb")) if p.is_dir() else [p])]
    if not notebooks:
        print(f"no notebook in {' '.join(arguments)}; name a folder or an .ipynb", file=sys.stderr)
        return 1
    failed = 0
    for path in notebooks:
        begun = time.monotonic()
        print(f"{path} ... ", end="", flush=True)
        notebook = nbformat.read(path, as_version=4)
        try:
            resources = {"metadata": {"path": str(path.parent)}}
            NotebookClient(notebook, timeout=600, resources=resources).execute()
        except CellExecutionError as error:
            failed += 1
            print(f"failed\n{error}")
        else:
            print(f"{time.monotonic() - begun:.0f} s")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
