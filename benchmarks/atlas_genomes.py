"""How far embeddings go beyond GC and 4-mers: windows of 21 species, and promoters.

Run with ``python benchmarks/atlas_genomes.py ../shared [model …]``, where ``../shared`` holds
``tools/species_probe.py``, ``genomes/`` and ``labelled/``. Windows are those of the probe, which
the shipped models were not trained on. It prints what `dx.judge_map` says.
"""

from __future__ import annotations

import csv
import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np

import dnabert2_explore as dx

MOST = 1000  # promoters


def probe_windows(shared: Path) -> list[dx.Sequence]:
    """Return 30 windows of 500 bp a species, with category, species and stretch of genome."""
    spec = importlib.util.spec_from_file_location("probe", shared / "tools/species_probe.py")
    assert spec is not None
    assert spec.loader is not None
    probe: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(probe)
    found = []
    for one in [*probe.SEEN, *probe.UNSEEN]:
        path = shared / "genomes" / f"{one}.fa.gz"
        category, species = one.split("/")
        rng = np.random.default_rng(sum(path.name.encode()))
        for bases, stretch, record, start in probe.windows(path, rng):
            turned = bases if rng.random() < 0.5 else bases[::-1].translate(probe.COMPLEMENT)
            fields = {"category": category, "species": species, "stretch": f"{species} {stretch}"}
            found.append(dx.Sequence(f"{record}:{start}", turned, fields=fields))
    return found


def promoters(path: Path) -> list[dx.Sequence]:
    """Return a class example: promoters and others, shuffled."""
    with path.open() as file:
        rows = list(csv.DictReader(file))
    order = np.random.default_rng(0).permutation(len(rows))[:MOST]
    names = {"0": "other", "1": "promoter"}
    return [
        dx.Sequence(f"{i}", rows[i]["sequence"], names.get(rows[i]["label"], rows[i]["label"]))
        for i in order
    ]


def judged(enc: dx.Encoder, sequences: list[dx.Sequence], column: str, groups: str) -> None:
    """Print what a PCA of them is."""
    vectors, twin = enc.embed(sequences), dx.random_twin(enc).embed(sequences)
    labels = [one.label or "" if column == "label" else one.fields[column] for one in sequences]
    found = dx.judge_map(
        dx.project(vectors, method="pca"), vectors, [one.bases for one in sequences], labels,
        label=column, groups=[one.fields[groups] for one in sequences] if groups else None,
        grouped_by=groups, beside={"untrained twin": twin}, pca=True,
    )  # fmt: skip
    print(found)
    for score in found.scores:
        print(f"  {score.space}: {score.purity:.2f} of neighbours, probe {score.probe.score:.2f} "
              f"({score.probe.low:.2f}-{score.probe.high:.2f})")  # fmt: skip
    for name, gain in found.gains.items():
        print(f"  model less {name}: {gain.score:+.2f} ({gain.low:+.2f} to {gain.high:+.2f})")


def main() -> None:
    """Go through models and questions."""
    shared = Path(sys.argv[1])
    windows = probe_windows(shared)
    files = sorted((shared / "labelled").glob("*.csv"))
    for name in sys.argv[2:] or [dx.ATLAS_MODEL, "pocket"]:
        enc = dx.load(name)
        for column, groups in (("species", "stretch"), ("category", "species")):
            print(f"\n== {name}: {column} of {len(windows)} windows, apart by {groups}")
            judged(enc, windows, column, groups)
        for path in files:
            each = promoters(path)
            print(f"\n== {name}: {path.stem}, {len(each)} sequences")
            judged(enc, each, "label", "")


if __name__ == "__main__":
    main()
