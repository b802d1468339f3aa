"""AUROC against counting pairs, its intervals, and labels from every place."""

import json

import numpy as np
import pandas as pd
import pytest

from dnabert2_explore import InputError
from dnabert2_explore.analysis.variants import calibrate, read_labels
from dnabert2_explore.common.stats import Ranking


def by_counting(labels, values):
    pairs = [(a > b) + 0.5 * (a == b) for a in values[labels] for b in values[~labels]]
    return np.mean(pairs)


def test_auroc_counts_pairs():
    rng = np.random.default_rng(0)
    for _ in range(20):
        labels = rng.random(30) < 0.4
        labels[:2] = True, False
        values = rng.integers(0, 8, 30).astype(float)  # many ties
        ranking = Ranking(values, labels)
        assert ranking.areas()[0] == pytest.approx(by_counting(labels, values))
        weights = rng.integers(0, 3, (3, 30)).astype(float)
        drawn, _ = ranking.areas(weights)
        for row, value in zip(weights.astype(int), drawn, strict=True):
            many = np.repeat(np.arange(30), row)
            expected = by_counting(labels[many], values[many])
            assert value == pytest.approx(expected, nan_ok=True)
    assert np.isnan(Ranking(np.array([1.0, 2.0]), np.array([True, True])).areas()[0])


