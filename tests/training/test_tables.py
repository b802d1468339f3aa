from __future__ import annotations

import numpy as np
import pytest

from dnabert2_explore.errors import InputError
from dnabert2_explore.training.tables import read_labelled, scores


def write(tmp_path, text, name="t.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_words_and_integers(tmp_path):
    words = read_labelled(write(tmp_path, "sequence,label,x\nacgu,b,1\nGG,a,2\n"))
    assert words.bases == ("ACGT", "GG")
    assert words.classes == ("a", "b")
    assert words.labels.tolist() == [1, 0]
    numbers = read_labelled(write(tmp_path, "label,sequence\n10,A\n9,C\n10,G\n"))
    assert numbers.classes == ("9", "10")
    assert numbers.labels.tolist() == [1, 0, 1]


def test_sequences_are_cleaned_as_at_inference(tmp_path):
    text = "\ufeffSequence,Label\nACGT ACNRT,x\nGG,y\n"
    data = read_labelled(write(tmp_path, text))
    assert data.bases == ("ACGTACNNT", "GG")


def test_classes_of_the_training_file_are_kept(tmp_path):
    dev = read_labelled(write(tmp_path, "sequence,label\nA,b\n"), classes=("a", "b"))
    assert dev.labels.tolist() == [1]


@pytest.mark.parametrize(
    ("text", "classes", "message"),
    [
        ("seq,label\nA,1\n", None, "no 'sequence' column"),
        ("sequence,label\n", None, "has a header but no rows"),
        ("sequence,label\nMKVLA,1\nAC,2\n", None, "line 2"),
        ("sequence,label\nA,1\nC,1\n", None, "only one label, '1'"),
        ("sequence,label\nA,1\n,2\n", None, "line 3"),
        ("sequence,label\nA,1\nC\n", None, "line 3 has 1 cells"),
        ("sequence,label\nA,1\nC,\n", None, "row 2 .* has no label"),
        ("sequence,label\nA,c\n", ("a", "b"), "row 1 .*: label 'c' is not among the training"),
    ],
)
def test_bad_files(tmp_path, text, classes, message):
    with pytest.raises(InputError, match=message):
        read_labelled(write(tmp_path, text), classes)


def test_absent_file(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv"):
        read_labelled(tmp_path / "none.csv")


def test_scores():
    labels = np.array([0, 0, 1, 1])
    assert scores(labels, labels, ("x", "y"))["mcc"] == 1.0
    wrong = scores(labels, np.array([0, 0, 0, 0]), ("x", "y"))
    assert wrong["mcc"] == 0.0
    assert wrong["accuracy"] == 0.5
    assert wrong["f1_y"] == 0.0
