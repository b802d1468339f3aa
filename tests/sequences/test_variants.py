"""Variants: checks against the genome, one form for one change, windows of both alleles."""

import random

import numpy as np
import pytest

from dnabert2_explore import InputError, Sequence
from dnabert2_explore.sequences import ReadingWarning, reverse_complement
from dnabert2_explore.sequences.reading.genome import Genome
from dnabert2_explore.sequences.variants.variant import (
    Placement,
    Skipped,
    Variant,
    parse_variant,
    place,
    windows_of,
)

GENOME = Genome.from_records(
    [Sequence("chr1", "ACGTTGCAGGATATATCCNRTTACG"), Sequence("2", "A" * 50), Sequence("MT", "ACGT")]
)


def apply(variant, bases):
    end = variant.position + len(variant.ref)
    return bases[: variant.position] + variant.alt + bases[end:]


@pytest.mark.parametrize(
    ("variant", "reason", "said"),
    [
        (Variant("chr1", 0, "A", "<DEL>"), "symbolic", "<DEL>"),
        (Variant("chr1", 0, "A", "*"), "symbolic", "symbolic"),
        (Variant("chr1", 0, "A", "A[2:5["), "symbolic", "symbolic"),
        (Variant("chr1", 0, "A", "."), "no_alt", "nothing to score"),
        (Variant("chr1", 0, "A", "R"), "ambiguous", "holds R"),
        (Variant("chr1", 0, "N", "C"), "ambiguous", "holds N"),
        (Variant("1", 0, "A", "C"), "no_record", "rename 1=chr1"),
        (Variant("chr2", 0, "A", "C"), "no_record", "rename chr2=2"),
        (Variant("chrM", 0, "A", "C"), "no_record", "rename chrM=MT"),
        (Variant("scaffold", 0, "A", "C"), "no_record", "it has chr1, 2, MT"),
        (Variant("MT", 4, "A", "C"), "outside", "which has 4"),
        (Variant("MT", -1, "A", "C"), "outside", "position 0"),
        (Variant("chr1", 0, "C", "G"), "mismatch", "genome holds A"),
        (Variant("chr1", 0, "C", "A"), "mismatch", "exchanged"),
        (Variant("chr1", 0, "A", "a"), "same", "both A"),
        (Variant("chr1", 0, "A", "A" * 30), "long", "wider window"),
    ],
)
def test_what_cannot_be_scored_is_named(variant, reason, said):
    found = place(variant, GENOME, 20)
    assert isinstance(found, Skipped)
    assert found.reason == reason
    assert said in found.message
    assert found.message.startswith(str(variant))


def test_messages_name_the_line_where_there_is_one():
    found = place(Variant("chr9", 0, "A", "C", where="calls.vcf, line 7"), GENOME, 20)
    assert isinstance(found, Skipped)
    assert found.message.startswith("calls.vcf, line 7: ")


def test_renaming_is_only_done_when_asked():
    assert place(Variant("1", 0, "A", "C"), GENOME, 20, {"1": "chr1"}) == Placement(
        "chr1", 0, "A", "C"
    )


def test_a_base_stands_for_an_ambiguity_code_of_the_genome():
    assert place(Variant("chr1", 18, "A", "C"), GENOME, 20) == Placement("chr1", 18, "A", "C")
    assert place(Variant("chr1", 19, "G", "C"), GENOME, 20) == Placement("chr1", 19, "G", "C")
    assert isinstance(place(Variant("chr1", 19, "T", "C"), GENOME, 20), Skipped)  # R is A or G


def test_shared_ends_are_left_out():
    assert place(Variant("chr1", 2, "GTTG", "GTAG"), GENOME, 20) == Placement("chr1", 4, "T", "A")
    # An MNV stays one change.
    assert place(Variant("chr1", 2, "GTT", "CTA"), GENOME, 20) == Placement("chr1", 2, "GTT", "CTA")


def test_one_change_has_one_form_however_it_is_written():
    rng = random.Random(3)
    for _ in range(300):
        bases = "".join(rng.choice("ACG") for _ in range(30)).replace("CG", "AT")
        genome = Genome.from_records([Sequence("c", bases)])
        start, size = rng.randrange(1, 25), rng.randrange(1, 4)
        deleted = Variant("c", start, bases[start : start + size], "")
        inserted = Variant("c", start, "", "".join(rng.choice("AT") for _ in range(size)))
        for variant in (deleted, inserted):
            form = place(variant, genome, 200)
            assert isinstance(form, Placement)
            changed = apply(variant, bases)
            for other in range(30):  # every other place that gives the same bases
                for ref, alt in ((bases[other : other + size], ""), ("", changed[other:][:size])):
                    again = Variant("c", other, ref, alt)
                    if ref != alt and apply(again, bases) == changed and len(ref or alt) == size:
                        assert place(again, genome, 200) == form
            if form.start > 0 or form.start + len(form.ref) < 30:
                assert apply(Variant("c", form.start, form.ref, form.alt), bases) == changed


