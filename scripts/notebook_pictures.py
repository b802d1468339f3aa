"""Take pictures in JupyterLab in headless Chromium: ``docs/tour.png`` and ``docs/views``.

python scripts/notebook_pictures.py               # needs Chromium and the extra [test]; minutes
python scripts/notebook_pictures.py tour          # the tour's alone
python scripts/notebook_pictures.py LensExplorer  # one view's
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

from gallery import START, VIEWS  # noqa: E402

from tests.browser.harness import Lab, lab_page, lab_server, write_notebook  # noqa: E402

TOUR = "00_tour.ipynb"
#: The first and the last cell in the tour's picture, by their places among all.
CELLS = 6, 7
#: What is done to a view before its picture, besides opening it.
THEN = {
    "FinetuneApp": "app.start()",
    "PretrainingMonitor": "monitor.start_tiny(after=app)",
}
#: Seconds that a view computes, and what is pressed before; the others are quick.
SECONDS = {
    "AtlasExplorer": 90,
    "FeatureExplorer": 90,
    "FinetuneApp": 120,
    "LayersExplorer": 40,
    "PretrainingMonitor": 150,
    "TimeLapseExplorer": 20,
}
PRESSED = {"FeatureExplorer": "Train", "AtlasExplorer": "UMAP"}
HEIGHT, STATUS_BAR = 1500, 30


def take(lab: Lab, path: Path, first: int, last: int) -> None:
    """Take the picture of some cells."""
    lab.show_cell(first)
    time.sleep(2)
    above, below = (
        lab.page.locator(f'[data-windowed-list-index="{place}"]').bounding_box()
        for place in (first, last)
    )
    assert above is not None
    assert below is not None
    clip = {
        "x": above["x"],
        "y": above["y"],
        "width": above["width"],
        "height": min(below["y"] + below["height"], HEIGHT - STATUS_BAR) - above["y"],
    }
    lab.page.screenshot(path=path, clip=clip)
    Image.open(path).convert("RGB").save(path, optimize=True)


def tour(folder: Path, scratch: Path) -> None:
    """Run the tour and picture two of its cells."""
    shutil.copy(ROOT / "notebooks" / TOUR, folder)
    with lab_server(folder, scratch) as server, lab_page(server, 1220, HEIGHT) as lab:
        lab.open(TOUR)
        lab.show_only_notebook()
        lab.run_all()
        take(lab, ROOT / "docs" / "tour.png", *CELLS)


def views(folder: Path, scratch: Path, names: set[str]) -> None:
    """Open every view in a cell of its own and picture it."""
    shutil.copytree(ROOT / "benchmarks" / "gue", folder / "results")
    chosen = [one for one in VIEWS if one[0] in names]
    cells = [START]
    for name, code in chosen:
        cells += [code, THEN.get(name, "")]
    write_notebook(folder / "views.ipynb", cells)
    with lab_server(folder, scratch) as server, lab_page(server, 1440, HEIGHT) as lab:
        lab.open("views.ipynb")
        lab.show_only_notebook()
        lab.run_all(600)
        for place, (name, _) in enumerate(chosen):
            lab.show_cell(1 + 2 * place)
            if name in PRESSED:
                cell = lab.page.locator(f'[data-windowed-list-index="{1 + 2 * place}"]')
                cell.get_by_role("button", name=PRESSED[name], exact=True).click()
            time.sleep(SECONDS.get(name, 6))
            lab.wait_idle(300)
            print(name, flush=True)
            take(lab, ROOT / "docs" / "views" / f"{name}.png", 1 + 2 * place, 1 + 2 * place)


def main(asked: list[str]) -> None:
    """Take those that are asked for, or all."""
    wanted = set(asked or ["tour", *(name for name, _ in VIEWS)])
    (ROOT / "docs" / "views").mkdir(exist_ok=True)
    with TemporaryDirectory() as folder, TemporaryDirectory() as scratch:
        if "tour" in wanted:
            tour(Path(folder), Path(scratch))
        if wanted - {"tour"}:
            views(Path(folder), Path(scratch), wanted)


if __name__ == "__main__":
    main(sys.argv[1:])
