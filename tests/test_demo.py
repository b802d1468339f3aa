"""The shipped demo data are what they say, down to reading frames."""

from collections import Counter
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest

from dnabert2_explore import demo, jaspar_motif
from dnabert2_explore.sequences import reverse_complement

STOPS = {"TAA", "TAG", "TGA"}


def on_strand(bases: str, strand: str) -> str:
    return bases if strand == "+" else reverse_complement(bases)


def test_windows_span_species_and_categories():
    windows = demo.windows()
    species = Counter(window.fields["species"] for window in windows)
    assert len(windows) == 500
    assert len(species) == 20
    assert set(species.values()) == {25}
    assert {window.label for window in windows} == {
        "bacteria",
        "fungi",
        "invertebrate",
        "mammal",
        "protozoa",
        "vertebrate",
        "virus",
    }
    for window in windows:
        assert len(window) == 1000
        assert set(window.bases) <= set("ACGT")
        assert window.fields["category"] == window.label
        assert set(window.fields) == {"species", "category", "source", "position"}
        start, end = window.fields["position"].rsplit(":", 1)[1].split("-")
        assert int(end) - int(start) + 1 == 1000
    assert len({window.name for window in windows}) == 500
    assert len({window.bases for window in windows}) == 500
    places = [(w.fields["source"], w.fields["position"]) for w in windows]
    assert len(set(places)) == 500


def test_splice_windows_are_centred_on_their_dinucleotide():
    windows = demo.splice()
    assert Counter(w.label for w in windows) == {"donor": 20, "acceptor": 20, "neither": 20}
    for window in windows:
        assert len(window) == 200
        assert set(window.bases) <= set("ACGT")
        donor, acceptor = window.bases[100:102] == "GT", window.bases[98:100] == "AG"
        assert {"donor": donor, "acceptor": acceptor}.get(window.label or "", donor or acceptor)
        assert window.fields["chromosome"] in {"chr_3", "chr_8", "chr_13", "chr_16"}
        assert window.fields["strand"] in {"+", "-"}
        assert int(window.fields["position"]) >= 0


def test_the_locus_is_10_kb_with_genes_on_both_strands():
    locus = demo.locus()
    assert len(locus.sequence) == 10_000
    assert set(locus.sequence.bases) == set("ACGT")
    assert locus.organism == "Zymoseptoria tritici IPO323"
    assert locus.source.startswith("maffilter-examples ")
    assert locus.sequence.fields["position"] == "chr_8:1335001-1345000"
    assert {f.kind for f in locus.features} == {"gene", "mRNA", "exon", "CDS", "intron"}
    assert {f.strand for f in locus.of_kind("gene")} == {"+", "-"}
    for feature in locus.features:
        assert 0 <= feature.start < feature.end <= 10_000
        assert len(feature) == feature.end - feature.start


def test_every_intron_of_the_locus_begins_gt_and_ends_ag():
    locus = demo.locus()
    introns = locus.of_kind("intron")
    assert len(introns) == 17
    for intron in introns:
        bases = on_strand(locus.sequence.bases[intron.start : intron.end], intron.strand)
        assert bases.startswith("GT")
        assert bases.endswith("AG")


@pytest.mark.parametrize("gene", demo.locus().of_kind("gene"), ids=lambda gene: gene.name)
def test_exons_and_introns_tile_a_gene_and_its_coding_sequence_is_open(gene):
    locus = demo.locus()
    mine = [f for f in locus.features if f.name == gene.name]
    tiles = sorted((f for f in mine if f.kind in {"exon", "intron"}), key=lambda f: f.start)
    assert (tiles[0].start, tiles[-1].end) == (gene.start, gene.end)
    assert all(left.end == right.start for left, right in pairwise(tiles))
    coding = sorted((f for f in mine if f.kind == "CDS"), key=lambda f: f.start)
    bases = on_strand("".join(locus.sequence.bases[f.start : f.end] for f in coding), gene.strand)
    codons = [bases[i : i + 3] for i in range(0, len(bases), 3)]
    assert codons[0] == "ATG"
    assert codons[-1] in STOPS
    assert not STOPS & set(codons[:-1])


def test_the_data_are_small_and_their_sources_are_listed():
    folder = files("dnabert2_explore") / "data"
    sizes = {entry.name: len(entry.read_bytes()) for entry in folder.iterdir() if entry.is_file()}
    assert sum(sizes.values()) < 2_000_000
    sources = (folder / "SOURCES.md").read_text(encoding="utf-8")
    for name in set(sizes) - {"SOURCES.md"}:
        assert f"`{name}`" in sources
    for window in demo.windows():
        package, version, file = window.fields["source"].split(" ", 2)
        assert f"| {window.fields['species']} | {package} {version} | " in sources
        assert f"/{file}` |" in sources


def test_planted_sites_are_where_the_table_says():
    profile = jaspar_motif("NFE2").trimmed(0.5).probabilities.argmax(1)
    words = {"planted": [], "decoy": []}
    for one in demo.motif():
        start, end = int(one.fields["start"]), int(one.fields["end"])
        site = one.bases[start:end]
        words[one.label].append(site if one.fields["strand"] == "+" else reverse_complement(site))
    assert len(words["planted"]) == len(words["decoy"]) == 100
    # Column by column, planted sites have the motif's most probable base far more often.
    agree = {
        label: np.mean([["ACGT"[i] for i in profile][k] == w[k] for w in some for k in range(9)])
        for label, some in words.items()
    }
    assert agree["planted"] > 0.9 > 0.6 > agree["decoy"]
