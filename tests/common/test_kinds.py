"""What a newcomer hands in by mistake is named, with what makes the right thing."""

from __future__ import annotations

import inspect
import re

import numpy as np
import pandas as pd
import pytest

import dnabert2_explore as dx
from dnabert2_explore.common.kinds import _MAKERS

SITE = "ACGTTGCATTAGCATGCAATGGCACGTTGC"


@pytest.fixture(scope="module")
def enc():
    return dx.load("pocket")


CALLS = [
    (lambda enc: dx.attend("pocket", SITE), r"enc is 'pocket'; expected Encoder: .*load\("),
    (lambda enc: dx.layers(None, [SITE]), "enc is None; expected Encoder"),
    (lambda enc: dx.random_twin("pocket"), "enc is 'pocket'; expected Encoder"),
    (lambda enc: dx.load(enc), "name is an Encoder; expected a str or a path"),
    (lambda enc: dx.project("x", method="pca"), "embeddings is 'x'; expected an array of numbers"),
    (lambda enc: dx.project(dx.demo.windows()), "a list of Sequence; expected an array of numbers"),
    (lambda enc: dx.compare_spaces(np.eye(9)), "spaces is a ndarray; expected a dict"),
    (lambda enc: dx.compare_tokenizers(enc, SITE, ["pocket"]), "others is a list of str; .*a dict"),
    (lambda enc: dx.recall(enc, SITE, distances=50), "distances is 50; .*a list of whole numbers"),
    (lambda enc: dx.vocabulary_curve(SITE, sizes=16), "sizes is 16; .*a list of whole numbers"),
    (lambda enc: dx.fragment_motifs(enc, [SITE], [SITE]), "hits is a list of str; expected Hits"),
    (lambda enc: dx.enrich_track(np.ones(50), [(1, 9)]), "features is a list of tuple; .*Feature"),
    (lambda enc: dx.score_variants(enc, "c:1 A>G", dx.Sequence("c", SITE)), "genome is a Sequence"),
    (lambda enc: dx.Genome(None), "path is None; expected a str or a path"),
    (lambda enc: dx.read_bed(pd.DataFrame(), "g.fa"), "source is a DataFrame; .*an open file"),
    (lambda enc: dx.read_annotation(None), "A path was given as|source is None"),
    (lambda enc: dx.join_table([dx.Sequence("a", SITE)], {"name": ["a"]}), "A path was given as d"),
    (lambda enc: dx.jaspar_motif(None), "name is None; expected a str"),
    (lambda enc: dx.finetune({"model": "pocket"}), "config is a dict; expected FinetuneConfig"),
    (lambda enc: dx.pretrain("run.yaml"), "config is 'run.yaml'; expected PretrainConfig"),
    (lambda enc: dx.check_store("x.zarr"), r"expected EmbeddingStore: make it with open_store"),
    (lambda enc: dx.leaderboard(["runs"]), "runs is a list of str; .*list of GueRun"),
    (lambda enc: dx.timelapse("runs", SITE, []), "snapshots is 'runs'; expected a list of"),
    (lambda enc: dx.AtlasExplorer(dx.demo.windows()), "enc is a list of Sequence; .*Encoder"),
    (lambda enc: dx.Workbench("pocket"), "enc is 'pocket'; expected Encoder"),
    (lambda enc: dx.motif_report([], title="", model="", caption=""), "expected Discovery"),
    (lambda enc: dx.calibrate([1, 2], [0, 1]), "scores is a list of int; expected VariantScores"),
    (lambda enc: dx.scorecard(enc, SITE, (3, 9), truth=(3, 9)), r"expected a list of pairs \(st"),
    (lambda enc: dx.Sequence("a", b"ACGT"), "bases of sequence 'a' are given as bytes: give a str"),
    (lambda enc: dx.gc_content([SITE]), "A sequence was given as list; expected a str"),
    (lambda enc: enc.tokenize([SITE, SITE]), "list; expected a str .* takes one at a time"),
    (lambda enc: dx.reverse_complement(None), "A sequence was given as NoneType"),
    (lambda enc: enc.masked_log_probs(SITE, [5]), "ids is 'ACGT.*a list of an array of numbers"),
    (lambda enc: dx.Motif("a", "ACGT"), "given as a word: make it with Motif.of_word"),
    (lambda enc: dx.FinetuneConfig("pocket", [("A", 1)], "", "out"), "train is given as list; "),
    (lambda enc: dx.load("pocket-splice").as_onehot(["donor"]), "is no class: give its name"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "words"), CALLS)
def test_what_is_of_another_kind_is_refused_in_a_sentence(enc, call, words):
    with pytest.raises(dx.InputError, match=words) as caught:
        call(enc)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_what_makes_the_right_thing_is_there():
    for kind, maker in _MAKERS.items():
        for name in re.findall(r"^(\w+)(?:\.(\w+))?\(", maker):
            made = getattr(dx, name[0])
            assert callable(getattr(made, name[1]) if name[1] else made), kind
        assert maker.startswith("`") or re.match(r"\w+(\.\w+)?\(", maker), kind


