"""Build the splice-site data set that ``pocket-splice`` is fine-tuned on.

    python scripts/build_splice_data.py --out ../splice --cache ../cache

Windows of 200 bp in the direction of transcription, from *Zymoseptoria tritici* IPO323:

donor      an intron's first base stands at index 100 (so GT at 100-101)
acceptor   an intron's last base stands at index 99 (so AG at 98-99)
neither    GT at 100-101 or AG at 98-99 (half each) that is no annotated site, from gene models and
           500 bp around them, on their strand; no annotated site of either strand in the window

The three classes are of equal size in each split, splits are whole chromosomes, and no window
occurs twice. Written: train.csv, dev.csv, test.csv (sequence,label,name,chromosome,strand,position,
where position is the window's 0-based start on the forward strand) and summary.json.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter, defaultdict
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
import zymoseptoria
from numpy.typing import NDArray
from zymoseptoria import Transcript, split_of

from dnabert2_explore import reverse_complement

WINDOW = 200
OFFSETS = {"donor": 100, "acceptor": 98}  # index of the dinucleotide in the window
DINUCLEOTIDES = {"donor": "GT", "acceptor": "AG"}
SEED = 20260214
FLANK = 500
# Annotated introns outside of this range are few and mostly faults of prediction; they give no
# example, but their ends still count as sites that 'neither' must keep away from.
SHORTEST, LONGEST = 30, 3000
_ENDS_LISTED = 5


@dataclass(frozen=True, slots=True)
class Window:
    """One row of the data set; the field names are the CSV's header."""

    sequence: str
    label: str
    name: str
    chromosome: str
    strand: str
    position: int


def build(
    genome: dict[str, str], transcripts: list[Transcript], seed: int
) -> tuple[dict[str, list[Window]], dict[str, object]]:
    """Return the windows of every split and a summary of what was kept and left out."""
    by_place: dict[str, list[Transcript]] = defaultdict(list)
    for transcript in transcripts:
        by_place[transcript.chromosome].append(transcript)
    ends: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    pools: dict[str, dict[str, list[Window]]] = {
        split: {"donor": [], "acceptor": [], "GT": [], "AG": []}
        for split in ("train", "dev", "test")
    }
    rng = np.random.default_rng(seed)
    for chromosome in genome:
        pool = pools[split_of(chromosome)]
        sites = _annotated(by_place[chromosome])
        for strand in "+-":
            strand_bases = _strand(genome[chromosome], strand)
            here = [t for t in by_place[chromosome] if t.strand == strand]
            true = _true_sites(chromosome, strand, strand_bases, here, ends, dropped)
            for label, window in true:
                pool[label].append(window)
            # More than the half of a class that is needed, since copies are left out below.
            for pair, window in _decoys(
                chromosome, strand, strand_bases, here, sites, len(true) // 2, rng
            ):
                pool[pair].append(window)

    seen: set[str] = set()
    splits: dict[str, list[Window]] = {}
    # Test first: a window that occurs twice stays where it measures, not where it trains.
    for split in ("test", "dev", "train"):
        unique = {}
        for kind, windows in pools[split].items():
            unique[kind] = _unique(windows, seen, dropped, split, kind)
        size = min(len(unique["donor"]), len(unique["acceptor"]))
        half = size // 2
        chosen = [
            *_sample(unique["donor"], 2 * half, rng),
            *_sample(unique["acceptor"], 2 * half, rng),
            *_sample(unique["GT"], half, rng),
            *_sample(unique["AG"], half, rng),
        ]
        splits[split] = [chosen[i] for i in rng.permutation(len(chosen))]
    summary: dict[str, object] = {
        "organism": zymoseptoria.ORGANISM,
        "gene_models": len(transcripts),
        "introns_by_ends": {
            **dict(ends.most_common(_ENDS_LISTED)),
            "others": sum(count for _, count in ends.most_common()[_ENDS_LISTED:]),
        },
        "left_out": dict(dropped),
        "window": WINDOW,
        "seed": seed,
        "splits": {
            split: {
                "chromosomes": sorted({w.chromosome for w in splits[split]}, key=_number),
                "windows": len(splits[split]),
                **Counter(w.label for w in splits[split]),
            }
            for split in ("train", "dev", "test")
        },
    }
    return splits, summary


def _number(chromosome: str) -> int:
    return int(chromosome.split("_")[1])


def _strand(bases: str, strand: str) -> str:
    return bases if strand == "+" else reverse_complement(bases)


def _on_strand(start: int, end: int, strand: str, length: int) -> tuple[int, int]:
    """Turn forward coordinates into those of the strand, read in its own direction (or back)."""
    return (start, end) if strand == "+" else (length - end, length - start)


def _annotated(transcripts: list[Transcript]) -> NDArray[np.int64]:
    """Return the forward coordinates of both bases of every annotated site, of both strands."""
    bases = {
        base
        for transcript in transcripts
        for start, end in transcript.introns
        for base in (start, start + 1, end - 2, end - 1)
    }
    return np.array(sorted(bases), dtype=np.int64)


