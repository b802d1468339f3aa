"""Analyses of a network on a device that is not the CPU: the same numbers."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import dnabert2_explore as dx
from dnabert2_explore.analysis.methods import METHODS
from dnabert2_explore.encoder.loading import load as loading

from ..analyses import CLASSES, MASKED, arrays, attributed
from ..elsewhere import ELSEWHERE, elsewhere


@pytest.fixture(scope="module")
def there(model_folder, classifier_folder):
    """Both networks, on the stand-in."""
    with elsewhere(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "find_device", lambda name: ELSEWHERE)
        return {
            folder: dx.load(folder, attention="sdpa", cache=False)
            for folder in (model_folder, classifier_folder)
        }


def compare(here, there, call) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = arrays(call(here))
        with elsewhere():
            found = arrays(call(there))
    assert expected
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.mark.parametrize("name", MASKED)
def test_of_a_masked_language_model(enc, there, model_folder, name) -> None:
    compare(enc, there[model_folder], MASKED[name])


@pytest.mark.parametrize("name", CLASSES)
def test_of_a_classifier(classifier, there, classifier_folder, name) -> None:
    compare(classifier, there[classifier_folder], CLASSES[name])


@pytest.mark.parametrize("method", METHODS)
def test_every_method(classifier, there, classifier_folder, method) -> None:
    compare(classifier, there[classifier_folder], lambda enc: attributed(enc, method))
