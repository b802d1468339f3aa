"""Turn a table of windows (file, record, start from 0, end) into FASTA.

    python ../shared/tools/species_probe.py --windows ../runs/probe.tsv
    python scripts/probe_windows.py ../runs/probe.tsv ../shared/genomes ../runs/probe_windows.fa

`pretrain` leaves out what it shares with such a file (``exclude``), so that what is scored later
was not trained on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from dnabert2_explore.common.files import replacing
from dnabert2_explore.sequences.reading.opening import open_path


def records(path: Path) -> dict[str, str]:
    """Bases of a FASTA file by name; of records of one name the first."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    with open_path(path) as lines:
        for line in lines:
            if line.startswith(">"):
                current = found.setdefault(line[1:].split()[0], [])
                if current:
                    current = []  # a name again: leave it out
            else:
                current.append(line.strip().upper())
    return {name: "".join(parts) for name, parts in found.items()}


def main() -> None:
    """Write the FASTA file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("genomes", type=Path)
    parser.add_argument("output", type=Path)
    asked = parser.parse_args()
    rows = [line.split("\t") for line in asked.table.read_text(encoding="utf-8").splitlines()]
    held: dict[str, dict[str, str]] = {}
    with replacing(asked.output) as temporary, temporary.open("w", encoding="utf-8") as out:
        for file, record, start, end in rows:
            if file not in held:
                held = {file: records(asked.genomes / file)}
            bases = held[file][record][int(start) : int(end)]
            if len(bases) != int(end) - int(start):
                raise SystemExit(f"{file}, {record}: no bases {start} to {end}.")
            out.write(f">{file}:{record}:{start}-{end}\n{bases}\n")


if __name__ == "__main__":
    main()
