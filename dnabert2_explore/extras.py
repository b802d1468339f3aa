"""What the plain install leaves out, and the sentence that says how to have it.

The plain install is the encoder, the analyses, figures and the command line: what a server needs
that embeds. Views, UMAP and training on several devices bring packages that only they use.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .errors import ExploreError

__all__ = ["EXTRAS", "MissingExtra", "installed_by", "require", "translated"]

#: Extra of pyproject.toml -> modules that are there with it and not without.
EXTRAS = {
    "widgets": ("ipywidgets", "anywidget", "jupyterlab", "voila"),
    "umap": ("umap",),
    "training": ("accelerate", "peft"),
}
_OF = {module: extra for extra, modules in EXTRAS.items() for module in modules}


class MissingExtra(ExploreError, ImportError):  # noqa: N818 - says what is missing
    """Something that an extra of the package brings is asked for and not installed."""


def installed_by(extra: str) -> str:
    """Say how an extra is had. The package is in no index: its name there would be another's.

    Examples
    --------
    >>> installed_by("umap")
    'run python -m pip install -c constraints.txt -e ".[umap]" in the checkout'
    """
    return f'run python -m pip install -c constraints.txt -e ".[{extra}]" in the checkout'


def _sentence(module: str) -> str:
    extra = _OF[module]
    return (
        f"{module} is not installed, which comes with the extra [{extra}]: {installed_by(extra)}."
    )


@contextmanager
def translated() -> Iterator[None]:
    """Say of a module that is missing which extra it comes with.

    Raises
    ------
    MissingExtra
        In place of the ModuleNotFoundError of a module in `EXTRAS`.

    Examples
    --------
    >>> with translated():
    ...     raise ModuleNotFoundError("No module named 'umap'", name="umap")
    Traceback (most recent call last):
    dnabert2_explore.extras.MissingExtra: umap is not installed, which comes with the extra ...
    """
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module not in _OF:
            raise
        raise MissingExtra(_sentence(module)) from error


def require(extra: str) -> None:
    """Refuse to begin what cannot end: every module of an extra is there.

    Raises
    ------
    MissingExtra
        If one is not.
    """
    from importlib.util import find_spec

    for module in EXTRAS[extra]:
        try:
            found = find_spec(module) is not None
        except ValueError:  # sys.modules[module] is None: its import is forbidden
            found = False
        if not found:
            raise MissingExtra(_sentence(module))
