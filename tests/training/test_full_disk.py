"""A row of a log that the disk has no room for: the message says of which file."""

from pathlib import Path

import pytest

from dnabert2_explore.training.finetune.folder import RunFolder
from dnabert2_explore.training.pretrain.logs import LOG_COLUMNS, Logs

pytestmark = pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="the system has no /dev/full"
)


def fill(path):
    """Let `path` be on a disk without room for a byte."""
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/full")


def test_the_log_of_a_fine_tuning(tmp_path):
    folder = RunFolder(tmp_path, ("step", "loss"))
    fill(tmp_path / "log.csv")
    with pytest.raises(OSError, match=r"No space left on device: .*log\.csv"):
        folder.log({"step": 1, "loss": 0.5})


def test_the_logs_of_a_pre_training(tmp_path):
    logs = Logs(tmp_path, 0)
    fill(tmp_path / "log.csv")
    with pytest.raises(OSError, match=r"No space left on device: .*log\.csv"):
        logs.row(**dict.fromkeys(LOG_COLUMNS, 1))
    fill(tmp_path / "evaluation.csv")
    with pytest.raises(OSError, match=r"No space left on device: .*evaluation\.csv"):
        logs.scores(1, {"vibrio": (4.5, 0.1)})
