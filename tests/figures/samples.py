"""One of every result that a notebook can show, cheap to make."""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore.analysis.attribution import rank_correlations
from dnabert2_explore.analysis.motifs import Discovery, MotifFindings, NullRun, Pattern, Sites
from dnabert2_explore.analysis.motifs.discovery.seqlets import Seqlets
from dnabert2_explore.analysis.timelapse import TimeLapse
from dnabert2_explore.analysis.variants import Calibration, Comparison, VariantScorer, VcfSummary
from dnabert2_explore.analysis.variants.compare import compare_variant
from dnabert2_explore.sequences import UnknownBasesWarning
from dnabert2_explore.sequences.annotation.annotations import Annotation, Feature
from dnabert2_explore.sequences.reading.genome import Genome
from dnabert2_explore.stores.check import Damage, StoreCheck
from dnabert2_explore.training.finetune.seeds import SeedsResult
from dnabert2_explore.training.gue import Audit, DatasetAudit, leaderboard
from dnabert2_explore.training.gue.auditing.audited import Rule
from dnabert2_explore.training.labelled.leakage import LeakageReport, SplitOverlap
from dnabert2_explore.training.predict import PredictionSummary
from dnabert2_explore.training.pretrain.config import PretrainResult
from dnabert2_explore.training.scores.metrics import Estimate, score
from dnabert2_explore.training.scores.rules import RuleComparison


@lru_cache
def attributed() -> list[Any]:
    """Results of a classifier on a splice site."""
    splice, site = dx.load("pocket-splice"), dx.demo.splice()[0]
    why = dx.attribute(splice, site, "donor", method="occlusion")
    other = dx.attribute(splice, site, "donor", method="saliency")
    short = dx.attribute(splice, site.bases[70:130], "donor", method="occlusion")
    return [
        why,
        short,
        rank_correlations([why, other]),
        dx.saturation_mutagenesis(splice, site, "donor", region=(80, 120)),
        dx.average_offsets(splice, site, "donor", method="occlusion", crops=3),
        dx.mirror_strands(splice, site, "donor", method="occlusion"),
        dx.scorecard(splice, site, "donor", method="occlusion", crops=2, twins=1, orders=2,
                     mutated=10),
        dx.marginalize(splice, [one.bases for one in dx.demo.splice()[:3]], "GTAAGT", "donor",
               columns=range(80, 120, 2), control=True),
        dx.marginalize(splice, site, "GTAAGT", "donor", sweep="copies", copies=7,
                       columns=(0, 2, 4)),
        dx.AttributionSettings(method="occlusion", window=2),
    ]  # fmt: skip


@lru_cache
def read() -> list[Any]:
    """Sequences, tokens, attention, models and what they make of sequences."""
    enc, windows, locus = dx.load("pocket"), dx.demo.windows(), dx.demo.locus()
    genome = Genome.from_records(windows[:20])
    with pytest.warns(UnknownBasesWarning):
        unknown = enc.tokenize("ACGTNN--ACGTAGCATCGGA")
    return [
        windows[0],
        dx.Sequence("rna", "acguNNryacgu" * 60, "x", "a description", {"field": "value"}),
        locus,
        genome,
        enc,
        enc.info,
        enc.tokenize(windows[0].bases),
        unknown,
        dx.attend(enc, windows[0].bases[:120]),
        dx.attend(enc, windows[0]),
        dx.dependency_map(enc, windows[0].bases[:90], (20, 70), twin=True),
        dx.dependency_map(dx.load("pocket-splice"), dx.demo.splice()[0], (95, 110), of="donor"),
        dx.dependency_map(enc, windows[0].bases[:90], (20, 60)).heads(),
        dx.dependency_map(enc, windows[0].bases[:90], (20, 60)).blocks(copies=2),
        dx.compare_tokenizers(enc, windows[0].bases[:60]),
        dx.replay_merges(enc, windows[0].bases[:60]),
        dx.vocabulary_curve(windows[::20], sizes=(16, 64, 256)),
        Annotation({"a": (Feature(0, 9, "+", "exon", "one"),)}, {"a": 60}, "a.gff3"),
        dx.enrich_track(np.arange(60.0) % 7, [Feature(0, 9, "+", "exon", "one")]),
        dx.fragment_motifs(
            enc, dx.demo.motif()[:9], dx.scan_motifs(dx.demo.motif()[:9], dx.jaspar_motif("NFE2"))
        ),
        dx.head_atlas(enc, windows[:2], permutations=2, twin=True),
        dx.nucleotide_probabilities(enc, windows[0].bases[:60], (10, 30)),
        dx.lens(enc, windows[0].bases[:60], (10, 30)),
        dx.layers(dx.load("pocket-splice"), dx.demo.splice()[::3], poolings=["mean"]),
        dx.patch(
            enc, windows[0].bases[:90], windows[0].bases[:50] + windows[0].bases[54:90], (8, 12)
        ),
        dx.patch_heads(
            dx.load("pocket-splice"),
            dx.demo.splice()[0],
            dx.demo.splice()[0].bases[:100] + "A" + dx.demo.splice()[0].bases[101:],
            "donor",
            twin=True,
        ),
        dx.recall(enc, windows[:3], distances=(50, 100), places=2, twin=True),
        enc.embed_long(locus.sequence.bases[:6000], window=1000, overlap=100),
        dx.load("pocket-splice").info,
        __import__("dnabert2_explore.encoder.passes.readings", fromlist=["Readings"]).Readings(
            "both", 2
        ),
    ]