def table(n=400, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.3
    frame = pd.DataFrame(
        {
            "contig": "c",
            "position": np.arange(n) + 1,
            "ref": "A",
            "alt": "C",
            "skipped": ["" if i % 20 else "mismatch" for i in range(n)],
            "llr": rng.normal(size=n) - truth,  # lower where positive
            "content": np.where(rng.random(n) < 0.5, np.nan, rng.normal(size=n)),
            "gc_change": rng.normal(size=n),
            "cpg_change": rng.integers(-1, 2, n).astype(float),
            "length_change": np.zeros(n),
        }
    )
    return frame, truth


def test_scores_stand_beside_baselines():
    frame, truth = table()
    labels = [None if i % 7 == 0 else bool(t) for i, t in enumerate(truth)]
    found = calibrate(frame, labels, distance=np.arange(len(frame)), bootstrap=200)
    rows = {row.score: row for row in found.rows}
    assert set(rows) == {
        "-llr", "-content", "|gc_change|", "-cpg_change", "|length_change|", "-distance"
    }  # fmt: skip
    known = np.array([one is not None for one in labels]) & (frame.skipped == "").to_numpy()
    assert rows["-llr"].auroc == pytest.approx(by_counting(truth[known], -frame.llr[known].values))
    assert rows["-llr"].positives + rows["-llr"].negatives == known.sum()
    assert found.unlabelled == (~known).sum()
    assert rows["-llr"].low < rows["-llr"].auroc < rows["-llr"].high
    assert rows["-llr"].gain == pytest.approx(rows["-llr"].auroc - rows[found.baseline].auroc)
    assert rows["-llr"].gain_low > 0  # a shift by one standard deviation is found
    assert rows["|length_change|"].auroc == 0.5
    assert np.isnan(rows["|gc_change|"].gain)
    assert rows["-content"].positives < rows["-llr"].positives
    assert [row.auroc for row in found.rows] == sorted((r.auroc for r in found.rows), reverse=True)
    again = calibrate(frame, labels, distance=np.arange(len(frame)), bootstrap=200)
    assert again.to_json() == found.to_json()
    assert json.loads(found.to_json())["rows"][0]["score"] == found.rows[0].score
    assert "0.5" in str(found)
    assert found.baseline in str(found)


def test_the_cut_into_blocks_does_not_change_the_size(monkeypatch):
    frame, truth = table(60)
    monkeypatch.setattr("dnabert2_explore.analysis.variants.calibration._AT_ONCE", 60 * 7)
    found = calibrate(frame, truth.tolist(), bootstrap=50)
    assert found.bootstrap == 50
    assert all(np.isfinite(row.low) for row in found.rows)


def test_noise_is_not_called_a_score():
    frame, truth = table(300, seed=5)
    frame["llr"] = np.random.default_rng(9).normal(size=300)
    rows = {row.score: row for row in calibrate(frame, truth.tolist(), bootstrap=300).rows}
    assert rows["-llr"].low < 0.5 < rows["-llr"].high


def test_one_class_is_refused():
    frame, truth = table(30)
    with pytest.raises(InputError, match="No negative variant"):
        calibrate(frame, [True] * 30)
    with pytest.raises(InputError, match="30 variants and 29 labels"):
        calibrate(frame, truth.tolist()[:-1])
    with pytest.raises(InputError, match="at least 1 resample"):
        calibrate(frame, truth.tolist(), bootstrap=0)


VCF = (
    "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    "c\t5\t.\tA\tC,G\t.\t.\tSIG=bad,good;Y=1\n"
    "c\t6\t.\tA\tC\t.\t.\tSIG=.;Y=0\n"
    "c\t7\t.\tA\tC\t.\t.\tSIG=unsure\n"
)


def test_labels_from_a_field_of_the_vcf(tmp_path):
    path = tmp_path / "a.vcf"
    path.write_text(VCF)
    found = read_labels("INFO/SIG", path, ["bad"], ["good"])
    assert found.known == {("c", 5, "A", "C"): True, ("c", 5, "A", "G"): False}
    assert found.words == {"bad": 1, "good": 1, "unsure": 1}
    assert read_labels("INFO/Y", path).known == {
        ("c", 5, "A", "C"): True,
        ("c", 5, "A", "G"): True,
        ("c", 6, "A", "C"): False,
    }
    for named in ((), (["bad"],), ((), ["good"])):
        with pytest.raises(InputError, match=r"bad \(1\), good \(1\), unsure \(1\); say which"):
            read_labels("INFO/SIG", path, *named)
    with pytest.raises(InputError, match="no variant has the label 'Bad'"):
        read_labels("INFO/SIG", path, ["Bad"], ["good"])
    with pytest.raises(InputError, match="'bad' is named as positive and as negative"):
        read_labels("INFO/SIG", path, ["bad"], ["bad"])
    with pytest.raises(InputError, match="no variant has a label"):
        read_labels("INFO/NONE", path)


CLNSIG = {
    "Pathogenic": 4,
    "Benign": 3,
    "Uncertain_significance": 6,
    "Conflicting_classifications_of_pathogenicity": 2,
    "not_provided": 1,
    "Likely_pathogenic": 2,
}


def test_only_the_two_classes_that_are_named_count(tmp_path):
    """--positive Pathogenic took uncertain, conflicting and likely ones for negatives."""
    words = [word for word, count in CLNSIG.items() for _ in range(count)]
    rows = [f"c\t{i + 1}\t.\tA\tC\t.\t.\tCLNSIG={word}\n" for i, word in enumerate(words)]
    path = tmp_path / "a.vcf"
    path.write_text(VCF[: VCF.index("c\t5")] + "".join(rows))
    found = read_labels("INFO/CLNSIG", path, ["Pathogenic"], ["Benign"])
    assert sorted(found.known.values()) == [False] * 3 + [True] * 4
    assert found.words == CLNSIG
    assert str(found).splitlines()[:3] == [
        "7 variants of two classes",
        "          6  left out  Uncertain_significance",
        "          4  positive  Pathogenic",
    ]
    assert "3  negative  Benign" in str(found)
    path.write_text(path.read_text() + "c\t1\t.\tA\tC\t.\t.\tCLNSIG=Benign\n")
    again = read_labels("INFO/CLNSIG", path, ["Pathogenic"], ["Benign"])
    assert (len(again.known), again.twice) == (6, 1)


@pytest.mark.parametrize("tab", ["\t", ","])
def test_labels_from_a_table(tmp_path, tab):
    path = tmp_path / "a.txt"
    rows = [("#CHROM", "POS", "ref", "alt", "label"), ("c", "5", "A", "C", "1"),
            ("c", "6", "A", "C", "0"), ("c", "7", "A", "C", "")]  # fmt: skip
    path.write_text("\n".join(map(tab.join, rows)))
    assert read_labels(str(path), "none.vcf").known == {
        ("c", 5, "A", "C"): True,
        ("c", 6, "A", "C"): False,
    }
    path.write_text(path.read_text().replace("6", "six"))
    with pytest.raises(InputError, match="line 3: position 'six'"):
        read_labels(str(path), "none.vcf")
    path.write_text("contig,position\n")
    with pytest.raises(InputError, match="has no column ref, alt;"):
        read_labels(str(path), "none.vcf")
    path.write_text("contig,position,ref,alt\n")
    with pytest.raises(InputError, match="names no column label"):
        read_labels(str(path), "none.vcf")
    with pytest.raises(InputError, match="There is no file"):
        read_labels(str(tmp_path / "none.csv"), "none.vcf")
