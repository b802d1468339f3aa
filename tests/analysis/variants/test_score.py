"""Scores of variants: against formulas written out, and the symmetries that they must have."""

import json
import math

import numpy as np
import pandas as pd
import pytest
import torch

from dnabert2_explore import InputError, Sequence, load
from dnabert2_explore.analysis.variants import VariantScorer, score_variants
from dnabert2_explore.sequences import reverse_complement
from dnabert2_explore.sequences.reading.genome import Genome
from dnabert2_explore.sequences.variants.variant import Placement, Variant, place, windows_of

WINDOW = 80
LOG4 = math.log(4)


def log_probs(enc, ids, places):
    """By the model itself, one sequence, positions masked together."""
    masked = torch.tensor(ids)
    masked[places] = enc.tokenizer.mask_id
    with torch.inference_mode():
        logits = enc.network(masked[None]).logits[0].double()
    return logits.log_softmax(-1)[places].numpy()


def apply(variant, bases):
    end = variant.position + len(variant.ref)
    return bases[: variant.position] + variant.alt + bases[end:]


def exchanged(variants, bases):
    """The same two alleles, the other one in the genome: a record for each variant."""
    genome = Genome.from_records(
        [Sequence(f"c{i}", apply(one, bases)) for i, one in enumerate(variants)]
    )
    return [
        Variant(f"c{i}", one.position, one.alt, one.ref) for i, one in enumerate(variants)
    ], genome


@pytest.fixture(scope="module")
def everything(enc, head, genome, variants):
    return score_variants(
        enc, variants, genome, window=WINDOW,
        scores=("llr", "pll", "distance", "prediction"), layers=(0, 1, 2), head=head,
    )  # fmt: skip


def test_every_kind_of_variant_gets_every_score(everything, variants):
    assert everything.scored == len(everything) == len(variants)
    assert {c.name for c in everything.columns} == set(everything.values)
    for name in ("llr", "llr_per_base", "prior", "context", "pll", "cosine_local_2", "change_no"):
        assert np.isfinite(everything[name]).all(), name
    known = np.isfinite(everything["content"])
    assert known.mean() > 0.7
    assert (everything["content_cells"][~known] <= 2).all()  # of four; none on one strand


def test_llr_and_its_parts_by_hand(enc, tokenizer):
    """One base of one token, both tokens in the vocabulary: no doubt about the formula."""
    left, right = "GGCATTACAGGCTTA", "TTGCCGGATTACCAG"
    vocabulary = tokenizer.vocabulary
    for ref, alt in (("A", "C"), ("G", "T"), ("C", "G"), ("T", "A")):
        genome = Genome.from_records([Sequence("c", left + ref + right)])
        scores = score_variants(
            enc, [Variant("c", 15, ref, alt)], genome, window=31, scores="llr", strands="forward"
        )
        cut = [tokenizer.encode(left + one + right) for one in (ref, alt)]
        head = 0
        while cut[0].ids[head] == cut[1].ids[head]:
            head += 1
        tail = 0
        while cut[0].ids[-1 - tail] == cut[1].ids[-1 - tail]:
            tail += 1
        free = log_probs(enc, [tokenizer.cls_id] + [0] * 101 + [tokenizer.sep_id],
                         list(range(1, 102)))[50]  # fmt: skip
        nats, odds, logs, regions = [], [], [], []
        for tokens in cut:
            places = list(range(head, len(tokens) - tail))
            own = log_probs(enc, tokens.ids, places)
            ids = tokens.ids[places]
            logs.append(own)
            regions.append([tokens.tokens[i] for i in places])
            nats.append(sum(own[i, t] for i, t in enumerate(ids)))
            odds.append(sum(own[i, t] - free[t] for i, t in enumerate(ids)))
        assert scores["llr"][0] == pytest.approx(nats[1] - nats[0], abs=1e-4)
        assert scores["context"][0] == pytest.approx(odds[1] - odds[0], abs=1e-4)
        assert scores["tokens_ref"][0] == len(regions[0])
        assert scores["tokens_alt"][0] == len(regions[1])
        # The bases of one under the cuts of the other, where the vocabulary has them.
        changes = []
        for own, text, other, sign in (
            (0, regions[0], regions[1], 1),
            (1, regions[1], regions[0], -1),
        ):
            joined, pieces, start = "".join(other), [], 0
            for token in text:
                pieces.append(joined[start : start + len(token)])
                start += len(token)
            if all(piece in vocabulary for piece in pieces):
                ids = [vocabulary[piece] for piece in pieces]
                value = sum(logs[own][i, t] - free[t] for i, t in enumerate(ids))
                changes.append(sign * (value - odds[own]))
        assert scores["content_exact"][0] == len(changes)
        if scores["content_cells"][0] == len(changes):
            assert scores["content"][0] == pytest.approx(np.mean(changes), abs=1e-4)


