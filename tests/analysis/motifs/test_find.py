"""From a model to motifs: what is found, and what is refused before the attribution."""

from __future__ import annotations

import sys
from functools import wraps

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore import InputError, Sequence
from dnabert2_explore.analysis.motifs import NullRun, discover_motifs, find, null_share
from dnabert2_explore.analysis.motifs.null import null_words
from dnabert2_explore.encoder.loading.twin import random_twin

from ...conftest import random_bases

SET = [Sequence(f"s{i}", random_bases(60, seed=i)) for i in range(4)]


@pytest.fixture
def untouched(monkeypatch):
    """Let no sequence be attributed: what is refused has to be refused before."""

    @wraps(find.attribute)  # settings are checked against its signature
    def attributed(*_arguments, **_settings):
        pytest.fail("a sequence was attributed before the settings were looked at")

    monkeypatch.setattr(find, "attribute", attributed)
    monkeypatch.setattr(find, "saturation_mutagenesis", attributed)


def test_contributions_are_those_of_attribute(classifier):
    sequences = [Sequence(f"s{i}", random_bases(80, seed=i)) for i in range(30)]
    seen = []
    found = discover_motifs(
        classifier, sequences, "donor", method="input_x_gradient",
        spread="occlusion",
        least=2, fdr=1.0, p_value=0.2, e_value=1e9, similar=0.9,
        progress=lambda *at: seen.append(at),
    )  # fmt: skip
    for one, scores in zip(sequences[:3], found.contributions, strict=False):
        alone = dx.attribute(
            classifier, one, "donor", method="input_x_gradient", spread="occlusion"
        )
        np.testing.assert_allclose(scores, alone.base_scores, atol=1e-6)
    assert found.target_name == "donor"
    assert found.sequences == tuple(sequences)
    assert found.discovery.n_sequences == 30
    assert (found.matches is None) == (not found.discovery.patterns)
    assert "30 sequences" in found.caption
    assert seen[-1][0] == seen[-1][1]


@pytest.mark.parametrize("one", [SET[0], SET[0].bases], ids=["Sequence", "str"])
def test_one_sequence_is_a_set_of_one(classifier, one):
    with pytest.raises(InputError, match=r"seqlets? in 1 sequence are too few"):
        discover_motifs(classifier, one, "donor", method="saliency")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"caller": "meme"}, "Caller 'meme' is unknown"),
        ({"least": 1}, "least is 1"),
        ({"widths": (9, 5)}, "Widths 9 to 5 are no range"),
        ({"widths": (5, 500)}, "at most 64 bp"),
        ({"widths": (61, 64)}, "longest sequence has 60 bp"),
        ({"null": "words"}, "Null 'words' is unknown"),
        ({"null": -1}, "null is -1"),
        ({"null": [3]}, "3 is no null model"),
        ({"null": 1, "pool": SET[:2]}, "pool holds 2 sequences, fewer than the 4"),
        ({"fdr": 0}, "fdr is 0"),
        ({"p_value": 2}, "p_value is 2"),
        ({"flank": -1}, "flank is -1"),
        ({"database": []}, "no motifs to match against"),
        ({"fdrr": 0.1}, "no setting 'fdrr': choose from widths"),
        ({"hypothetical": []}, "no setting 'hypothetical'"),
        ({"sequences": []}, "no sequences"),
        ({"sequences": [*SET, Sequence("gap", "N" * 60)]}, r"Sequence 5 \('gap'\) has no A, C"),
        ({"sequences": ["ACGTACGT", "NNRYN"]}, "Sequence 2 has no A, C"),
        ({"target": None}, "name it as target"),
        ({"method": "magic"}, "Method 'magic' is unknown"),
        ({"n_steps": 50}, "'saturation_mutagenesis' takes no n_steps"),
        (
            {"method": "mutagenesis_gradient", "spread": "occlusion"},
            "'mutagenesis_gradient' takes no spread",
        ),
        ({"method": "saliency", "steps": 5}, "no setting 'steps'"),
        ({"caller": "modisco", "method": "saliency"}, "needs what every base would"),
    ],
)
def test_what_cannot_be_used_is_said_before_the_attribution(classifier, untouched, change, words):
    wanted = {"sequences": SET, "target": "donor", **change}
    with pytest.raises(InputError, match=words):
        discover_motifs(classifier, **wanted)


