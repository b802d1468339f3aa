from itertools import pairwise

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore import InputError, Sequence
from dnabert2_explore.analysis.gym import SWEEPS, marginalize
from dnabert2_explore.analysis.gym.words import control_motif
from dnabert2_explore.sequences import reverse_complement
from dnabert2_explore.sequences.motifs.jaspar import as_motif
from dnabert2_explore.sequences.motifs.motif import Motif

BACKGROUND = "AACCTTGGATTGCATGCCAATCGGTTACGATCAATG"
OTHER = "TTGGCAATCCGTAACGTTAGCCATGCAATGGCTTCA"
SITE = "GTAAGT"
SPACED = f"{BACKGROUND[:10]} \n{BACKGROUND[10:]}"


def logit(enc, bases, name):
    """The output by the shortest way: one sequence, one pass."""
    import torch

    ids = torch.from_numpy(enc.tokenize(bases).ids)[None]
    with torch.inference_mode():
        return float(enc.network(ids).logits[0, enc.classes.index(name)])


def cell(result, row, column):
    return result.rows.values.index(row), result.columns.values.index(column)


def test_positions_and_strands_are_what_they_say(classifier):
    result = marginalize(classifier, BACKGROUND, SITE, "donor")
    assert result.columns.values == tuple(range(len(BACKGROUND) - 5))
    assert result.scores.shape == (2, 31, 1)
    assert result.sequence(0, 3) == "AAC" + "GTAAGT" + BACKGROUND[9:]
    assert result.sequence(1, 3) == "AAC" + "ACTTAC" + BACKGROUND[9:]
    assert result.without(1, 3) == BACKGROUND
    assert result.sequence(0, 30).endswith("GTAAGT")
    assert result.places(1, 3)[0][:2] == (3, 9)


def test_effects_are_differences_of_outputs(classifier):
    backgrounds = [Sequence("a", BACKGROUND), Sequence("b", OTHER)]
    result = marginalize(classifier, backgrounds, SITE, "acceptor", columns=[0, 11, 30])
    for row, column in ((0, 0), (1, 2), (0, 1)):
        by_hand = [
            logit(classifier, result.sequence(row, column, k), "acceptor")
            - logit(classifier, one.bases, "acceptor")
            for k, one in enumerate(backgrounds)
        ]
        assert result.of("effect")[row, column] == pytest.approx(by_hand, abs=1e-4)
        assert result.effect[row, column] == pytest.approx(np.mean(by_hand), abs=1e-4)
        assert result.spread[row, column] == pytest.approx(np.std(by_hand, ddof=1), abs=1e-4)
    largest = np.abs(result.effect).max()
    assert abs(result.effect[result.peak]) == largest > 0


def test_probabilities(classifier):
    result = marginalize(classifier, BACKGROUND, SITE, "donor", output="probability", columns=[4])
    predicted = classifier.predict([result.sequence(1, 0), BACKGROUND])[:, 0]
    assert result.unit == "probability"
    assert result.scores[1, 0, 0] == pytest.approx(predicted[0], abs=1e-5)
    assert result.baseline[1, 0, 0] == pytest.approx(predicted[1], abs=1e-5)


def test_without_a_target_the_class_that_changes_most(classifier):
    every = {name: marginalize(classifier, BACKGROUND, SITE, name) for name in classifier.classes}
    reach = {name: np.abs(result.effect).max() for name, result in every.items()}
    chosen = marginalize(classifier, BACKGROUND, SITE)
    assert chosen.target_name == max(reach, key=reach.get)
    np.testing.assert_allclose(chosen.scores, every[chosen.target_name].scores, atol=1e-5)


def test_orientations(classifier):
    result = marginalize(classifier, BACKGROUND, "GATTC", "donor", sweep="orientation", columns=[2])
    written = [result.sequence(row, 0)[2:7] for row in range(4)]
    assert written == ["GATTC", "GAATC", "CTTAG", "CTAAG"]
    assert result.rows.values == ("+", "-", "reversed", "complement")


