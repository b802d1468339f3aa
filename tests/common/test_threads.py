"""How many threads torch uses is the caller's choice, whatever runs meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from dnabert2_explore.common.threads import torch_threads

PROGRAM = """
import torch
import numpy as np
from dnabert2_explore import match_motifs, scan_motifs
from dnabert2_explore.analysis.project import project
from dnabert2_explore.sequences.motifs.motif import Motif

word = Motif.of_word("TGACTCA")
torch.set_num_threads(3)
before = torch.get_num_threads()  # which also makes torch take the number over
{}
print(before, torch.get_num_threads())
"""
# What runs numba's loops.
CALLS = (
    "scan_motifs('ACGTTGACTCATACGT' * 4, [word], threshold=1e-3)",
    "match_motifs([word], [word] * 60)",
    "project(np.random.default_rng(0).normal(size=(40, 4)))",
)


def test_the_number_comes_back_after_success_and_after_an_error():
    before = torch.get_num_threads()
    with torch_threads(before + 2):
        assert torch.get_num_threads() == before + 2
    assert torch.get_num_threads() == before

    @torch_threads()
    def careless():
        torch.set_num_threads(before + 1)
        raise KeyError

    with pytest.raises(KeyError):
        careless()
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("call", CALLS)
def test_numba_does_not_change_the_threads_of_torch(call):
    # In a process of its own: only numba's first parallel loop sets the threads of OpenMP.
    environment = os.environ | {"NUMBA_NUM_THREADS": "2"}
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(call)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == ["3", "3"]


def test_looking_at_points_does_not_load_torch():
    program = "import sys, dnabert2_explore.analysis.project as p; print('torch' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert told.stdout.strip() == "False", told.stderr
