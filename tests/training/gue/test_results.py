"""Result files: damaged ones are told by name, those of earlier versions are read."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dnabert2_explore.errors import InputError
from dnabert2_explore.training.gue import GueRun, leaderboard


@pytest.fixture
def path(make_run, tmp_path):
    return make_run().save(tmp_path / "tf_2" / "mine-seed42.json")


def test_a_flipped_bit_is_refused_or_changes_nothing(path, make_run):
    whole, run = path.read_bytes(), make_run()
    rng = np.random.default_rng(0)
    silent = []
    for bit in rng.integers(8 * len(whole), size=300).tolist():
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
        try:
            silent += [] if GueRun.load(path) == run else [bit]
        except InputError:
            continue
    assert silent == []


def test_results_of_earlier_versions_are_read(path, make_run):
    content = json.loads(path.read_text()) | {"format": 1}
    del content["digest"], content["files"]
    for later in (  # what they had no choice of
        "recipe", "segmentation", "average", "schedule", "embeddings", "anchor", "strands",
        "segmentations",
    ):  # fmt: skip
        del content["settings"][later]
    path.write_text(json.dumps(content))
    assert GueRun.load(path) == make_run()


JUNK = (None, 5, -1.5, "tf/0", "x" * 70, [], ["a", 1], {}, {"a": None}, True, float("nan"))


def places(content, before=()):
    """Every entry of a JSON object, however deep."""
    items = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in items:
        yield (*before, key)
        if isinstance(value, dict | list):
            yield from places(value, (*before, key))


def test_damage_without_a_digest_is_told_with_the_name(path, tmp_path):
    whole = json.loads(path.read_text()) | {"format": 1}
    del whole["digest"]
    rng = np.random.default_rng(0)
    every = list(places(whole))
    for number in rng.permutation(len(every))[:150]:
        content = json.loads(json.dumps(whole))
        *way, last = every[number]
        parent = content
        for key in way:
            parent = parent[key]
        if number % 3 and isinstance(parent, dict):
            del parent[last]
        else:
            parent[last] = JUNK[rng.integers(len(JUNK))]
        path.write_text(json.dumps(content))
        try:
            leaderboard(tmp_path, published=()).table()
        except InputError as error:
            assert "mine-seed42.json" in str(error)  # noqa: PT017
