"""CSV logs that a killed and resumed run keeps without doubles."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...common.files import naming, replacing
from ...errors import InputError

__all__ = ["append_row", "begin_log"]


def begin_log(path: Path, columns: tuple[str, ...], step: int) -> None:
    """Create a log, or drop its rows after `step` so that a continued run has no doubles."""
    kept = [row for row in _rows(path, columns) if int(row["step"]) <= step] if step else []
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as new:
        writer = csv.DictWriter(new, columns)
        writer.writeheader()
        writer.writerows(kept)


def _rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Read a log that is to be continued; a line that is none of a log's is an `InputError`."""
    if not path.is_file():
        return []
    line = 1
    try:
        # A kill may cut the last line short: only lines that end are read.
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        reader = csv.DictReader([line for line in lines if line.endswith("\n")], strict=True)
        strange = [str(name)[:40] for name in reader.fieldnames or () if name not in columns]
        if strange:
            raise ValueError(f"a column {strange[0]!r}")
        rows = []
        for row in reader:
            line = reader.line_num
            if None in row or None in row.values() or not _counts(row["step"]):
                raise ValueError("expected a step and a cell for each column")
            rows.append(row)
        return rows
    except (ValueError, KeyError, csv.Error) as error:  # no UTF-8 is a ValueError
        raise InputError(
            f"{path}, line {line}: this is no log of a run ({error}); mend the line, or move the "
            "file away, and resume."
        ) from error


def _counts(cell: str) -> bool:
    return cell.isascii() and cell.isdecimal() and len(cell) < 19


def append_row(path: Path, columns: tuple[str, ...], values: Mapping[str, Any]) -> None:
    """Add a row, at once, so that no reader sees half of one."""
    line = io.StringIO()
    csv.DictWriter(line, columns).writerow(values)
    with naming(path), path.open("a", newline="", encoding="utf-8") as log:
        log.write(line.getvalue())
