"""Motif sites in tokens, by brute force; and both strands' borders."""

from __future__ import annotations

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore.errors import InputError


@pytest.fixture(scope="module")
def enc():
    return dx.load("pocket")


def test_sites_and_chance_by_brute_force(enc):
    windows = [one.bases for one in dx.demo.motif()[:12]]
    motifs = [dx.jaspar_motif("NFE2"), dx.jaspar_motif("MAFK")]
    hits = dx.scan_motifs(windows, motifs, threshold=1e-3)
    found = dx.fragment_motifs(enc, windows, hits)
    table = found.table().set_index(["tokenizer", "motif"])

    def pieces(text, start, end):
        tokens = enc.tokenize(text)
        return sum(a < end and b > start for a, b in tokens.spans if b > a)

    assert set(found.motifs) == {motifs[i].label for i in set(hits.motif.tolist())}
    for number in set(hits.motif.tolist()):
        mine, other = [], []
        for i in np.flatnonzero(hits.motif == number):
            text, a, b = windows[hits.sequence[i]], int(hits.start[i]), int(hits.end[i])
            mine.append(pieces(text, a, b))
            every = [pieces(text, s, s + b - a) for s in range(len(text) - (b - a) + 1)]
            other.append((np.mean(every), np.mean(np.array(every) == 1)))
        row = table.loc[("pocket BPE", hits.motifs[number].label)]
        assert row.sites == len(mine)
        assert row.pieces == pytest.approx(np.mean(mine))
        assert row.chance == pytest.approx(np.mean([one for one, _ in other]))
        assert row.whole == pytest.approx(np.mean(np.array(mine) == 1))
        assert row.whole_chance == pytest.approx(np.mean([one for _, one in other]))
        assert row.low <= row.difference <= row.high
    # Inside a sequence an overlapping 6-mer starts at every base.
    inner = table.loc["6-mers, overlapping"]
    assert (inner.pieces <= [len(one) + 5 for one in motifs if one.label in found.motifs]).all()
    assert "pocket BPE" in str(found)


def test_one_sequence_has_no_interval_and_wrong_ones_are_refused(enc):
    text = dx.demo.motif()[0].bases
    hits = dx.scan_motifs(text, dx.jaspar_motif("NFE2"), threshold=1e-2)
    found = dx.fragment_motifs(enc, [text], hits)
    assert np.isnan(found.low).all()
    with pytest.raises(InputError, match="pass the sequences that were scanned"):
        dx.fragment_motifs(enc, [text + "A"], hits)
    none = dx.scan_motifs("ACGT" * 10, dx.jaspar_motif("NFE2"), threshold=1e-4)
    with pytest.raises(InputError, match="no hits to look at"):
        dx.fragment_motifs(enc, ["ACGT" * 10], none)


def test_borders_of_both_strands(enc):
    text = dx.demo.splice()[0].bases
    found = dx.compare_tokenizers(enc, text)
    other = found.cuts[0].other_strand
    assert "".join(other.tokens) == text
    assert all(text[a:b] == t for (a, b), t in zip(other.spans, other.tokens, strict=True))
    n = len(text)
    turned = {n - int(b) for b in enc.tokenize(dx.reverse_complement(text)).spans.ravel()} - {0, n}
    own = {int(b) for b in enc.tokenize(text).spans.ravel()} - {0, n}
    shared, chance = found.strand_agreement()
    assert shared == pytest.approx(2 * len(own & turned) / (len(own) + len(turned)))
    # As many borders drawn at random between bases share that many in the mean.
    rng = np.random.default_rng(0)
    drawn = [
        len(
            set(rng.choice(n - 1, len(own), replace=False))
            & set(rng.choice(n - 1, len(turned), replace=False))
        )
        for _ in range(2000)
    ]
    assert chance == pytest.approx(2 * np.mean(drawn) / (len(own) + len(turned)), rel=0.05)
    palindrome = "GAATTC" * 4
    assert dx.compare_tokenizers(enc, palindrome).strand_agreement()[0] > 0
    with pytest.raises(InputError, match="cut by place"):
        found.strand_agreement("6-mers")
