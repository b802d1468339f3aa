"""Figures that are drawn while another thread imports what plotly looks for."""

from __future__ import annotations

import subprocess
import sys

DRAWN_BESIDE_AN_IMPORT = """
import sys, threading, time

from dnabert2_explore.figures import motif_logo
from dnabert2_explore.sequences.motifs.motif import Motif


class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "pandas.core":
            time.sleep(3)


sys.meta_path.insert(0, Slow())
thread = threading.Thread(target=__import__, args=["pandas"])
thread.start()
time.sleep(0.5)
motif_logo(Motif.of_word("TGACTCA", name="AP-1"))
thread.join()
print("drawn")
"""


def test_a_figure_is_drawn_while_another_thread_imports_pandas():
    """plotly takes pandas out of ``sys.modules`` though its import has not ended."""
    run = subprocess.run(
        [sys.executable, "-c", DRAWN_BESIDE_AN_IMPORT],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.stdout == "drawn\n", run.stderr