def test_copies_stand_behind_the_first(classifier):
    result = marginalize(
        classifier, BACKGROUND, "GATC", "donor", sweep="copies", copies=3, columns=[0, 5], at=4
    )
    assert result.sequence(0, 0) == result.sequence(0, 1)
    assert result.sequence(1, 0)[4:12] == "GATCGATC"
    row, column = cell(result, 3, 5)
    expected = list(BACKGROUND)
    for start in (4, 13, 22):
        expected[start : start + 4] = "GATC"
    assert result.sequence(row, column) == "".join(expected)
    assert [place[:2] for place in result.places(row, column)] == [(4, 8), (13, 17), (22, 26)]


def test_a_pair_stands_as_its_strands_and_gap_say(classifier):
    result = marginalize(
        classifier, BACKGROUND, SITE, "donor", sweep="spacing", second="CCCTA", at=5, columns=[0, 4]
    )
    second = {"+": "CCCTA", "-": "TAGGG"}
    first = {"+": SITE, "-": "ACTTAC"}
    for strands in ("++", "+-", "-+", "--"):
        row, column = cell(result, strands, 4)
        made = result.sequence(row, column)
        assert made[5:11] == first[strands[0]]
        assert made[11:15] == BACKGROUND[11:15]
        assert made[15:20] == second[strands[1]]
        assert made[:5] + made[20:] == BACKGROUND[:5] + BACKGROUND[20:]


def test_the_interaction_is_what_the_parts_do_not_explain(classifier):
    result = marginalize(
        classifier, BACKGROUND, SITE, "donor", sweep="spacing", second="CCCTA", at=5, columns=[0, 4]
    )
    row, column = cell(result, "+-", 4)
    pair = result.sequence(row, column)
    first = BACKGROUND[:5] + SITE + BACKGROUND[11:]
    second = BACKGROUND[:15] + "TAGGG" + BACKGROUND[20:]
    score = [logit(classifier, bases, "donor") for bases in (pair, first, second, BACKGROUND)]
    assert result.interaction[row, column] == pytest.approx(
        score[0] - score[1] - score[2] + score[3], abs=1e-4
    )
    assert result.alone[0, row, column, 0] == pytest.approx(score[1], abs=1e-4)


def test_insertions_and_deletions_move_bases(classifier):
    result = marginalize(
        classifier, BACKGROUND, "GTACGT", "donor", sweep="indel", at=10, columns=[-2, 0, 3]
    )
    left, right = BACKGROUND[:10], BACKGROUND[16:]
    expected = {
        ("before", 3): left + right[-3:] + "GTACGT" + right[:-3],
        ("inside", 3): left + "GTA" + right[-3:] + "CGT" + right[:-3],
        ("behind", 3): left + "GTACGT" + right[-3:] + right[:-3],
        ("before", -2): left[:-2] + "GTACGT" + right + left[-2:],
        ("inside", -2): left + "GT" + "GT" + right + "AC",
        ("behind", -2): left + "GTACGT" + right[2:] + right[:2],
        ("inside", 0): left + "GTACGT" + right,
    }
    marked = {("before", 3): (13, 19), ("inside", 3): (10, 19), ("before", -2): (8, 14)}
    for (where, change), bases in expected.items():
        row, column = cell(result, where, change)
        assert result.sequence(row, column) == bases
        assert sorted(bases) == sorted(expected["inside", 0])
        if (where, change) in marked:
            assert result.places(row, column)[0][:2] == marked[where, change]
    # The background it is compared with has the same bases moved.
    row, column = cell(result, "before", 3)
    plain = BACKGROUND[:10] + BACKGROUND[-3:] + BACKGROUND[10:-3]
    assert result.without(row, column) == plain
    assert result.baseline[row, column, 0] == pytest.approx(
        logit(classifier, plain, "donor"), abs=1e-4
    )


def test_no_more_is_deleted_inside_than_there_is(classifier):
    result = marginalize(
        classifier, BACKGROUND, "GATC", "donor", sweep="indel", at=12, columns=[-5, -4, 2]
    )
    assert np.isnan(result.scores[1, 0]).all()
    assert np.isfinite(np.delete(result.scores.reshape(-1), 3)).all()
    assert result.sequence(1, 1) == BACKGROUND[:12] + BACKGROUND[16:] + "GATC"
    with pytest.raises(InputError, match="no 5 bases to delete"):
        result.sequence(1, 0)


