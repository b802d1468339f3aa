"""What editors complete is what there is."""

from __future__ import annotations

from typing import get_args

from dnabert2_explore.analysis.attribution import BASELINES, METHODS, OUTPUTS, SPREADS
from dnabert2_explore.analysis.enrichment.strata import MATCHES
from dnabert2_explore.analysis.gym import SWEEPS
from dnabert2_explore.analysis.motifs import CALLERS
from dnabert2_explore.analysis.project import METHODS as LAYOUTS
from dnabert2_explore.analysis.umaps import ENGINES
from dnabert2_explore.analysis.variants.scorer import STRANDS
from dnabert2_explore.common import names
from dnabert2_explore.encoder.loading.precision import DTYPES
from dnabert2_explore.encoder.vectors.pooling import POOLINGS
from dnabert2_explore.network.attention import BACKENDS
from dnabert2_explore.sequences.motifs.jaspar import COLLECTIONS


def test_names_are_those_that_exist():
    for literal, known in (
        (names.Method, METHODS),
        (names.Baseline, BASELINES),
        (names.Spread, SPREADS),
        (names.Output, OUTPUTS),
        (names.SweepName, SWEEPS),
        (names.Caller, CALLERS),
        (names.Pooling, POOLINGS),
        (names.DType, ("auto", *DTYPES)),
        (names.Backend, ("auto", *BACKENDS)),
        (names.Layout, LAYOUTS),
        (names.Engine, ENGINES),
        (names.Matching, MATCHES),
        (names.Strands, STRANDS),
        (names.Collection, COLLECTIONS),
    ):
        assert get_args(literal) == tuple(known)