def test_what_is_meant_is_still_taken(enc, tmp_path):
    """Kinds are looked at loosely: subclasses, arrays, generators, numpy's numbers."""
    windows = dx.demo.windows()[:12]
    vectors = enc.embed(windows)
    plane = dx.project(pd.DataFrame(vectors), method="pca")
    np.testing.assert_allclose(plane, dx.project(vectors.tolist(), method="pca"), atol=1e-3)
    dx.recall(enc, windows[:1], distances=np.array([50]), places=1)
    ids = enc.tokenize(SITE).ids
    listed, array = (enc.masked_log_probs([ids], [at])[0] for at in ([2], np.array([2])))
    np.testing.assert_array_equal(listed, array)
    texts, labels = [one.bases for one in windows], ["a", "b"] * 6
    one = dx.judge_map(plane, vectors, windows, labels)
    assert one.axes == dx.judge_map(plane, vectors, iter(texts), labels).axes
    with pytest.raises(dx.InputError, match=r"plane has shape \(12,\); expected \(sequences"):
        dx.judge_map(plane[:, 0], vectors, windows)
    assert dx.gc_content(windows[0]) == dx.gc_content(texts[0])
    assert dx.reverse_complement(windows[0]) == dx.reverse_complement(texts[0])


def test_motifs_may_be_words_and_names():
    windows = dx.demo.windows()[:4]
    for given in ("MAFK", ["MAFK"], dx.jaspar_motif("MAFK"), iter([dx.jaspar_motif("MA0496")])):
        hits = dx.scan_motifs(windows, given, threshold=1e-3)
        assert [one.name for one in hits.motifs] == ["MAFK"]
    assert dx.scan_motifs(["ccTGACTCAcc"], "tgactca").motifs[0].consensus == "TGACTCA"
    assert dx.differential_motifs(windows[:2], windows[2:], "MAFK", threshold=1e-3).motifs
    with pytest.raises(dx.InputError, match=r"no profile 'peaks\.meme' among its vertebrates"):
        dx.scan_motifs(windows, "peaks.meme")


def test_every_call_says_its_kinds_as_text():
    """`kinds` reads annotations, which are text where a module postpones them."""
    for name in dx.__all__:
        if inspect.isfunction(call := getattr(dx, name)):
            for one in inspect.signature(call).parameters.values():
                assert isinstance(one.annotation, str), f"{name}({one})"


def test_what_has_rows_has_a_table(tmp_path, enc):
    motif, windows = dx.jaspar_motif("MAFK"), dx.demo.windows()[:4]
    rows = motif.table()
    assert list(rows) == ["position", *"ACGT", "information"]
    np.testing.assert_array_equal(rows[list("ACGT")], motif.probabilities)
    vectors = enc.embed(windows)
    made = dx.fit_projection(vectors, method="pca")
    np.testing.assert_array_equal(made.table()[["x", "y"]], made.plane)
    beside = dx.EmbeddedSequences(tuple(windows), vectors, "here").table()
    assert beside["name"].tolist() == [one.name for one in windows]
    np.testing.assert_array_equal(beside.iloc[:, 2:], vectors)
    hits = dx.scan_motifs(windows, motif, threshold=1e-3)
    cut = hits.tokens(int(hits.sequence[0]), enc.tokenize(windows[int(hits.sequence[0])].bases))
    assert (cut.table()["last"] - cut.table()["first"] == cut.pieces).all()


def test_what_cannot_be_opened_is_told_so(enc):
    matches = dx.match_motifs("MAFK")
    with pytest.raises(dx.InputError, match="no explorer for this Matches: its name at the end"):
        dx.show(matches)
    scores = dx.score_variants(enc, "c:9 A>G", dx.Genome.from_records([dx.Sequence("c", SITE)]))
    with pytest.raises(dx.InputError, match=r"this VariantScores: .*, and \.table\(\) has its"):
        dx.show(scores)  # it was a table without sequences
    with pytest.raises(dx.InputError, match="Sequences were given as VariantScores; expected a"):
        dx.attend(enc, scores)
    with pytest.raises(dx.InputError, match=r"no figure of 2 Motifs at once: give one, such as"):
        dx.plot([dx.jaspar_motif("MAFK")] * 2)
    with pytest.raises(dx.InputError, match="no figure of an int: give what a call"):
        dx.plot(3)
    with pytest.raises(dx.InputError, match="Theme 'black' is unknown: choose one of light, dark"):
        dx.plot(dx.jaspar_motif("MAFK"), theme="black")
    attention = dx.attend(dx.load("pocket"), SITE)
    with pytest.raises(dx.InputError, match="figure of Attention has no option 'colour'"):
        dx.plot(attention, colour="red")
    assert type(dx.show(dx.jaspar_motif("MAFK"))).__name__ == "MotifGym"


def test_views_say_in_a_line_what_they_are():
    bench = dx.Workbench(sequences=dx.demo.splice()[:2])
    assert repr(bench) == f"<Workbench: pocket, {dx.demo.splice()[0].name}>"
    assert repr(dx.LeaderboardExplorer("no/such/folder")) == "<LeaderboardExplorer>"
    one_hot = dx.load("pocket-splice").as_onehot("donor")
    assert repr(one_hot) == "<OneHotModel: logit of donor by pocket-splice, of (batch, 4, length)>"