def test_llr_counts_bases_against_the_null(enc, genome, bases, tokenizer):
    """An insertion: the same formula with log 4 for each base more."""
    # Where the insertion fits one place only, so that the window is known.
    start = next(i for i in range(700, 999) if bases[i] != "A" and bases[i + 1] != "G")
    variant = Variant("c", start, bases[start], bases[start] + "GATTACA")
    scores = score_variants(enc, [variant], genome, window=80, scores="llr", strands="forward")
    end = start + 1
    flank = (80 - 7) // 2
    left, right = bases[end - flank : end], bases[end : end + flank]
    ref, alt = (tokenizer.encode(text) for text in (left + right, left + "GATTACA" + right))
    head = next(i for i in range(99) if ref.ids[i] != alt.ids[i])
    tail = next(i for i in range(99) if ref.ids[-1 - i] != alt.ids[-1 - i])
    sums = []
    for tokens in (ref, alt):
        places = list(range(head, len(tokens) - tail))
        rows = log_probs(enc, tokens.ids, places)
        sums.append(sum(rows[i, t] for i, t in enumerate(tokens.ids[places])))
    assert scores["llr"][0] == pytest.approx(sums[1] - sums[0] + 7 * LOG4, abs=1e-4)


def test_pll_is_the_sum_over_tokens_masked_alone(enc, genome, bases, tokenizer):
    variant = Variant("c", 700, bases[700:703], "")
    scores = score_variants(enc, [variant], genome, window=63, scores="pll")
    placed = place(variant, genome, 31)
    assert isinstance(placed, Placement)
    differences = []
    for strand in "+-":
        both = windows_of(placed, genome, 63, strand)
        sums = []
        for text in (both.ref, both.alt):
            ids = tokenizer.encode(text).ids
            total = sum(log_probs(enc, ids, [i])[0, ids[i]] for i in range(1, len(ids) - 1))
            sums.append(total + len(text) * LOG4)
        differences.append(sums[1] - sums[0])
    assert scores["pll"][0] == pytest.approx(np.mean(differences), abs=1e-3)


def test_signs_under_exchange_of_ref_and_alt(everything, enc, head, variants, bases):
    """What is declared antisymmetric changes its sign, what is declared symmetric stays."""
    back, genome = exchanged(variants, bases)
    other = score_variants(
        enc,
        back,
        genome,
        window=WINDOW,
        scores=("llr", "pll", "distance", "prediction"),
        layers=(0, 1, 2),
        head=head,
    )
    assert {column.sign for column in everything.columns} == {-1, 0, 1}
    for column in everything.columns:
        if column.sign:
            np.testing.assert_allclose(
                other[column.name],
                column.sign * everything[column.name],
                atol=2e-4,
                err_msg=column.name,
            )


def test_the_parts_add_up(everything):
    known = np.isfinite(everything["content"])
    np.testing.assert_allclose(
        everything["prior"] + everything["context"], everything["llr"], atol=1e-4
    )
    np.testing.assert_allclose(
        (everything["content"] + everything["retokenisation"])[known],
        everything["context"][known],
        atol=1e-4,
    )
    np.testing.assert_allclose(
        (everything["llr_forward"] + everything["llr_reverse"]) / 2, everything["llr"], atol=1e-4
    )


def test_no_retokenisation_where_the_cuts_stay(everything):
    """Alleles of as many bases that change one token for one other."""
    same = (everything["tokens_ref"] == 1) & (everything["tokens_alt"] == 1)
    same &= (everything["length_change"] == 0) & (everything["content_exact"] == 4)
    assert same.any()
    np.testing.assert_allclose(everything["retokenisation"][same], 0, atol=1e-5)


