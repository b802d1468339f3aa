"""What was measured, in files that tables of the documentation are made of again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from ..common.files import write_text
from ..encoder.machine import Machine
from ..errors import InputError
from .engine import Speed, mutant_table, speed_table
from .memory import Memory, memory_table
from .tables import Table

__all__ = ["Results", "read_tables", "write_tables"]


@dataclass
class Results:
    """The rows of one measurement, of a shape of `SHAPES`, on a device as torch names it."""

    shape: str
    device: str
    speeds: list[Speed] = field(default_factory=list)
    mutated: list[Speed] = field(default_factory=list)
    memories: list[Memory] = field(default_factory=list)

    def tables(self) -> list[Table]:
        """Lay out speed, saturation mutagenesis and memory: those that were measured."""
        tables = []
        if self.speeds:
            tables.append(speed_table(self.shape, self.speeds, torch.device(self.device)))
        if self.mutated:
            tables.append(mutant_table(self.shape, self.mutated))
        if self.memories:
            tables.append(memory_table(self.shape, self.memories))
        return tables


def write_tables(
    path: str | Path,
    machine: Machine | str,
    tables: Sequence[Table],
    command: str,
    measured: Results | None = None,
) -> None:
    """Write tables to a JSON file, with machine, command, and the rows they are made of."""
    content: dict[str, Any] = {
        "machine": str(machine),
        "command": command,
        "tables": [asdict(table) for table in tables],
    }
    if measured is not None:
        content["measured"] = asdict(measured)
    write_text(Path(path), json.dumps(content, indent=1) + "\n")


def read_tables(path: str | Path) -> list[Table]:
    """Read a file of `write_tables`; tables are made anew of the rows where they are there.

    Another file is an `InputError`.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        kept = [
            Table(
                table["title"],
                tuple(table["header"]),
                tuple(tuple(row) for row in table["rows"]),
                table["note"],
            )
            for table in content["tables"]
        ]
        found = content.get("measured")
        if found is None:
            return kept
        return Results(
            found["shape"],
            found["device"],
            [Speed(**row) for row in found["speeds"]],
            [Speed(**row) for row in found["mutated"]],
            [Memory(**row) for row in found["memories"]],
        ).tables()
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} holds no tables of a measurement: {error!r}.") from error
