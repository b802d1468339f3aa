"""The gallery: what a cell returns for every kind of result, with the lines that make it.

Every example is run when the site is built, on the small models and sequences of the package. A
kind of result without an example is found by ``tests/test_docs.py``.
"""

# ruff: noqa: E501  (lines that are shown do not wrap)

from __future__ import annotations

import contextlib
import io
import json
import re
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

from tutorials import figure_html

__all__ = ["EXAMPLES", "write_gallery"]

#: Run first, once.
START = """\
import dnabert2_explore as dx

enc = dx.load("pocket")
splice = dx.load("pocket-splice")
site = dx.demo.splice()[0]
windows = dx.demo.windows()"""

#: Title, the class that is shown, and the lines; the last one is the result.
EXAMPLES: tuple[tuple[str, str, str], ...] = (
    ("A sequence", "Sequence", "site"),
    ("A model", "Encoder", "enc"),
    ("Tokens", "Tokens", "enc.tokenize(site)"),
    ("The same bases, other tokenizers", "TokenizerComparison", "dx.compare_tokenizers(enc, site)"),
    ("How tokens are made", "MergeReplay", "dx.replay_merges(enc, site.bases[:60])"),
    (
        "How large a vocabulary", "VocabularyCurve",
        "dx.vocabulary_curve(windows, sizes=(256, 1024, 4096))",
    ),
    (
        "Motifs in tokens", "MotifFragments",
        'motifs = dx.demo.motif()\n'
        'dx.fragment_motifs(enc, motifs, dx.scan_motifs(motifs, dx.jaspar_motif("NFE2")))',
    ),
    ("Attention", "Attention", "dx.attend(enc, site)"),
    ("What every head looks at", "HeadAtlas", "dx.head_atlas(enc, site, permutations=5)"),
    ("Attribution", "Attribution", 'dx.attribute(splice, site, "donor", method="occlusion")'),
    (
        "Saturation mutagenesis", "Mutagenesis",
        'dx.saturation_mutagenesis(splice, site, "donor", region=(90, 112))',
    ),
    (
        "Both strands", "StrandMirror",
        'dx.mirror_strands(splice, site, "donor", method="occlusion")',
    ),
    (
        "How to attribute", "AttributionSettings",
        'dx.AttributionSettings(method="occlusion", window=2, baseline="mask")',
    ),
    (
        "Other segmentations", "OffsetAverage",
        'dx.average_offsets(splice, site, "donor", method="occlusion", crops=2)',
    ),
    (
        "Methods compared", "RankCorrelations",
        "dx.rank_correlations([\n"
        '    dx.attribute(splice, site, "donor", method=method) for method in ("occlusion", "saliency")\n'
        "])",
    ),
    (
        "A scorecard", "Scorecard",
        'dx.scorecard(splice, site, "donor", method="occlusion", twins=1, crops=2)',
    ),
    (
        "The motif gym", "Sweep",
        'dx.marginalize(splice, site, "GTAAGT", target="donor", columns=range(80, 120, 2))',
    ),
    (
        "Annotation", "Annotation",
        "from importlib.resources import files\n"
        'dx.read_annotation(str(files("dnabert2_explore") / "data/locus.gff3"))',
    ),
    (
        "A track in annotated stretches", "TrackEnrichment",
        "locus = dx.demo.locus()\n"
        "lens = dx.nucleotide_probabilities(enc, locus.sequence.bases[:1200])\n"
        'dx.enrich_track(lens.entropy, [one for one in locus.of_kind("exon") if one.end <= 1200])',
    ),
    ("A motif", "Motif", 'dx.jaspar_motif("NFE2")'),
    ("Hits of a motif", "Hits", 'dx.scan_motifs(dx.demo.motif(), [dx.jaspar_motif("NFE2")], threshold=1e-4)'),
    (
        "Which motifs tell two selections apart", "Differential",
        'planted, decoys = ([s for s in dx.demo.motif() if s.label == label] for label in ("planted", "decoy"))\n'
        'dx.differential_motifs(planted, decoys, [dx.jaspar_motif("NFE2"), dx.jaspar_motif("MAFK")])',
    ),
    ("Which base depends on which", "DependencyMap", "dx.dependency_map(enc, site, region=(95, 110))"),
    (
        "Probabilities of bases", "NucleotideProbabilities",
        "dx.nucleotide_probabilities(enc, site, region=(95, 110))",
    ),
    ("What every layer says", "LayerLens", "dx.lens(enc, windows[0].bases[:200])"),
    ("How far back a repeat is used", "Recall", "dx.recall(enc, windows[:20], distances=(50, 200), places=4)"),
    (
        "Which layer to embed from", "LayerScores",
        'some = [one for one in windows if one.label in ("fungi", "mammal")][::7]\n'
        "dx.layers(enc, some, [one.label for one in some])",
    ),
    (
        "Where an effect is carried", "PatchMap",
        'alt = site.bases[:101] + "C" + site.bases[102:]\n'
        'dx.patch(splice, site.bases, alt, "donor")',
    ),
    (
        "Which heads carry it", "HeadPatchMap",
        'dx.patch_heads(splice, site.bases, alt, "donor", twin=True)',
    ),
    (
        "Sparse features of a layer", "Features",
        "features = dx.features.train(enc, windows[::5], layer=2, steps=100)\nfeatures",
    ),
    ("Where they are active", "FeatureReadings", "readings = features.read(enc, windows[::10])\nreadings"),
    (
        "Features and motifs", "FeatureEnrichment",
        "hits = dx.scan_motifs(windows[::10], [dx.jaspar_motif(\"MAFK\"), dx.jaspar_motif(\"TBP\")], threshold=1e-3)\n"
        "readings.enrichment(hits)",
    ),
    (
        "A selection against the rest", "SequenceComparison",
        'fungi = [one for one in windows if one.label == "fungi"]\n'
        'dx.compare_sequences(fungi[:30], [one for one in windows if one.label == "mammal"][:30])',
    ),
    (
        "A long sequence", "LongEmbedding",
        "dx.load(dx.ATLAS_MODEL).embed_long(dx.demo.locus().sequence, window=2000, overlap=200)",
    ),
    (
        "Motifs behind decisions", "MotifFindings",
        'motif = dx.load("pocket-motif")\n'
        'planted = [one for one in dx.demo.motif() if one.label == "planted"][:40]\n'
        'found = dx.discover_motifs(motif, planted, "planted")\n'
        "found",
    ),
    ("What was found, before the look into JASPAR", "Discovery", "found.discovery"),
    ("One pattern", "Pattern", "found.discovery.patterns[0]"),
    ("What the patterns resemble", "Matches", "found.matches"),
    ("A plane", "Projection", "vectors = dx.load(dx.ATLAS_MODEL).embed(windows[::3])\ndx.fit_projection(vectors, method='pca')"),
    (
        "What the plane is", "MapJudgement",
        "some = windows[::3]\n"
        'dx.judge_map(dx.project(vectors, method="pca"), vectors, [one.bases for one in some],\n'
        '             [one.label for one in some], label="category")',
    ),
    ("Clusters", "Clusters", "dx.find_clusters(vectors)"),
    (
        "How alike layers are", "SpaceComparison",
        'dx.compare_spaces({f"layer {i}": enc.embed(windows[::10], layer=i) for i in range(5)})',
    ),
    (
        "Maps of layers, laid over each other", "AlignedMaps",
        'dx.align_maps({f"layer {i}": enc.embed(windows[::10], layer=i) for i in range(5)})',
    ),
    (
        "Sequences that were embedded before", "EmbeddedSequences",
        'dx.EmbeddedSequences(tuple(windows[::3]), vectors, "pocket")',
    ),
    (
        "Scores of variants", "VariantScores",
        "locus = dx.demo.locus()\n"
        'changed = [dx.Variant(locus.sequence.name, 5000 + i, locus.sequence.bases[4999 + i], "A")\n'
        '           for i in range(8) if locus.sequence.bases[4999 + i] != "A"]\n'
        "dx.score_variants(enc, changed, dx.Genome.from_records([locus.sequence]))",
    ),
    ("A locus with its genes", "Locus", "locus"),
    (
        "A store of embeddings", "Summary",
        'dx.load(dx.ATLAS_MODEL).embed_to("locus.zarr", locus.sequence, window=500)',
    ),
    ("The same, opened", "EmbeddingStore", 'store = dx.open_store("locus.zarr")\nstore'),
    ("Nearest windows", "StoreHits", "store.search(store.vectors()[:2], k=5)"),
    (
        "What a fine-tuning will do", "FinetuneConfig",
        'dx.FinetuneConfig("pocket", train="train.csv", dev="dev.csv", out="runs/mine")',
    ),
)  # fmt: skip

