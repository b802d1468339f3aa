"""Weights in the species table, and sequences that come without one."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from dnabert2_explore.errors import InputError
from dnabert2_explore.training.corpus.species import list_files, read_table
from dnabert2_explore.training.corpus.windows import Corpus

WEIGHTED = """file\tcategory\tname\tweight
a.fa\tbacteria\talpha\t1
b.fa\tbacteria\tbeta\t2.5
c.fa\tfungi\tgamma\t0.5
"""


@pytest.fixture
def write(tmp_path):
    def text(content):
        path = tmp_path / "t.tsv"
        path.write_text(content)
        return path

    return text


def test_weights_take_the_place_of_the_balance_by_size(genomes, write):
    corpus = Corpus.load(genomes, write(WEIGHTED), shortest=100)
    assert [one.species for one in corpus.species] == ["alpha", "beta", "gamma"]
    np.testing.assert_allclose(corpus.probabilities, [0.25, 0.625, 0.125])
    assert corpus.weighted
    rng = np.random.default_rng(0)
    drawn = np.bincount([corpus.choose(rng) for _ in range(8000)]) / 8000
    np.testing.assert_allclose(drawn, corpus.probabilities, atol=0.03)


def test_a_species_weighs_once_however_many_files_it_has(genomes, write):
    text = WEIGHTED.replace("b.fa\tbacteria\tbeta\t2.5", "b.fa\tbacteria\talpha\t1")
    corpus = Corpus.load(genomes, write(text), shortest=100)
    np.testing.assert_allclose(corpus.probabilities, [2 / 3, 1 / 3])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2.5", "much", r"line 3: weight is 'much'; expected a number above 0"),
        ("2.5", "0", r"line 3: weight is '0'"),
        ("2.5", "nan", r"line 3: weight is 'nan'"),
        ("2.5", "", r"line 3: weight is ''"),
        ("beta", "alpha", r"line 3: alpha weighs 2\.5 here and 1 on line 2"),
    ],
)
def test_bad_weights(genomes, write, old, new, message):
    with pytest.raises(InputError, match=message):
        read_table(write(WEIGHTED.replace(old, new)), genomes)


def test_files_without_a_table(genomes, tmp_path):
    (one,) = list_files(genomes / "a.fa")
    assert (one.species, one.split, one.weight) == ("a", "train", None)
    (tmp_path / "x.fa.gz").write_bytes(gzip.compress(b">x\nACGT\n"))
    (tmp_path / "y.csv").write_text("sequence,label\nACGTA,1\n")
    (tmp_path / "notes.txt").write_text("none of ours")
    assert [file.path.name for file in list_files(tmp_path)] == ["x.fa.gz", "y.csv"]
    corpus = Corpus.load(tmp_path, "", shortest=4, cut="records")
    assert [bytes(one.bases) for one in corpus.species] == [b"ACGT", b"ACGTA"]


def test_nothing_to_list(tmp_path):
    with pytest.raises(InputError, match="neither a file nor a folder"):
        list_files(tmp_path / "none.fa")
    with pytest.raises(InputError, match="holds no sequence file"):
        list_files(tmp_path)


def test_the_table_is_read_as_all_tables_are(genomes, write):
    text = "\ufeff\n" + WEIGHTED.replace("\n", "\r\n").replace("a.fa", '"a.fa"')
    assert [one.path.name for one in read_table(write(text), genomes)] == ["a.fa", "b.fa", "c.fa"]
    for name in ("x" * 300 + ".fa", "none.fa"):
        with pytest.raises(InputError, match="line 2: no file"):
            read_table(write(WEIGHTED.replace("a.fa", name)), genomes)
    with pytest.raises(InputError, match="line 2 has 3 cells; expected 4"):
        read_table(write(WEIGHTED.replace("alpha\t1", "alpha")), genomes)