def test_the_strand_a_genome_is_written_on_does_not_matter(everything, enc, head, variants, bases):
    genome = Genome.from_records([Sequence("c", reverse_complement(bases))])
    turned = [
        Variant(
            "c",
            len(bases) - v.position - len(v.ref),
            reverse_complement(v.ref),
            reverse_complement(v.alt),
        )
        for v in variants
    ]
    other = score_variants(
        enc,
        turned,
        genome,
        window=WINDOW,
        scores=("llr", "pll", "distance", "prediction"),
        layers=(0, 1, 2),
        head=head,
    )
    for name, values in everything.values.items():
        twin = {"llr_forward": "llr_reverse", "llr_reverse": "llr_forward"}.get(name, name)
        np.testing.assert_allclose(other[twin], values, atol=2e-4, err_msg=name)


def test_how_an_indel_is_written_does_not_matter(enc):
    bases = "GGCATTACAGGCTTACACACACACACATTGCCGGATTACCAGT"
    genome = Genome.from_records([Sequence("c", bases)])
    deletions = [Variant("c", 14 + i, bases[14 + i : 16 + i], "") for i in range(0, 10)]
    deletions.append(Variant("c", 13, bases[13:16], bases[13]))
    scores = score_variants(enc, deletions, genome, window=80, scores=("llr", "distance", "pll"))
    for name, values in scores.values.items():
        np.testing.assert_allclose(values, values[0], atol=1e-5, err_msg=name)


