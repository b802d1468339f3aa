"""Which memory of a process is a file's, and how much of it other processes share (Linux)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError

__all__ = ["Mapping", "mappings_of", "resident"]


@dataclass(frozen=True, slots=True)
class Mapping:
    """A stretch of a process's memory that is a file's, at addresses [start, end).

    `rss` are its bytes in memory, `pss` the same with each page divided by the number of processes
    that have it; bytes of `private_dirty` this process has written to, and they are therefore its
    own copy.
    """

    start: int
    end: int
    rss: int
    pss: int
    private_dirty: int

    def __contains__(self, address: int) -> bool:
        return self.start <= address < self.end


def mappings_of(file: Path, process: int | str = "self") -> list[Mapping]:
    """List where a file is mapped into a process.

    A process that is gone or not yours, and no Linux, are an `InputError`.
    """
    wanted = str(file.resolve())
    found: list[Mapping] = []
    head: list[str] = []
    values: dict[str, int] = {}
    for line in [*_lines(process, "smaps"), "0-0 end"]:
        first = line.split(maxsplit=1)[0]
        if first.endswith(":"):
            number = line.split()[1]
            if number.isdigit():  # VmFlags are letters
                values[first[:-1]] = int(number) * 1024
            continue
        # The head of the next stretch: addresses, rights, offset, device, inode, path.
        if len(head) == 6 and head[5] == wanted:
            start, end = (int(address, 16) for address in head[0].split("-"))
            found.append(Mapping(start, end, values["Rss"], values["Pss"], values["Private_Dirty"]))
        head, values = line.split(maxsplit=5), {}
    return found


def resident(process: int | str = "self") -> dict[str, int]:
    """Sum up a process's memory, in bytes, by the names of ``/proc/PID/smaps_rollup``.

    A process that is gone or not yours, and no Linux, are an `InputError`.
    """
    fields = (line.split() for line in _lines(process, "smaps_rollup")[1:])
    return {name.rstrip(":"): int(number) * 1024 for name, number, *_ in fields}


def _lines(process: int | str, name: str) -> list[str]:
    path = Path("/proc") / str(process) / name
    try:
        return path.read_text().splitlines()
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}): ask on Linux for a running process of "
            "your own."
        ) from error
