"""What a scorecard's verdict is worth: thresholds, rates and tables from the cards of planted.py.

    python benchmarks/scorecard_rates.py

Reads the cards in benchmarks/results/planted.json; writes thresholds and rates there and into the
package's calibration.json, and the tables of docs/attribution.md between their marks. Nothing is
attributed: seconds. All intervals are by bootstrap over sequences, each drawn with all its cards:
cards of one sequence by seventeen methods are not seventeen observations.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from dnabert2_explore.analysis.attribution import CHECKS
from dnabert2_explore.common.files import replacing
from dnabert2_explore.common.stats import interval

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "planted.json"
CALIBRATION = ROOT / "dnabert2_explore/analysis/attribution/trust/calibration.json"
PAGE = ROOT / "docs" / "attribution.md"
MARKS = ("<!-- rates of planted.json -->", "<!-- end of rates -->")

GOOD, BAD = 0.9, 0.7  # AUROC of attributions to keep, and to flag
KEPT = 0.95  # of the good ones
#: The last motif of planted.py has no part in the thresholds.
HELD_OUT = "E2F7"
SAMPLES = 2000
#: What an attribution is judged by; the truth is not known elsewhere.
JUDGED = tuple(name for name, info in CHECKS.items() if info.judges and name != "planted")

Row = dict[str, Any]


def numbered(rows: Iterable[Row]) -> list[Row]:
    """Cards with the sequence they are of: every method took the first of the same list."""
    seen: Counter[tuple[str, ...]] = Counter()
    out = []
    for row in rows:
        place = (row["motif"], row["part"], row["network"])
        key = (*place, row["method"])
        out.append(row | {"sequence": (*place, seen[key])})
        seen[key] += 1
    return out


def parts(rows: list[Row]) -> dict[str, list[Row]]:
    """Cards that thresholds are chosen on, and those that only judge."""
    return {
        "dev": [row for row in rows if row["part"] == "dev"],
        "test": [row for row in rows if row["part"] == "test" and row["motif"] != HELD_OUT],
        "held-out motif": [row for row in rows if row["motif"] == HELD_OUT],
    }


def groups(rows: list[Row]) -> dict[str, list[Row]]:
    """Cards of trained networks by what they found, and of those that learnt nothing."""
    trained = [row for row in rows if row["network"] == "trained"]
    return {
        "good": [row for row in trained if row["planted"] >= GOOD],
        "middle": [row for row in trained if BAD <= row["planted"] < GOOD],
        "bad": [row for row in trained if row["planted"] < BAD],
        "random weights": [row for row in rows if row["network"] == "random weights"],
        "shuffled labels": [row for row in rows if row["network"] == "shuffled labels"],
    }


def passes(row: Row, limits: dict[str, float], only: str | None = None) -> bool:
    """Whether all checks that apply are passed, the truth left out; or one of them."""
    known = [name for name in JUDGED if only in (None, name) and row[name] is not None]
    return all(
        row[name] <= limits[name] if CHECKS[name].most else row[name] >= limits[name]
        for name in known
    )


def calibrate(rows: list[Row]) -> dict[str, float]:
    """Choose the thresholds that flag most bad attributions and keep `KEPT` of the good ones.

    From the loosest, which keep all good ones, step by step: the one threshold is tightened, to
    the value of a good attribution, that flags most more bad ones for each good one it loses. Good
    and bad are told by the truth, whatever the network.
    """
    good = [row for row in rows if row["planted"] >= GOOD]
    bad = [row for row in rows if row["planted"] < BAD]
    choices: dict[str, list[float]] = {}
    for name in JUDGED:
        turn = -1000 if CHECKS[name].most else 1000
        # Rounded to the side that passes; the loosest first.
        found = [row[name] for row in good if row[name] is not None and np.isfinite(row[name])]
        values = {float(np.floor(value * turn) / turn) for value in found}
        choices[name] = sorted(values, reverse=CHECKS[name].most)
    limits = {name: values[0] for name, values in choices.items()}

    def count(limits: dict[str, float]) -> tuple[int, int]:
        lost = sum(not passes(row, limits) for row in good)
        return lost, sum(not passes(row, limits) for row in bad)

    while True:
        lost, flagged = count(limits)
        best, found = 0.0, None
        for name, values in choices.items():
            for value in values[values.index(limits[name]) + 1 :]:
                tighter = limits | {name: value}
                more_lost, more_flagged = count(tighter)
                if more_lost > (1 - KEPT) * len(good):
                    break
                gain = (more_flagged - flagged) / (more_lost - lost + 0.5)
                if gain > best:
                    best, found = gain, tighter
        if found is None:
            return limits | {"planted": GOOD}
        limits = found


def share(rows: list[Row], of: Callable[[Row], bool]) -> dict[str, Any]:
    """Share of cards for which something holds, with its interval over sequences."""
    if not rows:
        return {"cards": 0, "sequences": 0, "share": None, "low": None, "high": None}
    by: dict[Any, list[bool]] = {}
    for row in rows:
        by.setdefault(row["sequence"], []).append(of(row))
    hits = np.array([sum(each) for each in by.values()], dtype=float)
    sizes = np.array([len(each) for each in by.values()], dtype=float)
    drawn = np.random.default_rng(0).integers(len(by), size=(SAMPLES, len(by)))
    values = hits[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = interval(values)
    return {
        "cards": len(rows),
        "sequences": len(by),
        "share": float(hits.sum() / sizes.sum()),
        "low": float(low),
        "high": float(high),
    }


def rates(rows: list[Row], limits: dict[str, float]) -> dict[str, Any]:
    """Share of cards that some check speaks against, by group, by check and in all."""
    told = {}
    for group, some in groups(rows).items():
        if not some:
            continue
        flagged = share(some, lambda row: not passes(row, limits))
        told[group] = {
            "count": flagged["cards"],
            "sequences": flagged["sequences"],
            "flagged": flagged["share"],
            "low": flagged["low"],
            "high": flagged["high"],
            "flagged_by": {
                name: float(np.mean([not passes(row, limits, name) for row in some]))
                for name in JUDGED
            },
        }
    return told


def shown(one: dict[str, Any]) -> str:
    """Write a share."""
    if one["share"] is None:
        return "–"
    if one["sequences"] == 1:
        return f"{one['share']:.0%} (of one sequence; {one['cards']})"
    return f"{one['share']:.0%} ({one['low']:.0%}–{one['high']:.0%}; {one['cards']})"


def table(header: list[str], rows: list[list[str]]) -> str:
    """Write a table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def tables(results: dict[str, Any]) -> str:
    """Write what the page has between its marks."""
    limits = results["calibration"]["thresholds"]
    rows = numbered(results["cards"])
    judging = parts(rows)["test"] + parts(rows)["held-out motif"]

    def flagged(row: Row) -> bool:
        return not passes(row, limits)

    def passed(row: Row) -> bool:
        return passes(row, limits)

    names = [name for name, info in CHECKS.items() if info.judges]
    titles = [CHECKS[name].title for name in names]
    bounds = [f"at {'most' if CHECKS[n].most else 'least'} {limits[n]:g}" for n in names]
    first = table(["check", *titles], [["threshold", *bounds]])

    lines = []
    for part, told in results["calibration"]["rates"].items():
        for group, one in told.items():
            by = [f"{one['flagged_by'][name]:.0%}" for name in JUDGED]
            interval = f"**{one['flagged']:.0%}** ({one['low']:.0%}–{one['high']:.0%})"
            lines.append(
                [f"{part}, {group}", str(one["count"]), str(one["sequences"]), interval, *by]
            )
    second = table(
        ["attributions", "cards", "sequences", "flagged", *(CHECKS[n].title for n in JUDGED)], lines
    )

    lines = []
    nothing = [row for row in rows if row["network"] != "trained"]
    for group, some in (groups(judging) | {"learnt nothing, dev too": nothing}).items():
        judged = [row for row in some if row["strands"] is not None]
        left = [row for row in some if row["strands"] is None]
        lines.append([group, shown(share(judged, passed)), shown(share(left, passed))])
    third = table(["attributions", "pass, strands judged", "pass, strands not judged"], lines)

    lines = []
    for part in ("test", "held-out motif"):
        trained = [row for row in parts(rows)[part] if row["network"] == "trained"]
        yes = [row for row in trained if passed(row)]
        no = [row for row in trained if not passed(row)]
        for words, holds in (
            ("AUROC ≥ 0.9", lambda row: row["planted"] >= GOOD),
            ("AUROC < 0.7", lambda row: row["planted"] < BAD),
        ):
            lines.append(
                [f"{part}: {words}", *(shown(share(x, holds)) for x in (trained, yes, no))]
            )
    fourth = table(["trained networks", "of all", "of those that pass", "of those flagged"], lines)

    lines = []
    nothing = [row for row in judging if row["network"] != "trained"]
    good = groups(judging)["good"]
    for method in dict.fromkeys(row["method"] for row in rows):
        lines.append(
            [
                method,
                shown(share([row for row in nothing if row["method"] == method], passed)),
                shown(share([row for row in good if row["method"] == method], flagged)),
            ]
        )
    fifth = table(["method", "networks that learnt nothing: pass", "good: flagged"], lines)
    return "\n\n".join(
        [
            first,
            "Flagged: some check speaks against it. In brackets 95% intervals over sequences.",
            second,
            "Pass: no check speaks against it. Test sequences and the held-out motif together, by "
            "whether the strands could be judged (95% interval; cards):",
            third,
            "What is known once a card passes (95% interval; cards):",
            fourth,
            "By method (95% interval; cards), test sequences and the held-out motif together:",
            fifth,
        ]
    )


def main() -> None:
    """Compute and write everything."""
    results = json.loads(RESULT.read_text(encoding="utf-8"))
    rows = numbered(results["cards"])
    calibration = results["calibration"]
    calibration["thresholds"] = calibrate(parts(rows)["dev"])
    calibration["rates"] = {
        part: rates(some, calibration["thresholds"]) for part, some in parts(rows).items()
    }
    for path, content in ((RESULT, results), (CALIBRATION, calibration)):
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    before, begun, rest = PAGE.read_text(encoding="utf-8").partition(MARKS[0])
    _, ended, after = rest.partition(MARKS[1])
    if not begun or not ended:
        raise SystemExit(f"{PAGE} lacks {' or '.join(MARKS)}: put them where the tables go.")
    with replacing(PAGE) as temporary:
        temporary.write_text(
            f"{before}{MARKS[0]}\n\n{tables(results)}\n\n{MARKS[1]}{after}", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
