"""Whatever a caller hands in as sequences is those, or refused with what to call instead."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from Bio.Seq import Seq
from Bio.SeqRecord import SeqRecord

from dnabert2_explore.errors import InputError
from dnabert2_explore.sequences import Sequence
from dnabert2_explore.sequences.given import as_sequences, bases_of, listed

RECORD = SeqRecord(Seq("ACGT"), id="chr1", description="the first")
TABLE = pd.DataFrame({"name": ["a", "b"], "Sequence": ["ACGT", "GG"], "label": [1, None]})


class Record:  # as pyfaidx and others have them
    def __init__(self, name, seq):
        self.name, self.seq = name, seq


@pytest.mark.parametrize(
    ("given", "bases"),
    [
        ("ACGT", ["ACGT"]),
        (np.str_("ACGT"), ["ACGT"]),
        (Sequence("x", "ACGT"), ["ACGT"]),
        (Seq("ACGT"), ["ACGT"]),
        (RECORD, ["ACGT"]),
        (Record("x", "ACGT"), ["ACGT"]),
        (["ACGT", RECORD, Seq("GG"), Sequence("x", "TT")], ["ACGT", "ACGT", "GG", "TT"]),
        (np.array(["ACGT", "GG"]), ["ACGT", "GG"]),
        (pd.Series(["ACGT", "GG"]), ["ACGT", "GG"]),
        (iter(("ACGT", "GG")), ["ACGT", "GG"]),
        (TABLE, ["ACGT", "GG"]),
        (pa.Table.from_pandas(TABLE), ["ACGT", "GG"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_taken(given, bases):
    assert [bases_of(one) for one in listed(given)] == bases


def test_names_come_along():
    assert [one.name for one in as_sequences(["A", RECORD, Record("r", "GG")])] == [
        "sequence 1",
        "chr1",
        "r",
    ]
    assert [(s.name, s.label) for s in as_sequences(TABLE)] == [("a", "1.0"), ("b", None)]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"GATTACA": "ACGT"}, r"given as dict; expected .*: give list\(….values\(\)\)"),
        (Path("genes.fa"), r"read the file first, with read_sequences\('genes.fa'\)"),
        ("genes.fa", "'genes.fa' is the name of a file"),
        ("data/genes.csv.gz", "is the name of a file"),
        (["ACGT", "genes.fa"], "Sequence 2 of 2: 'genes.fa' is the name of a file"),
        (b"ACGT", r"given as bytes; expected .*: decode it first, with \.decode\(\)"),
        ([b"ACGT"], "given as bytes"),
        (None, "given as NoneType; expected a str of bases"),
        (5, "given as int; expected"),
        ([5], "given as int; expected"),
        ([["ACGT"]], "given as list; expected"),
        ([None], "given as NoneType"),
        ([], "There are no sequences"),
        (">a\nACGT\n", r"FASTA text; .* with read_sequences\(text\)"),
        ("ACGTAC CGTACG GTACGT", "overlapping 6-mers"),
        (pd.DataFrame({"seq": ["A"]}), "no 'sequence' column; its columns are 'seq'"),
        (pd.DataFrame({"sequence": ["A", np.nan]}), "Row 2 of the table has no bases"),
    ],
)
def test_what_is_refused(given, words):
    with pytest.raises(InputError, match=words):
        as_sequences(given)


def test_every_function_takes_them_alike():
    import dnabert2_explore as dx

    splice = dx.load("pocket-splice", dtype="float32")
    site = dx.demo.splice()[0].bases
    record = SeqRecord(Seq(site), id="site")
    expected = splice.predict(site)
    for given in (record, Seq(site), [record], pd.DataFrame({"sequence": [site]})):
        np.testing.assert_array_equal(splice.predict(given), expected)
        np.testing.assert_array_equal(splice.embed(given), splice.embed([site]))
    assert splice.tokenize(record).tokens == splice.tokenize(site).tokens
    whole = dx.attribute(splice, site, "donor", method="saliency").base_scores
    np.testing.assert_array_equal(
        dx.attribute(splice, record, "donor", method="saliency").base_scores, whole
    )
    assert dx.attend(splice, record).tokens.tokens == splice.tokenize(site).tokens
    for given, words in (({site: site}, "given as dict"), ("genes.fa", "name of a file")):
        for call in (splice.embed, splice.predict, splice.tokenize, splice.hidden_states):
            with pytest.raises(InputError, match=words):
                call(given)
        for call in (dx.attend, dx.attribute, dx.scorecard):
            with pytest.raises(InputError, match=words):
                call(splice, given)
        with pytest.raises(InputError, match=words):
            dx.scan_motifs(given, [dx.jaspar_motif("MAFK")])
