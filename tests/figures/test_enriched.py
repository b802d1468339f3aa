"""Figures of what stands out: features in stretches, tracks, directions, annotation, hits."""

from __future__ import annotations

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore.errors import InputError
from dnabert2_explore.sequences.annotation.annotations import Annotation, Feature

from . import samples


def test_a_volcano_has_every_pair_where_its_numbers_are():
    found = samples.features()[2]
    twin, own = dx.plot(found).data
    rows = found.table()
    rows = rows[np.isfinite(rows.fold) & (rows.fold > 0)]
    assert twin.name == "untrained"
    assert len(own.x) == len(rows)
    assert own.x[0] == pytest.approx(np.log2(rows.fold.iloc[0]))
    assert own.y[0] == pytest.approx(-np.log10(rows.p.iloc[0]))
    assert own.customdata[0][0] == rows.feature.iloc[0]


def test_directions_are_as_alike_as_their_cosines():
    features = samples.features()[0]
    unit = features.decode / np.linalg.norm(features.decode, axis=1)[:, None]
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -1)
    np.testing.assert_allclose(features.alike(), cosines.max(axis=1), atol=1e-6)
    np.testing.assert_allclose(features.alike(8), cosines.max(axis=1)[::4], atol=1e-6)
    names = [trace.name for trace in dx.plot(features).data]
    assert names == ["trained", "untrained", "random directions"]
    for trace in dx.plot(features).data:
        assert sum(trace.y) == pytest.approx(1)


def test_a_track_stands_beside_itself_elsewhere():
    values = np.zeros(100)
    values[30:40] = 1
    values[60:70] = 0.5
    found = dx.enrich_track(
        values, [Feature(30, 40, "+", "exon", "a"), Feature(60, 70, "+", "CDS", "b")]
    )
    figure = dx.plot(found)
    _, elsewhere, inside = figure.data
    assert list(inside.y) == ["CDS (10 bp)", "exon (10 bp)"]
    assert list(inside.x) == pytest.approx([0.5, 1])
    assert list(elsewhere.x) == pytest.approx([10 / 90, 5 / 90])
    assert figure.layout.annotations[0].text.startswith("p 0.")


def test_an_annotation_is_drawn_by_sequence(monkeypatch):
    many = tuple(Feature(i, i + 1 + i % 5, "+", "exon", "x") for i in range(50))
    found = Annotation({"a": many[:1], "b": many}, {"a": 60}, "genes.gff3")
    figure = dx.plot(found)
    assert figure.layout.title.text == "b, genes.gff3"
    assert len(figure.data[0].x) == 50
    assert tuple(dx.plot(found, sequence="a").layout.xaxis.range) == (0.5, 60.5)
    with pytest.raises(InputError, match="nothing on 'c': choose of a, b"):
        dx.plot(found, sequence="c")
    monkeypatch.setattr("dnabert2_explore.figures.core.locus._MOST", 10)
    figure = dx.plot(found)
    assert "the 10 longest of 50 features in view" in figure.layout.title.text
    assert len(figure.data[0].x) == 10
    assert set(figure.data[0].width) == {5}
    with pytest.raises(InputError, match="holds no feature to draw"):
        dx.plot(Annotation({}, {}, "genes.gff3"))


def test_hits_are_drawn_where_they_are():
    sequences = ["A" * 20 + "TGACTCA" + "A" * 13, "TGACTCA" + "C" * 33]
    hits = dx.scan_motifs(sequences, [dx.Motif.of_word("TGACTCA", "AP-1")], threshold=1e-3)
    figure = dx.plot(hits, sequence=1)
    assert set(figure.data[1].x) == {4.0}  # bases 1 to 7
    with pytest.raises(InputError, match="no sequence 2 among 2"):
        dx.plot(hits, sequence=2)
    none = dx.scan_motifs("A" * 40, [dx.Motif.of_word("TGACTCA", "AP-1")], threshold=1e-3)
    with pytest.raises(InputError, match="no hit to draw"):
        dx.plot(none)
