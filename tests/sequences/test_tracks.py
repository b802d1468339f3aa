"""Tracks: in genome coordinates where sequences have them, with names that break no line."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from dnabert2_explore.errors import InputError
from dnabert2_explore.sequences import Sequence
from dnabert2_explore.sequences.annotation.tracks import places_of, write_track

SEQUENCES = [
    Sequence("chr2:11-13", "ACG"),
    Sequence("chr1:5-8(-)", "ACG"),
    Sequence('my "own"\tone', "AC"),
]
VALUES = [[1, 2, np.nan], [0.5, 0.25, 0.125], [-1, 1e-7]]
ROWS = [
    ("chr1", 5, 6, 0.125),
    ("chr1", 6, 7, 0.25),
    ("chr1", 7, 8, 0.5),
    ("chr2", 10, 11, 1.0),
    ("chr2", 11, 12, 2.0),
    ('my_"own"_one', 0, 1, -1.0),
    ('my_"own"_one', 1, 2, 1e-7),
]


def test_bedgraph(tmp_path):
    write_track(tmp_path / "x.bedgraph", SEQUENCES, VALUES)
    head, *lines = (tmp_path / "x.bedgraph").read_text().splitlines()
    assert head == 'track type=bedGraph name="attribution"'
    assert [tuple(line.split("\t")) for line in lines] == [
        (contig, str(start), str(end), f"{value:g}") for contig, start, end, value in ROWS
    ]


@pytest.mark.parametrize("suffix", [".bw", ".bigwig"])
def test_bigwig(tmp_path, suffix):
    pybigtools = pytest.importorskip("pybigtools", reason="bigWig needs the extra [bigwig]")
    path = tmp_path / f"x{suffix}"
    write_track(path, SEQUENCES, VALUES, {"chr1": 1000})
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    read = pybigtools.open(str(path))
    assert read.chroms() == {"chr1": 1000, "chr2": 13, 'my_"own"_one': 2}
    found = [(c, *row) for c in read.chroms() for row in read.records(c)]
    assert [row[:3] for row in found] == [row[:3] for row in ROWS]
    np.testing.assert_allclose([row[3] for row in found], [row[3] for row in ROWS], rtol=1e-6)


def test_bigwig_without_pybigtools(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pybigtools", None)
    with pytest.raises(InputError, match=r"bigWig needs pybigtools.*\.\[bigwig\]"):
        write_track(tmp_path / "x.bw", SEQUENCES, VALUES)
    assert not list(tmp_path.iterdir())


def test_sequences_that_share_bases_are_refused():
    with pytest.raises(InputError, match=r"'chr1:1-4' and 'chr1:4-7' share bases of chr1"):
        places_of([Sequence("chr1:4-7", "ACGT"), Sequence("chr1:1-4", "ACGT")])
    assert len(places_of([Sequence("chr1:5-8", "ACGT"), Sequence("chr1:1-4", "ACGT")])) == 2