def test_shuffled_backgrounds_keep_dinucleotides(classifier):
    both = marginalize(classifier, BACKGROUND, SITE, "donor", shuffled=2, columns=[0])
    alone = marginalize(
        classifier, BACKGROUND, SITE, "donor", shuffled=2, only_shuffled=True, columns=[0], seed=1
    )
    assert [len(both.backgrounds), len(alone.backgrounds)] == [3, 2]
    assert both.backgrounds[0].bases == BACKGROUND
    pairs = sorted(a + b for a, b in pairwise(BACKGROUND))
    for one in (*both.backgrounds, *alone.backgrounds):
        assert sorted(a + b for a, b in pairwise(one.bases)) == pairs
    assert len({one.bases for one in alone.backgrounds} | {BACKGROUND}) == 3


def test_sites_are_drawn_from_the_motif(classifier):
    motif = Motif("m", np.array([[1, 0, 0, 1], [0, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 1]]))
    result = marginalize(classifier, [BACKGROUND, OTHER], motif, "donor", columns=[1], sites=3)
    assert result.scores.shape == (2, 1, 6)
    for k, (site,) in enumerate(result.sites):
        assert all(motif.probabilities[i]["ACGT".index(b)] > 0 for i, b in enumerate(site))
        assert result.sequence(0, 0, k)[1:5] == site
    assert len(set(result.sites)) > 1


def test_the_control_has_the_same_bases_in_another_order(classifier):
    result = marginalize(
        classifier, [BACKGROUND, OTHER], "GGCATTAC", "donor", control=True, columns=[7]
    )
    for k, (word,) in enumerate(result.control_sites):
        assert sorted(word) == sorted("GGCATTAC")
        assert word not in ("GGCATTAC", reverse_complement("GGCATTAC"))
        made = result.sequence(0, 0, k, control=True)
        assert made[7:15] == word
        by_hand = logit(classifier, made, "donor") - result.baseline[0, 0, k]
        assert result.of("control")[0, 0, k] == pytest.approx(by_hand, abs=1e-4)


def test_a_control_is_not_the_motif_moved_aside():
    motif = Motif.of_word(SITE)
    for seed in range(10):
        word = control_motif(motif, np.random.default_rng(seed)).consensus
        assert not any(
            SITE[i : i + 4] in strand
            for strand in (word, reverse_complement(word))
            for i in range(3)
        )


def test_a_masked_span_is_asked_of_a_model_without_classes(enc):
    span = (20, 24)
    result = marginalize(enc, BACKGROUND, "GATC", target=span, columns=[0, 8, 21])
    assert result.unit == "nats"
    asked = dx.attribute(enc, BACKGROUND, span, method="saturation_mutagenesis")
    assert result.baseline[0, 0, 0] == pytest.approx(asked.score, abs=1e-4)
    assert np.isfinite(result.scores[:, :2]).all()
    assert np.isnan(result.scores[:, 2]).all()  # would write over what is predicted
    with pytest.raises(InputError, match="Every cell would write over"):
        marginalize(enc, BACKGROUND, "GATC", target=span, columns=[20, 21])


def test_every_variant_once_and_progress(classifier):
    seen = []
    result = marginalize(
        classifier, BACKGROUND, SITE, "donor", progress=lambda done, total: seen.append(total)
    )
    texts = {result.sequence(r, c) for r in range(2) for c in range(31)} | {BACKGROUND}
    assert set(seen) == {len(texts)}


def test_the_table_is_tidy(classifier):
    result = marginalize(
        classifier, [BACKGROUND, OTHER], SITE, "donor", columns=[0, 9], control=True
    )
    table = result.table()
    assert len(table) == 2 * 2 * 2
    line = table[
        (table.strand == "-") & (table.position == 9) & (table.background == "background 2")
    ].iloc[0]
    assert line.effect == pytest.approx(result.of("effect")[1, 1, 1])
    assert line.control == pytest.approx(result.of("control")[1, 1, 1])
    assert line.score - line.baseline == pytest.approx(line.effect, abs=1e-5)