#: Results without an example here, and where to see them.
ELSEWHERE = {
    "Audit": "docs/gue-audit.md; needs GUE's files",
    "Blocks": "part of a dependency map",
    "Calibration": "docs/variants.md; needs labelled variants",
    "DatasetAudit": "docs/gue-audit.md; needs GUE's files",
    "Enrichment": "part of a comparison of sequences",
    "FinetuneResult": "notebooks/01_training.ipynb; needs a training run",
    "Genome": "a file",
    "HeadAgreement": "part of a dependency map",
    "HitTokens": "notebooks/04_motifs.ipynb",
    "Leaderboard": "docs/gue.md; needs results of GUE",
    "LeakageReport": "notebooks/01_training.ipynb; needs a training run",
    "Match": "a row of matches",
    "ModelInfo": "the line of a model",
    "NullRun": "docs/attribution.md",
    "PredictionSummary": "what the command predict says",
    "PretrainConfig": "docs/pretraining.md",
    "PretrainResult": "docs/pretraining.md; needs a training run",
    "Readings": "the line under a prediction",
    "Reproduction": "docs/provenance.md; needs a file that was exported",
    "RuleComparison": "part of a fine-tuning's result",
    "Scores": "part of a fine-tuning's result",
    "SeedsResult": "docs/finetuning.md; needs training runs",
    "Seqlets": "part of a discovery",
    "Sites": "part of a pattern",
    "StoreCheck": "docs/reliability.md",
    "TimeLapse": "notebooks/01_training.ipynb; needs a pre-training run",
    "Variant": "a line of a VCF",
    "VariantComparison": "notebooks/02_variants.ipynb",
    "VariantScorer": "settings, not a result",
    "VcfSummary": "what the command variants says",
}


