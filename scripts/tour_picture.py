"""Take ``docs/tour.png``: cells of the tour, run in JupyterLab in headless Chromium.

python scripts/tour_picture.py     # needs Chromium and the extra [test]; half a minute
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser.harness import lab_page, lab_server  # noqa: E402

NAME = "00_tour.ipynb"
#: The first and the last cell in the picture, by their places among all.
CELLS = 6, 7


def main() -> None:
    """Run the tour and take the picture."""
    with TemporaryDirectory() as work, TemporaryDirectory() as scratch:
        shutil.copy(ROOT / "notebooks" / NAME, work)
        with (
            lab_server(Path(work), Path(scratch)) as server,
            lab_page(server, 1220, 1400) as lab,
        ):
            lab.open(NAME)
            lab.show_only_notebook()
            lab.run_all()
            lab.show_cell(CELLS[0])
            time.sleep(2)
            first, last = (
                lab.page.locator(f'[data-windowed-list-index="{place}"]').bounding_box()
                for place in CELLS
            )
            assert first is not None
            assert last is not None
            clip = {
                "x": first["x"],
                "y": first["y"],
                "width": first["width"],
                "height": last["y"] + last["height"] - first["y"],
            }
            lab.page.screenshot(path=ROOT / "docs" / "tour.png", clip=clip)


if __name__ == "__main__":
    main()
