"""The splice-site data set, on toy genomes where every site is known."""

import gzip
import sys
from pathlib import Path

import numpy as np
import pytest

from dnabert2_explore.sequences import reverse_complement

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def scripts(monkeypatch):
    """Import the scripts as they import each other: with their folder on the path."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import build_splice_data
    import debian_sources
    import zymoseptoria

    yield sys.modules
    for module in (build_splice_data, debian_sources, zymoseptoria):
        sys.modules.pop(module.__name__, None)


def toy(scripts, strand: str, seed: int):
    """Return a chromosome of 24 kb with twelve genes of two exons, and those genes."""
    rng = np.random.default_rng(seed)
    bases = list("".join(rng.choice(list("ACGT"), 24_000)))
    genes = []
    for start in range(1_000, 22_000, 1_800):
        first, last = start + 400, start + 480
        intron = "GT" + "".join(bases[first + 2 : last - 2]) + "AG"
        bases[first:last] = intron if strand == "+" else reverse_complement(intron)
        exons = ((start, first), (last, start + 1_000))
        genes.append((exons, strand))
    return "".join(bases), genes


@pytest.fixture
def built(scripts):
    genome, transcripts = {}, []
    for seed, (chromosome, strand) in enumerate(
        [("chr_1", "+"), ("chr_2", "-"), ("chr_3", "+"), ("chr_8", "-"), ("chr_10", "+")]
    ):
        genome[chromosome], genes = toy(scripts, strand, seed)
        transcripts += [
            scripts["zymoseptoria"].Transcript(f"{chromosome}.{i}", chromosome, strand, exons, ())
            for i, (exons, strand) in enumerate(genes)
        ]
    return genome, transcripts, *scripts["build_splice_data"].build(genome, transcripts, 7)


def test_every_window_lies_where_it_says(built):
    genome, _, splits, _ = built
    for windows in splits.values():
        assert windows
        for window in windows:
            forward = genome[window.chromosome][window.position : window.position + 200]
            assert window.sequence == (
                forward if window.strand == "+" else reverse_complement(forward)
            )


def test_sites_are_where_the_annotation_has_them(built):
    _, transcripts, splits, _ = built
    for window in (w for windows in splits.values() for w in windows):
        introns = {
            (start, end) if t.strand == "+" else (end, start)
            for t in transcripts
            if t.chromosome == window.chromosome
            for start, end in t.introns
        }
        # The boundary between index 99 and 100 of the window, on the forward strand.
        boundary = window.position + 100
        if window.label == "donor":
            assert boundary in {start for start, _ in introns}
            assert window.sequence[100:102] == "GT"
        elif window.label == "acceptor":
            assert boundary in {end for _, end in introns}
            assert window.sequence[98:100] == "AG"
        else:
            assert window.sequence[100:102] == "GT" or window.sequence[98:100] == "AG"
            span = range(window.position, window.position + 200)
            for start, end in introns:
                low, high = min(start, end), max(start, end)
                assert not {low, low + 1, high - 2, high - 1} & set(span)


def test_classes_are_balanced_and_splits_keep_whole_chromosomes_apart(built):
    _, _, splits, summary = built
    places = {split: {w.chromosome for w in windows} for split, windows in splits.items()}
    assert places == {"train": {"chr_1", "chr_2"}, "test": {"chr_3", "chr_8"}, "dev": {"chr_10"}}
    for split, windows in splits.items():
        labels = [w.label for w in windows]
        assert labels.count("donor") == labels.count("acceptor") == labels.count("neither") > 0
        assert summary["splits"][split]["windows"] == len(windows)
    sequences = [w.sequence for windows in splits.values() for w in windows]
    assert len(sequences) == len(set(sequences))


def test_the_same_seed_gives_the_same_windows(built, scripts):
    genome, transcripts, splits, _ = built
    again, _ = scripts["build_splice_data"].build(genome, transcripts, 7)
    assert again == splits


def test_odd_introns_and_unknown_bases_give_no_example(scripts):
    module, transcript = scripts["build_splice_data"], scripts["zymoseptoria"].Transcript
    bases, genes = toy(scripts, "+", 5)
    letters = list(bases)
    letters[1_400:1_402] = "CC"  # the first intron is not GT..AG
    letters[3_200 - 50] = "N"  # beside the second
    transcripts = [
        transcript(f"g{i}", "chr_1", "+", exons, ()) for i, (exons, _) in enumerate(genes)
    ]
    transcripts.append(transcript("long", "chr_1", "-", ((23_000, 23_010), (23_020, 23_100)), ()))
    genome = {"chr_1": "".join(letters)}
    for chromosome, seed in (("chr_3", 6), ("chr_10", 7)):
        genome[chromosome], genes = toy(scripts, "+", seed)
        transcripts += [
            transcript(f"{chromosome}{i}", chromosome, "+", exons, ())
            for i, (exons, _) in enumerate(genes)
        ]
    splits, summary = module.build(genome, transcripts, 1)
    positions = {w.position + 100 for w in splits["train"] if w.label == "donor"}
    assert 1_400 not in positions
    assert 3_200 not in positions
    assert summary["left_out"]["introns that are not GT..AG"] >= 1
    assert summary["left_out"]["sites with N or a chromosome's end within the window"] >= 1


def test_a_genome_is_rebuilt_from_alignment_blocks(scripts, tmp_path):
    path = tmp_path / "x.maf.gz"
    path.write_bytes(
        gzip.compress(
            b"##maf version=1\n\na score=1\n"
            b"s Ref.chr_1 2 5 + 12 AC--GTa\ns Other.x 0 7 + 9 ACGGGTA\n\n"
            b"a score=2\ns Ref.chr_1 8 2 + 12 T-T\n\na\ns Ref.chr_2 0 1 + 2 G\n"
        )
    )
    maf_reference = scripts["debian_sources"].maf_reference
    assert maf_reference(path, "Ref") == {"chr_1": "NNACGTaNTTNN", "chr_2": "GN"}
    path.write_bytes(gzip.compress(b"s Ref.chr_1 2 9 + 12 AC\n"))
    with pytest.raises(ValueError, match="inconsistent"):
        maf_reference(path, "Ref")


def test_gene_models_are_grouped_by_name(scripts, tmp_path):
    path = tmp_path / "x.gff.gz"
    rows = [
        ("chr_2", "exon", 31, 40, "-", 'name "b"; transcriptId 2'),
        ("chr_2", "exon", 11, 20, "-", 'name "b"; transcriptId 2'),
        ("chr_2", "CDS", 13, 20, "-", 'name "b"; proteinId 2; exonNumber 2'),
        ("chr_1", "exon", 1, 9, "+", 'name "a"; transcriptId 1'),
        ("chr_1", "start_codon", 1, 3, "+", 'name "a"'),
    ]
    text = "".join(
        f"{c}\tJGI\t{kind}\t{start}\t{end}\t.\t{strand}\t.\t{about}\n"
        for c, kind, start, end, strand, about in rows
    )
    path.write_bytes(gzip.compress(text.encode()))
    a, b = scripts["zymoseptoria"]._transcripts(path)
    assert (a.name, a.exons, a.introns) == ("a", ((0, 9),), ())
    assert (b.exons, b.introns, b.cds) == (((10, 20), (30, 40)), ((20, 30),), ((12, 20),))
    assert (b.start, b.end) == (10, 40)
