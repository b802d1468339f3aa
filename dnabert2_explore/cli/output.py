"""Writing results: never over an existing file unasked, never half a file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError

__all__ = ["check_output", "replacing"]


def check_output(path: Path, force: bool) -> None:
    """Refuse an output that cannot or must not be written; called before the long work starts.

    Raises
    ------
    InputError
        If ``path`` exists and ``force`` is false, is a folder or another special file, or its
        folder does not exist.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder; expected the name of a file to write")
    if not path.parent.is_dir():
        raise InputError(f"the folder {path.parent} does not exist; make it first")
    if path.exists() and not path.is_file():
        raise InputError(f"{path} is no regular file; expected the name of a file to write")
    if path.exists() and not force:
        raise InputError(f"{path} exists; pass --force to replace it, or choose another name")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that takes its place when the block succeeds.

    A reader never sees half a result, and a run that fails leaves what was there before. Where
    `path` is a symbolic link, the file it points to is replaced.
    """
    path = path.resolve()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes the file private; results get the permissions any new file would.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