def test_motifs_by_word_name_and_accession():
    assert as_motif("acgt").consensus == "ACGT"
    assert as_motif("MA0139").name == as_motif("ctcf").name == "CTCF"


@pytest.mark.parametrize("sweep", SWEEPS)
def test_every_sweep_fits_by_default(classifier, sweep):
    result = marginalize(classifier, BACKGROUND, "GATC", "donor", sweep=sweep)
    for row in range(len(result.rows)):
        for column in range(len(result.columns)):
            if result.design.exists(row, column):
                assert len(result.sequence(row, column)) == len(BACKGROUND)
    assert np.isfinite(result.effect).sum() > result.effect.size / 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"motif": "A" * 40}, "longer than the background of 36 bp"),
        ({"motif": " "}, "There is no motif"),
        ({"motif": "NOSUCHFACTOR"}, "no profile"),
        ({"sweep": "around"}, "choose one of position"),
        ({"columns": []}, "nothing to sweep"),
        ({"sweep": "copies", "copies": 0}, "nothing to sweep"),
        ({"sweep": "copies", "copies": 7}, "7 copies of 6 bp are longer"),
        ({"sweep": "spacing", "second": "C" * 31}, "Motifs of 6 and 31 bp"),
        ({"sweep": "spacing", "columns": [-1]}, "0 bp or more"),
        ({"sweep": "spacing", "columns": [40]}, "Gap 40 does not fit"),
        ({"sweep": "indel", "at": 2, "columns": [-3]}, "Change -3 does not fit"),
        ({"sweep": "indel", "at": 28, "columns": [3]}, "Change 3 does not fit"),
        ({"sweep": "copies", "at": 31}, "choose 0 to 6"),
        ({"columns": [31]}, "Position 31 does not fit"),
        ({"second": "GATC"}, 'take sweep="spacing"'),
        ({"at": 3}, "'position' moves the site, so at=3"),
        ({"sweep": "orientation", "at": 0}, "'orientation' moves the site, so at=0"),
        ({"shuffled": -1}, "shuffled is -1; expected 0 or more"),
        ({"sites": -2}, "sites is -2; expected 0 or more"),
        ({"background": SPACED, "columns": [3]}, "Background 1 holds white space.* columns asks"),
        (
            {"background": [BACKGROUND, SPACED], "sweep": "copies", "at": 3, "copies": 2},
            "Background 2 holds white space.* at asks",
        ),
        ({"target": "exon"}, "donor, acceptor, neither"),
        ({"target": 7}, "out of range"),
        ({"background": []}, "There are no sequences"),
        ({"background": [BACKGROUND, "ACGTACGTAC"]}, "of one length"),
        ({"only_shuffled": True}, "shuffled=1"),
        ({"background": "N" * 36}, "no A, C, G or T"),
    ],
)
@pytest.mark.filterwarnings("default::dnabert2_explore.errors.ExploreWarning")  # one is all N
def test_what_cannot_be_swept_is_said_in_one_sentence(classifier, change, words):
    wanted = {"background": BACKGROUND, "motif": SITE, "target": "donor", **change}
    with pytest.raises(InputError, match=words):
        marginalize(classifier, **wanted)


def test_white_space_is_dropped_where_no_base_is_counted(classifier, enc):
    plain = marginalize(classifier, BACKGROUND, SITE, "donor")
    np.testing.assert_array_equal(
        marginalize(classifier, SPACED, SITE, "donor").scores, plain.scores
    )
    with pytest.raises(InputError, match=r"white space.* target asks"):
        marginalize(enc, SPACED, SITE, (20, 24))


def test_what_a_sweep_does_not_have(classifier, enc):
    result = marginalize(classifier, BACKGROUND, SITE, "donor", columns=[0])
    assert np.isnan(result.spread).all()
    assert result.has("effect")
    assert not result.has("control")
    for shown, words in (
        ("control", "control=True"),
        ("interaction", "spacing"),
        ("sum", "choose"),
    ):
        with pytest.raises(InputError, match=words):
            result.of(shown)
    with pytest.raises(InputError, match="control=True"):
        result.sequence(0, 0, control=True)
    with pytest.raises(InputError, match="has no classes"):
        marginalize(enc, BACKGROUND, SITE)
