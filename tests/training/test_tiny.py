import json
import math

from dnabert2_explore import demo, load
from dnabert2_explore.training.pretrain import pretrain
from dnabert2_explore.training.pretrain.tiny import HELD_OUT, tiny_run


def test_a_tiny_run_trains_and_keeps_snapshots(tmp_path):
    config = tiny_run(tmp_path / "run", steps=12, threads=1)
    table = (tmp_path / "run" / "species.tsv").read_text().splitlines()
    assert sum(line.endswith("\theldout") for line in table) == len(HELD_OUT) == 3
    assert len(table) == 1 + len({w.fields["species"] for w in demo.windows()})
    (reference,) = json.loads((tmp_path / "run" / "references.json").read_text()).values()
    assert 4 < reference < math.log(256)
    result = pretrain(config)
    assert result.finished
    snapshots = sorted((tmp_path / "run" / "snapshots").glob("step-*"))
    assert [int(one.name[5:]) for one in snapshots] == list(range(13))
    assert load(snapshots[0], device="cpu").has_masked_lm
