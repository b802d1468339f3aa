"""A folder that is exported is whole, or not there."""

from __future__ import annotations

import errno
import shutil

import pytest

from dnabert2_explore.network.export import export_transformers, standalone


def full(*arguments, **settings):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("what", ["weights", "code"])
def test_a_full_disk_leaves_nothing(classifier_folder, tmp_path, monkeypatch, what) -> None:
    from dnabert2_explore.network.checkpoints import saving

    if what == "weights":
        monkeypatch.setattr(saving, "save_weights", full)
    else:
        copy = shutil.copyfile
        monkeypatch.setattr(
            standalone.shutil,
            "copyfile",
            lambda source, place: full() if place.suffix == ".py" else copy(source, place),
        )
    with pytest.raises(OSError, match=r"No space left on device: '.*/out'"):
        export_transformers(classifier_folder, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_what_was_there_stays_and_is_replaced_together(classifier_folder, tmp_path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "mine.txt").write_text("kept")
    (folder / "config.json").write_text("old")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(standalone, "_CODE", ("no such file.py",))
        with pytest.raises(FileNotFoundError):
            export_transformers(classifier_folder, folder)
    assert sorted(one.name for one in folder.iterdir()) == ["config.json", "mine.txt"]
    assert (folder / "config.json").read_text() == "old"
    export_transformers(classifier_folder, folder)
    assert (folder / "mine.txt").read_text() == "kept"
    assert {"config.json", "model.safetensors", "modeling_dnabert2.py", "README.md"} <= {
        one.name for one in folder.iterdir()
    }
