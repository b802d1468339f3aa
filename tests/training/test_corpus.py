from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from dnabert2_explore.errors import InputError
from dnabert2_explore.sequences import reverse_complement
from dnabert2_explore.training.corpus.windows import Corpus, read_table

from .conftest import TABLE


def test_windows_hold_only_acgt_and_are_reproducible(corpus):
    first = [corpus.window(np.random.default_rng([3, i]), 150) for i in range(200)]
    again = [corpus.window(np.random.default_rng([3, i]), 150) for i in range(200)]
    assert first == again
    assert all(set(one.bases) <= set("ACGT") for one in first)
    assert all(100 <= len(one.bases) <= 150 for one in first)
    assert {one.strand for one in first} == {"+", "-"}


def test_windows_are_where_they_say(corpus, genomes):
    forward = (genomes / "a.fa").read_text().splitlines()[1].upper()
    rng = np.random.default_rng(0)
    for _ in range(50):
        window = corpus.window(rng, 150, index=0)
        bases = window.bases if window.strand == "+" else reverse_complement(window.bases)
        assert bases in forward


def test_stretches_end_at_unknown_bases_and_short_records_are_left_out(corpus):
    alpha = corpus.species[0]
    assert alpha.lengths.tolist() == [500, 40_000 - 530]


def test_balance_is_tempered_by_size(corpus):
    rng = np.random.default_rng(1)
    drawn = Counter(corpus.species[corpus.choose(rng)].species for _ in range(20_000))
    sizes = {one.species: len(one) for one in corpus.species}
    bacteria = (sizes["alpha"] + sizes["beta"]) ** 0.5
    share = bacteria / (bacteria + sizes["gamma"] ** 0.5)
    alpha = sizes["alpha"] ** 0.5 / (sizes["alpha"] ** 0.5 + sizes["beta"] ** 0.5)
    expected = {"alpha": share * alpha, "beta": share * (1 - alpha), "gamma": 1 - share}
    for name, probability in expected.items():
        # five standard deviations of a binomial share
        tolerance = 5 * (probability * (1 - probability) / 20_000) ** 0.5
        assert abs(drawn[name] / 20_000 - probability) < tolerance


@pytest.mark.parametrize(("power", "expected"), [(0.0, 0.5), (1.0, 5 / 7)])
def test_category_power(genomes, table, power, expected):
    corpus = Corpus.load(genomes, table, shortest=100, category_power=power)
    share = sum(
        p for p, one in zip(corpus.probabilities, corpus.species, strict=True)
        if one.category == "bacteria"
    )  # fmt: skip
    assert share == pytest.approx(expected, abs=1e-3)


def test_held_out_and_skipped_species_are_not_loaded(genomes, table, corpus):
    assert {one.species for one in corpus.species} == {"alpha", "beta", "gamma"}
    held = Corpus.load(genomes, table, "heldout", shortest=100)
    assert {one.species for one in held.species} == {"delta"}


def test_two_files_of_one_species_are_one(genomes, tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text("file\tcategory\tspecies\na.fa\tx\tsame\nb.fa\tx\tsame\n")
    corpus = Corpus.load(genomes, path, shortest=100)
    assert [len(one) for one in corpus.species] == [49_940]


def test_progress_counts_species(genomes, table):
    calls = []
    Corpus.load(genomes, table, shortest=100, progress=lambda *call: calls.append(call))
    assert calls == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file\tspecies\na.fa\tx\n", r"line 1: no column 'category'"),
        ("file\tcategory\tcolour\na.fa\tx\tred\n", r"line 1: unknown column 'colour'"),
        (TABLE.replace("b.fa", "missing.fa"), r"line 3: no file .*missing\.fa"),
        (TABLE.replace("b.fa", "a.fa"), r"line 3: a\.fa is also on line 2"),
        (TABLE.replace("skip", "later"), r"line 6: split is 'later'"),
        (TABLE.replace("delta", "gamma"), r"line 5: gamma is fungi/heldout here"),
        ("file\tcategory\n", "no rows below the header"),
        ("file\tcategory\n\tx\n", "line 2: file or category is empty"),
    ],
)
def test_bad_tables(genomes, tmp_path, text, message):
    path = tmp_path / "t.tsv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_table(path, genomes)