#: The views: class, and the line that opens it.
#: ``scripts/notebook_pictures.py`` takes the pictures in JupyterLab.
VIEWS: tuple[tuple[str, str], ...] = (
    ("Workbench", "dx.Workbench(enc, classifier=splice)"),
    ("TokenExplorer", "dx.TokenExplorer(enc)"),
    ("AttentionExplorer", "dx.AttentionExplorer(enc)"),
    ("DependencyExplorer", "dx.DependencyExplorer(enc)"),
    ("NucleotideExplorer", "dx.NucleotideExplorer(enc)"),
    ("LensExplorer", "dx.LensExplorer(enc)"),
    ("LayersExplorer", "dx.LayersExplorer(enc)"),
    ("FeatureExplorer", "dx.FeatureExplorer(enc)"),
    ("AttributionExplorer", "dx.AttributionExplorer(splice)"),
    ("MotifGym", "dx.MotifGym(splice)"),
    ("VariantExplorer", "dx.VariantExplorer(enc)"),
    ("AtlasExplorer", "dx.AtlasExplorer()"),
    ("FinetuneApp", 'app = dx.FinetuneApp("category", model=dx.ATLAS_MODEL, folder="runs")\napp'),
    ("PretrainingMonitor", 'monitor = dx.PretrainingMonitor(runs="runs")\nmonitor'),
    ("TimeLapseExplorer", "dx.TimeLapseExplorer(monitor.state.folder)"),
    ("LeaderboardExplorer", 'dx.LeaderboardExplorer("results")'),
)


def write_gallery(path: Path) -> None:
    """Run every example and write the page."""
    with TemporaryDirectory() as scratch, contextlib.chdir(scratch):
        text = _gallery()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _gallery() -> str:
    names: dict[str, object] = {}
    exec(START, names)
    parts = [
        "# Gallery",
        "What a cell returns, with the lines that make it. Every result shows itself like this in a "
        "notebook, with or without a kernel; `dx.plot(result)` is its plotly figure, "
        "`result.table()` its rows, `dx.show(result)` its explorer. Each example follows on this "
        "beginning:",
        f"```python\n{START}\n```",
    ]
    for title, kind, code in EXAMPLES:
        *before, last = _statements(code)
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            exec("\n".join(before), names)
            shown = eval(last, names)
        if type(shown).__name__ != kind:
            raise AssertionError(f"{title}: {type(shown).__name__} in place of {kind}")
        # Here nothing is taken out, and no image has to stand for a drawing.
        html = re.sub(r'<img class="dx-still"[^>]*/>', "", shown._repr_mimebundle_()["text/html"])
        parts += [
            f"## {title}",
            f"```python\n{code}\n```",
            f'````{{raw}} html\n<div class="dx-shown">{html}</div>\n{_figure(shown)}````',
        ]
    parts += [
        "## The views",
        "In Jupyter, each alone or joined in the workbench; what is selected in one is selected in "
        "all that share a selection.",
    ]
    for name, code in VIEWS:
        parts += [f"### {name}", f"```python\n{code}\n```", f"![{name}](/views/{name}.png)"]
    parts += [
        "### The page that computes by itself",
        "```console\ndnabert2-explore page -m pocket-splice -o lab.html\n```",
        "![The page that computes by itself](/page.png)",
        "",
    ]
    return "\n\n".join(parts)


def _figure(shown: object) -> str:
    """Fold a result's plotly figure away under it; empty where it has none."""
    import dnabert2_explore as dx
    from dnabert2_explore.errors import InputError

    try:
        figure = dx.plot(shown)
    except InputError:  # there is none of its kind
        return ""
    return (
        "<details><summary><code>dx.plot(result)</code>, to zoom and hover</summary>"
        f"{figure_html(json.loads(figure.to_json()))}</details>\n"
    )


def _statements(code: str) -> list[str]:
    """Part code into its statements; the last is an expression."""
    import ast

    tree = ast.parse(code)
    return [ast.get_source_segment(code, one) or "" for one in tree.body]
