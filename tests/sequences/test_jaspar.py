import builtins
import runpy
import sys
from importlib import metadata
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from dnabert2_explore.errors import InputError
from dnabert2_explore.sequences.motifs import jaspar as module
from dnabert2_explore.sequences.motifs.jaspar import from_pyjaspar, jaspar, jaspar_motif

SCRIPT = Path(__file__).parents[2] / "scripts" / "build_jaspar.py"
FILE = "jaspar_vertebrates.meme.gz"


@pytest.fixture
def pyjaspar():
    return pytest.importorskip("pyjaspar", reason="pyjaspar is of the extra [motifs]")


@pytest.fixture
def no_pyjaspar(monkeypatch):
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "pyjaspar":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    module._profiles.cache_clear()


def test_the_vertebrates_ship_with_the_package(no_pyjaspar):
    motifs = jaspar()
    accessions = [motif.accession for motif in motifs]
    assert accessions == sorted(accessions)
    # The latest version of each only: no two of one base accession.
    assert len({accession.partition(".")[0] for accession in accessions}) == len(motifs) == 1019
    assert all(motif.name and motif.sites > 0 for motif in motifs)
    assert {motif.source for motif in motifs} == {"JASPAR 2026 CORE vertebrates"}
    # A caller's list is the caller's.
    motifs.clear()
    assert len(jaspar()) == 1019


def test_a_profile_as_its_literature_has_it():
    # E-box of MYC's partner MAX, and the TGASTCA of AP-1.
    assert "CACGTG" in jaspar_motif("MAX").consensus
    assert {"TGACTCA", "TGAGTCA"} & {
        jaspar_motif("FOS::JUN").consensus.strip("N")[i : i + 7] for i in range(8)
    }


def test_finding_by_accession_and_name():
    assert jaspar_motif("MA0139.2").name == "CTCF"
    assert jaspar_motif(" ma0139 ") is jaspar_motif("MA0139.2")
    # CTCF has three profiles; the name stands for the oldest.
    named = [motif.accession for motif in jaspar() if motif.name == "CTCF"]
    assert len(named) == 3
    assert jaspar_motif("Ctcf").accession == min(named)


def test_the_nearest_names_are_proposed():
    with pytest.raises(InputError, match=r"no profile 'CTCFF' .* did you mean CTCF \(MA0139\.2\)"):
        jaspar_motif("CTCFF")
    with pytest.raises(InputError, match=r"did you mean PAX2 \(MA0067\.3\)\?"):
        jaspar_motif("MA0067.1")
    for name in ("", "  ", "???"):
        with pytest.raises(InputError, match="give a factor's name such as CTCF"):
            jaspar_motif(name)


def test_unknown_collections_and_a_missing_pyjaspar(no_pyjaspar):
    with pytest.raises(InputError, match="collection 'mammals' is unknown: choose one of vert"):
        jaspar("mammals")
    with pytest.raises(InputError, match="unknown: choose one of"):
        jaspar_motif("CTCF", collection="mammals")
    with pytest.raises(InputError) as caught:
        jaspar("plants")
    assert 'pip install -c constraints.txt -e ".[motifs]"' in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_old_pyjaspar_is_refused(pyjaspar, monkeypatch):
    monkeypatch.setattr(pyjaspar, "jaspar_releases", {"JASPAR2024": ""})
    with pytest.raises(InputError, match="This pyjaspar has no JASPAR 2026"):
        from_pyjaspar("plants")


def test_the_shipped_file_is_what_pyjaspar_has(pyjaspar):
    theirs = from_pyjaspar("vertebrates")
    ours = jaspar()
    assert [m.label for m in ours] == [m.label for m in theirs]
    assert [m.sites for m in ours] == [m.sites for m in theirs]
    assert [m.source for m in ours] == [m.source for m in theirs]
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=2e-6)


def test_other_collections(pyjaspar):
    each = {name: jaspar(name) for name in module.COLLECTIONS}
    assert all(each.values())
    assert jaspar_motif("LFY", collection="plants").source == "JASPAR 2026 CORE plants"
    everything = {motif.accession for motif in each["all"]}
    for name in set(each) - {"all", "unvalidated"}:
        assert {motif.accession for motif in each[name]} <= everything
    assert not everything & {motif.accession for motif in each["unvalidated"]}


def test_the_script_builds_the_same_bytes(pyjaspar, tmp_path, monkeypatch, capsys):
    if metadata.version("pyjaspar") != "4.0.0":
        pytest.skip("the file was built from pyjaspar 4.0.0")
    out = tmp_path / FILE
    monkeypatch.setattr(sys, "argv", [SCRIPT.name, "--out", str(out)])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    data = files("dnabert2_explore") / "data"
    assert out.read_bytes() == (data / FILE).read_bytes()
    assert "1,019 profiles" in capsys.readouterr().out
    about = runpy.run_path(str(SCRIPT))["ABOUT"]
    assert about in (data / "SOURCES.md").read_text(encoding="utf-8")
    assert "CC BY 4.0" in about
