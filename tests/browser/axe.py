"""axe-core (MPL-2.0, from npm, pinned): what of a page people with other senses cannot use."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tarfile
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from playwright.sync_api import Page

VERSION = "4.14.1"
INTEGRITY = "sha512-" + (
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
)


@cache
def axe_script() -> str:
    """The script; without npm or a registry the test that asks for it is skipped."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm, which axe-core comes from")
    with TemporaryDirectory() as scratch:
        asked = [npm, "pack", "--silent", f"axe-core@{VERSION}"]
        done = subprocess.run(asked, cwd=scratch, capture_output=True, text=True, check=False)
        archive = next(Path(scratch).glob("*.tgz"), None)
        if done.returncode or archive is None:
            pytest.skip(f"npm cannot fetch axe-core: {done.stderr[:100]}")
        digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        assert f"sha512-{digest}" == INTEGRITY
        with tarfile.open(archive) as files:
            return files.extractfile("package/axe.min.js").read().decode()


def serious_findings(page: Page, within: str = "html") -> list[str]:
    """Serious and critical findings of axe-core, a line each."""
    # Controls get their names a moment after the last of them is drawn.
    page.wait_for_function(
        """() => !document.querySelector(":is(.dx-workbench, .dx-alone) "
            + ":is(select, input, textarea)[title]:not([aria-label])")""",
        timeout=60_000,
    )
    page.evaluate(axe_script() + ";0")
    found = page.evaluate(
        "within => axe.run(within, { resultTypes: ['violations'] }).then(r => r.violations)", within
    )
    return [
        f"{one['id']}: {one['help']}: {node['html'][:120]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
