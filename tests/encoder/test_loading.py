"""Names: what a loaded model is called, and what loads it again."""

from __future__ import annotations

import shutil

from dnabert2_explore import load


def test_a_run_is_called_by_its_own_name_and_loads_again(model_folder, tmp_path):
    kept = tmp_path / "mine" / "model"
    shutil.copytree(model_folder, kept)
    enc = load(kept)
    assert (enc.name, enc.source) == ("mine", str(kept))
    assert load(enc.source).sha256 == enc.sha256
    assert load(model_folder).name == model_folder.name
    assert (load("pocket").name, load("pocket").source) == ("pocket", "pocket")