def test_modisco_gets_contributions_that_fit_its_hypothetical_ones(classifier, monkeypatch):
    pytest.importorskip("modiscolite", reason="modisco-lite, the extra [motifs], is not installed")
    from dnabert2_explore.analysis.motifs.discovery import modisco

    seen = []

    def run(hot, values, **settings):
        seen.append((hot, values))
        return None, None

    monkeypatch.setattr(modisco, "check_modisco", lambda sequences, options: run)
    sequences = [random_bases(40, seed=i) for i in range(3)]
    with pytest.raises(InputError, match="found no pattern"):
        discover_motifs(classifier, sequences, "donor", caller="modisco")
    ((hot, values),) = seen
    for one, own in zip(sequences, (hot * values).sum(axis=2), strict=True):
        importance = dx.saturation_mutagenesis(classifier, one, "donor").importance
        assert np.corrcoef(own, importance)[0, 1] == pytest.approx(1, abs=1e-5)


def test_modisco_is_looked_for_before_the_attribution(classifier, untouched, monkeypatch):
    monkeypatch.setitem(sys.modules, "modiscolite.tfmodisco", None)
    with pytest.raises(InputError, match="modisco-lite, which is not installed"):
        discover_motifs(classifier, SET, "donor", caller="modisco")


@pytest.mark.parametrize(
    ("sequences", "options", "words"),
    [
        ([*SET, "ACGT" * 12], {}, "48 to 60 bp"),
        (["ACGT" * 10], {}, "have 40 bp and TF-MoDISco needs 41"),
        (SET, {"windows": 3}, "does not take these options: windows"),
    ],
)
def test_what_modisco_cannot_use_is_said_before_the_attribution(
    classifier, untouched, sequences, options, words
):
    pytest.importorskip("modiscolite", reason="modisco-lite, the extra [motifs], is not installed")
    with pytest.raises(InputError, match=words):
        discover_motifs(classifier, sequences, "donor", caller="modisco", options=options)


def test_a_model_without_a_head_has_no_motifs(enc):
    with pytest.raises(InputError, match="has no head"):
        discover_motifs(enc, SET)


LOOSE = {"least": 2, "fdr": 1.0, "p_value": 0.2, "e_value": 1e9, "similar": 0.9}


def test_null_models_do_it_all_again(classifier):
    sequences = [Sequence(f"s{i}", random_bases(60, seed=i)) for i in range(20)]
    seen = []
    found = discover_motifs(
        classifier, sequences[:10], "donor", method="input_x_gradient", null=2, pool=sequences,
        progress=lambda *at: seen.append(at), **LOOSE,
    )  # fmt: skip
    assert [one.model for one in found.null] == [f"{classifier.name} with random weights"] * 2
    twin = random_twin(classifier, seed=1)
    order = np.argsort(-twin.predict(sequences)[:, twin.classes.index("donor")], kind="stable")
    alone = discover_motifs(
        twin, [sequences[i] for i in order[:10]], "donor", method="input_x_gradient", **LOOSE
    )
    assert found.null[1].patterns == len(alone.discovery.patterns)
    np.testing.assert_equal(found.null[1].q_value, alone.best_q)
    assert found.sequences == tuple(sequences[:10])
    assert seen[-1][0] == seen[-1][1]
    assert "null models" in found.null_words
    given = discover_motifs(
        classifier, sequences[:10], "donor", method="input_x_gradient", null=[classifier], **LOOSE
    )
    np.testing.assert_equal(given.null[0].q_value, given.best_q)  # the same sequences, and model
    assert given.null_share == 1 or np.isnan(given.best_q)


def test_a_null_model_that_leads_nowhere(classifier):
    sequences = [Sequence(f"s{i}", random_bases(80, seed=i)) for i in range(30)]
    strict = LOOSE | {"p_value": 1e-9, "fdr": 1e-9}
    with pytest.raises(InputError, match="too few"):
        discover_motifs(classifier, sequences, "donor", method="input_x_gradient", **strict)
    assert not discover_motifs(
        classifier, sequences, "donor", method="input_x_gradient", **LOOSE
    ).null


def test_the_share_of_null_models():
    runs = [NullRun("a", 1, 0.001, "x"), NullRun("b", 1, 0.5, "y"), NullRun("c", 0, np.nan, "")]
    assert null_share(0.01, runs) == 2 / 4
    assert null_share(1e-5, runs) == 1 / 4
    assert np.isnan(null_share(0.01, []))
    assert np.isnan(null_share(np.nan, runs))
    words = null_words(0.01, runs)
    assert words.startswith("2 of 3 null models led to a match at all, the least of them q = 0.001")
    assert words.endswith("1 to one as good as the model's own best (q = 0.01): p = 0.5 of the "
                          "whole pipeline.")  # fmt: skip
    assert null_words(np.nan, runs).endswith("the model itself to none.")
    assert null_words(0.01, []) == ""
