"""The null of the motif pipeline: what models lead to that cannot have learnt the motif.

    python benchmarks/motif_null.py --data ../shared/gue --out runs/motif_null     # resumable
    python benchmarks/motif_null.py --out runs/motif_null --publish

For tf/2 and mouse/3, as in notebooks/04_motifs.ipynb: pocket is fine-tuned, every base of the peaks
it is most certain of is mutated, stretches that count are gathered to patterns, patterns are looked
up in JASPAR. Then the same with labels permuted within each split (fine-tuned anew), and with
networks of random weights; each chooses its own peaks from all. q-values with and without flanks
of the pattern are kept: the flank of 6 was not chosen beforehand, so that both are shown.

Cost, on one core: a replicate mutates 300 (200) peaks of 100 bp at 0.4 CPU seconds each, about 2
minutes; a permuted one is fine-tuned first, 2 to 3 minutes more. 1 + 10 + 10 runs of both sets:
about 2.5 CPU hours. Whatever is done stands in --out, a file a replicate, and is not done again.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np

import dnabert2_explore as dx
from dnabert2_explore.analysis.motifs import match_patterns, null_share
from dnabert2_explore.common.files import replacing
from dnabert2_explore.encoder.machine import describe_machine
from dnabert2_explore.results.sealed import read_json, write_json

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "motif_null.json"
PAGE = ROOT / "docs" / "attribution.md"
BEGIN, END = "<!-- motif null -->\n", "\n<!-- end of motif null -->"
#: Data sets, with the steps and peaks of the notebook, and the families that are bound there.
SETS: dict[str, tuple[int, int, tuple[str, ...]]] = {
    "mouse/3": (300, 200, ("MAF", "NFE2", "BACH")),
    "tf/2": (600, 300, ("PAX2", "PAX5", "PAX8")),
}
KINDS = ("trained", "permuted", "twin")
FLANKS = (6, 0)
FORMAT = 1


def main() -> None:
    """Do what is not done yet, or publish what is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "gue")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--replicates", type=int, default=10)
    parser.add_argument("--steps", type=int, default=0, help="not the notebook's: for a trial")
    parser.add_argument("--peaks", type=int, default=0, help="not the notebook's: for a trial")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--publish", action="store_true")
    given = parser.parse_args()
    if given.publish:
        publish(given.out)
        return
    for name in given.sets:
        steps, peaks, _ = SETS[name]
        for kind in given.kinds:
            for number in range(1 if kind == "trained" else given.replicates):
                replicate(
                    name, kind, number, given.data / name, given.out, given.device,
                    given.steps or steps, given.peaks or peaks,
                )  # fmt: skip


def replicate(
    name: str, kind: str, number: int, data: Path, out: Path, device: str, steps: int, most: int
) -> None:
    """Make a model and find its motifs, unless that is done."""
    path = out / name.replace("/", "_") / f"{kind}-{number}.json"
    if path.is_file():
        return
    begun = time.monotonic()
    mcc = None
    if kind == "twin":
        enc = dx.random_twin(dx.load(trained(name, data, out, device, steps).model), seed=number)
    else:
        result = trained(name, data, out, device, steps, None if kind == "trained" else number)
        mcc = None if result.test is None else result.test.values["mcc"].to_json()
        enc = dx.load(result.model, device=device)
    chosen = certain(enc, peaks_of(data), most)
    content: dict[str, Any] = {
        "format": FORMAT, "set": name, "kind": kind, "number": number, "test_mcc": mcc,
        "steps": steps, "peaks": len(chosen), "patterns": [],
    }  # fmt: skip
    try:
        found = dx.discover_motifs(enc, chosen, target=1)
    except dx.InputError as error:  # too few stretches count
        content["nothing"] = str(error)
    else:
        texts = [one.bases for one in found.sequences]
        content["seqlets"] = found.discovery.n_seqlets
        by_flank = {
            flank: match_patterns(found.discovery, texts, flank=flank) for flank in FLANKS
        } if found.discovery.patterns else {}  # fmt: skip
        for row, pattern in enumerate(found.discovery.patterns):
            matches = {
                str(flank): [
                    {"name": one.target.label, "q": one.q_value, "p": one.p_value}
                    for one in (by_flank[flank][i] for i in range(len(by_flank[flank])))
                    if one.query is by_flank[flank].queries[row]
                ][:5]
                for flank in FLANKS
            }
            content["patterns"].append(
                {
                    "consensus": pattern.motif.consensus,
                    "sites": len(pattern.sites),
                    "matches": matches,
                }
            )
    content["seconds"] = round(time.monotonic() - begun, 1)
    content["machine"] = str(describe_machine(enc.device))
    write_json(path, content)
    print(f"{name} {kind} {number}: best q {best(content)[0]:.2g} {best(content)[1]}", flush=True)


def trained(
    name: str, data: Path, out: Path, device: str, steps: int, permuted: int | None = None
) -> dx.FinetuneResult:
    """Fine-tune as the notebook does, on labels as they are or permuted within each split."""
    folder = out / name.replace("/", "_")
    run = folder / ("model" if permuted is None else f"permuted-{permuted}")
    if (run / "result.json").is_file():
        return dx.FinetuneResult.load(run)
    files = {split: data / f"{split}.csv" for split in ("train", "dev", "test")}
    if permuted is not None:
        rng = np.random.default_rng(permuted)
        for split, path in files.items():
            rows = read(path)
            labels = rng.permutation([row["label"] for row in rows])
            files[split] = run / f"{split}.csv"
            files[split].parent.mkdir(parents=True, exist_ok=True)
            with files[split].open("w", encoding="utf-8", newline="") as handle:
                writer = csv.writer(handle)
                writer.writerow(("sequence", "label"))
                writer.writerows((r["sequence"], one) for r, one in zip(rows, labels, strict=True))
    return dx.finetune(
        dx.FinetuneConfig(
            "pocket", **{split: str(path) for split, path in files.items()}, out=str(run),
            max_tokens=30, max_steps=steps, batch_size=64, learning_rate=7e-4, pooling="mean",
            augment="reverse_complement", evaluate_every=min(100, steps), warmup_steps=50,
            device=device, seed=42 if permuted is None else permuted, check_leakage=False,
        )
    )  # fmt: skip


