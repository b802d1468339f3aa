"""The points of an atlas on a page: 100,000 and more, in a plane or in space.

plotly draws points as SVG, or by WebGL, which stops the page at 100,000 points where there is no
GPU. ``cloud.js`` draws them itself (``benchmarks/atlas_page.py`` says what that takes). What is
chosen, looked at and hidden goes to the page apart from the points, so that a lasso moves no map.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import traitlets

from ..core.plot import PlotlyView

__all__ = ["CloudView"]

HERE = Path(__file__).parent


class CloudView(PlotlyView):
    """Shows points, and reports what a person does with them.

    Events, beside those of `PlotlyView`: ``chosen`` (``points``), ``click`` and ``hover``
    (``data``, the number of a point), ``frame``. `cloud` is what `figures.cloud.Cloud.spec` gives,
    empty for nothing; `marks` what `mark` was told.
    """

    _esm = (HERE / "cloud.js").read_text(encoding="utf-8") + PlotlyView._esm

    cloud = traitlets.Dict().tag(sync=True)
    marks = traitlets.Dict().tag(sync=True)

    def mark(
        self,
        *,
        chosen: Iterable[int] = (),
        current: int = -1,
        starred: Iterable[int] = (),
        hidden: Iterable[int] = (),
    ) -> None:
        """Mark points.

        Those that are `chosen` stay bright, and the others fade; none fade when it is empty.
        `current` is ringed, -1 for none; `starred` are larger, with an outline; `hidden` are codes
        of the classes that are not drawn.
        """
        self.marks = {
            "chosen": np.fromiter(chosen, dtype=np.uint32).tobytes(),
            "current": current,
            "starred": np.fromiter(starred, dtype=np.uint32).tobytes(),
            "hidden": list(hidden),
        }

    def tell(self, point: int, html: str) -> None:
        """Show a card beside a point, if the pointer is still there."""
        self.send({"do": "card", "point": point, "html": html})
