"""Tracks in annotated stretches: every rotation by brute force, and even p-values by chance."""

from __future__ import annotations

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore.errors import InputError
from dnabert2_explore.sequences.annotation.annotations import Feature


def brute(values, stretches):
    n = len(values)
    found = []
    for turn in range(n):
        mask = np.zeros(n, dtype=bool)
        for start, end in stretches:
            mask[(np.arange(start, end) + turn) % n] = True
        found.append(np.nanmean(values[mask]) - np.nanmean(values[~mask]))
    return np.array(found)


def test_every_rotation_counts():
    rng = np.random.default_rng(0)
    values = rng.normal(size=90)
    values[7] = np.nan
    stretches = [(3, 20), (40, 47)]
    features = [Feature(a, b, "+", "exon", "x") for a, b in stretches]
    found = dx.enrich_track(values, [*features, Feature(60, 64, "-", "site", "y")])
    apart = brute(values, stretches)
    assert found.kinds == ("exon", "site")
    row = found.table().set_index("kind").loc["exon"]
    assert row.difference == pytest.approx(apart[0])
    assert row.bases == 23
    far = np.abs(apart - apart.mean())
    assert row.p == pytest.approx((far >= far[0] - 1e-9).mean())
    # Benjamini and Hochberg, by hand.
    p = found.p_value
    low = p.argmin()
    assert found.q_value[low] == pytest.approx(min(2 * p[low], p.max()))


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_the_unit_of_a_track_does_not_matter(scale):
    values = np.zeros(100)
    values[30:40] = scale
    found = dx.enrich_track(values, [Feature(30, 40, "+", "exon", "x")])
    assert found.p_value[0] == pytest.approx(0.01)


def test_p_values_are_even_where_nothing_is():
    rng = np.random.default_rng(1)
    features = [Feature(10, 60, "+", "exon", "x"), Feature(150, 170, "+", "exon", "x")]
    # A track whose neighbours are alike, as those of a network are.
    tracks = np.array([np.convolve(rng.normal(size=420), np.ones(20), "same") for _ in range(400)])
    p_values = np.array([dx.enrich_track(track, features).p_value[0] for track in tracks])
    assert (p_values < 0.05).mean() == pytest.approx(0.05, abs=0.03)
    assert p_values.mean() == pytest.approx(0.5, abs=0.05)


def test_a_donor_site_stands_out_in_attribution():
    splice = dx.load("pocket-splice")
    site = next(one for one in dx.demo.splice() if one.label == "donor")
    why = dx.attribute(splice, site, "donor", method="occlusion")
    found = dx.enrich_track(why.base_scores, [Feature(100, 102, "+", "splice site", "GT")])
    assert found.p_value[0] < 0.05
    assert "splice site" in str(found)


def test_what_cannot_be_compared():
    feature = Feature(0, 5, "+", "exon", "x")
    with pytest.raises(InputError, match="39 values is no track"):
        dx.enrich_track(np.zeros(39), [feature])
    with pytest.raises(InputError, match="no stretches"):
        dx.enrich_track(np.zeros(50), [])
    with pytest.raises(InputError, match=r"exon 'y' at \[48, 51\) is not in a track of 50"):
        dx.enrich_track(np.zeros(50), [feature, Feature(48, 51, "+", "exon", "y")])
    everything = dx.enrich_track(np.arange(50.0), [Feature(0, 50, "+", "gene", "x")])
    assert np.isnan(everything.p_value).all()