def read(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def peaks_of(data: Path) -> list[str]:
    """All sequences that the data call bound, whatever a permutation says."""
    rows = [row for split in ("train", "dev", "test") for row in read(data / f"{split}.csv")]
    return list(dict.fromkeys(row["sequence"] for row in rows if row["label"] == "1"))


def certain(enc: dx.Encoder, peaks: list[str], most: int) -> list[dx.Sequence]:
    """Peaks that a model is most certain of."""
    order = np.argsort(-enc.predict(peaks)[:, 1], kind="stable")[:most]
    return [dx.Sequence(f"peak {i + 1}", peaks[i]) for i in order]


def best(content: dict[str, Any], flank: int = FLANKS[0]) -> tuple[float, str]:
    """Least q-value of a replicate, and of which profile."""
    found = [
        (one["q"], one["name"])
        for pattern in content["patterns"]
        for one in pattern["matches"][str(flank)]
    ]
    return min(found) if found else (math.nan, "")


def publish(out: Path) -> None:
    """Write the result file: every replicate, and the share of nulls as good as the model."""
    sets: dict[str, Any] = {}
    for name, (_, _, families) in SETS.items():
        folder = out / name.replace("/", "_")
        every = [
            read_json(path) for kind in KINDS for path in sorted(folder.glob(f"{kind}-*.json"))
        ]
        own = [one for one in every if one["kind"] == "trained"]
        if not own:
            continue
        shares = {}
        for flank in FLANKS:
            q_value, label = best(own[0], flank)
            for kind in KINDS[1:]:
                runs = [
                    dx.NullRun(f"{kind} {one['number']}", len(one["patterns"]), *best(one, flank))
                    for one in every
                    if one["kind"] == kind
                ]
                share = null_share(q_value, runs)
                shares[f"{kind}, flank {flank}"] = {
                    "model": [None if math.isnan(q_value) else q_value, label],
                    "nulls": len(runs),
                    "best_q_of_nulls": [
                        None if math.isnan(one.q_value) else one.q_value for one in runs
                    ],
                    "share": None if math.isnan(share) else share,
                }
        sets[name] = {"families": list(families), "shares": shares, "replicates": every}
    if not sets:
        raise SystemExit(f"{out} holds no replicate: run without --publish first.")
    write_json(RESULT, {"format": FORMAT, "sets": sets})
    prose, found, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    if not found or not after:
        raise SystemExit(f"{PAGE} lacks {BEGIN!r} or {END!r}: put them around the table.")
    with replacing(PAGE) as temporary:
        text = f"{prose}{BEGIN}\n{markdown(sets)}\n{END}{after}"
        temporary.write_text(text, encoding="utf-8")
    print(json.dumps({name: one["shares"] for name, one in sets.items()}, indent=1))


def markdown(sets: dict[str, Any]) -> str:
    """Table of the page: what each kind of model led to."""
    rows = [
        ["data", "model", "test MCC", "runs", "with a pattern", "best match, q", "without flanks",
         "as good as the trained one"],
        ["---", "---", "---", "---:", "---:", "---", "---", "---"],
    ]  # fmt: skip
    for name, one in sets.items():
        own = [run for run in one["replicates"] if run["kind"] == "trained"]
        for kind in KINDS:
            runs = [run for run in one["replicates"] if run["kind"] == kind]
            if not runs:
                continue
            told = f"`{name}` ({', '.join(one['families'])})" if kind == "trained" else ""
            words = {"trained": "trained", "permuted": "permuted labels", "twin": "random weights"}
            rows.append(
                [told, words[kind], _skill(runs), str(len(runs)),
                 str(sum(bool(run["patterns"]) for run in runs)),
                 *(_best(runs, flank) for flank in FLANKS),
                 "" if kind == "trained" else _as_good(runs, own[0])]
            )  # fmt: skip
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _skill(runs: list[dict[str, Any]]) -> str:
    values = [run["test_mcc"] for run in runs if run["test_mcc"] is not None]
    if len(values) == 1:
        one = values[0]
        return f"{one['value']:.3f} ({one['low']:.3f} to {one['high']:.3f})"
    found = [one["value"] for one in values]
    return f"{min(found):.3f} to {max(found):.3f}" if found else "–"


def _best(runs: list[dict[str, Any]], flank: int) -> str:
    """Name the least q-values, three at most."""
    found = sorted((q, label) for q, label in (best(run, flank) for run in runs) if q == q)
    words = [f"{label.partition(' (')[0]} {q:.1e}" for q, label in found[:3]]
    return ", ".join(words) + (f", {len(found) - 3} more" if len(found) > 3 else "") or "–"


def _as_good(runs: list[dict[str, Any]], own: dict[str, Any]) -> str:
    counts = [sum(best(run, flank)[0] <= best(own, flank)[0] for run in runs) for flank in FLANKS]
    return f"{counts[0]} of {len(runs)} (without flanks {counts[1]})"


if __name__ == "__main__":
    main()
