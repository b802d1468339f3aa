"""The default motif finder beside TF-MoDISco, on the same attributions of planted motifs.

    python benchmarks/finders.py

`pocket-motif` is asked about windows like those of its test set (scripts/release_motif.py), with
sites that were drawn for this: as they are, 100 bp, and cut to 80 bp around the site. Saturation
mutagenesis is computed once and given to both callers; what each finds is held against where the
sites were planted; and, for the default, how well its pattern matches the planted profile with more
or fewer bases on either side. Writes benchmarks/results/finders.json and the tables of
docs/attribution.md.
About five CPU minutes.
"""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import numpy as np

import dnabert2_explore as dx
from dnabert2_explore.analysis.motifs import discover_patterns, match_patterns
from dnabert2_explore.analysis.motifs.find import best_match
from dnabert2_explore.common.files import replacing
from dnabert2_explore.encoder.machine import describe_machine
from dnabert2_explore.results.sealed import read_json, write_json
from dnabert2_explore.sequences import windows
from dnabert2_explore.sequences.motifs.plant import Planted, planted_set

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "finders.json"
PAGE = ROOT / "docs" / "attribution.md"
BEGIN, END = "<!-- finders -->\n", "<!-- /finders -->\n"
FLANKS = (0, 2, 4, 6, 8, 10)
SEQUENCES, SEED = 150, 7
LENGTHS = (100, 80)
CALLERS = {"seqlets": "the default", "modisco": "TF-MoDISco"}


def cropped(one: Planted, length: int) -> tuple[dx.Sequence, int, int]:
    """Cut a window around its site; return it with the site's place."""
    left = min(max(0, (one.start + one.end - length) // 2), len(one.bases) - length)
    bases = one.bases[left : left + length]
    return dx.Sequence("", bases), one.start - left, one.end - left


def planted_sequences() -> list[Planted]:
    """Sites in windows that the model was not trained on."""
    whole = dx.demo.windows()
    random.Random(0).shuffle(whole)  # as the model's own split was made
    cut = [bases for one in whole[450:] for _, bases in windows(one.bases, max(LENGTHS))]
    made = planted_set(cut, dx.jaspar_motif("NFE2").trimmed(0.5), SEED, decoys=100)
    return [one for one in made if one.label == "planted"][:SEQUENCES]


def main() -> None:
    """Measure, keep, write the table."""
    enc = dx.load("pocket-motif", dtype="float32", cache=False)
    planted = planted_sequences()
    content: dict[str, Any] = {"machine": str(describe_machine(enc.device)), "sets": {}}
    for length in LENGTHS:
        cut = [cropped(one, length) for one in planted]
        sequences = [one for one, _, _ in cut]
        found = dx.saturation_mutagenesis(enc, sequences, "planted", approximate=False)
        rows = {}
        for caller in CALLERS:
            begun = time.process_time()
            rows[caller] = measure(caller, found, cut) | {
                "cpu_seconds": round(time.process_time() - begun, 1)
            }
            print(length, caller, rows[caller], flush=True)
        content["sets"][str(length)] = {"sequences": len(sequences), "callers": rows}
    write_json(RESULT, content)
    publish()


def measure(
    caller: str, found: list[Any], cut: list[tuple[dx.Sequence, int, int]]
) -> dict[str, Any]:
    """Let a caller find patterns; hold their sites against the planted ones."""
    texts = [one.bases for one, _, _ in cut]
    values = [one.hypothetical for one in found]
    standing = [["ACGT".index(base) for base in text] for text in texts]
    # As discover_motifs does: what TF-MoDISco is given of the bases that stand there.
    scores = (
        [x[np.arange(len(x)), bases] for x, bases in zip(values, standing, strict=True)]
        if caller == "modisco"
        else [one.importance for one in found]
    )
    try:
        discovery = discover_patterns(
            texts, scores, values if caller == "modisco" else None, caller=caller
        )
    except dx.InputError as error:  # too few seqlets for any pattern
        print(error)
        discovery = None
    if discovery is None or not discovery.patterns:
        return {"patterns": [], "best": "", "q": None, "sites": 0, "on_planted": 0, "recalled": 0.0}
    q, best = best_match(match_patterns(discovery, texts))
    by_flank = {
        str(flank): best_match(match_patterns(discovery, texts, flank=flank)) for flank in FLANKS
    }
    hit, sites, on = set(), 0, 0
    for pattern in discovery.patterns:
        places = pattern.sites
        for number, start, end in zip(places.sequence, places.start, places.end, strict=True):
            sites += 1
            if start < cut[number][2] and cut[number][1] < end:
                on += 1
                hit.add(int(number))
    return {
        "patterns": [one.motif.consensus for one in discovery.patterns],
        "best": best,
        "q": None if np.isnan(q) else q,
        "sites": sites,
        "on_planted": on,
        "recalled": len(hit) / len(cut),
        "flanks": {flank: {"q": q, "best": name} for flank, (q, name) in by_flank.items()},
    }


def publish() -> None:
    """Write the table of the page from the result file."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    with replacing(PAGE) as fresh:
        fresh.write_text(before + BEGIN + table() + END + after, encoding="utf-8")


def table() -> str:
    """Lay the result file out as a table."""
    lines = [
        "| windows | finder | patterns | best match, q | sites, on a planted one | planted sites "
        "found | CPU s |",
        "|---|---|---|---|---|---|---|",
    ]
    for length, one in read_json(RESULT)["sets"].items():
        for caller, row in one["callers"].items():
            q = "none" if row["q"] is None else f"{row['best']}, {row['q']:.1e}"
            lines.append(
                f"| {one['sequences']} of {length} bp | {CALLERS[caller]} | "
                f"{', '.join(row['patterns']) or 'none'} | {q} | {row['sites']}, "
                f"{row['on_planted']} | {row['recalled']:.0%} | {row['cpu_seconds']:.0f} |"
            )
    lines += [
        "",
        "| best match by the default, with so many bases on either side | "
        + " | ".join(map(str, FLANKS))
        + " |",
        "|---|" + "---|" * len(FLANKS),
    ]
    for length, one in read_json(RESULT)["sets"].items():
        found = one["callers"]["seqlets"]["flanks"]
        (name,) = {found[str(flank)]["best"] for flank in FLANKS}
        cells = [f"{found[str(flank)]['q']:.1e}" for flank in FLANKS]
        lines.append(f"| {one['sequences']} of {length} bp: {name}, q | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
