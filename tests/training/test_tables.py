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


def test_classes_of_the_training_file_are_kept(tmp_path):
    dev = read_labelled(write(tmp_path, "sequence,label\nA,b\n"), classes=("a", "b"))
    assert dev.labels.tolist() == [1]


@pytest.mark.parametrize(
    ("text", "classes", "message"),
    [
        ("seq,label\nA,1\n", None, "line 1: no column 'sequence'"),
        ("sequence,label\n", None, "no rows below the header"),
        ("sequence,label\nA,1\nC,1\n", None, "only one label, '1'"),
        ("sequence,label\nA,1\n,2\n", None, "line 3: sequence or label is empty"),
        ("sequence,label\nA,1\nC\n", None, "line 3: sequence or label is empty"),
        ("sequence,label\nA,c\n", ("a", "b"), "line 2: label 'c' is not among the training"),
    ],
)
def test_bad_files(tmp_path, text, classes, message):
    with pytest.raises(InputError, match=message):
        read_labelled(write(tmp_path, text), classes)


def test_absent_file(tmp_path):
    with pytest.raises(InputError, match="cannot be read as CSV"):
        read_labelled(tmp_path / "none.csv")


def test_scores():
    labels = np.array([0, 0, 1, 1])
    assert scores(labels, labels, ("x", "y"))["mcc"] == 1.0
    wrong = scores(labels, np.array([0, 0, 0, 0]), ("x", "y"))
    assert wrong["mcc"] == 0.0
    assert wrong["accuracy"] == 0.5
    assert wrong["f1_y"] == 0.0