def _window(
    bases: str, index: int, label: str, offset: int, chromosome: str, strand: str
) -> Window | None:
    """Cut the window whose dinucleotide at ``index`` (strand coordinates) stands at ``offset``."""
    start = index - offset
    sequence = bases[start : start + WINDOW] if start >= 0 else ""
    if len(sequence) != WINDOW or set(sequence) - set("ACGT"):
        return None
    position, _ = _on_strand(start, start + WINDOW, strand, len(bases))
    name = f"{label}_{chromosome}_{strand}_{position}"
    return Window(sequence, label, name, chromosome, strand, position)


def _true_sites(
    chromosome: str,
    strand: str,
    bases: str,
    transcripts: list[Transcript],
    ends: Counter[str],
    dropped: Counter[str],
) -> list[tuple[str, Window]]:
    """Return donor and acceptor windows of the canonical introns of one strand."""
    found = []
    for start, end in sorted({intron for t in transcripts for intron in t.introns}):
        first, last = _on_strand(start, end, strand, len(bases))
        pair = f"{bases[first : first + 2]}..{bases[last - 2 : last]}"
        ends[pair] += 1
        if pair != "GT..AG":
            dropped["introns that are not GT..AG"] += 1
            continue
        if not SHORTEST <= last - first <= LONGEST:
            dropped[f"introns not of {SHORTEST} to {LONGEST} bp"] += 1
            continue
        for label, index in (("donor", first), ("acceptor", last - 2)):
            window = _window(bases, index, label, OFFSETS[label], chromosome, strand)
            if window is None:
                dropped["sites with N or a chromosome's end within the window"] += 1
            else:
                found.append((label, window))
    return found


def _decoys(
    chromosome: str,
    strand: str,
    bases: str,
    transcripts: list[Transcript],
    sites: NDArray[np.int64],
    size: int,
    rng: np.random.Generator,
) -> list[tuple[str, Window]]:
    """Sample ``size`` windows centred on GT and on AG near genes of this strand, without any site.

    ``sites`` are the annotated bases of either strand, in forward coordinates.
    """
    length = len(bases)
    near = np.zeros(length, dtype=bool)
    for transcript in transcripts:
        start, end = _on_strand(transcript.start, transcript.end, strand, length)
        near[max(0, start - FLANK) : end + FLANK] = True
    site = np.zeros(length + 1, dtype=np.int64)
    site[(sites if strand == "+" else length - 1 - sites) + 1] = 1
    sites_before = np.cumsum(site)
    codes = np.frombuffer(bases.encode("ascii"), dtype=np.uint8)
    found = []
    for kind, (left, right) in DINUCLEOTIDES.items():
        match = (codes[:-1] == ord(left)) & (codes[1:] == ord(right)) & near[:-1] & near[1:]
        starts = np.flatnonzero(match) - OFFSETS[kind]
        starts = starts[(starts >= 0) & (starts + WINDOW <= length)]
        starts = starts[sites_before[starts + WINDOW] == sites_before[starts]]
        for start in rng.choice(starts, min(size, len(starts)), replace=False).tolist():
            index = start + OFFSETS[kind]
            window = _window(bases, index, "neither", OFFSETS[kind], chromosome, strand)
            if window is not None:
                found.append((left + right, window))
    return found


def _unique(
    windows: list[Window], seen: set[str], dropped: Counter[str], split: str, kind: str
) -> list[Window]:
    kept = []
    for window in windows:
        if window.sequence in seen:
            dropped[f"windows met before ({split}, {kind})"] += 1
            continue
        seen.add(window.sequence)
        kept.append(window)
    return kept


def _sample(windows: list[Window], size: int, rng: np.random.Generator) -> list[Window]:
    return [windows[i] for i in np.sort(rng.choice(len(windows), size, replace=False))]


def main() -> None:
    """Build the data set and print the summary."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for the CSV files")
    parser.add_argument("--cache", type=Path, required=True, help="folder for Debian packages")
    parser.add_argument("--seed", type=int, default=SEED, help="of the samples and the order")
    arguments = parser.parse_args()
    package, genome, transcripts = zymoseptoria.load(arguments.cache)
    splits, summary = build(genome, transcripts, arguments.seed)
    summary = {"package": f"{package.name} {package.version}", **summary}
    arguments.out.mkdir(parents=True, exist_ok=True)
    for split, windows in splits.items():
        with (arguments.out / f"{split}.csv").open("w", newline="", encoding="ascii") as handle:
            writer = csv.writer(handle, lineterminator="\n")
            writer.writerow(Window.__dataclass_fields__)
            writer.writerows(astuple(window) for window in windows)
    text = json.dumps(summary, indent=2)
    (arguments.out / "summary.json").write_text(text + "\n", encoding="ascii")
    print(text)


if __name__ == "__main__":
    main()
