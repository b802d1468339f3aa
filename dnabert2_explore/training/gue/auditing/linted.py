"""A second opinion on a dataset: what seqleak, a linter for such benchmarks, says of its files."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....errors import InputError

if TYPE_CHECKING:
    from ..files import DatasetFiles

__all__ = ["Linted", "lint"]


@dataclass(frozen=True, slots=True)
class Linted:
    """Verdict of seqleak (Tomar 2026, Apache-2.0), the worst of its checks: fail, warn or pass.

    Of the checks that do not pass the value is kept: a share of test, or the score of a rule.
    """

    version: str
    verdict: str
    fail: dict[str, float | None]
    warn: dict[str, float | None]


def lint(found: DatasetFiles, seed: int = 0) -> Linted:
    """Let seqleak look at the files of a dataset, which has dev and test; a few CPU seconds.

    Where train.csv is missing, dev takes its place, as for the rules of the audit. Checks that need
    more than the files (genomes, BLAST) are left out by it. The seed is of its folds and resamples.
    That it is not installed, or refuses the files, is an `InputError`. seqleak 0.4.1,
    https://github.com/tejasvi/seqleak, doi:10.5281/zenodo.23605245.
    """
    try:
        from seqleak import __version__, audit
    except ImportError as error:
        raise InputError(
            'seqleak is not installed: `pip install -c constraints.txt -e ".[audit]"`, or audit '
            "without it."
        ) from error
    first = "train" if "train" in found.files else "dev"
    splits = {"train": [str(found.files[first])], "test": [str(found.files["test"])]}
    if first == "train":
        splits["dev"] = [str(found.files["dev"])]
    try:
        task = audit.load_task(**splits)
        with tempfile.TemporaryDirectory() as folder:
            report, _ = audit.run_audit(task, quiet=True, seed=seed, workdir=str(Path(folder)))
    except audit.InputError as error:
        raise InputError(f"{found.dataset.name}: seqleak refuses the files: {error}") from error
    verdict, checks = report["verdict"], report["checks"]
    return Linted(
        __version__,
        verdict["status"].lower(),
        *({name: _value(checks[name]) for name in verdict[level]} for level in ("fail", "warn")),
    )


def _value(check: Mapping[str, Any]) -> float | None:
    value = check.get("value")
    return None if value is None else float(value)
