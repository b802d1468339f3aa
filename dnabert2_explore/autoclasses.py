"""Make transformers' Auto classes know DNABERT-2, without importing transformers.

``import dnabert2_explore`` has to stay light, yet afterwards ``AutoModel.from_pretrained`` should
load what this package saves. So the registration waits until transformers' own registry has been
imported, whoever imports it, and until the outermost import of transformers is done: within it,
half of what the networks need is not there yet.

Another package that claims the same ``model_type`` takes the Auto classes in silence when it is
imported later. Where it is installed its import is watched, and told of.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

from .errors import warn

__all__ = ["register_when_needed"]

#: The registry that every Auto class imports.
REGISTRY = "transformers.models.auto.configuration_auto"

#: The package known to claim ``model_type: dnabert2``, too.
RIVAL = "multimolecule"


def register_when_needed() -> None:
    """Register now if transformers' registry is there, else as soon as it is imported."""
    registered = REGISTRY in sys.modules
    if registered:
        _register()
    watched = {type(finder) for finder in sys.meta_path}
    if not registered and _Finder not in watched:
        sys.meta_path.insert(0, _Finder())
    if RIVAL not in sys.modules and _RivalFinder not in watched and PathFinder.find_spec(RIVAL):
        sys.meta_path.insert(0, _RivalFinder())


def _register() -> None:
    """Import the networks, which register themselves in the end."""
    try:
        importlib.import_module("dnabert2_explore.network.modeling")
    except ImportError as error:
        # Whoever asked for transformers gets it; ours would only have been an addition.
        warn(
            f"transformers' Auto classes do not know dnabert2 ({error}): mend the installation of "
            "dnabert2-explore, or load models by dnabert2_explore.load.",
        )


class _Finder(MetaPathFinder):
    """Finds transformers' modules as everybody else would, and notices when they are imported."""

    def __init__(self) -> None:
        self._depth = threading.local()  # of imports within imports

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Wrap the loader of a module of transformers; leave all others alone."""
        if fullname != "transformers" and not fullname.startswith("transformers."):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Watched(spec.loader, self)
        return spec

    def enter(self) -> None:
        """Note that an import begins."""
        self._depth.value = getattr(self._depth, "value", 0) + 1

    def leave(self) -> None:
        """Note that one has ended; after the outermost, register."""
        self._depth.value -= 1
        if self._depth.value == 0 and REGISTRY in sys.modules and self in sys.meta_path:
            sys.meta_path.remove(self)
            _register()


class _RivalFinder(MetaPathFinder):
    """Finds the other package as everybody else would, and notices when it is imported."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Wrap the loader of the package; leave all else alone."""
        if fullname != RIVAL:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Watched(spec.loader, self)
        return spec

    def enter(self) -> None:
        """Once is enough."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def leave(self) -> None:
        """Say whose the Auto classes are now, if ours have been registered."""
        registry = sys.modules.get("dnabert2_explore.network.registry")
        if registry is not None:
            registry.warn_of_rival()


class _Watched(Loader):
    """A module's own loader, and a word to the finder before and after."""

    def __init__(self, loader: Loader, finder: _Finder | _RivalFinder) -> None:
        self._loader = loader
        self._finder = finder

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave it to the module's own loader."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Put the module's own loader back, so that nothing shows of this one, and run it."""
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._loader
        self._finder.enter()
        try:
            self._loader.exec_module(module)
        finally:
            self._finder.leave()