@lru_cache
def features() -> list[Any]:
    """Sparse features, where they are active, and what they go with."""
    enc, windows = dx.load("pocket"), dx.demo.windows()[:12]
    made = dx.features.train(enc, windows, 1, n_features=32, k=4, steps=4)
    readings = made.read(enc, windows)
    inside = [[(200, 400)] for _ in windows]
    return [made, readings, readings.enrichment(inside, turns=20)]


@lru_cache
def maps() -> list[Any]:
    """Maps of sequences and what they are worth."""
    some = [one for one in dx.demo.windows() if one.label in ("fungi", "mammal")][::6]
    rng = np.random.default_rng(0)
    labels = [one.label for one in some]
    # Two clouds and noise: quick, and clusters to find.
    vectors = rng.normal(size=(len(some), 8)) + 6 * np.array(
        [[label == "fungi"] * 8 for label in labels]
    )
    spaces = {"one": vectors, "other": vectors[:, :4], "noise": rng.normal(size=vectors.shape)}
    plane = dx.fit_projection(vectors, method="pca")
    return [
        plane,
        dx.fit_projection(vectors, method="pca", dimensions=3),
        dx.judge_map(plane.plane, vectors, [one.bases for one in some], labels, label="kingdom"),
        dx.find_clusters(vectors, min_cluster_size=5, draws=3),
        dx.compare_spaces(spaces),
        dx.align_maps(spaces, method="pca"),
    ]


@lru_cache
def motifs() -> list[Any]:
    """Motifs, hits, matches, patterns, findings."""
    ap1 = dx.Motif.of_word("TGACTCA", "AP-1")
    maf, tbp = dx.jaspar_motif("MAFK"), dx.jaspar_motif("TBP")
    matches = dx.match_motifs([maf, ap1])
    windows = dx.demo.windows()[:40]
    hits = dx.scan_motifs(windows, [maf, tbp], threshold=1e-3)
    rng = np.random.default_rng(0)
    sites = Sites(np.arange(9) % 4, np.arange(9) * 10, np.arange(9) * 10 + 7, np.ones(9, int))
    pattern = Pattern(ap1, rng.normal(size=(7, 4)), 1, sites, 0.01)
    against = dataclasses.replace(pattern, sign=-1)
    found = Discovery((pattern, against), "seqlets", 4, 30, 18, 0, np.full(4, 120), {"seed": 0})
    null = NullRun("a twin", 2, 0.4, "TBP")
    return [
        maf,
        hits,
        hits.tokens(0, dx.load("pocket").tokenize(windows[0].bases)),
        matches,
        matches[0],
        dx.differential_motifs(windows[:20], windows[20:], [maf, ap1, tbp], threshold=1e-3),
        dx.compare_sequences(windows[:20], windows[20:], k=4),
        dx.compare_sequences(windows[:20], windows[20:], k=4).kmers,
        sites,
        pattern,
        found,
        MotifFindings(tuple(windows[:4]), (), found, dx.match_motifs([ap1, ap1]), "bound", "logit",
                      "saturation_mutagenesis", "mine", (null,)),
        null,
        Seqlets(np.zeros(3, int), np.arange(3), np.arange(3) + 8, np.ones(3), np.full(3, 1e-5),
                np.full(3, 0.01), np.ones(3, int), 4, "shuffled bases, seed 0"),
    ]  # fmt: skip


