"""One encoder in several threads at once, as a widget's background work and a cell use it."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from dnabert2_explore.analysis.attend import attend
from dnabert2_explore.analysis.attribution import attribute


@pytest.fixture
def impatient():
    """Let threads take turns so often that what can interleave does."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def test_hooks_of_one_thread_are_not_seen_by_another(classifier, bases, impatient):
    other = bases[:120]
    steps = {"n_steps": 6}
    expected = (
        attribute(classifier, bases, **steps).token_scores,
        classifier.embed([other] * 2),
        attend(classifier, other).keys,
        classifier.predict([other]),
    )
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            jobs = (
                pool.submit(lambda: attribute(classifier, bases, **steps).token_scores),
                pool.submit(lambda: classifier.embed([other] * 2)),
                pool.submit(lambda: attend(classifier, other).keys),
                pool.submit(lambda: classifier.predict([other])),
            )
            for job, wanted in zip(jobs, expected, strict=True):
                np.testing.assert_allclose(job.result(), wanted, rtol=1e-4, atol=1e-6)
