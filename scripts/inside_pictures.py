"""Draw the pictures of docs/inside.md, from the models and sequences of the package.

python scripts/inside_pictures.py                   # about a minute; needs Chromium and playwright
python scripts/inside_pictures.py inside-features   # one of them
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import plotly.graph_objects as go
from playwright.sync_api import sync_playwright

import dnabert2_explore as dx
from dnabert2_explore.figures import (
    dependency_figure,
    feature_track,
    feature_windows,
    head_atlas_figure,
    head_patch_figure,
    layer_curves,
    lens_figure,
    merge_tree,
    nucleotide_figure,
    patch_figure,
    recall_curve,
    tokenizer_lanes,
    vocabulary_figure,
)

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser.harness import CHROMIUM_OPTIONS, find_chromium  # noqa: E402

WIDTH = 900


def figures() -> dict[str, Callable[[], list[go.Figure]]]:
    """Name of each picture, and what draws the figures in it, one above the other."""
    enc, splice = dx.load("pocket"), dx.load("pocket-splice")
    site = dx.demo.splice()[0].bases
    mutant = site[:100] + "A" + site[101:]

    def dependencies() -> list[go.Figure]:
        found = dx.dependency_map(enc, site, twin=True)
        return [
            dependency_figure(found, shown=shown, height=300) for shown in ("trained", "untrained")
        ]

    def nucleotides() -> list[go.Figure]:
        found = dx.nucleotide_probabilities(enc, site, (80, 125), twin=True)
        return [nucleotide_figure(found, width=WIDTH)]

    def layers() -> list[go.Figure]:
        # Of viruses there is one species, which cannot be in training and in a test at once.
        windows = [one for one in dx.demo.windows() if one.fields["category"] != "virus"]
        categories, species = (
            [one.fields[name] for one in windows] for name in ("category", "species")
        )
        return [
            layer_curves(dx.layers(dx.load(dx.ATLAS_MODEL), windows, categories, groups=species))
        ]

    @cache
    def readings() -> dx.FeatureReadings:
        windows = dx.demo.windows()[::5]
        found = dx.features.train(enc, windows, 2, steps=100).read(enc, windows)
        print(found)
        return found

    def feature_view() -> list[go.Figure]:
        found = readings()
        data = found.table()
        learnt = data[(data["token_share"] < 0.3) & (data["twin"] < 0.5)]
        return [feature_track(found, feature=int(learnt["feature"].iloc[0]), view=(0, 400))]

    return {
        "inside-dependencies": dependencies,
        "inside-nucleotides": nucleotides,
        "inside-merges": lambda: [
            merge_tree(dx.replay_merges(enc, site), view=(70, 150), vocabulary=256, width=WIDTH)
        ],
        "inside-layers": layers,
        "inside-heads": lambda: [
            head_atlas_figure(dx.head_atlas(enc, dx.demo.windows()[::50], twin=True), height=340)
        ],
        "inside-tokenizers": lambda: [
            tokenizer_lanes(dx.compare_tokenizers(enc, site), view=(80, 125), width=WIDTH)
        ],
        "inside-lens": lambda: [lens_figure(dx.lens(enc, site, twin=True))],
        "inside-patch": lambda: [patch_figure(dx.patch(splice, site, mutant, "donor"), height=220)],
        "inside-head-patch": lambda: [
            head_patch_figure(dx.patch_heads(splice, site, mutant, "donor", twin=True))
        ],
        "inside-recall": lambda: [
            recall_curve(dx.recall(enc, dx.demo.windows()[::7], twin=True), height=260)
        ],
        "inside-vocabulary": lambda: [vocabulary_figure(dx.vocabulary_curve(dx.demo.windows()))],
        "inside-features": lambda: [feature_windows(readings())],
        "inside-feature-view": feature_view,
    }


def main() -> None:
    """Write the pictures into docs/."""
    chromium = find_chromium()
    if chromium is None:
        raise SystemExit("There is no Chromium here: apt-get install chromium.")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_OPTIONS)
        page = browser.new_page(viewport={"width": WIDTH + 40, "height": 800})
        for name, draw in figures().items():
            if sys.argv[1:] and name not in sys.argv[1:]:
                continue
            parts = draw()
            body = "".join(
                one.update_layout(width=WIDTH).to_html(
                    include_plotlyjs=not number, full_html=False, config={"staticPlot": True}
                )
                for number, one in enumerate(parts)
            )
            file = Path(folder) / f"{name}.html"
            file.write_text(f"<body style='margin:0;background:#fff'><main>{body}</main>")
            page.goto(file.as_uri())
            page.wait_for_function(
                "count => document.querySelectorAll('.main-svg').length >= count", arg=len(parts)
            )
            page.wait_for_timeout(500)
            page.locator("main").screenshot(path=ROOT / "docs" / f"{name}.png")
            print(f"docs/{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