def test_exchanging_the_alleles_exchanges_the_form():
    bases = "GGCATATATCCGTTTTACG"
    for start, ref, alt in ((3, "AT", ""), (9, "", "CC"), (12, "T", "TTT"), (6, "T", "G")):
        variant = Variant("c", start, ref, alt)
        one = place(variant, Genome.from_records([Sequence("c", bases)]), 40)
        changed = Genome.from_records([Sequence("c", apply(variant, bases))])
        other = place(Variant("c", start, alt, ref), changed, 40)
        assert isinstance(one, Placement)
        assert isinstance(other, Placement)
        assert (other.start, other.ref, other.alt) == (one.start, one.alt, one.ref)


def test_windows_share_their_flanks_and_end_with_the_record():
    placement = Placement("chr1", 9, "G", "GA")
    both = windows_of(placement, GENOME, 12)
    assert (both.ref, both.alt, both.start) == ("TGCAGGATATA", "TGCAGGAATATA", 5)
    assert both.first == 4
    back = windows_of(placement, GENOME, 12, "-")
    assert back.ref == reverse_complement(both.ref)
    assert back.alt == reverse_complement(both.alt)
    assert back.ref[back.start :][:1] == "C"
    edge = windows_of(Placement("MT", 0, "A", "C"), GENOME, 100)
    assert (edge.ref, edge.alt, edge.start) == ("ACGT", "CCGT", 0)
    whole = windows_of(Placement("MT", 0, "ACGT", "T"), GENOME, 100, "-")
    assert (whole.ref, whole.alt, whole.start) == ("ACGT", "A", 0)


@pytest.mark.parametrize(
    "text",
    [
        "chr1:1,234 A>G",
        "chr1-1234-A-G",
        "chr1:1234:A:G",
        "chr1_1234_A_G",
        "chr1:1234 A/G",
        "chr1\t1234\tA\tG",
        "chr1 1234 A G",
        "chr1:1234A>G",
        "chr1:g.1234A>G",
        " chr1:1234:A>G\n",
    ],
)
def test_reads_a_variant_as_people_write_it(text):
    assert parse_variant(text) == Variant("chr1", 1233, "A", "G")
    assert parse_variant(str(Variant("c", 8, "A", ""))) == Variant("c", 8, "A", "")
    assert parse_variant("1,234 A>G", contig="chr1") == Variant("chr1", 1233, "A", "G")


@pytest.mark.parametrize(
    "text",
    ["", "chr1", "chr1:0 A>G", "chr1:x A>G", "rs123", "chr1:1² A>G", "chr1:" + "9" * 5000 + " A>G"],
)
def test_refuses_what_is_no_variant(text):
    with pytest.raises(InputError, match="chr1:1234 A>G"):
        parse_variant(text)


def test_a_contig_may_hold_what_parts_a_variant():
    assert parse_variant("HLA:A*01:01:100:A:G") == Variant("HLA:A*01:01", 99, "A", "G")
    assert parse_variant("chr1_random_100_A_G") == Variant("chr1_random", 99, "A", "G")
    assert parse_variant("a-b-100-A-G") == Variant("a-b", 99, "A", "G")


def test_spdi_counts_from_0():
    with pytest.warns(ReadingWarning, match="read as SPDI, whose positions count from 0"):
        found = parse_variant("NC_000001.11:12344:A:G")
    assert found == Variant("NC_000001.11", 12344, "A", "G")
    assert parse_variant("NC_000001.11:12345 A>G") == found
    with pytest.warns(ReadingWarning):
        assert parse_variant("NC_000001.11:0::G") == Variant("NC_000001.11", 0, "", "G")


def test_what_a_variant_is_made_of():
    assert Variant("c", np.int64(5), "A", "G").position == 5
    for wrong in (
        {"position": 5.0}, {"position": "5"}, {"alt": None}, {"ref": 1}, {"contig": 1}
    ):  # fmt: skip
        with pytest.raises(InputError, match="was given as"):
            Variant(**({"contig": "c", "position": 5, "ref": "A", "alt": "G"} | wrong))


@pytest.mark.parametrize("alt", ["C.", ".C", "]c:5]C", "<DEL>", "*"])
def test_alleles_without_bases(alt):
    assert place(Variant("chr1", 0, "A", alt), GENOME, 20).reason == "symbolic"


def test_a_position_beyond_any_genome_is_outside():
    assert place(Variant("chr1", 10**20, "A", "C"), GENOME, 20).reason == "outside"