def test_an_allele_and_a_repeat_of_whole_tokens(enc, tokenizer):
    """Deleting whole tokens leaves nothing to mask in one allele: the neighbours are masked."""
    unit = max((t for t in tokenizer.vocabulary if t == "ACACAC" * (len(t) // 6) and t), key=len)
    bases = "GGCATTACAGGCTTA" + unit * 6 + "TTGCCGGATTACCAG"
    genome = Genome.from_records([Sequence("c", bases)])
    scores = score_variants(
        enc, [Variant("c", 15, unit, ""), Variant("c", 15, "", unit)], genome, window=200
    )
    assert scores.scored == 2
    assert (scores["tokens_ref"] >= 1).all()
    assert (scores["tokens_alt"] >= 1).all()
    assert np.isfinite(scores["llr"]).all()


def test_the_order_and_the_size_of_chunks_do_not_matter(enc, genome, variants):
    whole = score_variants(enc, variants, genome, window=WINDOW)
    seen = []
    parts = score_variants(
        enc, variants[::-1], genome, window=WINDOW, chunk=3, progress=lambda *n: seen.append(n)
    )
    for name, values in whole.values.items():
        np.testing.assert_allclose(parts[name][::-1], values, atol=1e-5, err_msg=name)
    assert seen[-1] == (len(variants), len(variants))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_unknown_bases_are_counted_and_never_predicted(enc, bases):
    text = bases[:100] + "NNNNN" + bases[105:300]
    genome = Genome.from_records([Sequence("c", text)])
    near = Variant("c", 99, bases[99], "A" if bases[99] != "A" else "C")
    scores = score_variants(enc, [near], genome, window=60, scores=("llr", "pll", "distance"))
    assert scores.scored == 1
    assert scores["unknown"][0] == 5
    assert np.isfinite([scores["llr"][0], scores["pll"][0]]).all()


def test_contexts_end_with_the_record(enc, genome, bases):
    text = bases[300:330]
    edge = [
        Variant("short", 0, text[0], "ACGT"[text[0] == "A"]),
        Variant("short", 29, text[29], ""),
    ]
    scores = score_variants(enc, edge, genome, window=512, scores=("llr", "pll", "distance"))
    assert scores.scored == 2
    whole = score_variants(enc, [Variant("short", 0, text, "A")], genome, window=512)
    assert whole.scored == 1
    gone = score_variants(enc, [Variant("short", 0, text, "")], genome, window=512)
    assert gone.reasons == {"long": 1}
    assert "leaves no base" in gone.messages[0]


def test_what_cannot_be_scored_stays_in_the_table(enc, genome, bases):
    good = Variant("c", 50, bases[50], "A" if bases[50] != "A" else "C", "rs1")
    given = [Variant("c", 0, bases[0], "<DEL>"), good, Variant("x", 0, "A", "C")]
    scores = score_variants(enc, given, genome, window=WINDOW)
    table = scores.table()
    assert list(table.skipped) == ["symbolic", "", "no_record"]
    assert list(table.position) == [1, 51, 1]
    assert table.llr.isna().tolist() == [True, False, True]
    assert "1 of 3 alternative alleles scored" in str(scores)
    alone = score_variants(enc, [good], genome, window=WINDOW)
    assert alone["llr"][0] == pytest.approx(scores["llr"][1], abs=1e-5)
    none = score_variants(enc, [], genome, window=WINDOW)
    assert len(none) == len(none.table()) == 0
    assert list(none.values) == list(scores.values)


def test_settings_are_checked(enc, head, genome):
    for settings, said in (
        ({"window": 4}, "give 16 or more"),
        ({"scores": ("prediction",)}, "give one as head"),
        ({"scores": "likelihood"}, "choose one of llr"),
        ({"scores": ()}, "No score"),
        ({"strands": "sense"}, "choose one of both"),
        ({"layers": 9}, "does not exist"),
        ({"pll_within": -1}, "0 or more"),
        ({"chunk": 0}, "at least 1"),
    ):
        with pytest.raises(InputError, match=said):
            score_variants(enc, [], genome, **settings)
    with pytest.raises(InputError, match="needs a masked-LM head"):
        score_variants(head, [], genome, scores="llr")
    assert VariantScorer.make(head, genome).scores == ("distance", "prediction")
    assert VariantScorer.make(enc, genome).scores == ("llr", "distance")
    json.dumps(VariantScorer.make(enc, genome).about)


def test_classes_keep_their_columns_apart(head, genome, bases):
    names = [c.name for c in VariantScorer.make(head, genome).columns]
    assert len(names) == len(set(names))
    assert {"change_no", "change_yes_here_1", "change_yes_here_2"} <= set(names)


def test_one_strand_only(enc, head, genome, variants, everything):
    forward = score_variants(enc, variants, genome, window=WINDOW, scores="llr", strands="forward")
    np.testing.assert_allclose(forward["llr"], everything["llr_forward"], atol=1e-5)
    assert "llr_reverse" not in forward.values


def test_a_head_reads_windows_as_long_as_it_was_trained_on(tokenizer, genome):
    head = load("pocket-splice", cache=False)
    own = VariantScorer.make(head, genome)
    trained = head.config.training_bases
    assert own.head_window == (trained[1] if trained else own.window)
    assert VariantScorer.make(head, genome, window=300).head_window == 300


def test_predictions_are_those_of_the_head(enc, head, genome, bases):
    variant = Variant("c", 700, bases[700], "ACGT"[bases[700] == "A"])
    scores = score_variants(enc, [variant], genome, window=61, scores=("prediction",), head=head)
    ref = bases[670:731]
    alt = ref[:30] + variant.alt + ref[31:]
    expected = [
        (head.predict(text)[0] + head.predict(reverse_complement(text))[0]) / 2
        for text in (ref, alt)
    ]
    for i, name in enumerate(("no", "yes_here_1", "yes_here_2")):
        assert scores[f"ref_{name}"][0] == pytest.approx(expected[0][i], abs=1e-5)
        assert scores[f"change_{name}"][0] == pytest.approx(
            expected[1][i] - expected[0][i], abs=1e-5
        )


def test_strings_tables_and_odd_positions(enc, tmp_path):
    genome = Genome.from_records([Sequence("c", "ACGTTGCATTAGCATGCAATGGC" * 10)])
    base = genome.fetch("c", 100, 101)
    alt = "A" if base != "A" else "C"
    variant = Variant("c", 100, base, alt)
    expected = score_variants(enc, [variant], genome, window=64, scores=["llr"])
    frame = pd.DataFrame({"chrom": ["c"], "pos": [101], "ref": [base], "alt": [alt]})
    path = tmp_path / "x.csv"
    frame.to_csv(path, index=False)
    for given in ([f"c:101 {base}>{alt}"], frame, path, str(path)):
        found = score_variants(enc, given, genome, window=64, scores=["llr"])
        assert found.variants == (variant,)
        assert found["llr"][0] == expected["llr"][0]
    far = score_variants(
        enc, [variant, Variant("c", 10**20, "A", "C")], genome, window=64, scores=["llr"]
    )
    assert far.table().skipped.tolist() == ["", "outside"]
    with pytest.raises(InputError, match="Variant 1 was given as tuple"):
        score_variants(enc, [("c", 5000, "A", "G")], genome)
