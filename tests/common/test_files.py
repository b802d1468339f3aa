import os
from pathlib import Path

import pytest

from dnabert2_explore.common.files import expanded, filling, naming, putting, replacing, restore
from dnabert2_explore.errors import InputError


def test_a_file_is_replaced_when_the_block_succeeds(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("before")
    with pytest.raises(RuntimeError), replacing(path) as temporary:  # noqa: PT012
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "before"
    with replacing(path) as temporary:
        assert temporary.suffix == ".csv"
        temporary.write_text("after")
    assert path.read_text() == "after"
    assert list(tmp_path.iterdir()) == [path]


def test_links_stay_and_permissions_are_those_of_a_new_file(tmp_path):
    target, link, new = (tmp_path / name for name in ("target", "link", "new"))
    target.write_text("before")
    link.symlink_to(target)
    with replacing(link) as temporary:
        temporary.write_text("after")
    new.write_text("")
    assert link.is_symlink()
    assert target.read_text() == "after"
    assert target.stat().st_mode == new.stat().st_mode


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_names_the_file(tmp_path):
    path = tmp_path / "out.csv"
    with pytest.raises(OSError, match=r"No space left on device: .*out\.csv"), replacing(path):
        Path("/dev/full").write_text("more than there is room for")
    assert list(tmp_path.iterdir()) == []
    with (
        pytest.raises(OSError, match=r"No space left on device: .*log\.csv"),
        naming(tmp_path / "log.csv"),
        open("/dev/full", "a") as log,
    ):
        log.write("a row")


def test_a_folder_that_cannot_be_written_is_named_not_the_temporary(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, replacing(tmp_path / "no" / "out.csv"):
        pass
    assert caught.value.filename == str(tmp_path / "no" / "out.csv")


def test_what_killed_processes_left_goes_after_a_day(tmp_path):
    names = (
        ".a[1].csv.abcdefgh.csv",
        ".a[1].csv.12345678.csv",
        ".b.csv.abcdefgh.csv",
        ".a[1].csv.x",
    )
    for name in names:
        (tmp_path / name).write_text("half")
        if name != names[1]:
            os.utime(tmp_path / name, (0, 0))
    with replacing(tmp_path / "a[1].csv") as temporary:
        temporary.write_text("whole")
    left = {one.name for one in tmp_path.iterdir()}
    assert left == {"a[1].csv", *names[1:]}


def test_paths_below_nobodys_home():
    with pytest.raises(InputError, match=r"'~nobody-here/x\.fa' begins with the home folder"):
        expanded("~nobody-here/x.fa")
    assert expanded("~") == Path.home()


def write(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text(str(folder.name))


def test_files_go_into_a_folder_together(tmp_path):
    target = tmp_path / "out"
    with pytest.raises(RuntimeError), filling(target) as fresh:  # noqa: PT012
        write(fresh, "a")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with filling(target) as fresh:
        write(fresh, "a", "b")
    write(target, "b", "c")
    with pytest.raises(RuntimeError), filling(target) as fresh:  # noqa: PT012
        write(fresh, "a", "b")
        raise RuntimeError
    assert [(one.name, one.read_text()) for one in sorted(target.iterdir())] == [
        ("a", ".out.new"), ("b", "out"), ("c", "out"),
    ]  # fmt: skip
    with filling(target) as fresh:
        write(fresh, "b")
        write(fresh / "within", "d")
    assert (target / "b").read_text() == ".out.new"
    assert (target / "c").read_text() == "out"
    assert (target / "within" / "d").is_file()
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_takes_the_place_of_another(tmp_path):
    target = tmp_path / "model"
    write(target, "old")
    with pytest.raises(RuntimeError), putting(target) as fresh:  # noqa: PT012
        write(fresh, "new")
        raise RuntimeError
    assert [one.name for one in target.iterdir()] == ["old"]
    with putting(target) as fresh:
        write(fresh, "new")
    assert [one.name for one in target.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("at", [1, 2])
def test_a_kill_between_two_renames_loses_nothing(tmp_path, monkeypatch, at):
    """What the process leaves behind, whichever of its renames is its last."""
    target = tmp_path / "model"
    write(target, "old")
    rename, count = Path.rename, 0

    def dying(self, place):
        nonlocal count
        count += 1
        if count == at:
            raise KeyboardInterrupt
        return rename(self, place)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):  # noqa: PT012
        patch.setattr(Path, "rename", dying)
        with putting(target) as fresh:
            write(fresh, "new")
    assert target.exists() == (at == 1)
    assert restore(target) == (at == 2)
    assert [one.name for one in target.iterdir()] == ["old"]
    assert restore(target) is False
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_names_the_folder(tmp_path):
    with (
        pytest.raises(OSError, match=r"No space left on device: .*model'"),
        putting(tmp_path / "model"),
        open("/dev/full", "a") as file,
    ):
        file.write("weights")
    assert list(tmp_path.iterdir()) == []
