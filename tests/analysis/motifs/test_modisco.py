from __future__ import annotations

import sys

import numpy as np
import pytest

from dnabert2_explore.analysis.motifs.discovery.discover import discover_patterns
from dnabert2_explore.errors import InputError
from dnabert2_explore.sequences import reverse_complement

from .planted import AP1, likeness, planted


def hypothetical(data) -> list[np.ndarray]:
    """The own base has its contribution, the others take a third of it away."""
    result = []
    for bases, scores in zip(data.sequences, data.contributions, strict=True):
        own = np.array([[b == base for base in "ACGT"] for b in bases])
        result.append(np.where(own, scores[:, None], -scores[:, None] / 3))
    return result


def run(data, **more):
    values = more.pop("hypothetical", None) or hypothetical(data)
    return discover_patterns(
        data.sequences, data.contributions, hypothetical=values, caller="modisco", **more
    )


@pytest.fixture(scope="module")
def installed():
    pytest.importorskip("modiscolite", reason="modisco-lite, the extra [motifs], is not installed")


def test_a_planted_motif_is_found(installed):
    data = planted([AP1], n=250, lengths=(120, 120), share=1.0)
    found = run(data, options={"n_leiden_runs": 2})
    assert found.caller == "modisco"
    pattern = found.patterns[0]
    assert likeness(pattern.motif, AP1) > 0.9
    assert pattern.contribution.shape == (len(pattern.motif), 4)
    sites = pattern.sites
    read = [
        data.sequences[i][a:b] if strand > 0 else reverse_complement(data.sequences[i][a:b])
        for i, a, b, strand in zip(
            sites.sequence, sites.start, sites.end, sites.strand, strict=True
        )
    ]
    shares = [[[b == base for base in "ACGT"] for b in word] for word in read]
    np.testing.assert_allclose(np.mean(shares, axis=0), pattern.motif.probabilities, atol=1e-6)
    assert found.settings["n_leiden_runs"] == 2


def test_no_pattern_is_said_with_the_mend(installed):
    data = planted([AP1], n=30, lengths=(120, 120))
    with pytest.raises(InputError, match=r"found no pattern in 30 .* caller='seqlets'"):
        run(data)


def test_contributions_it_cannot_threshold_are_said_with_the_mend(installed):
    data = planted([AP1], n=30, lengths=(120, 120))
    for scores in data.contributions:
        np.abs(scores, out=scores)
    with pytest.raises(InputError, match=r"no threshold .* caller='seqlets'"):
        run(data)


def test_unknown_options_are_named(installed):
    data = planted([AP1], n=30, lengths=(120, 120))
    with pytest.raises(InputError, match=r"does not take these options.*windows"):
        run(data, options={"windows": 3})


@pytest.mark.parametrize(
    ("lengths", "message"),
    [((70, 100), "one length: cut them"), ((40, 40), "have 40 bp and TF-MoDISco needs 41")],
)
def test_lengths_it_cannot_use_are_named(installed, lengths, message):
    with pytest.raises(InputError, match=message):
        run(planted([AP1], n=30, lengths=lengths))


def test_hypothetical_contributions_are_needed_and_have_to_fit(installed):
    data = planted([AP1], n=20, lengths=(60, 60))
    with pytest.raises(InputError, match="needs hypothetical contributions"):
        discover_patterns(data.sequences, data.contributions, caller="modisco")
    with pytest.raises(InputError, match=r"shapes \(60, 3\); expected 20 of shape \(60, 4\)"):
        run(data, hypothetical=[np.zeros((60, 3))] * 20)
    with pytest.raises(InputError, match="differ by up to"):
        run(data, hypothetical=[np.zeros((60, 4))] * 20)


def test_without_modisco_lite_the_command_to_install_it_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "modiscolite.tfmodisco", None)
    data = planted([AP1], n=20, lengths=(60, 60))
    with pytest.raises(InputError, match=r"pip install -c constraints.txt -e \".\[motifs\]\""):
        run(data)
