"""What pocket-splice reads of donors and acceptors: the mean contribution of each base.

    python benchmarks/splice_profile.py        # writes benchmarks/results/splice_profile.json

Saturation mutagenesis (logit of the site's class, one reading) of the demo's sites that the model
recognises, as notebooks/03_attribution.ipynb draws it. Positions count from the border: donors' 1
is the intron's first base, acceptors' -1 its last.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

import dnabert2_explore as dx

OUT = Path(__file__).parent / "results" / "splice_profile.json"
BORDER = 100
REGIONS = {"donor": (92, 112), "acceptor": (66, 104)}


def profile(enc: dx.Encoder, label: str) -> dict[str, Any]:
    """Mean contribution of the base that stands at each position, by base."""
    sites = [one for one in dx.demo.splice() if one.label == label]
    index = enc.classes.index(label)
    found = [one for one, p in zip(sites, enc.predict(sites), strict=True) if p.argmax() == index]
    start, end = REGIONS[label]
    total = np.zeros((end - start, 4))
    for one in found:
        effects = dx.saturation_mutagenesis(enc, one, label, region=(start, end), approximate=False)
        for place in range(start, end):
            total[place - start, "ACGT".index(one.bases[place])] += effects.importance[place]
    total /= len(found)
    places = [place - BORDER + (place >= BORDER) for place in range(start, end)]
    return {
        "sites": len(sites),
        "recognised": len(found),
        "mean": {
            str(place): {base: round(float(v), 3) for base, v in zip("ACGT", row, strict=True)}
            for place, row in zip(places, total, strict=True)
        },
    }


def main() -> None:
    """Compute and write."""
    enc = dx.load("pocket-splice", dtype="float32")
    content = {"model": str(enc.info)} | {label: profile(enc, label) for label in REGIONS}
    OUT.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
