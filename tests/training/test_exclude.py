"""Sequences that are kept out of a corpus are never drawn from it, on either strand."""

from __future__ import annotations

import numpy as np
import pytest

from dnabert2_explore.errors import InputError
from dnabert2_explore.sequences import reverse_complement
from dnabert2_explore.training.corpus.exclude import Excluded
from dnabert2_explore.training.corpus.windows import Corpus

from ..conftest import random_bases

WINDOW = random_bases(200, seed=77)
AT = 4000


def world(folder, **more):
    """A genome for each text, a species each."""
    folder.mkdir()
    lines = ["file\tcategory\tspecies\tsplit"]
    for name, text in more.items():
        (folder / f"{name}.fa").write_text(f">{name}\n{text}\n")
        lines.append(f"{name}.fa\tbacteria\t{name}\ttrain")
    (folder / "species.tsv").write_text("\n".join(lines) + "\n")
    return folder


def excluded(folder, *texts, margin=300):
    path = folder / "kept-out.fa"
    path.write_text("".join(f">{i}\n{text}\n" for i, text in enumerate(texts)))
    return Excluded.of_files([str(path)], margin)


def load(folder, exclude):
    return Corpus.load(folder, folder / "species.tsv", shortest=100, exclude=exclude)


def planted(window, length=9000):
    text = random_bases(length, seed=5)
    return text[:AT] + window + text[AT + len(window) :]


@pytest.mark.parametrize("turned", [False, True])
def test_a_planted_window_and_its_margin_are_never_drawn(tmp_path, turned) -> None:
    there = planted(reverse_complement(WINDOW) if turned else WINDOW)
    folder = world(tmp_path / "genomes", one=there.lower())
    corpus = load(folder, excluded(tmp_path, WINDOW))
    (one,) = corpus.species
    kept = [(s, s + n) for s, n in zip(one.starts.tolist(), one.lengths.tolist(), strict=True)]
    assert kept == [(0, AT - 300), (AT + 200 + 300, 9000)]
    assert one.left_out == 800
    rng = np.random.default_rng(0)
    near = {there[i : i + 20] for i in range(AT - 300, AT + 500 - 19)}
    near |= {reverse_complement(piece) for piece in near}
    for _ in range(300):
        drawn = corpus.window(rng, 150).bases
        assert not any(drawn[i : i + 20] in near for i in range(len(drawn) - 19))
    # Without it, the place is drawn.
    rng = np.random.default_rng(0)
    whole = load(folder, None)
    assert any(
        drawn[i : i + 20] in near
        for drawn in (whole.window(rng, 150).bases for _ in range(100))
        for i in range(len(drawn) - 19)
    )


def test_a_part_of_a_sequence_is_enough_and_less_is_not(tmp_path) -> None:
    def part(end):
        other = dict(zip("ACGT", "CGTA", strict=True))  # the bases beside it are not the window's
        return planted(other[WINDOW[49]] + WINDOW[50:end] + other[WINDOW[end]])

    folder = world(tmp_path / "genomes", one=part(82), two=part(81))
    corpus = load(folder, excluded(tmp_path, WINDOW, margin=0))
    first, second = corpus.species
    assert first.left_out == 32
    assert second.left_out == 0


def test_words_of_low_complexity_exclude_nothing(tmp_path) -> None:
    repeat = "CA" * 40
    folder = world(tmp_path / "genomes", one=planted(repeat))
    corpus = load(folder, excluded(tmp_path, WINDOW[:60] + repeat + WINDOW[60:]))
    assert corpus.species[0].left_out == 0
    with pytest.raises(InputError, match="no stretch of 32 known bases to keep out"):
        excluded(tmp_path, repeat)
    with pytest.raises(InputError, match="no stretch of 32 known bases"):
        excluded(tmp_path, "N".join(WINDOW[i : i + 31] for i in range(0, 124, 31)))


def test_unknown_bases_in_what_is_kept_out(tmp_path) -> None:
    folder = world(tmp_path / "genomes", one=planted(WINDOW))
    corpus = load(folder, excluded(tmp_path, WINDOW[:60] + "N" + WINDOW[61:], margin=0))
    (one,) = corpus.species
    assert one.left_out == 200  # words before and behind the N reach over it


def test_a_species_that_is_emptied_is_named(tmp_path) -> None:
    folder = world(tmp_path / "genomes", one=WINDOW * 2, two=random_bases(5000, seed=9))
    corpus = load(folder, excluded(tmp_path, WINDOW))
    assert [one.species for one in corpus.species] == ["two"]
    assert corpus.emptied == ("one",)
    with pytest.raises(InputError, match=r"nothing is left of the genomes beside 1 sequences of"):
        load(world(tmp_path / "more", one=WINDOW * 2), excluded(tmp_path, WINDOW))


def test_stretches_longer_than_what_is_looked_at_at_once(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("dnabert2_explore.training.corpus.exclude._CHUNK", 100)
    folder = world(tmp_path / "genomes", one=planted(WINDOW))
    corpus = load(folder, excluded(tmp_path, WINDOW, margin=0))
    (one,) = corpus.species
    assert one.lengths.tolist() == [AT, 9000 - AT - 200]
