"""Build the binding profiles that the package ships, from the JASPAR database in pyjaspar.

    pip install -c constraints.txt -e ".[motifs]"
    python scripts/build_jaspar.py

The result is the same on every run. ``build_demo_data.py`` writes SOURCES.md and takes the lines
on these profiles from here.
"""

from __future__ import annotations

import argparse
from importlib import metadata
from pathlib import Path

from dnabert2_explore.sequences.motifs.files import write_motifs
from dnabert2_explore.sequences.motifs.jaspar import SHIPPED, from_pyjaspar

OUT = (
    Path(__file__).resolve().parents[1] / "dnabert2_explore" / "data" / "jaspar_vertebrates.meme.gz"
)
PYJASPAR = "4.0.0"
PROFILES = 1019

ABOUT = f"""\
## Binding profiles

`jaspar_vertebrates.meme.gz`: the {PROFILES:,} CORE profiles of vertebrates of JASPAR 2026 (curated,
non-redundant; the latest version of each) with accession, name and number of sites, built by
`scripts/build_jaspar.py` from the database in pyjaspar {PYJASPAR} (PyPI; its code is MIT).
Changed from the original: counts became probabilities of six decimals. Data © the JASPAR team,
https://jaspar.elixir.no, licence CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/). Cite:
JASPAR 2026, Nucleic Acids Research 54 (database issue), 2026, PMC12807658.
"""


def main() -> None:
    """Build the file, after checking that the source is the one SOURCES.md names."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=OUT, help="default: the package's data folder")
    out = parser.parse_args().out
    version = metadata.version("pyjaspar")
    if version != PYJASPAR:
        raise SystemExit(f"pyjaspar is {version}; expected {PYJASPAR}, which SOURCES.md names")
    motifs = from_pyjaspar(SHIPPED)
    if len(motifs) != PROFILES:
        raise SystemExit(f"there are {len(motifs):,} profiles; expected {PROFILES:,}")
    write_motifs(out, motifs)
    print(f"{out.stat().st_size:>9,} bytes  {out.name}: {len(motifs):,} profiles")


if __name__ == "__main__":
    main()
