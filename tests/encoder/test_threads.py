"""How many threads torch uses is the caller's choice, whatever runs meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from dnabert2_explore.encoder.threads import torch_threads

SCAN = """
import torch
from dnabert2_explore import Sequence, scan_motifs
from dnabert2_explore.sequences.motifs import Motif

torch.set_num_threads(3)
before = torch.get_num_threads()  # which also makes torch take the number over
scan_motifs([Sequence("s", "ACGTTGACTCATACGT" * 4)], [Motif.of_word("TGACTCA")], 1e-3)
print(before, torch.get_num_threads())
"""


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


def test_numba_does_not_change_the_threads_of_torch():
    # In a process of its own: only numba's first parallel loop sets the threads of OpenMP.
    environment = os.environ | {"NUMBA_NUM_THREADS": "2"}
    told = subprocess.run(
        [sys.executable, "-c", SCAN], env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == ["3", "3"]
