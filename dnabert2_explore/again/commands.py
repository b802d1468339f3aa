"""Running the command that wrote a file again, into a folder that goes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import ExploreError, InputError
from ..results.digests import sha256_of
from ..results.records import without_record
from .arguments import checked_arguments, checked_name
from .compare import Comparison, compare_input, compare_numbers, compare_tables

__all__ = ["rebuild_command"]

_TEXT = {".csv": ",", ".tsv": "\t", ".bedgraph": "\t", ".vcf": "\t", ".meme": "\t"}
#: Names that plotly draws anew for every figure.
_NAMES = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def rebuild_command(path: Path, record: Mapping[str, Any]) -> Comparison:
    """Run a command again and compare what it writes with a file."""
    command, name = record["command"], checked_name(path, record["file"])
    if any(one["path"] == "-" for one in record["inputs"].values()):
        raise InputError(
            f"{path} was made from standard input, which is gone: give the command a file."
        )
    words, places = checked_arguments(path, command, record["arguments"])
    said = []
    if record["sha256"] and path.is_file() and sha256_of(path) != record["sha256"]:
        said.append("the file was changed after it was written")
    for what, one in record["inputs"].items():
        said += compare_input(path, what, one)
    for one in record["models"]:
        said += _model(one)
    with tempfile.TemporaryDirectory(prefix="dnabert2-again-") as folder:
        fresh = Path(folder, name)
        # What follows "--" is never read as an option.
        _run([command, *words, "--output", str(fresh), "--", *places])
        if not fresh.exists():
            raise ExploreError(f"{command} did not write {name} this time.")
        found = _compared(path, fresh)
    found.said[:0] = said
    return found


def _model(entry: Mapping[str, str]) -> list[str]:
    """Say whether a model is the one it was; one that is nowhere here is refused."""
    from ..encoder.loading.recorded import load_model
    from ..encoder.model_entry import model_entry

    now = model_entry(load_model(entry))
    if now["sha256"] == entry["sha256"]:
        return []
    return [
        f"model: the weights of {entry['name']} have sha256 {now['sha256'][:12]}…, then "
        f"{entry['sha256'][:12]}…"
    ]


def _run(words: list[str]) -> None:
    """Run this package's own command line in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "dnabert2_explore", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ, "DNABERT2_EXPLORE_CACHE": "off"},  # computed, and not looked up
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise ExploreError(f"'{words[0]}' failed when it was run again: {last[0]}")


def _compared(path: Path, fresh: Path) -> Comparison:
    """Compare two files of one kind."""
    suffix = path.suffix.lower()
    if path.is_dir():
        from ..stores import open_store

        found = Comparison()
        old, new = (open_store(one).vectors()[:] for one in (path, fresh))
        compare_numbers("vectors", old, new, found)
        return found
    if suffix == ".html":
        before, after = (_NAMES.sub("", _text(one)).splitlines() for one in (path, fresh))
        lines = zip(before, after, strict=False)
        apart = [i for i, (a, b) in enumerate(lines, start=1) if a != b]
        found = Comparison()
        if apart or len(before) != len(after):
            where = f", first line {apart[0]:,}" if apart else ""
            found.said.append(f"the text of the page: {len(apart):,} lines{where}")
        return found
    if suffix in _TEXT:
        return compare_tables(_text(path), _text(fresh), _TEXT[suffix])
    if path.name.endswith(".vcf.gz"):
        import gzip

        first, second = (gzip.decompress(one.read_bytes()).decode() for one in (path, fresh))
        return compare_tables(first, second, "\t")
    found = Comparison()
    if suffix == ".parquet":
        import pandas as pd

        old, new = pd.read_parquet(path), pd.read_parquet(fresh)
        if list(old) != list(new):
            found.said.append(f"columns: {list(old)}, now {list(new)}")
            return found
        for name in old:
            compare_numbers(str(name), _column(old[name]), _column(new[name]), found)
        return found
    if suffix in (".npz", ".npy"):
        import numpy as np

        old, new = (np.load(one, allow_pickle=False) for one in (path, fresh))
        if suffix == ".npy":
            compare_numbers("vectors", old, new, found)
            return found
        for name in sorted({*old.files, *new.files} - {"about"}):
            if name not in old.files or name not in new.files:
                found.said.append(f"array {name}")
            else:
                compare_numbers(name, old[name], new[name], found)
        return found
    if path.read_bytes() != fresh.read_bytes():
        found.said.append("bytes (this kind of file is not read)")
    return found


def _column(values: Any) -> Any:
    import numpy as np

    first = values.iloc[0] if len(values) else None
    return np.stack(list(values)) if isinstance(first, np.ndarray) else values.to_numpy()


def _text(path: Path) -> str:
    """Read text without its record, which has the day in it."""
    return without_record(path.read_text(encoding="utf-8"))
