"""What editors complete is what there is."""

from __future__ import annotations

from typing import get_args

from dnabert2_explore.analysis import names
from dnabert2_explore.analysis.attribution import BASELINES, METHODS, OUTPUTS, SPREADS
from dnabert2_explore.analysis.gym import SWEEPS
from dnabert2_explore.analysis.motifs import CALLERS


def test_names_are_those_that_exist():
    for literal, known in (
        (names.Method, METHODS),
        (names.Baseline, BASELINES),
        (names.Spread, SPREADS),
        (names.Output, OUTPUTS),
        (names.SweepName, SWEEPS),
        (names.Caller, CALLERS),
    ):
        assert get_args(literal) == tuple(known)