def test_table_that_is_absent(genomes, tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        read_table(tmp_path / "none.tsv", genomes)


def test_category_without_a_window(genomes, tmp_path):
    (tmp_path / "short.fa").write_text(">x\nACGTNNACGT\n")
    (tmp_path / "a.fa").write_text((genomes / "a.fa").read_text())
    (tmp_path / "t.tsv").write_text("file\tcategory\na.fa\tbacteria\nshort.fa\tvirus\n")
    with pytest.raises(InputError, match="species 'short' has no stretch"):
        Corpus.load(tmp_path, tmp_path / "t.tsv", shortest=100)


def test_file_that_is_no_fasta(tmp_path):
    (tmp_path / "a.fa").write_text("ACGT\n")
    (tmp_path / "t.tsv").write_text("file\tcategory\na.fa\tbacteria\n")
    with pytest.raises(InputError, match=r"line 1 .* stands before the first header"):
        Corpus.load(tmp_path, tmp_path / "t.tsv", shortest=2)


def test_split_nobody_has(genomes, tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text("file\tcategory\na.fa\tx\n")
    with pytest.raises(InputError, match="no row has split 'heldout'"):
        Corpus.load(genomes, path, "heldout")


def test_bad_power(genomes, table):
    with pytest.raises(InputError, match="species_power is 2"):
        Corpus.load(genomes, table, shortest=100, species_power=2.0)


def test_too_short_windows(corpus):
    with pytest.raises(InputError, match="windows of 50 bases"):
        corpus.window(np.random.default_rng(0), 50)


def test_segments_tile_each_stretch(genomes, table):
    corpus = Corpus.load(genomes, table, shortest=150, cut="segments", strands="forward")
    alpha = corpus.species[0]
    assert alpha.positions.tolist() == [500 // 150, 500 // 150 + (40_000 - 530) // 150]
    forward = (genomes / "a.fa").read_text().splitlines()[1].upper()
    whole = {forward[k * 150 : (k + 1) * 150] for k in range(3)}
    whole |= {forward[530 + k * 150 : 530 + (k + 1) * 150] for k in range((40_000 - 530) // 150)}
    rng = np.random.default_rng(0)
    windows = [corpus.window(rng, 150, index=0) for _ in range(300)]
    assert {one.bases for one in windows} <= whole
    assert {one.strand for one in windows} == {"+"}


def test_records_are_drawn_alike_whatever_their_length(tmp_path):
    (tmp_path / "a.fa").write_text(">x\nACGTACGTAC\n>y\nCCCCC\n>z\n" + "GT" * 50 + "\n")
    corpus = Corpus.load(tmp_path / "a.fa", "", shortest=5, cut="records", strands="forward")
    rng = np.random.default_rng(0)
    drawn = Counter(corpus.window(rng, 20).bases for _ in range(900))
    long = {bases: count for bases, count in drawn.items() if len(bases) == 20}
    assert set(long) == {"GT" * 10, "TG" * 10}  # a random part of what is too long
    for count in (drawn["ACGTACGTAC"], drawn["CCCCC"], sum(long.values())):
        assert abs(count - 300) < 75


def test_fingerprint_tells_corpora_apart(genomes, table, corpus):
    assert corpus.fingerprint == Corpus.load(genomes, table, shortest=100).fingerprint
    for changed in (
        Corpus.load(genomes, table, shortest=101),
        Corpus.load(genomes, table, shortest=100, category_power=1.0),
        Corpus.load(genomes, table, shortest=100, cut="segments"),
        Corpus.load(genomes, table, "heldout", shortest=100),
    ):
        assert changed.fingerprint != corpus.fingerprint


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cut": "tiles"}, "windows is 'tiles'"),
        ({"strands": "reverse"}, "strands is 'reverse'"),
        ({"shortest": 0}, "shortest window is 0"),
    ],
)
def test_unknown_ways_to_cut(genomes, table, settings, message):
    with pytest.raises(InputError, match=message):
        Corpus.load(genomes, table, **settings)
