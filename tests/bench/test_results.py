"""Files of results: there and back, and every table of docs/performance.md is one of theirs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch

from dnabert2_explore import InputError
from dnabert2_explore.bench import (
    Memory,
    Results,
    Speed,
    Table,
    clock_of,
    missing_rows,
    read_tables,
    write_tables,
)

from .test_reference import CPU

ROOT = Path(__file__).resolve().parents[2]
PAGE, RESULTS = ROOT / "docs" / "performance.md", ROOT / "benchmarks" / "results"
PAGES = [PAGE, *(ROOT / "docs" / name for name in ("room.md", "inside.md", "pretraining.md"))]

#: Before each table of the page: which table of which file it is.
MARK = re.compile(r"<!-- table (\d+) of ([\w.-]+\.json) -->\n((?:\|.*\n)+)")

SPEED = Speed("128", 8, 1024, 32, "float32", "sdpa", 4.0, 2.0, 1e-6, 1.0, 4e9, 4e9, "CPU")


def test_the_share_of_the_limit() -> None:
    """What a pass would take at the speed of a matrix product, beside what it takes."""
    assert SPEED.limit == 1024  # 4e9 operations at 4e9 a second
    assert SPEED.share == 0.5
    assert SPEED.ratio == 2.0


def test_results_go_there_and_back(tmp_path) -> None:
    found = Results("pocket", "cpu", [SPEED], [SPEED], [Memory(16, "float32", 300, None)])
    path = tmp_path / "found.json"
    write_tables(path, "a machine", found.tables(), "engine.py", found)
    assert read_tables(path) == found.tables()
    # The numbers count, not the text that was made of them.
    content = json.loads(path.read_text())
    content["tables"][0]["rows"] = [["of another run"]]
    path.write_text(json.dumps(content))
    assert read_tables(path) == found.tables()
    table = Table("T", ("a", "b"), (("1", "2"),), "Said.")
    write_tables(path, "a machine", [table], "other.py")
    assert read_tables(path) == [table]
    assert "CPU seconds" in found.tables()[0].note


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"tables": [{}]}', '{"tables": [1]}'])
def test_other_files_are_refused(tmp_path, content) -> None:
    path = tmp_path / "other.json"
    path.write_text(content)
    with pytest.raises(InputError, match="holds no tables"):
        read_tables(path)


def test_one_thread_is_measured_in_cpu_seconds(monkeypatch) -> None:
    for threads, clock in ((1, "CPU"), (2, "wall")):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        assert clock_of(CPU) == clock
    assert clock_of(torch.device("cuda")) == "wall"


def test_what_a_machine_cannot_give_is_said(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    single, both = [torch.float32], [torch.float32, torch.bfloat16]

    def said(dtypes, features) -> list[str]:
        return [reason.partition(":")[0] for reason in missing_rows(CPU, dtypes, features)]

    old = ["GPU", "bfloat16 on a CPU", "bfloat16 with AMX", "int8 with VNNI"]
    assert said(single, ["avx2"]) == old
    assert said(single, ["avx512_bf16", "avx512_vnni"]) == [
        "GPU",
        "bfloat16",
        "bfloat16 with AMX",
        "int8",
    ]
    assert said(both, ["avx512_bf16", "amx_bf16", "amx_int8"]) == ["GPU", "int8"]
    assert missing_rows(torch.device("cuda"), both, []) == []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert "--device cuda" in missing_rows(CPU, both, [])[0]


@pytest.mark.skipif(not PAGE.is_file(), reason="not a checkout: docs/ is not there")
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_table_of_the_page_is_a_files(path) -> None:
    page = path.read_text(encoding="utf-8")
    marked = MARK.findall(page)
    assert marked
    if path.name != "pretraining.md":  # which has tables of settings
        assert len(marked) == len(re.findall(r"^\|[-|]+\|$", page, re.M)), "a table without a file"
    for number, name, text in marked:
        table = read_tables(RESULTS / name)[int(number) - 1]
        lines = table.markdown().splitlines()
        assert text.splitlines() == [line for line in lines if line.startswith("|")], name
