from pathlib import Path

import pytest

from dnabert2_explore.files import naming, replacing


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
