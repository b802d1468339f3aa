"""onnxruntime-web: from npm, pinned by version and digest, kept in the cache."""

from __future__ import annotations

import atexit
import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from ..common.files import replacing
from ..common.folders import cache_folder
from ..errors import InputError

__all__ = ["ORT_VERSION", "Runtime", "find_runtime"]

ORT_VERSION = "1.30.0"
#: What npm records of that version's archive.
ORT_INTEGRITY = "sha512-" + (
    "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
)
_SCRIPT, _WASM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
_MEND = (
    "make the page once where npm reaches a registry (the files are kept then), or give --runtime "
    f"the folder of an unpacked onnxruntime-web {ORT_VERSION}"
)


@dataclass(frozen=True, slots=True)
class Runtime:
    """The two files of onnxruntime-web that a page holds: JavaScript, and its WebAssembly."""

    script: Path
    wasm: Path
    version: str = ORT_VERSION


def find_runtime(folder: str | Path | None = None) -> Runtime:
    """Find onnxruntime-web in a folder, or its ``dist``; else in the cache; else fetch it by npm.

    InputError if the folder has not both files, or npm is absent, cannot fetch the package, or
    brings another archive than the one that was pinned.
    """
    if folder is not None:
        for place in (Path(folder), Path(folder) / "dist", Path(folder) / "package" / "dist"):
            if (place / _SCRIPT).is_file() and (place / _WASM).is_file():
                return Runtime(place / _SCRIPT, place / _WASM, _version_beside(place))
        raise InputError(
            f"{folder} has no {_SCRIPT} and {_WASM}: give the folder of an unpacked "
            f"onnxruntime-web {ORT_VERSION}"
        )
    kept = (cache_folder() or _scratch()) / f"onnxruntime-web-{ORT_VERSION}"
    if not ((kept / _SCRIPT).is_file() and (kept / _WASM).is_file()):
        _fetch(kept)
    return Runtime(kept / _SCRIPT, kept / _WASM)


def _version_beside(dist: Path) -> str:
    """Return the version that a package says it is; a page tells which one it holds."""
    for about in (dist / "package.json", dist.parent / "package.json"):
        if about.is_file():
            return str(json.loads(about.read_text(encoding="utf-8")).get("version", "unknown"))
    return "unknown"


@cache
def _scratch() -> Path:
    """Return a folder for as long as this process runs, where caches are turned off."""
    folder = TemporaryDirectory(prefix="dnabert2-explore-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


def _fetch(kept: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise InputError(f"A page needs onnxruntime-web, and there is no npm to fetch it: {_MEND}")
    with TemporaryDirectory() as scratch:
        asked = [npm, "pack", "--silent", f"onnxruntime-web@{ORT_VERSION}"]
        done = subprocess.run(asked, cwd=scratch, capture_output=True, text=True, check=False)
        archive = next(Path(scratch).glob("*.tgz"), None)
        if done.returncode or archive is None:
            said = " ".join((done.stderr or done.stdout).split())[:200]
            raise InputError(f"npm could not fetch onnxruntime-web ({said}): {_MEND}")
        digest = hashlib.sha512(archive.read_bytes()).digest()
        found = "sha512-" + base64.b64encode(digest).decode()
        if found != ORT_INTEGRITY:
            raise InputError(
                f"npm brought another onnxruntime-web {ORT_VERSION} ({found[:20]}…) than the one "
                f"that this page is made with ({ORT_INTEGRITY[:20]}…): {_MEND}"
            )
        kept.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive) as files:
            for name in (_SCRIPT, _WASM):
                member = files.extractfile(f"package/dist/{name}")
                assert member is not None  # the digest says that it is there
                with replacing(kept / name) as fresh:
                    fresh.write_bytes(member.read())