@lru_cache
def variants() -> list[Any]:
    """Variants and their scores."""
    enc, locus = dx.load("pocket"), dx.demo.locus()
    name, bases = locus.sequence.name, locus.sequence.bases.upper()
    genome = Genome.from_records([dataclasses.replace(locus.sequence, bases=bases)])
    one = dx.Variant(name, 3000, bases[3000], "A" if bases[3000] != "A" else "C")
    other = dx.Variant(name, 3100, bases[3100], bases[3100] + "ACG")
    wrong = dx.Variant("nowhere", 1, "A", "C")
    scorer = VariantScorer.make(enc, genome, window=128)
    rows = (
        Comparison("-llr", "model", 10, 20, 0.7, 0.6, 0.8, 0.1, -0.1, 0.2),
        Comparison("GC", "baseline", 10, 20, 0.6, 0.5, 0.7, np.nan, np.nan, np.nan),
    )
    return [
        one,
        dx.score_variants(enc, [one, other, wrong], genome, window=128),
        compare_variant(scorer, one),
        Calibration(rows, "GC", 3, 1000, 0),
        VcfSummary(10, 12, 11, {"mismatch": 1}, ("wrong",), "", "no index"),
    ]


def trained(folder: Path, runs: list[Any]) -> list[Any]:
    """Results of training and of the benchmark."""
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=60)
    right = np.where(rng.random(60) < 0.8, labels, 1 - labels)
    scores = score("classification", labels, np.eye(2)[right], ("no", "yes"), bootstrap=20)
    overlap = SplitOverlap("train", "test", 2, 1, 60, 60, ("a = b",), 0.5, 3, 2, 0.1)
    leakage = LeakageReport((overlap,))
    rule = RuleComparison("kmer", "4-mers, logistic", Estimate(0.4, 0.2, 0.6),
                          Estimate(0.2, 0.05, 0.3), {"kmer": 0.4, "pwm": 0.1}, "given")  # fmt: skip
    result = dx.FinetuneResult(
        "classification", ("no", "yes"), 40, 80, 12.5, False, scores, scores, leakage,
        {"train": 400, "dev": 60, "test": 60}, ("a note",), folder / "model", rule,
    )  # fmt: skip
    board = leaderboard(runs, published=("DNABERT-2", "DNABERT 6-mer"))
    none = Estimate(float("nan"))
    audited = DatasetAudit(
        "tf_2", "full", "mcc", {}, {}, 200, 60, 60, 0.8, 0, 0, 0, 0, 0, 140,
        {"twins": Rule("label opposite to the twin's", Estimate(0.8, 0.7, 0.9), none, "")}, "twins",
        "", ("DNABERT-2", 0.7), "fail", ("60 of 200 have a twin",), {}, "", "",
    )  # fmt: skip
    tokens = dx.load("pocket").tokenize(dx.demo.windows()[0].bases[:60])
    n = len(tokens)
    lapse = TimeLapse(
        np.array([0, 10, 20, 40]), tokens, rng.uniform(0, 0.1, (4, n)).astype(np.float32),
        np.ones((4, n), np.float32), np.ones((4, n, n), np.float32) / n, rng.normal(size=(4, 5, 2)),
        tuple("abcde"), tuple("xxyyy"), np.linspace(0.3, 0.6, 4), np.full(4, 0.3), 3, 1, 0, 256,
        "step-40",
    )  # fmt: skip
    return [
        scores,
        leakage,
        rule,
        result,
        SeedsResult((1, 2), (result, result)),
        dx.FinetuneConfig("pocket", train="train.csv", dev="", out="runs/mine"),
        PretrainResult(
            10, 20, 1000, 3.0, False, folder / "checkpoint", folder / "model", ("note",)
        ),
        PredictionSummary(60, folder / "out.csv", "classification", ("no", "yes"), "m", scores, ()),
        board,
        Audit({"tf_2": audited}),
        audited,
        lapse,
    ]


def stored(folder: Path) -> list[Any]:
    """A store, and what making and checking it says."""
    summary = dx.load("pocket").embed_to(
        folder / "g.zarr", dx.demo.windows()[:3], window=250, stride=250
    )
    store = dx.open_store(folder / "g.zarr")
    damage = (Damage(0, folder / "file", "cut short"),)
    return [summary, store, StoreCheck(folder, 3, 3, damage, True)]
