"""Explorers on small random models, without a browser."""

from __future__ import annotations

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore import Sequence
from dnabert2_explore.widgets.core import jobs

from ..conftest import random_bases


@pytest.fixture(scope="session")
def encoder(model_folder):
    return dx.load(model_folder, device="cpu")


@pytest.fixture(scope="session")
def classifier(classifier_folder):
    return dx.load(classifier_folder, device="cpu")


@pytest.fixture(scope="session")
def sequences():
    return [
        Sequence(
            f"s{i}",
            random_bases(160 + 5 * i, seed=i, alphabet="ACGT" if i % 2 else "AACGTT"),
            label="ab"[i % 2],
            fields={"species": f"species {i % 3}", "category": "virus" if i % 2 else "fungi"},
        )
        for i in range(8)
    ]


@pytest.fixture(autouse=True)
def _no_umap_process(monkeypatch):
    """PCA in place of UMAP's process: its compiler would take most of the test's time."""
    from dnabert2_explore.analysis.project import fit_projection
    from dnabert2_explore.widgets.atlas.mapping import maps

    def quick(embeddings, new, seed, check, method="umap", dimensions=2):
        check()
        made = fit_projection(embeddings, method="pca", seed=seed, dimensions=dimensions)
        radii = made.plane[:, :2] ** 2 if method == "densmap" else None
        return -np.concatenate([made.plane, made.transform(new)]), radii

    monkeypatch.setattr(maps, "project_apart", quick)


@pytest.fixture(autouse=True)
def _no_job_outlives_its_test():
    """Work that still runs holds back warnings of the next test, and its processor."""
    yield
    with jobs._guard:
        left = list(jobs._running)
    for job in left:
        job.cancel()
    for job in left:
        job.wait(20)


def event(view, **content):
    """What the browser would send."""
    view.plot._handle_custom_msg(content, [])
